"""What could be done instead, and what of a day can be served together: reading only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

import sqlalchemy as sa

from central import rows, stock
from central.assess import Assessor, named_room, wish_of
from central.db import tables as t
from central.db.store import Store
from central.domain.allocation import allocate
from central.domain.alternatives import Alternative, Search, alternatives
from central.domain.calendar import Span
from central.domain.candidates import candidate, impossible
from central.domain.findings import Finding, Rival
from central.domain.resources import AccountFacts, Occupied, OperatorFacts, Resources, Rules
from central.domain.servable import Candidate, Day, Servable, servable
from central.domain.sop import State
from central.domain.staff import suitable
from central.domain.verification import verify
from central.domain.words import UnitKind
from central.model import Operator, Request, Room

DAYS_AT_MOST = 366
STAFF_SHOWN = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class ServableDay:
    """The day's requests that wait for a decision: `best` of `candidates`, and those that cannot be served at all."""

    day: date
    candidates: tuple[Request, ...]
    best: Servable
    impossible: tuple[tuple[Request, tuple[Finding, ...]], ...]
    operators: tuple[Operator, ...]


@dataclass(frozen=True, slots=True)
class OfficeDay:
    """One day of the office's calendar; without hours it is free."""

    day: date
    works: bool
    opens: time | None
    closes: time | None
    holiday: str


@dataclass(frozen=True, slots=True)
class RoomTimes:
    """When a room is taken; the rest of the day is free."""

    room_id: str
    room_name: str
    taken: tuple[tuple[datetime, datetime], ...]


