"""How soon a loss is known, what becomes of calls in flight, how soon it is in sync again, and what is left behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

from drivers.errors import DriverError
from drivers.obs.link import ObsLink
from drivers.obs.sim import Faults, ObsSimulator, Studio
from drivers.obs.supervisor import State, Supervisor
from siaga.bench import Figure
from tests.bench.obs_floors import simulator
from tests.until import until

ENDS: dict[str, tuple[signal.Signals, float, int]] = {
    "crash": (signal.SIGKILL, 50.0, 10),
    "quit": (signal.SIGTERM, 200.0, 10),
    "frozen": (signal.SIGSTOP, 2500.0, 4),
}
"""How OBS ends, at most how many milliseconds later it is known, and how often it is tried."""
WITHIN_S = 10.0
LET_GO_WITHIN_S = 5.0


def measure(*, quick: bool) -> list[Figure]:
    """Return the figures of losses."""
    return [*_noticed(quick=quick), _pending(3 if quick else 20), _in_sync(2 if quick else 15),
            _left_behind(100 if quick else 1000)]  # fmt: skip


# Noticed.


def _noticed(*, quick: bool) -> list[Figure]:
    figures = []
    for end, (number, at_most_ms, times) in ENDS.items():
        worst = max(asyncio.run(_loss(number)) for _ in range(1 if quick else times))
        figures.append(Figure("obs", f"loss noticed, {end}, worst", worst, "ms", f"<= {at_most_ms:g} ms",
                              worst <= at_most_ms))  # fmt: skip
    return figures


async def _loss(number: signal.Signals) -> float:
    """Return the milliseconds from the signal to the link's word."""
    with simulator() as (port, process):
        lost = asyncio.Event()
        link = await ObsLink.connect("127.0.0.1", port, None)
        link.on_lost = lambda _: lost.set()
        await link.ask("GetStats")
        began = time.perf_counter()
        process.send_signal(number)
        await asyncio.wait_for(lost.wait(), WITHIN_S)
        taken = time.perf_counter() - began
        await link.close()
    return taken * 1e3


def _pending(times: int) -> Figure:
    worst = max(asyncio.run(_pending_fail()) for _ in range(times))
    return Figure("obs", "30 calls in flight fail after a crash, worst", worst, "ms", "< 20 ms", worst < 20.0)


async def _pending_fail() -> float:
    """Return the milliseconds from the cut to the last call's failure."""
    obs = ObsSimulator(Studio.load(faults=Faults(drop_answer="all")))
    await obs.start()
    link = await ObsLink.connect("127.0.0.1", obs.port, None)
    calls = [asyncio.create_task(_fails(link)) for _ in range(30)]
    await until(lambda: any(client.received > len(calls) for client in obs.clients))  # Identify is one more
    began = time.perf_counter()
    obs.crash()
    ended = max(await asyncio.gather(*calls))
    await link.close()
    await obs.stop()
    return (ended - began) * 1e3


async def _fails(link: ObsLink) -> float:
    try:
        await link.ask("GetStats")
    except DriverError:
        return time.perf_counter()
    raise RuntimeError("an answer came that was not sent")


# In sync again.


def _in_sync(times: int) -> Figure:
    taken = asyncio.run(_come_back(times))
    title = f"in sync after the port opens, worst of {times}"
    return Figure("obs", title, max(taken), "ms", "<= 1200 ms", max(taken) <= 1200.0)


async def _come_back(times: int) -> list[float]:
    """Let OBS stay away for a while of chance and come back, again and again."""
    chance = random.Random(7)
    obs = ObsSimulator(Studio.load())
    await obs.start()
    held = Supervisor("127.0.0.1", obs.port, "")
    await held.start()
    taken = []
    for _ in range(times):
        await obs.stop()
        await held.until(lambda standing: standing.state is not State.READY, WITHIN_S)
        await asyncio.sleep(chance.uniform(0.5, 4.0))
        await obs.start(port=obs.port)
        began = time.perf_counter()
        if not await held.until(lambda standing: standing.state is State.READY, WITHIN_S):
            return [WITHIN_S * 1e3]
        taken.append((time.perf_counter() - began) * 1e3)
    await held.stop()
    await obs.stop()
    return taken


# Left behind.


def _left_behind(cycles: int) -> Figure:
    left, taken_s = asyncio.run(_cycles(cycles))
    title = (
        f"threads, descriptors and tasks left by {cycles} connects and losses ({taken_s / cycles * 1e3:.1f} ms each)"
    )
    return Figure("obs", title, left, "left", "0", left == 0)


async def _cycles(cycles: int) -> tuple[int, float]:
    obs = ObsSimulator(Studio.load())
    await obs.start()
    await _lose(obs)  # what is made once and kept
    before, began = _held(), time.perf_counter()
    for _ in range(cycles):
        await _lose(obs)
    taken_s = time.perf_counter() - began
    with contextlib.suppress(TimeoutError):
        await until(lambda: not _more(before), within_s=LET_GO_WITHIN_S)
    left = _more(before)
    await obs.stop()
    return left, taken_s


async def _lose(obs: ObsSimulator) -> None:
    lost = asyncio.Event()
    link = await ObsLink.connect("127.0.0.1", obs.port, None)
    link.on_lost = lambda _: lost.set()
    for client in obs.clients:
        client.connection.transport.abort()
    await asyncio.wait_for(lost.wait(), WITHIN_S)
    await link.close()


_COUNTED: tuple[Callable[[], int], ...] = (
    threading.active_count,
    lambda: len(list(Path(f"/proc/{os.getpid()}/fd").iterdir())),
    lambda: len(asyncio.all_tasks()),
)


def _held() -> list[int]:
    return [count() for count in _COUNTED]


def _more(before: list[int]) -> int:
    return sum(max(0, now - then) for now, then in zip(_held(), before, strict=True))
