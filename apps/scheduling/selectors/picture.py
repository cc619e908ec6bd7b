"""The plan as a picture: who does what when, for whom, and how full each resource is."""

import bisect
import datetime as dt
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.utils.translation import get_language

from apps.base import acting
from apps.network import selectors as network
from apps.scheduling import models
from apps.scheduling.selectors import standing, working
from apps.scheduling.selectors.ending import days
from apps.scheduling.selectors.standing import Machine
from apps.scheduling.selectors.working import Window

MOST_BARS = 1500
_SLOT = ("id", "job_id", "resource_id", "starts_at", "ends_at", "setup", "operation__name", "operation__name_zh", "job__quantity", "job__firm", "job__done_at",
         "job__promise_id", "job__item_id", "job__item__number", "job__item__name", "job__item__name_zh", "job__item__unit")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One slot of the plan. held: it falls free by itself unless it is taken. promised_item: what was promised to the partner whom
    it serves; late_days: how late that is."""

    id: uuid.UUID
    job: uuid.UUID
    resource: uuid.UUID | None
    resource_code: str
    resource_name: str
    starts_at: dt.datetime
    ends_at: dt.datetime
    setup: int
    operation: str
    item: str
    item_name: str
    quantity: Decimal
    unit: str
    held: bool
    done: bool
    promise: uuid.UUID | None
    partner: str
    promised_item: str
    promised_on: dt.date | None
    late_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """The plan in a stretch of time. machines: all resources by code; rests: when each does not work; outages: when each is down.

    more: there are more slots than are shown.
    """

    since: dt.datetime
    until: dt.datetime
    machines: Sequence[Machine]
    bars: Sequence[Bar]
    rests: Mapping[uuid.UUID, Sequence[Window]]
    outages: Mapping[uuid.UUID, Sequence[Window]]
    more: bool


def nearest(*, since: dt.datetime, until: dt.datetime, at: dt.datetime) -> dt.datetime | None:
    """When the next work begins after a stretch of time, or else the last one before it; None where nothing is planned at all."""
    slots = models.Slot.objects.filter(Q(job__firm=True) | Q(job__held_until__gt=at))
    following = slots.filter(starts_at__gte=until).order_by("starts_at").values_list("starts_at", flat=True).first()
    return following or slots.filter(starts_at__lt=since).order_by("-starts_at").values_list("starts_at", flat=True).first()


def picture(*, since: dt.datetime, until: dt.datetime, at: dt.datetime) -> Picture:
    """The plan from `since` to `until`; what counts at the moment `at`. Six queries, whatever there is."""
    machines = standing.resources(None, at=since)
    counted = Q(job__firm=True) | Q(job__held_until__gt=at)
    slots = models.Slot.objects.filter(counted, ends_at__gt=since, starts_at__lt=until).order_by("starts_at", "id")
    rows = list(slots.values(*_SLOT)[: MOST_BARS + 1])
    stretch = (working.minute(since), working.minute(until))
    return Picture(
        since=since,
        until=until,
        machines=machines,
        bars=list(_bars(rows[:MOST_BARS], {machine.id: machine for machine in machines})),
        rests={machine.id: _rests(machine, stretch) for machine in machines},
        outages={machine.id: [cut for down in machine.outages if (cut := _cut(down, stretch))] for machine in machines},
        more=len(rows) > MOST_BARS,
    )


def _bars(rows: Sequence[Mapping[str, Any]], machines: Mapping[uuid.UUID, Machine]) -> Iterable[Bar]:
    promises = {row["job__promise_id"] for row in rows if row["job__promise_id"]}
    known = {row.document: row for row in models.Promise.objects.filter(document__in=promises).select_related("item")}
    standing_days = days(list(known))
    names = network.names(list({row.partner_id for row in known.values()}))
    for row in rows:
        promise, machine = known.get(row["job__promise_id"]), machines.get(row["resource_id"])
        day = standing_days.get(row["job__promise_id"])
        promised = promise.promised_on if promise else None
        yield Bar(
            id=row["id"],
            job=row["job_id"],
            resource=row["resource_id"],
            resource_code=machine.code if machine else "",
            resource_name=machine.label if machine else "",
            starts_at=row["starts_at"],
            ends_at=row["ends_at"],
            setup=row["setup"],
            operation=_spoken(row, "operation__name"),
            item=row["job__item__number"],
            item_name=_spoken(row, "job__item__name"),
            quantity=row["job__quantity"],
            unit=row["job__item__unit"],
            held=not row["job__firm"],
            done=row["job__done_at"] is not None,
            promise=row["job__promise_id"],
            partner=names[promise.partner_id].name if promise and promise.partner_id in names else "",
            promised_item=promise.item.number if promise and promise.item else "",
            promised_on=promised,
            late_days=max(0, (day - promised).days) if day and promised else 0,
        )


def _spoken(row: Mapping[str, Any], name: str) -> str:
    """A name in the reader's language."""
    chinese = (get_language() or "").startswith("zh")
    return str((chinese and row[f"{name}_zh"]) or row[name] or "")


