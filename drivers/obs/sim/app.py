"""The simulator as a process of its own; the password comes from `SIAGA_OBS_PASSWORD`."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
from pathlib import Path

from drivers.obs.sim.server import ObsSimulator
from drivers.obs.sim.studio import DEFAULT_COLLECTION, Faults, Studio

PASSWORD_ENV = "SIAGA_OBS_PASSWORD"


async def _run(simulator: ObsSimulator, host: str, port: int) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await simulator.start(host, port)
    print(f"ready obs+ws://{host}:{simulator.port}", flush=True)
    await ended.wait()
    await simulator.stop()


def main(argv: list[str]) -> int:
    """Run until told to end; 2 when the arguments or the collection cannot be used."""
    parser = argparse.ArgumentParser(prog="obs simulator", description="A simulated OBS Studio (obs-websocket 5).")
    parser.add_argument("--listen", default="127.0.0.1:0", metavar="HOST:PORT")
    parser.add_argument("--collection", type=Path, default=DEFAULT_COLLECTION, help="a scene collection saved by OBS")
    parser.add_argument("--fault", action="append", default=[], metavar="NAME=VALUE")
    given = parser.parse_args(argv)
    host, _, port = str(given.listen).rpartition(":")
    try:
        studio = Studio.load(given.collection, Faults.parse(given.fault))
        number = int(port)
    except (OSError, ValueError, KeyError, TypeError) as error:
        parser.error(str(error))
    asyncio.run(_run(ObsSimulator(studio, os.environ.get(PASSWORD_ENV, "")), host or "127.0.0.1", number))
    return 0
