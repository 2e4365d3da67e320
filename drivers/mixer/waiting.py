"""Who waits for which answer of a mixer."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

from drivers.errors import DriverError


class Waiting:
    """Futures by what they wait for; holds one for each question that is open, no more."""

    def __init__(self) -> None:
        self._open: deque[tuple[Hashable, asyncio.Future[object]]] = deque()

    @contextmanager
    def expect(self, key: Hashable) -> Iterator[asyncio.Future[object]]:
        """Lend a future that the next answer to `key` ends."""
        future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        entry = (key, future)
        self._open.append(entry)
        try:
            yield future
        finally:
            if entry in self._open:
                self._open.remove(entry)
            if future.done() and not future.cancelled():
                future.exception()

    def answer(self, key: Hashable, value: object) -> None:
        """End every wait for `key`; nobody need wait for it."""
        for entry in [entry for entry in self._open if entry[0] == key]:
            self._open.remove(entry)
            if not entry[1].done():
                entry[1].set_result(value)

    def answer_oldest(self, value: object) -> None:
        """End the wait that lasts longest, for answers that do not say what they answer."""
        while self._open:
            _, future = self._open.popleft()
            if not future.done():
                future.set_result(value)
                return

    def fail(self, error: DriverError) -> None:
        """End every wait: the link is gone."""
        while self._open:
            _, future = self._open.popleft()
            if not future.done():
                future.set_exception(type(error)(error.reason))
