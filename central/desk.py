"""The SOP's desk: what people do with requests, each deed one transaction.

All methods block and may be called from any thread. Whether a person's role allows a
deed is asked before (`central.permissions`); what depends on the thing itself (own
agency, own request) is asked here. A deed writes its effect, the request's move, the
audit row and, for a session, its allocations and the outbox row together or not at all.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from central import bell, rows, stock
from central.assess import Assessor, at_site
from central.bell import Bell
from central.checks import check_draft
from central.db import guard, locks
from central.db import tables as t
from central.db.store import Store
from central.db.writes import insert_new, retried
from central.delegations import with_role
from central.domain.calendar import Span
from central.domain.clocks import Standards, running
from central.domain.findings import Verdict
from central.domain.recurrence import mistakes, occurrences
from central.domain.sop import OPEN, Event, State
from central.domain.words import Leader, Role
from central.errors import Erased, Forbidden, Invalid, NotFound, Refused, Wrong
from central.letters import Letters
from central.model import (
    Choices,
    Decision,
    Direction,
    Draft,
    Inbox,
    InboxItem,
    LetterFile,
    Person,
    Request,
    RequestChange,
    Upload,
    Verification,
)
from central.moves import TRACKING_BYTES, Deed, Moves, keep_change, next_receipt, not_own, record, utc_now
from central.notices.post import Post
from central.permissions import may_see, sees_all_agencies
from central.settings import Policy
from central.sought import ANYTHING, Sought
from contract import new_id

_CHANGES_SHOWN: Final = frozenset(
    {
        "letter_number", "letter_date", "letter_subject", "letter_sha256", "contact_name", "contact_phone", "title",
        "agenda", "starts", "ends", "room_id", "site", "participants", "platform", "leader", "recording", "own_account",
        "own_equipment", "own_people", "streaming", "needs",
    }
)  # fmt: skip
"""What an applicant may change; the rest follows from it."""
Key = tuple[object, ...]
"""Where a list goes on: what it is ordered by, of the last row that was seen."""
_WAITS_FOR: Final = {
    State.SUBMITTED: frozenset({Role.HEAD}),
    State.DISPOSED: frozenset({Role.VERIFIER, Role.SCHEDULER}),  # who prepares the decision sees what waits for it
    State.RETURNED: frozenset({Role.APPLICANT}),
}


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
        post: Post | None = None,
    ) -> None:
        self._store = store
        self._letters = letters
        self._policy = policy
        self._zone = zone
        self.assess = Assessor(policy, zone)
        self.moves = Moves(self.assess, prepare_lead, now, post)
        self._bell = bell or Bell()
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
                leaders=(Leader.NONE, *self._policy.leaders),
                letter_pattern=self._policy.letter_number,
                lead_time=self._policy.lead_time,
            )

    def get(self, request_id: str, by: Person) -> Request:
        """Return one request.

        Raises:
            NotFound: there is none that this person may know of.
        """
        with self._store.reading() as connection:
            return self.moves.seen(connection, request_id, by)

    def requests(
        self,
        by: Person,
        *,
        states: frozenset[State] = frozenset(),
        within: Span | None = None,
        sought: Sought = ANYTHING,
        limit: int = 200,
        after: Key | None = None,
        order: Sequence[sa.ColumnElement[Any]] = rows.NEWEST,
    ) -> tuple[Request, ...]:
        """Return the newest requests that `by` may see, only those in `states`, of a time or that are `sought`.

        `after` is arrival and id of the last one that was seen.

        Raises:
            Invalid: what is sought cannot be looked for.
        """
        if unlike := tuple(sought.wrongs()):
            raise Invalid(*unlike)
        where = [] if after is None else [sa.tuple_(t.request.c.submitted_at, t.request.c.id) < after]
        if states:
            where.append(t.request.c.state.in_(states))
        if within is not None:
            where += rows.touching(t.request.c, *within)
        where += sought.conditions(self.now(), self._zone)
        if not sees_all_agencies(by):
            where.append(t.request.c.agency_id == (by.agency.id if by.agency else ""))
        with self._store.reading() as connection:
            return rows.requests(connection, self.assess.standards, *where, limit=limit, order=order)

    def inbox(self, by: Person) -> Inbox:
        """Return what waits for this person: leaders first, then the most urgent."""
        states = frozenset(state for state, roles in _WAITS_FOR.items() if roles & by.roles)
        now = self.now()
        found = self.requests(by, states=states, order=rows.urgent(self._policy.leaders)) if states else ()
        with self._store.reading() as connection:
            verdicts = self.assess.verdicts(connection, [one for one in found if one.state is State.DISPOSED])
        standards = self.assess.standards
        items = [_item(request, now, verdicts.get(request.id), standards) for request in found]
        items.sort(key=lambda item: self._urgency(item, by))
        return Inbox(now, tuple(items))

    def _urgency(self, item: InboxItem, by: Person) -> tuple[bool, bool, timedelta]:
        """Return where an item stands in the inbox: leaders, then what is not somebody else's, then the most urgent."""
        request = item.request
        anothers = request.state is State.DISPOSED and request.forwarded_to not in {None, by.id}
        return request.leader not in self._policy.leaders, anothers, item.remaining or timedelta.max

    def letter(self, request_id: str, by: Person) -> tuple[LetterFile, bytes]:
        """Return the request's letter and its bytes.

        Raises:
            NotFound: no such request, or it came without a file.
            Erased: the letter's time is over.
        """
        file = self.get(request_id, by).letter.file
        if file is None:
            raise NotFound("letter", request_id)
        if file.erased_at is not None:
            raise Erased("letter", request_id, file.erased_at)
        return file, self._letters.read(file.sha256)

    # Step 1: the letter arrives

    @retried
    def submit(self, draft: Draft, upload: Upload | None, by: Person, *, key: str | None = None) -> Request:
        """Take a request in; with a `key` that was used before, return the request it made.

        Raises:
            Invalid: every field that is wrong.
            Forbidden: for another agency than the person's own.
        """
        if by.agency is None or by.agency.id != draft.agency_id:
            raise Forbidden("agency.foreign", "a request is sent in for one's own agency")
        self.check(draft, upload)
        sent = upload or Upload("", b"")
        file = self._letters.keep(sent)
        with self._store.writing() as connection:
            if key:
                locks.alone(connection, f"key {by.id} {key}")
            known = _made_with(connection, by, key)
            if known is None:
                self._take_in(connection, file, sent)
            ident = known or self._insert_all(connection, draft, file, by, key)
            request = rows.request(connection, ident, self.assess.standards)
        self._bell.ring(bell.REQUESTS)
        return request

    def _take_in(self, connection: sa.Connection, file: LetterFile, upload: Upload) -> None:
        """Write down that a letter is here; one that was erased, or is just being erased, is here again.

        Its file was written before, outside the transaction. Whoever erases holds the row while
        the file goes, so behind the lock it can be seen whether it is still there.
        """
        row = {"sha256": file.sha256, "media_type": file.media_type, "size_bytes": file.size_bytes}
        insert_new(connection, t.letter, [row | {"received_at": self.now()}])
        same = t.letter.c.sha256 == file.sha256
        if connection.scalar(sa.select(t.letter.c.erased_at).where(same).with_for_update()) is not None:
            connection.execute(t.letter.update().where(same).values(erased_at=None, received_at=self.now()))
        self._letters.keep(upload)

    def check(self, draft: Draft, upload: Upload | None, unread: Iterable[Wrong] = ()) -> None:
        """Return when a draft is in order; `unread` are mistakes that a form found before.

        Raises:
            Invalid: every field that is wrong.
        """
        read_before = tuple(unread)
        known = {wrong.field for wrong in read_before}
        found = tuple(wrong for wrong in check_draft(draft, self._policy) if wrong.field not in known)
        missing: tuple[Wrong, ...] = (Wrong("letter", "letter.wanted", "the letter is missing"),)
        if upload is not None:
            missing = self._letters.wrongs(upload)
        if wrongs := (*read_before, *found, *self._repeat(draft), *missing):
            raise Invalid(*wrongs)

    def _repeat(self, draft: Draft) -> tuple[Wrong, ...]:
        if draft.repeat is None or draft.starts.tzinfo is None or draft.ends <= draft.starts:
            return ()
        calendar = self.assess.rules(draft.starts).calendar
        codes = mistakes(draft.starts, draft.ends, draft.repeat, calendar)
        return tuple(Wrong("repeat_until", code, "wanted another end or interval") for code in codes)

    def _insert_all(
        self, connection: sa.Connection, draft: Draft, file: LetterFile, by: Person, key: str | None
    ) -> str:
        """Write the request, or each occurrence of one that recurs; return the first."""
        if draft.repeat is None:
            return self._insert(connection, draft, file, by, key)
        calendar = self.assess.rules(draft.starts).calendar
        found = occurrences(draft.starts, draft.ends, draft.repeat, calendar)
        kept = [one for one in found if not one.skipped]
        first = self._insert(connection, draft, file, by, key)
        rest = [replace(draft, starts=one.starts, ends=one.ends) for one in kept[1:]]
        idents = [first, *(self._insert(connection, one, file, by, None) for one in rest)]
        left_out = [one.starts.isoformat() for one in found if one.skipped]
        series = t.request.update().where(t.request.c.id.in_(idents)).values(series_id=first)
        connection.execute(series)
        audit = {"at": self.now(), "actor": by.login, "action": "series.submit", "subject": first}
        connection.execute(t.audit.insert(), audit | {"detail": json.dumps({"of": idents, "left_out": left_out})})
        return first

    def series(self, series_id: str, by: Person) -> tuple[Request, ...]:
        """Return the occurrences of a request that recurs, in order.

        Raises:
            NotFound: there is none that this person may know of.
        """
        with self._store.reading() as connection:
            found = rows.requests(connection, self.assess.standards, t.request.c.series_id == series_id)
        seen = [request for request in found if may_see(by, request)]
        if not seen:
            raise NotFound("series", series_id)
        return tuple(sorted(seen, key=lambda request: request.starts))

    @retried
    def dispose_series(self, series_id: str, direction: Direction, by: Person) -> tuple[Request, ...]:
        """Give one direction to every occurrence that waits for it: they came with one letter.

        Each is decided by itself later.

        Raises:
            NotFound: there is no such series.
            Invalid: a return without a note.
            Refused: none of them waits for direction.
        """
        if not direction.accept and not direction.note.strip():
            raise Invalid(Wrong("note", "note.wanted", "say why it goes back"))
        waiting = [request for request in self.series(series_id, by) if request.state is State.SUBMITTED]
        waiting.sort(key=lambda request: request.id)  # the order of all who lock several
        if not waiting:
            raise Refused("request.state", "no occurrence waits for direction")
        event = Event.ACCEPT if direction.accept else Event.RETURN
        with self._store.writing() as connection:
            for one in waiting:
                request = self.moves.claimed(connection, one.id, by)
                not_own(request, by)
                deed = Deed(event, by.signature, by.login, direction.note, one.version)
                self._direct(connection, request, direction, deed)
        self._bell.ring(bell.REQUESTS)
        return self.series(series_id, by)

    def _insert(self, connection: sa.Connection, draft: Draft, file: LetterFile, by: Person, key: str | None) -> str:
        now, ident = self.now(), new_id()
        draft = _placed(connection, draft)
        values = _columns(draft) | {
            "id": ident,
            "receipt": next_receipt(connection, now.astimezone(self._zone).year),
            "letter_name": file.name,
            "letter_sha256": file.sha256,
            "state": State.SUBMITTED,
            "version": 1,
            "submitted_at": now,
            "applicant_id": by.id,
            "tracking": secrets.token_urlsafe(TRACKING_BYTES),
        }
        connection.execute(t.request.insert(), values)
        if key:
            connection.execute(t.request_key.insert(), {"person_id": by.id, "key": key, "request_id": ident})
        arrived = Deed(None, by.name, by.login, detail={"letter": file.sha256})
        record(connection, ident, State.SUBMITTED, arrived, now)
        self.moves.tell(connection, ident, arrived)
        return ident

    @retried
    def resubmit(
        self,
        request_id: str,
        draft: Draft,
        upload: Upload | None,
        by: Person,
        *,
        unread: Iterable[Wrong] = (),
        version: int | None = None,
    ) -> Request:
        """Send a returned request in again, changed; without an upload it keeps its letter.

        `unread` are mistakes that a form found before.

        Raises:
            NotFound: there is no such request.
            Invalid: every field that is wrong.
            Refused: it was not returned, or changed since `version`.
        """
        read_before = tuple(unread)
        known = {wrong.field for wrong in read_before}
        found = tuple(wrong for wrong in check_draft(draft, self._policy) if wrong.field not in known)
        if wrongs := (*read_before, *found):
            raise Invalid(*wrongs)
        file = self._letters.keep(upload) if upload is not None else None
        with self._store.writing() as connection:
            request = self.moves.claimed(connection, request_id, by)
            self.moves.advance(connection, request, Deed(Event.RESUBMIT, by.name, by.login, version=version))
            change = _columns(_placed(connection, draft)) | {"agency_id": request.agency.id, "submitted_at": self.now()}
            if file is not None and upload is not None:
                self._take_in(connection, file, upload)
                change |= {"letter_name": file.name, "letter_sha256": file.sha256}
            _keep_change(connection, request_id, change, by, self.now())
            connection.execute(t.request.update().where(t.request.c.id == request_id).values(change))
            changed = rows.request(connection, request_id, self.assess.standards)
        self._bell.ring(bell.REQUESTS)
        return changed

    def changes(self, request: Request) -> tuple[RequestChange, ...]:
        """Return what changed each time a request was sent in again, oldest first."""
        query = t.request_change.select().where(t.request_change.c.request_id == request.id)
        with self._store.reading() as connection:
            found = connection.execute(query.order_by(t.request_change.c.id)).mappings()
            return tuple(RequestChange(row["at"], row["actor"], _pairs(row["changes"])) for row in found)

    def tracked(self, token: str) -> Request:
        """Return the request that a public link leads to; the link is all that is asked for.

        Raises:
            NotFound: it leads nowhere.
        """
        with self._store.reading() as connection:
            found = rows.requests(connection, self.assess.standards, t.request.c.tracking == token) if token else ()
        if not found:
            raise NotFound("link", token[:8])
        return found[0]

    # Step 2: the head's direction

    @retried
    def dispose(self, request_id: str, direction: Direction, by: Person, *, version: int | None = None) -> Request:
        """Send the request to the division, or back to the applicant with a note.

        Raises:
            NotFound: there is no such request.
            Invalid: a return without a note, or to nobody of the division.
            Refused: it is not waiting for direction, or changed since `version`.
        """
        if not direction.accept and not direction.note.strip():
            raise Invalid(Wrong("note", "note.wanted", "say why it goes back"))
        event = Event.ACCEPT if direction.accept else Event.RETURN
        with self._store.writing() as connection:
            request = self.moves.claimed(connection, request_id, by)
            not_own(request, by)
            self._direct(connection, request, direction, Deed(event, by.signature, by.login, direction.note, version))
            changed = rows.request(connection, request_id, self.assess.standards)
        self._bell.ring(bell.REQUESTS)
        return changed

    def _direct(self, connection: sa.Connection, request: Request, direction: Direction, deed: Deed) -> None:
        """Move the request on or back; going on it is for one officer, when one is named.

        Raises:
            Invalid: there is no such officer.
        """
        to = (direction.to or None) if direction.accept else None
        officers = dict(with_role(connection, Role.VERIFIER))
        if to is not None and to not in officers:
            raise Invalid(Wrong("to", "person.no_officer", "wanted an officer of the division"))
        connection.execute(t.request.update().where(t.request.c.id == request.id).values(forwarded_to=to))
        detail = {"to": officers[to]} if to else {}
        self.moves.advance(connection, request, replace(deed, detail=detail))

    def officers(self) -> tuple[tuple[str, str], ...]:
        """Return id and name of everybody in the division who decides."""
        with self._store.reading() as connection:
            return with_role(connection, Role.VERIFIER)

    # Step 3: verification and decision

    def verify(self, request: Request, *, room_id: str | None = None, operator_id: str | None = None) -> Verification:
        """Return all findings for `request`, in its room or another one, with that operator or anyone.

        Raises:
            NotFound: no such room or operator.
        """
        with self._store.reading() as connection:
            if room_id is None and request.site:
                return self._verify_site(connection, request, operator_id)
            return self._verify(connection, request, room_id, operator_id)

    def _verify_site(self, connection: sa.Connection, request: Request, operator_id: str | None) -> Verification:
        """Return the findings for the site's first room without a failing one, else for the room put down."""
        wished = self._verify(connection, request, None, operator_id)
        if wished.verdict is not Verdict.FAIL:
            return wished
        others = (room for room in at_site(wished.rooms, request.site, request.participants) if room != wished.room)
        tried = (self._verify(connection, request, room.id, operator_id) for room in others)
        return next((found for found in tried if found.verdict is not Verdict.FAIL), wished)

    def _verify(
        self, connection: sa.Connection, request: Request, room_id: str | None, operator_id: str | None
    ) -> Verification:
        found = self.assess.assess(connection, request, self.now(), room_id=room_id, operator_id=operator_id)
        return found.verification

    @retried
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
                request = self.moves.approve(connection, request_id, decision, by, version)
        except sa.exc.DBAPIError as error:
            if not guard.is_overlap(error):
                raise
            raise Refused("booking.taken", "the room or the operator was taken in the meantime") from error
        self._bell.ring(bell.REQUESTS, bell.SCHEDULE, bell.ROOMS)
        return request

    # The applicant takes it back

    @retried
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
            request = self.moves.claimed(connection, request_id, by)
            event = Event.WITHDRAW if request.state in OPEN else Event.CANCEL
            self.moves.advance(connection, request, Deed(event, by.name, by.login, reason, version))
            if request.session_id is not None:
                self.moves.call_off(connection, request.session_id)
            changed = rows.request(connection, request_id, self.assess.standards)
        self._bell.ring(bell.REQUESTS, bell.SCHEDULE, bell.ROOMS)
        return changed

    # What all deeds share

    @retried
    def _move(self, request_id: str, event: Event, by: Person, reason: str, version: int | None) -> Request:
        with self._store.writing() as connection:
            request = self.moves.claimed(connection, request_id, by)
            not_own(request, by)
            self.moves.advance(connection, request, Deed(event, by.name, by.login, reason, version))
            changed = rows.request(connection, request_id, self.assess.standards)
        self._bell.ring(bell.REQUESTS)
        return changed


