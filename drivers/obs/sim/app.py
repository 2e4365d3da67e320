"""The simulator as a process of its own; the password comes from `SIAGA_OBS_PASSWORD`.

With `--record FILE --of HOST:PORT` it stands between a client and a real OBS instead and
keeps what they say; with `--replay FILE` it says again what was kept.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from pathlib import Path

from drivers import simulation
from drivers.obs.sim.faults import KINDS, LIES, Faults
from drivers.obs.sim.server import ObsSimulator
from drivers.obs.sim.studio import DEFAULT_COLLECTION, Studio
from drivers.obs.sim.tape import Recorder, Replayer

PASSWORD_ENV = "SIAGA_OBS_PASSWORD"
Runs = ObsSimulator | Recorder | Replayer


async def _run(made: Runs, host: str, port: int) -> None:
    await made.start(host, port)
    await simulation.serve_until_told(f"obs+ws://{host}:{made.port}")
    await made.stop()


def _parser() -> argparse.ArgumentParser:
    parser = simulation.arguments("obs simulator", "A simulated OBS Studio (obs-websocket 5).")
    parser.epilog = f"lies: {', '.join(LIES)}; faults: {', '.join(name for name in KINDS if name not in LIES)}"
    parser.add_argument("--lie", action="append", default=[], metavar="NAME=VALUE", help="as --fault")
    parser.add_argument(
        "--collection", action="append", type=Path, metavar="FILE",
        help="a scene collection saved by OBS; the first is open, more may be given",
    )  # fmt: skip
    parser.add_argument("--record", type=Path, metavar="FILE", help="keep what is said; wants --of")
    parser.add_argument("--of", type=simulation.host_port, metavar="HOST:PORT", help="the OBS that is recorded")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="say again what was kept")
    return parser


def _made(given: argparse.Namespace) -> Runs:
    """Return what the arguments ask for.

    Raises:
        ValueError: they contradict each other, or name what is not there.
    """
    if given.record is not None:
        if given.of is None:
            raise ValueError("--record wants --of HOST:PORT, the OBS that is recorded")
        return Recorder(given.record, *given.of)
    if given.replay is not None:
        return Replayer.load(given.replay)
    first, *others = given.collection or [DEFAULT_COLLECTION]
    studio = Studio.load(first, Faults.parse([*given.fault, *given.lie]), others=others)
    return ObsSimulator(studio, os.environ.get(PASSWORD_ENV, ""))


def main(argv: list[str]) -> int:
    """Run until told to end; 2 when the arguments or the collection cannot be used."""
    parser = _parser()
    given = parser.parse_args(argv)
    try:
        made = _made(given)
    except (OSError, ValueError, KeyError, TypeError) as error:
        parser.error(str(error))
    asyncio.run(_run(made, *given.listen))
    return 0
