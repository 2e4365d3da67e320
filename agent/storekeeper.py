"""Watches the disk that the journal is on, says so when it will not write, and tries again.

It stands among the devices: on the tablet, in the metrics, in the state that central gets
and in the certificate. The room goes on meanwhile.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

from agent.board import HealthBoard, Sighting
from agent.journal import Journal
from agent.pruning import Pruner
from agent.store import Store
from contract.words import EntryKind
from drivers.outcomes import Condition, Health, Reason

NAME = "agent-storage"
LOOK_EVERY_S = 3.0
ALIVE = "alive"
"""The fact under which the disk holds when this agent last wrote to it."""


def sighting() -> Sighting:
    """Return what the disk is before it was looked at."""
    return Sighting(NAME, "storage", required=False)


class Storekeeper:
    """Keeps the store writing."""

    def __init__(self, store: Store, journal: Journal, board: HealthBoard, pruner: Pruner) -> None:
        self._store = store
        self._journal = journal
        self._board = board
        self._pruner = pruner
        self.wrote_at = time.monotonic()
        """When a commit last came back."""

    async def run(self) -> None:
        """Look every few seconds, until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    def look(self) -> None:
        """Have what only the memory holds written down if that is possible, and say how it stands."""
        self._store.settle()
        self._pruner.look()
        if self._store.trouble is None and not self._journal.is_tight:
            self._say_gap()
        self._store.keep_fact(ALIVE, datetime.now(UTC).isoformat())
        self.wrote_at = time.monotonic()
        self._board.post(NAME, self._health())

    def _say_gap(self) -> None:
        if self._journal.missed:
            missed, self._journal.missed = self._journal.missed, 0
            self._journal.append(EntryKind.JOURNAL_GAP, body={"missed": missed})

    def _health(self) -> Health:
        trouble, mended = self._store.trouble, self._store.mended
        if trouble is not None:
            return Health(Condition.FAULT, reason=trouble)
        if mended is not None:
            detail = f"the journal was damaged, what could be read goes on; the old file is {mended.aside.name}"
            return Health(Condition.DEGRADED, reason=Reason("storage.mended", detail, {"aside": mended.aside.name}))
        if self._journal.is_tight:
            detail = "the journal is as large as it may be and central holds too little of it"
            return Health(Condition.DEGRADED, reason=Reason("storage.crowded", detail))
        return Health(Condition.OK)
