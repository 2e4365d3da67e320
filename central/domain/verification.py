"""What the division must check before it decides (SOP step 3), computed.

Five considerations (3A): (1) the applicant's equipment and accounts, (2) the applicant's
people, (3) the division's equipment and accounts, (4) the division's people, (5) how many
requests can be served at once. Besides: the room itself, the lead time of step 1 and the
working hours of 3C. Leaders come first (3B), and still through every check.

Every rule always answers, so a person sees all reasons at once. A finding is a code with
values; sentences in two languages are made where pages are made. A failing finding never
decides: an officer does, and may override it with a reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from central.domain.calendar import OfficeCalendar, Why
from central.domain.words import Leader, UnitKind

Value = str | int | float | bool | datetime | tuple[str, ...]


class Verdict(StrEnum):
    """What a finding says."""

    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"


class Consideration(StrEnum):
    """Which check of the SOP a finding belongs to."""

    APPLICANT_EQUIPMENT = "1"
    APPLICANT_PEOPLE = "2"
    DIVISION_EQUIPMENT = "3"
    DIVISION_PEOPLE = "4"
    SERVABLE = "5"
    ROOM = "room"
    LEAD_TIME = "lead_time"
    HOURS = "hours"


class Code(StrEnum):
    """Every answer a rule can give; pages have a sentence for each."""

    APPLICANT_EQUIPMENT_DECLARED = "applicant.equipment_declared"
    APPLICANT_EQUIPMENT_NONE = "applicant.equipment_none"
    APPLICANT_PEOPLE_DECLARED = "applicant.people_declared"
    APPLICANT_PEOPLE_NONE = "applicant.people_none"
    KIT_COMPLETE = "kit.complete"
    KIT_NO_RECORDING = "kit.no_recording"
    KIT_NO_ACCOUNT = "kit.no_account"
    OPERATOR_FREE = "operator.free"
    OPERATOR_TAKEN = "operator.taken"
    OPERATORS_NONE_FREE = "operator.none_free"
    LOAD_WITHIN = "load.within"
    LOAD_FULL = "load.full"
    ROOM_FREE = "room.free"
    ROOM_TAKEN = "room.taken"
    ROOM_LARGE_ENOUGH = "room.large_enough"
    ROOM_TOO_SMALL = "room.too_small"
    ROOM_CLOSED = "room.closed"
    LEAD_KEPT = "lead.kept"
    LEAD_SHORT = "lead.short"
    LEAD_SHORT_LEADER = "lead.short_leader"
    HOURS_INSIDE = "hours.inside"
    HOURS_LEADER = "hours.leader"
    HOURS_OUTSIDE = "hours.outside"
    HOURS_FREE_DAY = "hours.free_day"
    HOURS_HOLIDAY = "hours.holiday"
    HOURS_SEVERAL_DAYS = "hours.several_days"


class Fix(StrEnum):
    """How a finding can be put right."""

    NONE = ""
    OTHER_TIME_OR_ROOM = "other_time_or_room"
    OTHER_ROOM = "other_room"
    OTHER_OPERATOR = "other_operator"
    OTHER_TIME = "other_time"
    OWN_ACCOUNT = "own_account"
    NO_RECORDING = "no_recording"
    DECLARE = "declare"
    OVERRIDE = "override"


@dataclass(frozen=True, slots=True)
class Rival:
    """A session that holds what this one wants; the times are with its buffers."""

    session: str
    title: str
    agency: str
    starts: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule's answer with its evidence."""

    rule: str
    consideration: Consideration
    verdict: Verdict
    code: Code
    values: Mapping[str, Value] = field(default_factory=dict)
    rivals: tuple[Rival, ...] = ()
    fix: Fix = Fix.NONE


@dataclass(frozen=True, slots=True)
class Wish:
    """What a request asks for, as far as rules look at it."""

    submitted_at: datetime
    starts: datetime
    ends: datetime
    leader: Leader
    participants: int
    platform: str
    recording: bool
    own_account: bool
    own_equipment: str
    own_people: str


@dataclass(frozen=True, slots=True)
class RoomFacts:
    """The room in question."""

    id: str
    name: str
    capacity: int
    can_record: bool
    open: bool


