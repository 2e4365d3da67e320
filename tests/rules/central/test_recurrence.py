"""Recurring requests: every occurrence at the same local time, free days left out by name."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.domain.calendar import OfficeCalendar
from central.domain.recurrence import OCCURRENCES_AT_MOST, Every, Recurrence, mistakes, occurrences
from tests.rules.central.test_calendar import CALENDAR, at

STARTS, ENDS = at(12, 22, 9), at(12, 22, 11)


def days(rule: Recurrence, starts: datetime = STARTS) -> list[tuple[int, int]]:
    found = occurrences(starts, starts + timedelta(hours=2), rule, CALENDAR)
    return [(one.starts.month, one.starts.day) for one in found if not one.skipped]


def test_weekly_until_and_with_the_last_day() -> None:
    # 5 January 2027 is Isra Mikraj
    assert days(Recurrence(Every.WEEK, date(2027, 1, 12))) == [(12, 22), (12, 29), (1, 12)]
    assert days(Recurrence(Every.WEEK, date(2027, 1, 4), interval=2)) == [(12, 22)]


def test_daily_leaves_weekends_holidays_and_joint_leave_out_by_name() -> None:
    found = occurrences(STARTS, ENDS, Recurrence(Every.DAY, date(2026, 12, 28)), CALENDAR)
    left_out = {one.starts.day: one.holiday for one in found if one.skipped}
    assert set(left_out) == {24, 25, 26, 27}
    assert "Natal" in left_out[25]
    assert left_out[27] == ""  # a Sunday
    kept = Recurrence(Every.DAY, date(2026, 12, 28), skip_free_days=False)
    assert not any(one.skipped for one in occurrences(STARTS, ENDS, kept, CALENDAR))


def test_monthly_leaves_months_without_that_day_out() -> None:
    rule = Recurrence(Every.MONTH, date(2027, 5, 31), skip_free_days=False)
    assert days(rule, at(12, 31, 9)) == [(12, 31), (1, 31), (3, 31), (5, 31)]


@pytest.mark.parametrize(
    ("rule", "length", "code"),
    [
        (Recurrence(Every.WEEK, date(2026, 12, 21)), 2, "repeat.until"),
        (Recurrence(Every.DAY, date(2027, 12, 31)), 2, "repeat.too_many"),
        (Recurrence(Every.DAY, date(2026, 12, 24)), 25, "repeat.overlaps"),
        (Recurrence(Every.DAY, date(2026, 12, 24), interval=0), 2, "repeat.interval"),
    ],
)
def test_what_is_wrong_is_named(rule: Recurrence, length: int, code: str) -> None:
    assert mistakes(STARTS, STARTS + timedelta(hours=length), rule, CALENDAR) == (code,)


def test_the_time_of_day_stays_when_clocks_are_changed() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    starts = datetime(2026, 10, 20, 9, tzinfo=berlin)
    rule = Recurrence(Every.WEEK, date(2026, 11, 3))
    calendar = OfficeCalendar(berlin, CALENDAR.week)
    found = occurrences(starts, starts + timedelta(hours=1), rule, calendar)
    assert [one.starts.astimezone(berlin).hour for one in found] == [9, 9, 9]


@given(st.sampled_from(list(Every)), st.integers(1, 4), st.integers(0, 400), st.integers(0, 364))
def test_occurrences_rise_and_stay_within(every: Every, interval: int, days_on: int, day: int) -> None:
    starts = at(1, 1, 9) + timedelta(days=day)
    until = starts.date() + timedelta(days=days_on)
    found = occurrences(starts, starts + timedelta(hours=1), Recurrence(every, until, interval), CALENDAR)
    assert found[0].starts == starts
    assert not found[0].skipped
    assert all(one.starts < other.starts for one, other in pairwise(found))
    assert all(one.starts.date() <= until for one in found)
    assert len(found) <= OCCURRENCES_AT_MOST + 1
