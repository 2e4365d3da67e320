"""What looking at cameras all the time costs, and how soon the agent sees that one died or is back."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple

from agent.board import HealthBoard, Sighting
from agent.clock import SystemClock
from agent.keeper import Keeper
from drivers.outcomes import Condition
from drivers.visca.sim import SimulatedCamera, serve
from siaga.bench import Figure
from tests.bench.common import percentile
from tests.bench.visca_camera import running
from tests.bench.visca_floors import BareEndpoint, median
from tests.bench.visca_speed import camera_at
from tests.until import until

POLLED = 8
POLLED_HZ = 5
CORE_AT_MOST_PERCENT = 1.0
DEAD_AT_MOST_S, BACK_AT_MOST_S = 3.0, 1.0
SEEN_WITHIN_S = 20.0
DEAD_FOR_S = (0.5, 3.0)
"""How long a camera stays dead once that was noticed: wherever in its attempts the agent is then."""


class Size(NamedTuple):
    """How much is done."""

    rounds: int
    polled_s: float
    """How long each round polls through the driver, and again through the bare endpoints."""
    kept: int
    """Cameras that die and come back side by side."""
    deaths: int
    """How often each dies."""


FULL = Size(rounds=4, polled_s=6.0, kept=6, deaths=5)
QUICK = Size(rounds=2, polled_s=1.5, kept=6, deaths=1)


def measure(*, quick: bool) -> list[Figure]:
    """Return what polling costs, and how late the agent knows."""
    return figures(QUICK if quick else FULL)


def figures(size: Size) -> list[Figure]:
    """Return the figures of so many seconds and deaths."""
    with running("udp", str(POLLED)) as ports:
        polled = asyncio.run(_polled([int(port) for port in ports], size))
    return [*polled, *asyncio.run(_deaths(size))]


# Polling.


async def _polled(ports: Sequence[int], size: Size) -> list[Figure]:
    """Measure driver and bare endpoints in turns: one inquiry a camera and poll, and the agent's whole look."""
    endpoints = [await BareEndpoint.open(port) for port in ports]
    cameras = [camera_at(f"visca+udp://127.0.0.1:{port}") for port in ports]
    await asyncio.gather(*(camera.open() for camera in cameras))
    await asyncio.sleep(1.0)  # the proofs that follow an opening are no polls
    ours, bare, looks = [], [], []
    for _ in range(size.rounds):
        ours.append(await _share([camera.identify for camera in cameras], POLLED_HZ, size.polled_s))
        bare.append(await _share([endpoint.inquiry for endpoint in endpoints], POLLED_HZ, size.polled_s))
    looks.append(await _share([camera.check for camera in cameras], 1, size.polled_s))
    await asyncio.gather(*(camera.close() for camera in cameras))
    await asyncio.gather(*(endpoint.close() for endpoint in endpoints))
    percent, floor = median(ours), median(bare)
    what = f"{POLLED} cameras at {POLLED_HZ} Hz, share of a core (floor: bare asyncio)"
    look = f"{POLLED} cameras looked at each second as the agent does, share of a core"
    return [
        Figure("visca", what, percent, "%", f"<= {CORE_AT_MOST_PERCENT:g}", percent <= CORE_AT_MOST_PERCENT, floor),
        Figure("visca", look, median(looks), "%", "for the record", True),
    ]


async def _share(polls: Sequence[Callable[[], Awaitable[object]]], hz: float, seconds: float) -> float:
    """Poll all for `seconds`, each at a moment of its own, and return this process's share of a core in percent."""
    began, before = time.monotonic(), time.process_time()
    await asyncio.gather(*(_poll(poll, number / len(polls) / hz, hz, seconds) for number, poll in enumerate(polls)))
    return (time.process_time() - before) / (time.monotonic() - began) * 100


async def _poll(poll: Callable[[], Awaitable[object]], first_s: float, hz: float, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time() + first_s
    for turn in range(int(seconds * hz)):
        await asyncio.sleep(began + turn / hz - loop.time())
        await poll()


# Dead, and back.


async def _deaths(size: Size) -> list[Figure]:
    async with AsyncExitStack() as stack:
        kept = [await stack.enter_async_context(_kept(number)) for number in range(size.kept)]
        taken = await asyncio.gather(*(_dies(*one, size.deaths, random.Random(n)) for n, one in enumerate(kept)))
    noticed, back = ([after for each in taken for after in each[part]] for part in (0, 1))
    return [
        *_seen("dead camera noticed by the agent", noticed, DEAD_AT_MOST_S),
        *_seen("camera back after it answers", back, BACK_AT_MOST_S),
    ]


@asynccontextmanager
async def _kept(number: int) -> AsyncIterator[tuple[SimulatedCamera, Callable[[], Condition | None]]]:
    """Run a camera that the agent keeps open; give it with what the agent takes it for."""
    async with serve() as simulated:
        camera = camera_at(simulated.address)
        board = HealthBoard([Sighting(camera.name, "camera", required=True)], SystemClock())
        task = asyncio.create_task(Keeper(camera, board).run(), name=f"keeper {number}")
        try:
            yield simulated, lambda: board.devices[camera.name].condition
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def _dies(
    simulated: SimulatedCamera, condition: Callable[[], Condition | None], count: int, dice: random.Random
) -> tuple[list[float], list[float]]:
    """Return after how many seconds each death was noticed, and each return."""
    noticed, back = [], []
    await until(lambda: condition() is Condition.OK, within_s=SEEN_WITHIN_S)
    for _ in range(count):
        await asyncio.sleep(dice.uniform(0.0, 2.0))
        simulated.unplug()
        noticed.append(await _seconds_until(lambda: condition() is Condition.ABSENT))
        await asyncio.sleep(dice.uniform(*DEAD_FOR_S))
        simulated.plug_in()
        back.append(await _seconds_until(lambda: condition() is Condition.OK))
    return noticed, back


async def _seconds_until(seen: Callable[[], bool]) -> float:
    began = time.monotonic()
    await until(seen, within_s=SEEN_WITHIN_S)
    return time.monotonic() - began


def _seen(what: str, taken: Sequence[float], at_most_s: float) -> list[Figure]:
    goal = f"<= {at_most_s:g}"
    shares = ((f"p50 of {len(taken)}", 0.5), ("longest", 1.0))
    values = [(name, percentile(taken, share)) for name, share in shares]
    return [Figure("visca", f"{what}, {name}", value, "s", goal, value <= at_most_s) for name, value in values]
