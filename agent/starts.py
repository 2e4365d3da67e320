"""Counts the starts of an agent, to tell a crash loop from a mishap.

A start counts until the agent has run for a while, or was asked to end. Starts are held
against the machine's own clock since its power-on, so neither a wall clock that is set nor
a power cut makes a loop.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from agent.store import Store

TOO_MANY = 5
WITHIN = timedelta(minutes=10)
STABLE_AFTER = timedelta(minutes=3)
"""An agent that ran this long is no part of a loop."""

_FACT = "starts"
_MACHINE = Path("/proc/sys/kernel/random/boot_id")


def _machine() -> str:
    """Return what names this run of the machine; empty where it cannot be known."""
    try:
        return _MACHINE.read_text(encoding="ascii").strip()
    except OSError:
        return ""


class Starts:
    """The starts of one room's agent that did not last."""

    def __init__(self, store: Store, now_s: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._now_s = now_s

    def count(self) -> int:
        """Count one more start, and return how many did not last lately, with this one."""
        now_s = self._now_s()
        recent = [at for at in self._counted() if now_s - WITHIN.total_seconds() < at <= now_s]
        self._keep([*recent, now_s])
        return len(recent) + 1

    def forget(self) -> None:
        """Take the agent for sound: it has run long enough, or ends because it was asked to."""
        self._keep([])

    def on_probation(self) -> None:
        """Have the very next start count as one too many, unless this one lasts."""
        self._keep([self._now_s()] * (TOO_MANY - 1))

    def _counted(self) -> list[float]:
        try:
            kept = json.loads(self._store.fact(_FACT) or "{}")
            return [float(at) for at in kept["at_s"]] if kept.get("machine") == _machine() else []
        except (ValueError, KeyError, TypeError, AttributeError):
            return []  # not ours to stumble over, of all places here

    def _keep(self, at_s: list[float]) -> None:
        self._store.keep_fact(_FACT, json.dumps({"machine": _machine(), "at_s": at_s}))
