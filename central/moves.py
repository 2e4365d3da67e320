"""The moves of requests inside a transaction: seen, advanced, approved, called off.

The desk and whatever else changes a request opens the transaction and calls these, so that
several moves can be one deed: a leader's approval and the sessions that make room for it.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

import sqlalchemy as sa

from central import rows
from central.assess import Assessor
from central.db import locks
from central.db import tables as t
from central.db.writes import insert_new
from central.domain.allocation import Held
from central.domain.findings import Code, Finding, Verdict
from central.domain.sop import Event, IllegalTransition, State, advance
from central.errors import Forbidden, Invalid, NotFound, Refused, Wrong
from central.model import Decision, Operator, Person, Request, Room, SessionRow
from central.notices.post import News, Post
from central.permissions import may_see
from central.stock import DAY
from contract import SessionStatus, new_id

TRACKING_BYTES: Final = 16
"""Of a public link: nobody guesses it."""
NEVER_OVERRIDDEN: Final = frozenset(
    {Code.ROOM_TAKEN, Code.ROOM_CLOSED, Code.OPERATOR_TAKEN, Code.OPERATORS_NONE_FREE, Code.ACCOUNT_TAKEN}
)
"""What no reason can put right: the thing is not there at that time."""


def utc_now() -> datetime:
    """Return the moment, for everything that is given no other clock."""
    return datetime.now(UTC)


Change = tuple[str, str]
"""What something was, and what it is."""


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody does to a request; without an event it is the letter's arrival.

    `detail` is for the audit, `was` what was planned before, for those who are told.
    """

    event: Event | None
    actor: str
    login: str
    reason: str = ""
    version: int | None = None
    detail: Mapping[str, object] = field(default_factory=dict)
    was: Mapping[str, str] = field(default_factory=dict)


