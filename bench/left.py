"""The floor of a promise, or of other work: the rows that it left in all homes and in the log, written again by plain SQL in one transaction.

The rows are not listed here: they are read from the tables, by the transaction that wrote them, and written under new keys into tables of
the same shape, with the same indexes. So the floor follows whatever the portal comes to write.
"""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from apps.base.models import new_id
from bench import rows

Row = dict[str, Any]
PUBLIC = ("exchange_envelope", "exchange_channel", "exchange_cursor")
# What stands before the promise and is changed by it: the column that names the row, and those that are written.
CHANGED = {"exchange_channel": ("id", "head", "digest"), "exchange_cursor": ("id", "delivered", "digest", "halted_at", "reason", "attempts")}
SHAPES = "bench_floor"


@dataclass(frozen=True)
class Left:
    """What one transaction left, by the schema and the name of the table."""

    rows: dict[tuple[str, str], list[Row]]

    @property
    def count(self) -> int:
        return sum(len(found) for found in self.rows.values())


def now() -> int:
    """A transaction before which everything was written that stands now."""
    with rows.connect() as connection:
        found = connection.execute("SELECT pg_current_xact_id()::text::bigint AS xid").fetchone()
    assert found is not None
    return int(found["xid"])


def since(xid: int, schemas: Sequence[str]) -> Left:
    """The rows in these homes and in the log that were written after a transaction; nobody else may have written meanwhile."""
    found: dict[tuple[str, str], list[Row]] = {}
    with rows.connect() as connection:
        tables = connection.execute("SELECT tablename AS name FROM pg_tables WHERE schemaname = %s ORDER BY 1", [schemas[0]]).fetchall()
        places = [(schema, table["name"]) for schema in schemas for table in tables] + [("public", name) for name in PUBLIC]
        for place in places:
            query = sql.SQL("SELECT * FROM {} WHERE xmin::text::bigint > %s").format(sql.Identifier(*place))
            if left := connection.execute(query, [xid]).fetchall():
                found[place] = left
    return Left(found)


def shape(left: Left) -> None:
    """Make the tables into which the floor writes."""
    with rows.connect() as connection:
        connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(SHAPES)))
        for place in left.rows:
            made = sql.SQL("CREATE TABLE IF NOT EXISTS {} (LIKE {} INCLUDING ALL)").format(_shaped(place), sql.Identifier(*place))
            connection.execute(made)
            if place[1] in CHANGED:
                copied = sql.SQL("INSERT INTO {} SELECT * FROM {} ON CONFLICT DO NOTHING").format(_shaped(place), sql.Identifier(*place))
                connection.execute(copied)


def _shaped(place: tuple[str, str]) -> sql.Identifier:
    return sql.Identifier(SHAPES, f"{place[0][:20]}_{place[1]}")


class Writer:
    """Writes what was left, again and again, over one connection: one statement a table of a home."""

    def __init__(self, left: Left) -> None:
        self._left = left
        self._own = {row["id"] for place, found in left.rows.items() if place[1] not in CHANGED for row in found if "id" in row}
        self._columns = {place: [name for name in found[0] if name not in rows.FILLED] for place, found in left.rows.items()}
        self._connection: psycopg.Connection[Row] = rows.connect()
        self._connection.autocommit = True

    def close(self) -> None:
        self._connection.close()

    def write(self) -> float:
        """Write it once more; gives the seconds that the transaction took."""
        keys = {key: new_id() for key in self._own}
        ready = [(place, [self._renewed(row, keys) for row in found]) for place, found in self._left.rows.items() if place[1] not in CHANGED]
        changed = [(place, found) for place, found in self._left.rows.items() if place[1] in CHANGED]
        started = time.perf_counter()
        with self._connection.transaction():
            heads: dict[uuid.UUID, int] = {}
            for place, found in changed:
                heads |= self._change(place, found)
            for place, each in ready:
                if place[1] == "exchange_envelope":
                    for row in each:
                        row["seq"] = heads[row["channel_id"]]
                        heads[row["channel_id"]] -= 1
                self._insert(place, each)
        return time.perf_counter() - started

    def _renewed(self, row: Row, keys: dict[uuid.UUID, uuid.UUID]) -> Row:
        found = {name: Jsonb(value) if isinstance(value, dict | list) else keys.get(value, value) if isinstance(value, uuid.UUID) else value
                 for name, value in row.items() if name not in rows.FILLED}  # fmt: skip
        return {**found, "number": str(keys[row["id"]])} if "number" in found and "type" in found else found

    def _change(self, place: tuple[str, str], found: Sequence[Row]) -> dict[uuid.UUID, int]:
        """Count the heads on by as many envelopes as were left, and write what else was changed; gives the new head of each channel."""
        heads: dict[uuid.UUID, int] = {}
        said = Counter(row["channel_id"] for row in self._left.rows.get(("public", "exchange_envelope"), ()))
        key, counted, *others = CHANGED[place[1]]
        sets = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in others)
        query = sql.SQL("UPDATE {} SET {c} = {c} + %s, {} WHERE {} = %s RETURNING {c} AS head").format(
            _shaped(place), sets, sql.Identifier(key), c=sql.Identifier(counted)
        )
        for row in sorted(found, key=lambda row: str(row[key])):
            head = self._connection.execute(query, [said[row[key]] or 1, *(row[name] for name in others), row[key]]).fetchone()
            assert head is not None
            heads[row[key]] = head["head"]
        return heads

    def _insert(self, place: tuple[str, str], found: Sequence[Row]) -> None:
        columns = self._columns[place]
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        one = sql.SQL("({})").format(sql.SQL(", ").join([sql.Placeholder()] * len(columns)))
        # A statement takes 65,535 values.
        most = 65_000 // len(columns)
        for start in range(0, len(found), most):
            part = found[start : start + most]
            query = sql.SQL("INSERT INTO {} ({}) VALUES {}").format(_shaped(place), names, sql.SQL(", ").join([one] * len(part)))
            self._connection.execute(query, [row[name] for row in part for name in columns])
