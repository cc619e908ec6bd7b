"""Entering calendars: the week, the country's holidays, closures and extra shifts."""

import datetime as dt
import itertools
import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import ProtectedError
from django.utils.translation import gettext as _

from apps.base import announcing, fields
from apps.base.acting import Actor
from apps.base.findings import Finding, Invalid
from apps.base.models import new_id
from apps.base.worktime import known_countries
from apps.catalog.services.placing import read_time_zone
from apps.catalog.services.reading import Given, Put, Reader, read, text_of, yes
from apps.live import services as live
from apps.scheduling import models
from apps.scheduling.selectors import working

WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
CALENDAR_COLUMNS = ("code", "name", "time_zone", "country", "subdivision", *WEEK)
MOST_SHIFTS = 12
MOST_CLOSURES = 1000
Shift = tuple[dt.time, dt.time]


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityChanged:
    """News: these resources work at other times than before. reason: in the enterprise's own words.

    at: since when; until: for how long, None where that is not known. more: they work more than before, nothing must move.
    """

    resources: tuple[uuid.UUID, ...]
    reason: str
    at: dt.datetime
    until: dt.datetime | None = None
    more: bool = False


def tell(news: CapacityChanged) -> None:
    """Announce it, and wake the pages of the plan, whatever it moves."""
    announcing.announce(news)
    live.nudge("schedule")


def save_calendar(*, id: uuid.UUID | None = None, by: Actor, at: dt.datetime, **given: Any) -> models.Calendar:
    """Enter a calendar, or change the one with `id`. The fields are those of CALENDAR_COLUMNS, and `closures`.

    monday … sunday: the shifts of the day as text, “06:00-14:00, 22:00-06:00”; one that ends before it starts ends on the next day; “00:00-24:00” is
    the whole day. country: whose public holidays are free, ISO 3166-1, with its subdivision; both empty where holidays are worked. closures:
    `{"starts_at", "ends_at", "reason", "working"}` each, all of them. Raises Invalid with every finding.
    """
    with transaction.atomic():
        key = put_calendars([{**given, **({"id": id} if id else {})}], at=at).only()
    return models.Calendar.objects.get(pk=key)


def put_calendars(rows: Sequence[Given], *, at: dt.datetime, upsert: bool = False) -> Put:
    """Enter calendars together, in a transaction of the caller's. upsert: the one with the same code is changed."""
    put = Put()
    known = {row.pk: row for row in models.Calendar.objects.select_for_update()}
    by_code = {row.code: row for row in known.values()}
    changed: list[uuid.UUID] = []
    for index, given in enumerate(rows):
        values = read(given, _READERS, index, put)
        if values is None or not _complete(given, values, index, put):
            continue
        row = known.get(given["id"]) if given.get("id") else by_code.get(values["code"]) if upsert else models.Calendar(id=new_id())
        if given.get("id") and row is None:
            put.wrong(index, "/", "missing", _("There is no such calendar."))
            continue
        row = row or models.Calendar(id=new_id())
        if by_code.get(values.get("code", row.code), row).pk != row.pk:
            put.wrong(index, "/code", "code_taken", _("There is a calendar with this code already."))
        elif not _subdivided(row, values, index, put):
            continue
        else:
            _write(row, values)
            by_code[row.code] = known[row.pk] = row
            put.saved[index] = row.pk
            changed.append(row.pk)
    _tell(changed, _("The calendar was changed."), at)
    return put


def _complete(given: Given, values: Mapping[str, Any], index: int, put: Put) -> bool:
    if given.get("id") or ("code" in values and "name" in values):
        return True
    for name in ("code", "name"):
        if name not in values:
            put.wrong(index, f"/{name}", "required", _("This must not be empty."))
    return False


