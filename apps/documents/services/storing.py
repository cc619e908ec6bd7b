"""Between the engine's content and the tables: loading in two queries, writing in a handful, whatever the number of lines."""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection

from apps.base.acting import Actor
from apps.base.models import columns_of, new_id
from apps.documents import models
from apps.documents.services.folding import Content, Line, Offer, Schedule

LINE_COLUMNS = ["id", "document", "position", "reference", "item", "buyer_item", "seller_item", "gtin", "name", "quantity", "unit", "price", "price_base", "note", "details", "response", "offered_price", "reason", "substitute", "answer_details", "agreed_price"]
ANSWER_COLUMNS = ["quantity", "price", "response", "offered_price", "reason", "substitute", "answer_details", "agreed_price"]
STEP_COLUMNS = ["id", "document", "position", "own", "by", "by_id", "at", "move", "before", "after", "said", "seen", "overruled", "data", "envelope"]


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


def load(document: models.Document) -> Content:
    """What the tables hold of a document, for the engine. Two queries."""
    schedules: dict[tuple[uuid.UUID, str], list[Schedule]] = defaultdict(list)
    found = models.Schedule.objects.filter(line__document=document).order_by("position")
    for line_id, kind, key, quantity, due_on in found.values_list("line_id", "kind", "id", "quantity", "due_on"):
        schedules[line_id, kind].append(Schedule(key, quantity, due_on))
    lines = [_line(row, schedules) for row in document.lines.order_by("position")]
    return Content(
        state=document.state,
        number=document.number,
        issued_on=document.issued_on,
        currency=document.currency,
        note=document.note,
        details=document.details,
        lines=lines,
    )


def _line(row: models.Line, schedules: Mapping[tuple[uuid.UUID, str], list[Schedule]]) -> Line:
    offer = None
    if row.response:
        offered = schedules.get((row.id, "offered"), [])
        offer = Offer(row.response, row.offered_price, offered, row.reason, row.substitute, row.answer_details)
    agreed = schedules.get((row.id, "agreed"))
    if agreed is None and row.response and row.document.state == "agreed":
        agreed = []
    return Line(
        id=row.id,
        position=row.position,
        quantity=row.quantity,
        unit=row.unit,
        price=row.price,
        requested=schedules.get((row.id, "requested"), []),
        price_base=row.price_base,
        offer=offer,
        agreed=agreed,
        agreed_price=row.agreed_price,
        **{name: getattr(row, name) for name in ("reference", "buyer_item", "seller_item", "gtin", "name", "note", "details")},
    )


def insert_lines(document_id: uuid.UUID, lines: Sequence[Line], items: Mapping[int, uuid.UUID | None]) -> None:
    """Write new lines with their schedules. items: one's own item by the position of the line."""
    rows = [_line_row(document_id, line, items.get(line.position)) for line in lines]
    models.Line.objects.insert_rows(LINE_COLUMNS, rows)
    _insert_schedules([row for line in lines for row in _schedule_rows(line)])


def _line_row(document_id: uuid.UUID, line: Line, item: uuid.UUID | None) -> tuple[Any, ...]:
    head = (line.id, document_id, line.position, line.reference, item, line.buyer_item, line.seller_item, line.gtin, line.name)
    return (*head, line.quantity, line.unit, line.price, line.price_base, line.note, line.details, *_answer_row(line)[2:])


def _answer_row(line: Line) -> tuple[Any, ...]:
    offer = line.offer or Offer("", None, [])
    return (line.quantity, line.price, offer.response, offer.price, offer.reason, offer.substitute, offer.details, line.agreed_price)


def _schedule_rows(line: Line) -> list[tuple[Any, ...]]:
    kinds = (("requested", line.requested), ("offered", line.offer.schedules if line.offer else []), ("agreed", line.agreed or []))
    return [(s.id, line.id, kind, position, s.quantity, s.due_on) for kind, schedules in kinds for position, s in enumerate(schedules)]


def _insert_schedules(rows: Sequence[tuple[Any, ...]]) -> None:
    models.Schedule.objects.insert_rows(["id", "line", "kind", "position", "quantity", "due_on"], rows)


