"""The commands and inquiries of VISCA, one declarative row each.

Names follow Sony's command lists; each row says where it stands. Page numbers in
parentheses are of the manual's own count.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from enum import Enum, IntEnum

from drivers.visca.codec import TERMINATOR, Kind, to_nibbles


class Axis(Enum):
    """What a command moves."""

    PAN_TILT = "pan-tilt"
    ZOOM = "zoom"


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
