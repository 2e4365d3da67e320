from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack, suppress
from datetime import timedelta

import pytest

from drivers import Condition, DeviceAddress, Outcome, Verdict
from drivers.errors import (
    AddressError,
    CommandCancelled,
    DeviceRefused,
    DeviceUnreachable,
    DriverError,
    OutcomeUnknown,
)
from drivers.ports import Camera, Identity
from drivers.visca.device import ViscaCamera, connect
from drivers.visca.sim import MEMORIES, SimulatedCamera, main, serve
from tests.until import until
from tests.wire.visca.conftest import camera_at

LEASE = timedelta(seconds=0.25)


def test_camera_serves_the_port() -> None:
    assert isinstance(connect("c", DeviceAddress.parse("visca+udp://127.0.0.1"), None), Camera)


@pytest.mark.parametrize("text", ["visca+udp://", "visca+udp://127.0.0.1?profile=nikon", "visca+udp://127.0.0.1?x=1"])
def test_unusable_address_is_refused_before_any_link(text: str) -> None:
    with pytest.raises(AddressError):
        connect("c", DeviceAddress.parse(text), None)


async def test_version_inquiry_picks_profile_and_name(camera: ViscaCamera) -> None:
    assert camera.profile.name == "brc-x400"
    assert await camera.identify() == Identity("Sony", "BRC-X400", "0100")


async def test_unknown_model_gets_the_generic_profile() -> None:
    async with serve(model="generic") as simulated:
        camera = camera_at(simulated)
        await camera.open()
        result = await camera.move_to(20.0, 10.0)
        await camera.close()
    assert camera.profile.name == "generic"
    assert result.read_back["pan_deg"] == pytest.approx(20.0, abs=0.1)


async def test_address_overrides_the_profile(simulated: SimulatedCamera) -> None:
    camera = camera_at(simulated, "?profile=generic")
    await camera.open()
    assert camera.profile.name == "generic"
    await camera.close()


async def test_recall_ends_where_the_memory_is(camera: ViscaCamera, simulated: SimulatedCamera) -> None:
    result = await camera.recall(1)
    pan_deg, tilt_deg, zoom = MEMORIES[1]
    at = await camera.position()
    assert result.outcome is Outcome.COMPLETED
    assert [result.read_back[name] for name in ("pan_deg", "tilt_deg", "zoom")] == [at.pan_deg, at.tilt_deg, at.zoom]
    assert (at.pan_deg, at.tilt_deg, at.zoom) == pytest.approx((pan_deg, tilt_deg, zoom), abs=0.05)
    assert not simulated.moving


async def test_acknowledgement_is_not_taken_for_the_end(camera: ViscaCamera, simulated: SimulatedCamera) -> None:
    recall = asyncio.create_task(camera.recall(5))
    await until(lambda: simulated.moving)
    assert b"\x01\x04\x3f\x02\x05" in simulated.ran
    assert not recall.done()
    await recall
    assert simulated.pan_deg == pytest.approx(MEMORIES[5][0], abs=0.05)


async def test_stored_memory_is_recalled(camera: ViscaCamera) -> None:
    await camera.move_to(12.0, 3.0)
    await camera.store(42)
    await camera.move_to(0.0, 0.0)
    result = await camera.recall(42)
    assert (result.read_back["pan_deg"], result.read_back["tilt_deg"]) == pytest.approx((12.0, 3.0), abs=0.05)


async def test_move_reaches_pan_tilt_and_zoom(camera: ViscaCamera) -> None:
    result = await camera.move_to(-15.0, -5.0, 0.1)
    values = [result.read_back[name] for name in ("pan_deg", "tilt_deg", "zoom")]
    assert values == pytest.approx([-15.0, -5.0, 0.1], abs=0.05)


@pytest.mark.parametrize(("pan_deg", "tilt_deg", "zoom"), [(171, 0, None), (0, -21, None), (0, 0, 1.1)])
async def test_place_out_of_range_costs_no_byte(
    camera: ViscaCamera, simulated: SimulatedCamera, pan_deg: float, tilt_deg: float, zoom: float | None
) -> None:
    before = len(simulated.ran)
    with pytest.raises(ValueError, match="brc-x400"):
        await camera.move_to(pan_deg, tilt_deg, zoom)
    with pytest.raises(ValueError, match="memory must be 0 to 99"):
        await camera.recall(100)
    assert len(simulated.ran) == before


