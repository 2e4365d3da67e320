"""A modelled room is calibrated, then broken: what has changed is what the proof finds.

The room's clock runs four times as fast as ours, so that a tone takes a quarter of a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest

from drivers import DeviceAddress, Measure, Verdict
from drivers.audio import device as device_module
from drivers.audio import dsp
from drivers.audio.device import RoomSound, connect
from drivers.audio.sim import Room, RoomServer
from drivers.errors import DeviceRefused
from drivers.ports import Baseline, Calibrates, Sound
from tests.until import until

SPEED = 4.0
OWN = Baseline(
    speaker="room_speaker",
    microphone="room_mic",
    speaker_gain_db=0.0,
    microphone_gain_db=0.0,
    gain_db=-10.0,
    latency_ms=12.0,
    noise_floor_dbfs=-62.0,
    polarity=1,
    bands_db=(-8.1, -8.8, -8.8, -8.7, -8.6, -8.7),
    rho=0.86,
)


@pytest.fixture
def server(room: Room) -> Iterator[RoomServer]:
    server = RoomServer(room, speed=SPEED)
    server.start()
    yield server
    server.close()


@pytest.fixture
async def cancelling(server: RoomServer) -> AsyncIterator[RoomSound]:
    device = connect("sound", DeviceAddress.parse(f"{server.address}?echo=cancelled"), None)
    await device.open()
    yield device
    await device.close()


async def heard(sound: RoomSound, seconds: float) -> None:
    """Let the room sound for so long on its own clock."""
    left = round(seconds * dsp.RATE_HZ / dsp.BLOCK_FRAMES)
    async with asyncio.timeout(20):
        async for _ in sound.levels():
            left -= 1
            if not left:
                return


async def proof(sound: RoomSound) -> dict[str, Measure]:
    return {measure.name: measure for measure in await sound.prove(loop=True)}


async def checked(sound: RoomSound) -> dict[str, Measure]:
    return {measure.name: measure for measure in (await sound.check()).measures}


def code(measure: Measure) -> str:
    return measure.reason.code if measure.reason else ""


async def test_calibration_measures_the_room_and_the_room_then_passes(sound: RoomSound) -> None:
    assert isinstance(sound, Calibrates)
    assert isinstance(sound, Sound)
    found = await sound.calibrate()
    assert sound.baseline is None
    for name, off in (("gain_db", 0.5), ("latency_ms", 1.0), ("noise_floor_dbfs", 1.0), ("rho", 0.05)):
        assert getattr(found, name) == pytest.approx(getattr(OWN, name), abs=off)
    assert found.bands_db == pytest.approx(OWN.bands_db, abs=0.5)
    assert (found.polarity, found.speaker, found.microphone) == (1, "room_speaker", "room_mic")
    sound.baseline = found
    measures = await proof(sound)
    assert {measure.verdict for measure in measures.values()} == {Verdict.PASS}
    assert {"loop.gain", "loop.latency", "loop.polarity", "loop.treble"} <= set(measures)


@pytest.mark.parametrize(
    ("fault", "measure", "verdict", "finding"),
    [
        (("path", "-12"), "loop.gain", Verdict.FAIL, "sound.loop_softer"),
        (("path", "4"), "loop.gain", Verdict.WARN, "sound.loop_louder"),
        (("path", "10"), "loop.gain", Verdict.FAIL, "sound.loop_louder"),
        (("delay", "60"), "loop.latency", Verdict.WARN, "sound.loop_delay"),
        (("polarity", "turned"), "loop.polarity", Verdict.WARN, "sound.polarity_turned"),
        (("band", "telephone"), "loop.treble", Verdict.WARN, "sound.narrow_band"),
        (("lost", "3"), "loop.gain", Verdict.UNPROVEN, "sound.samples_lost"),
        (("lost", "1"), "loop.gain", Verdict.PASS, ""),
        (("path", "cut"), "loop.heard", Verdict.FAIL, "sound.not_heard"),
    ],
)
async def test_what_changed_since_calibration_is_found(
    sound: RoomSound, room: Room, fault: tuple[str, str], measure: str, verdict: Verdict, finding: str
) -> None:
    sound.baseline = OWN
    room.fault(*fault)
    found = (await proof(sound))[measure]
    assert (found.verdict, code(found)) == (verdict, finding)


async def test_another_loudspeaker_is_not_compared(sound: RoomSound) -> None:
    sound.baseline = replace(OWN, speaker="the_one_before")
    assert code((await proof(sound))["loop.baseline"]) == "sound.baseline_other"


async def test_an_echo_canceller_that_hides_the_tone_proves_nothing(cancelling: RoomSound, room: Room) -> None:
    cancelling.baseline = OWN
    room.fault("canceller", "80")
    await until(lambda: room.canceller is not None)
    found = (await proof(cancelling))["loop.heard"]
    while found.verdict is Verdict.PASS:  # it learns while it hears
        found = (await proof(cancelling))["loop.heard"]
    assert (found.verdict, code(found)) == (Verdict.UNPROVEN, "sound.echo_cancelled")


async def test_a_canceller_that_nobody_told_of_is_a_loop_not_heard(sound: RoomSound, room: Room) -> None:
    room.fault("canceller", "80")
    assert room.canceller is not None
    room.canceller.hides_db = 80.0
    assert code((await proof(sound))["loop.heard"]) == "sound.not_heard"


async def test_nothing_is_played_while_people_speak(
    sound: RoomSound, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_module, "POSTPONED_S", 0.5)
    sound.baseline = OWN
    for fault in (("pauses", "no"), ("talkers", "3"), ("talker", "-30")):
        room.fault(*fault)
    await heard(sound, 3)
    proving = asyncio.create_task(proof(sound))
    while not proving.done():
        assert not room.plays
        await asyncio.sleep(0.01)
    found = (await proving)["loop.heard"]
    assert (found.verdict, code(found)) == (Verdict.UNPROVEN, "sound.room_busy")


async def test_the_tone_comes_when_who_speaks_pauses(sound: RoomSound, room: Room) -> None:
    room.fault("talker", "-30")
    await heard(sound, 2)
    assert (await proof(sound))["loop.heard"].verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("talker", "measure", "finding"),
    [
        ("-26", "microphone.speech", ""),
        ("-44", "microphone.speech", "sound.speech_soft"),
        ("-8", "microphone.speech", "sound.speech_hot"),
    ],
)
async def test_speech_is_measured_while_it_lasts(
    sound: RoomSound, room: Room, talker: str, measure: str, finding: str
) -> None:
    assert measure not in await checked(sound)
    room.fault("talker", talker)
    await heard(sound, 9)
    assert code((await checked(sound))[measure]) == finding


async def test_our_own_tones_are_no_speech(sound: RoomSound) -> None:
    for _ in range(3):
        await proof(sound)
    assert "microphone.speech" not in await checked(sound)


async def test_a_room_that_became_noisy_is_told_by_its_own_floor(sound: RoomSound, room: Room) -> None:
    sound.baseline = OWN
    room.fault("noise", "-48")
    await heard(sound, 11)
    assert code((await checked(sound))["microphone.noise_floor"]) == "sound.noisy"
    sound.baseline = None
    assert not code((await checked(sound))["microphone.noise_floor"])


async def test_a_telephones_band_is_flagged_while_somebody_speaks(sound: RoomSound, room: Room) -> None:
    sound.baseline = OWN
    room.fault("talker", "-26")
    async for level in sound.levels():
        if level.momentary_lufs is not None and level.momentary_lufs > -30:
            break
    await heard(sound, 3)
    assert not await flagged(sound)
    room.fault("band", "telephone")
    await until(lambda: flagged(sound), within_s=15)


async def flagged(sound: RoomSound) -> bool:
    async for level in sound.levels():
        return "narrow_band" in level.flags
    return False


@pytest.mark.parametrize(
    ("fault", "finding"),
    [
        (("path", "cut"), "sound.not_heard"),
        (("microphone", "muted"), "sound.port_muted"),
        (("speaker", "unplugged"), "sound.device_missing"),
        (("microphone", "dead"), "sound.microphone_dead"),
        (("lost", "9"), "sound.samples_lost"),
        (("canceller", "40"), "sound.calibration_differs"),
    ],
)
async def test_a_room_that_cannot_be_measured_is_not_calibrated(
    sound: RoomSound, room: Room, fault: tuple[str, str], finding: str
) -> None:
    room.fault(*fault)
    await heard(sound, 1.5)
    with pytest.raises(DeviceRefused) as refused:
        await sound.calibrate()
    assert refused.value.reason.code == finding


async def test_a_room_in_which_people_speak_is_not_calibrated(
    sound: RoomSound, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_module, "POSTPONED_S", 0.3)
    await heard(sound, 3)
    for fault in (("pauses", "no"), ("talkers", "3"), ("talker", "-30")):
        room.fault(*fault)
    await heard(sound, 1)
    with pytest.raises(DeviceRefused) as refused:
        await sound.calibrate()
    assert refused.value.reason.code == "sound.room_busy"


@pytest.mark.parametrize(
    "fault",
    [
        ("talkers", "9"),
        ("talkers", "0"),
        ("delay", "900"),
        ("polarity", "odd"),
        ("pauses", "maybe"),
        ("noise", "nan"),
        ("path", "inf"),
    ],
)
def test_faults_out_of_their_range_are_refused(room: Room, fault: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="fault"):
        room.fault(*fault)
