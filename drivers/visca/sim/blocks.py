"""Block inquiries: many settings in one answer of sixteen bytes, bit by bit as Sony's lists draw it.

Layout of BRC-X400/X401 (list, block inquiries); the older blocks 00 to 02 place the same bits alike.
Bytes are counted as there: byte 0 is the address, byte 1 is 50, so the content begins at byte 2.
"""

from __future__ import annotations

from drivers.visca.sim.problems import SyntaxProblem

_CONTENT_BYTES = 13
_ON = (1, 2, 6)
"""What a switch is set to when its bit is 1: 2 for most, 6 for the visibility enhancer."""
_FIRST = 2

Place = tuple[int, int, int]
"""Byte, lowest bit, how many bits; most significant place first."""


def _nibbles(*numbers: int) -> tuple[Place, ...]:
    return tuple((number, 0, 4) for number in numbers)


def _flag(number: int, bit: int) -> tuple[Place, ...]:
    return ((number, bit, 1),)


LAYOUT: tuple[dict[str, tuple[Place, ...]], ...] = (
    {
        "zoom": _nibbles(2, 3, 4, 5),
        "near_limit": _nibbles(6, 7),
        "focus": _nibbles(8, 9, 10, 11),
        "af_mode": ((13, 3, 2),),
        "focus_auto": _flag(13, 0),
        "recalling": _flag(14, 2),
        "focusing": _flag(14, 1),
        "zooming": _flag(14, 0),
    },
    {
        "r_gain": _nibbles(2, 3),
        "b_gain": _nibbles(4, 5),
        "wb_mode": _nibbles(6),
        "wb_speed": ((7, 4, 3),),
        "detail": _nibbles(7),
        "ae_mode": _nibbles(8),
        "high_sensitivity": _flag(9, 5),
        "visibility": _flag(9, 4),
        "backlight": _flag(9, 2),
        "exposure_comp_on": _flag(9, 1),
        "slow_shutter": _flag(9, 0),
        "shutter": ((10, 0, 6),),
        "iris": ((11, 0, 5),),
        "gain": ((12, 0, 5),),
        "bright": ((13, 0, 5),),
        "exposure_comp": _nibbles(14),
    },
    {
        "spotlight": _flag(2, 5),
        "flicker_cancel": _flag(2, 4),
        "auto_night": _flag(2, 2),
        "power": _flag(2, 0),
        "stabiliser": _flag(3, 6),
        "night": _flag(3, 4),
        "effect": _nibbles(5),
        "wb_offset": _nibbles(7),
        "camera_id": _nibbles(8, 9, 10, 11),
    },
    {
        "af_interval": _nibbles(4, 5, 6, 7),
        "flip": _flag(10, 0),
        "colour_level": ((11, 3, 4),),
        "ae_speed": ((12, 0, 6),),
        "noise_reduction": ((13, 0, 3),),
        "chroma_suppress": ((14, 4, 3),),
        "gain_limit": _nibbles(14),
    },
    {"max_shutter": ((10, 0, 6),), "min_shutter": ((9, 0, 6),), "black_level": ((3, 0, 4), (4, 3, 4))},
    {"colour_phase": _nibbles(2)},
)


def block(number: int, blocks: int, values: dict[str, int]) -> bytes:
    """Return the content of block `number` of a camera that has `blocks` of them.

    Raises:
        SyntaxProblem: it has fewer.
    """
    if number >= min(blocks, len(LAYOUT)):
        raise SyntaxProblem
    content = bytearray(_CONTENT_BYTES)
    for name, places in LAYOUT[number].items():
        value = values.get(name, 0)
        if places[0][2] == 1:
            value = int(value in _ON)
        for byte, low, bits in reversed(places):
            content[byte - _FIRST] |= (value & (1 << bits) - 1) << low
            value >>= bits
    return bytes(content)