def _subdivided(row: models.Calendar, values: Mapping[str, Any], index: int, put: Put) -> bool:
    country, subdivision = values.get("country", row.country), values.get("subdivision", row.subdivision)
    known = known_countries().get(country, [])
    if subdivision and subdivision not in known:
        detail = _("“%(value)s” is no part of that country whose holidays are known. It is one of: %(known)s.")
        put.wrong(index, "/subdivision", "subdivision", detail % {"value": subdivision, "known": ", ".join(known) or "—"})
        return False
    return True


def _write(row: models.Calendar, values: Mapping[str, Any]) -> None:
    for name in ("code", "name", "time_zone", "country", "subdivision"):
        if name in values:
            setattr(row, name, values[name])
    if row._state.adding and "time_zone" not in values:
        row.time_zone = read_time_zone("")
    row.save()
    days = [day for day, name in enumerate(WEEK) if name in values]
    models.Shift.objects.filter(calendar=row, weekday__in=days).delete()
    shifts = [models.Shift(calendar=row, weekday=day, starts=starts, ends=ends) for day in days for starts, ends in values[WEEK[day]]]
    models.Shift.objects.bulk_create(shifts)
    if "closures" in values:
        row.closures.all().delete()
        models.Closure.objects.bulk_create([models.Closure(calendar=row, **closure) for closure in values["closures"]])


def _tell(changed: Sequence[uuid.UUID], reason: str, at: dt.datetime) -> None:
    resources = tuple(models.Resource.objects.filter(calendar__in=changed).values_list("id", flat=True)) if changed else ()
    if resources:
        tell(CapacityChanged(resources=resources, reason=reason, at=at))


def remove_calendar(*, id: uuid.UUID, by: Actor, at: dt.datetime) -> None:
    """Take a calendar away. Raises Invalid where there is none, and where a resource works by it."""
    row = models.Calendar.objects.filter(pk=id).first()
    if row is None:
        raise Invalid([Finding("/", "missing", _("There is no such calendar."))])
    try:
        row.delete()
    except ProtectedError as error:
        raise Invalid([Finding("/", "in_use", _("Resources work by this calendar: give them another one first."))]) from error


def save_closure(*, calendar: uuid.UUID, starts_at: Any, ends_at: Any, reason: Any = "", working: Any = False, by: Actor, at: dt.datetime) -> models.Closure:
    """Close a calendar for a time, or (working) enter an extra shift. Raises Invalid with every finding."""
    values = _closure({"starts_at": starts_at, "ends_at": ends_at, "reason": reason, "working": working}, "")
    with transaction.atomic():
        row = models.Calendar.objects.select_for_update().filter(pk=calendar).first()
        if row is None:
            raise Invalid([Finding("/", "missing", _("There is no such calendar."))])
        if row.closures.count() >= MOST_CLOSURES:
            raise Invalid([Finding("/", "too_many", _("A calendar has at most %(limit)d closures.") % {"limit": MOST_CLOSURES})])
        closure = models.Closure.objects.create(calendar=row, **values)
        _tell([calendar], values["reason"] or _("The calendar was changed."), at)
    return closure


def remove_closure(*, id: uuid.UUID, by: Actor, at: dt.datetime) -> None:
    """Take a closure or an extra shift away. Raises Invalid where there is none."""
    with transaction.atomic():
        row = models.Closure.objects.filter(pk=id).first()
        if row is None:
            raise Invalid([Finding("/", "missing", _("There is no such closure."))])
        row.delete()
        _tell([row.calendar_id], _("The calendar was changed."), at)


# Reading --------------------------------------------------------------------------------------------------------------

_SPAN = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)\s*[-–]\s*([01]?\d|2[0-4]):([0-5]\d)\Z", re.ASCII)


def read_shifts(value: Any) -> list[Shift]:
    """The shifts of a day from “06:00-14:00, 14:00-22:00”; nothing where the day is free. Raises Unreadable."""
    text = fields.text(value, limit=400)
    found: list[tuple[int, int]] = []
    for part in filter(None, (piece.strip() for piece in re.split(r"[,;，；]", text))):
        found.append(_span(part))
    if len(found) > MOST_SHIFTS:
        raise fields.Unreadable("too_many", _("A day has at most %(limit)d shifts.") % {"limit": MOST_SHIFTS})
    found.sort()
    if any(later[0] < earlier[1] for earlier, later in itertools.pairwise(found)):
        raise fields.Unreadable("overlap", _("Two shifts of this day overlap."))
    return [(_clock(start), _clock(end)) for start, end in found]


