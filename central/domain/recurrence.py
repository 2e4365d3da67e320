"""A request that recurs: its occurrences, each of which is decided by itself.

The time of day stays the same in the office's zone. Occurrences on free days are left out
where that is wished, and named with the reason, so that nobody waits for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import islice, pairwise
from typing import Final

from central.domain.calendar import OfficeCalendar

OCCURRENCES_AT_MOST: Final = 60
_DAY: Final = timedelta(days=1)


class Every(StrEnum):
    """How often."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    """On the same day of the month; a month that has no such day is left out."""


@dataclass(frozen=True, slots=True)
class Recurrence:
    """Every so many days, weeks or months, until and with a day."""

    every: Every
    until: date
    interval: int = 1
    skip_free_days: bool = True


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One of the times; `holiday` names why it is left out, `free` that the office does not work then."""

    starts: datetime
    ends: datetime
    skipped: bool = False
    holiday: str = ""


def occurrences(starts: datetime, ends: datetime, rule: Recurrence, calendar: OfficeCalendar) -> tuple[Occurrence, ...]:
    """Return all occurrences in order, also those left out; the first is the event itself.

    Of a rule with too many, one more than allowed comes back.
    """
    first, length = starts.astimezone(calendar.zone), ends - starts
    found = []
    for day in islice(_days(first.date(), rule), OCCURRENCES_AT_MOST + 1):
        moment = datetime.combine(day, first.time(), calendar.zone).astimezone(starts.tzinfo)
        off = rule.skip_free_days and day != first.date() and not calendar.works(day)
        found.append(Occurrence(moment, moment + length, off, calendar.holidays.get(day, "") if off else ""))
    return tuple(found)


def mistakes(starts: datetime, ends: datetime, rule: Recurrence, calendar: OfficeCalendar) -> tuple[str, ...]:
    """Return what is wrong with a rule, as codes; nothing for one in order."""
    if rule.interval < 1:
        return ("repeat.interval",)
    first = starts.astimezone(calendar.zone).date()
    if rule.until < first:
        return ("repeat.until",)
    found = occurrences(starts, ends, rule, calendar)
    if len(found) > OCCURRENCES_AT_MOST:
        return ("repeat.too_many",)
    if any(earlier.ends > later.starts for earlier, later in pairwise(found)):
        return ("repeat.overlaps",)
    return ()


def _days(first: date, rule: Recurrence) -> Iterator[date]:
    """Yield the days until the rule's last."""
    step = rule.interval * (_DAY if rule.every is Every.DAY else 7 * _DAY)
    day, months = first, 0
    while day <= rule.until:
        yield day
        if rule.every is Every.MONTH:
            months += rule.interval
            while (found := _months_later(first, months)) is None:
                months += rule.interval
            day = found
        else:
            day += step


def _months_later(first: date, months: int) -> date | None:
    """Return the same day so many months later, None where that month has none; the last year comes back as it is."""
    year, month = divmod(first.month - 1 + months, 12)
    if first.year + year > date.max.year:
        return date.max
    try:
        return first.replace(year=first.year + year, month=month + 1)
    except ValueError:
        return None
