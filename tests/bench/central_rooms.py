"""Rooms that send their journals: a process of its own, so that it has a core of its own.

`python -m tests.bench.central_rooms URL BATCHES ROOM...` sends so many batches of each room, the next one when the one
before is acknowledged, and prints how many seconds all of it took.
"""

from __future__ import annotations

import asyncio
import sys
import time
from datetime import UTC, datetime, timedelta

from contract import Ack, Broadcast, Entry, EntryBatch, RoomTopics, new_id
from contract.link import Broker, Delivery, Link

ENTRIES = 150
"""Of a batch: about 60 KB, as a room's outbox makes them when it has much to send."""
WITHIN_S = 60.0


class Room:
    """One room's link, its batches and what was acknowledged."""

    def __init__(self, url: str, ident: str, batches: int) -> None:
        self._topics = RoomTopics(ident)
        self._acks: asyncio.Queue[int] = asyncio.Queue()
        self.up = asyncio.Event()
        self._payloads = [_batch(ident, n).encode() for n in range(batches)]
        self.link = Link(
            Broker.parse(url), client_id=ident, subscribe=(self._topics.ack,),
            will=lambda _: ("bench/will", Broadcast(kind="rebirth")),
            received=self._received, connected=self._connected, disconnected=lambda _: None,
        )  # fmt: skip

    async def _received(self, delivery: Delivery) -> None:
        self._acks.put_nowait(Ack.decode(delivery.payload).upto)

    async def _connected(self, _: int) -> None:
        self.up.set()

    async def send(self) -> None:
        """Send everything, each batch once the one before is acknowledged."""
        for n, payload in enumerate(self._payloads, 1):
            await self.link.publish(self._topics.events, payload)
            while await asyncio.wait_for(self._acks.get(), WITHIN_S) < n * ENTRIES:
                pass


def _batch(room: str, number: int) -> EntryBatch:
    first, at = number * ENTRIES + 1, datetime.now(UTC)
    entries = tuple(_entry(seq, at + timedelta(milliseconds=seq)) for seq in range(first, first + ENTRIES))
    return EntryBatch(room=room, stream="s1", entries=entries)


def _entry(seq: int, at: datetime) -> Entry:
    return Entry(
        seq=seq, id=new_id(), kind="step.ended", at=at, mono_ms=seq, boot="b1", session="s-1", run="r-1",
        device="camera-1", outcome="completed", duration_ms=812.5, body={"verb": "recall", "args": {"memory": 3}},
    )  # fmt: skip


async def _main(url: str, batches: int, idents: list[str]) -> float:
    rooms = [Room(url, ident, batches) for ident in idents]
    tasks = [asyncio.create_task(room.link.run()) for room in rooms]
    try:
        await asyncio.wait_for(asyncio.gather(*(room.up.wait() for room in rooms)), WITHIN_S)
        began = time.perf_counter()
        await asyncio.gather(*(room.send() for room in rooms))
        return time.perf_counter() - began
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    sys.stdout.write(f"{asyncio.run(_main(sys.argv[1], int(sys.argv[2]), sys.argv[3:]))}\n")
