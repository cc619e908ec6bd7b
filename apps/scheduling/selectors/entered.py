"""Questions about what was entered: calendars, resources, operations, and the runs of the planner."""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Prefetch, Q, QuerySet

from apps.base.worktime import public_holidays
from apps.scheduling import models

RESOURCE = ("id", "code", "name", "name_zh", "site__code", "calendar__code", "pool", "efficiency")
OPERATION = ("id", "item__number", "routing", "priority", "position", "name", "name_zh", "pool", "setup", "run", "condition", "lag")
PLAN = ("id", "started_at", "finished_at", "by", "progress", "stop", "figures", "message")


@dataclass(frozen=True, slots=True, kw_only=True)
class Down:
    """A resource that is down: since when, until when it is thought to be, and why."""

    starts_at: dt.datetime
    ends_at: dt.datetime
    reason: str


def calendars() -> QuerySet[models.Calendar]:
    """All calendars with their shifts and closures, by code. Three queries."""
    closures = Prefetch("closures", models.Closure.objects.order_by("starts_at"))
    shifts = Prefetch("shifts", models.Shift.objects.order_by("weekday", "starts"))
    return models.Calendar.objects.order_by("code").prefetch_related(shifts, closures).annotate(used=Count("resources"))


def calendar(*, id: uuid.UUID) -> models.Calendar | None:
    return calendars().filter(pk=id).first()


def closure(*, id: uuid.UUID) -> models.Closure | None:
    return models.Closure.objects.select_related("calendar").filter(pk=id).first()


def next_holidays(calendar: models.Calendar, *, on: dt.date, language: str, most: int = 12) -> list[tuple[dt.date, str]]:
    """The next public holidays that a calendar keeps, with their names."""
    found = {day: name for year in (on.year, on.year + 1) for day, name in public_holidays(calendar.country, calendar.subdivision, year, language).items()}
    return sorted((day, name) for day, name in found.items() if day >= on)[:most]


def resources(*, pool: str = "", calendar: str = "") -> QuerySet[models.Resource]:
    """The resources; pool: of this pool, or the one with this code; calendar: that work by the one with this code."""
    found = models.Resource.objects.order_by("code")
    if pool:
        found = found.filter(pool=pool) | found.filter(code=pool)
    return found.filter(calendar__code=calendar) if calendar else found


def resource(*, id: uuid.UUID | None = None, code: str = "") -> Mapping[str, Any] | None:
    """One resource by its id or its code, as the columns of RESOURCE."""
    found = models.Resource.objects.filter(pk=id) if id else models.Resource.objects.filter(code=code)
    row: Mapping[str, Any] | None = found.values(*RESOURCE).first()
    return row


def down(resources: Sequence[uuid.UUID], *, at: dt.datetime) -> dict[uuid.UUID, Down]:
    """Which of these resources are down at a moment. One query."""
    rows = models.Outage.objects.filter(resource__in=list(resources), mended_at__isnull=True, starts_at__lte=at, ends_at__gt=at).order_by("ends_at")
    return {row.resource_id: Down(starts_at=row.starts_at, ends_at=row.ends_at, reason=row.reason) for row in rows}


def operations(*, item: str = "", after: str = "") -> QuerySet[models.Operation]:
    """The operations by item; item: of the item with this number; after: of the items after the one with this number."""
    found = models.Operation.objects.order_by("item__number", "priority", "routing", "position")
    found = found.filter(item__number__gt=after) if after else found
    return found.filter(item__number=item) if item else found


def operation(*, id: uuid.UUID) -> Mapping[str, Any] | None:
    row: Mapping[str, Any] | None = models.Operation.objects.filter(pk=id).values(*OPERATION).first()
    return row


def plans() -> QuerySet[models.Plan]:
    """The full replans, the last one first."""
    return models.Plan.objects.filter(kind=models.PlanKind.FULL).order_by("-started_at", "-id")


def plan(*, id: uuid.UUID) -> Mapping[str, Any] | None:
    row: Mapping[str, Any] | None = plans().filter(pk=id).values(*PLAN).first()
    return row


JOB = ("id", "item__number", "quantity", "gone", "configuration", "promise_id", "starts_at", "ends_at", "firm", "held_until", "done_at")


def jobs(*, at: dt.datetime) -> QuerySet[models.Job]:
    """The jobs that count at a moment: firm ones, and those that are held still."""
    return models.Job.objects.filter(Q(firm=True) | Q(held_until__gt=at))