async def test_lost_datagrams_lose_no_command_and_run_none_twice() -> None:
    done = []
    async with serve(faults={"loss": "0.1", "duplicate": "0.1", "seed": "7"}) as simulated:
        camera = camera_at(simulated)
        await camera.open()
        for memory in range(20, 30):
            with suppress(OutcomeUnknown):  # its completion was lost: said so, not guessed
                await camera.store(memory)
                done.append(memory)
        await camera.close()
    stored = [body[4] for body in simulated.ran if body[:4] == b"\x01\x04\x3f\x01"]
    assert stored == list(range(20, 30))
    assert len(done) >= 5


async def test_late_replies_do_not_confuse() -> None:
    async with serve(faults={"late": "0.3", "seed": "3"}) as simulated:
        camera = camera_at(simulated)
        await camera.open()
        result = await camera.recall(2)
        await camera.close()
    assert result.read_back["pan_deg"] == pytest.approx(MEMORIES[2][0], abs=0.05)
    assert sum(body[:4] == b"\x01\x04\x3f\x02" for body in simulated.ran) == 1


async def test_lost_completion_is_settled_by_position() -> None:
    async with serve(faults={"no_completion": "1"}) as simulated:
        camera = camera_at(simulated)
        await camera.open()
        result = await camera.move_to(5.0, 0.0)
        await camera.close()
    assert result.outcome is Outcome.SETTLED
    assert result.read_back["pan_deg"] == pytest.approx(5.0, abs=0.05)


async def test_absent_camera_is_unreachable_and_found_once_it_appears() -> None:
    async with AsyncExitStack() as stack:
        async with serve() as gone:
            address = gone.address
        camera = connect("camera-1", DeviceAddress.parse(address), None)
        with pytest.raises(DeviceUnreachable) as caught:
            async with asyncio.timeout(3.0):
                await camera.open()
        assert caught.value.reason.code == "camera.no_answer"
        assert "nothing listens there" in caught.value.reason.detail
        await stack.enter_async_context(serve(address.removeprefix("visca+udp://")))
        await camera.open()
        assert (await camera.check()).condition is Condition.OK
        await camera.close()


async def test_lease_that_ends_stops_the_camera(camera: ViscaCamera, simulated: SimulatedCamera) -> None:
    await camera.drive(0.6, 0.2, 0.5, lease=LEASE)
    await until(lambda: simulated.moving)
    await until(lambda: not simulated.moving, within_s=2.0)
    assert b"\x01\x06\x01\x01\x01\x03\x03" in simulated.ran
    assert 0 < simulated.pan_deg < 100
    assert simulated.zoom > 0


async def test_renewed_lease_goes_on(camera: ViscaCamera, simulated: SimulatedCamera) -> None:
    for _ in range(4):
        await camera.drive(0.5, 0.0, 0.0, lease=LEASE)
        await asyncio.sleep(0.1)
    drives = [body for body in simulated.ran if body[:3] == b"\x01\x06\x01"]
    assert simulated.moving
    assert drives[-1][-2:] == b"\x02\x03"
    await camera.stop()
    await until(lambda: not simulated.moving)


async def test_stop_takes_a_move_back(camera: ViscaCamera, simulated: SimulatedCamera) -> None:
    move = asyncio.create_task(camera.move_to(150.0, 0.0))
    await until(lambda: simulated.moving)
    await camera.stop()
    with pytest.raises(CommandCancelled):
        await move
    assert not simulated.moving
    assert simulated.pan_deg < 140


async def test_stop_gets_through_heavy_loss() -> None:
    async with serve(faults={"loss": "0.3", "seed": "11"}) as simulated:
        camera = camera_at(simulated)
        await camera.open()
        for _ in range(5):
            await camera.drive(0.4, 0.0, 0.0, lease=timedelta(seconds=5))
            await camera.stop()
            assert not simulated.moving
        await camera.close()


