"""Central is killed while a room's journal comes in: what was acknowledged is there, once, and the rest follows."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from central.db import tables as t
from central.db.store import Store
from central.seed import add_rooms, example_room
from contract import Ack, Entry, EntryBatch, RoomTopics
from contract.link import Delivery, NotConnected
from tests.broker import PrivateBroker
from tests.service.contract.test_link import Side
from tests.until import until

pytestmark = pytest.mark.timeout(240)
PRAJA = RoomTopics("praja-1")
POLICY = Path(__file__).parents[2] / "configs" / "policy.yaml"
STREAM = "stream-1"
ENTRIES, A_BATCH, AT_ONCE = 3000, 20, 8
KILLED_AT = (600, 1600)
STARTS_WITHIN_S = 90.0
ACKNOWLEDGED_WITHIN_S = 2.0


class Room(Side):
    """A room that sends its journal, several batches at once, until central says that it has all of it."""

    acked = 0

    async def _received(self, delivery: Delivery) -> None:
        self.acked = max(self.acked, Ack.decode(delivery.payload).upto)

    async def send_all(self) -> None:
        """Send from the last acknowledged entry on, and again when no word comes."""
        while self.acked < ENTRIES:
            first = self.acked
            starts = range(first + 1, ENTRIES + 1, A_BATCH)[:AT_ONCE]
            with contextlib.suppress(NotConnected):
                await asyncio.gather(*(self.link.publish(PRAJA.events, batch(n)) for n in starts))
            with contextlib.suppress(TimeoutError):
                await self.has(min(starts[-1] + A_BATCH - 1, ENTRIES), within_s=ACKNOWLEDGED_WITHIN_S)

    async def has(self, number: int, *, within_s: float = STARTS_WITHIN_S) -> None:
        """Return once central acknowledged that entry."""
        await until(lambda: self.acked >= number, within_s=within_s)


def batch(first: int) -> bytes:
    numbers = range(first, min(first + A_BATCH, ENTRIES + 1))
    now = datetime.now(UTC)
    entries = tuple(
        Entry(seq=n, id=f"e{n}", kind="note.added", at=now, mono_ms=n, boot="b", body={"number": n}) for n in numbers
    )
    return EntryBatch(room="praja-1", stream=STREAM, entries=entries).encode()


@pytest.fixture
def config(tmp_path: Path, database: str | None, broker: PrivateBroker) -> Path:
    path = tmp_path / "central.yaml"
    settings = {
        "listen": "127.0.0.1:0", "data": "data", "policy": str(POLICY), "broker": {"at": broker.url},
        "database": database or f"sqlite:///{tmp_path}/central.db",
    }  # fmt: skip
    path.write_text(json.dumps(settings))  # JSON is YAML
    return path


@pytest.fixture
def store(config: Path) -> Iterator[Store]:
    made = Store(json.loads(config.read_text())["database"])
    made.open()
    with made.writing() as connection:
        add_rooms(connection, [example_room("praja-1")])
    yield made
    made.close()


@dataclass(frozen=True, slots=True)
class Running:
    """Central as a process, and where it serves."""

    process: asyncio.subprocess.Process
    url: str

    async def kill(self) -> None:
        """Kill it."""
        os.kill(self.process.pid, signal.SIGKILL)
        await self.process.wait()


@asynccontextmanager
async def central(config: Path) -> AsyncIterator[Running]:
    """Run central; it is killed with the block when it still lives."""
    command = (sys.executable, "-m", "siaga", "central", "--config", str(config))
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(STARTS_WITHIN_S):
            line = await process.stdout.readline()
        assert line.startswith(b"ready "), line
        yield Running(process, line.decode().split()[1])
    finally:
        if process.returncode is None:
            os.kill(process.pid, signal.SIGKILL)
        await process.wait()


def held(store: Store) -> list[int]:
    key = t.journal_entry.c
    with store.reading() as connection:
        return list(connection.scalars(sa.select(key.seq).where(key.stream == STREAM).order_by(key.seq)))


def whole_upto(numbers: list[int]) -> int:
    """Up to where there is no gap."""
    return next((n for n, seq in enumerate(numbers) if seq != n + 1), len(numbers))


async def test_what_was_acknowledged_survives_every_kill_and_the_rest_comes_once(
    config: Path, store: Store, broker: PrivateBroker
) -> None:
    room = Room(broker.url, "praja-1", PRAJA.ack)
    tasks = [asyncio.create_task(room.link.run()), asyncio.create_task(room.send_all())]
    try:
        for threshold in KILLED_AT:
            async with central(config) as running:
                await room.has(threshold)
                await running.kill()
            assert room.acked < ENTRIES, "it was all over before the kill"
            assert whole_upto(await asyncio.to_thread(held, store)) >= room.acked
        async with central(config):
            await room.has(ENTRIES)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert held(store) == [*range(1, ENTRIES + 1)]
