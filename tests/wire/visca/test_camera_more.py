"""What a camera can do beyond the port, over all its carriers."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from drivers import Condition, DeviceAddress, Outcome
from drivers.errors import AddressError, DeviceRefused, DeviceUnreachable, DriverError
from drivers.ports import Identity
from drivers.visca.conversation import Link
from drivers.visca.device import ViscaCamera, connect
from drivers.visca.sim import SimulatedCamera, serve
from tests.until import until
from tests.wire.visca.conftest import camera_at

CARRIERS = ("udp", "udp-raw", "tcp", "serial", "rfc2217")


def listen(carrier: str) -> str:
    return "pty" if carrier == "serial" else "127.0.0.1:0"


@pytest.mark.parametrize("carrier", CARRIERS)
async def test_every_carrier_serves_the_port(carrier: str) -> None:
    async with serve(listen(carrier), carrier=carrier) as simulated:
        camera = camera_at(simulated)
        await camera.open()
        assert camera.link.value == "up"
        assert await camera.identify() == Identity("Sony", "BRC-X400", "0100")
        assert (await camera.move_to(8.0, 2.0, 0.1)).outcome is Outcome.COMPLETED
        await camera.drive(0.3, 0.0, 0.0, lease=timedelta(seconds=5))
        await until(lambda: simulated.moving)
        assert (await camera.stop()).read_back["proved"] is True
        assert (await camera.check()).condition is Condition.OK
        await camera.close()
    assert camera.link is Link.DOWN


async def test_two_cameras_of_one_process_share_a_port_and_mix_nothing_up() -> None:
    async with AsyncExitStack() as stack:
        simulated = [await stack.enter_async_context(serve()) for _ in range(2)]
        cameras = [camera_at(one) for one in simulated]
        for camera in cameras:
            await camera.open()
        await asyncio.gather(cameras[0].move_to(10.0, 0.0), cameras[1].move_to(-10.0, 0.0))
        for _ in range(20):
            places = await asyncio.gather(*(camera.position() for camera in cameras))
            assert [round(place.pan_deg) for place in places] == [10, -10]
        for camera in cameras:
            await camera.close()


async def test_cameras_of_a_chain_are_told_apart() -> None:
    async with serve("pty", carrier="serial", chain=3, baud=38400) as first:
        cameras = [camera_at(one) for one in first.cameras]
        for camera in cameras:
            await camera.open()
        await asyncio.gather(*(camera.move_to(5.0 * n, 0.0) for n, camera in enumerate(cameras, 1)))
        places = await asyncio.gather(*(camera.position() for camera in cameras))
        assert [round(place.pan_deg) for place in places] == [5, 10, 15]
        for camera in cameras:
            await camera.close()


async def test_unplugged_line_ends_every_wait_at_once_and_is_found_again(tmp_path: Path) -> None:
    async with serve(str(tmp_path / "camera"), carrier="serial", baud=38400) as simulated:
        assert simulated.chain is not None
        camera = camera_at(simulated)
        await camera.open()
        move = asyncio.create_task(camera.move_to(150.0, 0.0))
        await until(lambda: simulated.moving)
        simulated.chain.pull_cable()
        async with asyncio.timeout(1.0):
            with pytest.raises(DriverError):
                await move
        assert camera.link is Link.DOWN
        with pytest.raises(DeviceUnreachable):
            await camera.check()
        simulated.chain.put_cable_back()
        await camera.open()
        assert not simulated.moving
        assert (await camera.check()).condition is Condition.OK
        await camera.close()


@pytest.mark.parametrize("carrier", ["udp", "tcp"])
async def test_reboot_in_mid_move_is_told_and_found_again(carrier: str) -> None:
    async with serve(carrier=carrier) as simulated:
        camera = camera_at(simulated)
        await camera.open()
        move = asyncio.create_task(camera.move_to(100.0, 0.0))
        await until(lambda: simulated.moving)
        simulated.reboot(0.2)
        await until(lambda: not simulated.deaf)
        await camera.close()
        with pytest.raises(DriverError):
            await move
        await camera.open()
        assert (await camera.check()).condition is Condition.OK
        await camera.close()


async def test_silent_camera_is_noticed_in_time(camera: ViscaCamera, simulated: SimulatedCamera) -> None:
    simulated.unplug()
    async with asyncio.timeout(2.0):
        with pytest.raises(DeviceUnreachable) as caught:
            await camera.check()
    assert caught.value.reason.code == "camera.no_answer"


@pytest.mark.parametrize(
    ("mode", "body"), [("auto", "01 04 38 02"), ("manual", "01 04 38 03"), ("one-push", "01 04 18 01")]
)
async def test_focus(camera: ViscaCamera, simulated: SimulatedCamera, mode: str, body: str) -> None:
    await camera.command("CAM_Focus Manual Focus")
    assert (await camera.focus(mode)).outcome is Outcome.COMPLETED
    assert simulated.ran[-1] == bytes.fromhex(body)
    with pytest.raises(ValueError, match="focus must be auto"):
        await camera.focus("sideways")


async def test_switching_on_closes_the_menu(camera: ViscaCamera, simulated: SimulatedCamera) -> None:
    await camera.command("SYS_Menu On")
    assert simulated.menu
    await camera.power(True)
    assert not simulated.menu


async def test_tally_is_told_again_while_it_is_on(camera: ViscaCamera, simulated: SimulatedCamera) -> None:
    on, off = bytes.fromhex("01 7e 01 0a 00 02"), bytes.fromhex("01 7e 01 0a 00 03")
    camera._asker.use(camera.profile.model_copy(update={"tally_keep_alive_s": 0.06}))
    await camera.tally(True)
    await until(lambda: simulated.ran.count(on) >= 3)
    await camera.tally(False)
    assert simulated.ran[-1] == off


async def test_any_row_of_the_table_is_sent_and_asked(camera: ViscaCamera, simulated: SimulatedCamera) -> None:
    await camera.command("CAM_WB Mode", 5)
    assert await camera.inquire("CAM_WBModeInq") == {"white balance": 5}
    assert set(await camera.inquire("CAM_FocusPosInq")) == {"focus"}
    before = simulated.heard
    for name, values in (("CAM_WB Mode", (99,)), ("CAM_WB Mode", ()), ("CAM_Levitate", ()), ("CAM_FocusPosInq", ())):
        with pytest.raises(ValueError, match=r"camera-1|brc-x400"):
            await camera.command(name, *values)
    assert simulated.heard == before


async def test_drive_by_the_back_door_ends_too(camera: ViscaCamera, simulated: SimulatedCamera) -> None:
    await camera.raw(bytes.fromhex("81 01 06 01 01 01 02 03 ff"))
    await until(lambda: simulated.moving)
    await until(lambda: not simulated.moving)


async def test_raw_frames_are_answered_and_nonsense_is_not_sent(
    camera: ViscaCamera, simulated: SimulatedCamera
) -> None:
    assert (await camera.raw(bytes.fromhex("81 09 04 00 ff"))).read_back == {"answer": "02"}
    before = simulated.heard
    for frame in (b"", b"\x81\xff", b"\x81\x01\xff\x02\xff", b"\x01\x04\x00\xff", b"\x81\x01\x04"):
        with pytest.raises(ValueError, match="a frame is"):
            await camera.raw(frame)
    assert simulated.heard == before
    with pytest.raises(DeviceRefused):
        await camera.raw(bytes.fromhex("81 01 77 77 ff"))


async def test_limits_are_set_kept_and_cleared(simulated: SimulatedCamera) -> None:
    camera = camera_at(simulated, "?limits=-20,20,-5,15")
    await camera.open()
    assert simulated.camera.pan.highest == pytest.approx(20 * 51.2)
    assert simulated.camera.tilt.lowest == pytest.approx(-5 * 51.2)
    before = simulated.heard
    with pytest.raises(ValueError, match=r"pan must be -20 to 20 \(brc-x400\)"):
        await camera.move_to(21.0, 0.0)
    assert simulated.heard == before
    await camera.close()
    cleared = camera_at(simulated, "?limits=off")
    await cleared.open()
    assert simulated.camera.pan.highest == simulated.camera.pan.high
    await cleared.close()


@pytest.mark.parametrize(
    "text",
    [
        "visca+udp://127.0.0.1?limits=5,-5,0,1",
        "visca+udp://127.0.0.1?bounded=perhaps",
        "visca+udp://127.0.0.1?profile=/no/such/file.toml",
        "visca+tcp://127.0.0.1?framing=sony",
        "visca+serial:///dev/ttyUSB0?address=8",
    ],
)
def test_option_that_cannot_be_meant_is_refused_before_any_link(text: str) -> None:
    with pytest.raises(AddressError):
        connect("c", DeviceAddress.parse(text), None)


async def test_missing_serial_device_is_one_clear_line() -> None:
    camera = connect("camera-1", DeviceAddress.parse("visca+serial:///dev/no-such-port"), None)
    with pytest.raises(DeviceUnreachable, match="/dev/no-such-port"):
        await camera.open()
    await camera.close()


async def test_trace_is_kept_over_links(camera: ViscaCamera) -> None:
    noted = camera.trace.noted
    assert noted > 0
    await camera.close()
    await camera.open()
    assert camera.trace.noted > noted
    assert "CAM_VersionInq" in camera.trace.text()
