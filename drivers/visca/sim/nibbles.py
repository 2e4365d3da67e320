"""Numbers as VISCA writes them: one nibble a byte, two's complement."""

from __future__ import annotations

from drivers.visca.sim.problems import SyntaxProblem


def joined(data: bytes) -> int:
    """Return the number that the nibbles of `data` make.

    Raises:
        SyntaxProblem: a byte is no nibble.
    """
    value = 0
    for byte in data:
        if byte > 0x0F:
            raise SyntaxProblem
        value = value * 16 + byte
    return value


def signed(data: bytes) -> int:
    """Return the number of two's complement that the nibbles of `data` make."""
    value, span = joined(data), 16 ** len(data)
    return value - span if value >= span // 2 else value


def spread(value: float, nibbles: int = 4) -> bytes:
    """Return `value` as so many nibbles."""
    number = round(value) % 16**nibbles
    return bytes(number >> 4 * place & 15 for place in reversed(range(nibbles)))
