"""What only a Tesira does: Telnet first, blocks that a design lacks, faults of its own, answers without a name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from drivers import Condition, DeviceAddress
from drivers.errors import DeviceRefused, DeviceUnreachable
from drivers.mixer.desk import Desk
from drivers.mixer.device import connect
from drivers.mixer.sim.tesira import SimulatedTesira


@asynccontextmanager
async def tesira(sim: SimulatedTesira, channels: str = "meja:MikMeja") -> AsyncIterator[Desk]:
    desk = connect("mixer", DeviceAddress.parse(f"{await sim.serve()}?channels={channels}"), None)
    try:
        yield desk
    finally:
        await desk.close()
        sim.close()


async def test_its_own_faults_are_shown() -> None:
    sim = SimulatedTesira()
    async with tesira(sim) as desk:
        await desk.open()
        assert (await desk.check()).condition is Condition.OK
        sim.fault_list = '[{"id":A "name":"Device" "faults":[{"id":FAULT_FAN "name":"fan too slow"}]}]'
        health = await desk.check()
        assert (health.condition, health.reason and health.reason.code) == (Condition.DEGRADED, "mixer.fault")
        assert health.reason is not None
        assert "fan too slow" in health.reason.detail


@pytest.mark.parametrize("place", ["Lain", "MikMeja/7"])
async def test_a_block_or_a_channel_that_the_design_lacks_is_refused(place: str) -> None:
    async with tesira(SimulatedTesira(), f"meja:{place}") as desk:
        with pytest.raises(DeviceRefused, match="-ERR"):
            await desk.open()


async def test_an_answer_that_stays_away_costs_the_link_and_is_never_taken_for_the_next() -> None:
    sim = SimulatedTesira()
    async with tesira(sim) as desk:
        await desk.open()
        sim.faults.slow = 1500
        with pytest.raises(DeviceUnreachable):
            await desk.identify()
        sim.faults.slow = 0
        with pytest.raises(DeviceUnreachable):
            await desk.strip("meja")
        await desk.open()
        assert not (await desk.strip("meja")).muted
