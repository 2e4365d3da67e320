"""Working hours and holidays of an office, as values.

Hours are dated: a period (Ramadan, for example) overrides the usual week while it lasts.
Where holidays come from is somebody else's business; here they are dates with names.

A break belongs to the working hours of a session (an event may run through noon), and
not to working *time*: a clock of the SOP stands still in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

Hours = tuple[time, time]
"""From, until."""
Week = Mapping[int, Hours]
"""Weekday (Monday is 0) to hours; a day that is missing is free."""
Span = tuple[datetime, datetime]
"""A stretch of time, [from, until)."""
DAY: Final = timedelta(days=1)
DAYS_LOOKED_AT: Final = 400
"""How far working time is looked for; an office that is closed for longer has none."""


@dataclass(frozen=True, slots=True)
class Period:
    """Other hours from `first` until and with `last`; other breaks too, when there are some."""

    first: date
    last: date
    week: Week
    breaks: Week | None = None


class Why(StrEnum):
    """Why a time is not working time."""

    HOLIDAY = "holiday"
    FREE_DAY = "free_day"
    OUTSIDE = "outside"
    SEVERAL_DAYS = "several_days"


class Gap(StrEnum):
    """What nobody has said yet about a day."""

    DECREE = "decree"
    RAMADAN = "ramadan"


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
    breaks: Week = field(default_factory=dict)
    undecreed: frozenset[int] = frozenset()
    """Years whose decree on holidays and joint leave is not known."""
    fasts: tuple[tuple[date, date], ...] = ()
    """First and last days of Ramadans that have no hours of their own."""
    _spans: dict[date, tuple[Span, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)
    """Days that were asked for before: clocks of thousands of requests ask for the same ones."""

    def hours(self, day: date) -> Hours | None:
        """Return the working hours of `day`, none on a free day; holidays are not looked at."""
        period = self._period(day)
        return (period.week if period else self.week).get(day.weekday())

    def _period(self, day: date) -> Period | None:
        return next((period for period in self.periods if period.first <= day <= period.last), None)

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

    def gap(self, day: date) -> Gap | None:
        """Return what is not known about `day`, so that its hours are a guess."""
        if day.year in self.undecreed:
            return Gap.DECREE
        return Gap.RAMADAN if any(first <= day <= last for first, last in self.fasts) else None

    def works(self, day: date) -> bool:
        """Return whether the office works on `day` at all."""
        return day not in self.holidays and self.hours(day) is not None

    def spans(self, day: date) -> tuple[Span, ...]:
        """Return the working time of `day`: its hours without its break."""
        if day not in self._spans:
            self._spans[day] = self._worked(day)
        return self._spans[day]

    def _worked(self, day: date) -> tuple[Span, ...]:
        hours = self.hours(day)
        if hours is None or day in self.holidays:
            return ()
        period = self._period(day)
        breaks = self.breaks if period is None or period.breaks is None else period.breaks
        rest = breaks.get(day.weekday())
        parts = (hours,) if rest is None else ((hours[0], rest[0]), (rest[1], hours[1]))
        return tuple((self._at(day, first), self._at(day, last)) for first, last in parts if first < last)

    def after(self, start: datetime, length: timedelta) -> datetime:
        """Return when `length` of working time has passed since `start`.

        Whole days count working days and keep the time of day: a day from Friday 15.00 is
        Monday 15.00. An office without working time has plain time only.
        """
        if length >= DAY and length % DAY == timedelta(0):
            return self._days_after(start, length // DAY)
        left, moment = length, start
        for begin, end in self._from(start):
            moment = max(begin, start)
            if left <= end - moment:
                return moment + left
            left -= end - moment
        return start + length

    def _days_after(self, start: datetime, count: int) -> datetime:
        first = next((max(begin, start) for begin, _ in self._from(start)), None)
        if first is None:
            return start + count * DAY
        local = first.astimezone(self.zone)
        days = (local.date() + n * DAY for n in range(1, DAYS_LOOKED_AT))
        working = [day for _, day in zip(range(count), (day for day in days if self.works(day)), strict=False)]
        if len(working) < count:
            return start + count * DAY
        opens, closes = self.hours(working[-1]) or (local.time(), local.time())
        return self._at(working[-1], min(max(local.time(), opens), closes))

    def before(self, end: datetime, days: int) -> datetime:
        """Return the moment that lies `days` working days before `end`, at the same time of day."""
        local = end.astimezone(self.zone)
        earlier = (local.date() - n * DAY for n in range(1, DAYS_LOOKED_AT))
        working = [day for _, day in zip(range(days), (day for day in earlier if self.works(day)), strict=False)]
        return self._at(working[-1], local.time()) if len(working) == days > 0 else end - days * DAY

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Return the working time between two moments; negative when `end` is the earlier one."""
        if end < start:
            return -self.between(end, start)
        total = timedelta(0)
        for begin, until in self._from(start, (end - start).days + 2):
            if begin >= end:
                break
            total += max(timedelta(0), min(until, end) - max(begin, start))
        return total

    def _from(self, start: datetime, days: int = DAYS_LOOKED_AT) -> Iterator[Span]:
        """Yield the spans that end after `start`, in order."""
        first = start.astimezone(self.zone).date()
        for n in range(days):
            yield from (span for span in self.spans(first + n * DAY) if span[1] > start)

    def _at(self, day: date, moment: time) -> datetime:
        return datetime.combine(day, moment, self.zone)
