"""Building a home: a copy of the template schema, made of the catalogue's own definitions, without any data."""

from typing import Any

from psycopg import sql


def clone(cursor: Any, *, source: str, target: str) -> None:
    """Make the schema `target` with the tables, indexes and constraints of `source`, and its record of migrations."""
    cursor.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(target)).as_string(cursor.connection))
    cursor.execute(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relkind = 'r' ORDER BY 1", [source]
    )
    tables = [row[0] for row in cursor.fetchall()]
    statements = [sql.SQL("CREATE TABLE {}.{} (LIKE {}.{} INCLUDING ALL)").format(*map(sql.Identifier, (target, table, source, table))) for table in tables]
    statements += _foreign_keys(cursor, source, target)
    statements.append(sql.SQL("INSERT INTO {}.django_migrations (app, name, applied) SELECT app, name, applied FROM {}.django_migrations ORDER BY id").format(
        sql.Identifier(target), sql.Identifier(source)))  # fmt: skip
    cursor.execute(sql.SQL("; ").join(statements).as_string(cursor.connection))


def _foreign_keys(cursor: Any, source: str, target: str) -> list[sql.Composed]:
    """LIKE copies no foreign keys. Their definitions name the source schema only where it is not on the path."""
    cursor.execute(
        "SELECT c.relname, k.conname, f.relname, pg_get_constraintdef(k.oid) FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid "
        "JOIN pg_class f ON f.oid = k.confrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND k.contype = 'f' ORDER BY 1, 2",
        [source],
    )
    made = []
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
