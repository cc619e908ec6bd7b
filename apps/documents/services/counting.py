"""Progress: what one document's lines count on the lines of another that they name.

A line that ships or receives names the order's line in its details: `{"order": uid, "order_line": 1, "counts": {"shipped": "3"}}`.
While its document is in a state that counts (`State.counted`), both homes hold a `Quantity` row for each of its counts, caused by
the step that brought it there; when it leaves that state, the opposite is written. Nothing is set, and all can be computed again.
"""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Sum
from django.utils.translation import gettext as _

from apps.base.models import new_id
from apps.documents import models
from apps.documents.services.folding import Content, Line
from apps.documents.vocabulary import DocumentType

KINDS = ("shipped", "received", "accepted", "rejected", "short", "credited", "oversupply", "returned", "invoiced", "paid")
"""credited: of what was rejected or short, so much will not come any more."""
PREFERRED = ("agreed", "withdrawn", "requested")
"""The kinds of schedules on which is counted, the first that a line has."""


class Uncountable(ValueError):
    """A line names an order's line that is not there, not agreed, or not between these two enterprises."""

    def __init__(self, named: str) -> None:
        super().__init__(_("“%(named)s” is no agreed line between you and this partner.") % {"named": named})


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """News: the progress of lines changed. sums: by document and line, how much of each kind came (or went, below zero)."""

    document: models.Document
    step: models.Step
    sums: Mapping[tuple[uuid.UUID, int, str], Decimal]


def counts_of(document_type: DocumentType, content: Content) -> dict[tuple[uuid.UUID, int, str], Decimal]:
    """What a document counts as it stands: by order, line and kind."""
    found: dict[tuple[uuid.UUID, int, str], Decimal] = {}
    if document_type.link and document_type.state(content.state).counted:
        for line in content.lines:
            for key, quantity in _of_line(line):
                found[key] = found.get(key, Decimal(0)) + quantity
    return {key: quantity for key, quantity in found.items() if quantity}


def change_of(document_type: DocumentType, before: Content, after: Content) -> dict[tuple[uuid.UUID, int, str], Decimal]:
    """By how much a document counts more, or less, after a step."""
    was, now = counts_of(document_type, before), counts_of(document_type, after)
    change = {key: now.get(key, Decimal(0)) - was.get(key, Decimal(0)) for key in was.keys() | now.keys()}
    return {key: quantity for key, quantity in change.items() if quantity}


def _of_line(line: Line) -> Iterator[tuple[tuple[uuid.UUID, int, str], Decimal]]:
    if "order" not in line.details:
        return
    target = _named(line)
    for kind, quantity in line.details.get("counts", {}).items():
        if kind not in KINDS:
            raise Uncountable(kind)
        yield (*target, kind), Decimal(quantity)


def _named(line: Line) -> tuple[uuid.UUID, int]:
    return uuid.UUID(line.details["order"]), int(line.details["order_line"])


def count(row: models.Document, document_type: DocumentType, before: Content, after: Content, step: models.Step) -> Counted | None:
    """Write how the progress changes with a step. None where nothing does. Raises Uncountable.

    What one ships oneself must be agreed. What a partner counts is taken in any case: he may not know yet that nothing is agreed any more.
    """
    if not document_type.link:
        return None
    change = change_of(document_type, before, after)
    fresh = _fresh(document_type, before, after)
    if not change and not fresh:
        return None
    lines = _targets(row, {(order, line) for order, line, _kind in change} | set(fresh.values()))
    if step.own:
        _need_agreed(lines, {(order, line) for (order, line, kind), quantity in change.items() if kind == "shipped" and quantity > 0})
    sums = _sums(lines.values())
    models.Quantity.objects.bulk_create(
        models.Quantity(id=new_id(), schedule_id=schedule, step_id=step.pk, kind=kind, quantity=part)
        for (order, line, kind), quantity in sorted(change.items(), key=str)
        for schedule, part in spread(lines[order, line], kind, quantity, sums)
    )
    return Counted(document=row, step=step, sums=change) if change else None


def told(counted: Counted, target: uuid.UUID) -> dict[str, Any]:
    """What was counted on one document, as its history says it: by which document, how much of which kind on which line (below zero: taken back)."""
    sums = sorted((line, kind, quantity) for (order, line, kind), quantity in counted.sums.items() if order == target)
    rows = [{"line": line, "kind": kind, "quantity": format(quantity, "f")} for line, kind, quantity in sums]
    return {"document": str(counted.document.pk), "type": counted.document.type, "number": counted.document.number, "counted": rows}


