"""The microphone's level: live for the tablet and the alarms, second by second for the report.

It is read all day: the sound worker measures anyhow, feedback in an empty room is worth
knowing, and whoever opens the tablet sees the last quarter of an hour.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

from agent.levels import LevelHistory, Second
from drivers.ports import Level, Sound

FRESH_FOR_S = 1.0
AGAIN_AFTER_S = 0.5
ASK_EVERY_S = 0.5
"""Which session is live is asked this often, and whenever something changed; a level comes 20 times a second."""


class Meter:
    """Reads one sound device's microphone; `live` says which session is live, if any."""

    def __init__(self, sound: Sound, history: LevelHistory, *, live: Callable[[], str | None]) -> None:
        self._sound = sound
        self._history = history
        self._live = live
        self._session: str | None = None
        self._asked_at = 0.0
        self._newest: Level | None = None
        self._newest_at = 0.0

    @property
    def device(self) -> str:
        """The sound device that is read."""
        return self._sound.name

    def newest(self) -> Level | None:
        """Return the newest level; none while there is none."""
        return self._newest if time.monotonic() - self._newest_at <= FRESH_FOR_S else None

    def recent(self) -> tuple[Second, ...]:
        """Return the latest seconds, oldest first."""
        return tuple(self._history.recent)

    async def run(self) -> None:
        """Read, until cancelled; a device that is not open gives nothing."""
        while True:
            async with contextlib.aclosing(self._sound.levels()) as levels:  # type: ignore[type-var] # a generator
                async for level in levels:
                    self._take(level)
            await asyncio.sleep(AGAIN_AFTER_S)

    def settle(self) -> None:
        """See which session is live, and write what is left of one that no longer is, before its report is made."""
        self._ask()
        if self._history.session not in {None, self._session}:
            self._history.close()

    def _ask(self) -> None:
        self._session, self._asked_at = self._live(), time.monotonic()

    def _take(self, level: Level) -> None:
        self._newest, self._newest_at = level, time.monotonic()
        if self._newest_at - self._asked_at > ASK_EVERY_S:
            self._ask()
        self._history.take(self._session, level, self._newest_at)
