"""Takes up what an earlier process left: how far sessions are, and runs that nobody ended."""

from __future__ import annotations

import logging

from agent.devicelog import DeviceLog
from agent.journal import Journal
from agent.resume import unfinished
from agent.runs import Runs
from agent.scribe import Scribe
from agent.sessions import Sessions
from contract.words import EntryKind

log = logging.getLogger(__name__)

RECOVER_FROM = 5_000
"""How many entries back an unfinished run is looked for after a restart."""


class Recovery:
    """What a start does before anything else, and a return to the plan once more."""

    def __init__(self, journal: Journal, sessions: Sessions, device_log: DeviceLog, runs: Runs, scribe: Scribe) -> None:
        self._journal = journal
        self._sessions = sessions
        self._device_log = device_log
        self._runs = runs
        self._scribe = scribe

    def take_up(self) -> None:
        """Recall the courses and what the sound was set to, and end what was left open; what goes on is left alone."""
        self._sessions.recall()
        recent = self._journal.recent(RECOVER_FROM)
        for entry in recent:
            self._device_log.see_setting(entry)
        for started, intents in unfinished(recent):
            if (run := self._runs.find(started.run)) is not None and not run.is_over:
                continue  # begun by hand, and goes on
            for intent in intents:
                reason = {"code": "agent.restarted", "detail": "the agent ended in between"}
                self._scribe.close(intent, EntryKind.STEP_ENDED, dict(intent.body) | {"reason": reason})
            self._scribe.close(started, EntryKind.PRESET_ENDED, dict(started.body))

    def take_up_by_hand(self) -> None:
        """By hand alone: end what was left open and find the session that was under way, where that works.

        What is broken is likely to be here: the one place where a bug does not end the agent.
        """
        try:
            self.take_up()
            self._sessions.leave()
        except Exception:
            log.exception("by hand alone; what was left open could not be read", extra={"action": "manual"})
