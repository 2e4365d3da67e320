"""The way out of the journal: nothing is forgotten before central says so, whatever becomes of the broker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent.clock import SystemClock
from agent.journal import Journal
from agent.outbox import WINDOW, Outbox
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


async def test_no_more_than_a_window_is_under_way(sender: Sender) -> None:
    async with Central(sender.broker.port).online() as central:
        central.acknowledges = False
        sender.write(200)
        await until(lambda: len(central.numbers) == WINDOW)
        central.acknowledges = True
        sender.outbox.wake()
        await until(lambda: sender.journal.pending == 0, within_s=10)
        assert central.numbers == list(range(1, 201))


async def test_central_that_was_brought_back_from_a_copy_is_told_again(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.outbox.ACK_WITHIN_S", 0.2)
    async with Central(sender.broker.port).online() as central:
        sender.write(60)
        await until(lambda: sender.journal.pending == 0, within_s=10)
        central.forget(after=20)
        sender.write(1)
        await until(lambda: central.numbers == list(range(1, 62)), within_s=10)
        await until(lambda: sender.journal.pending == 0, within_s=10)


async def test_what_central_lost_and_the_room_let_go_of_begins_a_new_stream(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.outbox.ACK_WITHIN_S", 0.2)
    async with Central(sender.broker.port).online() as central:
        sender.write(60)
        await until(lambda: sender.journal.pending == 0, within_s=10)
        sender.journal.prune(40)
        await until(lambda: sender.journal.pending == 0, within_s=10)
        central.forget(after=20)
        before = sender.journal.stream
        sender.write(1)
        await until(lambda: sender.journal.stream != before and sender.journal.pending == 0, within_s=10)
        told = [entry for (stream, _), entry in central.entries.items() if stream == sender.journal.stream]
        assert [entry.seq for entry in told] == list(range(1, len(told) + 1))
        assert told[0].kind == EntryKind.JOURNAL_FORKED
        assert told[0].body["stream"] == before


async def test_a_room_that_was_brought_back_from_a_copy_gives_no_number_twice(sender: Sender) -> None:
    async with Central(sender.broker.port).online() as central:
        sender.write(30)
        await until(lambda: sender.journal.pending == 0, within_s=10)
        lost = {key: entry for key, entry in central.entries.items() if key[1] > 20}
        await until(lambda: sender.journal.acked == 30)
        before = sender.journal.stream
        for seq in range(21, 31):  # as if the file of ten entries ago had been copied back
            sender.store._connection.execute("DELETE FROM journal WHERE seq = ?", (seq,))
        sender.journal = again = Journal(sender.store, SystemClock(), "boot-2")
        again._acked = 20
        sender.outbox._journal = again
        again.subscribe(lambda _: sender.outbox.wake())
        sender.write(3)
        await until(lambda: again.stream != before and again.pending == 0, within_s=10)
        assert all(central.entries[key].id == entry.id for key, entry in lost.items())
        anew = [entry for (stream, _), entry in central.entries.items() if stream == again.stream]
        assert [entry.body.get("text") for entry in anew] == [None, "0", "1", "2"]
        assert list(sender.store.path.parent.glob("*.before-*"))  # the file as it was


async def test_duplicates_and_old_acknowledgements_change_nothing(sender: Sender) -> None:
    async with Central(sender.broker.port).online() as central:
        sender.write(10)
        await until(lambda: sender.journal.pending == 0, within_s=10)
        for upto in (10, 3, 10, 0):
            held = central.entries.get((sender.journal.stream, upto))
            sender.outbox.acknowledge(Ack(stream=sender.journal.stream, upto=upto, head=held.hash if held else ""))
        assert (sender.journal.acked, sender.journal.stream) == (10, sender.store.stream)
        sender.write(1)
        await until(lambda: central.numbers == list(range(1, 12)), within_s=10)
