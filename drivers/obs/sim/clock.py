"""The simulator's time: the machine's, or one that a test moves by hand."""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Callable
from itertools import count
from typing import Protocol


class Clock(Protocol):
    """What the simulator wants of time."""

    def now(self) -> float:
        """Return seconds since some moment."""
        ...

    def later(self, wait_s: float, call: Callable[[], object]) -> None:
        """Have `call` made in `wait_s` seconds."""
        ...

    async def sleep(self, wait_s: float) -> None:
        """Return in `wait_s` seconds."""
        ...


class RealClock:
    """The machine's monotonic clock."""

    def now(self) -> float:
        """Return seconds since the machine started."""
        return time.monotonic()

    def later(self, wait_s: float, call: Callable[[], object]) -> None:
        """Have `call` made by the running loop."""
        asyncio.get_running_loop().call_later(wait_s, call)

    async def sleep(self, wait_s: float) -> None:
        """Sleep."""
        await asyncio.sleep(wait_s)


class HeldClock:
    """Stands still until `advance` is called, so that what happens in between is exact."""

    def __init__(self) -> None:
        self._now = 1000.0
        self._due: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = count()

    def now(self) -> float:
        """Return the time it shows."""
        return self._now

    def later(self, wait_s: float, call: Callable[[], object]) -> None:
        """Have `call` made when it is due."""
        heapq.heappush(self._due, (self._now + wait_s, next(self._numbers), call))

    async def sleep(self, wait_s: float) -> None:
        """Return when the time has been moved far enough."""
        over = asyncio.Event()
        self.later(wait_s, over.set)
        await over.wait()

    async def advance(self, seconds: float) -> None:
        """Move on; whatever falls due is done in its order, each at its own time."""
        end = self._now + seconds
        await _let_others_run()
        while self._due and self._due[0][0] <= end:
            self._now, _, call = heapq.heappop(self._due)
            call()
            await _let_others_run()
        self._now = end


async def _let_others_run() -> None:
    for _ in range(5):
        await asyncio.sleep(0)
