"""Orders from central to a room as processes: a real agent, a real broker, central's own exchange and database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from central.commands import Order
from central.domain.words import Role
from central.exchange import Exchange
from central.ingest import Ingest
from central.moves import utc_now
from central.publisher import Publisher
from central.services import Services
from contract.link import Broker
from contract.words import EntryKind
from drivers.visca.sim import serve
from tests import rooms
from tests.broker import PrivateBroker
from tests.processes import running
from tests.service.central.office import PEOPLE, office
from tests.until import until

TECHNICIAN = PEOPLE[Role.TECHNICIAN]
SAFE = rooms.PRESETS.replace("{prepare: siap}", "{prepare: siap, safe: siap}")


class Central:
    """Central's end, and the room that it has."""

    def __init__(self, services: Services, port: int) -> None:
        self.services = services
        publisher = Publisher(services.store, utc_now, ahead=timedelta(hours=1))
        ingest = Ingest(services.store, utc_now)
        self._exchange = Exchange(Broker("127.0.0.1", port), ingest, publisher, services.store.epoch)
        self._publisher = publisher
        services.commands.send_with(self._exchange.send)
        self._exchange.listen(self._heard)
        self._back: set[asyncio.Task[None]] = set()

    def _heard(self, branch: str, room: str) -> None:
        if branch == "presence":
            again = asyncio.to_thread(self.services.commands.ask_again, room)
            self._back.add(asyncio.create_task(again))

    @asynccontextmanager
    async def online(self) -> AsyncIterator[None]:
        tasks = [
            asyncio.create_task(self._exchange.run()),
            asyncio.create_task(self._publisher.run(self._exchange.link)),
        ]
        try:
            await until(lambda: self._exchange.link.is_up, within_s=10)
            yield
        finally:
            for task in (*tasks, *self._back):
                task.cancel()
            await asyncio.gather(*tasks, *self._back, return_exceptions=True)

    async def give(self, order: Order) -> str:
        return (await asyncio.to_thread(self.services.commands.give, "praja-1", order, TECHNICIAN)).id

    def status(self, ident: str) -> str:
        return self.services.commands.get("praja-1", ident).status

    async def ends_as(self, ident: str, status: str) -> None:
        await until(lambda: self.status(ident) == status, within_s=25)

    async def sees_room(self) -> None:
        await until(lambda: self.services.board.room("praja-1").card.devices_ok > 0, within_s=25)


@asynccontextmanager
async def run_central(folder: Path, port: int) -> AsyncIterator[Central]:
    with office(folder, now=utc_now) as services:
        central = Central(services, port)
        async with central.online():
            yield central


@pytest.mark.timeout(150)
async def test_orders_are_carried_out_answered_and_asked_for_again_after_a_restart(tmp_path: Path) -> None:
    broker = PrivateBroker(tmp_path)
    broker.start()
    try:
        async with serve() as camera, run_central(tmp_path / "central", broker.port) as central:
            config = rooms.written(tmp_path, camera.address, broker=broker.port, more=SAFE)
            assert central.status(await central.give(Order("recheck"))) == "offline"
            async with running(*rooms.agent(config)) as process:
                await central.sees_room()
                assert [p.name for p in central.services.board.room("praja-1").presets] == ["siap"]
                ident = await central.give(Order("run_preset", "siap"))
                await central.ends_as(ident, "ok")
                done = central.services.commands.get("praja-1", ident)
                assert (done.step, done.steps) == (1, 1)
                await central.ends_as(await central.give(Order("recheck")), "ok")
                refused = await central.give(Order("prepare"))
                await central.ends_as(refused, "rejected")
                found = central.services.commands.get("praja-1", refused).reason
                assert found is not None
                assert found.code == "session.not_to_prepare"
                stale = await central.give(Order("recheck", schedule_rev=77))
                await central.ends_as(stale, "rejected")

                camera.unplug()  # the next one takes its time, and the agent dies in the middle of it
                cut_short = await central.give(Order("run_preset", "siap"))
                await until(lambda: central.status(cut_short) in {"accepted", "progress"}, within_s=10)
                await process.kill()
            camera.plug_in()
            async with running(*rooms.agent(config)):
                await central.ends_as(cut_short, "failed")
                why = central.services.commands.get("praja-1", cut_short).reason
                assert why is not None
                assert why.code == "command.interrupted"
                await central.sees_room()

                stopped = await asyncio.to_thread(central.services.commands.stop_all, "asap", TECHNICIAN)
                await central.ends_as(stopped[0].id, "ok")
                await until(lambda: written(central, EntryKind.COMMAND) >= 6, within_s=15)
    finally:
        broker.stop()


def written(central: Central, kind: str) -> int:
    return sum(entry.kind == kind for entry in central.services.board.room_journal("praja-1"))
