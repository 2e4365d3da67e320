"""iCalendar (RFC 5545): events written as other programs read them, and read as other programs write them.

The `icalendar` library knows the grammar, names of time zones as Windows spells them, and
all kinds of values. What it does not do is go on after the first broken part: one missing
END, and it gives back nothing. So each event is cut out by its lines here and read by
itself; what cannot be read is named by its line and left out, and nothing that stands in
a calendar can do more than that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

from icalendar import Calendar, Component
from icalendar import Event as Written
from icalendar.error import BrokenCalendarProperty

PRODUCT: Final = "-//Siaga//Central//ID"
LINES_AT_MOST: Final = 200_000
EVENTS_AT_MOST: Final = 2000
"""Each costs a fraction of a millisecond; a calendar of many years is brought in parts."""
EVENT_LINES_AT_MOST: Final = 500
YEARS: Final = (1970, 2199)
_NO_DAY: Final = date(1, 1, 1)
"""Stands for what is no day; its year is none that is read."""
UID_HOST: Final = "siaga"


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `sequence` rises with each change; `cancelled` takes it out of other calendars."""

    uid: str
    starts: datetime
    ends: datetime
    summary: str
    location: str = ""
    description: str = ""
    sequence: int = 0
    cancelled: bool = False
    url: str = ""


@dataclass(frozen=True, slots=True)
class Unread:
    """A part of a calendar that could not be read: where it begins, what was wanted and found."""

    line: int
    text: str


def write(events: Iterable[Event], *, name: str, stamp: datetime, method: str = "PUBLISH") -> str:
    """Return `events` as a calendar; its moments are in UTC."""
    calendar = Calendar()
    head = {"version": "2.0", "prodid": PRODUCT, "calscale": "GREGORIAN", "method": method, "x-wr-calname": name}
    for key, text in head.items():
        calendar.add(key, _tidy(text))
    for event in events:
        calendar.add_component(_written(event, stamp))
    return str(calendar.to_ical(), "utf-8")


def _written(event: Event, stamp: datetime) -> Written:
    component = Written()
    for key, moment in (("dtstamp", stamp), ("dtstart", event.starts), ("dtend", event.ends)):
        component.add(key, moment.astimezone(UTC).replace(microsecond=0))
    component.add("uid", _tidy(event.uid))
    component.add("sequence", event.sequence)
    component.add("status", "CANCELLED" if event.cancelled else "CONFIRMED")
    for key, text in (("summary", event.summary), ("location", event.location), ("description", event.description)):
        if text:
            component.add(key, _tidy(text))
    if event.url:
        component.add("url", event.url)
    return component


def _tidy(text: str) -> str:
    return _printable(text.replace("\r\n", "\n").replace("\r", "\n"))


def read(text: str, zone: tzinfo) -> tuple[tuple[Event, ...], tuple[Unread, ...]]:
    """Return the events of a calendar and what could not be read; times without a zone are those of `zone`."""
    events: list[Event] = []
    unread: list[Unread] = []
    for count, (first, lines) in enumerate(_blocks(text)):
        if count == EVENTS_AT_MOST:
            unread.append(Unread(first, f"more than {EVENTS_AT_MOST} events: bring the calendar in parts"))
            break
        try:
            events.append(_read_event(lines, zone))
        except BrokenCalendarProperty as error:
            unread.append(Unread(first, str(error)[:200]))
        except (
            ValueError,
            KeyError,
            AttributeError,
            TypeError,
            OverflowError,
        ) as error:  # whatever the library trips on
            unread.append(Unread(first, (str(error) or "it cannot be read")[:200]))
    return tuple(events), tuple(unread)


