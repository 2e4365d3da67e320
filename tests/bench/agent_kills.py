"""What a room is worth that is killed at random instants: back within seconds, all told once, nothing done twice."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from contract.words import Phase
from siaga.bench import Figure
from tests.bench.common import percentile
from tests.system.stand import Stand, stand
from tests.until import until

KILLS, QUICK_KILLS = 200, 4
SEED = 98
PREPARES_S, LASTS_S, QUICKLY_S = 6.0, 10.0, 3.0
ALIVE_AT_MOST_S = 2.5
RESUMES_WITHIN_S = 5.0
DRAFT_WITHIN_S = 5.0


def measure(*, quick: bool) -> list[Figure]:
    """Return how a room survives `SIGKILL`, and how soon a report is there when nobody kills it."""
    return asyncio.run(_measure(QUICK_KILLS if quick else KILLS))


async def _measure(kills: int) -> list[Figure]:
    chance, floor_s = random.Random(SEED), _bare_start()
    with tempfile.TemporaryDirectory(prefix="siaga-bench-") as folder:
        async with stand(Path(folder)) as room:
            resumed, sessions = await _killed(room, chance, kills)
            draft_s = await _left_alone(room)
            await room.stop()
            harm = room.complaints([*sessions, "alone"])
            if harm:
                print("\n".join(harm))
            proof = room.proof()
    slowest, is_soon = max(resumed), max(resumed) <= RESUMES_WITHIN_S
    return [
        Figure("agent", f"killed {kills} times, resumes, slowest", slowest, "s", "<= 5", is_soon, floor_s),
        Figure("agent", "killed, resumes, p50", percentile(resumed, 0.5), "s", "<= 5", is_soon, floor_s),
        Figure("agent", "killed, sessions with one report each", len(sessions) - len(harm), "", "all", not harm),
        Figure("agent", "killed, harm to journal, reports, steps", len(harm), "", "0", not harm),
        Figure("agent", "killed, entries proven without a gap", proof.last, "", "all", proof.holds),
        Figure("agent", "report after the end", draft_s, "s", "<= 5", draft_s <= DRAFT_WITHIN_S),
    ]


def _bare_start() -> float:
    """Return how long a process takes that does nothing but load the agent: no room is back sooner."""
    took = []
    for _ in range(3):
        begun = time.monotonic()
        subprocess.run([sys.executable, "-c", "import agent.app"], check=True)
        took.append(time.monotonic() - begun)
    return min(took)


async def _killed(room: Stand, chance: random.Random, kills: int) -> tuple[list[float], list[str]]:
    """Hold sessions one after the other and kill the room at random instants of them."""
    resumed: list[float] = [await room.start()]
    sessions: list[str] = []
    while len(resumed) <= kills:
        name = f"s-{len(sessions)}"
        sessions.append(name)
        room.book(name, start_in_s=PREPARES_S, lasts_s=QUICKLY_S if kills < KILLS else LASTS_S)
        while len(resumed) <= kills and not room.is_reported(name):
            await asyncio.sleep(chance.uniform(0, ALIVE_AT_MOST_S))
            if chance.random() < 0.3:
                await room.press()
            await room.kill()
            resumed.append(await room.start())
        await until(lambda name=name: room.is_reported(name), within_s=60)  # type: ignore[misc]
    return resumed, sessions


async def _left_alone(room: Stand) -> float:
    """Return how many seconds after its end a session's report is in the journal."""
    room.book("alone", start_in_s=QUICKLY_S, lasts_s=QUICKLY_S)
    await until(lambda: room.is_reported("alone"), within_s=60)
    at = {str(entry.body["phase"]): entry.at for entry in room.moves("alone")}
    return (at[Phase.REPORTED] - at[Phase.ENDING]).total_seconds()
