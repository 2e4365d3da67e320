"""What is on air, as a small picture for whoever looks: one loop, however many look.

The switcher is asked at most twice a second, one picture at a time, and only while somebody
has looked within the last seconds. After a picture that took long the switcher is left alone
for a while: it works on pictures and on everything else with the same few threads.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from agent.clock import Clock
from drivers.errors import DriverError
from drivers.ports import Snapshot

log = logging.getLogger(__name__)

EVERY_S = 0.5
WIDTH_PX = 320
LOOKED_AT_FOR_S = 3.0
"""So long after the last look pictures are still taken."""
SLOW_S = 0.25
REST_AFTER_SLOW = 8.0
"""So many times as long as a slow picture took nothing is asked."""
AGAIN_AFTER_FAULT_S = 2.0


@runtime_checkable
class OnAir(Snapshot, Protocol):
    """A switcher that knows without being asked what is on air."""

    @property
    def on_air(self) -> str | None:
        """The scene; none while nobody knows."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture."""

    jpeg: bytes
    at: datetime
    tag: str
    """Differs when the picture does."""


class ProgrammePicture:
    """The newest picture of a switcher's programme."""

    def __init__(self, switcher: OnAir, clock: Clock) -> None:
        self._switcher = switcher
        self._clock = clock
        self._shot: Shot | None = None
        self._looked_s = float("-inf")
        self._wanted = asyncio.Event()

    def look(self) -> Shot | None:
        """Return the newest picture, and have more taken for a while."""
        self._looked_s = time.monotonic()
        self._wanted.set()
        return self._shot

    @property
    def is_busy(self) -> bool:
        """Whether pictures are being taken for somebody."""
        return self._wanted.is_set()

    async def run(self) -> None:
        """Take pictures while somebody looks, until cancelled."""
        while True:
            await self._wanted.wait()
            if time.monotonic() - self._looked_s > LOOKED_AT_FOR_S:
                self._wanted.clear()
                continue
            await asyncio.sleep(await self.take())

    async def take(self) -> float:
        """Take one picture and return how long to rest."""
        scene, began = self._switcher.on_air, time.monotonic()
        if scene is None:
            return AGAIN_AFTER_FAULT_S
        try:
            jpeg = await self._switcher.snapshot(scene, width_px=WIDTH_PX)
        except DriverError as error:
            log.debug("no picture: %s", error)
            return AGAIN_AFTER_FAULT_S
        took_s = time.monotonic() - began
        if jpeg:
            self._shot = Shot(jpeg, self._clock.now(), hashlib.sha256(jpeg).hexdigest()[:16])
        return REST_AFTER_SLOW * took_s if took_s > SLOW_S else max(EVERY_S - took_s, 0.0)
