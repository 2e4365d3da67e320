"""The Shelly driver against a simulated switch on a real HTTP port."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress

import pytest

from drivers import Condition, DeviceAddress, Outcome
from drivers.errors import AddressError, DeviceRefused, DeviceUnreachable, OutcomeUnknown, ProtocolViolation
from drivers.ports import Power
from drivers.shelly import codec
from drivers.shelly.device import ShellyPower, connect
from drivers.shelly.sim import SimulatedShelly, SimulatorServer


@pytest.fixture
def sim() -> SimulatedShelly:
    return SimulatedShelly()


@pytest.fixture
def power(sim: SimulatedShelly) -> Iterator[ShellyPower]:
    server = SimulatorServer(sim)
    server.start()
    yield connect("outlets", DeviceAddress.parse(server.address), None)
    server.close()


async def test_outlet_goes_where_it_is_sent_and_stays_there(power: ShellyPower, sim: SimulatedShelly) -> None:
    assert isinstance(power, Power)
    await power.open()
    for on in (True, True, False):
        result = await power.switch(2, on)
        assert (result.outcome, result.read_back) == (Outcome.COMPLETED, {"on": on})
        assert sim.on == [False, False, on, False]


async def test_stuck_relay_is_not_reported_as_switched(power: ShellyPower, sim: SimulatedShelly) -> None:
    sim.fault("relay", "stuck")
    with pytest.raises(OutcomeUnknown, match="read back False"):
        await power.switch(0, on=True)


async def test_outlet_it_does_not_have_is_refused_and_an_impossible_one_never_sent(power: ShellyPower) -> None:
    with pytest.raises(DeviceRefused, match="not found"):
        await power.switch(7, on=True)
    for outlet in (-1, 16):
        with pytest.raises(ValueError, match="outlet must be"):
            await power.switch(outlet, on=True)


async def test_check_tells_load_and_overheating(power: ShellyPower, sim: SimulatedShelly) -> None:
    await power.switch(0, on=True)
    health = await power.check()
    assert health.condition is Condition.OK
    assert {measure.name: measure.value for measure in health.measures} == {"power.output": True, "power.load": 42.0}
    sim.fault("temperature", "high")
    assert (await power.check()).condition is Condition.FAULT


async def test_order_without_an_answer_is_unknown_and_a_question_unreachable(
    power: ShellyPower, sim: SimulatedShelly
) -> None:
    sim.fault("answers", "none")
    with pytest.raises(OutcomeUnknown):
        await power.switch(0, on=True)
    with pytest.raises(DeviceUnreachable):
        await power.check()


async def test_device_with_a_password_says_so(power: ShellyPower, sim: SimulatedShelly) -> None:
    sim.fault("password", "wanted")
    with pytest.raises(DeviceRefused, match="wants a password"):
        await power.open()


async def test_absent_device_is_unreachable_for_orders_too() -> None:
    power = connect("outlets", DeviceAddress("shelly+http", "127.0.0.1", 1), None)
    with pytest.raises(DeviceUnreachable):
        await power.switch(0, on=True)


async def test_something_else_on_the_port_is_a_violation() -> None:
    async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"SSH-2.0-dropbear\r\n")
        writer.close()

    server = await asyncio.start_server(shout, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(ProtocolViolation):
        await connect("outlets", DeviceAddress("shelly+http", "127.0.0.1", port), None).open()
    server.close()
    await server.wait_closed()


def test_password_and_unknown_option_are_refused() -> None:
    with pytest.raises(AddressError, match="password"):
        connect("outlets", DeviceAddress.parse("shelly+http://192.0.2.1"), "rahasia")
    with pytest.raises(AddressError, match="outlet"):
        connect("outlets", DeviceAddress.parse("shelly+http://192.0.2.1?outlet=1"), None)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"output": 1}', b'{"output": true, "errors": 3}', b"\xff"])
def test_what_is_no_status_is_refused(body: bytes) -> None:
    with pytest.raises(codec.BadAnswer):
        codec.status(body)


def test_status_of_a_model_that_does_not_measure() -> None:
    assert codec.status(b'{"id":0, "output":true}') == codec.SwitchStatus(True, None, ())


async def test_simulator_runs_alone() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "drivers.shelly.sim", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(10):
        ready, address = (await process.stdout.readline()).decode().split()
    assert ready == "ready"
    await connect("outlets", DeviceAddress.parse(address), None).switch(0, on=True)
    os.kill(process.pid, signal.SIGTERM)
    async with asyncio.timeout(5):
        assert await process.wait() == 0
    await process.communicate()


async def test_cancelled_question_leaves_no_link() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        power = ShellyPower("outlet", *listener.getsockname())
        for rounds in range(10):
            asking = asyncio.create_task(power.open())
            for _ in range(rounds % 3 + 1):
                await asyncio.sleep(0)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
        await asyncio.get_running_loop().shutdown_default_executor()  # waits for every thread
        links = []
        with suppress(BlockingIOError):
            while True:
                links.append(listener.accept()[0])
        assert links
        for link in links:  # each that came about was closed by our side, not by the collector
            with link:
                link.settimeout(5)
                while link.recv(4096):  # a request may have been on its way
                    pass
