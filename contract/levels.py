"""How loud a session's microphone was, as the journal carries it: one value a second, in blocks.

A block is the body of an entry `sound.levels`. Numbers in two lists take a fifth of what one
object a second would, so an hour of a session is some seventy thousand bytes of journal. A
second in which nothing was measured is null: a gap is told, never filled.

Journals of older agents carry `points` instead, some seconds each; both are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Final

from pydantic import Field, JsonValue, ValidationError, model_validator

from contract.base import Moment, Part
from contract.messages import Entry
from contract.report import LevelPoint
from contract.words import EntryKind

BLOCK_SECONDS: Final = 60
SECOND: Final = timedelta(seconds=1)

Level = Annotated[float, Field(ge=-200, le=20)]


class LevelBlock(Part):
    """Some seconds of levels in dBFS."""

    start: Moment
    """When the first second began."""
    rms: Annotated[tuple[Level | None, ...], Field(max_length=600)]
    peak: Annotated[tuple[Level | None, ...], Field(max_length=600)]

    @model_validator(mode="after")
    def _as_long(self) -> LevelBlock:
        if len(self.rms) != len(self.peak):
            raise ValueError(f"wanted as many peaks as means, got {len(self.peak)} and {len(self.rms)}")
        return self

    def points(self) -> Iterator[LevelPoint]:
        """Yield the seconds that were measured."""
        for number, (rms, peak) in enumerate(zip(self.rms, self.peak, strict=True)):
            if rms is not None and peak is not None:
                yield LevelPoint(at=self.start + number * SECOND, rms_dbfs=rms, peak_dbfs=peak)


def levels_of(entries: Iterable[Entry]) -> list[LevelPoint]:
    """Return every second that `entries` tell of, in order of time and each once.

    A block may have been written twice, when the agent was killed between its two steps.
    One that cannot be read is left out.
    """
    found = (point for entry in entries if entry.kind == EntryKind.LEVELS for point in _points(entry.body))
    return [point for _, point in sorted({point.at: point for point in found}.items())]


def _points(body: Mapping[str, JsonValue]) -> Iterator[LevelPoint]:
    try:
        if isinstance(points := body.get("points"), list):
            yield from [LevelPoint.model_validate(point) for point in points]
        else:
            yield from LevelBlock.model_validate(body).points()
    except ValidationError:
        return
