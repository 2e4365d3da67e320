"""A tone that is called off is over at once, and the loudspeaker stands where it stood, whoever ends it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator

import pytest

from drivers import DeviceAddress, Verdict
from drivers.audio.device import RoomSound, connect
from drivers.audio.wires import ChildWire
from drivers.errors import DeviceRefused, DeviceUnreachable
from drivers.ports import Baseline
from tests.until import until
from tests.wire.audio.houses import House, PulseHouse
from tests.wire.audio.rooms import PulseRoom

SET_DB = -9.0
"""Where somebody left the loudspeaker; it was calibrated at 0 dB."""

PROVING = """
import asyncio, sys
from drivers import DeviceAddress
from drivers.audio.device import connect
from drivers.ports import Baseline

async def main():
    sound = connect("sound", DeviceAddress.parse(sys.argv[1]), None)
    sound.baseline = Baseline("speaker", "usb_mic", 0.0, 0.0, 0.0, 20.0, -62.0, 1, (0.0,) * 6, 0.9)
    await sound.open()
    while True:
        await sound.prove(loop=True)

asyncio.run(main())
"""


@pytest.fixture
async def calibrated(heard: RoomSound, house: House) -> RoomSound:
    """A room that was calibrated at another volume than it is set to now."""
    microphone, speaker = await heard.inventory()
    heard.baseline = Baseline(speaker.device, microphone.device, 0.0, 0.0, 0.0, 20.0, -62.0, 1, (0.0,) * 6, 0.9)
    house.volume(SET_DB)
    return heard


async def speaker_db(sound: RoomSound) -> float:
    return (await sound.inventory())[1].gain_db


async def sounding(sound: RoomSound, house: House) -> asyncio.Task[object]:
    """Begin a proof and return once its tone sounds."""
    proving: asyncio.Task[object] = asyncio.create_task(sound.prove(loop=True))
    await until(house.sounds)
    return proving


async def test_the_volume_of_the_calibration_is_borrowed_and_given_back(calibrated: RoomSound, house: House) -> None:
    proving = await sounding(calibrated, house)
    assert await speaker_db(calibrated) == pytest.approx(0, abs=0.1)
    await proving
    assert await speaker_db(calibrated) == pytest.approx(SET_DB, abs=0.1)


async def test_a_cancelled_proof_ends_in_silence_with_the_volume_back(calibrated: RoomSound, house: House) -> None:
    proving = await sounding(calibrated, house)
    proving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await proving
    assert not house.sounds()
    assert await speaker_db(calibrated) == pytest.approx(SET_DB, abs=0.1)
    assert calibrated._link.unwanted_ends() == 0
    assert (await heard_loop(calibrated)) is Verdict.PASS


async def heard_loop(sound: RoomSound) -> Verdict:
    return next(measure.verdict for measure in await sound.prove(loop=True) if measure.name == "loop.heard")


async def test_a_proof_that_waits_for_another_is_called_off_before_it_sounds(
    calibrated: RoomSound, house: House
) -> None:
    first, second = (asyncio.create_task(calibrated._link.ask_aloud(within_s=15)) for _ in range(2))
    await until(house.sounds)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    assert (await first)["end"] == "heard"
    assert not house.sounds()
    assert calibrated._link.unwanted_ends() == 0


async def test_muting_everything_ends_the_tone(calibrated: RoomSound, house: House) -> None:
    proving = asyncio.create_task(calibrated.prove(loop=True))
    await until(house.sounds)
    await calibrated.mute_all()
    measures = {measure.name: measure for measure in await proving}
    assert measures["loop.heard"].verdict is Verdict.UNPROVEN
    assert not house.sounds()
    assert await speaker_db(calibrated) == pytest.approx(SET_DB, abs=0.1)


async def test_a_gain_that_is_set_meanwhile_stays_and_is_careful_from_where_the_port_stood(
    calibrated: RoomSound, house: House
) -> None:
    proving = asyncio.create_task(calibrated.prove(loop=True))
    await until(house.sounds)
    with pytest.raises(DeviceRefused, match=r"from -9\.0"):
        await calibrated.gain("speaker", -1.0, careful=True)
    await calibrated.gain("speaker", -5.0, careful=True)
    await proving
    assert await speaker_db(calibrated) == pytest.approx(-5, abs=0.1)


async def test_closing_the_device_ends_its_tone_first(calibrated: RoomSound, house: House) -> None:
    proving = await sounding(calibrated, house)
    await calibrated.close()
    assert not house.sounds()
    with pytest.raises(DeviceRefused) as refused:
        await proving
    assert refused.value.reason.code == "sound.called_off"
    await calibrated.open()
    assert await speaker_db(calibrated) == pytest.approx(SET_DB, abs=0.1)


# --- processes that end ---


@pytest.fixture
def pulse_house(pulse: PulseRoom) -> Iterator[PulseHouse]:
    house = PulseHouse(pulse)
    yield house
    house.close()


@pytest.fixture
async def worn(pulse_house: PulseHouse) -> AsyncIterator[RoomSound]:
    """The same room on a real sound server."""
    device = connect("sound", DeviceAddress.parse(pulse_house.address), None)
    device.baseline = Baseline("speaker", "usb_mic", 0.0, 0.0, 0.0, 20.0, -62.0, 1, (0.0,) * 6, 0.9)
    await device.open()
    await until(lambda: bool(device._link.readings()), within_s=10)
    pulse_house.volume(SET_DB)
    yield device
    await device.close()


def worker(sound: RoomSound) -> int:
    wire = sound._link._wire
    assert isinstance(wire, ChildWire)
    return wire.process.pid


async def test_a_killed_worker_leaves_no_tone_and_the_next_one_puts_the_volume_back(
    worn: RoomSound, pulse_house: PulseHouse
) -> None:
    proving = await sounding(worn, pulse_house)
    os.kill(worker(worn), signal.SIGKILL)
    with pytest.raises(DeviceUnreachable):
        await proving
    await until(lambda: not pulse_house.sounds())
    await until(lambda: pulse_house.speaker_db() == pytest.approx(SET_DB, abs=0.1), within_s=10)


async def test_a_hung_worker_is_killed_when_its_tone_is_called_off(worn: RoomSound, pulse_house: PulseHouse) -> None:
    proving = await sounding(worn, pulse_house)
    os.kill(worker(worn), signal.SIGSTOP)
    proving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await proving
    await until(lambda: not pulse_house.sounds(), within_s=2)
    await until(lambda: pulse_house.speaker_db() == pytest.approx(SET_DB, abs=0.1), within_s=10)


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
async def test_a_worker_that_is_told_to_end_puts_the_volume_back_itself(
    worn: RoomSound, pulse_house: PulseHouse, ending: signal.Signals
) -> None:
    proving = asyncio.create_task(worn.prove(loop=True))
    await until(pulse_house.sounds)
    os.kill(worker(worn), ending)
    if ending is signal.SIGINT:  # which is for the supervisor to obey
        await proving
    else:
        with pytest.raises((DeviceRefused, DeviceUnreachable)):  # it ends before or after it said so
            await proving
        await until(lambda: not pulse_house.sounds())
    await until(lambda: pulse_house.speaker_db() == pytest.approx(SET_DB, abs=0.1))


async def test_a_supervisor_that_is_killed_leaves_no_tone_and_no_borrowed_volume(pulse_house: PulseHouse) -> None:
    pulse_house.volume(SET_DB)
    supervisor = await asyncio.create_subprocess_exec(sys.executable, "-c", PROVING, pulse_house.address)
    try:
        await until(pulse_house.sounds, within_s=15)
        assert pulse_house.speaker_db() == pytest.approx(0, abs=0.1)
    finally:
        supervisor.kill()
        await supervisor.wait()
    await until(lambda: not pulse_house.sounds())
    await until(lambda: pulse_house.speaker_db() == pytest.approx(SET_DB, abs=0.1))


async def test_a_loudspeaker_that_takes_nothing_is_named_and_the_worker_replaced(
    worn: RoomSound, pulse_house: PulseHouse
) -> None:
    first = worker(worn)
    pulse_house.suspend_speaker(on=True)
    try:
        with pytest.raises(DeviceRefused) as refused:
            await worn.prove(loop=True)
        assert refused.value.reason.code == "sound.speaker_stuck"
    finally:
        pulse_house.suspend_speaker(on=False)
    await until(lambda: worn._link._wire is not None and worker(worn) != first, within_s=10)
    await until(lambda: pulse_house.speaker_db() == pytest.approx(SET_DB, abs=0.1), within_s=10)
