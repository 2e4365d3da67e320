"""What an agent owes central by the rules of the exchange: wills, rebirths, clocks. One process on a real broker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contract import Alert, Broadcast, CentralState
from contract.topics import CENTRAL_BROADCAST, CENTRAL_STATE
from contract.words import Presence, Readiness
from tests.processes import Process, start
from tests.rooms import HEAD, agent
from tests.service.agent.rig import Central, broker
from tests.until import until

ROOM = HEAD + "devices: {{}}\n"


class Room:
    """An agent without devices, and central."""

    def __init__(self, central: Central, process: Process) -> None:
        self.central = central
        self.process = process

    async def say_state(self, boot: str, *, wrong_by: timedelta = timedelta(0)) -> None:
        """Have central say that it is there, by a clock that may be wrong."""
        time = datetime.now(UTC) + wrong_by
        state = CentralState(state=Presence.ONLINE, boot=boot, epoch=self.central.epoch, time=time)
        await self.central._link.publish(CENTRAL_STATE, state.encode(), retain=True)


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    (tmp_path / "praja-1.yaml").write_text(ROOM)
    async with broker(tmp_path) as port, Central(port).online() as central:
        (tmp_path / "praja-1.yaml").write_text(ROOM.format(broker=port))
        process = await start(*agent(tmp_path / "praja-1.yaml"))
        try:
            await until(lambda: bool(central.presences and central.states), within_s=15)
            yield Room(central, process)
        finally:
            await process.stop()


async def test_a_new_central_and_a_call_for_rebirth_hear_presence_and_state_again(room: Room) -> None:
    central = room.central
    await room.say_state("boot-1")
    for call in ("another boot", "a call"):
        presences, states = len(central.presences), len(central.states)
        if call == "a call":
            await central._link.publish(CENTRAL_BROADCAST, Broadcast(kind="rebirth", reason="test").encode())
        else:
            await room.say_state("boot-2")
        await until(lambda n=presences: len(central.presences) > n, within_s=10)  # type: ignore[misc]
        await until(lambda n=states: len(central.states) > n, within_s=10)  # type: ignore[misc]
        assert central.presences[-1].state is Presence.ONLINE


async def test_a_clock_that_is_off_makes_the_room_degraded_and_raises_an_alert_until_it_is_right(room: Room) -> None:
    central = room.central
    await room.say_state("boot-1", wrong_by=timedelta(seconds=5))
    await until(lambda: bool(central.alerts.get("clock")), within_s=10)
    assert Alert.decode(central.alerts["clock"]).fault.code == "clock.off"
    assert central.states[-1].readiness is Readiness.DEGRADED
    assert central.states[-1].clock.offset_ms < -4000
    await room.say_state("boot-1")
    await until(lambda: central.alerts.get("clock") == b"", within_s=10)
    await until(lambda: central.states[-1].readiness is Readiness.READY, within_s=10)


async def test_the_state_names_the_newest_entry_that_central_can_hold_the_room_to(room: Room) -> None:
    central = room.central
    await until(lambda: bool(central.entries), within_s=10)
    await room.say_state("boot-2")  # something to write a new state for
    await until(lambda: _is_known(central), within_s=10)


def _is_known(central: Central) -> bool:
    head = central.states[-1].journal
    entry = None if head is None else central.entries.get((head.stream, head.seq))
    return head is not None and entry is not None and entry.hash == head.hash


async def test_a_killed_agents_will_names_the_life_and_the_connection_that_it_is_of(room: Room) -> None:
    born = room.central.presences[-1]
    await room.process.kill()
    await until(lambda: room.central.presences[-1].state is Presence.LOST, within_s=30)
    will = room.central.presences[-1]
    assert (will.boot, will.conn) == (born.boot, born.conn)
