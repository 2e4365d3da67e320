"""VISCA bytes, both ways: Sony's eight-byte UDP header and the frames inside it.

A frame is `header, 1 to 14 bytes, FF`; a few of today's cameras write 15. No byte before
the last is FF, because numbers travel as nibbles (`0p 0q 0r 0s`), so a frame is cut at FF
and only there. What stands before a header byte is noise of the line. Some cameras write a
wrong length into the UDP header; it is not trusted, the datagram's own end is.

What the frames mean stands in `drivers.visca.table`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

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
    """A device joined or left a serial chain, so addresses are to be set again."""


@dataclass(frozen=True, slots=True)
class AddressSet:
    """Address Set went through the whole chain, which has so many cameras."""

    cameras: int


@dataclass(frozen=True, slots=True)
class Cleared:
    """IF_Clear went through the whole chain."""


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


Reply = (
    Ack
    | Completion
    | Answer
    | Refused
    | NetworkChange
    | AddressSet
    | Cleared
    | ResetDone
    | BadSequence
    | BadMessage
    | Malformed
)


@dataclass(frozen=True, slots=True)
class Frame:
    """A reply, and the number of the camera in its chain that sent it."""

    camera: int
    """1 to 7; 0 for noise and for what went round to everybody."""
    reply: Reply


class ReplyDecoder:
    """Collects bytes and gives back whole replies.

    Never raises: noise comes back as `Malformed` and decoding goes on after the next
    terminator. Holds 32 bytes at most.
    """

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Reply]:
        """Return the replies that `data` completes, oldest first."""
        return [frame.reply for frame in self.frames(data)]

    def frames(self, data: bytes) -> list[Frame]:
        """Return the same with the camera that sent each."""
        *bodies, rest = (self._rest + data).split(_CUT) if self._rest else data.split(_CUT)
        self._rest = _from_header(rest)[: MAX_BODY_BYTES + 1] if rest else b""  # one over reads as too long
        return [_read(body) for body in bodies]


_CUT = bytes((TERMINATOR,))
_BROADCAST = 0x88
_HEADERS = frozenset((_BROADCAST, *range(0x90, 0x100, 0x10)))
_NOISE = 0


def _from_header(body: bytes) -> bytes:
    """Return `body` without the noise before its first header byte."""
    for at, byte in enumerate(body):
        if byte in _HEADERS:
            return body[at:]
    return b""


def _read(body: bytes) -> Frame:
    """Return what `body` says, or what begins at a later header byte if noise looked like one."""
    body = _from_header(body)
    if len(body) > MAX_BODY_BYTES:
        return Frame(_NOISE, Malformed(body[: MAX_BODY_BYTES + 1]))
    later = body
    while later:
        reply = _parse(later)
        if reply is not None:
            return Frame(_NOISE if later[0] == _BROADCAST else (later[0] >> 4) - 8, reply)
        later = _from_header(later[1:])
    return Frame(_NOISE, Malformed(body))


def _parse(body: bytes) -> Reply | None:
    if len(body) < 2:
        return None
    if body[0] == _BROADCAST:
        return _echo(body)
    group, socket, content = body[1] & 0xF0, body[1] & 0x0F, body[2:]
    if group == 0x50:
        return Answer(content) if content else Completion(socket)
    if group == 0x60 and len(content) == 1:
        return Refused(content[0], socket)
    if group == 0x40 and not content:
        return Ack(socket)
    return NetworkChange() if body[1:] == b"\x38" else None


def _echo(body: bytes) -> Reply | None:
    """Return what came round a chain: `88 30 0w` with w one more than there are cameras, or IF_Clear."""
    if len(body) == 3 and body[1] == 0x30 and 1 <= body[2] <= 8:
        return AddressSet(body[2] - 1)
    return Cleared() if body[1:] == b"\x01\x00\x01" else None


class Datagram(NamedTuple):
    """One UDP datagram from a camera."""

    kind: int
    sequence: int
    replies: tuple[Reply, ...]


_HEADER = struct.Struct(">HHI")
_REPLY = int(Kind.REPLY)
_CONTROL = frozenset((int(Kind.CONTROL), int(Kind.CONTROL_REPLY)))
_SHORT: dict[bytes, tuple[Reply, ...]] = {
    bytes((0x90, group | socket, TERMINATOR)): (meaning(socket),)
    for group, meaning in ((0x40, Ack), (0x50, Completion))
    for socket in range(16)
}
"""What most datagrams hold: one acknowledgement or completion."""


def pack(kind: Kind, sequence: int, payload: bytes) -> bytes:
    """Return the datagram that carries `payload`."""
    return _HEADER.pack(kind, len(payload), sequence) + payload


def unpack(data: bytes) -> Datagram:
    """Return what a camera's datagram says; whatever cannot be read is `Malformed` in it."""
    if len(data) < HEADER_BYTES:
        return Datagram(0, 0, (Malformed(data),))
    kind, _length, sequence = _HEADER.unpack_from(data)
    payload = data[HEADER_BYTES : HEADER_BYTES + 2 * MAX_BODY_BYTES]
    if kind == _REPLY:
        return Datagram(kind, sequence, _SHORT.get(payload) or _replies(payload))
    if kind in _CONTROL:  # errors are seen under both types
        return Datagram(kind, sequence, (_parse_control(payload),))
    return Datagram(kind, sequence, (Malformed(payload),))


def _replies(payload: bytes) -> tuple[Reply, ...]:
    """Return what `payload` says; most often it is one whole frame and nothing else."""
    last = len(payload) - 1
    if 0 < last <= MAX_BODY_BYTES and payload.find(_CUT) == last and payload[0] in _HEADERS:
        reply = _parse(payload[:last])
        if reply is not None:
            return (reply,)
    return tuple(ReplyDecoder().feed(payload)) or (Malformed(payload),)


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
