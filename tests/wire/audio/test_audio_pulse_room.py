"""The sound driver on a real sound server, through real PortAudio in a real worker process."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator

import pytest

from drivers import Condition, DeviceAddress, Outcome, Verdict
from drivers.audio.device import RoomSound, connect
from drivers.audio.wires import ChildWire
from drivers.errors import DeviceUnreachable, DriverError
from tests.until import until
from tests.wire.audio.rooms import PulseRoom, needed


def worker_of(sound: RoomSound) -> int | None:
    wire = sound._link._wire
    return wire.process.pid if isinstance(wire, ChildWire) else None


async def metered(sound: RoomSound) -> None:
    await until(lambda: bool(sound._link.readings()))


async def test_room_is_heard_through_real_devices(live: RoomSound) -> None:
    microphone, speaker = await live.inventory()
    assert (microphone.device, microphone.present, speaker.device, speaker.present) == ("mic", True, "speaker", True)
    await metered(live)
    measures = {measure.name: measure for measure in await live.prove(loop=True)}
    assert measures["loop.heard"].verdict is Verdict.PASS
    # A busy machine loses samples and with them loudness: exact figures are held on the room model.
    assert isinstance(gain_db := measures["loop.gain"].value, float)
    assert -30 < gain_db < 1
    assert isinstance(latency := measures["loop.latency"].value, float)
    assert -30 < latency < 200


async def test_capture_hangs_on_the_named_microphone_and_silence_is_digital_zero(live: RoomSound) -> None:
    await metered(live)
    health = await live.check()
    found = {measure.name: measure for measure in health.measures}
    assert found["microphone.routed"].value == "mic"
    assert health.reason is not None
    assert health.reason.code == "sound.microphone_dead"  # a null device has no noise of its own


async def test_mute_and_gain_reach_the_server(live: RoomSound, pulse: PulseRoom) -> None:
    muted = await live.mute("microphone", on=True)
    gained = await live.gain("microphone", -18.0)
    assert muted.outcome is gained.outcome is Outcome.COMPLETED
    assert gained.read_back["gain_db"] == pytest.approx(-18, abs=0.1)
    again = await live.gain("microphone", -18.0)
    assert again.read_back["gain_db"] == pytest.approx(-18, abs=0.1)
    assert pulse.source("mic")["mute"] is True
    assert (await live.inventory())[0].muted


async def test_stopped_worker_is_killed_and_replaced_while_the_loop_runs_on(live: RoomSound) -> None:
    await metered(live)
    first = worker_of(live)
    assert first is not None
    os.kill(first, signal.SIGSTOP)
    asked = asyncio.create_task(live.inventory())
    with pytest.raises(DeviceUnreachable):
        await asked
    await until(lambda: worker_of(live) not in {first, None} and bool(live._link.readings()), within_s=10)
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)


async def test_absent_microphone_is_found_missing(pulse: PulseRoom) -> None:
    sound = connect("sound", DeviceAddress.parse("audio+pulse:///?speaker=speaker&microphone=usb_mic"), None)
    await sound.open()
    health = await sound.check()
    await sound.close()
    assert health.condition is Condition.FAULT
    assert health.reason is not None
    assert (health.reason.code, health.reason.values["device"]) == ("sound.device_missing", "usb_mic")


async def test_removed_microphone_is_missed_although_its_stream_runs_on(pulse: PulseRoom) -> None:
    plug = ("load-module", "module-remap-source", "source_name=usb_mic", "master=air.monitor", "remix=no")
    number = json.loads(pulse.pactl(*plug))["index"]
    sound = connect("sound", DeviceAddress.parse("audio+pulse:///?speaker=speaker&microphone=usb_mic"), None)
    await sound.open()
    try:
        await metered(sound)
        worker = worker_of(sound)
        pulse.pactl("unload-module", str(number))
        await until(lambda: is_missing(sound))
        await until(lambda: worker_of(sound) not in {worker, None})  # its levels were another source's
        pulse.pactl(*plug)
        await metered(sound)
        assert (await sound.inventory())[0].present
    finally:
        await sound.close()


async def test_a_change_at_the_sound_server_is_told_without_asking(live: RoomSound, pulse: PulseRoom) -> None:
    await metered(live)
    changes: list[bool] = []
    live._link.on_changed = lambda: changes.append(True)
    pulse.pactl("set-source-mute", "mic", "1")
    await until(lambda: bool(changes))
    assert (await live.inventory())[0].muted


async def is_missing(sound: RoomSound) -> bool:
    try:
        reason = (await sound.check()).reason
    except DriverError:  # the worker that heard another source is being replaced
        return False
    return reason is not None and reason.code == "sound.device_missing"


async def test_worker_ends_with_its_supervisor_and_without_a_server_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    needed()
    monkeypatch.setenv("PULSE_SERVER", "unix:/nonexistent/native")
    worker = await ChildWire.dial("--speaker", "speaker", "--microphone", "mic")
    async with asyncio.timeout(10):
        assert b'"absent"' in await worker.read()
    await worker.write(b"nonsense\n")
    assert worker.process.stdin is not None
    worker.process.stdin.close()  # as the death of the supervisor does
    async with asyncio.timeout(10):
        said = [line async for line in lines_of(worker)]
        assert await worker.process.wait() == 0
    assert any(b"sound.bad_order" in line for line in said)
    await worker.kill()


async def lines_of(worker: ChildWire) -> AsyncIterator[bytes]:
    while line := await worker.read():
        yield line