class Moves:
    """What happens to a request, each in the caller's transaction."""

    def __init__(
        self, assess: Assessor, prepare_lead: timedelta, now: Callable[[], datetime], post: Post | None = None
    ) -> None:
        self._assess = assess
        self._post = post
        self._prepare_lead = prepare_lead
        self._now = now

    def approve(
        self, connection: sa.Connection, request_id: str, decision: Decision, by: Person, version: int | None
    ) -> Request:
        """Do what `decide` says about an approval.

        Raises:
            Invalid: no operator is named.
        """
        request = self.claimed(connection, request_id, by)
        not_own(request, by)
        self.keep_days(connection, request)
        assessed = self._assess.assess(
            connection, request, self._now(), room_id=decision.room_id, operator_id=decision.operator_id
        )
        found = assessed.verification
        if found.operator is None:
            raise Invalid(Wrong("operator_id", "operator.wanted", "name the operator"))
        failing = tuple(finding for finding in found.findings if finding.verdict is Verdict.FAIL)
        reason = "; ".join(filter(None, (decision.reason.strip(), decision.override_reason.strip())))
        detail = {
            "room": found.room.id,
            "operator": decision.operator_id,
            "overridden": [finding.code.value for finding in failing],
        }
        # the move first: it refuses a request that waits for no decision before anything else is said
        deed = Deed(Event.APPROVE, by.name, by.login, reason, version, detail)
        self.move(connection, request, deed)
        allowed(failing, decision.override_reason)
        self._book(connection, request, found.room, found.operator, assessed.units)
        self.tell(connection, request_id, deed)
        return rows.request(connection, request_id, self._assess.standards)

    def _book(
        self, connection: sa.Connection, request: Request, room: Room, operator: Operator, taken: tuple[Held, ...]
    ) -> None:
        """Write the session, what it takes, and the word to its room."""
        ident = new_id()
        session = {
            "id": ident,
            "request_id": request.id,
            "rev": 1,
            "status": SessionStatus.CONFIRMED,
            "title": request.title,
            "agency": request.agency.name,
            "leader": request.leader,
            "recording": request.recording,
            "letter": request.letter.number,
            "platform": request.platform,
        }
        connection.execute(t.session.insert(), session | self._place(request, room, operator))
        _take(connection, ident, taken)
        self._tell_room(connection, room.id, f"approved {request.receipt}")

    def _place(self, request: Request, room: Room, operator: Operator) -> dict[str, object]:
        """Return when, where and with whom a session for `request` is, as columns."""
        rules = self._assess.rules(request.starts)
        buffers = rules.buffers_of.get(room.id, rules.buffers)
        return {
            "room_id": room.id,
            "operator_id": operator.id,
            "starts": request.starts,
            "ends": request.ends,
            "prepare_at": request.starts - self._prepare_lead,
            "setup_s": buffers.setup.total_seconds(),
            "teardown_s": buffers.teardown.total_seconds(),
        }

    def rebook(
        self,
        connection: sa.Connection,
        held: SessionRow,
        request: Request,
        operator: Operator,
        taken: tuple[Held, ...],
    ) -> None:
        """Put a session where `request` is now: what it took is free, it takes `taken`, and its rooms are told."""
        change = self._place(request, request.room, operator)
        change |= {"status": SessionStatus.UPDATED, "rev": t.session.c.rev + 1}
        connection.execute(t.alloc.update().where(t.alloc.c.session_id == held.planned.id).values(live=False))
        connection.execute(t.session.update().where(t.session.c.id == held.planned.id).values(change))
        _take(connection, held.planned.id, taken)
        for room_id in sorted({held.room.id, request.room.id}):
            self._tell_room(connection, room_id, f"rescheduled {request.receipt}")

    def call_off(self, connection: sa.Connection, session_id: str) -> None:
        """Call a session off: its units are free again, and its room is told."""
        held = rows.session(connection, session_id)
        change = {"status": SessionStatus.CANCELLED, "rev": t.session.c.rev + 1}
        connection.execute(t.session.update().where(t.session.c.id == session_id).values(change))
        connection.execute(t.alloc.update().where(t.alloc.c.session_id == session_id).values(live=False))
        self._tell_room(connection, held.room.id, f"cancelled {held.receipt}")

    def seen(self, connection: sa.Connection, request_id: str, by: Person) -> Request:
        """Return a request that `by` may see.

        Raises:
            NotFound: there is none that this person may know of.
        """
        request = rows.request(connection, request_id, self._assess.standards)
        if not may_see(by, request):
            raise NotFound("request", request_id)
        return request

    def claimed(self, connection: sa.Connection, request_id: str, by: Person) -> Request:
        """Return a request that `by` may see, as it stays until the transaction's end unless we change it.

        Raises:
            NotFound: there is none that this person may know of.
        """
        locks.hold(connection, t.request, [request_id])
        return self.seen(connection, request_id, by)

    def keep_days(self, connection: sa.Connection, *requests: Request) -> None:
        """Keep other bookings off the days that verifications of `requests` look at.

        What speaks against a booking is not only its own units: how many sessions run at once,
        the person's other sessions of the day, which piece of a pool is free.
        """
        locks.alone_in(connection, *((one.starts - DAY, one.ends + DAY) for one in requests))

    def advance(self, connection: sa.Connection, request: Request, deed: Deed) -> None:
        """Move the request, write down who did it and why, and have those told whom it concerns.

        Raises:
            Refused: its state takes no such event, or it changed since the deed's version.
        """
        self.move(connection, request, deed)
        self.tell(connection, request.id, deed)

    def tell(self, connection: sa.Connection, request_id: str, deed: Deed) -> None:
        """Write the messages that tell of a deed."""
        if self._post is not None:
            news = News(deed.event, deed.actor, deed.login, deed.reason, deed.was)
            self._post.tell(connection, request_id, news, self._now())

    def move(self, connection: sa.Connection, request: Request, deed: Deed) -> None:
        """Move the request and write down who did it and why; nobody is told yet.

        Raises:
            Refused: as `advance` says.
        """
        not_stale(request, deed.version)
        event = deed.event or Event.RESUBMIT
        try:
            state = advance(request.state, event)
        except IllegalTransition as error:
            raise Refused("request.state", str(error), state=request.state.value, event=event.value) from error
        change = t.request.update().where(t.request.c.id == request.id)
        connection.execute(change.values(state=state, version=t.request.c.version + 1))
        record(connection, request.id, state, deed, self._now())

    def follow_up(
        self, connection: sa.Connection, request: Request, starts: datetime, room_id: str, deed: Deed
    ) -> Request:
        """Write a new request in place of one that had to make room; it waits for the division's decision.

        It keeps the letter and the day of its arrival: the applicant was in time.
        """
        now, ident = self._now(), new_id()
        row = dict(connection.execute(t.request.select().where(t.request.c.id == request.id)).mappings().one())
        row |= {
            "id": ident,
            "receipt": next_receipt(connection, now.astimezone(self._assess.zone).year),
            "state": State.DISPOSED,
            "version": 1,
            "starts": starts,
            "ends": starts + (request.ends - request.starts),
            "room_id": room_id,
            "replaces_id": request.id,
            "tracking": secrets.token_urlsafe(TRACKING_BYTES),
        }
        connection.execute(t.request.insert(), row)
        arrived = Deed(None, deed.actor, deed.login, request.receipt, detail={"replaces": request.id})
        record(connection, ident, State.SUBMITTED, arrived, now)
        record(connection, ident, State.DISPOSED, Deed(Event.ACCEPT, deed.actor, deed.login, deed.reason), now)
        return rows.request(connection, ident, self._assess.standards)

    def _tell_room(self, connection: sa.Connection, room_id: str, cause: str) -> None:
        connection.execute(t.outbox.insert(), {"room_id": room_id, "cause": cause, "created_at": self._now()})