def _blocks(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines of each event with the number of the first; one without an end ends where the next begins."""
    first, inner = 0, 0
    lines: list[str] = []
    for number, line in _unfolded(text):
        word = line.upper().replace(" ", "")
        if word == "BEGIN:VEVENT":
            if first:
                yield first, lines
            first, lines, inner = number, [], 0
        elif first and word == "END:VEVENT":
            yield first, lines
            first, lines = 0, []
        elif first and word.startswith("BEGIN:"):
            inner += 1  # an alarm has a DESCRIPTION and times of its own
        elif first and word.startswith("END:"):
            inner -= 1
        elif first and inner <= 0:
            lines.append(line)
    if first:
        yield first, lines


def _unfolded(text: str) -> Iterator[tuple[int, str]]:
    """Yield whole lines with the number of their first piece, whatever ends a line."""
    whole, begun = "", 0
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text)[:LINES_AT_MOST], 1):
        if line[:1] in {" ", "\t"} and begun:
            whole += line[1:]
            continue
        if whole.strip():
            yield begun, whole
        whole, begun = line.removeprefix("\ufeff"), number
    if whole.strip():
        yield begun, whole


def _read_event(lines: list[str], zone: tzinfo) -> Event:
    """Return one event.

    Raises:
        ValueError: it recurs, or has no start, or one that cannot be read.
        BrokenCalendarProperty: a value is not what its name says.
    """
    if len(lines) > EVENT_LINES_AT_MOST:
        raise ValueError(f"an event of more than {EVENT_LINES_AT_MOST} lines")
    found = Written.from_ical("\r\n".join(("BEGIN:VEVENT", *map(_usual, lines), "END:VEVENT")))
    if "DTSTART" not in found:
        raise ValueError("an event without DTSTART")
    if "RRULE" in found:
        raise ValueError(f"an event that recurs, which is not read: {_plain(found, 'SUMMARY')[:40]!r}")
    starts, whole_day = _when(found, "DTSTART", zone)
    ends = _end(found, starts, zone, whole_day=whole_day)
    if ends <= starts:
        raise ValueError(f"an event that ends before it starts, at {starts:%Y-%m-%d %H:%M}")
    return Event(
        uid=_plain(found, "UID"),
        starts=starts,
        ends=ends,
        summary=_plain(found, "SUMMARY"),
        location=_plain(found, "LOCATION"),
        description=_plain(found, "DESCRIPTION"),
        sequence=_number(_plain(found, "SEQUENCE")),
        cancelled=_plain(found, "STATUS").upper() == "CANCELLED",
    )


def _usual(line: str) -> str:
    """Return a line with its moment as the standard writes it: others put hyphens and colons in."""
    match = re.fullmatch(
        r"((?:DTSTART|DTEND)[^:]*:)(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):?(\d\d):?(\d\d)?(Z?))?", line, re.IGNORECASE
    )
    if match is None:
        return line
    head, year, month, day, hour, minute, second, utc = match.groups()
    return f"{head}{year}{month}{day}" + (f"T{hour}{minute}{second or '00'}{utc}" if hour else "")


def _end(found: Component, starts: datetime, zone: tzinfo, *, whole_day: bool) -> datetime:
    """Return when an event ends.

    Raises:
        ValueError: that cannot be read.
    """
    if "DTEND" in found:
        return _when(found, "DTEND", zone)[0]
    if "DURATION" in found:
        span = getattr(found["DURATION"], "dt", None)
        if not isinstance(span, timedelta) or not timedelta(0) < span < timedelta(days=366):
            raise ValueError("a duration like PT1H30M is wanted")
        return starts + span
    return starts + (timedelta(days=1) if whole_day else timedelta(hours=1))


def _when(found: Component, name: str, zone: tzinfo) -> tuple[datetime, bool]:
    """Return a moment and whether it was a whole day.

    Raises:
        ValueError: it is none, or stands there twice.
    """
    value = getattr(found[name], "dt", None)
    whole_day = not isinstance(value, datetime)
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=zone)
    else:
        moment = datetime.combine(value if isinstance(value, date) else _NO_DAY, time(), zone)
    if not YEARS[0] <= moment.year <= YEARS[1]:
        raise ValueError(f"a year from {YEARS[0]} to {YEARS[1]} is wanted, found {moment.year}")
    return moment, whole_day


def _plain(found: Component, name: str) -> str:
    value = found.get(name, "")
    return _printable(str(value[0] if isinstance(value, list) else value))


def _printable(text: str) -> str:
    """Return `text` without control characters; a calendar may come from anywhere."""
    return "".join(letter for letter in text if letter.isprintable() or letter == "\n")


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 0
