"""Rooms against time: where each session stands in a grid of five-minute columns. Pure.

The page is a CSS grid: column 1 holds the lane names, each further column is five minutes.
Sessions of one lane that overlap get sub-rows, as few as possible. Positions become classes
(`from-13 to-37 row-2`), because the content policy allows no style attributes; `stylesheet()`
defines them and is served as a static file (`Assets(..., made={"grid.css": stylesheet()})`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

STEP = timedelta(minutes=5)
NAME_COLUMN = 1
FIRST_COLUMN = 2
HEAD_ROW = 1
MOST_COLUMNS = 24 * 12
MOST_ROWS = 120


@dataclass(frozen=True, slots=True)
class Slot:
    """What stands in a lane from `start` to `end`; `key` leads back to the session."""

    lane: str
    key: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Placed:
    """A slot with its place: grid lines `first` to `last`, and its row in the whole grid."""

    slot: Slot
    first: int
    last: int
    row: int

    @property
    def classes(self) -> str:
        """Return the classes that put it there."""
        return f"from-{self.first} to-{self.last} row-{self.row}"


@dataclass(frozen=True, slots=True)
class Lane:
    """One room: its rows in the grid and what stands in them, in order of time."""

    name: str
    first_row: int
    rows: int
    slots: tuple[Placed, ...]

    @property
    def classes(self) -> str:
        """Return the classes of its name."""
        return f"row-{self.first_row} rows-{self.rows}"


@dataclass(frozen=True, slots=True)
class Day:
    """A laid-out stretch of time."""

    start: datetime
    end: datetime
    lanes: tuple[Lane, ...]

    @property
    def columns(self) -> int:
        """Return how many five-minute columns there are."""
        return (self.end - self.start) // STEP

    @property
    def hours(self) -> tuple[tuple[datetime, str], ...]:
        """Return each full hour with the classes of its heading."""
        first = self.start.replace(minute=0, second=0, microsecond=0)
        count = int((self.end - first) / timedelta(hours=1)) + 1
        hours = (first + timedelta(hours=n) for n in range(count))
        return tuple(
            (hour, f"from-{self.line(hour)} to-{self.line(hour + timedelta(hours=1))}")
            for hour in hours
            if self.start <= hour < self.end
        )

    def line(self, moment: datetime) -> int:
        """Return the grid line at `moment`, kept inside the day."""
        inside = min(max(moment, self.start), self.end)
        return FIRST_COLUMN + (inside - self.start) // STEP


def lay_out(lanes: Sequence[str], slots: Iterable[Slot], start: datetime, end: datetime) -> Day:
    """Return the day from `start` to `end` with a lane per name, in the order given.

    What lies outside is left out; what reaches over an edge is cut there. A session shorter
    than a column still gets one.

    Raises:
        ValueError: the stretch is empty or longer than a day.
    """
    if not start < end <= start + MOST_COLUMNS * STEP:
        raise ValueError(f"a timeline shows more than nothing and at most a day, got {start} to {end}")
    empty = Day(start, end, ())
    within = sorted((s for s in slots if s.start < end and s.end > start), key=lambda s: (s.start, s.end, s.key))
    placed: list[Lane] = []
    row = HEAD_ROW + 1
    for name in lanes:
        lane = _lane(name, [slot for slot in within if slot.lane == name], row, empty)
        placed.append(lane)
        row += lane.rows
    return Day(start, end, tuple(placed))


def _lane(name: str, slots: Sequence[Slot], first_row: int, day: Day) -> Lane:
    """Give each slot the highest sub-row that is free; slots come in order of time."""
    free_from: list[int] = []
    placed: list[Placed] = []
    for slot in slots:
        first = min(day.line(slot.start), FIRST_COLUMN + day.columns - 1)
        last = max(_line_after(day, slot.end), first + 1)
        sub_row = next((n for n, free in enumerate(free_from) if free <= first), len(free_from))
        free_from[sub_row : sub_row + 1] = [last]
        placed.append(Placed(slot, first, last, first_row + sub_row))
    return Lane(name, first_row, max(1, len(free_from)), tuple(placed))


def _line_after(day: Day, moment: datetime) -> int:
    line = day.line(moment)
    begun = moment < day.end and (moment - day.start) % STEP
    return line + 1 if begun else line


def stylesheet() -> str:
    """Return the rules of every position class."""
    lines = range(1, FIRST_COLUMN + MOST_COLUMNS + 1)
    rules = [f".from-{n}{{grid-column-start:{n}}}.to-{n}{{grid-column-end:{n}}}" for n in lines]
    rules += [f".row-{n}{{grid-row-start:{n}}}.rows-{n}{{grid-row-end:span {n}}}" for n in range(1, MOST_ROWS + 1)]
    rules += [
        f".columns-{n}{{grid-template-columns:minmax(110px,170px) repeat({n},minmax(0,1fr))}}"
        for n in range(12, MOST_COLUMNS + 1, 6)
    ]
    return "\n".join(rules)