@dataclass(frozen=True, slots=True)
class OperatorFacts:
    """One of the division's people."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Occupied:
    """A unit that a session holds, buffers included."""

    kind: UnitKind
    unit: str
    rival: Rival


@dataclass(frozen=True, slots=True)
class Buffers:
    """The minutes around an event that belong to it."""

    setup: timedelta = timedelta(minutes=30)
    teardown: timedelta = timedelta(minutes=15)

    def around(self, starts: datetime, ends: datetime) -> tuple[datetime, datetime]:
        """Return the whole time that an event occupies."""
        return starts - self.setup, ends + self.teardown


@dataclass(frozen=True, slots=True)
class Rules:
    """What the office has set."""

    calendar: OfficeCalendar
    lead_time: timedelta = timedelta(days=3)
    buffers: Buffers = Buffers()
    servable_limit: int = 3
    platforms: tuple[str, ...] = ("zoom",)


@dataclass(frozen=True, slots=True)
class Resources:
    """What the division has, and what of it is taken around the time in question.

    `occupied` holds every live allocation that may touch the time; others do no harm.
    """

    room: RoomFacts
    operators: tuple[OperatorFacts, ...]
    occupied: tuple[Occupied, ...] = ()
    operator: OperatorFacts | None = None
    """The one chosen; none while nobody is."""


def verify(wish: Wish, resources: Resources, rules: Rules) -> tuple[Finding, ...]:
    """Return one finding per rule, in the SOP's order; all of them, never only the first."""
    starts, ends = rules.buffers.around(wish.starts, wish.ends)
    touching = tuple(o for o in resources.occupied if o.rival.starts < ends and starts < o.rival.ends)
    return (
        _applicant_equipment(wish),
        _applicant_people(wish),
        _kit(wish, resources.room, rules),
        _operator(resources, touching),
        _load(touching, rules),
        _room(resources.room, touching),
        _capacity(wish, resources.room),
        _lead_time(wish, rules),
        _hours(wish, rules),
    )


def worst(findings: tuple[Finding, ...]) -> Verdict:
    """Return the worst verdict among `findings`."""
    return max((finding.verdict for finding in findings), key=_BADNESS.index, default=Verdict.PASS)


_BADNESS: Final = (Verdict.PASS, Verdict.WARN, Verdict.FAIL)


def _applicant_equipment(wish: Wish) -> Finding:
    where = ("applicant-equipment", Consideration.APPLICANT_EQUIPMENT)
    if wish.own_equipment or wish.own_account:
        declared: dict[str, Value] = {"equipment": wish.own_equipment, "own_account": wish.own_account}
        return Finding(*where, Verdict.PASS, Code.APPLICANT_EQUIPMENT_DECLARED, declared)
    return Finding(*where, Verdict.WARN, Code.APPLICANT_EQUIPMENT_NONE, fix=Fix.DECLARE)


def _applicant_people(wish: Wish) -> Finding:
    where = ("applicant-people", Consideration.APPLICANT_PEOPLE)
    if wish.own_people:
        return Finding(*where, Verdict.PASS, Code.APPLICANT_PEOPLE_DECLARED, {"people": wish.own_people})
    return Finding(*where, Verdict.WARN, Code.APPLICANT_PEOPLE_NONE, fix=Fix.DECLARE)


def _kit(wish: Wish, room: RoomFacts, rules: Rules) -> Finding:
    where = ("division-equipment", Consideration.DIVISION_EQUIPMENT)
    if wish.recording and not room.can_record:
        return Finding(*where, Verdict.FAIL, Code.KIT_NO_RECORDING, {"room": room.name}, fix=Fix.NO_RECORDING)
    if not wish.own_account and wish.platform not in rules.platforms:
        values: dict[str, Value] = {"platform": wish.platform, "platforms": rules.platforms}
        return Finding(*where, Verdict.FAIL, Code.KIT_NO_ACCOUNT, values, fix=Fix.OWN_ACCOUNT)
    return Finding(*where, Verdict.PASS, Code.KIT_COMPLETE, {"room": room.name, "platform": wish.platform})


def _operator(resources: Resources, touching: tuple[Occupied, ...]) -> Finding:
    where = ("division-people", Consideration.DIVISION_PEOPLE)
    taken = {o.unit: o.rival for o in touching if o.kind is UnitKind.OPERATOR}
    free = tuple(person.name for person in resources.operators if person.id not in taken)
    values: dict[str, Value] = {"free": free, "free_count": len(free), "all_count": len(resources.operators)}
    chosen = resources.operator
    if chosen is not None and chosen.id in taken:
        values["name"] = chosen.name
        return Finding(*where, Verdict.FAIL, Code.OPERATOR_TAKEN, values, (taken[chosen.id],), Fix.OTHER_OPERATOR)
    if chosen is None and not free:
        return Finding(*where, Verdict.FAIL, Code.OPERATORS_NONE_FREE, values, tuple(taken.values()), Fix.OTHER_TIME)
    return Finding(*where, Verdict.PASS, Code.OPERATOR_FREE, values)


