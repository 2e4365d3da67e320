"""OSC as Behringer's and Midas's desks speak it, and the law of their faders.

*Open Sound Control 1.0*, sections "OSC Data Types" and "OSC Messages"; the desks' addresses and
the fader's law are in *Unofficial X32/M32 OSC Remote Protocol* (P.-G. Maillot): "Client
initiated messages", "X32 console meta commands" and the appendix "Converting X32 fader data
to decibels and vice-versa".
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from math import isfinite

MAX_DATAGRAM_BYTES = 4096
MAX_ARGUMENTS = 32
FADER_STEPS = 1023
OFF_DB = -90.0
TOP_DB = 10.0

Argument = int | float | str | bytes

_LAW = ((0.5, 40.0, -30.0), (0.25, 80.0, -50.0), (0.0625, 160.0, -70.0), (0.0, 480.0, -90.0))
"""From which fader position on, and the line in dB there: slope and what it is at 0."""


class BadMessage(ValueError):
    """A datagram that is no OSC message of a desk."""


@dataclass(frozen=True, slots=True)
class Message:
    """An address and what stands after it; without arguments it asks."""

    address: str
    arguments: tuple[Argument, ...] = ()


def encode(address: str, *arguments: float | str) -> bytes:
    """Return the datagram of a message."""
    out = _padded(address.encode())
    if not arguments:
        return out
    tags = "," + "".join(_tag(one) for one in arguments)
    return out + _padded(tags.encode()) + b"".join(_packed(one) for one in arguments)


def decode(datagram: bytes) -> Message:
    """Return the message of a datagram.

    Raises:
        BadMessage: it is cut short, too long, or holds what desks do not send.
    """
    if len(datagram) > MAX_DATAGRAM_BYTES:
        raise BadMessage(f"wanted at most {MAX_DATAGRAM_BYTES} bytes, found {len(datagram)}")
    address, rest = _text(datagram)
    if not address.startswith("/"):
        raise BadMessage(f"wanted an address that begins with /, found {address[:20]!r}")
    if not rest:
        return Message(address)
    tags, rest = _text(rest)
    if not tags.startswith(",") or len(tags) > MAX_ARGUMENTS:
        raise BadMessage(f"wanted type tags, found {tags[:20]!r}")
    arguments = []
    for tag in tags[1:]:
        argument, rest = _argument(tag, rest)
        arguments.append(argument)
    return Message(address, tuple(arguments))


def fader_of(db: float) -> float:
    """Return the position, 0 to 1, of the desk's step that is nearest to `db`."""
    if db <= OFF_DB:
        return 0.0
    _, slope, offset = next(line for line in _LAW if db >= line[0] * line[1] + line[2])
    position = (db - offset) / slope
    return round(min(position, 1.0) * FADER_STEPS) / FADER_STEPS


def db_of(fader: float) -> float:
    """Return what a position means; 0 is off, which reads as `OFF_DB`."""
    held = min(max(fader, 0.0), 1.0)
    slope, offset = next((slope, offset) for start, slope, offset in _LAW if held >= start)
    return held * slope + offset


def _padded(raw: bytes) -> bytes:
    return raw + b"\0" * (4 - len(raw) % 4)


def _tag(argument: float | str) -> str:
    return {int: "i", float: "f", str: "s"}[type(argument)]


def _packed(argument: float | str) -> bytes:
    if isinstance(argument, str):
        return _padded(argument.encode())
    return struct.pack(">i" if isinstance(argument, int) else ">f", argument)


def _text(raw: bytes) -> tuple[str, bytes]:
    end = raw.find(b"\0")
    if end < 0:
        raise BadMessage("wanted a text that ends, found none")
    try:
        return raw[:end].decode("ascii"), raw[(end // 4 + 1) * 4 :]
    except UnicodeDecodeError as error:
        raise BadMessage("wanted a text in ASCII") from error


def _argument(tag: str, raw: bytes) -> tuple[Argument, bytes]:
    if tag == "s":
        end = raw.find(b"\0")
        if end < 0:
            raise BadMessage("wanted a text that ends, found none")
        return raw[:end].decode("utf-8", "replace"), raw[(end // 4 + 1) * 4 :]
    if tag not in "ifb" or len(raw) < 4:
        raise BadMessage(f"wanted i, f, s or b with its bytes, found {tag!r} with {len(raw)}")
    number = int.from_bytes(raw[:4], "big", signed=True)
    if tag == "i":
        return number, raw[4:]
    if tag == "f":
        value = float(struct.unpack(">f", raw[:4])[0])
        if not isfinite(value):
            raise BadMessage(f"wanted a number, found {value}")
        return value, raw[4:]
    if not 0 <= number <= len(raw) - 4:
        raise BadMessage(f"wanted a blob of {number} bytes, found {len(raw) - 4}")
    return raw[4 : 4 + number], raw[4 + (number + 3) // 4 * 4 :]
