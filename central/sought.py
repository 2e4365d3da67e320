"""What somebody looks for among the requests, as conditions that stay quick over a million of them.

A whole receipt number is looked up, whenever the request came. Other words and a room have no
index of their own: they are looked for in a time only, the last year's arrivals unless days
are named, and then a year of days at most. Days are those of the event. Nobody asks for a
room longer than `AHEAD` before, so that an event's days say when its request can have come,
and what came is in the order of the list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any, Final

import sqlalchemy as sa

from central.checks import YEARS
from central.db import tables as t
from central.errors import Wrong

A_YEAR: Final = timedelta(days=366)
AHEAD: Final = timedelta(days=731)
LONGEST: Final = 100
WORDS_AT_MOST: Final = 8
FIRST_YEAR: Final = 1980
"""Before it no day can be told from which requests of its events can have come."""

_RECEIPT: Final = re.compile(r"(\d{4})-(\d{1,9})", re.ASCII)
_Condition = sa.ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class Sought:
    """What is looked for; what is empty counts for nothing, and every word has to be found."""

    words: str = ""
    agency: str = ""
    room: str = ""
    first: date | None = None
    last: date | None = None

    @property
    def receipt(self) -> str:
        """The receipt number that was typed, as it is written; empty for anything else."""
        found = _RECEIPT.fullmatch(self.words.strip())
        return f"{found[1]}-{int(found[2]):04d}" if found else ""

    @property
    def costly(self) -> bool:
        """Whether requests have to be looked through one by one."""
        return not self.receipt and bool(self.words.strip() or self.room)

    @property
    def days(self) -> tuple[date | None, date | None]:
        """The event's days that are looked through: where one is missing and all would be too many, a year."""
        if self.costly and self.first is None and self.last is not None:
            return self.last - A_YEAR, self.last
        if self.costly and self.last is None and self.first is not None:
            return self.first, self.first + A_YEAR
        return self.first, self.last

    def arrived_since(self, now: datetime) -> datetime | None:
        """Return since when requests that came are looked through; none where that does not matter."""
        return now - A_YEAR if self.costly and self.days == (None, None) else None

    def wrongs(self) -> Iterator[Wrong]:
        """Yield what cannot be looked for."""
        known = [(name, day) for name, day in (("from", self.first), ("until", self.last)) if day is not None]
        far = [name for name, day in known if not FIRST_YEAR <= day.year <= YEARS[1]]
        if far:
            yield Wrong(far[0], "time.far", f"wanted a year from {FIRST_YEAR} to {YEARS[1]}")
        elif self.first is not None and self.last is not None and self.last < self.first:
            yield Wrong("until", "days.order", "the last day must not be before the first")
        elif self.first is not None and self.last is not None and self.costly and self.last - self.first > A_YEAR:
            yield Wrong("until", "days.too_many", f"words and rooms are looked for in {A_YEAR.days} days at most")

    def conditions(self, now: datetime, zone: tzinfo) -> Iterator[_Condition]:
        """Yield what a request has to be."""
        q = t.request.c
        if self.agency:
            yield q.agency_id == _plain(self.agency)
        if self.room:
            yield q.room_id == _plain(self.room)
        if self.receipt:
            yield q.receipt == self.receipt
        else:
            yield from map(_has, _plain(self.words).split()[:WORDS_AT_MOST])
        if since := self.arrived_since(now):
            yield q.submitted_at >= since
        yield from _on_days(q, *self.days, zone)


ANYTHING: Final = Sought()


def _on_days(q: Any, first: date | None, last: date | None, zone: tzinfo) -> Iterator[_Condition]:
    """Yield the conditions for events of these days, and for when their requests can have come."""
    if first is not None:
        begins = datetime.combine(first, time(), tzinfo=zone)
        yield q.ends > begins
        yield q.submitted_at >= begins - AHEAD
    if last is not None:
        over = datetime.combine(last + timedelta(days=1), time(), tzinfo=zone)
        yield q.starts < over
        yield q.submitted_at < over


def _has(word: str) -> _Condition:
    """Return the condition for a word that stands in number, title, letter number or the agency's name."""
    q, a = t.request.c, t.agency.c
    named = sa.select(a.id).where(sa.or_(*(name.icontains(word, autoescape=True) for name in (a.name, a.short))))
    own = (name.icontains(word, autoescape=True) for name in (q.receipt, q.title, q.letter_number))
    return sa.or_(*own, q.agency_id.in_(named))


def _plain(text: str) -> str:
    """Return a text without the one sign that no database takes."""
    return text.replace("\0", " ")
