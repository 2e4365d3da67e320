"""A long series drawn honestly: each column of a picture shows the lowest and the highest value in it. Pure.

Thinning by picking every nth value loses peaks and invents calm; a mean per column hides
both. Columns in which nothing was measured stay empty, so that a gap is seen as one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

Point = tuple[datetime, float]


@dataclass(frozen=True, slots=True)
class Column:
    """What was measured in one stretch of time; none of both: nothing was."""

    at: datetime
    low: float | None = None
    high: float | None = None


def envelope(points: Sequence[Point], most: int) -> list[Column]:
    """Return at most `most` columns over `points`, which are in order of time.

    There are fewer when fewer fit between two points, so that a short series has no false gaps.
    """
    if len(points) < 2:
        return [Column(at, value, value) for at, value in points]
    start, span = points[0][0], points[-1][0] - points[0][0]
    count = min(most, round(span / _step(points)) + 1) if span else 1
    width = span / max(count - 1, 1)
    found: dict[int, list[float]] = {}
    for at, value in points:
        found.setdefault(min(round((at - start) / width) if width else 0, count - 1), []).append(value)
    return [_column(start + number * width, found.get(number)) for number in range(count)]


def _step(points: Sequence[Point]) -> timedelta:
    """Return how far apart the points usually are."""
    between = median((later[0] - earlier[0]).total_seconds() for earlier, later in pairwise(points))
    return timedelta(seconds=max(between, 0.001))


def _column(at: datetime, values: list[float] | None) -> Column:
    return Column(at) if values is None else Column(at, min(values), max(values))
