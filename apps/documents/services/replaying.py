"""Rebuilding a view from what was said, and comparing it with the tables."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Sum

from apps.documents import models
from apps.documents.services import counting, folding, storing, wording
from apps.documents.services.folding import Content, Line, Said, Schedule
from apps.documents.types import TYPES

HEAD = ("state", "number", "issued_on", "currency", "note", "details")
ASKED = ("position", "reference", "quantity", "unit", "price", "price_base", "note", "details", "agreed_price")
# A side completes these from its own items where the partner left them empty.
COMPLETED = ("buyer_item", "seller_item", "gtin", "name")


def compare(*, document: uuid.UUID, bodies: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the tables of this home hold differently from what was said, in words; an empty list where they are equal.

    bodies: the contents of the envelopes of this document, of both directions, as far as this side has taken them in.
    """
    row = models.Document.objects.filter(pk=document).first()
    if row is None:
        return [f"document {document}: not there"]
    document_type = TYPES[row.type]
    moves = [_said(document_type, body) for body in bodies]
    told, overruled = folding.fold(document_type, moves)
    held = storing.load(row)
    found = _compare_heads(row, held, told)
    found += _compare_steps(row, bodies, {(said.side, said.said) for said in overruled})
    if len(held.lines) != len(told.lines):
        return [*found, f"document {row.number}: {len(held.lines)} lines in the table, {len(told.lines)} in the log"]
    for mine, theirs in zip(held.lines, told.lines, strict=True):
        found += _compare_lines(row, mine, theirs)
    return found + _compare_quantities(row, told) + counting.compare_counts(row, document_type, told)


def _said(document_type: Any, body: Mapping[str, Any]) -> Said:
    move = document_type.find_move(body["move"])
    return Said(move=body["move"], side=body["side"], said=body["said"], seen=body["seen"], data=wording.parse(move.effect, body["data"]))


def _compare_heads(row: models.Document, held: Content, told: Content) -> list[str]:
    found = [
        f"document {row.number} ({row.pk}): {name} is {getattr(held, name)!r}, the log says {getattr(told, name)!r}"
        for name in HEAD
        if getattr(held, name) != getattr(told, name)
    ]
    derived = {"amount": told.amount(), "due_on": told.due_on(), "line_count": len(told.lines)}
    return found + [
        f"document {row.number} ({row.pk}): {name} is {getattr(row, name)!r}, the log says {value!r}"
        for name, value in derived.items()
        if getattr(row, name) != value
    ]


def _compare_steps(row: models.Document, bodies: Sequence[Mapping[str, Any]], overruled: set[tuple[str, int]]) -> list[str]:
    steps = {str(step.pk): step for step in row.steps.filter(said__gt=0)}
    found = [f"step {key} of {row.number}: not in the log" for key in steps.keys() - {body["step"] for body in bodies}]
    for body in bodies:
        step = steps.get(body["step"])
        if step is None:
            found.append(f"step {body['step']} of {row.number}: missing")
            continue
        wanted = (body["move"], body["said"], body["seen"], body["by"], body["at"], body["data"], (body["side"], body["said"]) in overruled)
        if (step.move, step.said, step.seen, step.by, step.at.isoformat(), step.data, step.overruled) != wanted:
            found.append(f"step {step.pk} of {row.number}: differs from the log")
    return found


def _compare_lines(row: models.Document, held: Line, told: Line) -> list[str]:
    place = f"line {held.position} of {row.number} ({held.id})"
    found = [
        f"{place}: {name} is {getattr(held, name)!r}, the log says {getattr(told, name)!r}" for name in ASKED if getattr(held, name) != getattr(told, name)
    ]
    found += [
        f"{place}: {name} is {getattr(held, name)!r}, the log says {getattr(told, name)!r}"
        for name in COMPLETED
        if getattr(told, name) not in ("", getattr(held, name))
    ]
    if held.offer != told.offer:
        found.append(f"{place}: the offer is {held.offer!r}, the log says {told.offer!r}")
    for name in ("requested", "agreed"):
        mine, theirs = getattr(held, name) or [], getattr(told, name) or []
        if _shape(mine) != _shape(theirs):
            found.append(f"{place}: {name} schedules are {_shape(mine)}, the log says {_shape(theirs)}")
    return found


def _shape(schedules: Sequence[Schedule]) -> list[tuple[str, str, str]]:
    return [(str(s.id), str(s.quantity), str(s.due_on)) for s in schedules]


def _compare_quantities(row: models.Document, told: Content) -> list[str]:
    sums = models.Quantity.objects.filter(schedule__line__document=row, kind="confirmed").values_list("schedule_id").annotate(total=Sum("quantity"))
    held = {key: total for key, total in sums if total}
    wanted = {s.id: s.quantity for line in told.lines for s in line.agreed or [] if TYPES[row.type].ordered}
    return [
        f"schedule {key} of {row.number}: confirmed is {held.get(key, 0)}, the log says {wanted.get(key, 0)}"
        for key in held.keys() | wanted.keys()
        if held.get(key) != wanted.get(key)
    ]
