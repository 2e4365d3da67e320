"""The microphone's level over a session, one value a second, safe from a kill.

Seconds are gathered into a block, and a block is a journal entry once a minute: that keeps
an hour below a hundred thousand bytes. Between entries the unfinished block lies in the store
under one name, written over every few seconds, so that it cannot grow; after a kill the next
process makes an entry of it. Written twice is read once (`contract.levels`).
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from datetime import timedelta
from math import log10
from typing import Protocol

from pydantic import JsonValue, ValidationError

from agent.clock import Clock
from contract.base import Moment, Part
from contract.levels import BLOCK_SECONDS, SECOND, LevelBlock
from drivers.ports import Level

log = logging.getLogger(__name__)

KEPT_EVERY = 3
"""So many seconds are missing at most after a kill."""
SHOWN_SECONDS = 900
"""What the tablet's graph goes back."""
FLOOR_DBFS = -120.0
CLOCK_MAY_DIFFER = timedelta(seconds=2)
FACT = "levels"

Second = tuple[float | None, float | None]
"""Mean and peak of one second in dBFS; none where nothing was measured."""
Note = Callable[[str, dict[str, JsonValue]], None]
"""Writes a block into a session's journal."""


class Facts(Protocol):
    """What keeps a few words over a kill."""

    def fact(self, name: str) -> str | None:
        """Return the value kept under `name`."""

    def keep_fact(self, name: str, value: str) -> None:
        """Keep `value` under `name`."""


class _Kept(Part):
    """An unfinished block as it lies in the store."""

    session: str
    block: LevelBlock


class LevelHistory:
    """What was heard second by second: of a live session for ever, of any time for a quarter of an hour."""

    def __init__(self, facts: Facts, note: Note, clock: Clock) -> None:
        self._facts = facts
        self._note = note
        self._clock = clock
        self.recent: deque[Second] = deque(maxlen=SHOWN_SECONDS)
        """The latest whole seconds, oldest first."""
        self._session: str | None = None
        self._start: Moment | None = None
        self._block: list[Second] = []
        self._heard: list[Level] = []
        self._ends_s: float | None = None
        """When the second that is gathered ends."""
        self._take_up()

    def _take_up(self) -> None:
        """Make an entry of what a process left that was killed."""
        text = self._facts.fact(FACT)
        if not text:
            return
        try:
            kept = _Kept.model_validate_json(text)
        except ValidationError as error:
            log.warning("levels of an earlier process cannot be read: %s", error, extra={"action": "levels"})
        else:
            self._note(kept.session, kept.block.model_dump(mode="json"))
        self._facts.keep_fact(FACT, "")

    def take(self, session: str | None, level: Level, now_s: float) -> None:
        """Take a level heard at `now_s` on a clock that nobody sets, while `session` is live."""
        if session != self._session:
            self.close()
            self._session = session
        if self._ends_s is None or now_s >= self._ends_s + BLOCK_SECONDS:
            self._begin_anew(now_s)
        while self._ends_s is not None and now_s >= self._ends_s:
            self._end_second(now_s)
        self._heard.append(level)

    def _begin_anew(self, now_s: float) -> None:
        """Let go of the grid of seconds: nothing was heard for so long that it says nothing any more."""
        if self._ends_s is not None:
            self._end_second(now_s)
        self._write()
        self._ends_s = now_s + 1.0

    def _end_second(self, now_s: float) -> None:
        second, self._heard = _second(self._heard), []
        ends_s, self._ends_s = self._ends_s or now_s, (self._ends_s or now_s) + 1.0
        self.recent.append(second)
        if self._session is not None:
            self._gather(second, self._clock.now() - timedelta(seconds=now_s - ends_s))

    def _gather(self, second: Second, ended_at: Moment) -> None:
        if self._start is not None and abs(ended_at - self._start - (len(self._block) + 1) * SECOND) > CLOCK_MAY_DIFFER:
            self._write()  # somebody set the clock
        if self._start is None:
            self._start = ended_at - SECOND
        self._block.append(second)
        if len(self._block) >= BLOCK_SECONDS:
            self._write()
        elif len(self._block) % KEPT_EVERY == 0:
            self._keep()

    def close(self) -> None:
        """Write what is left: the session is no longer live."""
        if self._heard and self._session is not None and self._ends_s is not None:
            self._end_second(self._ends_s)
        self._write()
        self._session, self._heard, self._ends_s = None, [], None

    @property
    def session(self) -> str | None:
        """The session whose levels are gathered now."""
        return self._session

    def _made(self) -> LevelBlock | None:
        if self._start is None or not any(rms is not None for rms, _ in self._block):
            return None
        rms, peak = zip(*self._block, strict=True)
        return LevelBlock(start=self._start, rms=rms, peak=peak)

    def _keep(self) -> None:
        if self._session is not None and (block := self._made()) is not None:
            self._facts.keep_fact(FACT, _Kept(session=self._session, block=block).model_dump_json())

    def _write(self) -> None:
        """Make an entry of the block; first the entry, then the store forgets it."""
        block, self._block, self._start = self._made(), [], None
        if block is not None and self._session is not None:
            self._note(self._session, block.model_dump(mode="json"))
            self._facts.keep_fact(FACT, "")


def _second(levels: list[Level]) -> Second:
    """Return mean power and highest peak."""
    if not levels:
        return None, None
    power = sum(10 ** (level.rms_dbfs / 10) for level in levels) / len(levels)
    rms = max(10 * log10(power), FLOOR_DBFS) if power > 0 else FLOOR_DBFS
    peak = max(FLOOR_DBFS, *(level.peak_dbfs for level in levels))
    return round(rms, 1), round(peak, 1)
