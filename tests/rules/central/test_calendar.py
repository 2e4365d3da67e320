"""Working time: breaks, free days, Ramadan, and that adding and measuring it agree."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.domain.calendar import OfficeCalendar
from central.settings import load
from tests.rules.central.test_verification import ZONE

SETTINGS = load(Path(__file__).parents[3] / "configs" / "central.yaml")
CALENDAR = SETTINGS.policy.calendar(SETTINGS.zone, 2026)
MINUTE = timedelta(minutes=1)


def at(month: int, day: int, hour: int, minute: int = 0, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("start", "length", "due"),
    [
        (at(11, 3, 9), 10 * MINUTE, at(11, 3, 9, 10)),
        (at(11, 3, 11, 55), 10 * MINUTE, at(11, 3, 13, 5)),  # noon
        (at(11, 6, 16, 25), 10 * MINUTE, at(11, 9, 7, 35)),  # Friday evening to Monday
        (at(11, 6, 20), timedelta(days=1), at(11, 10, 7, 30)),  # comes in on Friday night, counts from Monday
        (at(11, 6, 15), timedelta(days=1), at(11, 9, 15)),
        (at(11, 6, 16, 20), timedelta(days=1), at(11, 9, 16)),  # Mondays end earlier
        (at(3, 17, 10), timedelta(days=1), at(3, 25, 10)),  # Nyepi, Idul Fitri and their joint leave
    ],
)
def test_a_standard_runs_in_working_time(start: datetime, length: timedelta, due: datetime) -> None:
    assert CALENDAR.after(start, length) == due


def test_ramadan_has_its_own_hours_and_breaks() -> None:
    calendar = SETTINGS.policy.calendar(SETTINGS.zone, 2027)
    assert calendar.after(at(2, 10, 7, year=2027), 10 * MINUTE) == at(2, 10, 8, 10, year=2027)
    assert calendar.between(at(2, 10, 0, year=2027), at(2, 11, 0, year=2027)) == timedelta(hours=6.5)


@pytest.mark.parametrize("year", range(2024, 2030))
def test_no_year_works_on_independence_day_or_a_sunday(year: int) -> None:
    calendar = SETTINGS.policy.calendar(SETTINGS.zone, year)
    assert not calendar.works(date(year, 8, 17))
    first = date(year, 1, 1)
    days = [first + timedelta(days=n) for n in range(365)]
    assert not any(calendar.works(day) for day in days if day.weekday() >= 5)
    assert 225 <= sum(calendar.works(day) for day in days) <= 262


MOMENTS = st.integers(0, 365 * 24 * 60).map(lambda minutes: at(1, 1, 0) + minutes * MINUTE)


@given(MOMENTS, st.integers(1, 3000))
def test_working_time_that_is_added_is_measured_again(start: datetime, minutes: int) -> None:
    length = minutes * MINUTE + timedelta(seconds=1)  # never a whole day, which counts otherwise
    assert CALENDAR.between(start, CALENDAR.after(start, length)) == length


@given(MOMENTS, MOMENTS, MOMENTS)
def test_working_time_adds_up(first: datetime, second: datetime, third: datetime) -> None:
    first, second, third = sorted((first, second, third))
    parts = CALENDAR.between(first, second) + CALENDAR.between(second, third)
    assert parts == CALENDAR.between(first, third) == -CALENDAR.between(third, first)


@given(MOMENTS, st.integers(1, 20))
def test_working_days_back_are_working_days(end: datetime, days: int) -> None:
    latest = CALENDAR.before(end, days)
    passed = [latest.date() + timedelta(days=n) for n in range((end.date() - latest.date()).days)]
    assert sum(CALENDAR.works(day) for day in passed) == days
    assert latest.timetz() == end.timetz()


def test_an_office_that_never_works_has_plain_time() -> None:
    never = OfficeCalendar(ZONE, {})
    start = at(11, 3, 9)
    assert never.after(start, MINUTE) == start + MINUTE
    assert never.after(start, timedelta(days=2)) == start + timedelta(days=2)
    assert never.before(start, 2) == start - timedelta(days=2)
    assert OfficeCalendar(ZONE, {1: (time(9), time(10))}).between(start, start + timedelta(days=7)) == timedelta(
        hours=1
    )
