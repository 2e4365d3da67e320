"""How soon after a camera came to rest a recall is reported, settled and compared with where it was stored."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import NamedTuple

from drivers.visca.device import ViscaCamera
from drivers.visca.sim import SimulatedCamera, serve
from siaga.bench import Figure
from tests.bench.common import percentile
from tests.bench.visca_speed import camera_at
from tests.until import until

MODELS = ("brc-x400", "srg-300h", "srg-360she", "brc-x1000", "fr7", "ptzoptics-g2", "evi-d70")
MEMORIES = (4, 5, 3, 1, 2, 0)
"""As a simulated camera has stored them: 15 to 120 degrees from one to the next."""
SPARE_MS = 400.0
MOVES_WITHIN_S = 30.0


class Size(NamedTuple):
    """How much is done."""

    models: int
    memories: int
    rounds: int


FULL = Size(len(MODELS), len(MEMORIES), 3)
QUICK = Size(4, 2, 1)


class Recalled(NamedTuple):
    """One recall, in milliseconds."""

    motion_ms: float
    """From the camera's beginning to move to its rest."""
    taken_ms: float
    """From asking to the report."""
    proved: bool


def measure(*, quick: bool) -> list[Figure]:
    """Return how long recalls take beyond their motion."""
    return figures(QUICK if quick else FULL)


def figures(size: Size) -> list[Figure]:
    """Return the figures of so many models and rounds."""
    recalled = asyncio.run(_recalled(size))
    over = [one.taken_ms - one.motion_ms for one in recalled]
    longest_s, unproved = max(one.motion_ms for one in recalled) / 1000, sum(not one.proved for one in recalled)
    what = f"recall to its report, beyond the motion of up to {longest_s:.1f} s, {len(recalled)} recalls"
    values = (("p50", percentile(over, 0.5)), ("longest", max(over)))
    return [
        *(
            Figure("visca", f"{what}, {name}", value, "ms", f"<= {SPARE_MS:g}", value <= SPARE_MS)
            for name, value in values
        ),
        Figure("visca", f"reported not where it was stored, of {len(recalled)}", unproved, "", "0", not unproved),
    ]


async def _recalled(size: Size) -> list[Recalled]:
    async with AsyncExitStack() as stack:
        cameras = [await stack.enter_async_context(serve(model=model)) for model in MODELS[: size.models]]
        found = await asyncio.gather(*(_on(camera, size) for camera in cameras))
    return [one for each in found for one in each]


async def _on(simulated: SimulatedCamera, size: Size) -> list[Recalled]:
    """Learn where the memories are by a first recall of each, then measure."""
    camera = camera_at(simulated.address)
    await camera.open()
    memories = MEMORIES[: size.memories]
    for memory in memories:
        await camera.recall(memory)
    found = [await _recall(camera, simulated, memory) for _ in range(size.rounds) for memory in memories]
    await camera.close()
    return found


async def _recall(camera: ViscaCamera, simulated: SimulatedCamera, memory: int) -> Recalled:
    loop = asyncio.get_running_loop()
    began = loop.time()
    motion = asyncio.create_task(_motion_ms(simulated), name="motion")
    result = await camera.recall(memory)
    taken_ms = (loop.time() - began) * 1000
    return Recalled(await motion, taken_ms, proved=result.read_back.get("proved") is True)


async def _motion_ms(simulated: SimulatedCamera) -> float:
    """Return how long the camera's next motion takes."""
    loop = asyncio.get_running_loop()
    await until(lambda: simulated.moving, within_s=MOVES_WITHIN_S)
    began = loop.time()
    await until(lambda: not simulated.moving, within_s=MOVES_WITHIN_S)
    return (loop.time() - began) * 1000
