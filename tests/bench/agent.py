"""What a waiting agent costs, and what its journal and its survival are worth.

Memory and processor are those of an agent with three simulated devices, sound worker not counted.
"""

from __future__ import annotations

import asyncio

import psutil

from siaga.bench import Figure
from siaga.demo.files import REAL
from tests.bench import agent_broker, agent_journal, agent_kills, agent_preparation, levels
from tests.bench.common import one_room

RESIDENT_AT_MOST_MIB = 90.0
CORE_AT_MOST_PERCENT = 2.0
SETTLE_S = 6.0


def measure(*, quick: bool) -> list[Figure]:
    """Return what an idle agent costs, how it prepares, what its journal costs, and how it survives kills."""
    idle = asyncio.run(_measure(8.0 if quick else 60.0))
    return [
        *idle,
        *agent_preparation.measure(quick=quick),
        *agent_journal.measure(quick=quick),
        *agent_kills.measure(quick=quick),
        *agent_broker.measure(quick=quick),
        *levels.measure(quick=quick),
    ]


async def _measure(seconds: float) -> list[Figure]:
    async with one_room(REAL) as (_, room, _):
        await asyncio.sleep(SETTLE_S)
        agent = psutil.Process(room.agent.pid)
        before = agent.cpu_times()
        await asyncio.sleep(seconds)
        after = agent.cpu_times()
        resident = agent.memory_info().rss / 2**20
        children = agent.children(recursive=True)
    percent = (after.user + after.system - before.user - before.system) / seconds * 100
    if children:
        raise RuntimeError(f"the agent should have no child with a modelled room, found {children}")
    return [
        Figure("agent", "idle, resident", resident, "MiB", "<= 90", resident <= RESIDENT_AT_MOST_MIB),
        Figure("agent", "idle, share of a core", percent, "%", "<= 2", percent <= CORE_AT_MOST_PERCENT),
    ]
