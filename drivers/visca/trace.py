"""Every frame of one camera's conversation: kept in a ring, readable, and replayable.

A trace is written as text, one line a frame, and read back from it:

    # VISCA trace, framing sony, camera-1
    2026-11-23T10:00:00.123456Z > 0100 0006 00000001  81 01 04 07 00 FF  CAM_Zoom Stop
    2026-11-23T10:00:00.131002Z < 0111 0003 00000001  90 41 FF  ACK socket 1

`>` goes to the camera and `<` comes from it; `=` is a remark of ours, such as a link that was
made. The first group is Sony's header; a bare frame has none. What follows the bytes is for
people only: it is derived from them whenever the text is written.

`replay` holds a recorded conversation against a session: the same answers at the same times
must draw the same bytes from it. No input or output here.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NoReturn

from drivers.visca.codec import HEADER_BYTES, Kind
from drivers.visca.line import Framing
from drivers.visca.reading import Reader
from drivers.visca.session import Lane, Order, Session
from drivers.visca.table import find

RING_FRAMES = 4000
"""About a minute of a held button, or half an hour of polling."""
LONGEST_BYTES = 256
"""What is kept of one message; no frame is so long, noise may be."""
OPENED = "link made"
"""The remark with which each new link begins."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LINE = re.compile(
    r"(?P<at>\S+) (?P<way>[<>]) "
    r"(?:(?P<head>[0-9A-F]{4} [0-9A-F]{4} [0-9A-F]{8})(?:  |$))?"
    r"(?P<body>[0-9A-F]{2}(?: [0-9A-F]{2})*|-)?(?:  .*)?"
)


class Way(StrEnum):
    """Where a message went."""

    OUT = ">"
    IN = "<"
    REMARK = "="


@dataclass(frozen=True, slots=True)
class Entry:
    """One message, or a remark."""

    at_s: float
    """Seconds on the recorder's clock."""
    way: Way
    message: bytes
    """The whole datagram, or the bytes of a stream as they came; a remark's text."""


class Trace:
    """The last frames of one camera. `note` costs a fraction of a microsecond; all else is done when read."""

    def __init__(
        self, framing: Framing, *, name: str = "camera", wall_s: float = 0.0, frames: int = RING_FRAMES
    ) -> None:
        self.framing = framing
        self.name = name
        self.noted = 0
        """How many entries there ever were; the ring holds the last of them."""
        self._wall_s = wall_s
        self._ring: deque[tuple[float, Way, bytes]] = deque(maxlen=frames)

    def __len__(self) -> int:
        return len(self._ring)

    def __iter__(self) -> Iterator[Entry]:
        return (Entry(*entry) for entry in tuple(self._ring))

    def note(self, at_s: float, outgoing: bool, message: bytes) -> None:
        """Keep one message that went out or came in at `at_s` of the recorder's clock.

        `wall_s` of this trace is what that clock lacks to the seconds since 1970.
        """
        self.noted += 1
        self._ring.append((at_s, Way.OUT if outgoing else Way.IN, message[:LONGEST_BYTES]))

    def remark(self, at_s: float, text: str) -> None:
        """Keep a remark, in one line."""
        self.noted += 1
        line = " ".join(text.split())[:LONGEST_BYTES]
        self._ring.append((at_s, Way.REMARK, line.encode(errors="replace")))

    def clear(self) -> None:
        """Forget everything."""
        self._ring.clear()
        self.noted = 0

    # Text.

    def text(self, last: int | None = None) -> str:
        """Return the trace as text, or its `last` entries; `parse` reads it back."""
        return "\n".join([self._title(), *self.lines(last)]) + "\n"

    def lines(self, last: int | None = None) -> list[str]:
        """Return one readable line an entry."""
        reader = Reader(self.framing)
        lines = [self._line(entry, reader) for entry in self]
        return lines if last is None else lines[max(0, len(lines) - last) :]

    def _title(self) -> str:
        gone = self.noted - len(self._ring)
        return f"# VISCA trace, framing {self.framing.value}, {self.name}" + (
            f", {gone} earlier forgotten" * bool(gone)
        )

    def _line(self, entry: Entry, reader: Reader) -> str:
        at = _EPOCH + timedelta(seconds=self._wall_s + entry.at_s)
        start = f"{at.strftime('%Y-%m-%dT%H:%M:%S.%fZ')} {entry.way}"
        if entry.way is Way.REMARK:
            return f"{start} {entry.message.decode(errors='replace')}"
        meaning = reader.sent(entry.message) if entry.way is Way.OUT else reader.heard(entry.message)
        return f"{start} {_hex(entry.message, self.framing)}  {meaning}"

    @classmethod
    def parse(cls, text: str) -> Trace:
        """Return the trace that `text` writes.

        Raises:
            ValueError: a line that is none; names it.
        """
        framing, name = Framing.RAW, "camera"
        entries: list[Entry] = []
        for number, line in enumerate(text.splitlines(), 1):
            if title := re.match(r"# VISCA trace, framing (\w+), (.*?)(?:, \d+ earlier forgotten)?$", line):
                framing, name = Framing(title[1]), title[2]
            elif line.strip() and not line.startswith("#"):
                entries.append(_entry(line, number))
        trace = cls(framing, name=name, frames=max(RING_FRAMES, len(entries)))
        trace._ring.extend((entry.at_s, entry.way, entry.message) for entry in entries)
        trace.noted = len(entries)
        return trace


