"""One STOP on its way out without an event loop: what to say, through what, and until when.

A *cry* knows the bytes and what counts as an answer, a *channel* is a way to the camera that
blocks nobody, a *rescue* says the one through the other until it is heard or time is over.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

from drivers.visca.codec import (
    RESET,
    TERMINATOR,
    Ack,
    BadSequence,
    Completion,
    ErrorCode,
    Kind,
    Refused,
    Reply,
    ResetDone,
    pack,
    unpack,
)
from drivers.visca.lines.rfc2217 import (
    SET_BAUD,
    SET_DATA_BITS,
    SET_PARITY,
    SET_STOP_BITS,
    Telnet,
    escape,
)
from drivers.visca.table import FOCUS_STOP, PAN_TILT_STOP, ZOOM_STOP

STOP_ROWS = (PAN_TILT_STOP, ZOOM_STOP, FOCUS_STOP)
SHOUTS = 3
HEARD_BYTES = 2048
CONNECT_WITHIN_S = 1.0


def stop_frames(address: int = 1) -> tuple[bytes, ...]:
    """Return the frames that stop everything that can move."""
    return tuple(row.encode(address=address) for row in STOP_ROWS)


# How to say STOP, without input or output.


class Cry(Protocol):
    """A STOP of all axes, said again until it is heard."""

    @property
    def is_heard(self) -> bool:
        """Whether nothing is left to say."""

    def messages(self) -> list[bytes]:
        """Return what to send this time."""

    def answer(self, data: bytes) -> None:
        """Take what came back."""


class SonyCry:
    """Under Sony's header: RESET, then every STOP under its own number, the same at each try."""

    def __init__(self, stops: Sequence[bytes]) -> None:
        self._open = dict(enumerate(stops, 1))
        self._tries = dict.fromkeys(self._open, 0)
        self._is_reset = False

    @property
    def is_heard(self) -> bool:
        """Whether every STOP was answered."""
        return not self._open

    def messages(self) -> list[bytes]:
        """Return RESET, until it was answered, and the STOPs that were not."""
        for number in self._open:
            self._tries[number] += 1
        reset = [] if self._is_reset else [pack(Kind.CONTROL, 0, RESET)]
        return reset + [pack(Kind.COMMAND, number, stop) for number, stop in self._open.items()]

    def answer(self, data: bytes) -> None:
        """Take a datagram."""
        datagram = unpack(data)
        for reply in datagram.replies:
            if isinstance(reply, ResetDone):
                self._is_reset = True
            elif datagram.sequence in self._open:
                self._answered(datagram.sequence, reply)

    def _answered(self, number: int, reply: Reply) -> None:
        match reply:
            case BadSequence() if self._tries[number] == 1:
                # It never saw this number from us, so it counts from elsewhere: begin again under new ones.
                self._is_reset = False
                self._renumber()
            case Refused(ErrorCode.BUFFER_FULL, _):
                return
            case Ack() | Completion() | BadSequence() | Refused():
                del self._open[number]

    def _renumber(self) -> None:
        first = max(self._tries) + 1
        self._open = dict(enumerate(self._open.values(), first))
        self._tries = dict.fromkeys(self._open, 0)


class RawCry:
    """On a bare line: all STOPs in a row, until one row was answered as a whole, and once more for good measure.

    Nothing says which STOP an answer belongs to, so an answer that comes late counts for the
    row after; that is what the last row is for.
    """

    def __init__(self, stops: Sequence[bytes], address: int) -> None:
        self._stops = list(stops)
        self._from = bytes((0x80 + 0x10 * address,))
        self._missing = len(self._stops)
        self._was_answered = False
        self._rest = b""
        self.is_heard = False

    def messages(self) -> list[bytes]:
        """Return the row."""
        self._missing = len(self._stops)
        self.is_heard = self._was_answered
        return self._stops

    def answer(self, data: bytes) -> None:
        """Take bytes, cut anywhere."""
        *bodies, rest = (self._rest + data).split(bytes((TERMINATOR,)))
        self._rest = rest[-16:]
        self._missing -= sum(self._counts(body) for body in bodies)
        if self._missing <= 0:
            self._was_answered = True

    def _counts(self, body: bytes) -> bool:
        """Whether `body` is an answer: an ACK, a refusal other than buffer full, or the end of what needs no socket."""
        if len(body) < 2 or body[:1] != self._from:
            return False
        if body[1] & 0xF0 == 0x60:
            return body[2:] != bytes((ErrorCode.BUFFER_FULL,))
        return (body[1] & 0xF0 == 0x40 or body[1] == 0x50) and len(body) == 2


