"""The way out of the journal: nothing is forgotten before central says so, whatever becomes of the broker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent.clock import SystemClock
from agent.journal import Journal
from agent.outbox import Outbox
from agent.store import Store
from contract.link import Broker, Delivery, Link
from contract.messages import Ack, RoomPresence
from contract.words import EntryKind, Presence
from tests.broker import PrivateBroker
from tests.service.agent.rig import ROOM, TOPICS, Central
from tests.until import until


class Sender:
    """A journal with its outbox on a link of its own."""

    def __init__(self, broker: PrivateBroker, folder: Path) -> None:
        self.broker = broker
        self.store = Store(folder)
        self.journal = Journal(self.store, SystemClock(), "boot")
        self.link = Link(
            Broker.parse(broker.url), client_id="agent-praja-1", subscribe=(TOPICS.down,), will=self._will,
            received=self._received, connected=self._connected, disconnected=lambda _: None,
        )  # fmt: skip
        self.outbox = Outbox(self.journal, self.link, room=ROOM, topic=TOPICS.events)

    def _will(self, conn: int) -> tuple[str, RoomPresence]:
        now = SystemClock().now()
        return TOPICS.presence, RoomPresence(state=Presence.LOST, boot="b", conn=conn, software="1", started_at=now)

    async def _connected(self, _: int) -> None:
        self.outbox.wake()

    async def _received(self, delivery: Delivery) -> None:
        if delivery.topic == TOPICS.ack:
            self.outbox.acknowledge(Ack.decode(delivery.payload))

    def write(self, count: int) -> None:
        for number in range(count):
            self.journal.append(EntryKind.NOTE, body={"text": str(number)})


@pytest.fixture
async def sender(tmp_path: Path) -> AsyncIterator[Sender]:
    broker = PrivateBroker(tmp_path)
    await asyncio.to_thread(broker.start)
    sender = Sender(broker, tmp_path)
    tasks = {asyncio.create_task(sender.link.run()), asyncio.create_task(sender.outbox.run())}
    yield sender
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    sender.store.close()
    await asyncio.to_thread(broker.stop)


async def test_entries_are_sent_again_until_they_are_acknowledged(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.outbox.ACK_WITHIN_S", 0.1)
    async with Central(sender.broker.port).online() as central:
        central.acknowledges = False
        sender.outbox.wake()
        sender.write(3)
        await until(lambda: central.numbers == [1, 2, 3])
        assert sender.journal.pending == 3
        central.acknowledges = True
        sender.write(1)
        await until(lambda: sender.journal.pending == 0)
        assert central.numbers == [1, 2, 3, 4]


async def test_a_broker_that_comes_back_empty_loses_nothing(sender: Sender) -> None:
    async with Central(sender.broker.port).online() as central:
        sender.write(500)
        await until(lambda: sender.journal.pending == 0, within_s=10)
        await asyncio.to_thread(sender.broker.stop)
        await until(lambda: not sender.link.is_up)
        sender.write(500)
        await asyncio.to_thread(sender.broker.start)
        await until(lambda: sender.journal.pending == 0, within_s=20)
        assert central.numbers == list(range(1, 1001))
