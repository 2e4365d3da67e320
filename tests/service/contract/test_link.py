from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from contract import Ack, Message, Presence, RoomPresence
from contract.link import Broker, Delivery, Link, NotConnected
from tests.broker import PrivateBroker, free_port
from tests.until import until


class Side:
    """One end of the exchange: keeps what came."""

    def __init__(self, url: str, name: str, *filters: str) -> None:
        self.got: list[Delivery] = []
        self.lost: list[str] = []
        self.conns: list[int] = []
        self.link = Link(
            Broker.parse(url),
            client_id=name,
            subscribe=filters or ("nothing/here",),
            will=lambda conn: (f"will/{name}", self.presence(conn)),
            received=self._received,
            connected=self._connected,
            disconnected=self.lost.append,
        )

    @staticmethod
    def presence(conn: int) -> Message:
        now = "2026-11-23T00:00:00Z"
        return RoomPresence.model_validate(
            {"state": Presence.LOST, "boot": "b", "conn": conn, "software": "t", "started_at": now}
        )

    async def _received(self, delivery: Delivery) -> None:
        self.got.append(delivery)

    async def _connected(self, conn: int) -> None:
        self.conns.append(conn)


@contextlib.asynccontextmanager
async def running(*sides: Side) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(side.link.run()) for side in sides]
    try:
        await until(lambda: all(side.conns for side in sides))
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_messages_arrive_in_order_and_whole(broker: PrivateBroker) -> None:
    one, two = Side(broker.url, "one"), Side(broker.url, "two", "a/#")
    sent = [Ack(stream="s", upto=n) for n in range(200)]
    async with running(one, two):
        await asyncio.gather(*(one.link.publish("a/ack", ack.encode()) for ack in sent))
        await until(lambda: len(two.got) == len(sent))
    assert [Ack.decode(delivery.payload) for delivery in two.got] == sent


async def test_publishing_without_a_link_says_so() -> None:
    side = Side(f"mqtt://127.0.0.1:{free_port()}", "alone")
    with pytest.raises(NotConnected, match="no link to the broker"):
        await side.link.publish("a", b"x")


async def test_a_killed_broker_is_noticed_and_found_again(broker: PrivateBroker) -> None:
    side = Side(broker.url, "steady", "a/#")
    async with running(side):
        broker.stop(signal.SIGKILL)
        await until(lambda: bool(side.lost))
        with pytest.raises(NotConnected):
            await side.link.publish("a/x", b"1")
        broker.start()
        await until(lambda: len(side.conns) == 2, within_s=10)
        await side.link.publish("a/x", b"2")
        await until(lambda: [d.payload for d in side.got] == [b"2"])


VICTIM = """
import asyncio, sys
from tests.service.contract.test_link import Side
asyncio.run(Side(sys.argv[1], "victim", "a/#").link.run())
"""


async def test_a_clean_end_sends_no_will_and_a_killed_process_does(broker: PrivateBroker) -> None:
    watcher = Side(broker.url, "watcher", "will/#", "$SYS/broker/clients/connected")
    async with running(watcher):
        async with running(Side(broker.url, "leaver")):
            pass
        victim = await asyncio.create_subprocess_exec(sys.executable, "-c", VICTIM, broker.url)
        try:
            await until(lambda: connected_clients(watcher) == 2, within_s=20)
        finally:
            victim.kill()
            await victim.wait()
        await until(lambda: bool(wills(watcher)), within_s=15)
    assert wills(watcher) == {"will/victim"}


def wills(side: Side) -> set[str]:
    return {delivery.topic for delivery in side.got if delivery.topic.startswith("will/")}


def connected_clients(side: Side) -> int:
    counts = [int(d.payload) for d in side.got if d.topic.startswith("$SYS")]
    return counts[-1] if counts else 0


async def test_a_wrong_password_is_refused_with_a_clear_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    private = PrivateBroker(tmp_path)
    private._file.write_text(f"listener {private.port} 127.0.0.1\nallow_anonymous false\n")
    private.start()
    side = Side(private.url, "stranger")
    task = asyncio.create_task(side.link.run())
    try:
        with caplog.at_level("INFO"):
            await until(lambda: "check user name and password" in caplog.text)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        private.stop()
    assert not side.conns


@pytest.mark.parametrize("url", ["http://host", "mqtt://", "mqtt://user:secret@host"])
def test_a_wrong_broker_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="broker"):
        Broker.parse(url)
