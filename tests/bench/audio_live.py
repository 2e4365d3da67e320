"""What a sound worker costs and how fast it is, on a real sound server.

The room is a private PulseAudio server with null devices, heard through real PortAudio in
the real worker process.
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
from statistics import stdev

import psutil

from drivers import DeviceAddress, Verdict
from drivers.audio import dsp, lines
from drivers.audio.device import RoomSound, connect
from drivers.audio.loop import answer_of
from drivers.audio.model import LEVELS_A_SECOND, LoopAnswer, LoopEnd
from drivers.audio.wires import ChildWire
from drivers.errors import DriverError
from siaga.bench import Figure
from tests.bench.audio_size import FULL, QUICK, Size, at_most
from tests.bench.common import percentile
from tests.until import until
from tests.wire.audio.houses import PulseHouse
from tests.wire.audio.rooms import PulseRoom

FIRST_LEVEL_AT_MOST_S = 1.0
BACK_AT_MOST_S = 2.0
CORE_AT_MOST_PERCENT, RESIDENT_AT_MOST_MIB = 3.0, 45.0
OLD_AT_MOST_MS = 60.0
LOOP_AT_MOST_S, LOOP_WORST_S = 1.5, 5.0
FIRST_TRIES_AT_LEAST_PERCENT = 99.0
GAIN_AT_MOST_DB, LATENCY_AT_MOST_MS = 0.5, 5.0
GONE_AT_MOST_MS = 100.0
MUTE_AT_MOST_MS = 10.0
SERVER_AT_MOST_MS = 250.0
SILENT_AT_MOST_MS = 150.0
SEEN_WITHIN_S = 15.0


def measure(*, quick: bool) -> list[Figure]:
    """Return the figures of a live room."""
    return figures(QUICK if quick else FULL)


def figures(size: Size) -> list[Figure]:
    """Return the figures of so many starts, hangs, tones and mutes."""
    servers = _servers(size.servers)
    with _pulse_room() as room:
        return [servers, *asyncio.run(_live(room, size))]


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
        await _ages(size.metered_s),
        *await _loops(size.loops),
        await _failing_loops(room, size.failing_loops),
        await _cancels(room, size.cancels),
        *await _mutes(room, size.mutes),
        await _unplugs(room, size.unplugs),
        await _moves(room, size.moves),
    ]


def _servers(count: int) -> Figure:
    """Measure the start of the sound server that tests run on, to its first answer."""
    took = []
    for _ in range(count):
        room = PulseRoom()
        began = time.monotonic()
        room.start()
        took.append(1000 * (time.monotonic() - began))
        room.stop()
    return at_most("start of a test's sound server, p50", percentile(took, 0.5), "ms", SERVER_AT_MOST_MS)


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
    return at_most("from start to the first level, longest", max(took), "s", FIRST_LEVEL_AT_MOST_S)


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
    return at_most("from a hang to the next level, longest", max(took), "s", BACK_AT_MOST_S)


async def _metering(seconds: float) -> list[Figure]:
    """Measure what the worker costs while all detectors run."""
    async with _sound() as sound:
        await _level(sound)
        worker = psutil.Process(_worker(sound))
        await asyncio.sleep(min(2.0, seconds))
        before = worker.cpu_times()
        await asyncio.sleep(seconds)
        after = worker.cpu_times()
        for _ in range(3):
            await sound._link.ask_aloud(within_s=SEEN_WITHIN_S)
        resident = worker.memory_info().rss / 2**20
    percent = (after.user + after.system - before.user - before.system) / seconds * 100
    return [
        at_most("meter with all detectors, share of a core", percent, "%", CORE_AT_MOST_PERCENT),
        at_most("meter, resident after three loop checks", resident, "MiB", RESIDENT_AT_MOST_MIB),
    ]


async def _ages(seconds: float) -> Figure:
    """Measure how old the first sample of a level is when its line arrives here."""
    wire = await ChildWire.dial("--speaker", "speaker", "--microphone", "mic")
    ages: list[float] = []
    block_ms = 1000 * dsp.BLOCK_FRAMES / dsp.RATE_HZ
    try:
        async with asyncio.timeout(SEEN_WITHIN_S + seconds):
            while len(ages) < seconds * LEVELS_A_SECOND:
                line = lines.decode(await wire.read())
                if line.get("event") == "level":
                    ages.append(1000 * (time.monotonic() - lines.number(line, "at")) + block_ms)
    finally:
        await wire.kill()
    name = "a level's oldest sample when it arrives, p99 (floor: the block's own 50 ms)"
    return at_most(name, percentile(ages, 0.99), "ms", OLD_AT_MOST_MS, block_ms)


async def _loops(count: int) -> list[Figure]:
    """Measure the loop check in a room that hears itself."""
    took: list[float] = []
    answers: list[LoopAnswer] = []
    async with _sound() as sound:
        await _level(sound)
        for _ in range(count):
            began = time.monotonic()
            answers.append(answer_of(await sound._link.ask_aloud(within_s=SEEN_WITHIN_S)))
            took.append(time.monotonic() - began)
    good = [answer for answer in answers if answer.end is LoopEnd.HEARD and not answer.xrun]
    first = 100 * sum(answer.tries == 1 for answer in good) / count
    goal = f">= {FIRST_TRIES_AT_LEAST_PERCENT:g}"
    return [
        at_most(
            "loop check that passes, p50 (floor: its tone)", percentile(took, 0.5), "s", LOOP_AT_MOST_S, dsp.CHIRP_S
        ),
        at_most("loop check that passes, longest", max(took), "s", LOOP_WORST_S),
        Figure("audio", "loop check heard at the first try", first, "%", goal, first >= FIRST_TRIES_AT_LEAST_PERCENT),
        at_most("loop's gain, standard deviation", _spread([a.gain_db for a in good]), "dB", GAIN_AT_MOST_DB),
        at_most("loop's delay, standard deviation", _spread([a.latency_ms for a in good]), "ms", LATENCY_AT_MOST_MS),
    ]


def _spread(values: list[float]) -> float:
    return stdev(values) if len(values) > 1 else 0.0


async def _failing_loops(room: PulseRoom, count: int) -> Figure:
    """Measure the loop check that hears nothing in a room with a noise of its own: three tries."""
    took = []
    house = PulseHouse(room)
    house.cut_path()
    try:
        async with _sound("usb_mic") as sound:
            await _level(sound)
            for _ in range(count):
                began = time.monotonic()
                answer = answer_of(await sound._link.ask_aloud(within_s=SEEN_WITHIN_S))
                took.append(time.monotonic() - began)
                if answer.end is LoopEnd.HEARD:
                    raise RuntimeError(f"heard a tone that does not reach the microphone: {answer}")
    finally:
        house.close()
    return at_most("loop check that fails, longest", max(took), "s", LOOP_WORST_S)


async def _cancels(room: PulseRoom, count: int) -> Figure:
    """Measure from a proof's cancel in the midst of its tone to the return, when nothing sounds any more."""
    took, house = [], PulseHouse(room)
    try:
        async with _sound() as sound:
            await _level(sound)
            for _ in range(count):
                proving = asyncio.create_task(sound._link.ask_aloud(within_s=SEEN_WITHIN_S))
                await until(house.sounds, within_s=SEEN_WITHIN_S)
                began = time.monotonic()
                proving.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await proving
                took.append(1000 * (time.monotonic() - began))
                if house.sounds():
                    raise RuntimeError("a tone that was called off still sounds")
    finally:
        house.close()
    return at_most("tone called off to silence, longest", max(took), "ms", SILENT_AT_MOST_MS)


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
        at_most("mute to read-back, p99 (floor: pactl, p50)", percentile(took, 0.99), "ms", MUTE_AT_MOST_MS, program),
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
    return at_most(name, max(took), "ms", GONE_AT_MOST_MS)


async def _moves(room: PulseRoom, count: int) -> Figure:
    """Measure from a capture that somebody moves to the moment at which the driver says so."""
    took, house = [], PulseHouse(room)
    try:
        async with _sound("usb_mic") as sound:
            for _ in range(count):
                await _level(sound)
                first, told = _worker(sound), asyncio.Event()
                sound._link.on_changed = told.set
                capture = house.capture_of(first)
                began = time.monotonic()
                moving = asyncio.create_task(asyncio.to_thread(house.move_capture, capture))
                async with asyncio.timeout(SEEN_WITHIN_S):
                    await told.wait()
                took.append(1000 * (time.monotonic() - began))
                await moving
                await until(partial(_is_another, sound, first), within_s=SEEN_WITHIN_S)
    finally:
        house.close()
    return at_most(
        "capture moved to the driver saying so, longest (with the program that moves it)", max(took), "ms", 100
    )


def _index(answer: str) -> str:
    return "".join(letter for letter in answer if letter.isdigit())


async def _is_missing(sound: RoomSound) -> bool:
    try:
        measures = (await sound.check()).measures
    except DriverError:
        return False
    return any(m.name == "microphone.present" and m.verdict is Verdict.FAIL for m in measures)