async def test_full_buffer_is_retried_after_a_socket_frees(camera: ViscaCamera, simulated: SimulatedCamera) -> None:
    simulated.fill_sockets()
    store = asyncio.create_task(camera.store(9))
    await asyncio.sleep(0.1)
    assert not store.done()
    simulated.free_sockets()
    assert (await store).outcome is Outcome.COMPLETED


async def test_noise_changes_nothing(camera: ViscaCamera, simulated: SimulatedCamera) -> None:
    simulated.send_noise()
    simulated.send_noise(b"\xff" * 2000)
    assert (await camera.recall(0)).outcome is Outcome.COMPLETED


async def test_unplugged_in_mid_move_ends_and_is_found_again(simulated: SimulatedCamera) -> None:
    camera = camera_at(simulated)
    await camera.open()
    move = asyncio.create_task(camera.move_to(20.0, 0.0))
    await until(lambda: simulated.moving)
    simulated.unplug()
    with pytest.raises(DeviceUnreachable):
        await camera.check()
    await camera.close()
    with pytest.raises(DriverError):
        await move
    simulated.plug_in()
    await camera.open()
    assert (await camera.check()).condition is Condition.OK
    await camera.close()


async def test_standby_is_refused_with_its_reason_and_degrades() -> None:
    async with serve(on=False, start_up_s=0.3) as simulated:
        camera = camera_at(simulated)
        await camera.open()
        with pytest.raises(DeviceRefused) as caught:
            await camera.recall(1)
        health = await camera.check()
        assert caught.value.reason.code == "camera.in_standby"
        assert health.condition is Condition.DEGRADED
        assert health.reason is not None
        assert health.reason.code == "camera.in_standby"
        result = await camera.power(True)
        assert result.outcome is Outcome.COMPLETED
        assert simulated.on
        assert (await camera.power(False)).read_back == {"on": False}
        await camera.close()


async def test_empty_memory_is_refused(camera: ViscaCamera) -> None:
    with pytest.raises(DeviceRefused) as caught:
        await camera.recall(77)
    assert caught.value.reason.code == "camera.not_executable"


async def test_check_measures(camera: ViscaCamera) -> None:
    measures = {measure.name: measure for measure in (await camera.check()).measures}
    assert list(measures) == ["power", "rtt_ms", "pan_deg", "tilt_deg", "zoom"]
    assert measures["power"].value == "on"
    assert measures["rtt_ms"].limit == "<= 200 ms"
    assert measures["pan_deg"].verdict is Verdict.PASS


async def test_given_up_call_leaves_the_camera_usable(camera: ViscaCamera, simulated: SimulatedCamera) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await camera.recall(3)
    result = await camera.recall(0)
    assert result.outcome is Outcome.COMPLETED
    assert simulated.pan_deg == pytest.approx(MEMORIES[0][0], abs=0.05)


async def test_close_stops_a_moving_camera(simulated: SimulatedCamera) -> None:
    camera = camera_at(simulated)
    await camera.open()
    await camera.drive(0.5, 0.0, 0.0, lease=timedelta(seconds=30))
    await until(lambda: simulated.moving)
    await camera.close()
    await camera.close()
    assert not simulated.moving
    with pytest.raises(DeviceUnreachable):
        await camera.position()


async def test_open_stops_what_an_earlier_agent_left_moving(simulated: SimulatedCamera) -> None:
    simulated.camera.pan.go(8000, 500)
    camera = camera_at(simulated)
    await camera.open()
    assert not simulated.moving
    await camera.close()


async def test_simulator_runs_alone_until_it_is_told_to_end() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "drivers.visca.sim", "--listen", "127.0.0.1:0", "--on", stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(10):
            ready, address = (await process.stdout.readline()).decode().split()
            camera = connect("camera-1", DeviceAddress.parse(address), None)
            await camera.open()
            assert (await camera.check()).condition is Condition.OK
            await camera.close()
            process.terminate()
            assert (ready, await process.wait()) == ("ready", 0)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.parametrize("argv", [["--fault", "gremlins=1"], ["--listen", "nowhere"], ["--fault", "loss"]])
def test_simulator_refuses_unusable_arguments(argv: list[str]) -> None:
    assert main(argv) == 2
