"""Working time: a week of shifts by the clock on the wall, without holidays and closures, as intervals of minutes.

Pure functions of what a calendar says, so they may be cached whoever asks. Minutes are counted since 1 January 1970 UTC here.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from apps.base.worktime import public_holidays

Minute = int
Window = tuple[Minute, Minute]
DAY = 24 * 60


class Definition(NamedTuple):
    """What a calendar says. shifts: weekday (0 is Monday), start, end; closures: start, end, and whether it is an extra shift instead."""

    time_zone: str
    country: str
    subdivision: str
    shifts: tuple[tuple[int, dt.time, dt.time], ...]
    closures: tuple[tuple[Minute, Minute, bool], ...] = ()


def minute(at: dt.datetime) -> Minute:
    """The whole minutes since 1970 at a moment."""
    return int(at.timestamp() // 60)


def moment(at: Minute) -> dt.datetime:
    """The moment of a minute, in UTC."""
    return dt.datetime.fromtimestamp(at * 60, dt.UTC)


@lru_cache(maxsize=256)
def windows(definition: Definition, first: dt.date, days: int) -> tuple[Window, ...]:
    """The working time of `days` days from `first`, as sorted, disjoint intervals [start, end) of minutes."""
    zone = ZoneInfo(definition.time_zone)
    worked = merged(_shifts(definition, zone, first, days))
    closed = merged((start, end) for start, end, working in definition.closures if not working)
    extra = [(start, end) for start, end, working in definition.closures if working]
    return tuple(merged([*without(worked, closed), *extra]))


def _shifts(definition: Definition, zone: ZoneInfo, first: dt.date, days: int) -> Iterable[Window]:
    """The shifts that begin on each day that is no holiday; the day before the first one counts too, for its night."""
    week: list[list[tuple[dt.time, dt.time]]] = [[] for _day in range(7)]
    for weekday, starts, ends in definition.shifts:
        week[weekday].append((starts, ends))
    for offset in range(-1, days):
        day = first + dt.timedelta(days=offset)
        shifts = week[day.weekday()]
        if not shifts or day in public_holidays(definition.country, definition.subdivision, day.year):
            continue
        for starts, ends in shifts:
            last = day if ends > starts else day + dt.timedelta(days=1)
            start, end = (minute(dt.datetime.combine(on, clock, zone)) for on, clock in ((day, starts), (last, ends)))
            if end > start:
                yield start, end


def merged(intervals: Iterable[Window]) -> list[Window]:
    """The same time as sorted, disjoint intervals."""
    found: list[Window] = []
    for start, end in sorted(intervals):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def without(worked: Sequence[Window], closed: Sequence[Window]) -> list[Window]:
    """What is left of `worked` after `closed` is taken out; both sorted and disjoint."""
    found: list[Window] = []
    index = 0
    for start, end in worked:
        while index < len(closed) and closed[index][1] <= start:
            index += 1
        following = index
        while following < len(closed) and closed[following][0] < end:
            if closed[following][0] > start:
                found.append((start, closed[following][0]))
            start = max(start, closed[following][1])
            following += 1
        if start < end:
            found.append((start, end))
    return found


@lru_cache(maxsize=256)
def windows_from(definition: Definition, origin: Minute, horizon: Minute) -> tuple[Window, ...]:
    """The working time from `origin` on, in minutes since then, up to `horizon`."""
    first = moment(origin).date() - dt.timedelta(days=1)
    found = windows(definition, first, horizon // DAY + 3)
    return clipped(((start - origin, end - origin) for start, end in found), horizon)


def clipped(intervals: Iterable[Window], horizon: Minute) -> tuple[Window, ...]:
    """What of the intervals lies within [0, horizon)."""
    return tuple((max(0, start), min(end, horizon)) for start, end in intervals if end > 0 and start < horizon)
