"""Sound on PipeWire, through its PulseAudio service: a few of the cases, for it is the slower server to test on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from drivers import DeviceAddress, Outcome, Verdict
from drivers.audio.device import RoomSound, connect
from drivers.errors import DriverError
from tests.until import until
from tests.wire.audio.pipewire import PROGRAMS, PipeWireRoom
from tests.wire.audio.rooms import needed

PLUG = ("module-remap-source", "source_name=usb_mic", "master=air.monitor", "remix=no")


@pytest.fixture(scope="module")
def pipewire_server() -> Iterator[PipeWireRoom]:
    needed(*PROGRAMS, packages="pipewire wireplumber pipewire-pulse dbus pulseaudio-utils")
    room = PipeWireRoom()
    room.start()
    yield room
    room.stop()


@pytest.fixture
def pipewire(pipewire_server: PipeWireRoom, monkeypatch: pytest.MonkeyPatch) -> PipeWireRoom:
    for name, value in pipewire_server.environment.items():
        monkeypatch.setenv(name, value)
    return pipewire_server


@pytest.fixture
async def sound(pipewire: PipeWireRoom, request: pytest.FixtureRequest) -> AsyncIterator[RoomSound]:
    assert pipewire.folder.exists()
    microphone = getattr(request, "param", "mic")
    device = connect("sound", DeviceAddress.parse(f"audio+pulse:///?speaker=speaker&microphone={microphone}"), None)
    await device.open()
    yield device
    await device.close()


async def test_the_room_hears_itself(sound: RoomSound) -> None:
    await until(lambda: bool(sound._link.readings()), within_s=10)

    async def heard() -> bool:
        measures = {measure.name: measure for measure in await sound.prove(loop=True)}
        return measures["loop.heard"].verdict is Verdict.PASS

    await until(heard, within_s=20)  # a crowded machine loses samples
    routed = next(m for m in (await sound.check()).measures if m.name == "microphone.routed")
    assert routed.verdict is Verdict.PASS


async def test_settings_and_defaults_are_read_back(sound: RoomSound) -> None:
    for on in (True, False):
        assert (await sound.mute("microphone", on)).read_back == {"muted": on}
    gained = await sound.gain("speaker", -12.0)
    assert gained.read_back["gain_db"] == pytest.approx(-12, abs=0.1)
    await sound.gain("speaker", 0.0)
    assert (await sound.make_default("microphone")).outcome is Outcome.COMPLETED


async def test_a_microphone_that_goes_is_told_and_missed_and_taken_up_again(pipewire: PipeWireRoom) -> None:
    number = pipewire.load(*PLUG)
    address = DeviceAddress.parse("audio+pulse:///?speaker=speaker&microphone=usb_mic")
    sound = connect("sound", address, None)
    await sound.open()
    try:
        await until(lambda: bool(sound._link.readings()), within_s=10)
        told = asyncio.Event()
        sound._link.on_changed = told.set
        pipewire.pactl("unload-module", number)
        async with asyncio.timeout(5):
            await told.wait()
        await until(lambda: is_missing(sound), within_s=15)
        number = pipewire.load(*PLUG)
        await until(lambda: bool(sound._link.readings()), within_s=15)
    finally:
        await sound.close()
        pipewire.pactl("unload-module", number)


async def is_missing(sound: RoomSound) -> bool:
    try:
        reason = (await sound.check()).reason
    except DriverError:
        return False
    return reason is not None and reason.code == "sound.device_missing"
