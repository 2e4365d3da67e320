"""The same figures on a real OBS, and a soak on it; nothing where OBS is not installed.

The soak is a room's day in small: a confirmed switch every two seconds, health and state
beside it, pictures for a tablet, a recording every minute.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

import psutil

from drivers.errors import DriverError
from drivers.obs.device import ObsStudio
from drivers.obs.link import ObsLink
from drivers.outcomes import Outcome
from siaga.bench import Figure
from tests.bench.common import percentile
from tests.bench.obs_floors import Bare
from tests.bench.obs_speed import SMALL, asked, asked_barely, switches
from tests.bench.visca_speed import two_cores
from tests.wire.obs.real import SCENES, RealObs

CANVAS, FPS = (1280, 720), 30
"""As in a room; a small canvas would be kinder to OBS than to us."""
SOAK_S, QUICK_SOAK_S = 600.0, 4.0
SWITCH_EVERY_S = 2.0
RECORD_EVERY = 30
"""Switches from one recording to the next."""
ROUNDS, ASKED = 9, 200
WARM_UP_SHARE = 0.2
GROWS_AT_MOST_MB = 10.0
_VERSION = "GetVersion"
"""About 5 KB on a real OBS."""


def measure(*, quick: bool) -> list[Figure]:
    """Return speed and soak on a real OBS; nothing without one."""
    if shutil.which("obs") is None or shutil.which("Xvfb") is None:
        return []
    with two_cores() as pin, _running() as obs:
        pin()
        speed = asyncio.run(_speed(obs, 4 if quick else ROUNDS))
        if quick:
            return speed + asyncio.run(_soak(obs, QUICK_SOAK_S))
    with _running() as obs:
        return speed + asyncio.run(_soak(obs, SOAK_S))


@contextlib.contextmanager
def _running() -> Iterator[RealObs]:
    obs = RealObs(canvas=CANVAS, fps=FPS)
    try:
        obs.start()
        yield obs
    finally:
        obs.stop()


async def _speed(obs: RealObs, rounds: int) -> list[Figure]:
    bare, link = Bare(obs.port, obs.password), await ObsLink.connect("127.0.0.1", obs.port, obs.password)
    figures = []
    for title, request in (("small answer", SMALL), ("5 KB answer", _VERSION)):
        floors, ours = [], []
        for _ in range(rounds):
            floors.append(percentile(asked_barely(bare, request, ASKED)[0], 0.5))
            ours.append(percentile((await asked(link, request, ASKED))[0], 0.5))
        value, floor = percentile(ours, 0.5), percentile(floors, 0.5)
        holds = value <= 1.25 * floor
        figures.append(Figure("obs", f"{title}, p50, real OBS", value, "ms", "<= 1.25 x", holds, floor))
    bare.close()
    await link.close()
    taken = await switches(obs.port, rounds * 4, obs.password, SCENES[1:])
    value, floor = (percentile(taken[who], 0.5) for who in ("verb", "floor"))
    goal, holds = "<= floor + 2 ms", value <= floor + 2.0
    return [*figures, Figure("obs", "scene switch, confirmed, p50, real OBS", value, "ms", goal, holds, floor)]


@dataclass
class Soaked:
    """What became of a soak."""

    taken_ms: list[float] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)
    done: int = 0
    wrong: list[str] = field(default_factory=list)

    def told(self, outcome: Outcome, is_so: bool, what: str) -> None:
        """Count a verb."""
        self.done += 1
        if outcome is not Outcome.COMPLETED or not is_so:
            self.wrong.append(f"{what}: {outcome}, {is_so}")


async def _soak(real: RealObs, seconds: float) -> list[Figure]:
    obs, soaked = ObsStudio("obs", "127.0.0.1", real.port, real.password), Soaked()
    await obs.open()
    ends = time.monotonic() + seconds
    for number in count():
        if time.monotonic() >= ends:
            break
        try:
            await _a_moment(obs, number, soaked)
        except DriverError as error:
            soaked.wrong.append(str(error))
        await asyncio.sleep(SWITCH_EVERY_S)
    await obs.record(False)  # OBS asks a person before it quits while it records
    await obs.close()
    return _figures(soaked, seconds)


async def _a_moment(obs: ObsStudio, number: int, soaked: Soaked) -> None:
    scene = SCENES[number % len(SCENES)]
    began = time.perf_counter()
    result = await obs.scene(scene)
    soaked.taken_ms.append((time.perf_counter() - began) * 1e3)
    soaked.told(result.outcome, (await obs.state()).scene == scene, f"scene {scene}")
    seen = obs.standing.studio
    soaked.told(Outcome.COMPLETED, seen is not None and seen.programme == scene, "what events told")
    await obs.check()
    await obs.snapshot(scene, width_px=320)
    if number % RECORD_EVERY in {0, RECORD_EVERY // 2}:
        on = number % RECORD_EVERY == 0
        soaked.told((await obs.record(on)).outcome, (await obs.state()).recording is on, f"record {on}")
    soaked.memory_mb.append(psutil.Process().memory_info().rss / 1e6)


def _figures(soaked: Soaked, seconds: float) -> list[Figure]:
    settled = soaked.memory_mb[int(WARM_UP_SHARE * len(soaked.memory_mb)) :]
    grown = settled[-1] - settled[0]
    p99 = percentile(soaked.taken_ms, 0.99)
    what = f"soak of {seconds:g} s on a real OBS"
    errors = f"{what}: errors in {soaked.done} verbs{f', {soaked.wrong[0]}' if soaked.wrong else ''}"
    grows = grown <= GROWS_AT_MOST_MB
    return [
        Figure("obs", errors, len(soaked.wrong), "errors", "0", not soaked.wrong),
        Figure("obs", f"{what}: scene switch, confirmed, p99", p99, "ms", "-", True),
        Figure("obs", f"{what}: our memory grows", grown, "MB", f"<= {GROWS_AT_MOST_MB:g} MB", grows),
    ]
