"""Pictures of what a simulated OBS shows, in blocks of eight by eight points, as JPEG, PNG or BMP.

A picture of such blocks needs little of the JPEG standard (ITU-T T.81): each block is its
mean alone, so only the first coefficient is written and no cosine is ever computed.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Sequence

from drivers.obs.sim.studio import Studio

Colour = tuple[int, int, int]
Blocks = Sequence[Sequence[Colour]]
"""Rows of colours, red, green and blue, from the top."""
SIDE = 8
_BLACK = (0, 0, 0)
_GREY = (90, 90, 90)


def picture(studio: Studio, name: str, width: int, height: int) -> Blocks:
    """Return what a scene or an input shows now."""
    columns, rows = -(-width // SIDE), -(-height // SIDE)
    one = _top(studio, name)
    if one is None:
        return [[_BLACK] * columns] * rows
    if studio.inputs[one].is_camera:
        return _camera(studio, one, columns, rows)
    colour = studio.inputs[one].settings.get("color")
    return [[_of_number(colour) if isinstance(colour, int) else _GREY] * columns] * rows


def _top(studio: Studio, name: str) -> str | None:
    """Return the input whose picture is seen; none where all is black."""
    if name not in studio.scenes:
        return name
    shown = [item.source for item in studio.items(name) if item.enabled and 0 not in studio.size(item.source)]
    inputs = [source for source in shown if source in studio.inputs]
    return inputs[-1] if inputs else None


def _camera(studio: Studio, name: str, columns: int, rows: int) -> Blocks:
    """Return a room that never looks the same twice, as no sensor is without noise."""
    if studio.faults.camera_black:
        return [[_BLACK] * columns] * rows
    frame = 0 if studio.faults.camera_frozen else int(studio.clock.now() * studio.video.fps)
    seed = zlib.crc32(f"{name} {frame}".encode())
    return [[_grain(seed, column, row) for column in range(columns)] for row in range(rows)]


def _grain(seed: int, column: int, row: int) -> Colour:
    noise = (seed >> (column + 3 * row) % 24 & 7) + (column * row * seed >> 5 & 3)
    return 60 + 3 * column % 90 + noise, 80 + 5 * row % 90 + noise, 100 + noise


def _of_number(colour: int) -> Colour:
    """Return the colour of OBS's number: alpha, blue, green, red."""
    return colour & 0xFF, colour >> 8 & 0xFF, colour >> 16 & 0xFF


# JPEG.

_LENGTHS = bytes([0, 0, 0, 12] + [0] * 12) + bytes(range(12))
"""A Huffman table in which the lengths 0 to 11 have codes of four bits each."""
_ONLY_END = bytes([1] + [0] * 15) + b"\0"
"""One in which a single bit ends a block."""


def jpeg(blocks: Blocks, width: int, height: int) -> bytes:
    """Return a baseline JPEG in full colour resolution."""
    parts = b"".join(bytes([number, 0x11, 0]) for number in (1, 2, 3))
    uses = b"".join(bytes([number, 0]) for number in (1, 2, 3))
    return b"".join(
        (
            b"\xff\xd8",
            _segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0"),
            _segment(0xDB, b"\0" + bytes([SIDE] * 64)),  # so the mean is written as it is
            _segment(0xC0, struct.pack(">BHHB", 8, height, width, 3) + parts),
            _segment(0xC4, b"\0" + _LENGTHS + b"\x10" + _ONLY_END),
            _segment(0xDA, b"\3" + uses + b"\0\x3f\0"),
            _coded(blocks),
            b"\xff\xd9",
        )
    )


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def _coded(blocks: Blocks) -> bytes:
    """Return the means, each as its difference from the one before."""
    bits: list[str] = []
    last = [0, 0, 0]
    for row in blocks:
        for colour in row:
            for part, value in enumerate(_luma_chroma(colour)):
                bits.append(_difference(value - last[part]))
                last[part] = value
    text = "".join(bits)
    text += "1" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8, "big").replace(b"\xff", b"\xff\0")


def _difference(value: int) -> str:
    length = abs(value).bit_length()
    own = value if value >= 0 else value + (1 << length) - 1
    return f"{length:04b}" + (f"{own:0{length}b}" if length else "") + "0"


def _luma_chroma(colour: Colour) -> tuple[int, int, int]:
    """Return brightness and the two colour differences, around zero."""
    red, green, blue = colour
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    return round(luma - 128), round((blue - luma) / 1.772), round((red - luma) / 1.402)


# PNG and BMP.


def png(blocks: Blocks, width: int, height: int) -> bytes:
    """Return a PNG without filters."""
    rows = b"".join(b"\0" + row for row in _points(blocks, width, height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(rows, 1)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def bmp(blocks: Blocks, width: int, height: int) -> bytes:
    """Return a BMP of 24 bits, bottom row first."""
    padding = bytes(-3 * width % 4)
    turned = [[(blue, green, red) for red, green, blue in row] for row in blocks]
    rows = b"".join(row + padding for row in reversed(_points(turned, width, height)))
    sizes = 54 + len(rows), 0, 0, 54, 40, width, height, 1, 24
    return b"BM" + struct.pack("<IHHIIiiHH", *sizes) + bytes(24) + rows


def _points(blocks: Blocks, width: int, height: int) -> list[bytes]:
    """Return the rows of points, red, green and blue."""
    lines = [b"".join(bytes(colour) * SIDE for colour in row)[: 3 * width] for row in blocks]
    return [lines[at // SIDE] for at in range(height)]


FORMATS: dict[str, Callable[[Blocks, int, int], bytes]] = {"jpg": jpeg, "jpeg": jpeg, "png": png, "bmp": bmp}
