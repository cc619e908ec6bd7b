"""Between the engine's content and the tables: loading in two queries, writing in a handful, whatever the number of lines."""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection

from apps.base.acting import Actor
from apps.base.models import Batch, new_id
from apps.base.rows import json_of
from apps.documents import models
from apps.documents.services.folding import Content, Line, Offer, Schedule
from apps.documents.types import TYPES
from apps.documents.vocabulary import OTHER

ANSWER_COLUMNS = ["id", "quantity", "price", "response", "offered_price", "reason", "substitute", "answer_details", "agreed", "agreed_price"]
ASKED_COLUMNS = ["id", "document", "position", "reference", "item", "buyer_item", "seller_item", "gtin", "name", "quantity", "unit", "price", "price_base"]
LINE_COLUMNS = [*ASKED_COLUMNS, "note", "details", *ANSWER_COLUMNS[3:]]
LOADED = [name for name in LINE_COLUMNS if name not in ("document", "item")]
SCHEDULE_COLUMNS = ["id", "line", "kind", "position", "quantity", "due_on"]
STEP_COLUMNS = ["id", "document", "position", "own", "by", "by_id", "at", "move", "before", "after", "said", "seen", "overruled", "data", "envelope"]
CHANGING = [
    "state", "number", "currency", "note", "details", "issued_on", "amount", "due_on", "line_count", "updated_at", "version", "own_said", "partner_said",
    "seen_at", "answer_due_at", "answer_next_at", "answer_stage",
]  # fmt: skip
CLOCK = ["answer_due_at", "answer_next_at", "answer_stage"]
CREATED = ["id", "type", "side", "partner_id", "issuer_id", "created_at", *CHANGING]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A step about to be written: who moved, when, by which move, and what was said with it."""

    by: str
    by_id: uuid.UUID | None
    at: dt.datetime
    own: bool
    move: str
    said: int = 0
    seen: int = 0
    overruled: bool = False
    data: Mapping[str, Any] | None = None
    envelope: int | None = None
    id: uuid.UUID | None = None


def made_by(actor: Actor, *, at: dt.datetime, move: str, **more: Any) -> Made:
    """A step of one's own."""
    return Made(by=actor.name, by_id=actor.id, at=at, own=True, move=move, **more)


_HEADER = [field.attname for field in models.Document._meta.concrete_fields]
_LOCK = f"SELECT {', '.join(_HEADER)} FROM documents_document WHERE id = %s FOR UPDATE"
_DETAILS = _HEADER.index("details")


