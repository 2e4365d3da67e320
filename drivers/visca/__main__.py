"""`python -m drivers.visca stop-all ADDRESS ...`: stop cameras whose agent is gone.

For systemd's ExecStopPost: no event loop, no configuration, one thread a camera, and an end
within three seconds whether or not the cameras answer. Prints one line a camera; the exit
code is 0 only if every one said that it has stopped.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Sequence

from drivers.address import DeviceAddress
from drivers.errors import DriverError
from drivers.visca.deadman import stop_now

WITHIN_S = 2.5
PATIENCE_S = 2.9
USAGE = "usage: python -m drivers.visca stop-all ADDRESS ..."


def stop(address: DeviceAddress, within_s: float) -> tuple[bool, str]:
    """Return whether the camera at `address` said that it stopped, and a line about it."""
    try:
        outcome = stop_now(address, within_s=within_s)
    except (DriverError, ValueError, OSError) as error:
        return False, f"{address}: not stopped: {error}"
    if outcome.good:
        return True, f"{address}: stopped"
    return False, f"{address}: not known to have stopped, it does not answer: look at the camera"


def stop_all(addresses: Sequence[DeviceAddress]) -> int:
    """Stop all at once and return the exit code; cameras of one chain are stopped one after the other."""
    answers: dict[str, tuple[bool, str]] = {}

    def in_turn(chain: Sequence[DeviceAddress]) -> None:
        for address in chain:
            answers[str(address)] = stop(address, WITHIN_S / len(chain))

    threads = [threading.Thread(target=in_turn, args=(chain,), daemon=True) for chain in _chains(addresses)]
    for thread in threads:
        thread.start()
    until = time.monotonic() + PATIENCE_S
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    ends = [answers.get(str(a), (False, f"{a}: not known to have stopped: no end in time")) for a in addresses]
    print("\n".join(line for _, line in ends), flush=True)
    return 0 if all(stopped for stopped, _ in ends) else 1


def _chains(addresses: Sequence[DeviceAddress]) -> list[list[DeviceAddress]]:
    """Return the addresses by the port that they share; over a network each has its own."""
    chains: dict[tuple[object, ...], list[DeviceAddress]] = {}
    for address in addresses:
        serial = address.scheme in {"visca+serial", "visca+rfc2217"}
        key = (address.scheme, address.host, address.port, address.path) if serial else (str(address),)
        chains.setdefault(key, []).append(address)
    return list(chains.values())


def main(argv: Sequence[str]) -> int:
    """Run from the command line; 2 for words that cannot be used."""
    try:
        command, *rest = argv
        addresses = [DeviceAddress.parse(text) for text in dict.fromkeys(rest)]
    except ValueError as error:
        print(error if argv else USAGE, file=sys.stderr)
        return 2
    if command != "stop-all" or not addresses:
        print(USAGE, file=sys.stderr)
        return 2
    return stop_all(addresses)


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(code)  # a thread that still waits for a camera must not hold systemd up
