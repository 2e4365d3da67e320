"""Orders in turn, except that muting everything goes before all that waits, and undoes what of it would open a port.

Looking around comes after what somebody waits for.
"""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass, field
from itertools import count

from drivers.audio.lines import Line

MUTE_ALL = "mute_all"
LOOK = "look"
"""An order from the station itself, not from its supervisor: see what is there now."""


@dataclass(frozen=True, slots=True, order=True)
class Turn:
    """An order whose turn it is; none ends the work."""

    rank: int
    number: int
    order: Line | None = field(compare=False)
    overtaken: bool = field(compare=False, default=False)
    """Everything was muted since it was given, and it would open a port again."""


class Turns:
    """Waiting orders; may be used by several threads."""

    def __init__(self) -> None:
        self._waiting: queue.PriorityQueue[Turn] = queue.PriorityQueue()
        self._numbers = count()
        self._lock = threading.Lock()
        self._muted_all_at = -1

    def put(self, order: Line | None) -> None:
        """Let `order` wait for its turn."""
        with self._lock:
            number, rank = next(self._numbers), _rank(order)
            if rank == 0:
                self._muted_all_at = number
        self._waiting.put(Turn(rank, number, order))

    def get(self) -> Turn:
        """Wait for the next turn."""
        turn = self._waiting.get()
        with self._lock:
            overtaken = turn.number < self._muted_all_at and _opens(turn.order)
        return Turn(turn.rank, turn.number, turn.order, overtaken)


def _rank(order: Line | None) -> int:
    """Return who goes first: muting everything, what somebody waits for, a look around, the end."""
    if order is None:
        return 3
    return {MUTE_ALL: 0, LOOK: 2}.get(str(order.get("do")), 1)


def _opens(order: Line | None) -> bool:
    return order is not None and order.get("do") == "mute" and order.get("on") is False
