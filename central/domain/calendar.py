"""Working hours and holidays of an office, as values.

Hours are dated: a period (Ramadan, for example) overrides the usual week while it lasts.
Where holidays come from is somebody else's business; here they are dates with names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum
from zoneinfo import ZoneInfo

Hours = tuple[time, time]
"""From, until."""
Week = Mapping[int, Hours]
"""Weekday (Monday is 0) to hours; a day that is missing is free."""


@dataclass(frozen=True, slots=True)
class Period:
    """Other hours from `first` until and with `last`."""

    first: date
    last: date
    week: Week


class Why(StrEnum):
    """Why a time is not working time."""

    HOLIDAY = "holiday"
    FREE_DAY = "free_day"
    OUTSIDE = "outside"
    SEVERAL_DAYS = "several_days"


@dataclass(frozen=True, slots=True)
class NotWorking:
    """A time that is not, or not wholly, working time."""

    why: Why
    day: date
    holiday: str = ""
    hours: Hours | None = None


@dataclass(frozen=True, slots=True)
class OfficeCalendar:
    """When an office works."""

    zone: ZoneInfo
    week: Week
    periods: tuple[Period, ...] = ()
    holidays: Mapping[date, str] = field(default_factory=dict)

    def hours(self, day: date) -> Hours | None:
        """Return the working hours of `day`, none on a free day; holidays are not looked at."""
        for period in self.periods:
            if period.first <= day <= period.last:
                return period.week.get(day.weekday())
        return self.week.get(day.weekday())

    def outside(self, starts: datetime, ends: datetime) -> NotWorking | None:
        """Return why [starts, ends) is not wholly within working hours, or None when it is."""
        begin, end = starts.astimezone(self.zone), ends.astimezone(self.zone)
        day = begin.date()
        if day in self.holidays:
            return NotWorking(Why.HOLIDAY, day, holiday=self.holidays[day])
        hours = self.hours(day)
        if hours is None:
            return NotWorking(Why.FREE_DAY, day)
        if end.date() != day:
            return NotWorking(Why.SEVERAL_DAYS, day, hours=hours)
        if begin.time() < hours[0] or end.time() > hours[1]:
            return NotWorking(Why.OUTSIDE, day, hours=hours)
        return None
