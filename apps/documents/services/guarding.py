"""What has left the house binds: nothing is agreed below it, nothing of it is cancelled, and it goes with a line whose dates are agreed anew."""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.db.models import Sum
from django.utils.translation import gettext as _

from apps.base import units
from apps.base.findings import Finding, Invalid, refuse
from apps.base.models import new_id
from apps.base.templatetags.tributary import day_text, written
from apps.documents import models
from apps.documents.services.counting import KINDS, Target, spread
from apps.documents.services.folding import Content, Line, NotAllowed, Schedule
from apps.documents.vocabulary import DocumentType, Move, changed_lines
from apps.network import selectors as network

NONE = Decimal(0)
Sums = Mapping[int, Mapping[str, Decimal]]
"""What was counted on the lines of a document, by position and kind."""


def sums_of(row: models.Document) -> Sums:
    """What was counted on each line, whichever of its schedules held when it was. One query."""
    found: dict[int, dict[str, Decimal]] = defaultdict(dict)
    counted = models.Quantity.objects.filter(schedule__line__document=row, kind__in=KINDS).values_list("schedule__line__position", "kind")
    for position, kind, total in counted.annotate(total=Sum("quantity")):
        found[position][kind] = total
    return found


def _left(sums: Mapping[str, Decimal]) -> Decimal:
    """What has left and was not found missing, or refused."""
    return sums.get("shipped", NONE) - sums.get("short", NONE) - sums.get("rejected", NONE)


def need_room(row: models.Document, document_type: DocumentType, move: Move, before: Content, after: Content, data: Mapping[str, Any]) -> None:
    """Refuse what goes below what was shipped, as this home knows it. Raises Invalid with a finding at each line; NotAllowed where the move names no lines.

    What a partner says is taken in any case: whoever ships is asked before anything is agreed, and ships nothing of which a change waits.
    """
    if not document_type.ordered or not document_type.state(before.state).stands or not (move.unshipped or touched(before, after)):
        return
    sums = sums_of(row)
    if move.unshipped and (gone := shipped(before, sums)):
        raise NotAllowed(move.code, row.state, row.side, _cannot_cancel(*gone))
    found = below(before, after, sums)
    if found and not move.form:
        raise NotAllowed(move.code, row.state, row.side, _below(*found[0], sums))
    if found:
        places = {position: f"/lines/{index}/schedules" for index, position in enumerate(data.get("lines") or ())}
        raise Invalid([Finding(places.get(line.position, "/lines"), "shipped", _below(line, least, sums)) for line, least in found])


def need_notice(row: models.Document, document_type: DocumentType, move: Move, before: Content, after: Content, data: Mapping[str, Any], *,
                today: dt.date) -> None:  # fmt: skip
    """Refuse to ask for other terms of what is due sooner than the partner wants to be asked. Raises as need_room() does.

    What is due already, and has not come, may be asked for at any time: whoever is late has no notice to claim. Days are those of UTC, as for the partner.
    """
    if not move.noticed or not document_type.state(before.state).stands or not (days := network.notice(id=row.partner_id)):
        return
    sums, changed = sums_of(row), {line.id for line in touched(before, after)}
    asked = [line for line in before.lines if move.unshipped or line.id in changed]
    due = [(line, day) for line in asked if (day := _next_due(line, sums.get(line.position, {}))) and 0 <= (day - today).days < days]
    if due and not move.form:
        raise NotAllowed(move.code, row.state, row.side, _too_soon(*due[0], days))
    if due:
        places = {position: f"/lines/{index}/schedules" for index, position in enumerate(data.get("lines") or ())}
        raise Invalid([Finding(places.get(line.position, "/lines"), "notice", _too_soon(line, day, days)) for line, day in due])


def _next_due(line: Line, sums: Mapping[str, Decimal]) -> dt.date | None:
    """The first date agreed for a line of which not everything has left; None where everything has, or what is left has no date."""
    left = bound(sums)
    for schedule in sorted(line.agreed or (), key=lambda s: (s.due_on is None, s.due_on or dt.date.max)):
        if left < schedule.quantity:
            return schedule.due_on
        left -= schedule.quantity
    return None


def _too_soon(line: Line, day: dt.date, days: int) -> str:
    words = _("Line %(line)d is due on %(day)s, and your partner wants to be asked at least %(days)d days before. Write to him: he can propose it himself.")
    return words % {"line": line.position, "day": day_text(day), "days": days}


def touched(before: Content, after: Content) -> list[Line]:
    """The lines that a move changes, as they are after it."""
    was = {line.id: line for line in before.lines}
    return [line for line in after.lines if line.id in was and line is not was[line.id] and line != was[line.id]]


def below(before: Content, after: Content, sums: Sums) -> list[tuple[Line, Decimal]]:
    """The lines of which less would be agreed, asked or offered after a move than cannot be undone any more, with how much."""
    found = [(line, _least(line, after)) for line in touched(before, after)]
    return [(line, least) for line, least in found if least < bound(sums.get(line.position, {}))]