def _item(request: Request, now: datetime, verdict: Verdict | None, standards: Standards) -> InboxItem:
    clock = running(request.clocks)
    if clock is None:
        return InboxItem(request, None, None, False, verdict)
    left, allowed = standards.left(clock, now), standards.allowed(clock)
    return InboxItem(request, clock, left, clock.late(now), verdict, allowed)


def _placed(connection: sa.Connection, draft: Draft) -> Draft:
    """Return the draft with its room; where any room of a site will do, the best of them is put down.

    Raises:
        Invalid: there is no such room or site.
    """
    known = rows.rooms(connection)
    if draft.site:
        there = at_site(known, draft.site, draft.participants)
        if not there:
            raise Invalid(Wrong("room_id", "room.not_found", f"there is no open room at {draft.site!r}"))
        return replace(draft, room_id=there[0].id)
    if draft.room_id not in {room.id for room in known}:
        raise Invalid(Wrong("room_id", "room.not_found", f"there is no room {draft.room_id!r}"))
    return draft


def _pairs(text: str) -> dict[str, tuple[str, str]]:
    return {name: (old, new) for name, (old, new) in json.loads(text).items()}


def _keep_change(
    connection: sa.Connection, request_id: str, change: Mapping[str, object], by: Person, at: datetime
) -> None:
    """Write down what of a request is other than it was, old and new."""
    before = connection.execute(t.request.select().where(t.request.c.id == request_id)).mappings().one()
    unlike = {
        name: (before[name], new) for name, new in change.items() if before[name] != new and name in _CHANGES_SHOWN
    }
    if unlike:
        keep_change(connection, request_id, {name: (str(a), str(b)) for name, (a, b) in unlike.items()}, by, at)


def _made_with(connection: sa.Connection, by: Person, key: str | None) -> str | None:
    """Return the request that this person made with this key before."""
    same = sa.and_(t.request_key.c.person_id == by.id, t.request_key.c.key == key)
    return connection.scalar(sa.select(t.request_key.c.request_id).where(same)) if key else None


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
        "site": draft.site,
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
