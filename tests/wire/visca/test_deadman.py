"""STOP: at the end of a lease, without an event loop, and proved."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from datetime import timedelta

import pytest

from drivers import Condition, DeviceAddress, Outcome, Verdict
from drivers.errors import DeviceRefused, DeviceUnreachable, DriverError
from drivers.visca.codec import Kind, pack
from drivers.visca.conversation import Link
from drivers.visca.deadman import GRACE_S, stop_now
from drivers.visca.device import ViscaCamera
from drivers.visca.rescue import RawCry, SonyCry, stop_frames
from drivers.visca.sim import SimulatedCamera, serve
from drivers.visca.sim.tcp import TcpLine
from tests.until import until
from tests.wire.visca.beside import camera_beside
from tests.wire.visca.conftest import camera_at

LEASE = timedelta(seconds=0.25)
STOP = bytes.fromhex("01 06 01 01 01 03 03")
CARRIERS = ("udp", "udp-raw", "tcp", "serial", "rfc2217")


def watchdogs() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "visca watchdog"]


# A loop that stands still.


@pytest.mark.parametrize("carrier", CARRIERS)
async def test_stalled_loop_does_not_keep_the_camera_moving(carrier: str) -> None:
    with camera_beside(carrier) as simulated:
        camera = camera_at(simulated)
        await camera.open()
        await camera.drive(0.2, 0.0, 0.0, lease=LEASE)
        await until(lambda: simulated.moving)
        ends_at = time.monotonic() + 3.0
        while simulated.moving and time.monotonic() < ends_at:
            time.sleep(0.01)  # noqa: ASYNC251  (the loop is to stand still)
        assert not simulated.moving
        assert camera.stall_stops == 1
        await camera.close()
    assert STOP in simulated.ran


async def test_stall_is_told_and_the_next_drive_moves_again(caplog: pytest.LogCaptureFixture) -> None:
    with camera_beside() as simulated, caplog.at_level(logging.WARNING):
        camera = camera_at(simulated)
        await camera.open()
        await camera.drive(0.2, 0.0, 0.0, lease=LEASE)
        await until(lambda: simulated.moving)
        time.sleep(LEASE.total_seconds() + 3 * GRACE_S)  # noqa: ASYNC251  (the loop is to stand still)
        await camera.drive(0.2, 0.0, 0.0, lease=timedelta(seconds=5))
        await until(lambda: simulated.moving)
        health = await camera.check()
        await camera.close()
    measures = {measure.name: measure for measure in health.measures}
    assert (measures["watchdog"].value, measures["watchdog"].verdict) == (1, Verdict.WARN)
    assert measures["watchdog"].reason is not None
    assert measures["watchdog"].reason.code == "camera.stopped_by_watchdog"
    assert sum("watchdog" in record.getMessage() for record in caplog.records) == 1


async def test_no_thread_before_the_first_drive_and_none_after_close(simulated: SimulatedCamera) -> None:
    camera = camera_at(simulated)
    await camera.open()
    assert not watchdogs()
    await camera.drive(0.2, 0.0, 0.0, lease=LEASE)
    assert len(watchdogs()) == 1
    await camera.close()
    await until(lambda: not watchdogs())


async def test_loop_that_lives_needs_no_watchdog(camera: ViscaCamera, simulated: SimulatedCamera) -> None:
    await camera.drive(0.2, 0.0, 0.0, lease=LEASE)
    await until(lambda: simulated.moving)
    await until(lambda: not simulated.moving)
    for _ in range(3):
        await camera.drive(0.2, 0.0, 0.0, lease=LEASE)
    await camera.stop()
    assert camera.stall_stops == 0


async def test_one_thread_watches_two_cameras() -> None:
    with camera_beside() as first, camera_beside() as second:
        cameras = [camera_at(first), camera_at(second)]
        for camera in cameras:
            await camera.open()
        for camera in cameras:
            await camera.drive(0.2, 0.0, 0.0, lease=LEASE)
        await until(lambda: first.moving and second.moving)
        assert len(watchdogs()) == 1
        ends_at = time.monotonic() + 3.0
        while (first.moving or second.moving) and time.monotonic() < ends_at:
            time.sleep(0.01)  # noqa: ASYNC251  (the loop is to stand still)
        assert [first.moving, second.moving] == [False, False]
        for camera in cameras:
            await camera.close()


async def stand_still_until_stopped(simulated: SimulatedCamera) -> None:
    """Keep the loop from running until the camera stands, three seconds at most."""
    ends_at = time.monotonic() + 3.0
    while simulated.moving and time.monotonic() < ends_at:
        time.sleep(0.01)  # noqa: ASYNC251  (the loop is to stand still)


async def test_loop_that_stalls_after_a_stop_was_lost_does_not_keep_the_camera_moving() -> None:
    with camera_beside() as simulated:
        camera = camera_at(simulated)
        await camera.open()
        await camera.drive(0.2, 0.0, 0.0, lease=timedelta(seconds=30))
        await until(lambda: simulated.moving)
        simulated.set_fault("loss", 1)
        stop = asyncio.create_task(camera.stop(prove=False))
        await until(lambda: "Stop" in camera.trace.lines(1)[0])
        simulated.set_fault("loss", 0)
        await stand_still_until_stopped(simulated)
        assert not simulated.moving
        assert camera.stall_stops == 1
        await stop
        await camera.close()


async def test_loop_that_stalls_after_a_move_took_the_place_of_a_drive_is_watched_too() -> None:
    with camera_beside() as simulated:
        camera = camera_at(simulated)
        await camera.open()
        await camera.drive(0.2, 0.0, 0.0, lease=timedelta(seconds=30))
        await until(lambda: simulated.moving)
        await camera.position()
        simulated.set_fault("loss", 1)
        move = asyncio.create_task(camera.move_to(0.0, 0.0))
        await until(lambda: "AbsolutePosition" in camera.trace.lines(1)[0])
        simulated.set_fault("loss", 0)
        await stand_still_until_stopped(simulated)
        assert not simulated.moving
        assert camera.stall_stops == 1
        move.cancel()
        await asyncio.wait([move])
        await camera.close()


async def test_watchdog_rests_once_the_stop_is_acknowledged(camera: ViscaCamera, simulated: SimulatedCamera) -> None:
    await camera.drive(0.2, 0.0, 0.0, lease=timedelta(seconds=30))
    await until(lambda: simulated.moving)
    await camera.stop(prove=False)
    time.sleep(4 * GRACE_S)  # noqa: ASYNC251  (the loop is to stand still)
    assert camera.stall_stops == 0


# A line that dies.


def cut(simulated: SimulatedCamera) -> None:
    """Reset every link to a camera, which goes on with what it does."""
    assert isinstance(simulated.line, TcpLine)
    for link in tuple(simulated.line.links):
        link.abort()


async def test_line_that_dies_in_mid_drive_is_followed_by_a_stop_over_a_new_one() -> None:
    async with serve(carrier="tcp") as simulated:
        camera = camera_at(simulated)
        await camera.open()
        await camera.drive(0.2, 0.0, 0.0, lease=timedelta(seconds=30), owner="tablet-1")
        await until(lambda: simulated.moving)
        cut(simulated)
        await until(lambda: not simulated.moving)
        assert camera.link is Link.DOWN
        assert STOP in simulated.ran

        async def told() -> bool:
            with pytest.raises(DeviceUnreachable) as caught:
                await camera.drive(0.2, 0.0, 0.0, lease=LEASE, owner="tablet-1")
            return caught.value.reason.code == "camera.cut_off_stopped"

        await until(told)
        with pytest.raises(DeviceUnreachable, match="link lost in mid-drive"):
            await camera.check()
        await camera.open()
        assert (await camera.check()).condition is Condition.OK
        await camera.close()


async def test_line_that_stays_dead_after_a_drive_is_nobodys_proof() -> None:
    async with serve(carrier="tcp") as simulated:
        camera = camera_at(simulated)
        await camera.open()
        await camera.drive(0.2, 0.0, 0.0, lease=timedelta(seconds=30))
        await until(lambda: simulated.moving)
        simulated.set_fault("silent", 1)
        cut(simulated)
        await until(lambda: camera.link is Link.DOWN)
        with pytest.raises(DeviceUnreachable) as caught:
            await camera.drive(0.2, 0.0, 0.0, lease=LEASE)
        assert caught.value.reason.code == "camera.cut_off"
        await camera.close()


async def test_line_that_dies_while_nothing_moves_is_left_to_whoever_opens_it() -> None:
    async with serve(carrier="tcp") as simulated:
        camera = camera_at(simulated)
        await camera.open()
        stops = simulated.ran.count(STOP)
        cut(simulated)
        await until(lambda: camera.link is Link.DOWN)
        with pytest.raises(DeviceUnreachable) as caught:
            await camera.drive(0.2, 0.0, 0.0, lease=LEASE)
        assert caught.value.reason.code == "camera.not_open"
        await camera.close()
        assert simulated.ran.count(STOP) == stops


async def test_stop_whose_line_dies_before_its_answer_is_said_again() -> None:
    async with serve(carrier="tcp") as simulated:
        camera = camera_at(simulated)
        await camera.open()
        await camera.drive(0.2, 0.0, 0.0, lease=timedelta(seconds=30))
        await until(lambda: simulated.moving)
        simulated.set_fault("loss", 1)
        stop = asyncio.create_task(camera.stop(prove=False))
        await until(lambda: "Stop" in camera.trace.lines(1)[0])
        cut(simulated)
        simulated.set_fault("loss", 0)
        with pytest.raises(DriverError):
            await stop
        await until(lambda: not simulated.moving)
        await camera.close()


# Leases.


async def test_closing_while_the_stop_of_a_lease_is_lost_stops_all_the_same(
    camera: ViscaCamera, simulated: SimulatedCamera
) -> None:
    await camera.drive(0.2, 0.0, 0.0, lease=LEASE)
    await until(lambda: simulated.moving)
    simulated.set_fault("loss", 1)
    await until(lambda: "Stop" in camera.trace.lines(1)[0])
    simulated.set_fault("loss", 0)
    await camera.close()
    assert not simulated.moving


async def test_another_owner_is_told_who_holds_the_camera(camera: ViscaCamera, simulated: SimulatedCamera) -> None:
    await camera.drive(0.3, 0.0, 0.0, lease=timedelta(seconds=5), owner="tablet-1")
    with pytest.raises(DeviceRefused) as caught:
        await camera.drive(-0.3, 0.0, 0.0, lease=LEASE, owner="tablet-2")
    assert caught.value.reason.code == "camera.held_by"
    assert caught.value.reason.values["owner"] == "tablet-1"
    assert camera.held_by == "tablet-1"
    await until(lambda: simulated.moving)


async def test_taking_over_stops_first(camera: ViscaCamera, simulated: SimulatedCamera) -> None:
    await camera.drive(0.3, 0.0, 0.0, lease=timedelta(seconds=5), owner="tablet-1")
    await until(lambda: simulated.moving)
    before = len(simulated.ran)
    await camera.drive(-0.3, 0.0, 0.0, lease=timedelta(seconds=5), owner="tablet-2", take_over=True)
    await until(lambda: any(body[:3] == STOP[:3] and body[5] == 1 for body in simulated.ran[before:]))
    assert camera.held_by == "tablet-2"
    assert simulated.ran[before] == STOP


async def test_camera_is_free_once_the_lease_has_ended(camera: ViscaCamera, simulated: SimulatedCamera) -> None:
    await camera.drive(0.3, 0.0, 0.0, lease=LEASE, owner="tablet-1")
    await until(lambda: not camera.held_by)
    await camera.drive(-0.3, 0.0, 0.0, lease=LEASE, owner="tablet-2")
    assert camera.held_by == "tablet-2"


async def test_stop_frees_the_camera(camera: ViscaCamera) -> None:
    await camera.drive(0.3, 0.0, 0.0, lease=timedelta(seconds=5), owner="tablet-1")
    await camera.stop()
    assert not camera.held_by


async def test_letting_go_of_the_stick_stops(camera: ViscaCamera, simulated: SimulatedCamera) -> None:
    await camera.drive(0.3, 0.2, 0.5, lease=timedelta(seconds=5))
    await until(lambda: simulated.moving)
    await camera.drive(0.0, 0.0, 0.0, lease=timedelta(seconds=5))
    await until(lambda: not simulated.moving)
    assert not camera.held_by


async def test_bounded_drive_halts_by_itself_when_nobody_is_left_to_stop_it() -> None:
    async with serve() as simulated:
        camera = camera_at(simulated, "?bounded=on")
        await camera.open()
        await camera.drive(1.0, 0.0, 0.0, lease=timedelta(seconds=0.4))
        await until(lambda: simulated.moving)
        camera._talk._session.release()  # the host lost its power here: nobody stops
        camera._guard.disarm()
        await until(lambda: not simulated.moving)
        reach_deg = camera.profile.pan_deg_per_s * 1.5 * 0.4
        assert 0 < simulated.pan_deg <= reach_deg + 0.5
        assert any(body[:3] == bytes.fromhex("01 06 02") for body in simulated.ran)
        await camera.close()


# The proof.


async def test_stop_is_proved_by_position(camera: ViscaCamera, simulated: SimulatedCamera) -> None:
    await camera.drive(1.0, 0.0, 0.0, lease=timedelta(seconds=5))
    await until(lambda: simulated.moving)
    result = await camera.stop()
    assert result.read_back["proved"] is True


async def test_camera_that_goes_on_moving_is_alarmed_once_until_it_stands(
    camera: ViscaCamera, simulated: SimulatedCamera, caplog: pytest.LogCaptureFixture
) -> None:
    disobeys = True

    def hear(_at: float, body: bytes) -> None:
        if disobeys:
            asyncio.get_running_loop().call_later(0.05, simulated.camera.pan.go, 8000, 600)

    simulated.watch = hear
    with caplog.at_level(logging.INFO):
        result = await camera.stop()
        assert result.read_back["proved"] is False
        health = await camera.check()
        assert health.condition is Condition.FAULT
        assert health.reason is not None
        assert health.reason.code == "camera.not_stopping"
        await camera.drive(0.1, 0.0, 0.0, lease=LEASE)  # alarmed, not locked
        disobeys = False
        assert (await camera.stop()).read_back["proved"] is True
        assert (await camera.check()).condition is Condition.OK
    said = [record.getMessage() for record in caplog.records if "STOP" in record.getMessage()]
    assert said == ["camera goes on moving after STOP"]


async def test_stop_without_waiting_for_the_proof_is_proved_in_the_background(
    camera: ViscaCamera, simulated: SimulatedCamera
) -> None:
    simulated.watch = lambda _at, _body: simulated.camera.pan.go(8000, 600)
    result = await camera.stop(prove=False)
    assert "proved" not in result.read_back
    await until(lambda: camera._stillness.is_moving_on)
    simulated.watch = None
    await camera.stop()


async def test_lease_that_ended_is_proved_in_the_background(camera: ViscaCamera, simulated: SimulatedCamera) -> None:
    await camera.drive(0.4, 0.0, 0.0, lease=LEASE)
    await until(lambda: STOP in simulated.ran[2:])
    simulated.watch = lambda _at, _body: simulated.camera.pan.go(8000, 600)
    await until(lambda: camera._stillness.is_moving_on)
    simulated.watch = None
    assert (await camera.stop()).read_back["proved"] is True


# Without a loop.


@pytest.mark.parametrize("carrier", CARRIERS)
async def test_stop_now_stops_over_every_carrier(carrier: str) -> None:
    with camera_beside(carrier) as simulated:
        address = DeviceAddress.parse(simulated.address)
        camera = camera_at(simulated)  # numbers a chain, as the agent did before it died
        await camera.open()
        await camera.close()
        simulated.camera.pan.go(8000, 300)
        assert simulated.moving
        assert await asyncio.to_thread(stop_now, address) is Outcome.COMPLETED
        assert not simulated.moving


def test_stop_now_says_that_nobody_answered() -> None:
    address = DeviceAddress.parse("visca+udp://127.0.0.1:9?framing=sony")
    assert stop_now(address, within_s=0.1) is Outcome.UNKNOWN


@pytest.mark.parametrize("text", ["visca+tcp://127.0.0.1:9", "visca+serial:///dev/no-such-port"])
def test_stop_now_names_a_way_that_is_none(text: str) -> None:
    with pytest.raises(DeviceUnreachable):
        stop_now(DeviceAddress.parse(text), within_s=0.1)


async def test_stop_now_gets_through_loss() -> None:
    async with serve(faults={"loss": "0.4", "seed": "5"}) as simulated:
        simulated.camera.pan.go(8000, 300)
        address = DeviceAddress.parse(simulated.address)
        assert await asyncio.to_thread(stop_now, address) is Outcome.COMPLETED
        assert not simulated.moving


# What is said, byte for byte.


def test_sony_cry_repeats_under_the_same_numbers_until_each_is_answered() -> None:
    cry = SonyCry(stop_frames())
    first = cry.messages()
    assert first[0] == bytes.fromhex("0200 0001 00000000 01")
    assert [message[4:8].hex() for message in first[1:]] == ["00000001", "00000002", "00000003"]
    cry.answer(pack(Kind.CONTROL_REPLY, 0, b"\x01"))
    cry.answer(pack(Kind.REPLY, 2, bytes.fromhex("90 41 ff")))
    assert cry.messages() == [first[1], first[3]]
    cry.answer(pack(Kind.CONTROL_REPLY, 1, bytes.fromhex("0f 01")))  # seen before: it ran
    cry.answer(pack(Kind.REPLY, 3, bytes.fromhex("90 60 02 ff")))  # it knows no such axis
    assert cry.is_heard


def test_sony_cry_begins_anew_where_its_first_number_is_refused() -> None:
    cry = SonyCry(stop_frames())
    cry.messages()
    cry.answer(pack(Kind.CONTROL_REPLY, 1, bytes.fromhex("0f 01")))
    again = cry.messages()
    assert not cry.is_heard
    assert [message[4:8].hex() for message in again] == ["00000000", "00000004", "00000005", "00000006"]


def test_sony_cry_does_not_take_a_full_buffer_for_an_answer() -> None:
    cry = SonyCry(stop_frames()[:1])
    cry.messages()
    cry.answer(pack(Kind.REPLY, 1, bytes.fromhex("90 60 03 ff")))
    assert not cry.is_heard


def test_raw_cry_wants_a_whole_row_answered_and_says_it_once_more() -> None:
    cry = RawCry(stop_frames(3), 3)
    assert cry.messages() == list(stop_frames(3))
    cry.answer(bytes.fromhex("b0 41 ff b0 42 ff 90 41 ff"))  # the last is another camera's
    cry.messages()
    assert not cry.is_heard
    cry.answer(bytes.fromhex("b0 41 ff b0 42"))
    cry.answer(bytes.fromhex("ff b0 60 03 ff b0 61 41 ff"))
    assert not cry.is_heard
    cry.messages()
    assert cry.is_heard
