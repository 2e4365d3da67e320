"""Stopping several devices at once without an event loop, for when nobody drives them any more.

One thread a line, so that a camera that is away delays no other; devices that share a line
are stopped one after the other, because only one at a time can open it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from drivers.address import DeviceAddress
from drivers.errors import DriverError
from drivers.outcomes import Outcome
from drivers.registry import stop_now

WITHIN_S = 2.5
PATIENCE_S = 2.9


@dataclass(frozen=True, slots=True)
class Ending:
    """What became of one device."""

    address: DeviceAddress
    outcome: Outcome
    why: str = ""
    """What stood in the way; empty when it said that it stopped."""

    def __str__(self) -> str:
        """Say it in a line for a person."""
        if self.outcome.good:
            return f"{self.address}: stopped"
        if self.outcome is Outcome.UNKNOWN:
            return f"{self.address}: not known to have stopped, {self.why}"
        return f"{self.address}: not stopped: {self.why}"


def halt(addresses: Sequence[DeviceAddress]) -> list[Ending]:
    """Stop all at once and return how each ended, in order and within three seconds."""
    endings: dict[str, Ending] = {}

    def in_turn(chain: Sequence[DeviceAddress]) -> None:
        for address in chain:
            endings[str(address)] = _halted(address, WITHIN_S / len(chain))

    threads = [threading.Thread(target=in_turn, args=(chain,), daemon=True) for chain in _chains(addresses)]
    for thread in threads:
        thread.start()
    until = time.monotonic() + PATIENCE_S
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    return [endings.get(str(a)) or Ending(a, Outcome.UNKNOWN, "no end in time") for a in addresses]


def _halted(address: DeviceAddress, within_s: float) -> Ending:
    try:
        outcome = stop_now(address, within_s)
    except (DriverError, ValueError, OSError) as error:
        return Ending(address, Outcome.DISCONNECTED, str(error))
    return Ending(address, outcome, "" if outcome.good else "it does not answer: look at the camera")


def _chains(addresses: Sequence[DeviceAddress]) -> list[list[DeviceAddress]]:
    """Return the addresses by the port that they share; over a network each has its own."""
    chains: dict[tuple[object, ...], list[DeviceAddress]] = {}
    for address in addresses:
        serial = address.scheme in {"visca+serial", "visca+rfc2217"}
        key = (address.scheme, address.host, address.port, address.path) if serial else (str(address),)
        chains.setdefault(key, []).append(address)
    return list(chains.values())
