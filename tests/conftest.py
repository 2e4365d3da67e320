"""What every test gets: no task and no thread may outlive it. And both databases, for those that ask."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.broker import PrivateBroker
    from tests.postgres import Cluster

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


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """One PostgreSQL for the run (for each process of a parallel one)."""
    from tests.postgres import cluster as private_cluster

    with private_cluster() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """The address of a fresh database; None for SQLite in the office's own folder."""
    if request.param == "sqlite":
        yield None
        return
    server: Cluster = request.getfixturevalue("cluster")
    with server.database() as url:
        yield url


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[PrivateBroker]:
    """A Mosquitto of the test's own."""
    from tests.broker import PrivateBroker

    made = PrivateBroker(tmp_path)
    made.start()
    yield made
    made.stop()
