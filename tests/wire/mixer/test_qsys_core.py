"""What only a Q-SYS Core does: users, standby, designs that lack what the room names, and silence that ends links."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from drivers import Condition, DeviceAddress
from drivers.errors import AddressError, DeviceRefused
from drivers.mixer import qsys
from drivers.mixer.device import connect
from drivers.mixer.qsys import QsysDesk
from drivers.mixer.sim.qsys import SimulatedCore
from tests.until import until


@asynccontextmanager
async def core(sim: SimulatedCore, options: str = "", pin: str | None = None) -> AsyncIterator[QsysDesk]:
    desk = connect("mixer", DeviceAddress.parse(await sim.serve() + options), pin)
    assert isinstance(desk, QsysDesk)
    try:
        yield desk
    finally:
        await desk.close()
        sim.close()


async def test_a_core_with_users_is_logged_on_to() -> None:
    async with core(SimulatedCore(user="siaga", pin="1234"), "?user=siaga&channels=meja:Mik Meja", "1234") as desk:
        await desk.open()
        assert not (await desk.strip("meja")).muted


@pytest.mark.parametrize(("options", "pin"), [("", None), ("?user=siaga", "0000")])
async def test_a_core_that_wants_another_user_refuses_and_says_so(options: str, pin: str | None) -> None:
    async with core(SimulatedCore(user="siaga", pin="1234"), options, pin) as desk:
        with pytest.raises(DeviceRefused, match="Logon required"):
            await desk.open()


def test_a_user_without_a_password_is_a_mistake() -> None:
    with pytest.raises(AddressError, match="user"):
        connect("mixer", DeviceAddress.parse("qsys+tcp://127.0.0.1?user=siaga"), None)


async def test_a_core_in_standby_is_no_working_mixer() -> None:
    sim = SimulatedCore()
    async with core(sim) as desk:
        await desk.open()
        assert (await desk.check()).condition is Condition.OK
        sim.be("Standby")
        health = await desk.check()
        assert (health.condition, health.reason and health.reason.code) == (Condition.FAULT, "mixer.not_running")
        sim.be("Active")
        sim.engine["Status"] = {"Code": 5, "String": "Fault - fan"}
        health = await desk.check()
        assert (health.condition, health.reason and health.reason.code) == (Condition.DEGRADED, "mixer.fault")


async def test_a_component_that_the_design_lacks_is_named() -> None:
    async with core(SimulatedCore(), "?channels=meja:Mik Lain") as desk:
        with pytest.raises(DeviceRefused, match="Unknown component name: Mik Lain"):
            await desk.open()


async def test_the_core_hears_from_us_before_it_would_hang_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qsys, "KEEP_ALIVE_S", 0.02)
    sim = SimulatedCore()
    async with core(sim) as desk:
        await desk.open()
        before = sim.received
        await until(_grown(sim, before + 200))


def _grown(sim: SimulatedCore, at_least: int) -> Callable[[], bool]:
    return lambda: sim.received > at_least
