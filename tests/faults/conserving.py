"""Quantities that must add up after each step, whatever was said and in whatever order it came: asked, agreed, confirmed, and counted on other lines."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

from apps.documents.services import counting, storing
from apps.documents.services.folding import Content, Line, Schedule
from tests.faults.rows import View

Counted = Mapping[tuple[uuid.UUID, int, str], Decimal]
"""By order, line and kind."""


def booked(view: View, after: Content) -> tuple[tuple[uuid.UUID, Decimal], ...]:
    """What is confirmed, by schedule in the order of the steps, once the content is this."""
    if not view.type.ordered or after.lines is view.content.lines:
        return view.booked
    return (*view.booked, *storing.confirmed(*storing.exchanged(view.content.lines, after.lines)))


def counted(counts: Counted, view: View, after: Content) -> Counted:
    """What a home counts, once the content of one of its documents is this."""
    change = counting.change_of(view.type, view.content, after)
    return {**counts, **{key: counts.get(key, Decimal(0)) + quantity for key, quantity in change.items()}}


def faults(before: View, view: View) -> Iterator[str]:
    """What does not add up in a document after a step, in sentences."""
    if view.type.ordered:
        sums: dict[uuid.UUID, Decimal] = defaultdict(Decimal)
        for schedule, quantity in view.booked:
            sums[schedule] += quantity
        agreed = {schedule.id: schedule.quantity for line in view.content.lines for schedule in line.agreed or ()}
        if {schedule: total for schedule, total in sums.items() if total} != agreed:
            yield f"agreed is {agreed}, and confirmed are {dict(sums)}"
    was = {line.id: line.agreed for line in before.content.lines}
    for line in view.content.lines:
        if _sum(line.requested) != line.quantity:
            yield f"what is due does not add up to {line.quantity}"
        # Where what both said is folded anew, an agreement may hold again of which a change waits.
        if line.agreed is not None and line.offer is not None and line.agreed != was.get(line.id) and _sum(line.agreed) != _offered(line):
            yield f"agreed is {line.agreed}, and offered was {line.offer}"


def miscounted(counts: Counted, views: Iterable[View]) -> list[str]:
    """Where a home counts otherwise than the lines of its documents say."""
    said: dict[tuple[uuid.UUID, int, str], Decimal] = defaultdict(Decimal)
    for view in views:
        if view.type.link and view.type.state(view.content.state).counted:
            for line in view.content.lines:
                for kind, quantity in line.details["counts"].items():
                    said[uuid.UUID(line.details["order"]), line.details["order_line"], kind] += Decimal(quantity)
    return [f"{key} is counted as {counts.get(key, 0)}, and said was {said[key]}" for key in {*counts, *said} if counts.get(key, 0) != said[key]]


def _offered(line: Line) -> Decimal:
    """How much a line is agreed about, by what was offered for it; what was accepted is what was asked."""
    if line.offer is None or line.offer.response == "accept":
        return line.quantity
    return _sum(line.offer.schedules)


def _sum(schedules: Iterable[Schedule]) -> Decimal:
    return sum([schedule.quantity for schedule in schedules], Decimal(0))
