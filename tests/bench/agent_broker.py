"""What a broker that is killed again and again costs an agent: descriptors, threads, memory, and time."""

from __future__ import annotations

import asyncio
import signal
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from drivers.visca.sim import serve
from siaga.bench import Figure
from tests.bench.common import percentile
from tests.broker import PrivateBroker
from tests.processes import running
from tests.rooms import agent, written
from tests.service.agent import rig
from tests.until import until

GROWTH_AT_MOST_PERCENT = 5.0
BACK_WITHIN_S = 7.0
"""Five seconds between attempts at most, and what an attempt takes."""
WARM_AFTER = 2
"""Restarts before memory is looked at for the first time: what is loaded at a first loss stays loaded."""


def measure(*, quick: bool) -> list[Figure]:
    """Return what restarts of its broker leave behind in an agent."""
    return asyncio.run(restarted(4 if quick else 50)).figures()


@dataclass(frozen=True, slots=True)
class Restarts:
    """What restarts of the broker left behind."""

    count: int
    descriptors: int
    """How many more the agent has than after its first connections."""
    threads: int
    growth_percent: float
    back_s: tuple[float, ...]
    """From the broker's answering again to the room's being back, for each."""

    def figures(self) -> list[Figure]:
        """Return them as figures."""
        name, late = f"broker killed {self.count} times", percentile(self.back_s, 0.99)
        growth = self.growth_percent
        return [
            Figure("agent", f"{name}, descriptors more", self.descriptors, "", "<= 0", self.descriptors <= 0),
            Figure("agent", f"{name}, threads more", self.threads, "", "<= 0", self.threads <= 0),
            Figure("agent", f"{name}, resident more", growth, "%", "<= 5", growth <= GROWTH_AT_MOST_PERCENT),
            Figure("agent", f"{name}, room back after, p99", late, "s", "<= 7", late <= BACK_WITHIN_S),
        ]


async def restarted(count: int) -> Restarts:
    """Kill and start the broker of a real agent `count` times, and return what that left behind."""
    with tempfile.TemporaryDirectory(prefix="siaga-bench-") as folder:
        broker = PrivateBroker(Path(folder))
        await asyncio.to_thread(broker.start)
        try:
            async with serve() as camera, rig.Central(broker.port).online() as central:
                config = written(Path(folder), camera.address, broker=broker.port)
                async with running(*agent(config)) as process:
                    return await _restart(count, broker, central, psutil.Process(process.pid))
        finally:
            await asyncio.to_thread(broker.stop)


async def _restart(count: int, broker: PrivateBroker, central: rig.Central, agent: psutil.Process) -> Restarts:
    back_s: list[float] = []
    first = (0, 0, 0)
    await until(lambda: bool(central.states), within_s=30)
    for number in range(WARM_AFTER + count):
        if number == WARM_AFTER:
            first = _held(agent)
        conn, said = central.presences[-1].conn, len(central.states)
        await asyncio.to_thread(broker.stop, signal.SIGKILL)
        await asyncio.to_thread(broker.start)
        began = time.monotonic()
        await until(lambda seen=conn: central.presences[-1].conn > seen, within_s=30)  # type: ignore[misc]
        back_s.append(time.monotonic() - began)
        await until(lambda before=said: len(central.states) > before, within_s=30)  # type: ignore[misc]
    last = _held(agent)
    growth = (last[2] - first[2]) / first[2] * 100
    return Restarts(count, last[0] - first[0], last[1] - first[1], growth, tuple(back_s[WARM_AFTER:]))


def _held(agent: psutil.Process) -> tuple[int, int, int]:
    return agent.num_fds(), agent.num_threads(), agent.memory_info().rss
