from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from central.broker import BrokerUnavailable, Credentials, Doors, ManagedBroker
from contract import CENTRAL_STATE, RoomTopics
from contract.link import Broker, NotConnected
from tests.service.contract.test_link import Side
from tests.until import until

PRAJA, OTHER = RoomTopics("praja-1"), RoomTopics("praja-2")


@contextlib.asynccontextmanager
async def running(broker: ManagedBroker) -> AsyncIterator[ManagedBroker]:
    task = asyncio.create_task(broker.run())
    try:
        await until(broker.ready.is_set, within_s=15)
        yield broker
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@contextlib.asynccontextmanager
async def linked(where: Broker, name: str, *filters: str) -> AsyncIterator[Side]:
    side = Side("mqtt://127.0.0.1", name, *filters)
    side.link._broker = where
    task = asyncio.create_task(side.link.run())
    try:
        await until(lambda: bool(side.conns), within_s=10)
        yield side
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def door(broker: ManagedBroker, key: Credentials) -> Broker:
    return Broker.parse(broker.url, username=key.username, password=key.password)


async def test_a_room_reads_its_own_orders_and_writes_its_own_state_and_nothing_else(tmp_path: Path) -> None:
    broker = ManagedBroker(tmp_path)
    key = broker.doors.enrol("praja-1")
    async with (
        running(broker),
        linked(broker.for_central, "central", "siaga/#") as central,
        linked(door(broker, key), "room", PRAJA.down, CENTRAL_STATE, OTHER.down) as room,
    ):
        for topic in (OTHER.schedule, PRAJA.schedule, CENTRAL_STATE):
            await central.link.publish(topic, b"{}")
        await room.link.publish(PRAJA.events, b"mine")
        for foreign in (OTHER.events, PRAJA.schedule, CENTRAL_STATE):
            with pytest.raises(NotConnected, match="Not authorized"):
                await room.link.publish(foreign, b"not mine")
        await until(lambda: any(d.payload == b"mine" for d in central.got) and len(room.got) == 2)
    assert {d.topic for d in room.got} == {PRAJA.schedule, CENTRAL_STATE}
    assert not [d for d in central.got if d.payload == b"not mine"]


async def test_a_killed_broker_is_back_at_the_same_place(tmp_path: Path) -> None:
    async with running(ManagedBroker(tmp_path)) as broker:
        before = broker.pid
        assert before is not None
        async with linked(broker.for_central, "central") as central:
            os.kill(before, signal.SIGKILL)
            await until(lambda: len(central.conns) == 2, within_s=15)
        assert broker.pid not in {None, before}
    assert ManagedBroker(tmp_path).port == broker.port


async def test_a_room_enrolled_while_the_broker_runs_comes_in(tmp_path: Path) -> None:
    async with running(ManagedBroker(tmp_path)) as broker:
        key = Doors(tmp_path).enrol("praja-1")
        async with linked(door(broker, key), "room") as room:
            assert room.link.is_up


async def test_a_taken_port_is_one_clear_line(tmp_path: Path) -> None:
    async with running(ManagedBroker(tmp_path / "one")) as first:
        with pytest.raises(BrokerUnavailable, match="is taken"):
            async with asyncio.timeout(15):
                await ManagedBroker(tmp_path / "two", first.port).run()


def test_files_are_for_our_user_only_and_hold_no_password(tmp_path: Path) -> None:
    folder = tmp_path / "broker"
    key = Doors(folder).enrol("praja-1")
    assert folder.stat().st_mode & 0o077 == 0
    for file in folder.iterdir():
        assert file.stat().st_mode & 0o077 == 0
        assert key.password not in file.read_text()
    assert key.password not in repr(key)
