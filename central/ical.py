"""iCalendar (RFC 5545): events written as other programs read them, and read as other programs write them.

Writing is strict: folded lines, escaped text, times in UTC. Reading is tolerant, because
calendars of other makers break the rules in many ways: what cannot be read is named and
left out, and nothing that stands in a calendar can do more than that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

PRODUCT: Final = "-//Siaga//Central//ID"
FOLD_AT: Final = 75
"""Bytes of a line, by the standard."""
LINES_AT_MOST: Final = 200_000
UID_HOST: Final = "siaga"

_ESCAPED: Final = {"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n"}


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
    """Return `events` as a calendar."""
    head = ("BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{PRODUCT}", "CALSCALE:GREGORIAN", f"METHOD:{method}")
    lines = [*head, f"X-WR-CALNAME:{_text(name)}"]
    for event in events:
        lines += _event(event, stamp)
    return "".join(f"{_folded(line)}\r\n" for line in (*lines, "END:VCALENDAR"))


def _event(event: Event, stamp: datetime) -> Iterator[str]:
    yield "BEGIN:VEVENT"
    yield f"UID:{event.uid}"
    yield f"DTSTAMP:{_moment(stamp)}"
    yield f"DTSTART:{_moment(event.starts)}"
    yield f"DTEND:{_moment(event.ends)}"
    yield f"SEQUENCE:{event.sequence}"
    yield f"STATUS:{'CANCELLED' if event.cancelled else 'CONFIRMED'}"
    for key, text in (("SUMMARY", event.summary), ("LOCATION", event.location), ("DESCRIPTION", event.description)):
        if text:
            yield f"{key}:{_text(text)}"
    if event.url:
        yield f"URL:{event.url}"
    yield "END:VEVENT"


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _text(text: str) -> str:
    tidy = _printable(text.replace("\r\n", "\n").replace("\r", "\n"))
    return "".join(_ESCAPED.get(letter, letter) for letter in tidy)


def _folded(line: str) -> str:
    """Return the line in pieces of at most 75 bytes, never through the middle of a letter."""
    pieces, size = [""], 0
    for letter in line:
        width = len(letter.encode())
        if size + width > FOLD_AT:
            pieces.append(" ")
            size = 1
        pieces[-1] += letter
        size += width
    return "\r\n".join(pieces)


def read(text: str, zone: tzinfo) -> tuple[tuple[Event, ...], tuple[Unread, ...]]:
    """Return the events of a calendar and what could not be read; times without a zone are those of `zone`."""
    events: list[Event] = []
    unread: list[Unread] = []
    for first, lines in _blocks(text):
        try:
            events.append(_read_event(lines, zone))
        except ValueError as error:
            unread.append(Unread(first, str(error)))
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


def _read_event(lines: Iterable[str], zone: tzinfo) -> Event:
    """Return one event.

    Raises:
        ValueError: it recurs, or has no start, or one that cannot be read.
    """
    found: dict[str, tuple[str, str]] = {}
    for line in lines:
        head, colon, value = line.partition(":")
        if '"' in head:  # a quoted parameter may hold a colon
            match = re.match(r'((?:[^":]|"[^"]*")*):(.*)', line)
            head, value = (match[1], match[2]) if match else (head, value)
        name, _, more = head.partition(";")
        if colon:
            found.setdefault(name.strip().upper(), (more, value.strip()))
    if "DTSTART" not in found:
        raise ValueError("an event without DTSTART")
    if "RRULE" in found:
        raise ValueError(f"an event that recurs, which is not read: {_plain(found, 'SUMMARY')[:40]!r}")
    starts, whole_day = _when(*found["DTSTART"], zone)
    ends = _end(found, starts, zone, whole_day=whole_day)
    if ends <= starts:
        raise ValueError(f"an event that ends before it starts, at {found['DTSTART'][1][:40]!r}")
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


def _end(found: dict[str, tuple[str, str]], starts: datetime, zone: tzinfo, *, whole_day: bool) -> datetime:
    if "DTEND" in found:
        return _when(*found["DTEND"], zone)[0]
    if "DURATION" in found:
        return starts + _span(found["DURATION"][1])
    return starts + (timedelta(days=1) if whole_day else timedelta(hours=1))


def _when(parameters: str, value: str, zone: tzinfo) -> tuple[datetime, bool]:
    """Return a moment and whether it was a whole day.

    Raises:
        ValueError: it is none.
    """
    match = re.fullmatch(r"(\d{4})-?(\d{2})-?(\d{2})(?:[T ](\d{2}):?(\d{2}):?(\d{2})?)?(?:\.\d+)?(Z?)", value.upper())
    if match is None:
        raise ValueError(f"a time like 20261103T091700 is wanted, found {value[:40]!r}")
    year, month, day, hour, minute, second, utc = match.groups()
    calendar_day = date(int(year), int(month), int(day))
    own = UTC if utc else _zone(parameters, zone)
    at = time(int(hour or 0), int(minute or 0), min(int(second or 0), 59))
    return datetime.combine(calendar_day, at, own), hour is None


def _zone(parameters: str, otherwise: tzinfo) -> tzinfo:
    """Return the zone that is named; one that nobody knows is the office's own."""
    match = re.search(r'TZID="?([^";:]+)', parameters, re.IGNORECASE)
    if match is None:
        return otherwise
    try:
        return ZoneInfo(match[1].strip().lstrip("/"))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return otherwise


def _span(text: str) -> timedelta:
    """Return a duration such as PT1H30M.

    Raises:
        ValueError: it is none.
    """
    match = re.fullmatch(r"\+?P(?:(\d{1,3})W)?(?:(\d{1,3})D)?(?:T(?:(\d{1,4})H)?(?:(\d{1,5})M)?(?:(\d{1,6})S)?)?", text)
    if match is None or not any(match.groups()):
        raise ValueError(f"a duration like PT1H30M is wanted, found {text[:40]!r}")
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)


def _plain(found: dict[str, tuple[str, str]], name: str) -> str:
    value = found.get(name, ("", ""))[1]
    return _printable(re.sub(r"\\([\\;,nN])", lambda match: "\n" if match[1] in "nN" else match[1], value))


def _printable(text: str) -> str:
    """Return `text` without control characters; a calendar may come from anywhere."""
    return "".join(letter for letter in text if letter.isprintable() or letter == "\n")


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 0
