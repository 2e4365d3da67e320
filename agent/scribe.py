"""Writes what happens in the room into its journal, each entry with the session that it belongs to."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue

from agent.journal import Journal
from agent.session import Event, advance
from agent.sessions import Sessions
from contract.messages import Entry, PlannedSession
from contract.words import EntryKind, StepOutcome

log = logging.getLogger(__name__)


class Scribe:
    """The hand that writes for one room's engine."""

    def __init__(self, journal: Journal, sessions: Sessions) -> None:
        self._journal = journal
        self._sessions = sessions

    def note(
        self,
        plan: PlannedSession | None,
        kind: str,
        *,
        cause: str = "schedule",
        who: str = "",
        outcome: str | None = None,
        device: str | None = None,
        body: Mapping[str, Any],
    ) -> Entry:
        """Write one entry."""
        session, rev = (None, None) if plan is None else (plan.id, plan.rev)
        return self._journal.append(
            kind, session=session, session_rev=rev, cause=cause, who=who, outcome=outcome, device=device, body=body
        )

    def move(self, plan: PlannedSession, event: Event, cause: str = "schedule", who: str = "") -> None:
        """Move a session to the phase that `event` leads to.

        Raises:
            IllegalTransition: the event means nothing in the session's phase.
        """
        phase = advance(self._sessions.course(plan.id).phase, event)
        log.info(
            "session moved", extra={"action": "moved", "session": plan.id, "phase": str(phase), "event": str(event)}
        )
        body = {"phase": phase, "event": event, "start": plan.start.isoformat(), "end": plan.end.isoformat()}
        self.note(plan, EntryKind.PHASE_CHANGED, cause=cause, who=who, body=body)

    def note_device(self, kind: EntryKind, *, device: str, body: Mapping[str, Any]) -> Entry:
        """Write what a device did by itself, for the session that has the room."""
        return self.note(self._sessions.session_now(), kind, cause="agent", device=device, body=body)

    def note_levels(self, session: str, block: dict[str, JsonValue]) -> None:
        """Write a stretch of microphone levels into a session's journal; after a kill its plan may be gone."""
        plan = self._sessions.planned(session)
        rev = None if plan is None else plan.rev
        self._journal.append(EntryKind.LEVELS, session=session, session_rev=rev, cause="agent", body=block)

    def session_now(self) -> PlannedSession | None:
        """Return the session that what happens now belongs to."""
        return self._sessions.session_now()

    def note_recording(self, plan: PlannedSession | None, kind: EntryKind, device: str, body: dict[str, Any]) -> None:
        """Write what became of a recording, or that a picture was kept."""
        self.note(plan, kind, cause="agent", device=device, body=body)

    def note_dropped(self, sha256: str, size_bytes: int) -> None:
        """Write that a picture had to go before central had it, for the session that it was of."""
        taken = next((e for e in self._journal.of_kind(EntryKind.PICTURE) if e.body.get("sha256") == sha256), None)
        plan = None if taken is None else self._sessions.planned(taken.session)
        body = {"sha256": sha256, "size_bytes": size_bytes, "moment": "" if taken is None else taken.body.get("moment")}
        self.note(plan, EntryKind.PICTURE_DROPPED, cause="agent", body=body)

    def close(self, opened: Entry, kind: EntryKind, body: Mapping[str, Any]) -> None:
        """End what an earlier process began and never ended: nobody knows how it went."""
        self._journal.append(
            kind,
            session=opened.session,
            session_rev=opened.session_rev,
            run=opened.run,
            cause="agent",
            device=opened.device,
            outcome=StepOutcome.UNKNOWN,
            body=body,
        )
