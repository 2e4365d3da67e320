"""Making room for a leader: a proposal by the division, applied or not by a named officer.

A proposal lists who is displaced, what they could have instead and what they will read.
Applying it is one transaction: the sessions are called off, each gets a follow-up request
in its place that waits for a decision of its own, their applicants get a notice, and the
leader's session is booked. It is computed again in that transaction; when anything is
other than the proposal says, nothing is done.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from central import bell, rows
from central.assess import Assessor
from central.bell import Bell
from central.db import guard, locks
from central.db import tables as t
from central.db.store import Store
from central.db.writes import retried
from central.domain.alternatives import Alternative
from central.domain.displacement import Booked, fewest
from central.domain.resources import Rules
from central.domain.sop import Event, State
from central.domain.words import Leader
from central.errors import Forbidden, Invalid, NotFound, Refused, Wrong
from central.model import Decision, Displaced, Displacement, Notice, Offer, Person, ProposalState, Request
from central.moves import Deed, Moves
from central.planner import Planner
from contract import new_id

DISPLACED = "displaced"
"""The kind of notice that a displaced applicant gets."""


class Displacing:
    """Proposals, and what becomes of them."""

    def __init__(
        self, store: Store, moves: Moves, assess: Assessor, planner: Planner, *, bell: Bell, now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._moves = moves
        self._assess = assess
        self._planner = planner
        self._bell = bell
        self._now = now

    @retried
    def propose(
        self, request_id: str, by: Person, *, room_id: str | None = None, operator_id: str | None = None
    ) -> Displacement:
        """Write down who would have to make room for a leader's request; nothing else happens.

        Raises:
            NotFound: no such request, room or operator.
            Refused: no leader takes part, it waits for no decision, nobody has to go, or nobody's going helps.
        """
        with self._store.writing() as connection:
            request = self._moves.claimed(connection, request_id, by)
            _fits_a_proposal(request, self._assess.rules(request.starts))
            found = self._computed(connection, request, room_id or request.room.id, operator_id)
            ident = new_id()
            row = {
                "id": ident,
                "request_id": request.id,
                "room_id": room_id or request.room.id,
                "operator_id": found[1],
                "state": ProposalState.PROPOSED,
                "body": json.dumps([_plain(one) for one in found[0]]),
                "proposed_by": by.id,
                "proposed_at": self._now(),
            }
            connection.execute(t.displacement.insert(), row)
            _audit(connection, by, "displacement.propose", ident, self._now())
            made = self._read(connection, t.displacement.c.id == ident)[0]
        self._bell.ring(bell.REQUESTS)
        return made

    def proposals(self, by: Person, *, request_id: str | None = None) -> tuple[Displacement, ...]:
        """Return proposals, newest first: those about one request, or all that wait for an officer."""
        del by
        waiting = t.displacement.c.state == ProposalState.PROPOSED
        where = waiting if request_id is None else t.displacement.c.request_id == request_id
        with self._store.reading() as connection:
            return self._read(connection, where)

    def get(self, ident: str) -> Displacement:
        """Return one proposal.

        Raises:
            NotFound: there is none.
        """
        with self._store.reading() as connection:
            return self._one(connection, ident)

    @retried
    def refuse(self, ident: str, reason: str, by: Person) -> Displacement:
        """Let everything be as it is.

        Raises:
            NotFound: there is no such proposal.
            Invalid: no reason.
            Refused: it was decided before.
        """
        if not reason.strip():
            raise Invalid(Wrong("reason", "reason.wanted", "say why"))
        with self._store.writing() as connection:
            proposal = self._open(connection, ident)
            return self._decided(connection, proposal, ProposalState.REFUSED, reason, by)

    @retried
    def apply(self, ident: str, reason: str, by: Person) -> Displacement:
        """Displace and book, all of it or nothing, in the name of `by`.

        Raises:
            NotFound: there is no such proposal.
            Forbidden: the officer proposed it, or sent the request in.
            Invalid: no reason.
            Refused: decided before, or not what would have to be done now.
            DBAPIError: the database failed in another way.
        """
        if not reason.strip():
            raise Invalid(Wrong("reason", "reason.wanted", "say why"))
        try:
            with self._store.writing() as connection:
                done = self._apply(connection, ident, reason, by)
        except sa.exc.DBAPIError as error:
            if not guard.is_overlap(error):
                raise
            raise Refused("displacement.changed", "something was booked in the meantime: propose again") from error
        self._bell.ring(bell.REQUESTS, bell.SCHEDULE, bell.ROOMS)
        return done

    def _apply(self, connection: sa.Connection, ident: str, reason: str, by: Person) -> Displacement:
        """Do what `apply` says.

        Raises:
            Forbidden: the officer proposed it.
            Refused: not what would have to be done now.
        """
        proposal = self._open(connection, ident)
        if proposal.proposed_by_id == by.id:
            raise Forbidden("displacement.own", "nobody applies a proposal of his own")
        request = self._moves.claimed(connection, proposal.request_id, by)
        _fits_a_proposal(request, self._assess.rules(request.starts))
        self._moves.keep_days(connection, request)
        found, operator_id = self._computed(connection, request, proposal.room_id, proposal.operator_id)
        if {one.session_id for one in found} != {one.session_id for one in proposal.displaced}:
            raise Refused("displacement.changed", "other sessions would have to go now: propose again")
        for one in proposal.displaced:
            self._displace(connection, one, request, reason, by)
        decision = Decision(True, reason, proposal.room_id, operator_id, reason)
        self._moves.approve(connection, request.id, decision, by, None)
        return self._decided(connection, proposal, ProposalState.APPLIED, reason, by)

    def _displace(self, connection: sa.Connection, one: Displaced, leader: Request, reason: str, by: Person) -> None:
        """Call one session off; its applicant reads why, and what comes in its place."""
        request = self._moves.claimed(connection, one.request_id, by)
        said = f"{leader.receipt}: {reason.strip()}"
        deed = Deed(Event.CANCEL, by.signature, by.login, said, detail={"displaced_by": leader.id})
        self._moves.advance(connection, request, deed)
        self._moves.call_off(connection, one.session_id)
        instead = one.alternatives[0] if one.alternatives else None
        starts, room_id = (instead.starts, instead.room_id) if instead else (request.starts, request.room.id)
        follow = self._moves.follow_up(connection, request, starts, room_id, deed)
        body = {"reason": reason.strip(), "follow_up": follow.id, "receipt": follow.receipt}
        row = {"request_id": request.id, "kind": DISPLACED, "body": json.dumps(body), "created_at": self._now()}
        connection.execute(t.notice.insert(), row)

    def _computed(
        self, connection: sa.Connection, request: Request, room_id: str, operator_id: str | None
    ) -> tuple[tuple[Displaced, ...], str]:
        """Return who has to go, and the operator who then does it.

        Raises:
            Refused: nobody has to go, or nobody's going helps.
        """
        now = self._now()
        before = self._assess.assess(connection, request, now, room_id=room_id, operator_id=operator_id)
        found, rules = before.resources, before.rules
        sessions = {o.rival.session: o.rival.starts for o in found.occupied}
        going = fewest(before.wish, found, rules, _booked(connection, sessions, rules), now)
        if not going:
            text = "nobody has to go" if going == () else "no lower-ranked session's going makes it possible"
            raise Refused("displacement.useless", text)
        gone = frozenset(going)
        after = self._assess.assess(
            connection, request, now, room_id=room_id, operator_id=operator_id, without=gone
        ).verification
        operator = after.operator or after.free_operators[0]
        leader = replace(request, room=before.verification.room)
        return tuple(self._displaced(connection, session, leader, gone) for session in going), operator.id

    def _displaced(
        self, connection: sa.Connection, session_id: str, leader: Request, gone: frozenset[str]
    ) -> Displaced:
        """Return what is lost by one session, and the nearest it could have beside the leader's."""
        row = rows.session(connection, session_id)
        request = rows.request(connection, row.request_id, self._assess.standards)
        others = self._planner.alternatives_beside(connection, request, leader, without=gone)
        return Displaced(
            session_id=session_id,
            request_id=request.id,
            receipt=request.receipt,
            title=request.title,
            agency=request.agency.name,
            starts=request.starts,
            ends=request.ends,
            room_name=row.room.name,
            alternatives=tuple(_offer(one) for one in others if not one.changes),
        )

    def _open(self, connection: sa.Connection, ident: str) -> Displacement:
        """Return a proposal that waits.

        Raises:
            Refused: it was decided.
        """
        locks.hold(connection, t.displacement, [ident])
        proposal = self._one(connection, ident)
        if proposal.state is not ProposalState.PROPOSED:
            raise Refused("displacement.decided", f"it is {proposal.state} already")
        return proposal

    def _one(self, connection: sa.Connection, ident: str) -> Displacement:
        """Return a proposal.

        Raises:
            NotFound: there is none.
        """
        found = self._read(connection, t.displacement.c.id == ident)
        if not found:
            raise NotFound("displacement", ident)
        return found[0]

    def _decided(
        self, connection: sa.Connection, proposal: Displacement, state: ProposalState, reason: str, by: Person
    ) -> Displacement:
        now = self._now()
        change = {"state": state, "reason": reason.strip(), "decided_by": by.id, "decided_at": now}
        connection.execute(t.displacement.update().where(t.displacement.c.id == proposal.id).values(change))
        _audit(connection, by, f"displacement.{state}", proposal.id, now)
        return self._one(connection, proposal.id)

    def _read(self, connection: sa.Connection, where: sa.ColumnElement[bool]) -> tuple[Displacement, ...]:
        proposer, decider = t.person.alias("p"), t.person.alias("d")
        joined = t.displacement.join(t.request, t.request.c.id == t.displacement.c.request_id)
        joined = joined.join(t.room, t.room.c.id == t.displacement.c.room_id)
        joined = joined.join(t.operator, t.operator.c.id == t.displacement.c.operator_id)
        joined = joined.join(proposer, proposer.c.id == t.displacement.c.proposed_by)
        joined = joined.outerjoin(decider, decider.c.id == t.displacement.c.decided_by)
        query = sa.select(
            t.displacement,
            t.request.c.title,
            t.request.c.leader,
            t.request.c.starts,
            t.request.c.ends,
            t.room.c.name.label("room_name"),
            t.operator.c.name.label("operator_name"),
            proposer.c.name.label("proposer"),
            decider.c.name.label("decider"),
        )
        found = query.select_from(joined).where(where).order_by(t.displacement.c.proposed_at.desc()).limit(200)
        return tuple(_displacement(row) for row in connection.execute(found).mappings())

    def notices(self, request: Request) -> tuple[Notice, ...]:
        """Return what the applicant of `request` has to read, newest first."""
        query = t.notice.select().where(t.notice.c.request_id == request.id, t.notice.c.kind == DISPLACED)
        query = query.order_by(t.notice.c.id.desc())
        with self._store.reading() as connection:
            return tuple(
                Notice(row["kind"], row["created_at"], **json.loads(row["body"]))
                for row in connection.execute(query).mappings()
            )