def locked(id: uuid.UUID) -> models.Document | None:
    """The header row, locked until the transaction ends; None where there is none here."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [id])
        row = cursor.fetchone()
    return models.Document.from_db("default", _HEADER, (*row[:_DETAILS], json_of(row[_DETAILS]), *row[_DETAILS + 1 :])) if row else None


_SCHEDULES = (
    "SELECT s.line_id, s.kind, s.id, s.quantity, s.due_on FROM documents_schedule s JOIN documents_line l ON l.id = s.line_id "
    "WHERE l.document_id = %s AND s.kind <> 'withdrawn' ORDER BY s.position"
)
_LINES = f"SELECT {', '.join(LOADED)} FROM documents_line WHERE document_id = %s ORDER BY position"


def content(id: uuid.UUID) -> Content | None:
    """A document of this home as the engine has it, None where there is none. Three queries."""
    row = models.Document.objects.filter(pk=id).first()
    return load(row) if row else None


def load(document: models.Document) -> Content:
    """What the tables hold of a document, for the engine. Two queries."""
    schedules: dict[tuple[uuid.UUID, str], list[Schedule]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_SCHEDULES, [document.pk])
        for line_id, kind, key, quantity, due_on in cursor.fetchall():
            schedules[line_id, kind].append(Schedule(key, quantity, due_on))
        cursor.execute(_LINES, [document.pk])
        lines = [_line(dict(zip(LOADED, row, strict=True)), schedules) for row in cursor.fetchall()]
    return Content(
        state=document.state,
        number=document.number,
        issued_on=document.issued_on,
        currency=document.currency,
        note=document.note,
        details=document.details,
        lines=lines,
    )


def _line(row: dict[str, Any], schedules: Mapping[tuple[uuid.UUID, str], list[Schedule]]) -> Line:
    key = row["id"]
    details, substitute, answer_details = (json_of(row.pop(name)) for name in ("details", "substitute", "answer_details"))
    response, offered_price, reason = row.pop("response"), row.pop("offered_price"), row.pop("reason")
    offer = Offer(response, offered_price, schedules.get((key, "offered"), []), reason, substitute, answer_details) if response else None
    agreed = schedules.get((key, "agreed"), []) if row.pop("agreed") else None
    return Line(requested=schedules.get((key, "requested"), []), details=details, offer=offer, agreed=agreed, **row)


def _line_row(document_id: uuid.UUID, line: Line, item: uuid.UUID | None) -> tuple[Any, ...]:
    head = (line.id, document_id, line.position, line.reference, item, line.buyer_item, line.seller_item, line.gtin, line.name)
    return (*head, line.quantity, line.unit, line.price, line.price_base, line.note, line.details, *_answer_row(line)[3:])


def _answer_row(line: Line) -> tuple[Any, ...]:
    offer = line.offer or Offer("", None, [])
    answer = (offer.response, offer.price, offer.reason, offer.substitute, offer.details)
    return (line.id, line.quantity, line.price, *answer, line.agreed is not None, line.agreed_price)


def _schedule_rows(line: Line) -> list[tuple[Any, ...]]:
    kinds = (("requested", line.requested), ("offered", line.offer.schedules if line.offer else []), ("agreed", line.agreed or []))
    return [(s.id, line.id, kind, position, s.quantity, s.due_on) for kind, schedules in kinds for position, s in enumerate(schedules)]


def store(document: models.Document, before: Content, after: Content, made: Made, *, items: Mapping[int, uuid.UUID | None] | None = None) -> models.Step:
    """Write what changed between two contents, and the step that changed it. The header row must be locked.

    items: one's own items of lines that are new, by their position.
    """
    old = {line.id: line for line in before.lines}
    fresh = [line for line in after.lines if line.id not in old]
    changed = [line for line in after.lines if line.id in old and line is not old[line.id] and line != old[line.id]]
    _forget(old.keys() - {line.id for line in after.lines})
    batch = Batch()
    insert_lines(batch, document.pk, fresh, items or {})
    step = add_step(batch, document, before.state, after.state, made)
    if changed:
        batch.update(models.Line, ANSWER_COLUMNS, [_answer_row(line) for line in changed])
        _replace_schedules(batch, [old[line.id] for line in changed], changed, step, count=TYPES[document.type].ordered)
    change_header(batch, document, after, made)
    batch.write()
    return step


def create(document: models.Document, content: Content, items: Mapping[int, uuid.UUID | None], *, before: str, made: Made,
           batch: Batch | None = None) -> models.Step:  # fmt: skip
    """Write a new document with its lines and its first step, and what is in the batch already. Raises IntegrityError where its number is taken."""
    batch = batch or Batch()
    document.created_at, document.version = made.at, 0
    step = add_step(batch, document, before, content.state, made)
    _fill_header(document, content, made)
    batch.insert(models.Document, CREATED, [[getattr(document, name) for name in CREATED]])
    insert_lines(batch, document.pk, content.lines, items)
    batch.write()
    return step


def insert_lines(batch: Batch, document_id: uuid.UUID, lines: Sequence[Line], items: Mapping[int, uuid.UUID | None]) -> None:
    """Write new lines with their schedules. items: one's own item by the position of the line."""
    batch.insert(models.Line, LINE_COLUMNS, [_line_row(document_id, line, items.get(line.position)) for line in lines])
    batch.insert(models.Schedule, SCHEDULE_COLUMNS, [row for line in lines for row in _schedule_rows(line)])


def change_header(batch: Batch, document: models.Document, content: Content, made: Made) -> None:
    """Write the header's columns for `content`."""
    _fill_header(document, content, made)
    touch_header(batch, document, CHANGING)


def touch_header(batch: Batch, document: models.Document, columns: Sequence[str]) -> None:
    """Write these columns of the header as they stand in `document`."""
    names = ["id", *columns]
    batch.update(models.Document, names, [[getattr(document, name) for name in names]])


def write_header(document: models.Document, columns: Sequence[str]) -> None:
    """Write these columns of the header, and nothing else."""
    batch = Batch()
    touch_header(batch, document, columns)
    batch.write()


def wind(document: models.Document, state: str, made: Made) -> None:
    """Say that the clock of what waits for an answer from now on is to be computed, or that nothing does any more.

    Whoever says something and is asked still, as by an acknowledgement, leaves the clock as it runs.
    """
    if made.overruled:
        return
    document_type = TYPES[document.type]
    asked = document_type.waits_for(state)
    before = document_type.waits_for(document.state) if document.state else None
    mover = document.side if made.own else OTHER[document.side]
    if asked is None:
        document.answer_due_at, document.answer_next_at, document.answer_stage = None, None, ""
    elif asked != before or mover != asked:
        document.answer_due_at, document.answer_next_at, document.answer_stage = None, made.at, ""


