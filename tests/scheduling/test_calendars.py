"""Working time: shifts by the clock on the wall, daylight saving, holidays, closures."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.base.worktime import public_holidays
from apps.scheduling.selectors.working import DAY, Definition, clipped, merged, minute, moment, windows, windows_from, without

NIGHT = tuple((day, dt.time(22), dt.time(6)) for day in range(7))
EARLY = tuple((day, dt.time(6), dt.time(14)) for day in range(5))


def local(definition: Definition, first: dt.date, days: int) -> list[str]:
    return [f"{moment(start):%a %d %H:%M}-{moment(end):%a %d %H:%M}" for start, end in windows(definition, first, days)]


def test_a_week_of_shifts_in_utc() -> None:
    found = local(Definition("UTC", "", "", EARLY), dt.date(2027, 1, 4), 7)
    assert found[0] == "Mon 04 06:00-Mon 04 14:00"
    assert found[-1] == "Fri 08 06:00-Fri 08 14:00"


@pytest.mark.parametrize(
    ("zone", "first", "lengths"),
    [
        ("Europe/Berlin", dt.date(2027, 3, 27), [480, 420, 480]),  # the clock leaps from 2 to 3 in the night to Sunday, 28 March
        ("Europe/Berlin", dt.date(2027, 10, 30), [480, 540, 480]),  # and goes back from 3 to 2 in the night to Sunday, 31 October
        ("America/New_York", dt.date(2027, 3, 13), [480, 420, 480]),
        ("Asia/Shanghai", dt.date(2027, 3, 27), [480, 480, 480]),
    ],
)
def test_a_night_shift_is_as_long_as_the_night(zone: str, first: dt.date, lengths: list[int]) -> None:
    definition = Definition(zone, "", "", NIGHT)
    # The night that began on the day before counts too.
    assert [end - start for start, end in windows(definition, first, 2)] == lengths


def test_shifts_stay_at_their_hour_of_the_wall() -> None:
    definition = Definition("Europe/Berlin", "", "", EARLY)
    hours = {moment(start).hour for start, _end in windows(definition, dt.date(2027, 3, 22), 12)}
    assert hours == {5, 4}


def test_twenty_four_hours_are_one_window() -> None:
    always = Definition("Europe/Berlin", "", "", tuple((day, dt.time(), dt.time()) for day in range(7)))
    ((start, end),) = windows(always, dt.date(2027, 3, 20), 20)
    assert (moment(start), end - start) == (dt.datetime(2027, 3, 18, 23, tzinfo=dt.UTC), 21 * DAY - 60)


def test_holidays_are_free_where_they_are_kept() -> None:
    easter = dt.date(2027, 3, 26)
    here = windows(Definition("Europe/Berlin", "DE", "", EARLY), easter, 4)
    there = windows(Definition("Asia/Shanghai", "CN", "", EARLY), easter, 4)
    assert (len(here), len(there)) == (1, 3)  # Good Friday and Easter Monday; the Thursday before counts with its evening
    assert public_holidays("DE", "BY", 2027).get(dt.date(2027, 1, 6)) == "Heilige Drei Könige"
    assert dt.date(2027, 1, 6) not in public_holidays("DE", "HB", 2027)
    assert public_holidays("CN", "", 2027, "zh")[dt.date(2027, 10, 1)] == "国庆节"
    assert public_holidays("CN", "", 2027, "en")[dt.date(2027, 10, 1)] == "National Day"


def test_a_closure_is_free_and_an_extra_shift_is_worked_on_a_holiday_too() -> None:
    monday = dt.date(2027, 1, 4)
    noon = minute(dt.datetime(2027, 1, 4, 12, tzinfo=dt.UTC))
    holiday = minute(dt.datetime(2027, 1, 1, 8, tzinfo=dt.UTC))
    definition = Definition("UTC", "DE", "", EARLY, ((noon - 60, noon, False), (holiday, holiday + 240, True)))
    assert local(definition, monday, 1) == ["Fri 01 08:00-Fri 01 12:00", "Mon 04 06:00-Mon 04 11:00", "Mon 04 12:00-Mon 04 14:00"]


def test_windows_from_a_moment_begin_there() -> None:
    origin = minute(dt.datetime(2027, 1, 4, 9, 30, tzinfo=dt.UTC))
    found = windows_from(Definition("UTC", "", "", EARLY), origin, 2 * DAY)
    assert found == ((0, 270), (1230, 1710), (2670, 2 * DAY))


intervals = st.lists(st.tuples(st.integers(0, 200), st.integers(1, 40)).map(lambda pair: (pair[0], pair[0] + pair[1])), max_size=12)


@given(intervals, intervals)
def test_intervals_are_sets_of_minutes(worked: list[tuple[int, int]], closed: list[tuple[int, int]]) -> None:
    def minutes(parts: list[tuple[int, int]]) -> set[int]:
        return {at for start, end in parts for at in range(start, end)}

    left = without(merged(worked), merged(closed))
    assert minutes(left) == minutes(worked) - minutes(closed)
    assert left == merged(left)
    assert minutes(list(clipped(left, 100))) == {at for at in minutes(left) if at < 100}
