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

from datetime import timedelta
from typing import Final

from central.domain.calendar import Gap, Why
from central.domain.findings import Code, Consideration, Finding, Fix, Rival, Value, Verdict
from central.domain.kit import kit
from central.domain.resources import Occupied, Resources, RoomFacts, Rules, Wish
from central.domain.staff import people


def verify(wish: Wish, resources: Resources, rules: Rules) -> tuple[Finding, ...]:
    """Return the findings of every rule, in the SOP's order; all of them, never only the first."""
    starts, ends = rules.around_room(resources.room.id, wish)
    touching = tuple(o for o in resources.taken.rooms if o.rival.starts < ends and starts < o.rival.ends)
    return (
        _applicant_equipment(wish),
        _applicant_people(wish),
        *kit(wish, resources, rules),
        *people(wish, resources, rules),
        _load(touching, rules),
        _room(resources.room, touching),
        _capacity(wish, resources.room),
        _lead_time(wish, rules),
        _hours(wish, rules),
    )


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


def _load(touching: tuple[Occupied, ...], rules: Rules) -> Finding:
    where = ("servable", Consideration.SERVABLE)
    rivals = tuple(o.rival for o in touching)
    at_once = _at_most_at_once(rivals)
    values: dict[str, Value] = {"at_once": at_once, "limit": rules.servable_limit}
    if at_once < rules.servable_limit:
        return Finding(*where, Verdict.PASS, Code.LOAD_WITHIN, values)
    return Finding(*where, Verdict.FAIL, Code.LOAD_FULL, values, rivals, Fix.OTHER_TIME)


def _at_most_at_once(rivals: tuple[Rival, ...]) -> int:
    """Return how many of `rivals` run at the same moment at most."""
    ended, most, ends = 0, 0, sorted(rival.ends for rival in rivals)
    for begun, starts in enumerate(sorted(rival.starts for rival in rivals), 1):
        while ends[ended] <= starts:
            ended += 1
        most = max(most, begun - ended)
    return most


def _room(room: RoomFacts, touching: tuple[Occupied, ...]) -> Finding:
    where = ("room-free", Consideration.ROOM)
    if not room.open:
        return Finding(*where, Verdict.FAIL, Code.ROOM_CLOSED, {"room": room.name}, fix=Fix.OTHER_ROOM)
    rivals = tuple(o.rival for o in touching if o.unit == room.id)
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
        "wanted_days": rules.lead_time.days,
        "latest": rules.latest(wish.starts),
    }
    if wish.submitted_at <= rules.latest(wish.starts):
        return Finding(*where, Verdict.PASS, Code.LEAD_KEPT, values)
    if wish.leader.takes_part:
        return Finding(*where, Verdict.WARN, Code.LEAD_SHORT_LEADER, values, fix=Fix.OVERRIDE)
    code = Code.LEAD_SHORT_WORKING if rules.lead_in_working_days else Code.LEAD_SHORT
    return Finding(*where, Verdict.FAIL, code, values, fix=Fix.OTHER_TIME)


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
        return _inside(wish, rules)
    values: dict[str, Value] = {"day": found.day.isoformat(), "holiday": found.holiday}
    if found.hours is not None:
        values |= {"opens": found.hours[0].strftime("%H.%M"), "closes": found.hours[1].strftime("%H.%M")}
    if wish.leader.takes_part:
        return Finding(*where, Verdict.PASS, Code.HOURS_LEADER, values)
    return Finding(*where, Verdict.FAIL, _HOURS_CODES[found.why], values, fix=Fix.OTHER_TIME)


_GAP_CODES: Final = {Gap.DECREE: Code.HOURS_NO_DECREE, Gap.RAMADAN: Code.HOURS_NO_RAMADAN}


def _inside(wish: Wish, rules: Rules) -> Finding:
    """Say that the hours are kept, or that only nobody knows yet; a leader's session needs no hours."""
    where = ("working-hours", Consideration.HOURS)
    day = wish.starts.astimezone(rules.calendar.zone).date()
    gap = rules.calendar.gap(day)
    if gap is None or wish.leader.takes_part:
        return Finding(*where, Verdict.PASS, Code.HOURS_INSIDE)
    values: dict[str, Value] = {"day": day.isoformat(), "year": str(day.year)}
    return Finding(*where, Verdict.WARN, _GAP_CODES[gap], values, fix=Fix.CALENDAR)
