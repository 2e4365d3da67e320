"""Writes the execution reports of a room's sessions into its journal: the first one, and each revision."""

from __future__ import annotations

import logging

from agent.clock import Clock
from agent.journal import Journal
from agent.recordings import Recordings
from agent.report import RoomFacts, report_of
from agent.roomfile import RoomFile
from agent.scribe import Scribe
from agent.session import Event
from agent.sessions import Sessions
from contract.messages import PlannedSession
from contract.words import EntryKind

log = logging.getLogger(__name__)


class Reporting:
    """The reports of one room."""

    def __init__(
        self,
        room: RoomFile,
        journal: Journal,
        *,
        sessions: Sessions,
        scribe: Scribe,
        recordings: Recordings,
        clock: Clock,
    ) -> None:
        self._room = room
        self._journal = journal
        self._sessions = sessions
        self._scribe = scribe
        self._recordings = recordings
        self._clock = clock

    def report(self, plan: PlannedSession) -> None:
        """Write the report once; after a kill between the two entries only the second is missing.

        It waits for the recordings to be examined, which has its limits.
        """
        if not self._recordings.are_examined(plan.id):
            return
        with self._journal.together():
            if self._sessions.course(plan.id).report_seq is None:
                self._write(plan)
            self._scribe.move(plan, Event.REPORT)

    def revise(self) -> None:
        """Write a new revision of each report that something was added to; the earlier ones stay."""
        for plan in self._sessions.all():
            if self._sessions.course(plan.id).is_amended:
                log.info("report revised", extra={"action": "report", "session": plan.id})
                self._write(plan)

    def _write(self, plan: PlannedSession) -> None:
        report = report_of(self._facts(), plan, self._journal.of_session(plan.id), self._clock.now())
        self._scribe.note(plan, EntryKind.REPORT, body=report.model_dump(mode="json"))

    def _facts(self) -> RoomFacts:
        room, journal = self._room, self._journal
        return RoomFacts(
            room.room, room.name, room.time_zone, journal.stream, room.checklist, journal.last, journal.head
        )
