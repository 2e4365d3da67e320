"""The verification of a request against the database, and what its session takes.

Everything here reads in the caller's transaction, so a decision is computed on what it
is written upon.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from central import rows, stock
from central.domain import verification
from central.domain.allocation import Held, allocate
from central.domain.clocks import Standards
from central.domain.findings import Verdict, worst
from central.domain.resources import Days, Resources, Rules, Wish
from central.domain.staff import suitable
from central.domain.words import UnitKind
from central.errors import NotFound
from central.model import Operator, Request, Room, Verification
from central.settings import Policy
from central.stock import DAY


@dataclass(frozen=True, slots=True)
class Assessed:
    """A verification and what it was computed on, so that whoever books need not read it again."""

    verification: Verification
    wish: Wish
    resources: Resources
    rules: Rules

    @property
    def units(self) -> tuple[Held, ...]:
        """What a session takes with the room and the person that were looked at."""
        return allocate(self.wish, self.resources, self.rules)


class Assessor:
    """The rules of one office."""

    def __init__(self, policy: Policy, zone: ZoneInfo) -> None:
        self._policy = policy
        self._rules: dict[int, Rules] = {}
        self.zone = zone
        self.standards: Standards = policy.sop(lambda moment: self.rules(moment).calendar)
        """The SOP's time standards, each step's in the calendar of the year it began in."""

    def rules(self, starts: datetime) -> Rules:
        """Return the rules as they stand when an event starts."""
        year = starts.astimezone(self.zone).year
        if year not in self._rules:
            self._rules[year] = self._policy.rules(self.zone, year)
        return self._rules[year]

    def assess(
        self,
        connection: sa.Connection,
        request: Request,
        now: datetime,
        *,
        room_id: str | None = None,
        operator_id: str | None = None,
        without: frozenset[str] = frozenset(),
    ) -> Assessed:
        """Return all findings for `request`, with what they stand on; sessions in `without` count as gone.

        Raises:
            NotFound: no such room or operator.
        """
        all_rooms, people = rows.rooms(connection), rows.operators(connection)
        room = named_room(all_rooms, room_id or request.room.id)
        operator = rows.chosen(people, operator_id)
        found = self.resources(connection, request, room, operator, without=without)
        rules = self.rules(request.starts)
        wish = wish_of(request, rules)
        verified = Verification(
            request_id=request.id,
            room=room,
            operator=operator,
            findings=verification.verify(wish, found, rules),
            rooms=all_rooms,
            operators=people,
            free_operators=_free(people, wish, found, rules),
            computed_at=now,
        )
        return Assessed(verified, wish, found, rules)

    def verdicts(self, connection: sa.Connection, requests: Sequence[Request]) -> dict[str, Verdict]:
        """Return the verdict on each request in its room, whoever does it, in as many queries as for one.

        They wait for their decision: none of them holds anything yet.
        """
        if not requests:
            return {}
        spans = [(one.starts - DAY, one.ends + DAY) for one in requests]
        found = stock.resources_around(connection, requests[0].room, spans)
        there, days = rows.rooms(connection), Days(self.zone, found.taken)
        return {
            one.id: self._verdict(one, replace(found, occupied=days.around(one.starts, one.ends)), there)
            for one in requests
        }

    def _verdict(self, request: Request, found: Resources, there: tuple[Room, ...]) -> Verdict:
        """Return the verdict; where any room of a site will do, that of the best."""
        rooms = (request.room, *at_site(there, request.site, request.participants)) if request.site else (request.room,)
        rules, verdict = self.rules(request.starts), Verdict.FAIL
        wish = wish_of(request, rules)
        for room in rooms:
            verdict = worst(verification.verify(wish, replace(found, room=rows.room_facts(room)), rules))
            if verdict is not Verdict.FAIL:
                break
        return verdict

    def resources(
        self,
        connection: sa.Connection,
        request: Request,
        room: Room,
        operator: Operator | None,
        *,
        margin: timedelta | None = None,
        without: frozenset[str] = frozenset(),
    ) -> Resources:
        """Return what the rules look at for its own time, or, with a `margin`, for every time in it.

        The request's own session is not in its own way.
        """
        gone = without | frozenset({request.session_id} if request.session_id else ())
        if margin is None:
            event, rules = (request.starts, request.ends), self.rules(request.starts)
            return stock.resources_near(connection, room, operator, event, rules, without=gone)
        span = request.starts - margin, request.ends + margin
        return stock.resources(connection, room, operator, span, without=gone)


def _free(people: tuple[Operator, ...], wish: Wish, found: Resources, rules: Rules) -> tuple[Operator, ...]:
    """Return who is free: those whom nothing speaks against first, least busy first."""
    best = [one.id for one in suitable(wish, found, rules)]
    taken = found.rivals(UnitKind.OPERATOR, (one.id for one in people), rules.around_room(found.room.id, wish))
    free = [one for one in people if one.id not in taken]
    return tuple(sorted(free, key=lambda one: best.index(one.id) if one.id in best else len(best)))


def wish_of(request: Request, rules: Rules) -> Wish:
    """Return what rules look at; a leader is one when the office counts that position."""
    return Wish(
        submitted_at=request.submitted_at,
        starts=request.starts,
        ends=request.ends,
        leader=rules.counted(request.leader),
        participants=request.participants,
        platform=request.platform,
        recording=request.recording,
        own_account=request.own_account,
        own_equipment=request.own_equipment,
        own_people=request.own_people,
        streaming=request.streaming,
        needs=request.needs,
    )


def at_site(rooms: Iterable[Room], site: str, participants: int) -> tuple[Room, ...]:
    """Return the open rooms of a site: the smallest that holds everybody first, those too small last."""
    there = [room for room in rooms if room.open and room.site == site]
    return tuple(sorted(there, key=lambda room: (room.capacity < participants, abs(room.capacity - participants))))


def named_room(all_rooms: tuple[Room, ...], ident: str) -> Room:
    """Return the room with this id.

    Raises:
        NotFound: there is none.
    """
    found = next((room for room in all_rooms if room.id == ident), None)
    if found is None:
        raise NotFound("room", ident)
    return found
