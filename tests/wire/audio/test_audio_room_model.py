"""The sound driver in a modelled room: what is broken there is what it finds."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator
from typing import cast

import pytest

from drivers import Condition, DeviceAddress, Measure, Outcome, Verdict
from drivers.audio import device as device_module
from drivers.audio import link as link_module
from drivers.audio.device import RoomSound, connect
from drivers.audio.sim import Room, RoomServer
from drivers.errors import AddressError, DeviceRefused, DeviceUnreachable
from drivers.ports import Level, Sound
from tests.until import until


def code(measures: tuple[Measure, ...], name: str) -> str:
    measure = next(m for m in measures if m.name == name)
    return measure.reason.code if measure.reason else measure.verdict.value


async def levels_flow(sound: RoomSound, count: int = 1) -> list[Level]:
    found: list[Level] = []
    async with asyncio.timeout(5):
        async for level in sound.levels():
            found.append(level)
            if len(found) == count:
                break
    return found


async def test_healthy_room_is_ok_and_hears_itself(sound: RoomSound) -> None:
    assert isinstance(sound, Sound)
    health = await sound.check()
    assert health.condition is Condition.OK, health
    found = {measure.name: measure for measure in await sound.prove(loop=True)}
    assert {measure.verdict for measure in found.values()} == {Verdict.PASS}
    assert found["loop.gain"].value == pytest.approx(-10, abs=2)
    assert found["loop.latency"].value == pytest.approx(12, abs=1)


@pytest.mark.parametrize(
    ("fault", "finding"),
    [
        (("microphone", "dead"), "sound.microphone_dead"),
        (("path", "cut"), "sound.not_heard"),
        (("microphone", "muted"), "sound.port_muted"),
    ],
)
async def test_broken_path_is_found_by_the_chirp(
    sound: RoomSound, room: Room, fault: tuple[str, str], finding: str
) -> None:
    room.fault(*fault)
    assert code(await sound.prove(loop=True), "loop.heard") == finding


async def test_loud_room_proves_nothing_rather_than_something(sound: RoomSound, room: Room) -> None:
    room.fault("path", "cut")
    room.fault("noise", "-20")
    assert code(await sound.prove(loop=True), "loop.heard") == "sound.room_too_loud"


async def test_dead_microphone_is_a_fault_without_a_sound(sound: RoomSound, room: Room) -> None:
    room.fault("microphone", "dead")

    async def found() -> bool:
        health = await sound.check()
        return health.reason is not None and health.reason.code == "sound.microphone_dead"

    await until(found)


async def test_microphone_that_does_not_open_is_a_fault_with_its_reason(server: RoomServer, room: Room) -> None:
    room.fault("microphone", "taken")
    sound = connect("sound", DeviceAddress.parse(server.address), None)
    await sound.open()
    health = await sound.check()
    assert health.condition is Condition.FAULT
    assert health.reason is not None
    assert "another program holds it" in health.reason.detail
    room.fault("microphone", "ok")
    await levels_flow(sound)
    await sound.close()


@pytest.mark.parametrize("fault", [("path", "gone"), ("noise", "loud"), ("speaker", "dead"), ("window", "open")])
def test_faults_that_do_not_exist_are_refused(room: Room, fault: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match=f"fault|{fault[1]}"):
        room.fault(*fault)


async def test_muted_microphone_is_no_fault(sound: RoomSound, room: Room) -> None:
    await sound.mute("microphone", on=True)
    assert (await sound.check()).condition is Condition.OK


async def test_unplugged_microphone_is_missed_and_found_again(sound: RoomSound, room: Room) -> None:
    await levels_flow(sound)
    room.fault("microphone", "unplugged")
    health = await sound.check()
    assert health.condition is Condition.FAULT
    assert health.reason is not None
    assert health.reason.code == "sound.device_missing"
    room.fault("microphone", "ok")

    async def well() -> bool:
        try:
            return (await sound.check()).condition is Condition.OK
        except DeviceUnreachable:
            return False  # the station starts afresh

    await until(well, within_s=10)


async def test_moved_capture_is_noticed_even_when_the_microphone_is_back(sound: RoomSound, room: Room) -> None:
    await levels_flow(sound)
    room.fault("microphone", "unplugged")
    await levels_flow(sound, 3)
    room.fault("microphone", "ok")
    health = await sound.check()
    assert health.reason is not None
    assert health.reason.code == "sound.wrong_source"


async def test_mute_and_gain_are_read_back(sound: RoomSound, room: Room) -> None:
    muted = await sound.mute("speaker", on=True)
    gained = await sound.gain("microphone", -12.0)
    assert (muted.outcome, muted.read_back) == (Outcome.COMPLETED, {"muted": True})
    assert (gained.outcome, gained.read_back) == (Outcome.COMPLETED, {"gain_db": -12.0})
    microphone, speaker = await sound.inventory()
    assert (microphone.gain_db, speaker.muted) == (-12.0, True)
    assert room.muted["speaker"]


async def test_missing_port_refuses_and_unknown_ones_are_never_sent(sound: RoomSound, room: Room) -> None:
    room.fault("speaker", "unplugged")
    with pytest.raises(DeviceRefused, match="not there"):
        await sound.mute("speaker", on=True)
    with pytest.raises(ValueError, match="line-in"):
        await sound.mute("line-in", on=True)
    for db in (21.0, -81.0, float("nan")):
        with pytest.raises(ValueError, match="gain"):
            await sound.gain("speaker", db)


async def test_levels_end_when_the_sound_is_closed(sound: RoomSound) -> None:
    listening = asyncio.create_task(levels_flow(sound, 10_000))
    await levels_flow(sound)
    await sound.close()
    assert await listening


async def test_stalled_worker_is_dropped_and_taken_up_again(sound: RoomSound, room: Room) -> None:
    await levels_flow(sound)
    room.fault("clock", "stalled")
    await until(lambda: sound._link.unwanted_ends() > 0)
    with pytest.raises(DeviceUnreachable):
        await sound.inventory()
    room.fault("clock", "ok")
    await levels_flow(sound)
    await until(lambda: bool(sound._link.readings()))
    assert len(await sound.inventory()) == 2


async def test_waiting_calls_fail_at_once_when_the_worker_goes(sound: RoomSound, server: RoomServer) -> None:
    await levels_flow(sound)
    # The tone itself: it takes half a second and more, so it is still waited for when the line goes.
    proving = asyncio.create_task(sound._link.ask_aloud(within_s=15))
    await until(lambda: bool(sound._link._waiting))
    server.hang_up()
    with pytest.raises(DeviceUnreachable):
        await proving


async def test_mute_and_gain_are_asked_of_the_next_worker_in_the_order_of_the_words(
    sound: RoomSound, server: RoomServer, room: Room
) -> None:
    server.hang_up()
    first, gain, last = await asyncio.gather(
        sound.mute("microphone", True), sound.gain("speaker", -9.0), sound.mute("microphone", False)
    )
    assert (first.read_back, gain.read_back, last.read_back) == ({"muted": True}, {"gain_db": -9.0}, {"muted": False})
    assert (room.muted["microphone"], room.gain_db["speaker"]) == (False, -9.0)


async def test_a_mute_waits_for_the_next_worker_no_longer_than_it_may(
    sound: RoomSound, server: RoomServer, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_module, "ANSWER_WITHIN_S", 0.4)
    room.fault("clock", "stalled")  # no worker shows a sign of life any more
    server.hang_up()
    async with asyncio.timeout(5):
        with pytest.raises(DeviceUnreachable, match="sound worker"):
            await sound.mute("microphone", True)


async def test_two_supervisors_share_one_room(sound: RoomSound, server: RoomServer) -> None:
    other = connect("other", DeviceAddress.parse(server.address), None)
    await other.open()
    await other.mute("microphone", on=True)
    assert (await sound.inventory())[0].muted
    await other.close()


async def test_no_room_is_one_clear_error(room: Room) -> None:
    room.fault("clock", "stalled")
    server = RoomServer(room)
    server.start()
    device = connect("sound", DeviceAddress("audio+model", "127.0.0.1", 1), None)
    with pytest.raises(DeviceUnreachable, match="nothing listens"):
        await device.open()
    silent = connect("sound", DeviceAddress.parse(server.address), None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(link_module, "STARTED_WITHIN_S", 0.3)
        with pytest.raises(DeviceUnreachable, match="no sign of life"):
            await silent.open()
    server.close()


async def test_closing_is_harmless_twice_and_before_opening(server: RoomServer) -> None:
    device = connect("sound", DeviceAddress.parse(server.address), None)
    await device.close()
    await device.open()
    await device.close()
    await device.close()
    with pytest.raises(DeviceUnreachable):
        await device.inventory()
    assert [level async for level in device.levels()] == []


@pytest.mark.parametrize(
    "address",
    [
        "audio+model://127.0.0.1",
        "audio+model:///",
        "audio+model://127.0.0.1:5?fault=x",
        "audio+pulse:///?speaker=a",
        'audio+pulse:///?speaker=a&microphone=b"c',
        "audio+pulse:///?speaker=a&microphone=b&rate=1",
    ],
)
def test_addresses_that_cannot_work_are_refused(address: str) -> None:
    with pytest.raises(AddressError):
        connect("sound", DeviceAddress.parse(address), None)


async def test_model_runs_alone_and_can_be_broken_from_outside() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "drivers.audio.sim", "--fault", "speaker=unplugged", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(10):
        ready, address = (await process.stdout.readline()).decode().split()
    assert ready == "ready"
    sound = connect("sound", DeviceAddress.parse(address), None)
    await sound.open()
    assert not (await sound.inventory())[1].present
    port = DeviceAddress.parse(address).port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(json.dumps({"id": 9, "do": "fault", "name": "speaker", "value": "ok"}).encode() + b"\n")
    async with asyncio.timeout(5):
        while b'"id":9' not in await reader.readline():
            pass
    assert (await sound.inventory())[1].present
    writer.close()
    await writer.wait_closed()
    await sound.close()
    os.kill(process.pid, signal.SIGTERM)
    async with asyncio.timeout(5):
        assert await process.wait() == 0
    await process.communicate()


@pytest.mark.parametrize(
    ("name", "value", "flag"),
    [("hum", "-40", "hum"), ("howl", "2400", "howl"), ("microphone", "dead", "digital_zero")],
)
async def test_levels_carry_what_is_wrong(sound: RoomSound, room: Room, name: str, value: str, flag: str) -> None:
    room.fault(name, value)
    levels = sound.levels()
    async with asyncio.timeout(10):
        async for level in levels:
            if flag in level.flags:
                break
    await cast("AsyncGenerator[object]", levels).aclose()
    assert level.momentary_lufs is not None


async def test_feedback_fails_the_check_with_its_frequency(sound: RoomSound, room: Room) -> None:
    room.fault("howl", "2400")

    async def howls() -> bool:
        reason = (await sound.check()).reason
        return reason is not None and reason.code == "sound.howl"

    await until(howls, within_s=10)
    measure = next(m for m in (await sound.check()).measures if m.name == "microphone.howl")
    assert measure.reason is not None
    assert measure.reason.values["howl_hz"] == 2400


async def test_a_mute_does_not_wait_for_a_loop_check_which_then_proves_nothing(sound: RoomSound, room: Room) -> None:
    proving = asyncio.create_task(sound.prove(loop=True))
    await until(lambda: room.plays)
    assert (await sound.mute("microphone", on=True)).outcome is Outcome.COMPLETED
    assert not room.plays
    measures = {measure.name: measure for measure in await proving}
    assert measures["loop.heard"].verdict is Verdict.UNPROVEN
    assert code(tuple(measures.values()), "loop.heard") == "sound.disturbed"