def _hex(message: bytes, framing: Framing) -> str:
    """Return the bytes of `message`, Sony's header apart from the frame."""
    if framing is Framing.RAW or len(message) < HEADER_BYTES:
        return message.hex(" ").upper() or "-"
    head, frame = message[:HEADER_BYTES].hex().upper(), message[HEADER_BYTES:].hex(" ").upper()
    return f"{head[:4]} {head[4:8]} {head[8:]}  {frame or '-'}"


def _entry(line: str, number: int) -> Entry:
    """Return what one line of text says.

    Raises:
        ValueError: it is no line of a trace.
    """
    at, remark, rest = line.partition(" = ")
    if remark and " " not in at:
        return Entry(_seconds(at), Way.REMARK, rest.encode())
    found = _LINE.fullmatch(line)
    if found is None:
        raise ValueError(f"line {number} is no line of a VISCA trace: {line[:80]!r}")
    digits = (found["head"] or "") + (found["body"] or "").replace("-", "")
    return Entry(_seconds(found["at"]), Way(found["way"]), bytes.fromhex(digits))


def _seconds(at: str) -> float:
    return (datetime.fromisoformat(at) - _EPOCH).total_seconds()


# Replay.

SLACK_S = 0.25
"""How much later than due a busy machine may have sent something."""


class Diverged(Exception):
    """A session did not do what the recording says; names the entry and both."""


def replay(trace: Trace, fresh: Callable[[], Session], *, slack_s: float = SLACK_S) -> int:
    """Return how many messages `fresh` sessions sent exactly as recorded; each new link gets a new one.

    What people asked for is taken from the recording: a message that the session does not
    send by itself is put to it as a request. Numbers, resends and second STOPs are its own.
    A ring that has lost its beginning is replayed from its first new link on.

    Raises:
        Diverged: the session sent other bytes, or at another time.
    """
    entries = list(trace)
    starts = [n for n, entry in enumerate(entries) if entry.way is Way.REMARK and entry.message == OPENED.encode()]
    starts = starts or [0]
    ends = [*starts[1:], len(entries)]
    links = (_Link(fresh(), trace.framing, entries, start, end) for start, end in zip(starts, ends, strict=True))
    return sum(link.replay(slack_s) for link in links)


