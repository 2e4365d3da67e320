"""What a line of the command table is made of: fields, widths, rows.

Some cameras write pan and tilt with five nibbles where most use four, so a frame may be
longer on one camera than on another. A row therefore names the width (`Width.PAN`), and
whoever knows the camera says how wide that is (`Widths`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from drivers.visca.codec import TERMINATOR, Kind, to_nibbles

BROADCAST = 8
"""The address of every camera in a chain at once."""


class Axis(Enum):
    """What a command moves."""

    PAN_TILT = "pan-tilt"
    ZOOM = "zoom"
    FOCUS = "focus"


class Width(Enum):
    """A number of nibbles that differs between cameras."""

    PAN = "pan"
    TILT = "tilt"
    ZOOM = "zoom"


@dataclass(frozen=True, slots=True)
class Widths:
    """How many nibbles one family of cameras uses for a position."""

    pan: int = 4
    tilt: int = 4
    zoom: int = 4

    def of(self, width: Width) -> int:
        """Return the nibbles of `width`."""
        return {Width.PAN: self.pan, Width.TILT: self.tilt, Width.ZOOM: self.zoom}[width]


USUAL = Widths()
KNOWN_WIDTHS = (USUAL, Widths(5, 4), Widths(5, 5))
"""EVI, SRG and most others; BRC-300, BRC-H700, BRC-X1000; SRG-360SHE, FR7, AM7."""


@dataclass(frozen=True, slots=True)
class Field:
    """A number in a frame: so many `nibbles`, or else so many whole `octets`.

    Where the width differs between cameras, `low` and `high` are those of the usual width.
    """

    name: str
    low: int
    high: int
    nibbles: int | Width = 0
    octets: int = 1
    only: tuple[int, ...] = ()
    """The values that mean something, where `low` to `high` has gaps."""
    words: str = ""
    """What the values mean, for people: `2 on, 3 off`."""

    def size(self, widths: Widths) -> int:
        """Return how many bytes it takes."""
        return self._nibbles(widths) or self.octets

    def bounds(self, widths: Widths) -> tuple[int, int]:
        """Return the lowest and the highest value."""
        if not isinstance(self.nibbles, Width):
            return self.low, self.high
        more = 4 * (widths.of(self.nibbles) - USUAL.of(self.nibbles))
        return self.low << more, ((self.high + 1) << more) - 1

    def allows(self, value: int, widths: Widths = USUAL) -> bool:
        """Whether `value` may be written."""
        low, high = self.bounds(widths)
        return low <= value <= high and (not self.only or value in self.only)

    def encode(self, value: int, widths: Widths = USUAL) -> bytes:
        """Return the bytes of `value`.

        Raises:
            ValueError: outside the range; names field, range and value.
        """
        if not self.allows(value, widths):
            raise ValueError(f"{self.name} must be {self.range_text(widths)}, got {value}")
        count = self._nibbles(widths)
        return to_nibbles(value, count) if count else value.to_bytes(self.octets, "big")

    def decode(self, data: bytes, widths: Widths = USUAL) -> int:
        """Return the number that `data` writes.

        Raises:
            ValueError: a value that the field cannot have, or a nibble that is none.
        """
        value = int.from_bytes(data, "big")
        if self._nibbles(widths):
            if any(byte & 0xF0 for byte in data):
                raise ValueError(f"{self.name} wanted half bytes, found {data.hex(' ')}")
            value = int("".join(f"{byte:x}" for byte in data), 16)
            full = 1 << 4 * len(data)
            value -= full if self.low < 0 and value >= full // 2 else 0
        if not self.allows(value, widths):
            raise ValueError(f"{self.name} must be {self.range_text(widths)}, found {value}")
        return value

    def range_text(self, widths: Widths = USUAL) -> str:
        """Return the range in words: `1 to 24`, or `0, 3, 10, 11 or 13`."""
        if self.only:
            *most, last = map(str, self.only)
            return f"{', '.join(most)} or {last}" if most else last
        low, high = self.bounds(widths)
        return f"{low} to {high}"

    def _nibbles(self, widths: Widths) -> int:
        return widths.of(self.nibbles) if isinstance(self.nibbles, Width) else self.nibbles


@dataclass(frozen=True, slots=True)
class Bits:
    """One byte of an answer that holds several numbers: `(name, lowest bit, how many bits)` each."""

    parts: tuple[tuple[str, int, int], ...]

    def decode(self, byte: int) -> dict[str, int]:
        """Return the numbers by name."""
        return {name: byte >> lowest & (1 << count) - 1 for name, lowest, count in self.parts}


Part = bytes | Field
AnswerPart = Field | Bits


@dataclass(frozen=True, slots=True)
class Row:
    """One command or inquiry of the table."""

    name: str
    form: tuple[Part, ...]
    source: str
    """The maker's document, with the page where it has pages."""
    axes: frozenset[Axis] = field(default=frozenset())
    idempotent: bool = True
    """Running it twice ends where running it once does; relative moves, steps and toggles do not."""
    setting: bool = False
    """It sets the line itself, takes no command slot and is never acknowledged."""
    broadcast: bool = False
    """It is sent to the whole chain, whatever the address."""
    special: bool = False
    """Few cameras know it: a profile must name it among its extras."""
    answer: tuple[AnswerPart, ...] = ()
    """What the answer to an inquiry holds; nothing for a command."""
    answer_bytes: int = field(init=False)
    """How long the answer usually is; 0 for a command."""
    answer_lengths: frozenset[int] = field(init=False)
    """Every length that the answer has on some camera."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "answer_bytes", self._answer_size(USUAL))
        object.__setattr__(self, "answer_lengths", frozenset(map(self._answer_size, KNOWN_WIDTHS)))

    @property
    def kind(self) -> Kind:
        """Under which payload type it travels."""
        if self.setting:
            return Kind.SETTING
        return Kind.INQUIRY if self.answer else Kind.COMMAND

    @property
    def fields(self) -> tuple[Field, ...]:
        """The numbers to give, in order."""
        return tuple(part for part in self.form if isinstance(part, Field))

    def encode(self, *values: int, address: int = 1, widths: Widths = USUAL) -> bytes:
        """Return the frame with `values` in the order of the row's fields.

        Raises:
            ValueError: a value is outside its field's range, there are too few or many, or
                there is no such camera address.
        """
        rest = iter(values)
        try:
            parts = [part if isinstance(part, bytes) else part.encode(next(rest), widths) for part in self.form]
        except StopIteration:
            raise ValueError(f"{self.name}: too few values, got {len(values)}") from None
        if next(rest, None) is not None:
            raise ValueError(f"{self.name}: too many values, got {len(values)}")
        return bytes((self._header(address), *b"".join(parts), TERMINATOR))

    def values_of(self, frame: bytes, widths: Widths = USUAL) -> tuple[int, ...] | None:
        """Return the values in `frame`, the other way of `encode`; None if this row did not write it."""
        at, values = 1, []
        for part in self.form:
            size = len(part) if isinstance(part, bytes) else part.size(widths)
            piece, at = frame[at : at + size], at + size
            if isinstance(part, bytes):
                if piece != part:
                    return None
                continue
            try:
                values.append(part.decode(piece, widths))
            except ValueError:
                return None
        return tuple(values) if frame[at:] == bytes((TERMINATOR,)) else None

    def decode(self, content: bytes, widths: Widths | None = None) -> dict[str, int]:
        """Return the numbers in an answer by name; without `widths` its length tells how wide they are.

        Raises:
            ValueError: an answer of another length, or with values that it cannot have.
        """
        candidates = KNOWN_WIDTHS if widths is None else (widths,)
        for candidate in candidates:
            if len(content) == self._answer_size(candidate):
                return dict(self._numbers(content, candidate))
        lengths = " or ".join(str(size) for size in sorted({self._answer_size(w) for w in candidates}))
        raise ValueError(f"{self.name} wanted {lengths} bytes, found {content.hex(' ') or 'none'}")

    def _numbers(self, content: bytes, widths: Widths) -> Iterator[tuple[str, int]]:
        at = 0
        for part in self.answer:
            if isinstance(part, Bits):
                yield from part.decode(content[at]).items()
                at += 1
            else:
                size = part.size(widths)
                yield part.name, part.decode(content[at : at + size], widths)
                at += size

    def _answer_size(self, widths: Widths) -> int:
        return sum(1 if isinstance(part, Bits) else part.size(widths) for part in self.answer)

    def _header(self, address: int) -> int:
        """Return the first byte.

        Raises:
            ValueError: no such camera address.
        """
        if self.broadcast or (address == BROADCAST and self.setting):
            return 0x80 | BROADCAST
        if not 1 <= address <= 7:
            raise ValueError(f"camera address must be 1 to 7, got {address}")
        return 0x80 | address
