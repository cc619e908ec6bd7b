"""When so many hours of work have passed: against an office that is walked minute by minute."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.base.worktime import Office, due, public_holidays

BERLIN = Office(zone="Europe/Berlin", country="DE")
SHANGHAI = Office(zone="Asia/Shanghai", country="CN")


def local(zone: str, *parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=ZoneInfo(zone))  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("office", "since", "hours", "expected"),
    [
        (BERLIN, local("Europe/Berlin", 2027, 1, 11, 10), 4, local("Europe/Berlin", 2027, 1, 11, 14)),
        # Over the night, and over a weekend.
        (BERLIN, local("Europe/Berlin", 2027, 1, 11, 15), 4, local("Europe/Berlin", 2027, 1, 12, 11)),
        (BERLIN, local("Europe/Berlin", 2027, 1, 15, 16), 16, local("Europe/Berlin", 2027, 1, 19, 16)),
        # At the end of a day, and not at the beginning of the next.
        (BERLIN, local("Europe/Berlin", 2027, 1, 11, 9), 8, local("Europe/Berlin", 2027, 1, 11, 17)),
        # What comes on a Sunday counts from Monday.
        (BERLIN, local("Europe/Berlin", 2027, 1, 17, 3), 1, local("Europe/Berlin", 2027, 1, 18, 10)),
        # Good Friday and Easter Monday.
        (BERLIN, local("Europe/Berlin", 2027, 3, 25, 16), 2, local("Europe/Berlin", 2027, 3, 30, 10)),
        # The clocks go forward in the night to 28 March 2027: an office keeps its hours by the wall.
        (Office(zone="Europe/Berlin", days=frozenset(range(7))), local("Europe/Berlin", 2027, 3, 27, 16), 2, local("Europe/Berlin", 2027, 3, 28, 10)),
        # National Day, and the days off after it.
        (SHANGHAI, local("Asia/Shanghai", 2027, 9, 30, 16), 2, local("Asia/Shanghai", 2027, 10, 6, 10)),
        # Nobody knows the holidays of that country: none are free.
        (Office(country="ZZ"), local("UTC", 2027, 1, 1, 9), 1, local("UTC", 2027, 1, 1, 10)),
    ],
)
def test_only_hours_of_work_count(office: Office, since: dt.datetime, hours: float, expected: dt.datetime) -> None:
    assert due(office, since=since, hours=hours) == expected


def test_an_office_that_never_works_is_said() -> None:
    with pytest.raises(ValueError, match="does not work"):
        due(Office(days=frozenset()), since=local("UTC", 2027, 1, 1), hours=1)


offices = st.builds(
    Office,
    zone=st.sampled_from(["UTC", "Europe/Berlin", "Asia/Shanghai", "America/St_Johns"]),
    country=st.sampled_from(["", "DE", "CN", "FR"]),
    days=st.frozensets(st.integers(0, 6), min_size=1),
    opens=st.sampled_from([dt.time(0), dt.time(7, 30), dt.time(9)]),
    closes=st.sampled_from([dt.time(12), dt.time(17), dt.time(23, 59)]),
)


@settings(max_examples=50, deadline=None)
@given(office=offices, since=st.datetimes(dt.datetime(2026, 1, 1), dt.datetime(2027, 12, 31), timezones=st.just(dt.UTC)), minutes=st.integers(0, 3000))
def test_it_is_what_a_walk_by_the_minute_counts(office: Office, since: dt.datetime, minutes: int) -> None:
    since = since.replace(second=0, microsecond=0)
    end = due(office, since=since, hours=minutes / 60)
    walked, at, zone = 0, since, ZoneInfo(office.zone)
    while at < end:
        wall = at.astimezone(zone)
        free = wall.date() in public_holidays(office.country, "", wall.year)
        walked += wall.weekday() in office.days and not free and office.opens <= wall.time() < office.closes
        at += dt.timedelta(minutes=1)
    assert abs(walked - minutes) <= 1
    assert end >= since