def _fill_header(document: models.Document, content: Content, made: Made) -> None:
    wind(document, content.state, made)
    document.state, document.number, document.currency = content.state, content.number, content.currency
    document.note, document.details, document.issued_on = content.note, content.details, content.issued_on
    document.amount, document.due_on, document.line_count = content.amount(), content.due_on(), len(content.lines)
    document.updated_at = made.at


def add_step(batch: Batch, document: models.Document, before: str, after: str, made: Made) -> models.Step:
    """Append a step to the history, and count it in the header's version (which the caller writes)."""
    document.version += 1
    if made.said and made.own:
        document.own_said = made.said
    elif made.said:
        document.partner_said = made.said
    if not made.own:
        document.seen_at = None
    step = models.Step(
        id=made.id or new_id(), document_id=document.pk, position=document.version, own=made.own, by=made.by, by_id=made.by_id, at=made.at, move=made.move,
        before=before, after=after, said=made.said, seen=made.seen, overruled=made.overruled, data=dict(made.data or {}), envelope=made.envelope,
    )  # fmt: skip
    row = [step.document_id if name == "document" else getattr(step, name) for name in STEP_COLUMNS]
    batch.insert(models.Step, STEP_COLUMNS, [row])
    return step


ScheduleRow = tuple[Any, ...]
"""A schedule by SCHEDULE_COLUMNS."""


def _replace_schedules(batch: Batch, old: Sequence[Line], new: Sequence[Line], step: models.Step, *, count: bool) -> None:
    """Exchange the schedules of changed lines. What was agreed once stays, withdrawn and with its quantities taken back."""
    gone, come = exchanged(old, new)
    withdrawn = [row for row in gone if row[2] == "agreed"]
    if dropped := [row[0] for row in gone if row[2] != "agreed"]:
        models.Schedule.objects.filter(id__in=dropped)._raw_delete("default")
    back = _withdrawn(come) if any(line.agreed is not None for line in old) else set()
    batch.update(models.Schedule, ["id", "kind"], [(row[0], "withdrawn") for row in withdrawn] + [(key, "agreed") for key in back])
    batch.insert(models.Schedule, SCHEDULE_COLUMNS, [row for row in come if row[0] not in back])
    rows = [(new_id(), schedule, step.pk, kind, quantity) for schedule, quantity in confirmed(gone, come) for kind in ("ordered", "confirmed")]
    batch.insert(models.Quantity, ["id", "schedule", "step", "kind", "quantity"], rows if count else [])


def _withdrawn(rows: Sequence[ScheduleRow]) -> set[uuid.UUID]:
    """Which of these were agreed once and withdrawn: what both said is folded anew where they spoke at once, and an agreement may hold again."""
    agreed = [row[0] for row in rows if row[2] == "agreed"]
    return set(models.Schedule.objects.filter(pk__in=agreed).values_list("pk", flat=True)) if agreed else set()


def exchanged(old: Sequence[Line], new: Sequence[Line]) -> tuple[list[ScheduleRow], list[ScheduleRow]]:
    """The schedules that go and those that come, where these lines take the place of those."""
    was = {row[0]: row for line in old for row in _schedule_rows(line)}
    now = {row[0]: row for line in new for row in _schedule_rows(line)}
    return [row for key, row in was.items() if key not in now], [row for key, row in now.items() if key not in was]


def confirmed(gone: Sequence[ScheduleRow], come: Sequence[ScheduleRow]) -> list[tuple[uuid.UUID, Decimal]]:
    """How much is ordered and confirmed more, or taken back, by schedule: what is agreed counts."""
    return [(row[0], sign * row[4]) for rows, sign in ((come, 1), (gone, -1)) for row in rows if row[2] == "agreed"]


def _forget(lines: Collection[uuid.UUID]) -> None:
    """Remove lines in whose place others were said. Nothing was agreed about them."""
    if lines:
        models.Schedule.objects.filter(line__in=lines)._raw_delete("default")
        models.Line.objects.filter(pk__in=lines)._raw_delete("default")


def drop_lines(document: models.Document) -> None:
    """Remove the lines of a draft. Nothing was agreed about them, so nothing hangs on their schedules."""
    models.Schedule.objects.filter(line__document=document)._raw_delete("default")
    models.Line.objects.filter(document=document)._raw_delete("default")