def record(connection: sa.Connection, request_id: str, state: State, deed: Deed, at: datetime) -> None:
    """Write down a move of a request, for people and for the audit."""
    reason = deed.reason.strip()
    move = {"request_id": request_id, "at": at, "event": deed.event, "state": state}
    connection.execute(t.request_move.insert(), move | {"actor": deed.actor, "reason": reason})
    detail = json.dumps({**deed.detail, "reason": reason})
    audit = {"at": at, "actor": deed.login, "action": f"request.{deed.event or 'submit'}"}
    connection.execute(t.audit.insert(), audit | {"subject": request_id, "detail": detail})


def next_receipt(connection: sa.Connection, year: int) -> str:
    """Return the year's next receipt number."""
    name = f"receipt-{year}"
    insert_new(connection, t.counter, [{"name": name, "value": 0}])
    step = t.counter.update().where(t.counter.c.name == name).values(value=t.counter.c.value + 1)
    return f"{year}-{connection.scalar(step.returning(t.counter.c.value)):04d}"


def not_stale(request: Request, version: int | None) -> None:
    """Keep a deed from what its doer did not see.

    Raises:
        Refused: the request changed since `version`.
    """
    if version is not None and version != request.version:
        raise Refused("request.changed", f"version {version} is stale", version=request.version)


def not_own(request: Request, by: Person) -> None:
    """Keep four eyes on every request.

    Raises:
        Forbidden: the person sent it in.
    """
    if request.applicant_id == by.id:
        raise Forbidden("request.own", "nobody decides on a request of his own")


def _take(connection: sa.Connection, session_id: str, taken: tuple[Held, ...]) -> None:
    """Write what a session takes; the database refuses what is taken."""
    units = [
        {"session_id": session_id, "unit_kind": held.kind, "unit_id": held.unit, "live": True}
        | {"starts": held.starts, "ends": held.ends}
        for held in taken
    ]
    connection.execute(t.alloc.insert(), units)


def keep_change(
    connection: sa.Connection, request_id: str, changes: Mapping[str, Change], by: Person, at: datetime
) -> None:
    """Write down what of a request is other than it was, old and new."""
    row = {"request_id": request_id, "at": at, "actor": by.name, "changes": json.dumps(changes)}
    connection.execute(t.request_change.insert(), row)


def allowed(failing: tuple[Finding, ...], override_reason: str) -> None:
    """Let a booking pass only without failing findings, or with a reason where one can help.

    Raises:
        Refused: it may not pass; the findings say why.
    """
    hard = tuple(finding for finding in failing if finding.code in NEVER_OVERRIDDEN)
    if hard:
        raise Refused("booking.taken", "the room or the operator is not there at that time", hard)
    if failing and not override_reason.strip():
        raise Refused("override.wanted", "a finding fails: give a reason to override it", failing)