def store(document: models.Document, before: Content, after: Content, made: Made) -> models.Step:
    """Write what changed between two contents, and the step that changed it. The header row must be locked."""
    old = {line.id: line for line in before.lines}
    changed = [line for line in after.lines if line is not old.get(line.id) and line != old.get(line.id)]
    step = write_step(document, before.state, after.state, made)
    if changed:
        _update_answers(changed)
        _replace_schedules([old[line.id] for line in changed], changed, step)
    update_header(document, after, made)
    return step


def update_header(document: models.Document, content: Content, made: Made) -> None:
    """Write the header's columns for `content`."""
    document.state, document.number, document.currency = content.state, content.number, content.currency
    document.note, document.details, document.issued_on = content.note, content.details, content.issued_on
    document.amount, document.due_on, document.line_count = content.amount(), content.due_on(), len(content.lines)
    document.updated_at = made.at
    names = ["state", "number", "currency", "note", "details", "issued_on", "amount", "due_on", "line_count", "updated_at", "version", "own_said", "partner_said", "seen_at"]
    models.Document.objects.filter(pk=document.pk).update(**{name: getattr(document, name) for name in names})


def write_step(document: models.Document, before: str, after: str, made: Made) -> models.Step:
    """Append a step to the history, and count it in the header's version (which the caller writes)."""
    document.version += 1
    if made.said and made.own:
        document.own_said = made.said
    elif made.said:
        document.partner_said = made.said
    if not made.own:
        document.seen_at = None
    row = (
        *(made.id or new_id(), document.pk, document.version, made.own, made.by, made.by_id, made.at, made.move, before, after),
        *(made.said, made.seen, made.overruled, dict(made.data or {}), made.envelope),
    )
    models.Step.objects.insert_rows(STEP_COLUMNS, [row])
    return models.Step(**{models.Step._meta.get_field(name).attname: value for name, value in zip(STEP_COLUMNS, row, strict=True)})  # type: ignore[union-attr]


def _update_answers(lines: Sequence[Line]) -> None:
    fields = [models.Line._meta.get_field(name) for name in ANSWER_COLUMNS]
    types = [str(field.db_type(connection)) for field in fields]  # type: ignore[union-attr]
    sets = ", ".join(f'"{name}" = new."{name}"' for name in ANSWER_COLUMNS)
    arrays = ", ".join(f"%s::{kind}[]" for kind in types)
    names = ", ".join(f'"{name}"' for name in ANSWER_COLUMNS)
    values = columns_of([(line.id, *_answer_row(line)) for line in lines])
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE documents_line SET {sets} FROM UNNEST(%s::uuid[], {arrays}) AS new(id, {names}) WHERE documents_line.id = new.id", values)


def _replace_schedules(old: Sequence[Line], new: Sequence[Line], step: models.Step) -> None:
    """Exchange the schedules of changed lines. What was agreed once stays, withdrawn and with its quantities taken back."""
    was = {row[0]: row for line in old for row in _schedule_rows(line)}
    now = {row[0]: row for line in new for row in _schedule_rows(line)}
    gone = [row for key, row in was.items() if key not in now]
    come = [row for key, row in now.items() if key not in was]
    dropped = [row[0] for row in gone if row[2] != "agreed"]
    withdrawn = [row for row in gone if row[2] == "agreed"]
    if dropped:
        models.Schedule.objects.filter(id__in=dropped).delete()
    if withdrawn:
        models.Schedule.objects.filter(id__in=[row[0] for row in withdrawn]).update(kind="withdrawn")
    _insert_schedules(come)
    _count([(row, 1) for row in come if row[2] == "agreed"] + [(row, -1) for row in withdrawn], step)


def _count(agreed: Sequence[tuple[tuple[Any, ...], int]], step: models.Step) -> None:
    rows = [(new_id(), row[0], step.pk, kind, Decimal(sign) * row[4]) for row, sign in agreed for kind in ("ordered", "confirmed")]
    models.Quantity.objects.insert_rows(["id", "schedule", "step", "kind", "quantity"], rows)
