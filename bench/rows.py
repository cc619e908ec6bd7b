"""The floor of the exchange: the rows that one publication writes on both sides, by plain SQL in one transaction.

The rows are not listed here: they are read from the tables after a real publication, and written again under new keys into
another pair's homes. So the floor follows whatever the portal comes to write.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from apps.base import clock
from apps.base.acting import act_as
from apps.base.models import new_id
from apps.documents import services as documents
from bench import ground, stage

Row = dict[str, Any]
# Columns that the database fills.
FILLED = ("epoch", "xid")


@dataclass(frozen=True)
class Pattern:
    """What one publication left: the row that it changed and the step that it added at the buyer, the envelope, and all at the seller."""

    changed: Row
    said: Row
    envelope: Row
    document: Row
    lines: Sequence[Row]
    schedules: Sequence[Row]
    heard: Row


def connect() -> psycopg.Connection[Row]:
    """As a superuser, whom no policy slows down."""
    return psycopg.connect(ground.login("superuser"), row_factory=dict_row)


def read(pair: stage.Pair, document: uuid.UUID) -> Pattern:
    """The rows of a published order."""
    with connect() as connection:

        def rows(query: str) -> list[Row]:
            return connection.execute(query.encode(), {"id": document}).fetchall()

        buyer, seller = f'"{pair.buyer.schema}"', f'"{pair.seller.schema}"'
        return Pattern(
            changed=rows(f"SELECT * FROM {buyer}.documents_document WHERE id = %(id)s")[0],
            said=rows(f"SELECT * FROM {buyer}.documents_step WHERE document_id = %(id)s AND move = 'publish'")[0],
            envelope=rows("SELECT * FROM exchange_envelope WHERE document = %(id)s")[0],
            document=rows(f"SELECT * FROM {seller}.documents_document WHERE id = %(id)s")[0],
            lines=rows(f"SELECT * FROM {seller}.documents_line WHERE document_id = %(id)s"),
            schedules=rows(f"SELECT s.* FROM {seller}.documents_schedule s JOIN {seller}.documents_line l ON l.id = s.line_id WHERE l.document_id = %(id)s"),
            heard=rows(f"SELECT * FROM {seller}.documents_step WHERE document_id = %(id)s")[0],
        )


def open_channel(pair: stage.Pair) -> None:
    """Send one order, so that the pair's channel and cursor are there."""
    first = stage.draft(pair.buyer, pair.seller)
    with act_as(pair.buyer, by=stage.BY):
        documents.apply(document=first, move="publish", by=stage.BY, at=clock.now())


@dataclass(frozen=True)
class Parcel:
    """The values of one order, ready to be written."""

    changed: Row
    said: Row
    envelope: Row
    document: Row
    lines: Sequence[Row]
    schedules: Sequence[Row]
    heard: Row


def _renewed(row: Mapping[str, Any], **new: Any) -> Row:
    """A row under new keys; JSON columns as psycopg wants them."""
    kept = {name: Jsonb(value) if isinstance(value, dict | list) else value for name, value in row.items() if name not in FILLED}
    return {**kept, **new}


def _parcel(pattern: Pattern, pair: stage.Pair, channel: uuid.UUID) -> Parcel:
    id, number = new_id(), stage.number()
    items = {"item_id": None}
    with_keys = [(_renewed(line, id=new_id(), document_id=id, **items), line["id"]) for line in pattern.lines]
    by_old = {old: line["id"] for line, old in with_keys}
    return Parcel(
        changed=_renewed(pattern.changed, id=id, number=number, partner_id=pair.seller.id, issuer_id=pair.buyer.id),
        said=_renewed(pattern.said, id=new_id(), document_id=id),
        envelope=_renewed(pattern.envelope, channel_id=channel, sender_id=pair.buyer.id, receiver_id=pair.seller.id, document=id),
        document=_renewed(pattern.document, id=id, number=number, partner_id=pair.buyer.id, issuer_id=pair.buyer.id),
        lines=[line for line, _old in with_keys],
        schedules=[_renewed(row, id=new_id(), line_id=by_old[row["line_id"]]) for row in pattern.schedules],
        heard=_renewed(pattern.heard, id=new_id(), document_id=id),
    )


class Writer:
    """Writes parcels over one connection, with one statement a table."""

    def __init__(self, connection: psycopg.Connection[Row], pair: stage.Pair) -> None:
        self._connection = connection
        self._buyer, self._seller = f'"{pair.buyer.schema}".', f'"{pair.seller.schema}".'
        found = connection.execute("SELECT id FROM exchange_channel WHERE sender_id = %s AND receiver_id = %s", [pair.buyer.id, pair.seller.id]).fetchone()
        assert found is not None
        self.channel: uuid.UUID = found["id"]

    def prepare(self, parcel: Parcel) -> None:
        """The buyer's draft, which stands before it is published."""
        self._insert(f"{self._buyer}documents_document", [{**parcel.changed, "state": "draft", "version": 1, "own_said": 0}])

    def write(self, parcel: Parcel) -> None:
        """Everything that the publication of one order writes, in one transaction."""
        with self._connection.transaction():
            self._update(f"{self._buyer}documents_document", parcel.changed)
            self._insert(f"{self._buyer}documents_step", [parcel.said])
            head = self._connection.execute(
                "UPDATE exchange_channel SET head = head + 1, digest = %s WHERE id = %s RETURNING head", [parcel.envelope["digest"], self.channel]
            ).fetchone()
            assert head is not None
            self._insert("exchange_envelope", [{**parcel.envelope, "seq": head["head"]}])
            self._insert(f"{self._seller}documents_document", [parcel.document])
            self._insert(f"{self._seller}documents_line", parcel.lines)
            self._insert(f"{self._seller}documents_schedule", parcel.schedules)
            self._insert(f"{self._seller}documents_step", [{**parcel.heard, "envelope": head["head"]}])
            self._connection.execute(
                "UPDATE exchange_cursor SET delivered = %s, digest = %s, halted_at = NULL, reason = '', attempts = 0 WHERE channel_id = %s",
                [head["head"], parcel.envelope["digest"], self.channel],
            )

    def _insert(self, table: str, rows: Sequence[Row]) -> None:
        columns = ", ".join(f'"{name}"' for name in rows[0])
        places = ", ".join([f"({', '.join(['%s'] * len(rows[0]))})"] * len(rows))
        self._connection.execute(f"INSERT INTO {table} ({columns}) VALUES {places}".encode(), [value for row in rows for value in row.values()])

    def _update(self, table: str, row: Row) -> None:
        changing = documents.storing.CHANGING
        sets = ", ".join(f'"{name}" = %s' for name in changing)
        self._connection.execute(f"UPDATE {table} SET {sets} WHERE id = %s".encode(), [*(row[name] for name in changing), row["id"]])


def write(*, pattern: Pattern, pair: stage.Pair, count: int) -> Iterator[None]:
    """A client's share: write orders, one after the other."""
    with connect() as connection:
        writer = Writer(connection, pair)
        parcels = [_parcel(pattern, pair, writer.channel) for _order in range(count)]
        for parcel in parcels:
            writer.prepare(parcel)
        connection.commit()
        connection.autocommit = True
        yield
        for parcel in parcels:
            writer.write(parcel)
            yield