def _fits_a_proposal(request: Request, rules: Rules) -> None:
    """Let only a leader's request that waits for its decision pass.

    Raises:
        Refused: it is another one.
    """
    if not rules.counted(request.leader).takes_part:
        raise Refused("displacement.no_leader", "nobody makes room where no leader takes part")
    if request.state is not State.DISPOSED:
        raise Refused("request.state", f"a request that is {request.state} takes no displacement")


def _booked(connection: sa.Connection, sessions: dict[str, datetime], rules: Rules) -> list[Booked]:
    joined = t.session.join(t.request, t.request.c.id == t.session.c.request_id)
    columns = (t.session.c.id, t.session.c.leader, t.request.c.participants, t.request.c.submitted_at)
    query = sa.select(*columns).select_from(joined).where(t.session.c.id.in_(sessions))
    return [
        Booked(
            row["id"],
            rules.counted(Leader(row["leader"])),
            row["participants"],
            row["submitted_at"],
            sessions[row["id"]],
        )
        for row in connection.execute(query).mappings()
    ]


def _offer(one: Alternative) -> Offer:
    return Offer(one.room.id, one.room.name, one.starts, one.ends)


def _plain(one: Displaced) -> dict[str, object]:
    """Return a displaced session as JSON takes it."""
    moments = {"starts": one.starts.isoformat(), "ends": one.ends.isoformat()}
    offers = [
        {"room_id": o.room_id, "room_name": o.room_name, "starts": o.starts.isoformat(), "ends": o.ends.isoformat()}
        for o in one.alternatives
    ]
    names = ("session_id", "request_id", "receipt", "title", "agency", "room_name")
    return {name: getattr(one, name) for name in names} | moments | {"alternatives": offers}