def _cut(window: Window, stretch: Window) -> Window | None:
    start, end = max(window[0], stretch[0]), min(window[1], stretch[1])
    return (start, end) if start < end else None


def _rests(machine: Machine, stretch: Window) -> list[Window]:
    return working.without([stretch], _worked(machine, stretch))


def _worked(machine: Machine, stretch: Window) -> list[Window]:
    first = working.moment(stretch[0]).date() - dt.timedelta(days=1)
    days = (stretch[1] - stretch[0]) // working.DAY + 4
    return [cut for window in working.windows(machine.definition, first, days) if (cut := _cut(window, stretch))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """A week of a resource: minutes that it can work (without outages), and minutes that are taken."""

    monday: dt.date
    can: int
    taken: int

    @property
    def percent(self) -> int:
        """How full it is; 100 too where it is taken and cannot work at all."""
        return min(999, round(100 * self.taken / self.can)) if self.can else (100 if self.taken else 0)


def load(*, monday: dt.date, weeks: int, at: dt.datetime) -> list[tuple[Machine, list[Week]]]:
    """How full each resource is, week by week in the enterprise's own time zone. Two queries."""
    zone = ZoneInfo(acting.home().time_zone)
    mondays = [monday + dt.timedelta(weeks=number) for number in range(weeks + 1)]
    bounds = [working.minute(dt.datetime.combine(day, dt.time(), zone)) for day in mondays]
    machines = standing.resources(None, at=working.moment(bounds[0]))
    taken: dict[uuid.UUID, list[Window]] = {}
    for one in standing.taken([machine.id for machine in machines], at=max(at, working.moment(bounds[0]))):
        taken.setdefault(one.resource, []).append((one.start, one.end))
    found = []
    for machine in machines:
        worked = _worked(machine, (bounds[0], bounds[-1]))
        free = working.without(worked, working.merged(machine.outages))
        busy = _both(worked, working.merged(taken.get(machine.id, ())))
        pairs = zip(mondays, bounds, bounds[1:], strict=False)
        found.append((machine, [Week(monday=day, can=_minutes(free, start, end), taken=_minutes(busy, start, end)) for day, start, end in pairs]))
    return found


def _both(one: Sequence[Window], other: Sequence[Window]) -> list[Window]:
    """What lies in both; each sorted and disjoint."""
    return working.without(one, working.without([(one[0][0], one[-1][1])], other)) if one else []


def _minutes(windows: Sequence[Window], start: int, end: int) -> int:
    first = bisect.bisect_left(windows, (start, start))
    near = windows[max(0, first - 1) : bisect.bisect_left(windows, (end, end))]
    return sum(max(0, min(last, end) - max(begin, start)) for begin, last in near)
