"""Building a home: a copy of the template schema, made of the catalogue's own definitions, without any data."""

from dataclasses import dataclass
from typing import Any

from psycopg import sql

# Stands for a home's schema in what was written down once for all of them.
PLACE = "t_00000000000000000000000000000000"
# Names the migrations that a schema has behind it, on its `django_migrations`.
RECORD = "md5(string_agg(app || '.' || name, ',' ORDER BY app, name))"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a home that is a copy of a template is made of. record: names the template's migrations; script: its SQL, with PLACE for its schema."""

    record: str
    tables: tuple[str, ...]
    script: str


_plans: dict[str, Plan] = {}


def plan_of(cursor: Any, source: str) -> Plan:
    """The plan of a template, written down once: to ask the catalogue for one schema's definitions takes the longer the more homes there are."""
    cursor.execute(sql.SQL(f"SELECT {RECORD} FROM {{}}.django_migrations").format(sql.Identifier(source)).as_string(None))
    record = str(cursor.fetchone()[0])
    known = _plans.get(source)
    if known is None or known.record != record:
        known = _plans[source] = _drawn(cursor, source, record)
    return known


def _drawn(cursor: Any, source: str, record: str) -> Plan:
    cursor.execute(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relkind = 'r' ORDER BY 1", [source]
    )
    tables = tuple(row[0] for row in cursor.fetchall())
    like = "CREATE TABLE {}.{} (LIKE {}.{} INCLUDING ALL EXCLUDING INDEXES)"
    statements: list[sql.Composable] = [sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(PLACE))]
    statements += [sql.SQL(like).format(*map(sql.Identifier, (PLACE, table, source, table))) for table in tables]
    statements += _keys(cursor, source, PLACE) + _indexes(cursor, source, PLACE) + _foreign_keys(cursor, source, PLACE)
    statements.append(sql.SQL("INSERT INTO {}.django_migrations (app, name, applied) SELECT app, name, applied FROM {}.django_migrations ORDER BY id").format(
        sql.Identifier(PLACE), sql.Identifier(source)))  # fmt: skip
    return Plan(record, tables, sql.SQL("; ").join(statements).as_string(None))


def clone(cursor: Any, *, source: str, target: str) -> Plan:
    """Make the schema `target` with the tables, indexes and constraints of `source`, and its record of migrations. Gives what it was made by."""
    plan = plan_of(cursor, source)
    cursor.execute(plan.script.replace(PLACE, target))
    return plan


def _keys(cursor: Any, source: str, target: str) -> list[sql.Composable]:
    """LIKE would make up new names for keys and indexes, and a later migration would look for the template's in vain."""
    cursor.execute(
        "SELECT c.relname, k.conname, pg_get_constraintdef(k.oid) FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid "
        "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND k.contype IN ('p', 'u', 'x') ORDER BY 1, 2",
        [source],
    )
    add = "ALTER TABLE {}.{} ADD CONSTRAINT {} {}"
    return [sql.SQL(add).format(*map(sql.Identifier, (target, table, name)), sql.SQL(text)) for table, name, text in cursor.fetchall()]


def _indexes(cursor: Any, source: str, target: str) -> list[sql.Composable]:
    """The indexes that no constraint made. Their definitions name the table with its schema, once."""
    cursor.execute(
        "SELECT pg_get_indexdef(i.indexrelid), format(' ON %%I.%%I ', n.nspname, t.relname), t.relname FROM pg_index i "
        "JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace "
        "WHERE n.nspname = %s AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')) ORDER BY 1",
        [source],
    )
    made: list[sql.Composable] = []
    for definition, place, table in cursor.fetchall():
        head, found, tail = definition.partition(place)
        if not found:
            raise ValueError(f"an index whose definition names no table: {definition}")
        made.append(sql.SQL("{} ON {}.{} {}").format(sql.SQL(head), sql.Identifier(target), sql.Identifier(table), sql.SQL(tail)))
    return made


def _foreign_keys(cursor: Any, source: str, target: str) -> list[sql.Composable]:
    """LIKE copies no foreign keys. Their definitions name the source schema only where it is not on the path."""
    cursor.execute(
        "SELECT c.relname, k.conname, f.relname, pg_get_constraintdef(k.oid) FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid "
        "JOIN pg_class f ON f.oid = k.confrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND k.contype = 'f' ORDER BY 1, 2",
        [source],
    )
    made: list[sql.Composable] = []
    for table, name, other, definition in cursor.fetchall():
        columns = definition.split("REFERENCES")[0]
        tail = definition.split("(", 2)[2]
        reference = sql.SQL("ALTER TABLE {}.{} ADD CONSTRAINT {} {}REFERENCES {}.{}({}").format(
            sql.Identifier(target), sql.Identifier(table), sql.Identifier(name), sql.SQL(columns), sql.Identifier(target), sql.Identifier(other), sql.SQL(tail)
        )
        made.append(reference)
    return made


def drop(cursor: Any, *, schema: str) -> None:
    """Remove a schema with all that is in it."""
    cursor.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)).as_string(cursor.connection))
