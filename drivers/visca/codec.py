"""VISCA bytes, both ways: Sony's eight-byte UDP header, the frames inside it, and the commands.

A frame is `header, 1 to 14 bytes, FF`. No byte before the last is FF, because numbers
travel as nibbles (`0p 0q 0r 0s`), so a frame is cut at FF and only there. Some cameras
write a wrong length into the UDP header; it is not trusted, the datagram's own end is.

Names follow Sony's command lists; each row of the tables says where it stands. Page numbers
in parentheses are of the manual's own count.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from enum import Enum, IntEnum

TERMINATOR = 0xFF
MAX_BODY_BYTES = 31
"""Bytes before the terminator; the longest known frame has 17 in all, no camera sends 32."""
HEADER_BYTES = 8
SEQUENCE_LIMIT = 1 << 32


class Kind(IntEnum):
    """Payload types of VISCA over IP (SRG-300H technical manual, p. 31)."""

    COMMAND = 0x0100
    INQUIRY = 0x0110
    REPLY = 0x0111
    SETTING = 0x0120
    CONTROL = 0x0200
    CONTROL_REPLY = 0x0201


class Axis(Enum):
    """What a command moves."""

    PAN_TILT = "pan-tilt"
    ZOOM = "zoom"


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


@dataclass(frozen=True, slots=True)
class Field:
    """A number inside a command: one byte, or so many `nibbles`."""

    name: str
    low: int
    high: int
    nibbles: int = 0

    def encode(self, value: int) -> bytes:
        """Return the bytes of `value`.

        Raises:
            ValueError: outside the range; names field, range and value.
        """
        if not self.low <= value <= self.high:
            raise ValueError(f"{self.name} must be {self.low} to {self.high}, got {value}")
        return to_nibbles(value, self.nibbles) if self.nibbles else bytes((value,))


@dataclass(frozen=True, slots=True)
class Row:
    """One command or inquiry of the tables."""

    name: str
    form: tuple[bytes | Field, ...]
    source: str
    axes: frozenset[Axis] = field(default=frozenset())
    answer_bytes: int = 0
    """How long the answer to an inquiry is; 0 for a command."""

    @property
    def kind(self) -> Kind:
        """Under which payload type it travels."""
        return Kind.INQUIRY if self.answer_bytes else Kind.COMMAND

    def encode(self, *values: int, address: int = 1) -> bytes:
        """Return the frame with `values` in the order of the row's fields.

        Raises:
            ValueError: a value is outside its field's range, or there are too few or many.
        """
        rest = iter(values)
        try:
            parts = [part if isinstance(part, bytes) else part.encode(next(rest)) for part in self.form]
        except StopIteration:
            raise ValueError(f"{self.name}: too few values, got {len(values)}") from None
        if next(rest, None) is not None:
            raise ValueError(f"{self.name}: too many values, got {len(values)}")
        return bytes((0x80 | address, *b"".join(parts), TERMINATOR))


class Direction(IntEnum):
    """Third and fourth parameter of Pan-tiltDrive."""

    LEFT = 1
    RIGHT = 2
    UP = 1
    DOWN = 2
    STOP = 3


def _hex(text: str) -> bytes:
    return bytes.fromhex(text)


_D70 = "EVI-D70 technical manual, command list (p. 39-42)"
_D70_ASK = "EVI-D70 technical manual, inquiry command list (p. 43-45)"
_PAN_TILT = frozenset({Axis.PAN_TILT})
_ZOOM = frozenset({Axis.ZOOM})
_ALL = _PAN_TILT | _ZOOM
# 00 is no speed: a BRC-300 answers it with a syntax error, in a STOP too.
_PAN_SPEED = Field("pan speed", 0x01, 0x18)
_TILT_SPEED = Field("tilt speed", 0x01, 0x18)
_STEPS = -0x8000, 0x7FFF

RESET = b"\x01"
"""Control message that sets the sequence number to 0 (SRG-300H technical manual, p. 31)."""

POWER_ON = Row("CAM_Power On", (_hex("010400 02"),), _D70)
POWER_STANDBY = Row("CAM_Power Off", (_hex("010400 03"),), _D70)
STORE = Row("CAM_Memory Set", (_hex("01043F01"), Field("memory", 0, 254)), _D70)
RECALL = Row("CAM_Memory Recall", (_hex("01043F02"), Field("memory", 0, 254)), _D70, _ALL)
PAN_TILT_DRIVE = Row(
    "Pan-tiltDrive",
    (_hex("010601"), _PAN_SPEED, _TILT_SPEED, Field("pan direction", 1, 3), Field("tilt direction", 1, 3)),
    _D70,
    _PAN_TILT,
)
PAN_TILT_STOP = Row("Pan-tiltDrive Stop", (_hex("010601 01010303"),), _D70, _PAN_TILT)
PAN_TILT_ABSOLUTE = Row(
    "Pan-tiltDrive AbsolutePosition",
    # The X-series has one speed for both and wants 00 in the second place.
    (_hex("010602"), _PAN_SPEED, Field("tilt speed", 0, 0x18), Field("pan", *_STEPS, 4), Field("tilt", *_STEPS, 4)),
    _D70,
    _PAN_TILT,
)
ZOOM_STOP = Row("CAM_Zoom Stop", (_hex("01040700"),), _D70, _ZOOM)
ZOOM_DRIVE = Row("CAM_Zoom Tele/Wide (Variable)", (_hex("010407"), Field("zoom drive", 0x20, 0x37)), _D70, _ZOOM)
ZOOM_DIRECT = Row("CAM_Zoom Direct", (_hex("010447"), Field("zoom", 0, 0x4000, 4)), _D70, _ZOOM)

VERSION_INQ = Row(
    "CAM_VersionInq",
    (_hex("090002"),),
    "SRG-120DH technical manual, VISCA interface and inquiry (p. 26)",
    answer_bytes=7,
)
POWER_INQ = Row("CAM_PowerInq", (_hex("090400"),), _D70_ASK, answer_bytes=1)
ZOOM_INQ = Row("CAM_ZoomPosInq", (_hex("090447"),), _D70_ASK, answer_bytes=4)
POSITION_INQ = Row("Pan-tiltPosInq", (_hex("090612"),), _D70_ASK, answer_bytes=8)
MEMORY_INQ = Row(
    "CAM_MemoryInq", (_hex("09043F"),), "BRC-300 command list, inquiry command list 2/2 (p. 14)", answer_bytes=1
)

TABLE: tuple[Row, ...] = (
    POWER_ON,
    POWER_STANDBY,
    STORE,
    RECALL,
    PAN_TILT_DRIVE,
    PAN_TILT_STOP,
    PAN_TILT_ABSOLUTE,
    ZOOM_STOP,
    ZOOM_DRIVE,
    ZOOM_DIRECT,
    VERSION_INQ,
    POWER_INQ,
    ZOOM_INQ,
    POSITION_INQ,
    MEMORY_INQ,
)


@dataclass(frozen=True, slots=True)
class Version:
    """The answer to CAM_VersionInq."""

    vendor: int
    model: int
    rom: int
    sockets: int

    @classmethod
    def parse(cls, content: bytes) -> Version:
        """Return what the seven bytes of `content` say."""
        return cls(*struct.unpack(">HHHB", content))