class DeafCry:
    """All STOPs, said three times to a line whose answers somebody else gets."""

    def __init__(self, stops: Sequence[bytes]) -> None:
        self._stops = list(stops)
        self._left = SHOUTS

    @property
    def is_heard(self) -> bool:
        """Whether it was said often enough."""
        return not self._left

    def messages(self) -> list[bytes]:
        """Return the STOPs."""
        self._left -= 1
        return self._stops

    def answer(self, data: bytes) -> None:
        """Nobody answers here."""


# Ways out that block nobody and need no loop.


class Channel(Protocol):
    """A way to a camera for one STOP."""

    def send(self, message: bytes) -> None:
        """Send now or never; never raises."""

    def receive(self) -> bytes:
        """Return what came, or nothing; never blocks and never raises."""

    def close(self) -> None:
        """Let go; may be called twice."""


class Datagrams:
    """A UDP socket of its own."""

    def __init__(self, to: tuple[str, int] | tuple[str, int, int, int]) -> None:
        """Make the socket.

        Raises:
            OSError: no way leads there.
        """
        self._socket = socket.socket(socket.AF_INET6 if ":" in to[0] else socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            self._socket.connect(to)
        except BaseException:
            self._socket.close()
            raise

    def send(self, message: bytes) -> None:
        """Send one datagram; one that the port before refused goes again."""
        for _ in range(2):
            with suppress(OSError):
                self._socket.send(message)
                return

    def receive(self) -> bytes:
        """Return one datagram."""
        with suppress(OSError):
            return self._socket.recv(HEARD_BYTES)
        return b""

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


class Stream(Datagrams):
    """A TCP connection of its own."""

    def __init__(self, host: str, port: int) -> None:
        """Connect.

        Raises:
            OSError: nobody listens there.
        """
        self._socket = socket.create_connection((host, port), CONNECT_WITHIN_S)
        self._socket.setblocking(False)


class SerialServer(Stream):
    """A port at the far end of a network (RFC 2217), set as it is wanted without waiting for its word."""

    def __init__(self, host: str, port: int, baud: int) -> None:
        """Connect and set the port.

        Raises:
            OSError: nobody listens there.
        """
        super().__init__(host, port)
        self._telnet = Telnet()
        self._telnet.begin()
        settings = {
            SET_BAUD: struct.pack(">I", baud),
            SET_DATA_BITS: b"\x08",
            SET_PARITY: b"\x01",
            SET_STOP_BITS: b"\x01",
        }
        for code, value in settings.items():
            self._telnet.set(code, value)
        self._negotiate()

    def send(self, message: bytes) -> None:
        """Send the message as Telnet carries it."""
        super().send(escape(message))

    def receive(self) -> bytes:
        """Return what came of the camera, and answer what came of the server."""
        content = self._telnet.feed(super().receive())
        self._negotiate()
        return content

    def _negotiate(self) -> None:
        answers, self._telnet.answers = bytes(self._telnet.answers), bytearray()
        if answers:
            super().send(answers)


class Serial:
    """This machine's own serial port."""

    def __init__(self, path: str, baud: int) -> None:
        """Open it for us alone.

        Raises:
            OSError: there is no such port, or somebody has it.
        """
        import serial  # only here: a room whose cameras are on the network never needs it

        try:
            self._port = serial.Serial(path, baud, timeout=0, write_timeout=CONNECT_WITHIN_S, exclusive=True)
        except ValueError as error:
            raise OSError(str(error)) from error

    def send(self, message: bytes) -> None:
        """Write the message."""
        with suppress(OSError):
            self._port.write(message)

    def receive(self) -> bytes:
        """Return what came."""
        with suppress(OSError):
            return bytes(self._port.read(HEARD_BYTES))
        return b""

    def close(self) -> None:
        """Close the port."""
        self._port.close()


class Shouting:
    """Another's line, for sending alone."""

    def __init__(self, shout: Callable[[bytes], None]) -> None:
        self._shout = shout

    def send(self, message: bytes) -> None:
        """Send past whoever owns the line."""
        self._shout(message)

    def receive(self) -> bytes:
        """The answers go to the line's owner."""
        return b""

    def close(self) -> None:
        """The line is its owner's."""


class Rescue:
    """One STOP on its way out, step by step."""

    def __init__(self, cry: Cry, channel: Channel, now: float, *, again_s: float, within_s: float) -> None:
        self.next_at = now
        self._cry = cry
        self._channel = channel
        self._again_s = again_s
        self._ends_at = now + within_s

    def step(self, now: float) -> None:
        """Listen, and say it again when it is time."""
        while data := self._channel.receive():
            self._cry.answer(data)
        if not self._cry.is_heard and self.next_at <= now < self._ends_at:
            self.next_at = now + self._again_s
            for message in self._cry.messages():
                self._channel.send(message)

    @property
    def is_heard(self) -> bool:
        """Whether the camera answered."""
        return self._cry.is_heard

    def is_over(self, now: float) -> bool:
        """Whether nothing is left to do."""
        return self._cry.is_heard or now >= self._ends_at
