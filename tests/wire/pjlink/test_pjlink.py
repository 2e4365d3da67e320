"""The PJLink driver against a simulated projector, and its codec against lines of the specification."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator

import pytest

from drivers import Condition, DeviceAddress, Outcome
from drivers.errors import AddressError, DeviceRefused, DeviceUnreachable, OutcomeUnknown, ProtocolViolation
from drivers.pjlink import codec
from drivers.pjlink import device as device_module
from drivers.pjlink.device import Projector, connect
from drivers.pjlink.sim import SimulatedProjector
from drivers.ports import Display
from drivers.verbs import VERBS, OnOff, SourceName
from tests.until import until


@pytest.fixture(autouse=True)
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_module, "LOOK_EVERY_S", 0.02)


@pytest.fixture
def sim() -> SimulatedProjector:
    return SimulatedProjector(warm_up_s=0.1, cool_down_s=0.1)


@pytest.fixture
async def address(sim: SimulatedProjector) -> AsyncIterator[DeviceAddress]:
    server, text = await sim.serve()
    yield DeviceAddress.parse(text)
    server.close()
    await until(lambda: len(asyncio.all_tasks()) == 1)


@pytest.fixture
def projector(address: DeviceAddress) -> Projector:
    return connect("projector", address, None)


async def test_power_returns_once_warm_and_once_cool(projector: Projector, sim: SimulatedProjector) -> None:
    assert isinstance(projector, Display)
    await projector.open()
    on = await projector.power(on=True)
    assert (on.outcome, sim.power) == (Outcome.COMPLETED, "1")
    again = await projector.power(on=True)
    assert again.outcome is Outcome.COMPLETED
    await projector.power(on=False)
    assert sim.power == "0"


async def test_power_on_while_it_cools_waits_for_its_turn(projector: Projector, sim: SimulatedProjector) -> None:
    await projector.power(on=True)
    assert sim.answer("%1POWR 0") == "%1POWR=OK"
    assert sim.power == "2"
    await projector.power(on=True)
    assert sim.power == "1"


async def test_power_that_takes_too_long_is_unknown(
    projector: Projector, sim: SimulatedProjector, monkeypatch: pytest.MonkeyPatch
) -> None:
    sim.warm_up_s = 60
    monkeypatch.setattr(device_module, "POWERED_WITHIN_S", 0.2)
    with pytest.raises(OutcomeUnknown, match="ON"):
        await projector.power(on=True)


async def test_source_is_read_back_and_an_unlisted_one_is_refused(
    projector: Projector, sim: SimulatedProjector
) -> None:
    await projector.power(on=True)
    result = await projector.source("digital2")
    assert (sim.selected, result.read_back) == ("32", {"input": "DIGITAL2"})
    with pytest.raises(DeviceRefused, match="it lists RGB1"):
        await projector.source("NETWORK1")
    for name in ("HDMI1", "", "RGB0"):
        with pytest.raises(ValueError, match="input must be"):
            await projector.source(name)


async def test_source_in_standby_is_refused_with_the_reason(projector: Projector) -> None:
    with pytest.raises(DeviceRefused, match="ERR3"):
        await projector.source("DIGITAL2")


async def test_check_names_the_part_that_is_not_well(projector: Projector, sim: SimulatedProjector) -> None:
    assert (await projector.check()).condition is Condition.OK
    sim.fault("filter", "warning")
    assert (await projector.check()).condition is Condition.DEGRADED
    sim.fault("lamp", "error")
    health = await projector.check()
    assert health.condition is Condition.FAULT
    assert health.reason is not None
    assert health.reason.code == "display.lamp"


async def test_password_is_proved_and_a_wrong_or_missing_one_refused(
    address: DeviceAddress, sim: SimulatedProjector
) -> None:
    sim.password = "rahasia"
    await connect("projector", address, "rahasia").check()
    for password, why in ((None, "wants a password"), ("salah", "not taken")):
        with pytest.raises(DeviceRefused, match=why):
            await connect("projector", address, password).open()


async def test_silent_projector_is_unreachable_and_an_order_to_it_unknown(
    projector: Projector, sim: SimulatedProjector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_module, "ANSWER_WITHIN_S", 0.1)
    sim.fault("answers", "none")
    with pytest.raises(DeviceUnreachable):
        await projector.check()
    async with projector._visit() as visit:
        with pytest.raises(OutcomeUnknown):
            await visit.tell("POWR", "1")


async def test_absent_projector_is_unreachable() -> None:
    with pytest.raises(DeviceUnreachable):
        await connect("projector", DeviceAddress("pjlink", "127.0.0.1", 1), None).open()


async def test_something_else_on_the_port_is_a_violation() -> None:
    async def shout(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-dropbear\r\n")
        writer.close()

    server = await asyncio.start_server(shout, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(ProtocolViolation, match="PJLINK"):
        await connect("projector", DeviceAddress("pjlink", "127.0.0.1", port), None).open()
    server.close()
    await server.wait_closed()


def test_unknown_option_is_refused() -> None:
    with pytest.raises(AddressError, match="class"):
        connect("projector", DeviceAddress.parse("pjlink://192.0.2.1?class=2"), None)


def test_digest_is_the_one_of_the_specification() -> None:
    """The worked example: seed 498e4a67, password JBMIAProjectorLink."""
    assert codec.digest("498e4a67", "JBMIAProjectorLink") == b"5d8409bc1c3fa39749434aa3a5c38682"


@pytest.mark.parametrize(
    "line", [b"", b"\r", b"%1POWR\r", b"%1INPT=11\r", b"%2POWR=1\r", b"\xff=\r", b"%1POWR=" + b"1" * 200]
)
def test_what_is_no_answer_is_refused(line: bytes) -> None:
    with pytest.raises(codec.BadLine):
        codec.reply(line, "POWR")


@pytest.mark.parametrize("value", ["", "00000", "0000003", "00000x"])
def test_part_states_are_six_digits(value: str) -> None:
    with pytest.raises(codec.BadLine):
        codec.part_states(value)


async def test_simulator_runs_alone() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "drivers.pjlink.sim", "--fault", "lamp=error", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(10):
        ready, address = (await process.stdout.readline()).decode().split()
    assert ready == "ready"
    assert (await connect("projector", DeviceAddress.parse(address), None).check()).condition is Condition.FAULT
    os.kill(process.pid, signal.SIGTERM)
    async with asyncio.timeout(5):
        assert await process.wait() == 0
    await process.communicate()


async def test_a_display_is_asked_whether_it_is_on_and_on_the_right_input(
    projector: Projector, sim: SimulatedProjector
) -> None:
    power, source = VERBS[Display]["power"], VERBS[Display]["source"]
    assert power.read_back is not None
    assert source.read_back is not None
    assert not (await power.read_back(projector, OnOff(on=True))).matches
    await projector.power(on=True)
    await projector.source("DIGITAL1")
    assert (await power.read_back(projector, OnOff(on=True))).matches
    assert (await source.read_back(projector, SourceName(name="DIGITAL1"))).matches
    other = await source.read_back(projector, SourceName(name="RGB1"))
    assert (other.matches, other.values) == (False, {"input": "DIGITAL1"})