def bound(sums: Mapping[str, Decimal]) -> Decimal:
    """What of a line cannot be undone: what left, and what is credited."""
    return _left(sums) + sums.get("credited", NONE)


def _least(line: Line, after: Content) -> Decimal:
    """How much of a line is left, whether what was said last of it is agreed or not."""
    said: list[Sequence[Schedule]] = [] if line.agreed is None else [line.agreed]
    kept = changed_lines(after.details).get(line.position)
    if kept is not None and line.offer is None:
        said.append(line.requested)
    elif kept is not None and line.offer and (line.offer.response != "reject" or kept.get("proposed")):
        said.append(line.offer.schedules)
    return min((sum((s.quantity for s in schedules), NONE) for schedules in said), default=NONE)


def _below(line: Line, least: Decimal, sums: Sums) -> str:
    unit = units.label(line.unit)
    words = _("%(shipped)s of line %(line)d are shipped already: it cannot be reduced to %(wanted)s.")
    return words % {"shipped": f"{written(bound(sums[line.position]))} {unit}", "line": line.position, "wanted": f"{written(least)} {unit}"}


def shipped(content: Content, sums: Sums) -> tuple[Line, Decimal] | None:
    """The first line of which something has left, and how much; None where nothing has."""
    return next(((line, left) for line in content.lines if (left := _left(sums.get(line.position, {}))) > 0), None)


def _cannot_cancel(line: Line, left: Decimal) -> str:
    words = _("%(shipped)s of line %(line)d are shipped already, and what is shipped cannot be cancelled. The buyer can close the order short.")
    return words % {"shipped": f"{written(left)} {units.label(line.unit)}", "line": line.position}


def closing(row: models.Document, content: Content, reason: str) -> str:
    """How an order is closed: all of it has come, or it is closed short. Raises Invalid where something is given up without a reason.

    As long as nothing has come at all, closing it would be cancelling it without asking: NotAllowed.
    """
    sums = sums_of(row)
    if not any(line.get("received", NONE) > 0 for line in sums.values()):
        raise NotAllowed("close", row.state, row.side, _("Nothing has come yet, so there is nothing to close. Ask the seller to cancel the order instead."))
    if all(_come(sums.get(line.position, {})) >= sum((s.quantity for s in line.agreed or []), NONE) for line in content.lines):
        return "closed"
    if not reason:
        raise refuse("/reason", "required", _("Not everything has come. Say why the rest is given up."))
    return "short"


def _come(sums: Mapping[str, Decimal]) -> Decimal:
    return sums.get("accepted", NONE) + sums.get("credited", NONE)


def carry(row: models.Document, document_type: DocumentType, before: Content, after: Content, step: models.Step) -> None:
    """Take along what was counted on dates that hold no more: it counts on those that are agreed instead. Sums of lines stay as they were."""
    if not document_type.ordered or not document_type.state(after.state).stands:
        return
    was = {line.id: line.agreed for line in before.lines}
    anew = [line for line in after.lines if line.agreed and was.get(line.id) and _ids(line.agreed) != _ids(was[line.id])]
    if not anew:
        return
    lines = {line.id: line for line in anew}
    counted: dict[tuple[uuid.UUID, str], dict[uuid.UUID, Decimal]] = defaultdict(dict)
    rows = models.Quantity.objects.filter(schedule__line__in=lines, kind__in=KINDS).values_list("schedule__line", "kind", "schedule")
    for line, kind, schedule, total in rows.annotate(total=Sum("quantity")):
        if total:
            counted[line, kind][schedule] = total
    moved = [part for (line, kind), held in sorted(counted.items(), key=str) for part in _moved(lines[line], kind, held)]
    models.Quantity.objects.bulk_create(
        models.Quantity(id=new_id(), schedule_id=schedule, step_id=step.pk, kind=kind, quantity=quantity) for schedule, kind, quantity in moved
    )


def _ids(schedules: Sequence[Schedule] | None) -> list[uuid.UUID]:
    return [schedule.id for schedule in schedules or ()]


def _moved(line: Line, kind: str, held: Mapping[uuid.UUID, Decimal]) -> Iterator[tuple[uuid.UUID, str, Decimal]]:
    """What leaves the dates that hold no more, and comes to those that hold."""
    agreed = sorted(line.agreed or (), key=lambda s: (s.due_on is None, s.due_on or dt.date.max))
    gone = {schedule: total for schedule, total in held.items() if schedule not in _ids(agreed)}
    yield from ((schedule, kind, -total) for schedule, total in gone.items())
    target = Target(id=line.id, agreed=True, schedules=[(schedule.id, schedule.quantity) for schedule in agreed])
    known = {(schedule, kind): total for schedule, total in held.items()}
    if whole := sum(gone.values(), NONE):
        yield from ((schedule, kind, part) for schedule, part in spread(target, kind, whole, known))
