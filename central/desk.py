"""The SOP's desk: what people do with requests, each deed one transaction.

All methods block and may be called from any thread. Whether a person's role allows a
deed is asked before (`central.permissions`); what depends on the thing itself (own
agency, own request) is asked here. A deed writes its effect, the request's move, the
audit row and, for a session, its allocations and the outbox row together or not at all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from central import bell, rows, stock
from central.assess import Assessor
from central.bell import Bell
from central.checks import check_draft
from central.db import guard
from central.db import tables as t
from central.db.store import Store
from central.domain.clocks import running
from central.domain.findings import Code, Finding, Verdict
from central.domain.sop import OPEN, Event, IllegalTransition, State, advance
from central.domain.words import Role
from central.errors import Forbidden, Invalid, NotFound, Refused, Wrong
from central.letters import Letters
from central.model import (
    Choices,
    Decision,
    Direction,
    Draft,
    Inbox,
    InboxItem,
    LetterFile,
    Operator,
    Person,
    Request,
    Room,
    Upload,
    Verification,
)
from central.permissions import may_see, sees_all_agencies
from central.settings import Policy
from contract import SessionStatus, new_id

NEVER_OVERRIDDEN: Final = frozenset(
    {Code.ROOM_TAKEN, Code.ROOM_CLOSED, Code.OPERATOR_TAKEN, Code.OPERATORS_NONE_FREE, Code.ACCOUNT_TAKEN}
)
"""What no reason can put right: the thing is not there at that time."""
_WAITS_FOR: Final = {State.SUBMITTED: Role.HEAD, State.DISPOSED: Role.VERIFIER, State.RETURNED: Role.APPLICANT}


def utc_now() -> datetime:
    """Return the moment, for everything that is given no other clock."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody does to a request; without an event it is the letter's arrival."""

    event: Event | None
    actor: str
    login: str
    reason: str = ""
    version: int | None = None
    detail: Mapping[str, object] = field(default_factory=dict)


