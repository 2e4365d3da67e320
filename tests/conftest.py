"""What every test gets: no task and no thread may outlive it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator

import pytest

LET_GO_WITHIN_S = 2.0
"""Threads of closed libraries may need a moment to end."""

_LIBRARY_POOLS = ("asyncio_", "AnyIO worker thread", "ThreadPoolExecutor")
"""Idle workers that asyncio and anyio keep for the next call; they are not ours to end."""


def _ours() -> set[threading.Thread]:
    return {t for t in threading.enumerate() if t.is_alive() and not t.name.startswith(_LIBRARY_POOLS)}


@pytest.fixture(autouse=True)
def no_leaked_thread() -> Iterator[None]:
    before = _ours()
    yield
    deadline = time.monotonic() + LET_GO_WITHIN_S
    while (left := _ours() - before) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not left, f"threads still alive after the test: {sorted(t.name for t in left)}"


@pytest.fixture(autouse=True)
async def no_leaked_task() -> AsyncIterator[None]:
    yield
    me = asyncio.current_task()
    left = [task for task in asyncio.all_tasks() if task is not me and not task.done()]
    assert not left, f"tasks still running after the test: {sorted(t.get_name() for t in left)}"
