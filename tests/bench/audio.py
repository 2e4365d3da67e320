"""Sound: how soon the room is heard, what hearing costs, and whether the loop check can be believed.

The room is a private PulseAudio server with null devices, heard through real PortAudio in
the real worker process. False passes are looked for in recordings made here, without a server.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from typing import NamedTuple

import numpy as np
import psutil

from drivers import DeviceAddress, Verdict
from drivers.audio import dsp, loudness
from drivers.audio.device import RoomSound, connect
from drivers.audio.wires import ChildWire
from drivers.errors import DriverError
from siaga.bench import Figure
from tests.bench.common import percentile
from tests.rules.audio.sounds import at_level, clock, mains, pink, sine, voice
from tests.until import until
from tests.wire.audio.rooms import PulseRoom

FIRST_LEVEL_AT_MOST_S = 1.0
BACK_AT_MOST_S = 2.0
CORE_AT_MOST_PERCENT, RESIDENT_AT_MOST_MIB = 3.0, 45.0
LOOP_AT_MOST_S = 1.5
FIRST_TRIES_AT_LEAST_PERCENT = 99.0
GONE_AT_MOST_MS = 100.0
MUTE_AT_MOST_MS = 10.0
LOUDNESS_AT_MOST_LU = 0.1
SEEN_WITHIN_S = 15.0
NOISE_DBFS = -62.0


class Size(NamedTuple):
    """How much is done."""

    starts: int
    hangs: int
    metered_s: float
    loops: int
    mutes: int
    unplugs: int
    recordings: int


FULL = Size(starts=10, hangs=6, metered_s=30.0, loops=30, mutes=500, unplugs=10, recordings=1500)
QUICK = Size(starts=2, hangs=1, metered_s=3.0, loops=2, mutes=50, unplugs=1, recordings=60)


def measure(*, quick: bool) -> list[Figure]:
    """Return the figures of sound."""
    return figures(QUICK if quick else FULL)


def figures(size: Size) -> list[Figure]:
    """Return the figures of so many starts, hangs and recordings."""
    with _pulse_room() as room:
        live = asyncio.run(_live(room, size))
    return [*live, _false_passes(size.recordings), _loudness()]


def _figure(name: str, value: float, unit: str, at_most: float, floor: float | None = None) -> Figure:
    return Figure("audio", name, value, unit, f"<= {at_most:g}", value <= at_most, floor)


@contextlib.contextmanager
def _pulse_room() -> Iterator[PulseRoom]:
    """Run a sound server that everything in this process uses meanwhile."""
    room = PulseRoom()
    before = {name: os.environ.get(name) for name in room.environment}
    os.environ.update(room.environment)
    room.start()
    try:
        yield room
    finally:
        room.stop()
        for name, value in before.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value


async def _live(room: PulseRoom, size: Size) -> list[Figure]:
    return [
        await _starts(size.starts),
        await _hangs(size.hangs),
        *await _metering(size.metered_s),
        *await _loops(size.loops),
        *await _mutes(room, size.mutes),
        await _unplugs(room, size.unplugs),
    ]


@asynccontextmanager
async def _sound(microphone: str = "mic") -> AsyncIterator[RoomSound]:
    device = connect("sound", DeviceAddress.parse(f"audio+pulse:///?speaker=speaker&microphone={microphone}"), None)
    await device.open()
    try:
        yield device
    finally:
        await device.close()


async def _level(sound: RoomSound) -> None:
    await until(lambda: bool(sound._link.readings()), within_s=SEEN_WITHIN_S)


def _worker(sound: RoomSound) -> int:
    wire = sound._link._wire
    return wire.process.pid if isinstance(wire, ChildWire) else 0


def _is_another(sound: RoomSound, first: int) -> bool:
    return _worker(sound) not in {first, 0}


async def _starts(count: int) -> Figure:
    """Measure from nothing to the first level."""
    took = []
    for _ in range(count):
        began = time.monotonic()
        async with _sound() as sound:
            await _level(sound)
            took.append(time.monotonic() - began)
    return _figure("from start to the first level, longest", max(took), "s", FIRST_LEVEL_AT_MOST_S)


async def _hangs(count: int) -> Figure:
    """Measure from a worker that hangs to the first level of the next one, the second of patience included."""
    took = []
    async with _sound() as sound:
        for _ in range(count):
            await _level(sound)
            first, began = _worker(sound), time.monotonic()
            os.kill(first, signal.SIGSTOP)
            await until(partial(_is_another, sound, first), within_s=SEEN_WITHIN_S)
            await _level(sound)
            took.append(time.monotonic() - began)
    return _figure("from a hang to the next level, longest", max(took), "s", BACK_AT_MOST_S)


async def _metering(seconds: float) -> list[Figure]:
    """Measure what the worker costs while all detectors run."""
    async with _sound() as sound:
        await _level(sound)
        worker = psutil.Process(_worker(sound))
        await asyncio.sleep(min(2.0, seconds))
        before = worker.cpu_times()
        await asyncio.sleep(seconds)
        after = worker.cpu_times()
        resident = worker.memory_info().rss / 2**20
    percent = (after.user + after.system - before.user - before.system) / seconds * 100
    return [
        _figure("meter with all detectors, share of a core", percent, "%", CORE_AT_MOST_PERCENT),
        _figure("meter, resident", resident, "MiB", RESIDENT_AT_MOST_MIB),
    ]


async def _loops(count: int) -> list[Figure]:
    """Measure the loop check in a room that hears itself."""
    took, heard = [], 0
    async with _sound() as sound:
        await _level(sound)
        for _ in range(count):
            began = time.monotonic()
            answer = await sound._link.ask_aloud(within_s=SEEN_WITHIN_S)
            took.append(time.monotonic() - began)
            heard += answer["end"] == "heard" and answer["tries"] == 1
    first = 100 * heard / count
    goal = f">= {FIRST_TRIES_AT_LEAST_PERCENT:g}"
    return [
        _figure("loop check that passes, p50", percentile(took, 0.5), "s", LOOP_AT_MOST_S, dsp.CHIRP_S),
        Figure("audio", "loop check heard at the first try", first, "%", goal, first >= FIRST_TRIES_AT_LEAST_PERCENT),
    ]


async def _mutes(room: PulseRoom, count: int) -> list[Figure]:
    """Measure mute to read-back; the floor is the server's own program, which reads nothing back."""
    took, floor = [], []
    async with _sound() as sound:
        await _level(sound)
        for number in range(count):
            began = time.monotonic()
            await sound.mute("microphone", on=number % 2 == 0)
            took.append(1000 * (time.monotonic() - began))
            if number % 25 == 0:
                began = time.monotonic()
                room.pactl("set-source-mute", "mic", str(int(number % 2 == 0)))
                floor.append(1000 * (time.monotonic() - began))
        await sound.mute("microphone", on=False)
    program = percentile(floor, 0.5)
    return [
        Figure("audio", "mute to read-back, p50 (floor: pactl)", percentile(took, 0.5), "ms", "-", True, program),
        _figure("mute to read-back, p99 (floor: pactl, p50)", percentile(took, 0.99), "ms", MUTE_AT_MOST_MS, program),
    ]


