"""The simulator as a program: `python -m drivers.visca.sim --help`."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Mapping, Sequence

from drivers.visca.sim.camera import V_PERIOD_S
from drivers.visca.sim.faults import FAULTS, parsed
from drivers.visca.sim.models import MODELS
from drivers.visca.sim.service import CARRIERS, DEFAULT_MODEL, PTY, serve


async def run(
    listen: str,
    *,
    carrier: str = "udp",
    model: str | None = None,
    faults: Mapping[str, str] | None = None,
    on: bool,
    start_up_s: float,
    baud: int = 9600,
    chain: int = 1,
    v_period: float = V_PERIOD_S,
) -> None:
    """Serve until SIGTERM or SIGINT, after printing `ready ADDRESS` for each camera."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    async with serve(
        listen,
        carrier=carrier,
        model=model,
        on=on,
        start_up_s=start_up_s,
        faults=faults,
        baud=baud,
        chain=chain,
        v_period=v_period,
        remember=1000,
    ) as simulated:
        for camera in simulated.cameras:
            print(f"ready {camera.address}", flush=True)
        await ended.wait()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("simulated camera", description="A simulated VISCA camera.")
    parser.add_argument(
        "--listen",
        default="127.0.0.1:0",
        metavar="HOST:PORT|pty|PATH",
        help="port 0 takes a free one; pty, or the path of a link to it, is a serial line",
    )
    parser.add_argument("--carrier", choices=CARRIERS, help="udp without; serial when a pty is asked for")
    parser.add_argument("--baud", type=int, default=9600, help="speed of a serial line; 0 takes no time")
    parser.add_argument("--chain", type=int, default=1, metavar="N", help="cameras on one serial line, 1 to 7")
    parser.add_argument("--model", choices=sorted(MODELS), default=DEFAULT_MODEL)
    parser.add_argument("--fault", action="append", default=[], metavar="NAME=VALUE", help=", ".join(FAULTS))
    parser.add_argument("--start-up", type=float, default=8.0, metavar="SECONDS", help="from standby to on")
    parser.add_argument("--on", action="store_true", help="begin switched on, not in standby")
    parser.add_argument(
        "--v-period", type=float, default=V_PERIOD_S, metavar="SECONDS", help="time of a picture; 0.02 is PAL"
    )
    return parser


def _carrier(options: argparse.Namespace) -> str:
    """Return the carrier that the arguments mean.

    Raises:
        ValueError: they contradict each other.
    """
    terminal = options.listen == PTY or options.listen.startswith("/")
    if terminal and options.carrier not in {None, "serial"}:
        raise ValueError(f"{options.listen} is a serial line, so the carrier cannot be {options.carrier}")
    return options.carrier or ("serial" if terminal else "udp")


def main(argv: Sequence[str]) -> int:
    """Run from the command line; 0 after a signal, 2 for arguments that cannot be used."""
    options = _parser().parse_args(argv)
    try:
        asyncio.run(
            run(
                options.listen,
                carrier=_carrier(options),
                model=options.model,
                faults=dict(map(parsed, options.fault)),
                on=options.on,
                start_up_s=options.start_up,
                baud=options.baud,
                chain=options.chain,
                v_period=options.v_period,
            )
        )
    except (ValueError, OSError) as error:
        print(f"simulated camera: {error}", file=sys.stderr)
        return 2
    return 0