class Planner:
    """Answers to "what else?"."""

    def __init__(self, store: Store, assess: Assessor, *, now: Callable[[], datetime]) -> None:
        self._store = store
        self._assess = assess
        self._now = now

    def alternatives(self, request: Request, *, room_id: str | None = None) -> tuple[Alternative, ...]:
        """Return the nearest feasible choices; none when the request can be served as it is.

        Raises:
            NotFound: no such room.
        """
        with self._store.reading() as connection:
            room = named_room(rows.rooms(connection), room_id or request.room.id)
            return self._nearest(connection, request, room)

    def alternatives_beside(
        self, connection: sa.Connection, request: Request, other: Request, *, without: frozenset[str]
    ) -> tuple[Alternative, ...]:
        """Return what `request` could have once `other` holds its room and sessions in `without` are gone.

        The other's operator, account and equipment count as well: whatever it takes first.
        """
        rules = self._assess.rules(other.starts)
        there = self._assess.resources(connection, other, other.room, None, without=without)
        wish = wish_of(other, rules)
        people = suitable(wish, there, rules)
        taken = allocate(wish, replace(there, operator=people[0] if people else None), rules)
        as_if = tuple(
            Occupied(held.kind, held.unit, Rival(other.id, other.title, other.agency.name, held.starts, held.ends))
            for held in taken
        )
        return self._nearest(connection, request, request.room, without=without, as_if=as_if)

    def _nearest(
        self,
        connection: sa.Connection,
        request: Request,
        room: Room,
        *,
        without: frozenset[str] = frozenset(),
        as_if: tuple[Occupied, ...] = (),
    ) -> tuple[Alternative, ...]:
        """Look outwards from the request's time, and read no further than is looked."""
        facts = tuple(rows.room_facts(one) for one in rows.rooms(connection))
        rules, search = self._assess.rules(request.starts), Search()
        whole = timedelta(days=search.days + 1)
        there = stock.there(connection, room, (request.starts - whole, request.ends + whole))
        gone = without | frozenset({request.session_id} if request.session_id else ())
        read = _Outwards(connection, (request.starts, request.ends), gone)
        wish, there = wish_of(request, rules), replace(there, occupied=as_if)
        return alternatives(wish, there, facts, rules, now=self._now(), search=search, read=read)

    def calendar(self, first: date, last: date) -> tuple[OfficeDay, ...]:
        """Return the days from `first` to `last`, 366 at most."""
        count = min((last - first).days + 1, DAYS_AT_MOST)
        days = [first + timedelta(days=n) for n in range(max(count, 0))]
        return tuple(self._office_day(day) for day in days)

    def _office_day(self, day: date) -> OfficeDay:
        calendar = self._assess.rules(datetime.combine(day, time(12), self._assess.zone)).calendar
        opens, closes = calendar.hours(day) or (None, None)
        return OfficeDay(day, calendar.works(day), opens, closes, calendar.holidays.get(day, ""))

    def availability(self, day: date) -> tuple[RoomTimes, ...]:
        """Return when each open room is taken on `day`, buffers included."""
        first = datetime.combine(day, time(), self._assess.zone)
        with self._store.reading() as connection:
            held = rows.occupied(connection, first, first + timedelta(days=1))
            there = [room for room in rows.rooms(connection) if room.open]
        of_rooms = [one for one in held if one.kind is UnitKind.ROOM]
        return tuple(
            RoomTimes(r.id, r.name, tuple((o.rival.starts, o.rival.ends) for o in of_rooms if o.unit == r.id))
            for r in there
        )

    def accounts(self) -> tuple[AccountFacts, ...]:
        """Return the meeting accounts in use."""
        with self._store.reading() as connection:
            return stock.accounts(connection)

    def staff(self) -> tuple[OperatorFacts, ...]:
        """Return the division's people, with their leave of the coming weeks."""
        now = self._now()
        with self._store.reading() as connection:
            return stock.operators(connection, rows.operators(connection), (now, now + STAFF_SHOWN))

    def servable(self, day: date) -> ServableDay:
        """Return which of the requests that start on `day` and wait for a decision can be served together."""
        first = datetime.combine(day, time(), self._assess.zone)
        rules = self._assess.rules(first)
        with self._store.reading() as connection:
            waiting = self._waiting(connection, first, first + timedelta(days=1))
            people = rows.operators(connection)
            if not waiting:
                return ServableDay(day, (), servable((), Day(rules.servable_limit)), (), people)
            span = first - timedelta(days=1), max(request.ends for request in waiting) + timedelta(days=1)
            found = stock.resources(connection, waiting[0].room, None, span)
        candidates, cannot = _sorted_out(waiting, found, rules)
        booked = tuple((o.rival.starts, o.rival.ends) for o in found.occupied if o.kind is UnitKind.ROOM)
        best = servable(candidates, Day(rules.servable_limit, booked, rules.travel))
        asked = {one.id for one in candidates}
        return ServableDay(day, tuple(request for request in waiting if request.id in asked), best, cannot, people)

    def _waiting(self, connection: sa.Connection, first: datetime, last: datetime) -> tuple[Request, ...]:
        states = t.request.c.state.in_([State.SUBMITTED, State.DISPOSED])
        starts = (t.request.c.starts >= first, t.request.c.starts < last)
        found = rows.requests(connection, self._assess.standards, states, *starts)
        return tuple(sorted(found, key=lambda request: (request.starts, request.submitted_at, request.id)))


class _Outwards:
    """Reads what is taken around an event, each time further away and nothing twice."""

    def __init__(self, connection: sa.Connection, event: Span, gone: frozenset[str]) -> None:
        self._connection = connection
        self._event = event
        self._gone = gone
        self._seen: Span | None = None

    def __call__(self, margin: timedelta) -> Iterator[Occupied]:
        """Yield what is taken within `margin` before and after, without what was told before."""
        seen, whole = self._seen, (self._event[0] - margin, self._event[1] + margin)
        spans = (whole,) if seen is None else ((whole[0], seen[0]), (seen[1], whole[1]))
        self._seen = whole
        for one in rows.occupied_in(self._connection, spans):
            known = seen is not None and one.rival.starts < seen[1] and seen[0] < one.rival.ends
            if not known and one.rival.session not in self._gone:
                yield one


def _sorted_out(
    waiting: tuple[Request, ...], found: Resources, rules: Rules
) -> tuple[list[Candidate], tuple[tuple[Request, tuple[Finding, ...]], ...]]:
    """Return those that could be served by themselves, and the others with what is missing."""
    candidates: list[Candidate] = []
    cannot: list[tuple[Request, tuple[Finding, ...]]] = []
    for request in waiting:
        wish, here = wish_of(request, rules), replace(found, room=rows.room_facts(request.room))
        if failing := impossible(verify(wish, here, rules)):
            cannot.append((request, failing))
        else:
            candidates.append(candidate(request.id, wish, here, rules))
    return candidates, tuple(cannot)
