"""What people write down of a session, while it goes and after it is over: ticks and notes."""

from __future__ import annotations

from collections.abc import Iterable

from agent.declined import Declined
from agent.scribe import Scribe
from agent.sessions import Sessions
from contract.messages import ChecklistItem
from contract.words import EntryKind

NOTE_AT_MOST = 2000


class Remarks:
    """The ticks and notes of one room; what comes after a session's report makes a revision of it."""

    def __init__(self, sessions: Sessions, scribe: Scribe, checklist: Iterable[ChecklistItem]) -> None:
        self._sessions = sessions
        self._scribe = scribe
        self._items = frozenset(item.id for item in checklist)

    def tick(self, item: str, on: bool, *, who: str, session: str | None = None) -> None:
        """Set or take back a tick of the checklist, for a session that is held or for the one that has the room.

        Raises:
            Declined: no session, or no such item.
        """
        plan = self._sessions.front() if session is None else self._sessions.planned(session)
        if plan is None:
            raise Declined("session.none", "there is no session to tick for")
        if item not in self._items | {entry.id for entry in plan.checklist}:
            raise Declined("checklist.unknown", f"the checklist has no {item!r}")
        self._scribe.note(plan, EntryKind.CHECKLIST, cause="tablet", who=who, body={"item": item, "on": on})

    def write_note(self, text: str, *, who: str, session: str | None = None) -> None:
        """Write what a person saw, for a session that is held or for the one that has the room.

        Raises:
            Declined: no such session is held.
        """
        plan = self._sessions.session_now() if session is None else self._sessions.planned(session)
        if session is not None and plan is None:
            raise Declined("session.unknown", f"the room holds no session {session!r} any more")
        self._scribe.note(plan, EntryKind.NOTE, cause="tablet", who=who, body={"text": text[:NOTE_AT_MOST]})
