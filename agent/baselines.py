"""What a room sounded like when it was calibrated, kept over restarts."""

from __future__ import annotations

import json
import logging
from datetime import datetime
from typing import Any

from agent.levels import Facts
from agent.tone import HeldBaseline
from drivers.ports import BadBaseline, Baseline

log = logging.getLogger(__name__)


class Baselines:
    """The baseline of one sound device."""

    def __init__(self, facts: Facts, device: str) -> None:
        self._facts = facts
        self._name = f"baseline.{device}"
        self.held = self._read()

    def keep(self, held: HeldBaseline) -> None:
        """Commit a baseline in place of the former one."""
        words = {"baseline": held.baseline.to_json(), "at": held.at.isoformat(), "who": held.who}
        self._facts.keep_fact(self._name, json.dumps(words))
        self.held = held

    def _read(self) -> HeldBaseline | None:
        """Return what an earlier process kept; what cannot be read is none, and the room says that it is not proven."""
        text = self._facts.fact(self._name)
        if text is None:
            return None
        try:
            words: Any = json.loads(text)
            at = datetime.fromisoformat(words["at"])
            return HeldBaseline(Baseline.from_json(words["baseline"]), at, str(words["who"]))
        except (BadBaseline, ValueError, KeyError, TypeError) as error:
            log.warning("baseline not used: %s", error, extra={"action": "baseline", "found": self._name})
            return None
