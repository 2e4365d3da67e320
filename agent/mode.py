"""Whether the room runs by its plan, or by hand alone until a person says otherwise.

By hand alone the plan is neither asked nor shown: whatever is wrong with it cannot stop the
room a second time. Presets, cameras, sound and the look at the devices need no plan.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from agent.clock import Clock
from agent.journal import Journal
from agent.starts import Starts
from agent.store import Store
from contract.words import EntryKind

_FACT: Final = "manual"


@dataclass(frozen=True, slots=True)
class Manual:
    """Since when the room runs by hand alone, and why."""

    since: datetime
    bug: str
    """What ended the agent last, in English; empty when nobody could write it down."""


class Mode:
    """Automatic, or by hand alone; on the disk, so that a restart changes nothing."""

    def __init__(self, store: Store, journal: Journal, starts: Starts, clock: Clock) -> None:
        self._store = store
        self._journal = journal
        self.starts = starts
        self._clock = clock
        self.manual = _read(store.fact(_FACT))
        """None while the room runs by its plan."""

    def go_manual(self, bug: str, *, starts: int) -> None:
        """Leave the plan alone from now on."""
        self.manual = Manual(self._clock.now(), bug)
        self._store.keep_fact(_FACT, json.dumps({"since": self.manual.since.isoformat(), "bug": bug}))
        self._journal.append(EntryKind.MODE, body={"mode": "manual", "bug": bug, "starts": starts})

    def go_automatic(self, who: str) -> None:
        """Follow the plan again, because a person said so; one more failure, and the room is by hand again."""
        self.manual = None
        self.starts.on_probation()
        self._store.keep_fact(_FACT, "")
        self._journal.append(EntryKind.MODE, cause="tablet", who=who, body={"mode": "automatic"})


def _read(text: str | None) -> Manual | None:
    if not text:
        return None
    kept = json.loads(text)
    return Manual(datetime.fromisoformat(kept["since"]), str(kept["bug"]))
