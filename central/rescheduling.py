"""Moving a confirmed session: to another time, another room, another technician.

It is one deed of an officer, like the decision: verified anew on what is there, written with
what the session takes, the request's version, the audit, the messages and the word to its
rooms in one transaction. The session stays the same one: its room gets it with a higher
revision, and a room that it leaves gets it as called off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from central import bell, rows
from central.assess import Assessed, Assessor
from central.bell import Bell
from central.checks import check_times
from central.db import guard
from central.db import tables as t
from central.db.store import Store
from central.db.writes import retried
from central.domain.findings import Verdict
from central.domain.sop import Event, IllegalTransition, advance
from central.errors import Invalid, Refused, Wrong
from central.model import Operator, Person, Request, Reschedule, Room, SessionRow, Verification
from central.moves import Change, Deed, Moves, allowed, keep_change, not_own, not_stale
from contract import RoomState
from contract.words import Phase

BEGUN = frozenset({Phase.LIVE, Phase.ENDING, Phase.ENDED, Phase.REPORTED})


class Rescheduling:
    """Moves confirmed sessions."""

    def __init__(
        self, store: Store, moves: Moves, assess: Assessor, *, bell: Bell, now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._moves = moves
        self._assess = assess
        self._bell = bell
        self._now = now

    def verify(self, request_id: str, wanted: Reschedule, by: Person) -> tuple[Request, Verification]:
        """Return the request as it would be, and all findings for it; nothing is written.

        Raises:
            NotFound: no such request, room or operator.
            Invalid: times that cannot be.
            Refused: there is no confirmed session that could be moved.
        """
        with self._store.reading() as connection:
            request = self._moves.seen(connection, request_id, by)
            held = self._held(connection, request)
            moved = self._moved(request, held, wanted)
            return moved, self._assessed(connection, moved, held, wanted).verification

    @retried
    def apply(self, request_id: str, wanted: Reschedule, by: Person, *, version: int | None = None) -> Request:
        """Move the session in the name of `by`.

        Raises:
            NotFound: no such request, room or operator.
            Forbidden: it is the person's own request.
            Invalid: no reason, times that cannot be, or everything would stay as it is.
            Refused: no confirmed session, one that has begun, changed since `version`, a finding that fails without
                an override reason, or a room or operator that is taken.
            DBAPIError: the database failed in another way.
        """
        if not wanted.reason.strip():
            raise Invalid(Wrong("reason", "reason.wanted", "say why it is moved"))
        try:
            with self._store.writing() as connection:
                self._apply(connection, request_id, wanted, by, version)
                moved = rows.request(connection, request_id, self._assess.standards)
        except sa.exc.DBAPIError as error:
            if not guard.is_overlap(error):
                raise
            raise Refused("booking.taken", "the room or the operator was taken in the meantime") from error
        self._bell.ring(bell.REQUESTS, bell.SCHEDULE, bell.ROOMS)
        return moved

    def _apply(
        self, connection: sa.Connection, request_id: str, wanted: Reschedule, by: Person, version: int | None
    ) -> None:
        """Do what `apply` says.

        Raises:
            Forbidden: as there.
            Invalid: as there.
            Refused: as there.
        """
        request = self._moves.claimed(connection, request_id, by)
        not_own(request, by)
        not_stale(request, version)
        held = self._held(connection, request)
        moved = self._moved(request, held, wanted)
        self._moves.keep_days(connection, request, moved)
        assessed = self._assessed(connection, moved, held, wanted)
        found, operator = assessed.verification, assessed.verification.operator
        if operator is None:
            raise Invalid(Wrong("operator_id", "operator.wanted", "name the operator"))
        if not (changes := dict(_changes(held, moved, found.room, operator))):
            raise Invalid(Wrong("starts", "session.same", "everything would stay as it is"))
        failing = tuple(finding for finding in found.findings if finding.verdict is Verdict.FAIL)
        deed = Deed(
            Event.RESCHEDULE,
            by.name,
            by.login,
            "; ".join(filter(None, (wanted.reason.strip(), wanted.override_reason.strip()))),
            version,
            {"changes": changes, "overridden": [finding.code.value for finding in failing]},
            was={
                "starts": held.planned.start.isoformat(),
                "ends": held.planned.end.isoformat(),
                "room": held.room.name,
            },
        )
        self._moves.move(connection, request, deed)
        allowed(failing, wanted.override_reason)
        self._write(connection, moved, held, assessed)
        keep_change(connection, request.id, changes, by, self._now())
        self._moves.tell(connection, request.id, deed)

    def _held(self, connection: sa.Connection, request: Request) -> SessionRow:
        """Return the session as it is planned now.

        Raises:
            Refused: there is none that could be moved.
        """
        try:
            advance(request.state, Event.RESCHEDULE)
        except IllegalTransition as error:
            state, event = request.state.value, Event.RESCHEDULE.value
            raise Refused("request.state", str(error), state=state, event=event) from error
        held = rows.session(connection, request.session_id or "")
        if held.planned.start <= self._now() or _is_on(connection, held):
            raise Refused("session.begun", "a session that has begun is not moved: it is extended or ended in its room")
        return held

    def _moved(self, request: Request, held: SessionRow, wanted: Reschedule) -> Request:
        """Return the request as it would be; an end that is not named keeps the length.

        Raises:
            Invalid: times that cannot be, or that are over.
        """
        starts = wanted.starts or held.planned.start
        if wanted.starts is not None and wanted.ends is None and wanted.starts.tzinfo is not None:
            ends = starts + (held.planned.end - held.planned.start)
        else:
            ends = wanted.ends or held.planned.end
        wrongs = tuple(check_times(starts, ends))
        if not wrongs and starts <= self._now():
            wrongs = (Wrong("starts", "time.past", "this is over"),)
        if wrongs:
            raise Invalid(*wrongs)
        return replace(request, starts=starts, ends=ends, room=held.room)

    def _assessed(self, connection: sa.Connection, moved: Request, held: SessionRow, wanted: Reschedule) -> Assessed:
        """Compute the findings; the session's own room and operator where no other is named."""
        room_id, operator_id = wanted.room_id or held.room.id, wanted.operator_id or held.operator.id
        return self._assess.assess(connection, moved, self._now(), room_id=room_id, operator_id=operator_id)

    def _write(self, connection: sa.Connection, moved: Request, held: SessionRow, assessed: Assessed) -> None:
        """Write the times and the room into request and session, and tell the rooms."""
        room, operator = assessed.verification.room, assessed.verification.operator
        change: dict[str, object] = {"starts": moved.starts, "ends": moved.ends}
        if room != held.room:
            change["room_id"] = room.id
            _leave(connection, held)
        connection.execute(t.request.update().where(t.request.c.id == moved.id).values(change))
        _come_back(connection, held.planned.id, room)
        self._moves.rebook(connection, held, replace(moved, room=room), operator or held.operator, assessed.units)


