"""How often one address may ask for what costs something or could be guessed at: a bucket that fills with time.

These limits protect the process that keeps them, so they are kept in it; what must survive a
restart (wrong passwords) is in `central.throttle`.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from central.errors import TooMany
from central.throttle import network

KEPT_AT_MOST: Final = 10_000
"""Addresses that are remembered; the longest silent one is forgotten first."""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many at once, and so many a minute in the long run."""

    burst: int
    a_minute: float


class Kind(StrEnum):
    """What has a rate."""

    DOOR = "door"
    TRACKING = "tracking"
    FEED = "feed"
    UPLOAD = "upload"
    AGAIN = "again"


RATES: Final = {
    Kind.DOOR: Rate(60, 60),  # an office's people may share one address
    Kind.TRACKING: Rate(60, 60),
    Kind.FEED: Rate(120, 120),
    Kind.UPLOAD: Rate(30, 10),
    Kind.AGAIN: Rate(30, 20),
}


class Pace:
    """The buckets of one kind of request."""

    def __init__(self, rate: Rate, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._clock = clock
        self._lock = threading.Lock()
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, address: str) -> None:
        """Return when the address may ask once more.

        Raises:
            TooMany: not yet.
        """
        key, now, gain = network(address), self._clock(), self._rate.a_minute / 60
        with self._lock:
            left, at = self._left.pop(key, (float(self._rate.burst), now))
            left = min(self._rate.burst, left + (now - at) * gain)
            allowed = left >= 1
            self._left[key] = (left - 1 if allowed else left, now)
            if len(self._left) > KEPT_AT_MOST:
                self._left.popitem(last=False)
        if not allowed:
            raise TooMany("rate.wait", timedelta(seconds=(1 - left) / gain))


Paces = dict[Kind, Pace]


def paces() -> Paces:
    """Return the buckets of everything that has a rate."""
    return {kind: Pace(rate) for kind, rate in RATES.items()}
