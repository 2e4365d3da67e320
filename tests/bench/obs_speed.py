"""What one exchange costs, against a bare client of the same simulated OBS in the same run.

OBS has one core and the client the other, and rounds are interleaved: what else the machine
does falls on both alike.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from itertools import cycle
from typing import NamedTuple

from drivers.obs.device import ObsStudio
from drivers.obs.link import ObsLink
from siaga.bench import Figure
from tests.bench.common import percentile
from tests.bench.obs_floors import Bare, simulator
from tests.bench.visca_speed import two_cores

FIVE_KB = "x" * 4900
BIG_PICTURE_BYTES = 2_700_000
"""As base64 it is 3.6 MB of text."""
SMALL, FIVE, BIG = "GetStats", "GetInputSettings", "GetSourceScreenshot"
_FIELDS: dict[str, dict[str, object]] = {
    SMALL: {},
    FIVE: {"inputName": "Judul"},
    BIG: {"sourceName": "Judul", "imageFormat": "jpg"},
}


BETWEEN_S = 0.02


class Size(NamedTuple):
    """How much is asked."""

    rounds: int
    asked: int
    big: int
    switches: int


FULL = Size(rounds=15, asked=400, big=4, switches=8)
QUICK = Size(rounds=5, asked=150, big=1, switches=3)


def measure(*, quick: bool) -> list[Figure]:
    """Return latency, processor time and the confirmed switch."""
    size = QUICK if quick else FULL
    with two_cores() as pin, simulator("--fault", f"big={BIG_PICTURE_BYTES}") as (port, _):
        pin()
        costs = asyncio.run(_exchanges(port, size))
    with two_cores() as pin, simulator() as (port, _):
        pin()
        taken = asyncio.run(switches(port, size.rounds * size.switches))
    return [*_latencies(costs), _switch(taken)]


Costs = dict[tuple[str, str], list[float]]
"""Milliseconds by who asked and what; processor time of a round under `SMALL cpu`."""


async def _exchanges(port: int, size: Size) -> Costs:
    bare, link = Bare(port), await ObsLink.connect("127.0.0.1", port, None)
    bare.ask("SetInputSettings", inputName="Judul", inputSettings={"text": FIVE_KB})
    costs: Costs = {}
    for _ in range(size.rounds):
        for request, count in ((SMALL, size.asked), (FIVE, size.asked), (BIG, size.big)):
            _keep(costs, "floor", request, *asked_barely(bare, request, count))
            _keep(costs, "link", request, *await asked(link, request, count))
    bare.close()
    await link.close()
    return costs


def _keep(costs: Costs, who: str, request: str, taken: list[float], cpu_s: float) -> None:
    costs.setdefault((who, request), []).append(percentile(taken, 0.5))
    costs.setdefault((who, f"{request} cpu"), []).append(cpu_s / len(taken) * 1e6)


def asked_barely(bare: Bare, request: str, count: int) -> tuple[list[float], float]:
    """Ask a bare client; return the milliseconds of each, and the processor's seconds of all."""
    fields, began = _FIELDS.get(request, {}), time.process_time()
    return [_timed(lambda: bare.ask(request, **fields)) for _ in range(count)], time.process_time() - began


async def asked(link: ObsLink, request: str, count: int) -> tuple[list[float], float]:
    """Ask our link; return the same."""
    fields, began = _FIELDS.get(request, {}), time.process_time()
    taken = [await _timed_async(lambda: link.ask(request, **fields)) for _ in range(count)]
    return taken, time.process_time() - began


def _timed(exchange: Callable[[], object]) -> float:
    began = time.perf_counter()
    exchange()
    return (time.perf_counter() - began) * 1e3


async def _timed_async(exchange: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await exchange()
    return (time.perf_counter() - began) * 1e3


async def switches(
    port: int, count: int, password: str = "", scenes: Sequence[str] = ("Kamera", "Hitam")
) -> dict[str, list[float]]:
    """Return how long a bare switch and a confirmed one take, in turn."""
    bare, obs = Bare(port, password), ObsStudio("obs", "127.0.0.1", port, password)
    await obs.open()
    in_turn = cycle(scenes)
    taken: dict[str, list[float]] = {"floor": [], "verb": []}
    for _ in range(count):
        wanted, then = next(in_turn), next(in_turn)
        taken["floor"].append(_timed(partial(bare.ask, "SetCurrentProgramScene", sceneName=wanted)))
        await asyncio.sleep(BETWEEN_S)
        taken["verb"].append(await _timed_async(partial(obs.scene, then)))
        await asyncio.sleep(BETWEEN_S)
    await obs.close()
    bare.close()
    return taken


def _latencies(costs: Costs) -> list[Figure]:
    wanted = (
        ("small answer, p50", SMALL, "ms", 1.25),
        ("5 KB answer, p50", FIVE, "ms", 1.25),
        ("3.6 MB answer, p50", BIG, "ms", 1.3),
        ("processor time of the client, small answer", f"{SMALL} cpu", "us", 2.0),
    )
    figures = []
    for title, what, unit, at_most in wanted:
        value, floor = (percentile(costs[who, what], 0.5) for who in ("link", "floor"))
        figures.append(Figure("obs", title, value, unit, f"<= {at_most} x", value <= at_most * floor, floor))
    return figures


def _switch(taken: dict[str, list[float]]) -> Figure:
    value, floor = (percentile(taken[who], 0.5) for who in ("verb", "floor"))
    return Figure("obs", "scene switch, confirmed, p50", value, "ms", "<= floor + 2 ms", value <= floor + 2.0, floor)