def _fresh(document_type: DocumentType, before: Content, after: Content) -> dict[uuid.UUID, tuple[uuid.UUID, int]]:
    """The lines that count from now on and did not before, each with the order's line that it names: it must be there, also where it counts nothing."""
    if not document_type.state(after.state).counted:
        return {}
    known = {line.id for line in before.lines} if document_type.state(before.state).counted else set()
    return {line.id: _named(line) for line in after.lines if "order" in line.details and line.id not in known}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """An order's line with its schedules, the first due first. agreed: whether they are; else they are what was asked, or agreed once."""

    id: uuid.UUID
    agreed: bool
    schedules: list[tuple[uuid.UUID, Decimal]]


def _targets(row: models.Document, wanted: set[tuple[uuid.UUID, int]]) -> dict[tuple[uuid.UUID, int], Target]:
    """The lines that are named, by order and position. Their orders are locked, so that sums are counted one after the other."""
    orders = sorted({order for order, _line in wanted})
    known = set(models.Document.objects.select_for_update().filter(pk__in=orders, partner_id=row.partner_id).order_by("pk").values_list("pk", flat=True))
    if missing := [order for order in orders if order not in known]:
        raise Uncountable(f"{missing[0]}")
    found: dict[tuple[uuid.UUID, int], Target] = {}
    columns = ("line__document_id", "line__position", "line_id", "kind", "id", "quantity")
    schedules = models.Schedule.objects.filter(line__document_id__in=orders, kind__in=PREFERRED)
    rows = sorted(schedules.order_by("due_on", "position", "id").values_list(*columns), key=lambda row: PREFERRED.index(row[3]))
    first: dict[uuid.UUID, str] = {}
    for order, position, line, kind, schedule, quantity in rows:
        if first.setdefault(line, kind) == kind:
            target = found.setdefault((order, position), Target(id=line, agreed=kind == PREFERRED[0], schedules=[]))
            target.schedules.append((schedule, quantity))
    if absent := [key for key in sorted(wanted) if key not in found]:
        raise Uncountable(f"{absent[0][0]}/{absent[0][1]}")
    return found


def _need_agreed(lines: Mapping[tuple[uuid.UUID, int], Target], wanted: set[tuple[uuid.UUID, int]]) -> None:
    for order, position in sorted(wanted):
        if not lines[order, position].agreed:
            raise Uncountable(f"{order}/{position}")


def _sums(targets: Any) -> dict[tuple[uuid.UUID, str], Decimal]:
    schedules = [schedule for target in targets for schedule, _quantity in target.schedules]
    rows = models.Quantity.objects.filter(schedule_id__in=schedules).values_list("schedule_id", "kind").annotate(total=Sum("quantity"))
    return {(schedule, kind): total for schedule, kind, total in rows}


def spread(target: Target, kind: str, quantity: Decimal, sums: dict[tuple[uuid.UUID, str], Decimal]) -> Iterator[tuple[uuid.UUID, Decimal]]:
    """Over the schedules: what comes fills the first ones first, the rest goes to the last; what goes leaves the last ones first."""
    schedules = target.schedules if quantity > 0 else target.schedules[::-1]
    for index, (schedule, ordered) in enumerate(schedules):
        so_far = sums.get((schedule, kind), Decimal(0))
        if index == len(schedules) - 1:
            part = quantity
        elif quantity > 0:
            part = min(quantity, max(ordered - so_far, Decimal(0)))
        else:
            part = max(quantity, -so_far)
        if part:
            sums[schedule, kind] = so_far + part
            quantity -= part
            yield schedule, part


def compare_counts(row: models.Document, document_type: DocumentType, told: Content) -> list[str]:
    """Where the progress that this document caused differs from what it says, in words."""
    if not document_type.link:
        return []
    columns = ("schedule__line__document_id", "schedule__line__position", "kind")
    sums = models.Quantity.objects.filter(step__document=row).values_list(*columns).annotate(total=Sum("quantity"))
    held = {(order, line, kind): total for order, line, kind, total in sums if total}
    wanted = counts_of(document_type, told)
    return [
        f"document {row.number} ({row.pk}): {key[2]} on line {key[1]} of {key[0]} is {held.get(key, 0)}, the log says {wanted.get(key, 0)}"
        for key in sorted(held.keys() | wanted.keys(), key=str)
        if held.get(key) != wanted.get(key)
    ]
