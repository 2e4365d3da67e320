"""MessagePack for what JSON can say: nil, booleans, numbers, texts, arrays and maps with text keys.

From the format's specification; written by hand because a simulator alone needs it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

_SIZES = {0: ">B", 1: ">H", 2: ">I", 3: ">Q"}
_SIGNED = {0: ">b", 1: ">h", 2: ">i", 3: ">q"}


def packed(value: object) -> bytes:
    """Return `value` as MessagePack.

    Raises:
        TypeError: JSON could not say it either.
    """
    if value is None or isinstance(value, bool):
        return {None: b"\xc0", False: b"\xc2", True: b"\xc3"}[value]
    if isinstance(value, int | float):
        return _integer(value) if isinstance(value, int) else struct.pack(">Bd", 0xCB, value)
    if isinstance(value, str):
        content = value.encode()
        return _head(len(content), 0xA0, 32, (0xD9, 0xDA, 0xDB)) + content
    if isinstance(value, list | tuple):
        return _head(len(value), 0x90, 16, (None, 0xDC, 0xDD)) + b"".join(map(packed, value))
    if isinstance(value, dict):
        pairs = b"".join(packed(str(name)) + packed(one) for name, one in value.items())
        return _head(len(value), 0x80, 16, (None, 0xDE, 0xDF)) + pairs
    raise TypeError(f"no MessagePack for {type(value).__name__}")


def _integer(value: int) -> bytes:
    if -32 <= value < 128:
        return struct.pack(">b", value) if value < 0 else bytes([value])
    first, forms = (0xCC, _SIZES) if value >= 0 else (0xD0, _SIGNED)
    for at, form in forms.items():
        try:
            return bytes([first + at]) + struct.pack(form, value)
        except struct.error:
            continue
    raise TypeError(f"{value} does not fit 64 bits")


def _head(size: int, small: int, below: int, kinds: tuple[int | None, int, int]) -> bytes:
    if size < below:
        return bytes([small | size])
    for at, kind in enumerate(kinds):
        if kind is not None and size < 1 << (8 << at):
            return bytes([kind]) + struct.pack(_SIZES[at], size)
    raise TypeError(f"{size} are too many")


def unpacked(content: bytes) -> object:
    """Return the one value that `content` holds.

    Raises:
        ValueError: it holds none, a broken one or more.
    """
    reader = _Reader(content)
    try:
        value = reader.value()
    except (IndexError, struct.error, RecursionError) as error:
        raise ValueError(f"MessagePack that ends too early, at {reader.at}") from error
    if reader.at != len(content):
        raise ValueError(f"{len(content) - reader.at} bytes behind a value")
    return value


class _Reader:
    """Reads values one after the other."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.at = 0

    def value(self) -> object:
        """Return the next value.

        Raises:
            ValueError: a kind that JSON does not have.
        """
        kind = self._take(1)[0]
        if kind < 0x80 or kind >= 0xE0:
            return kind if kind < 0x80 else kind - 256
        if kind < 0xC0:
            return self._small(kind)
        if kind not in _KINDS:
            raise ValueError(f"MessagePack of kind {kind:#x}, which JSON does not have")
        return _KINDS[kind](self)

    def _small(self, kind: int) -> object:
        if kind >= 0xA0:
            return self.text(kind & 0x1F)
        return self.array(kind & 0x0F) if kind >= 0x90 else self.map(kind & 0x0F)

    def _take(self, count: int) -> bytes:
        part = self._content[self.at : self.at + count]
        if len(part) < count:
            raise IndexError(count)
        self.at += count
        return part

    def number(self, form: str) -> float:
        """Return a number of a fixed form."""
        found: float = struct.unpack(form, self._take(struct.calcsize(form)))[0]
        return found

    def size(self, at: int) -> int:
        """Return a size of 1, 2 or 4 bytes."""
        return int(self.number(_SIZES[at]))

    def text(self, size: int) -> str:
        """Return a text."""
        return self._take(size).decode()

    def array(self, size: int) -> list[object]:
        """Return a list."""
        return [self.value() for _ in range(size)]

    def map(self, size: int) -> dict[str, object]:
        """Return an object."""
        return {str(self.value()): self.value() for _ in range(size)}


_Read = Callable[[_Reader], object]


def _number(form: str) -> _Read:
    return lambda reader: reader.number(form)


def _text(at: int) -> _Read:
    return lambda reader: reader.text(reader.size(at))


def _array(at: int) -> _Read:
    return lambda reader: reader.array(reader.size(at))


def _map(at: int) -> _Read:
    return lambda reader: reader.map(reader.size(at))


_KINDS: dict[int, _Read] = {
    0xC0: lambda _: None, 0xC2: lambda _: False, 0xC3: lambda _: True, 0xCA: _number(">f"), 0xCB: _number(">d"),
    0xCC: _number(">B"), 0xCD: _number(">H"), 0xCE: _number(">I"), 0xCF: _number(">Q"),
    0xD0: _number(">b"), 0xD1: _number(">h"), 0xD2: _number(">i"), 0xD3: _number(">q"),
    0xD9: _text(0), 0xDA: _text(1), 0xDB: _text(2), 0xDC: _array(1), 0xDD: _array(2), 0xDE: _map(1), 0xDF: _map(2),
}  # fmt: skip