class Desk:
    """Requests, from the letter to the decision."""

    def __init__(
        self,
        store: Store,
        letters: Letters,
        policy: Policy,
        zone: ZoneInfo,
        *,
        bell: Bell | None = None,
        prepare_lead: timedelta = timedelta(minutes=30),
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._store = store
        self._letters = letters
        self._policy = policy
        self._zone = zone
        self.assess = Assessor(policy, zone)
        self._bell = bell or Bell()
        self._prepare_lead = prepare_lead
        self.now = now

    # Reading

    def choices(self) -> Choices:
        """Return what forms offer."""
        with self._store.reading() as connection:
            return Choices(
                agencies=rows.agencies(connection),
                rooms=rows.rooms(connection),
                operators=rows.operators(connection),
                equipment=stock.equipment(connection),
                platforms=self._policy.platforms,
                letter_pattern=self._policy.letter_number,
                lead_time=self._policy.lead_time,
            )

    def get(self, request_id: str, by: Person) -> Request:
        """Return one request.

        Raises:
            NotFound: there is none that this person may know of.
        """
        with self._store.reading() as connection:
            return self._seen(connection, request_id, by)

    def requests(self, by: Person, *, states: frozenset[State] = frozenset(), limit: int = 200) -> tuple[Request, ...]:
        """Return the newest requests that `by` may see, only those in `states` when some are named."""
        where: list[sa.ColumnElement[bool]] = []
        if states:
            where.append(t.request.c.state.in_(states))
        if not sees_all_agencies(by):
            where.append(t.request.c.agency_id == (by.agency.id if by.agency else ""))
        with self._store.reading() as connection:
            return rows.requests(connection, self._policy.sop(), *where, limit=limit)

    def inbox(self, by: Person) -> Inbox:
        """Return what waits for this person: leaders first, then the most urgent."""
        states = frozenset(state for state, role in _WAITS_FOR.items() if role in by.roles)
        now = self.now()
        found = self.requests(by, states=states) if states else ()
        items = [self._item(request, now) for request in found]
        items.sort(key=lambda item: (not item.request.leader.takes_part, item.remaining or timedelta.max))
        return Inbox(now, tuple(items))

    def _item(self, request: Request, now: datetime) -> InboxItem:
        clock = running(request.clocks)
        verdict = self.verify(request).verdict if request.state is State.DISPOSED else None
        remaining = clock.remaining(now) if clock else None
        return InboxItem(request, clock, remaining, clock is not None and clock.late(now), verdict)

    def letter(self, request_id: str, by: Person) -> tuple[LetterFile, bytes]:
        """Return the request's letter and its bytes.

        Raises:
            NotFound: no such request, or it came without a file.
        """
        file = self.get(request_id, by).letter.file
        if file is None:
            raise NotFound("letter", request_id)
        return file, self._letters.read(file.sha256)

    # Step 1: the letter arrives

    def submit(self, draft: Draft, upload: Upload | None, by: Person, *, key: str | None = None) -> Request:
        """Take a request in; with a `key` that was used before, return the request it made.

        Raises:
            Invalid: every field that is wrong.
            Forbidden: for another agency than the person's own.
        """
        if by.agency is None or by.agency.id != draft.agency_id:
            raise Forbidden("agency.foreign", "a request is sent in for one's own agency")
        self.check(draft, upload)
        file = self._letters.keep(upload or Upload("", b""))
        with self._store.writing() as connection:
            known = _made_with(connection, by, key)
            ident = known or self._insert(connection, draft, file, by, key)
            request = rows.request(connection, ident, self._policy.sop())
        self._bell.ring(bell.REQUESTS)
        return request

    def check(self, draft: Draft, upload: Upload | None, unread: Iterable[Wrong] = ()) -> None:
        """Return when a draft is in order; `unread` are mistakes that a form found before.

        Raises:
            Invalid: every field that is wrong.
        """
        read_before = tuple(unread)
        known = {wrong.field for wrong in read_before}
        found = tuple(wrong for wrong in check_draft(draft, self._policy) if wrong.field not in known)
        missing = () if upload is not None else (Wrong("letter", "letter.wanted", "the letter is missing"),)
        if wrongs := (*read_before, *found, *missing):
            raise Invalid(*wrongs)

    def _insert(self, connection: sa.Connection, draft: Draft, file: LetterFile, by: Person, key: str | None) -> str:
        now, ident = self.now(), new_id()
        if connection.scalar(sa.select(t.room.c.id).where(t.room.c.id == draft.room_id)) is None:
            raise Invalid(Wrong("room_id", "room.not_found", f"there is no room {draft.room_id!r}"))
        _keep_letter(connection, file, now)
        values = _columns(draft) | {
            "id": ident,
            "receipt": _receipt(connection, now.astimezone(self._zone).year),
            "letter_name": file.name,
            "letter_sha256": file.sha256,
            "state": State.SUBMITTED,
            "version": 1,
            "submitted_at": now,
            "applicant_id": by.id,
        }
        connection.execute(t.request.insert(), values)
        if key:
            connection.execute(t.request_key.insert(), {"person_id": by.id, "key": key, "request_id": ident})
        record(connection, ident, State.SUBMITTED, Deed(None, by.name, by.login, detail={"letter": file.sha256}), now)
        return ident

    def resubmit(self, request_id: str, draft: Draft, upload: Upload | None, by: Person) -> Request:
        """Send a returned request in again, changed; without an upload it keeps its letter.

        Raises:
            NotFound: there is no such request.
            Invalid: every field that is wrong.
            Refused: it was not returned.
        """
        wrongs = check_draft(draft, self._policy)
        if wrongs:
            raise Invalid(*wrongs)
        file = self._letters.keep(upload) if upload is not None else None
        with self._store.writing() as connection:
            request = self._seen(connection, request_id, by)
            self._advance(connection, request, Deed(Event.RESUBMIT, by.name, by.login))
            change = _columns(draft) | {"agency_id": request.agency.id, "submitted_at": self.now()}
            if file is not None:
                _keep_letter(connection, file, self.now())
                change |= {"letter_name": file.name, "letter_sha256": file.sha256}
            connection.execute(t.request.update().where(t.request.c.id == request_id).values(change))
            changed = rows.request(connection, request_id, self._policy.sop())
        self._bell.ring(bell.REQUESTS)
        return changed

    # Step 2: the head's direction

    def dispose(self, request_id: str, direction: Direction, by: Person, *, version: int | None = None) -> Request:
        """Send the request to the division, or back to the applicant with a note.

        Raises:
            NotFound: there is no such request.
            Invalid: a return without a note.
            Refused: it is not waiting for direction, or changed since `version`.
        """
        if not direction.accept and not direction.note.strip():
            raise Invalid(Wrong("note", "note.wanted", "say why it goes back"))
        event = Event.ACCEPT if direction.accept else Event.RETURN
        return self._move(request_id, event, by, direction.note, version)

    # Step 3: verification and decision

    def verify(self, request: Request, *, room_id: str | None = None, operator_id: str | None = None) -> Verification:
        """Return all findings for `request`, in its room or another one, with that operator or anyone.

        Raises:
            NotFound: no such room or operator.
        """
        with self._store.reading() as connection:
            return self._verify(connection, request, room_id, operator_id)

    def _verify(
        self, connection: sa.Connection, request: Request, room_id: str | None, operator_id: str | None
    ) -> Verification:
        return self.assess.verify(connection, request, self.now(), room_id=room_id, operator_id=operator_id)

    def decide(self, request_id: str, decision: Decision, by: Person, *, version: int | None = None) -> Request:
        """Approve the request, which makes its session, or refuse it with a reason.

        The findings are computed again in the transaction that writes the session.

        Raises:
            NotFound: no such request, room or operator.
            Forbidden: it is the person's own request.
            Invalid: a refusal without reason, an approval without operator.
            Refused: not waiting for a decision, changed since `version`, a finding that fails without
                an override reason, or a room or operator that is taken.
            DBAPIError: the database failed in another way.
        """
        if not decision.approve:
            if not decision.reason.strip():
                raise Invalid(Wrong("reason", "reason.wanted", "say why it is refused"))
            return self._move(request_id, Event.REFUSE, by, decision.reason, version)
        try:
            with self._store.writing() as connection:
                request = self._approve(connection, request_id, decision, by, version)
        except sa.exc.DBAPIError as error:
            if not guard.is_overlap(error):
                raise
            raise Refused("booking.taken", "the room or the operator was taken in the meantime") from error
        self._bell.ring(bell.REQUESTS, bell.SCHEDULE, bell.ROOMS)
        return request

    def _approve(
        self, connection: sa.Connection, request_id: str, decision: Decision, by: Person, version: int | None
    ) -> Request:
        """Do what `decide` says about an approval.

        Raises:
            Invalid: no operator is named.
        """
        request = self._seen(connection, request_id, by)
        _not_own(request, by)
        found = self._verify(connection, request, decision.room_id, decision.operator_id)
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
        self._advance(connection, request, Deed(Event.APPROVE, by.name, by.login, reason, version, detail))
        _allowed(failing, decision)
        self._book(connection, request, found.room, found.operator)
        return rows.request(connection, request_id, self._policy.sop())

    def _book(self, connection: sa.Connection, request: Request, room: Room, operator: Operator) -> None:
        """Write the session, what it takes, and the word to its room."""
        rules, ident = self.assess.rules(request.starts), new_id()
        buffers = rules.buffers_of.get(room.id, rules.buffers)
        taken = self.assess.allocate(connection, request, room, operator)
        connection.execute(
            t.session.insert(),
            {
                "id": ident,
                "request_id": request.id,
                "room_id": room.id,
                "operator_id": operator.id,
                "rev": 1,
                "status": SessionStatus.CONFIRMED,
                "title": request.title,
                "agency": request.agency.name,
                "leader": request.leader,
                "starts": request.starts,
                "ends": request.ends,
                "prepare_at": request.starts - self._prepare_lead,
                "setup_s": buffers.setup.total_seconds(),
                "teardown_s": buffers.teardown.total_seconds(),
                "recording": request.recording,
                "letter": request.letter.number,
                "platform": request.platform,
            },
        )
        connection.execute(
            t.alloc.insert(),
            [
                {"session_id": ident, "unit_kind": held.kind, "unit_id": held.unit, "live": True}
                | {"starts": held.starts, "ends": held.ends}
                for held in taken
            ],
        )
        self._tell_room(connection, room.id, f"approved {request.receipt}")

    # The applicant takes it back

    def withdraw(self, request_id: str, reason: str, by: Person, *, version: int | None = None) -> Request:
        """Take a request back, or call off its session when there is one already.

        Raises:
            NotFound: there is no such request.
            Invalid: no reason.
            Refused: it is closed, or changed since `version`.
        """
        if not reason.strip():
            raise Invalid(Wrong("reason", "reason.wanted", "say why"))
        with self._store.writing() as connection:
            request = self._seen(connection, request_id, by)
            event = Event.WITHDRAW if request.state in OPEN else Event.CANCEL
            self._advance(connection, request, Deed(event, by.name, by.login, reason, version))
            if request.session_id is not None:
                self._call_off(connection, request.session_id)
            changed = rows.request(connection, request_id, self._policy.sop())
        self._bell.ring(bell.REQUESTS, bell.SCHEDULE, bell.ROOMS)
        return changed

    def _call_off(self, connection: sa.Connection, session_id: str) -> None:
        held = rows.session(connection, session_id)
        change = {"status": SessionStatus.CANCELLED, "rev": t.session.c.rev + 1}
        connection.execute(t.session.update().where(t.session.c.id == session_id).values(change))
        connection.execute(t.alloc.update().where(t.alloc.c.session_id == session_id).values(live=False))
        self._tell_room(connection, held.room.id, f"cancelled {held.receipt}")

    # What all deeds share

    def _seen(self, connection: sa.Connection, request_id: str, by: Person) -> Request:
        request = rows.request(connection, request_id, self._policy.sop())
        if not may_see(by, request):
            raise NotFound("request", request_id)
        return request

    def _move(self, request_id: str, event: Event, by: Person, reason: str, version: int | None) -> Request:
        with self._store.writing() as connection:
            request = self._seen(connection, request_id, by)
            _not_own(request, by)
            self._advance(connection, request, Deed(event, by.name, by.login, reason, version))
            changed = rows.request(connection, request_id, self._policy.sop())
        self._bell.ring(bell.REQUESTS)
        return changed

    def _advance(self, connection: sa.Connection, request: Request, deed: Deed) -> None:
        """Move the request and write down who did it and why.

        Raises:
            Refused: its state takes no such event, or it changed since the deed's version.
        """
        if deed.version is not None and deed.version != request.version:
            raise Refused("request.changed", f"version {deed.version} is stale", version=request.version)
        event = deed.event or Event.RESUBMIT
        try:
            state = advance(request.state, event)
        except IllegalTransition as error:
            raise Refused("request.state", str(error), state=request.state.value, event=event.value) from error
        change = t.request.update().where(t.request.c.id == request.id)
        connection.execute(change.values(state=state, version=t.request.c.version + 1))
        record(connection, request.id, state, deed, self.now())

    def _tell_room(self, connection: sa.Connection, room_id: str, cause: str) -> None:
        connection.execute(t.outbox.insert(), {"room_id": room_id, "cause": cause, "created_at": self.now()})


def record(connection: sa.Connection, request_id: str, state: State, deed: Deed, at: datetime) -> None:
    """Write down a move of a request, for people and for the audit."""
    reason = deed.reason.strip()
    move = {"request_id": request_id, "at": at, "event": deed.event, "state": state}
    connection.execute(t.request_move.insert(), move | {"actor": deed.actor, "reason": reason})
    detail = json.dumps({**deed.detail, "reason": reason})
    audit = {"at": at, "actor": deed.login, "action": f"request.{deed.event or 'submit'}"}
    connection.execute(t.audit.insert(), audit | {"subject": request_id, "detail": detail})


def _made_with(connection: sa.Connection, by: Person, key: str | None) -> str | None:
    """Return the request that this person made with this key before."""
    same = sa.and_(t.request_key.c.person_id == by.id, t.request_key.c.key == key)
    return connection.scalar(sa.select(t.request_key.c.request_id).where(same)) if key else None


def _keep_letter(connection: sa.Connection, file: LetterFile, now: datetime) -> None:
    letter = {"sha256": file.sha256, "media_type": file.media_type, "size_bytes": file.size_bytes, "received_at": now}
    connection.execute(t.letter.insert().prefix_with("OR IGNORE"), letter)


def _receipt(connection: sa.Connection, year: int) -> str:
    """Return the year's next receipt number."""
    name = f"receipt-{year}"
    connection.execute(t.counter.insert().prefix_with("OR IGNORE"), {"name": name, "value": 0})
    step = t.counter.update().where(t.counter.c.name == name).values(value=t.counter.c.value + 1)
    return f"{year}-{connection.scalar(step.returning(t.counter.c.value)):04d}"


def _columns(draft: Draft) -> dict[str, object]:
    return {
        "agency_id": draft.agency_id,
        "letter_number": draft.letter_number.strip(),
        "letter_date": draft.letter_date.isoformat(),
        "letter_subject": draft.letter_subject.strip(),
        "contact_name": draft.contact.name.strip(),
        "contact_phone": draft.contact.phone.strip(),
        "title": draft.title.strip(),
        "agenda": draft.agenda.strip(),
        "starts": draft.starts,
        "ends": draft.ends,
        "room_id": draft.room_id,
        "participants": draft.participants,
        "platform": draft.platform,
        "leader": draft.leader,
        "recording": draft.recording,
        "own_account": draft.own_account,
        "own_equipment": draft.own_equipment.strip(),
        "own_people": draft.own_people.strip(),
        "streaming": draft.streaming,
        "needs": stock.needs_text(draft.needs),
    }


def _not_own(request: Request, by: Person) -> None:
    """Keep four eyes on every request.

    Raises:
        Forbidden: the person sent it in.
    """
    if request.applicant_id == by.id:
        raise Forbidden("request.own", "nobody decides on a request of his own")


def _allowed(failing: tuple[Finding, ...], decision: Decision) -> None:
    """Let an approval pass only without failing findings, or with a reason where one can help.

    Raises:
        Refused: it may not pass; the findings say why.
    """
    hard = tuple(finding for finding in failing if finding.code in NEVER_OVERRIDDEN)
    if hard:
        raise Refused("booking.taken", "the room or the operator is not there at that time", hard)
    if failing and not decision.override_reason.strip():
        raise Refused("override.wanted", "a finding fails: give a reason to override it", failing)