def _span(text: str) -> tuple[int, int]:
    """Start and end in minutes of the day; an end on the next day is more than 24 hours."""
    match = _SPAN.match(text)
    if match is None:
        raise fields.Unreadable(
            "shift", _("“%(text)s” is no shift. Write start and end as “06:00-14:00”, several with a comma between them.") % {"text": text[:60]}
        )
    start, end = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
    if end > working.DAY:
        raise fields.Unreadable("shift", _("A day ends at 24:00."))
    return start, end if end > start else end + working.DAY


def _clock(minute: int) -> dt.time:
    return dt.time(minute // 60 % 24, minute % 60)


def said_shifts(shifts: Sequence[Shift]) -> str:
    """The shifts of a day as read_shifts reads them."""
    return ", ".join(f"{starts:%H:%M}-{'24:00' if ends == dt.time() else format(ends, '%H:%M')}" for starts, ends in shifts)


def said_week(shifts: Iterable[tuple[int, dt.time, dt.time]]) -> dict[str, str]:
    """The shifts of a week, each day as read_shifts reads it."""
    days: list[list[Shift]] = [[] for _day in WEEK]
    for weekday, starts, ends in shifts:
        days[weekday].append((starts, ends))
    return {name: said_shifts(sorted(day)) for name, day in zip(WEEK, days, strict=True)}


def read_holidays_of(value: Any) -> str:
    """A country whose public holidays are known, or nothing. Raises Unreadable."""
    text = fields.text(value, limit=60).upper()
    if text and text not in known_countries():
        raise fields.Unreadable(
            "country", _("The public holidays of “%(value)s” are not known. Write two letters of ISO 3166-1, as “DE”, or nothing.") % {"value": text}
        )
    return text


def read_moment(value: Any) -> dt.datetime:
    """A moment with its zone, ISO 8601. Raises Unreadable."""
    try:
        found = value if isinstance(value, dt.datetime) else dt.datetime.fromisoformat(str(value))
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise fields.Unreadable("moment", _("Write date and time with the zone: “2027-01-15T06:00:00+01:00”."))
    fields.date(found.date())
    return found


def _closure(given: Any, pointer: str) -> dict[str, Any]:
    put = Put()
    if not isinstance(given, Mapping):
        raise fields.Unreadable("object", _("Write a JSON object."))
    readers: dict[str, Reader] = {"starts_at": read_moment, "ends_at": read_moment, "reason": text_of(200), "working": yes}
    values = read({"starts_at": None, "ends_at": None, "reason": "", "working": False} | dict(given), readers, 0, put)
    if values is not None and values["ends_at"] <= values["starts_at"]:
        put.wrong(0, "/ends_at", "order", _("The end must be after the start."))
    if put.findings:
        raise Invalid([Finding(f"{pointer}{finding.pointer}", finding.code, finding.detail) for _index, finding in put.findings])
    return values or {}


def _closures(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or len(value) > MOST_CLOSURES:
        raise fields.Unreadable("list", _("Write a list of at most %(limit)d closures.") % {"limit": MOST_CLOSURES})
    try:
        return [_closure(one, f"/{index}") for index, one in enumerate(value)]
    except Invalid as error:
        first = error.findings[0]
        raise fields.Unreadable(first.code, f"{first.pointer}: {first.detail}") from error


_READERS: Mapping[str, Reader] = {
    "code": text_of(30, required=True),
    "name": text_of(200, required=True),
    "time_zone": read_time_zone,
    "country": read_holidays_of,
    "subdivision": lambda value: fields.text(value, limit=6).upper(),
    **dict.fromkeys(WEEK, read_shifts),
    "closures": _closures,
}
