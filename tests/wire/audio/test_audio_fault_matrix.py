"""What can happen to a real sound server, one thing after the other: each ends in its finding, then all is well again.

The caller's loop goes on meanwhile, whatever hangs; a worker that cannot go on is replaced.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

import pytest

from drivers import DeviceAddress, Measure, Outcome, Verdict
from drivers.audio.device import RoomSound, connect
from drivers.audio.loop import answer_of, baseline_of
from drivers.audio.model import MICROPHONE, RESTARTS_FAIL, SPEAKER, LoopEnd
from drivers.audio.wires import ChildWire
from drivers.errors import DeviceUnreachable, DriverError
from drivers.ports import Baseline
from tests.until import until
from tests.wire.audio.houses import PulseHouse
from tests.wire.audio.rooms import PulseRoom, needed

TONES = 6
GAP_AT_MOST_S = 1.0
"""A call into a hung server lasts four seconds and more; a crowded machine alone comes to a third of one."""


@asynccontextmanager
async def ticking() -> AsyncIterator[None]:
    """Fail when the loop stands still for longer than `GAP_AT_MOST_S`."""
    gaps: list[float] = []

    async def tick() -> None:
        before = time.monotonic()
        while True:
            await asyncio.sleep(0.01)
            gaps.append(time.monotonic() - before)
            before = time.monotonic()

    ticker = asyncio.create_task(tick())
    try:
        yield
    finally:
        ticker.cancel()
        await asyncio.wait({ticker})
    assert max(gaps, default=0.0) < GAP_AT_MOST_S


async def findings(sound: RoomSound) -> set[str]:
    """Return what a check says now: its codes, or why there was none."""
    try:
        measures = (await sound.check()).measures
    except DriverError as error:
        return {error.reason.code}
    return {measure.reason.code for measure in measures if measure.reason}


async def ends_in(sound: RoomSound, code: str) -> None:
    async def says_so() -> bool:
        return code in await findings(sound)

    await until(says_so, within_s=20)


async def hears(sound: RoomSound) -> bool:
    try:
        measures = {measure.name: measure for measure in (await sound.check()).measures}
    except DriverError:
        return False
    return "microphone.signal" in measures and measures["microphone.signal"].verdict is Verdict.PASS


def is_another(sound: RoomSound, first: int) -> bool:
    return worker(sound) not in {first, 0} and bool(sound._link.readings())


async def roughly(sound: RoomSound) -> Baseline:
    """Return a calibration by one good tone: on a crowded machine three are never alike enough."""
    for _ in range(TONES):
        answer = answer_of(await sound._link.ask_aloud(within_s=15))
        if answer.end is LoopEnd.HEARD and not answer.xrun:
            return baseline_of([answer], await sound.inventory(), -62.0)
    raise AssertionError(f"{TONES} tones, none of them good")


async def proved(sound: RoomSound) -> dict[str, Measure]:
    """Return what a tone says that was heard without lost samples."""
    measures: dict[str, Measure] = {}
    for _ in range(TONES):
        measures = {measure.name: measure for measure in await sound.prove(loop=True)}
        if "loop.gain" in measures and measures["loop.gain"].verdict is not Verdict.UNPROVEN:
            return measures
    raise AssertionError(f"{TONES} tones, none of them good, the last: {measures}")


def worker(sound: RoomSound) -> int:
    wire = sound._link._wire
    return wire.process.pid if isinstance(wire, ChildWire) else 0


@pytest.fixture
def house(pulse: PulseRoom) -> Iterator[PulseHouse]:
    house = PulseHouse(pulse)
    yield house
    house.close()


@dataclass
class Fault:
    """One thing that happens, and how it is undone."""

    do: Callable[[PulseHouse, PulseRoom, int], None]
    """Gets the worker's process too."""
    undo: Callable[[PulseHouse, PulseRoom], None]
    finding: str
    replaced: bool = True
    """Whether another worker is there afterwards."""


def _nothing(*_: object) -> None:
    return


