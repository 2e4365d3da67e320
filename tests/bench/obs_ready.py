"""How long the thorough look at an OBS takes, with and without listening to its microphones."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from shutil import which

from drivers.obs.device import ObsStudio
from drivers.obs.sim import ObsSimulator, Studio
from drivers.ports import ShowWanted
from siaga.bench import Figure
from tests.bench.common import percentile
from tests.wire.obs import real

PASSWORD = "bangku-uji"
SOUND_AT_MOST_S, QUIET_AT_MOST_S = 4.0, 1.3
WANTED = ShowWanted(recording_for=timedelta(hours=2))


def measure(*, quick: bool) -> list[Figure]:
    """Return the figures against the simulator and, where there is one, the real OBS."""
    return asyncio.run(_measure(3 if quick else 10))


async def _measure(times: int) -> list[Figure]:
    figures = []
    async with _simulated() as obs:
        figures += await _figures("simulator", obs, times)
    if all(map(which, ("obs", "Xvfb", "pulseaudio"))):
        async with _real() as obs:
            figures += await _figures("real OBS", obs, times)
    return figures


@asynccontextmanager
async def _simulated() -> AsyncIterator[ObsStudio]:
    simulator = ObsSimulator(Studio.load(), PASSWORD)
    await simulator.start()
    obs = ObsStudio("obs", "127.0.0.1", simulator.port, PASSWORD)
    try:
        await obs.open()
        yield obs
    finally:
        await obs.close()
        await simulator.stop()


@asynccontextmanager
async def _real() -> AsyncIterator[ObsStudio]:
    running = real.RealObs(canvas=(1280, 720), fps=30)
    obs = ObsStudio("obs", "127.0.0.1", running.port, running.password)
    try:
        await asyncio.to_thread(running.start)
        await obs.open()
        yield obs
    finally:
        await obs.close()
        await asyncio.to_thread(running.stop)


async def _figures(where: str, obs: ObsStudio, times: int) -> list[Figure]:
    quiet = [await _took_s(obs, WANTED) for _ in range(times)]
    aloud = [await _took_s(obs, ShowWanted(listens=True, recording_for=timedelta(hours=2))) for _ in range(2)]
    return [
        _figure(f"readiness of {where}, without sound, worst", quiet, QUIET_AT_MOST_S, max),
        _figure(f"readiness of {where}, with sound, worst", aloud, SOUND_AT_MOST_S, max),
        _figure(
            f"readiness of {where}, without sound, p50", quiet, QUIET_AT_MOST_S, lambda all_: percentile(all_, 0.5)
        ),
    ]


async def _took_s(obs: ObsStudio, wanted: ShowWanted) -> float:
    began = time.perf_counter()
    await obs.inspect(wanted)
    return time.perf_counter() - began


def _figure(name: str, values: list[float], at_most_s: float, pick: Callable[[list[float]], float]) -> Figure:
    value = pick(values)
    return Figure("obs", name, round(value, 3), "s", goal=f"<= {at_most_s:g} s", holds=value <= at_most_s)
