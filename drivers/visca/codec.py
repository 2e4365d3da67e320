"""VISCA bytes, both ways: Sony's eight-byte UDP header and the frames inside it.

A frame is `header, 1 to 14 bytes, FF`. No byte before the last is FF, because numbers
travel as nibbles (`0p 0q 0r 0s`), so a frame is cut at FF and only there. Some cameras
write a wrong length into the UDP header; it is not trusted, the datagram's own end is.

What the frames mean stands in `drivers.visca.table`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

TERMINATOR = 0xFF
MAX_BODY_BYTES = 31
"""Bytes before the terminator; the longest known frame has 17 in all, no camera sends 32."""
HEADER_BYTES = 8
SEQUENCE_LIMIT = 1 << 32
RESET = b"\x01"
"""Control message that sets the sequence number to 0 (SRG-300H technical manual, p. 31)."""


class Kind(IntEnum):
    """Payload types of VISCA over IP (SRG-300H technical manual, p. 31)."""

    COMMAND = 0x0100
    INQUIRY = 0x0110
    REPLY = 0x0111
    SETTING = 0x0120
    CONTROL = 0x0200
    CONTROL_REPLY = 0x0201


class ErrorCode(IntEnum):
    """Error messages of a camera (SRG-120DH technical manual, p. 25 and 26)."""

    MESSAGE_LENGTH = 0x01
    SYNTAX = 0x02
    BUFFER_FULL = 0x03
    CANCELLED = 0x04
    NO_SOCKET = 0x05
    NOT_EXECUTABLE = 0x41


@dataclass(frozen=True, slots=True)
class Ack:
    """The command was accepted and runs in `socket`."""

    socket: int


@dataclass(frozen=True, slots=True)
class Completion:
    """The command in `socket` has ended; socket 0 stands for commands that use none."""

    socket: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What an inquiry asked for, without header and terminator."""

    content: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    """An error message; the code may be one that no manual lists."""

    code: int
    socket: int


@dataclass(frozen=True, slots=True)
class NetworkChange:
    """A device joined or left a serial chain."""


@dataclass(frozen=True, slots=True)
class ResetDone:
    """The camera counts sequence numbers from 0 again."""


@dataclass(frozen=True, slots=True)
class BadSequence:
    """`0F 01`: the number was used before, so the message *was* received before."""


@dataclass(frozen=True, slots=True)
class BadMessage:
    """`0F 02`: the header or its payload made no sense to the camera."""


@dataclass(frozen=True, slots=True)
class Malformed:
    """Bytes that are no reply."""

    content: bytes


Reply = Ack | Completion | Answer | Refused | NetworkChange | ResetDone | BadSequence | BadMessage | Malformed


class ReplyDecoder:
    """Collects bytes and gives back whole replies.

    Never raises: noise comes back as `Malformed` and decoding goes on after the next
    terminator. Holds 32 bytes at most.
    """

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Reply]:
        """Return the replies that `data` completes, oldest first."""
        *bodies, rest = (self._rest + data).split(bytes((TERMINATOR,)))
        self._rest = rest[: MAX_BODY_BYTES + 1]  # one over, so that it reads as too long
        return [_parse(body) for body in bodies]


def _parse(body: bytes) -> Reply:
    if not 2 <= len(body) <= MAX_BODY_BYTES or body[0] < 0x90 or body[0] & 0x0F:
        return Malformed(body[: MAX_BODY_BYTES + 1])
    group, socket, content = body[1] & 0xF0, body[1] & 0x0F, body[2:]
    if group == 0x50:
        return Answer(content) if content else Completion(socket)
    if group == 0x60 and len(content) == 1:
        return Refused(content[0], socket)
    if group == 0x40 and not content:
        return Ack(socket)
    return NetworkChange() if body[1:] == b"\x38" else Malformed(body)


@dataclass(frozen=True, slots=True)
class Datagram:
    """One UDP datagram from a camera."""

    kind: int
    sequence: int
    replies: tuple[Reply, ...]


def pack(kind: Kind, sequence: int, payload: bytes) -> bytes:
    """Return the datagram that carries `payload`."""
    return struct.pack(">HHI", kind, len(payload), sequence) + payload


def unpack(data: bytes) -> Datagram:
    """Return what a camera's datagram says; whatever cannot be read is `Malformed` in it."""
    if len(data) < HEADER_BYTES:
        return Datagram(0, 0, (Malformed(data),))
    kind, _length, sequence = struct.unpack_from(">HHI", data)
    payload = data[HEADER_BYTES : HEADER_BYTES + 2 * MAX_BODY_BYTES]
    if kind in {Kind.CONTROL, Kind.CONTROL_REPLY}:  # errors are seen under both types
        return Datagram(kind, sequence, (_parse_control(payload),))
    if kind != Kind.REPLY:
        return Datagram(kind, sequence, (Malformed(payload),))
    return Datagram(kind, sequence, tuple(ReplyDecoder().feed(payload)) or (Malformed(payload),))


def _parse_control(payload: bytes) -> Reply:
    known: dict[bytes, Reply] = {b"\x01": ResetDone(), b"\x0f\x01": BadSequence(), b"\x0f\x02": BadMessage()}
    return known.get(payload, Malformed(payload))


def to_nibbles(value: int, count: int) -> bytes:
    """Return `value` as `count` bytes of four bits each, negative ones in two's complement."""
    return bytes((value >> 4 * place) & 0x0F for place in reversed(range(count)))


def from_nibbles(nibbles: bytes, *, signed: bool = False) -> int:
    """Return the number that `nibbles` write; the upper half of each byte is ignored."""
    value = 0
    for nibble in nibbles:
        value = value << 4 | nibble & 0x0F
    half = 1 << (4 * len(nibbles) - 1) if nibbles else 0
    return value - 2 * half if signed and value >= half else value
