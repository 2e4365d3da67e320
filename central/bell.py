"""Tells other parts of the process that something was committed, from any thread.

A bell carries no content: who hears it looks into the database, which is the only truth.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Final

SCHEDULE: Final = "schedule"
REQUESTS: Final = "requests"
ROOMS: Final = "rooms"
REPORTS: Final = "reports"
MESSAGES: Final = "messages"
COMMANDS: Final = "commands"


class Listener:
    """Hears some of the bell's topics; strokes that come together are one."""

    def __init__(self, topics: frozenset[str]) -> None:
        self._topics = topics
        self._loop = asyncio.get_running_loop()
        self._rung: set[str] = set()
        self._event = asyncio.Event()

    def tell(self, topic: str) -> None:
        """Hear `topic`, from any thread; a loop that is closed hears nothing."""
        if topic in self._topics:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._hear, topic)

    def _hear(self, topic: str) -> None:
        self._rung.add(topic)
        self._event.set()

    async def next(self, *, within_s: float | None = None) -> frozenset[str]:
        """Return what rang since the last call, waiting for the first; nothing when time ran out."""
        try:
            async with asyncio.timeout(within_s):
                await self._event.wait()
        except TimeoutError:
            return frozenset()
        self._event.clear()
        rung, self._rung = frozenset(self._rung), set()
        return rung

    async def __aiter__(self) -> AsyncIterator[frozenset[str]]:
        """Yield what rang, for ever."""
        while True:
            yield await self.next()


class Bell:
    """Rings topics for all its listeners."""

    def __init__(self) -> None:
        self._listeners: tuple[Listener, ...] = ()

    def ring(self, *topics: str) -> None:
        """Tell everybody who listens; call it after the commit."""
        for listener in self._listeners:
            for topic in topics:
                listener.tell(topic)

    @contextmanager
    def listening(self, *topics: str) -> Iterator[Listener]:
        """Listen to `topics` while inside; call it on the event loop."""
        listener = Listener(frozenset(topics))
        self._listeners = (*self._listeners, listener)
        try:
            yield listener
        finally:
            self._listeners = tuple(other for other in self._listeners if other is not listener)
