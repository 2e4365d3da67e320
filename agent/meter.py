"""The microphone's level: live for the tablet, one point a second for the report."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from math import log10
from typing import Any

from agent.clock import Clock
from contract.base import Moment
from contract.report import LevelPoint
from drivers.ports import Level, Sound

WATCHED_FOR_S = 5.0
"""Levels are read this long after somebody looked at them; reading costs processor time."""
FRESH_FOR_S = 1.0
ASK_EVERY_S = 0.5
POINT_EVERY_S = 1.0
POINTS_AN_ENTRY = 10
FLOOR_DBFS = -120.0


class Meter:
    """Reads one sound device's microphone while a session is live or a tablet looks."""

    def __init__(
        self,
        sound: Sound,
        *,
        live: Callable[[], str | None],
        note: Callable[[str, list[dict[str, Any]]], None],
        clock: Clock,
    ) -> None:
        self._sound = sound
        self._live = live
        self._note = note
        self._clock = clock
        self._newest: Level | None = None
        self._newest_at = 0.0
        self._watched_until = 0.0
        self._block: list[Level] = []
        self._points: list[dict[str, Any]] = []
        self._session: str | None = None
        self._point_due = 0.0

    def read(self) -> Mapping[str, float]:
        """Return the newest level by port; empty while there is none. Keeps the reading going."""
        now = time.monotonic()
        self._watched_until = now + WATCHED_FOR_S
        if self._newest is None or now - self._newest_at > FRESH_FOR_S:
            return {}
        return {"microphone": self._newest.rms_dbfs}

    async def run(self) -> None:
        """Read whenever it is wanted, until cancelled."""
        while True:
            if self._is_wanted():
                async with contextlib.aclosing(self._sound.levels()) as levels:  # type: ignore[type-var] # a generator
                    async for level in levels:
                        self._take(level)
                        if not self._is_wanted():
                            break
            await asyncio.sleep(ASK_EVERY_S)

    def settle(self) -> None:
        """Write what is left once the session is no longer live, before its report is made."""
        if self._session is not None and self._live() != self._session:
            self._write()

    def _is_wanted(self) -> bool:
        return self._live() is not None or time.monotonic() < self._watched_until

    def _take(self, level: Level) -> None:
        now = time.monotonic()
        self._newest, self._newest_at = level, now
        self._session = self._live()
        if self._session is None:
            return
        self._block.append(level)
        if now >= self._point_due:
            self._point_due = max(self._point_due + POINT_EVERY_S, now)
            self._points.append(_point(self._block, self._clock.now()))
            self._block = []
        if len(self._points) >= POINTS_AN_ENTRY:
            self._write()

    def _write(self) -> None:
        session, points = self._session, self._points
        self._points, self._block = [], []
        if session is not None and points:
            self._note(session, points)


def _point(block: list[Level], at: Moment | datetime) -> dict[str, Any]:
    power = sum(10 ** (level.rms_dbfs / 10) for level in block) / len(block)
    rms = max(10 * log10(power), FLOOR_DBFS) if power > 0 else FLOOR_DBFS
    peak = max(FLOOR_DBFS, *(level.peak_dbfs for level in block))
    return LevelPoint(at=at, rms_dbfs=round(rms, 1), peak_dbfs=round(peak, 1)).model_dump(mode="json")