FAULTS = {
    "the server hangs": Fault(lambda _h, p, _w: p.freeze(), lambda _h, p: p.thaw(), "sound.worker_lost"),
    "the worker hangs": Fault(lambda _h, _p, w: os.kill(w, signal.SIGSTOP), _nothing, "sound.worker_lost"),
    "the worker is killed": Fault(lambda _h, _p, w: os.kill(w, signal.SIGKILL), _nothing, "sound.worker_lost"),
    "the worker aborts": Fault(lambda _h, _p, w: os.kill(w, signal.SIGABRT), _nothing, "sound.worker_lost"),
    "the microphone is removed": Fault(
        lambda h, _p, _w: h.unplug(), lambda h, _p: h.plug(), "sound.device_missing", replaced=True
    ),
    "the microphone is suspended": Fault(
        lambda h, _p, _w: h.suspend(on=True), lambda h, _p: h.suspend(on=False), "sound.suspended", replaced=False
    ),
    "the room falls dead": Fault(
        lambda h, _p, _w: h.silence(), lambda h, _p: h.make_noise(), "sound.microphone_dead", replaced=False
    ),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_it_ends_in_its_finding_and_the_room_hears_again(
    house: PulseHouse, pulse: PulseRoom, heard: RoomSound, name: str
) -> None:
    fault, first = FAULTS[name], worker(heard)
    async with ticking():
        fault.do(house, pulse, first)
        try:
            await ends_in(heard, fault.finding)
        finally:
            fault.undo(house, pulse)
        await until(lambda: hears(heard), within_s=30)
    assert (worker(heard) != first) is fault.replaced


async def test_mute_and_gain_are_carried_out_by_the_worker_that_replaces_a_killed_one(heard: RoomSound) -> None:
    os.kill(worker(heard), signal.SIGKILL)
    muted, quieter = await asyncio.gather(heard.mute(MICROPHONE, True), heard.gain(SPEAKER, -12.0))
    assert muted.read_back == {"muted": True}
    assert quieter.read_back["gain_db"] == pytest.approx(-12.0, abs=0.5)
    assert (await heard.mute(MICROPHONE, False)).read_back == {"muted": False}


async def test_a_capture_that_somebody_moves_is_taken_back(house: PulseHouse, heard: RoomSound) -> None:
    first, told = worker(heard), asyncio.Event()
    heard._link.on_changed = told.set
    async with ticking():
        house.move_capture(house.capture_of(first))
        async with asyncio.timeout(5):
            await told.wait()
        await until(lambda: worker(heard) not in {first, 0}, within_s=10)
        await until(lambda: hears(heard), within_s=30)
    routed = next(m for m in (await heard.check()).measures if m.name == "microphone.routed")
    assert (routed.verdict, routed.value) == (Verdict.PASS, "usb_mic")


async def test_a_volume_is_told_in_decibels_and_found_by_the_tone(
    house: PulseHouse, pulse: PulseRoom, heard: RoomSound
) -> None:
    heard.baseline = await roughly(heard)
    told = asyncio.Event()
    heard._link.on_changed = told.set
    pulse.pactl("set-source-volume", "usb_mic", "50%")
    async with asyncio.timeout(5):
        await told.wait()
    assert (await heard.inventory())[0].gain_db == pytest.approx(-18, abs=0.2)
    gain = (await proved(heard))["loop.gain"]
    assert (gain.verdict, gain.reason and gain.reason.code) == (Verdict.FAIL, "sound.loop_softer")
    assert gain.reason is not None
    assert gain.reason.values["set_db"] == pytest.approx(-18, abs=0.2)


@pytest.mark.parametrize(
    ("rate_hz", "verdict"), [(8_000, Verdict.WARN), (16_000, Verdict.PASS), (44_100, Verdict.PASS)]
)
async def test_a_microphone_of_another_rate_opens_and_a_telephones_is_told_by_its_band(
    house: PulseHouse, heard: RoomSound, rate_hz: int, verdict: Verdict
) -> None:
    house.unplug()
    house.plug(48_000)
    await until(lambda: hears(heard), within_s=30)
    heard.baseline = await roughly(heard)
    house.unplug()
    house.plug(rate_hz)
    await until(lambda: hears(heard), within_s=30)
    found = await proved(heard)
    assert found["loop.heard"].verdict is Verdict.PASS
    assert found["loop.treble"].verdict is verdict


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_a_server_that_ends_is_named_and_used_again_when_it_is_back(
    monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    needed()
    room = PulseRoom()
    for name, value in room.environment.items():
        monkeypatch.setenv(name, value)
    room.start()
    sound = connect("sound", DeviceAddress.parse("audio+pulse:///?speaker=speaker&microphone=mic"), None)
    await sound.open()
    try:
        await until(lambda: bool(sound._link.readings()), within_s=10)
        first = worker(sound)
        async with ticking():
            room.end(number)
            await ends_in(sound, "sound.no_server")
            room.start()
            await until(partial(is_another, sound, first), within_s=20)
        assert (await sound.mute("microphone", on=True)).outcome is Outcome.COMPLETED
    finally:
        await sound.close()
        room.stop()


async def test_a_server_that_cannot_be_reached_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    needed()
    monkeypatch.setenv("PULSE_SERVER", "unix:/nonexistent/native")
    sound = connect("sound", DeviceAddress.parse("audio+pulse:///?speaker=speaker&microphone=mic"), None)
    await sound.open()
    try:
        assert await findings(sound) == {"sound.no_server"}
        assert sound._link.unwanted_ends() == 0
    finally:
        await sound.close()


ABORTS = """
import os, sys
from drivers.audio import alsa, worker

def nothing(*_):
    os.environ["ALSA_CONFIG_PATH"] = "/nonexistent/asound.conf"

alsa.prepare = nothing
worker.main(sys.argv[1:])
"""


async def test_a_portaudio_that_aborts_takes_its_process_and_nothing_else(pulse: PulseRoom) -> None:
    """Without a single node in ALSA's configuration PortAudio ends the process that loads it."""

    async def dial() -> ChildWire:
        names = ("--speaker", "speaker", "--microphone", "mic")
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", ABORTS, *names, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.DEVNULL
        )
        started.append(process)
        return ChildWire(process)

    started: list[asyncio.subprocess.Process] = []
    sound = RoomSound("sound", dial)
    async with ticking():
        with contextlib.suppress(DeviceUnreachable):  # it may have told of the ports before
            await sound.open()
        await until(lambda: started[0].returncode == -signal.SIGABRT, within_s=10)
        with contextlib.suppress(DeviceUnreachable):
            await sound.open()
        await until(lambda: sound._link.unwanted_ends() >= RESTARTS_FAIL, within_s=20)
        assert await findings(sound) & {"sound.worker_lost", "sound.worker_unstable"}
    await sound.close()


async def test_a_worker_that_dies_again_and_again_is_a_finding_of_its_own(house: PulseHouse, heard: RoomSound) -> None:
    for _ in range(RESTARTS_FAIL):
        dying = worker(heard)
        os.kill(dying, signal.SIGKILL)
        await until(partial(is_another, heard, dying), within_s=20)
    assert "sound.worker_unstable" in await findings(heard)
