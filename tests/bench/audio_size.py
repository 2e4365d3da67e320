"""How much the benchmark of sound does, and how it writes a figure down."""

from __future__ import annotations

from typing import NamedTuple

from siaga.bench import Figure


class Size(NamedTuple):
    """How much is done."""

    servers: int
    starts: int
    hangs: int
    metered_s: float
    loops: int
    failing_loops: int
    cancels: int
    mutes: int
    unplugs: int
    moves: int
    recordings: int
    detected_s: int
    orders: int
    """Of each network mixer."""


FULL = Size(
    servers=20,
    starts=10,
    hangs=6,
    metered_s=30.0,
    loops=100,
    failing_loops=5,
    cancels=20,
    mutes=500,
    unplugs=10,
    moves=10,
    recordings=1500,
    detected_s=60,
    orders=500,
)
QUICK = Size(
    servers=3,
    starts=2,
    hangs=1,
    metered_s=3.0,
    loops=2,
    failing_loops=1,
    cancels=2,
    mutes=50,
    unplugs=1,
    moves=1,
    recordings=60,
    detected_s=10,
    orders=50,
)


def at_most(name: str, value: float, unit: str, most: float, floor: float | None = None) -> Figure:
    """Return a figure that should not be more than `most`."""
    return Figure("audio", name, value, unit, f"<= {most:g}", value <= most, floor)
