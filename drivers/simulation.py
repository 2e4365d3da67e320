"""What every simulator's command line has in common.

`--listen HOST:PORT`, `--fault NAME=VALUE` as often as wanted, one line `ready ADDRESS` on
standard output when it serves, and an end with SIGTERM or Ctrl-C. It is for simulators
only; nothing that runs in a room needs it.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import threading
from collections.abc import Callable

LOOPBACK = "127.0.0.1"
_ENDINGS = (signal.SIGTERM, signal.SIGINT)


def host_port(text: str) -> tuple[str, int]:
    """Return host and port of `HOST:PORT`; argparse turns a `ValueError` into its own line.

    Raises:
        ValueError: the port is not a number from 0 to 65535.
    """
    host, _, port = text.rpartition(":")
    number = int(port)
    if not 0 <= number <= 0xFFFF:
        raise ValueError(f"a port is a number from 0 to 65535, found {port}")
    return host or LOOPBACK, number


def arguments(program: str, description: str) -> argparse.ArgumentParser:
    """Return a parser that knows the arguments of every simulator."""
    parser = argparse.ArgumentParser(prog=program, description=description)
    parser.add_argument(
        "--listen", default=(LOOPBACK, 0), type=host_port, metavar="HOST:PORT", help="port 0 takes a free one"
    )
    parser.add_argument("--fault", action="append", default=[], metavar="NAME=VALUE")
    return parser


def switch_on(faults: list[str], fault: Callable[[str, str], None], parser: argparse.ArgumentParser) -> None:
    """Give each NAME=VALUE of the command line to `fault`; one that it does not know ends the program with a line."""
    try:
        for given in faults:
            name, _, value = given.partition("=")
            fault(name, value)
    except ValueError as error:
        parser.error(str(error))


async def serve_until_told(address: str) -> None:
    """Say that the simulator serves at `address` and return after SIGTERM or Ctrl-C."""
    over = asyncio.Event()
    for number in _ENDINGS:
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    print(f"ready {address}", flush=True)
    await over.wait()


def block_until_told(address: str) -> None:
    """Do the same in a main thread without a loop."""
    over = threading.Event()
    for number in _ENDINGS:
        signal.signal(number, lambda *_: over.set())
    print(f"ready {address}", flush=True)
    over.wait()
