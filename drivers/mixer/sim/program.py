"""The command line of the simulated mixers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from drivers import simulation
from drivers.mixer.sim.faults import Faults
from drivers.mixer.sim.qsys import SimulatedCore
from drivers.mixer.sim.shure import SimulatedShure
from drivers.mixer.sim.tesira import SimulatedTesira
from drivers.mixer.sim.x32 import SimulatedOscDesk


class SimulatedMixer(Protocol):
    """What each of them can do."""

    async def serve(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen and return the device address."""

    def close(self) -> None:
        """Stop listening."""


MODELS: dict[str, Callable[[Faults], SimulatedMixer]] = {
    "x32": lambda faults: SimulatedOscDesk(faults=faults),
    "qsys": SimulatedCore,
    "shure": SimulatedShure,
    "tesira": SimulatedTesira,
    "xair": lambda faults: SimulatedOscDesk(model="XR18", faults=faults),
}


async def _run(mixer: SimulatedMixer, host: str, port: int) -> None:
    address = await mixer.serve(host, port)
    try:
        await simulation.serve_until_told(address)
    finally:
        mixer.close()


def main(argv: list[str]) -> int:
    """Serve a mixer until SIGTERM or SIGINT."""
    parser = simulation.arguments("python -m drivers.mixer.sim", "A simulated network mixer.")
    parser.add_argument("--model", choices=sorted(MODELS), default="x32")
    chosen = parser.parse_args(argv)
    faults = Faults()
    simulation.switch_on(chosen.fault, faults.fault, parser)
    asyncio.run(_run(MODELS[chosen.model](faults), *chosen.listen))
    return 0
