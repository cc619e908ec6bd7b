"""Working hours of an office, and the public holidays of a country: when so many hours of work have passed.

Pure functions of what is given, so they may be cached whoever asks.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

# Ten years of days: an office that has not worked enough by then is closed.
MOST_DAYS = 3660


@lru_cache(maxsize=512)
def public_holidays(country: str, subdivision: str, year: int, language: str = "") -> dict[dt.date, str]:
    """The public holidays of a year by day, in the language (`en`, `zh`) where it is known there, else in English; without one in the country's own."""
    if not country:
        return {}
    spoken_there = holidays.country_holidays(country, subdiv=subdivision or None)
    supported = getattr(spoken_there, "supported_languages", ())
    wanted = (known for start in (language, "en") for known in supported if language and known.startswith(start))
    spoken = next(wanted, getattr(spoken_there, "default_language", None))
    return dict(holidays.country_holidays(country, subdiv=subdivision or None, years=year, language=spoken))


def known_countries() -> dict[str, list[str]]:
    """The countries whose holidays are known (ISO 3166-1 alpha-2), each with its subdivisions."""
    return holidays.list_supported_countries()


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """When somebody is at work: from opens to closes by the clock on the wall of a time zone (IANA), on the days of a week (0 is Monday).

    country: whose public holidays are free, ISO 3166-1, with its subdivision; empty, or one whose holidays nobody knows: none are.
    """

    zone: str = "UTC"
    country: str = ""
    subdivision: str = ""
    days: frozenset[int] = frozenset(range(5))
    opens: dt.time = dt.time(9)
    closes: dt.time = dt.time(17)

    def stretches(self, since: dt.datetime) -> Iterator[tuple[dt.datetime, dt.datetime]]:
        """The working time from a moment on, as intervals in UTC. Ends after ten years."""
        zone = ZoneInfo(self.zone)
        first = since.astimezone(zone).date()
        for offset in range(MOST_DAYS):
            day = first + dt.timedelta(days=offset)
            if day.weekday() not in self.days or day in _free(self.country, self.subdivision, day.year):
                continue
            start, end = (dt.datetime.combine(day, clock, zone).astimezone(dt.UTC) for clock in (self.opens, self.closes))
            if end > since:
                yield max(start, since.astimezone(dt.UTC)), end


def _free(country: str, subdivision: str, year: int) -> dict[dt.date, str]:
    known = known_countries().get(country)
    if known is None:
        return {}
    return public_holidays(country, subdivision if subdivision in known else "", year)


def due(office: Office, *, since: dt.datetime, hours: float) -> dt.datetime:
    """When an office has worked so many hours since a moment; a word that came when it was closed counts from its next opening.

    Raises ValueError where it never works.
    """
    left = dt.timedelta(hours=hours)
    for start, end in office.stretches(since):
        if left <= end - start:
            return start + left
        left -= end - start
    raise ValueError(f"{office} does not work {hours} hours in ten years")