class _Link:
    """What was recorded over one link, held against one session."""

    def __init__(self, session: Session, framing: Framing, entries: list[Entry], start: int, end: int) -> None:
        self._session = session
        self._framing = framing
        self._entries = entries
        self._range = range(start, end)
        self._due: deque[tuple[float, bytes]] = deque()
        """What the session sent, and when, that was not yet found in the recording."""
        self._wake_at: float | None = None

    def replay(self, slack_s: float) -> int:
        """Return how many messages were sent as recorded.

        Raises:
            Diverged: something else was sent.
        """
        sent = 0
        for index in self._range:
            entry = self._entries[index]
            self._wait(index, entry.at_s - slack_s)
            if entry.way is Way.IN:
                self._session.received(entry.message, entry.at_s)
                self._tick(entry.at_s)
            elif entry.way is Way.OUT:
                self._send(index, entry)
                sent += 1
        return sent

    def _wait(self, index: int, until: float) -> None:
        """Let the session do what was due before `until`.

        Raises:
            Diverged: the recording lacks what it sent.
        """
        while self._wake_at is not None and self._wake_at < until:
            self._tick(self._wake_at)
        if self._due and self._due[0][0] < until:
            self._diverged(index, "nothing in time", self._due[0][1])

    def _send(self, index: int, entry: Entry) -> None:
        """Let the session send what was recorded.

        Raises:
            Diverged: it sends something else.
        """
        now = entry.at_s + _ROUNDED_S
        self._tick(now)
        if not self._due:
            self._session.request(self._order(index, entry))
            self._tick(now)
        found = self._due.popleft()[1] if self._due else b""
        if found != entry.message:
            self._diverged(index, entry.message.hex(" "), found)

    def _tick(self, now: float) -> None:
        step = self._session.tick(now)
        self._due.extend((now, message) for message in step.send)
        self._wake_at = step.wake_at

    def _diverged(self, index: int, recorded: str, found: bytes) -> NoReturn:
        """Say where recording and session part.

        Raises:
            Diverged: always.
        """
        raise Diverged(f"entry {index}: recorded {recorded}, the session sent {found.hex(' ') or 'nothing'}")

    # What was asked for.

    def _order(self, index: int, entry: Entry) -> Order:
        try:
            kind, sequence, frame = taken_apart(entry.message, self._framing)
        except ValueError:
            self._diverged(index, entry.message.hex(" "), b"")
        if kind is Kind.CONTROL:
            return Order("RESET", kind, frame)
        found = find(frame)
        if found is None:
            return Order("raw", kind, frame)
        row = found[0]
        lane = Lane.STOP if row.name.endswith(" Stop") and row.axes else Lane.USER
        within_s = max(self._last_word_s(index, sequence) - entry.at_s, 0.0) + _ROUNDED_S
        return Order(
            row.name,
            kind,
            frame,
            lane,
            row.axes,
            within_s,
            idempotent=row.idempotent,
            answer_bytes=row.answer_lengths if row.answer else frozenset(),
        )

    def _last_word_s(self, index: int, sequence: int) -> float:
        """Return when the camera last said something of a message, as far as that is known."""
        if self._framing is Framing.RAW:
            return self._entries[self._range[-1]].at_s
        number = sequence.to_bytes(4)
        later = (self._entries[n] for n in range(self._range[-1], index, -1))
        words = (e.at_s for e in later if e.way is Way.IN and e.message[4:HEADER_BYTES] == number)
        return next(words, self._entries[index].at_s)


_ROUNDED_S = 2e-6
"""A written trace holds microseconds."""


def taken_apart(message: bytes, framing: Framing) -> tuple[Kind, int, bytes]:
    """Return type, number and frame of a message that was sent; a bare frame's type stands in it.

    Raises:
        ValueError: no such type.
    """
    if framing is Framing.SONY:
        return Kind(int.from_bytes(message[:2])), int.from_bytes(message[4:HEADER_BYTES]), message[HEADER_BYTES:]
    return Kind.INQUIRY if message[1:2] == b"\x09" else Kind.COMMAND, 0, message