def _load(touching: tuple[Occupied, ...], rules: Rules) -> Finding:
    where = ("servable", Consideration.SERVABLE)
    at_once = _at_most_at_once(tuple(o.rival for o in touching if o.kind is UnitKind.ROOM))
    values: dict[str, Value] = {"at_once": at_once, "limit": rules.servable_limit}
    if at_once < rules.servable_limit:
        return Finding(*where, Verdict.PASS, Code.LOAD_WITHIN, values)
    rivals = tuple(o.rival for o in touching if o.kind is UnitKind.ROOM)
    return Finding(*where, Verdict.FAIL, Code.LOAD_FULL, values, rivals, Fix.OTHER_TIME)


def _at_most_at_once(rivals: tuple[Rival, ...]) -> int:
    """Return how many of `rivals` run at the same moment at most."""
    return max((sum(r.starts <= moment.starts < r.ends for r in rivals) for moment in rivals), default=0)


def _room(room: RoomFacts, touching: tuple[Occupied, ...]) -> Finding:
    where = ("room-free", Consideration.ROOM)
    if not room.open:
        return Finding(*where, Verdict.FAIL, Code.ROOM_CLOSED, {"room": room.name}, fix=Fix.OTHER_ROOM)
    rivals = tuple(o.rival for o in touching if o.kind is UnitKind.ROOM and o.unit == room.id)
    if rivals:
        return Finding(*where, Verdict.FAIL, Code.ROOM_TAKEN, {"room": room.name}, rivals, Fix.OTHER_TIME_OR_ROOM)
    return Finding(*where, Verdict.PASS, Code.ROOM_FREE, {"room": room.name})


def _capacity(wish: Wish, room: RoomFacts) -> Finding:
    where = ("room-capacity", Consideration.ROOM)
    values: dict[str, Value] = {"room": room.name, "capacity": room.capacity, "participants": wish.participants}
    if wish.participants > room.capacity:
        return Finding(*where, Verdict.WARN, Code.ROOM_TOO_SMALL, values, fix=Fix.OTHER_ROOM)
    return Finding(*where, Verdict.PASS, Code.ROOM_LARGE_ENOUGH, values)


def _lead_time(wish: Wish, rules: Rules) -> Finding:
    where = ("lead-time", Consideration.LEAD_TIME)
    given = wish.starts - wish.submitted_at
    values: dict[str, Value] = {
        "given_hours": round(given / timedelta(hours=1), 1),
        "wanted_hours": round(rules.lead_time / timedelta(hours=1), 1),
        "latest": wish.starts - rules.lead_time,
    }
    if given >= rules.lead_time:
        return Finding(*where, Verdict.PASS, Code.LEAD_KEPT, values)
    if wish.leader.takes_part:
        return Finding(*where, Verdict.WARN, Code.LEAD_SHORT_LEADER, values, fix=Fix.OVERRIDE)
    return Finding(*where, Verdict.FAIL, Code.LEAD_SHORT, values, fix=Fix.OTHER_TIME)


_HOURS_CODES: Final = {
    Why.HOLIDAY: Code.HOURS_HOLIDAY,
    Why.FREE_DAY: Code.HOURS_FREE_DAY,
    Why.OUTSIDE: Code.HOURS_OUTSIDE,
    Why.SEVERAL_DAYS: Code.HOURS_SEVERAL_DAYS,
}


def _hours(wish: Wish, rules: Rules) -> Finding:
    where = ("working-hours", Consideration.HOURS)
    found = rules.calendar.outside(wish.starts, wish.ends)
    if found is None:
        return Finding(*where, Verdict.PASS, Code.HOURS_INSIDE)
    values: dict[str, Value] = {"day": found.day.isoformat(), "holiday": found.holiday}
    if found.hours is not None:
        values |= {"opens": found.hours[0].strftime("%H.%M"), "closes": found.hours[1].strftime("%H.%M")}
    if wish.leader.takes_part:
        return Finding(*where, Verdict.PASS, Code.HOURS_LEADER, values)
    return Finding(*where, Verdict.FAIL, _HOURS_CODES[found.why], values, fix=Fix.OTHER_TIME)
