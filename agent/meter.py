"""The microphone's level: live for the tablet and the alarms, second by second for the report."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

from agent.levels import LevelHistory, Second
from drivers.ports import Level, Sound

WATCHED_FOR_S = 5.0
"""Levels are read this long after somebody looked at them; reading costs processor time."""
FRESH_FOR_S = 1.0
ASK_EVERY_S = 0.5


class Meter:
    """Reads one sound device's microphone while a session has the room or a tablet looks.

    `live` says which session is live, if any, and `wanted` whether levels are needed for
    more than looking at them.
    """

    def __init__(
        self,
        sound: Sound,
        history: LevelHistory,
        *,
        live: Callable[[], str | None],
        wanted: Callable[[], bool] = lambda: False,
    ) -> None:
        self._sound = sound
        self._history = history
        self._live = live
        self._wanted = wanted
        self._newest: Level | None = None
        self._newest_at = 0.0
        self._watched_until = 0.0

    @property
    def device(self) -> str:
        """The sound device that is read."""
        return self._sound.name

    def newest(self) -> Level | None:
        """Return the newest level; none while there is none."""
        return self._newest if time.monotonic() - self._newest_at <= FRESH_FOR_S else None

    def look(self) -> Level | None:
        """Return the newest level, and keep the reading going for whoever looks."""
        self._watched_until = time.monotonic() + WATCHED_FOR_S
        return self.newest()

    def recent(self) -> tuple[Second, ...]:
        """Return the latest seconds, oldest first."""
        return tuple(self._history.recent)

    async def run(self) -> None:
        """Read whenever it is wanted, until cancelled."""
        while True:
            if self._is_wanted(self._live()):
                async with contextlib.aclosing(self._sound.levels()) as levels:  # type: ignore[type-var] # a generator
                    async for level in levels:
                        if not self._is_wanted(live := self._live()):
                            break
                        self._take(live, level)
            await asyncio.sleep(ASK_EVERY_S)

    def settle(self) -> None:
        """Write what is left once the session is no longer live, before its report is made."""
        if self._history.session is not None and self._live() != self._history.session:
            self._history.close()

    def _is_wanted(self, live: str | None) -> bool:
        return live is not None or time.monotonic() < self._watched_until or self._wanted()

    def _take(self, live: str | None, level: Level) -> None:
        self._newest, self._newest_at = level, time.monotonic()
        self._history.take(live, level, self._newest_at)