def _changes(held: SessionRow, moved: Request, room: Room, operator: Operator) -> Iterator[tuple[str, Change]]:
    """Yield what is other than it is planned, field by field, as people write it."""
    times = {"starts": (held.planned.start, moved.starts), "ends": (held.planned.end, moved.ends)}
    for name, (before, after) in times.items():
        if before != after:
            yield name, (before.isoformat(), after.isoformat())
    if held.room.id != room.id:
        yield "room_id", (held.room.name, room.name)
    if held.operator.id != operator.id:
        yield "operator", (held.operator.name, operator.name)


def _is_on(connection: sa.Connection, held: SessionRow) -> bool:
    """Tell whether its room has begun it, before its time."""
    told = connection.scalar(sa.select(t.room_state.c.body).where(t.room_state.c.room_id == held.room.id))
    current = RoomState.model_validate_json(told).session if told else None
    return current is not None and current.id == held.planned.id and current.phase in BEGUN


def _leave(connection: sa.Connection, held: SessionRow) -> None:
    """Remember that a room has to be told that the session is not in it any more."""
    left = t.session_left.c
    same = (left.room_id == held.room.id, left.session_id == held.planned.id)
    connection.execute(t.session_left.delete().where(*same))
    row = {"room_id": held.room.id, "session_id": held.planned.id, "until": held.planned.end}
    connection.execute(t.session_left.insert(), row)


def _come_back(connection: sa.Connection, session_id: str, room: Room) -> None:
    left = t.session_left.c
    connection.execute(t.session_left.delete().where(left.room_id == room.id, left.session_id == session_id))