def _displacement(row: rows.Row) -> Displacement:
    return Displacement(
        id=row["id"],
        request_id=row["request_id"],
        title=row["title"],
        leader=Leader(row["leader"]),
        starts=row["starts"],
        ends=row["ends"],
        room_id=row["room_id"],
        room_name=row["room_name"],
        operator_id=row["operator_id"],
        operator_name=row["operator_name"],
        state=ProposalState(row["state"]),
        displaced=tuple(_read_displaced(one) for one in json.loads(row["body"])),
        proposed_by=row["proposer"],
        proposed_by_id=row["proposed_by"],
        proposed_at=row["proposed_at"],
        decided_by=row["decider"],
        decided_at=row["decided_at"],
        reason=row["reason"],
    )


def _read_displaced(plain: dict[str, object]) -> Displaced:
    offers = plain.pop("alternatives")
    return Displaced(**_moments(plain), alternatives=tuple(Offer(**_moments(one)) for one in _list(offers)))


def _list(value: object) -> list[dict[str, object]]:
    return value if isinstance(value, list) else []


def _moments(plain: dict[str, object]) -> dict[str, Any]:
    """Return what JSON kept, moments as moments; our own writing, so nothing else stands in it."""
    return {name: datetime.fromisoformat(str(v)) if name in {"starts", "ends"} else v for name, v in plain.items()}


def _audit(connection: sa.Connection, by: Person, action: str, subject: str, at: datetime) -> None:
    connection.execute(t.audit.insert(), {"at": at, "actor": by.login, "action": action, "subject": subject})