async def _unplugs(room: PulseRoom, count: int) -> Figure:
    """Measure from a microphone that goes to the moment at which the driver says so."""
    took = []
    for _ in range(count):
        number = room.pactl(
            "load-module", "module-remap-source", "source_name=usb_mic", "master=air.monitor", "remix=no"
        )
        async with _sound("usb_mic") as sound:
            await _level(sound)
            told: asyncio.Future[float] = asyncio.get_running_loop().create_future()

            def changed(told: asyncio.Future[float] = told) -> None:
                if not told.done():
                    told.set_result(time.monotonic())

            sound._link.on_changed = changed
            began = time.monotonic()
            unloading = asyncio.create_task(asyncio.to_thread(room.pactl, "unload-module", _index(number)))
            async with asyncio.timeout(SEEN_WITHIN_S):
                took.append(1000 * (await told - began))
            await unloading
            sound._link.on_changed = None
            await until(partial(_is_missing, sound), within_s=SEEN_WITHIN_S)
    name = "microphone gone to the driver saying so, longest (with the program that unloads it)"
    return _figure(name, max(took), "ms", GONE_AT_MOST_MS)


def _index(answer: str) -> str:
    return "".join(letter for letter in answer if letter.isdigit())


async def _is_missing(sound: RoomSound) -> bool:
    try:
        measures = (await sound.check()).measures
    except DriverError:
        return False
    return any(m.name == "microphone.present" and m.verdict is Verdict.FAIL for m in measures)


def _false_passes(count: int) -> Figure:
    """Look for the chirp in recordings that have none: noise, voices, babble, hum, feedback, silence."""
    probe, passed = dsp.chirp(), 0
    for seed in range(count):
        passed += dsp.locate(_recording(seed), probe).rho >= dsp.FAINT_RHO
    return Figure("audio", f"chirp found in {count} recordings without one", passed, "", "0", passed == 0)


def _recording(seed: int) -> dsp.Samples:
    """Return one try's length of a room in which nothing is played."""
    seconds, level_dbfs = dsp.LISTEN_BEFORE_S + dsp.CHIRP_S + dsp.LISTEN_AFTER_S, -20.0 - seed % 40
    room = pink(seed, NOISE_DBFS, seconds)
    match seed % 6:
        case 0:
            return pink(seed + 1, level_dbfs, seconds)
        case 1:
            return room + voice(seed, level_dbfs, 5.0)[: room.size]
        case 2:
            return room + sum(voice(seed + number, level_dbfs, 5.0)[: room.size] for number in range(4))
        case 3:
            return room + mains(level_dbfs, seconds)[: room.size]
        case 4:
            return room + sine(200.0 + 37 * (seed % 200), level_dbfs, seconds)[: room.size]
        case _:
            sweep = np.sin(2 * np.pi * (400 + 100 * np.sin(3 * clock(seconds))) * clock(seconds))
            return room + at_level(sweep, level_dbfs)[: room.size]


def _loudness() -> Figure:
    """Hold our loudness to a published meter's."""
    import pyloudnorm

    meter = pyloudnorm.Meter(loudness.RATE_HZ)
    sounds = [sine(997.0, -20.0), sine(60.0, -12.0), sine(8000.0, -23.0), pink(1, -30.0), voice(2, -25.0, 20.0)]
    off = max(abs(loudness.integrated(s) - float(meter.integrated_loudness(s.astype(np.float64)))) for s in sounds)
    return _figure("loudness against pyloudnorm, furthest of 5 sounds", off, "LU", LOUDNESS_AT_MOST_LU)
