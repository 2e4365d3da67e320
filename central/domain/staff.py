"""Consideration 4: the division's people. Free, on duty, able, and there in time."""

from __future__ import annotations

from collections.abc import Iterator

from central.domain.calendar import Span
from central.domain.findings import Code, Consideration, Finding, Fix, Rival, Value, Verdict
from central.domain.resources import OperatorFacts, Resources, Rules, Wish
from central.domain.words import UnitKind

_HERE = Consideration.DIVISION_PEOPLE


def people(wish: Wish, resources: Resources, rules: Rules) -> Iterator[Finding]:
    """Yield whether somebody is free, and everything about the one who was chosen."""
    yield _free(wish, resources, rules)
    chosen = resources.operator
    if chosen is not None:
        yield _duty(chosen, wish, resources, rules)
        yield _skills(chosen, wish, rules)
        yield _travel(chosen, wish, resources, rules)
        yield _work(chosen, wish, resources, rules)


def span_of(wish: Wish, resources: Resources, rules: Rules) -> Span:
    """Return the time that a person is bound: as long as the room."""
    return rules.around_room(resources.room.id, wish)


def suitable(wish: Wish, resources: Resources, rules: Rules) -> tuple[OperatorFacts, ...]:
    """Return everybody whom nothing speaks against, who has least to do that day first."""
    taken = _taken(wish, resources, rules)
    fit = [one for one in resources.operators if one.id not in taken and not _against(one, wish, resources, rules)]
    return tuple(sorted(fit, key=lambda one: (sessions_that_day(one, wish, resources, rules), one.name, one.id)))


def _taken(wish: Wish, resources: Resources, rules: Rules) -> dict[str, Rival]:
    everybody = (one.id for one in resources.operators)
    return resources.rivals(UnitKind.OPERATOR, everybody, span_of(wish, resources, rules))


def _against(one: OperatorFacts, wish: Wish, resources: Resources, rules: Rules) -> bool:
    answers = (
        _duty(one, wish, resources, rules),
        _skills(one, wish, rules),
        _travel(one, wish, resources, rules),
    )
    return any(answer.verdict is Verdict.FAIL for answer in answers)


def _free(wish: Wish, resources: Resources, rules: Rules) -> Finding:
    where, taken = ("division-people", _HERE), _taken(wish, resources, rules)
    free = tuple(one.name for one in suitable(wish, resources, rules))
    values: dict[str, Value] = {"free": free, "free_count": len(free), "all_count": len(resources.operators)}
    chosen = resources.operator
    if chosen is not None and chosen.id in taken:
        values["name"] = chosen.name
        return Finding(*where, Verdict.FAIL, Code.OPERATOR_TAKEN, values, (taken[chosen.id],), Fix.OTHER_OPERATOR)
    if chosen is None and not free:
        values["taken"] = tuple(one.name for one in resources.operators if one.id in taken)
        values["others"] = tuple(one.name for one in resources.operators if one.id not in taken)
        return Finding(*where, Verdict.FAIL, Code.OPERATORS_NONE_FREE, values, tuple(taken.values()), Fix.OTHER_TIME)
    return Finding(*where, Verdict.PASS, Code.OPERATOR_FREE, values)


def _duty(one: OperatorFacts, wish: Wish, resources: Resources, rules: Rules) -> Finding:
    """Look at leave and hours; preparation and clearing away are work too."""
    where, span = ("staff-duty", _HERE), span_of(wish, resources, rules)
    values: dict[str, Value] = {"name": one.name, "from": span[0], "until": span[1]}
    away = next((leave for leave in one.leave if leave.starts < span[1] and span[0] < leave.ends), None)
    if away is not None:
        values |= {"from": away.starts, "until": away.ends, "reason": away.reason}
        return Finding(*where, Verdict.FAIL, Code.DUTY_LEAVE, values, fix=Fix.OTHER_OPERATOR)
    if _on_duty(one, span, rules):
        return Finding(*where, Verdict.PASS, Code.DUTY_ON, values)
    if wish.leader.takes_part:
        return Finding(*where, Verdict.WARN, Code.DUTY_OFF_LEADER, values, fix=Fix.OVERRIDE)
    return Finding(*where, Verdict.FAIL, Code.DUTY_OFF, values, fix=Fix.OTHER_OPERATOR)


def _on_duty(one: OperatorFacts, span: Span, rules: Rules) -> bool:
    if not one.shifts:
        return rules.staff is None or rules.staff.outside(*span) is None
    begin, end = (moment.astimezone(rules.calendar.zone) for moment in span)
    if begin.date() != end.date():
        return False
    shifts = (shift for shift in one.shifts if shift.holds(begin.date()))
    return any(shift.opens <= begin.time() and end.time() <= shift.closes for shift in shifts)


def _skills(one: OperatorFacts, wish: Wish, rules: Rules) -> Finding:
    where, wanted = ("staff-skills", _HERE), rules.skills_for(wish)
    missing = tuple(sorted(wanted - one.skills))
    values: dict[str, Value] = {"name": one.name, "missing": missing, "wanted": tuple(sorted(wanted))}
    if missing:
        return Finding(*where, Verdict.FAIL, Code.SKILLS_MISSING, values, fix=Fix.OTHER_OPERATOR)
    return Finding(*where, Verdict.PASS, Code.SKILLS_THERE, values)


def _travel(one: OperatorFacts, wish: Wish, resources: Resources, rules: Rules) -> Finding:
    """Look at the sessions elsewhere that leave too little time for the way."""
    starts, ends = span_of(wish, resources, rules)
    here = resources.room.site
    elsewhere = tuple(
        o.rival
        for o in resources.taken.of(UnitKind.OPERATOR, one.id)
        if o.site and here and o.site != here
        if o.rival.starts < ends + rules.travel and starts - rules.travel < o.rival.ends
    )
    values: dict[str, Value] = {"name": one.name, "minutes": int(rules.travel.total_seconds() // 60)}
    if elsewhere:
        values["site"] = here
        where = ("staff-travel", _HERE)
        return Finding(*where, Verdict.FAIL, Code.TRAVEL_SHORT, values, elsewhere, Fix.OTHER_OPERATOR)
    return Finding("staff-travel", _HERE, Verdict.PASS, Code.TRAVEL_ENOUGH, values)


def sessions_that_day(one: OperatorFacts, wish: Wish, resources: Resources, rules: Rules) -> int:
    """Return how many sessions somebody has on the day of the wish, without this one."""
    zone = rules.calendar.zone
    day = wish.starts.astimezone(zone).date()
    mine = (o.rival for o in resources.taken.of(UnitKind.OPERATOR, one.id))
    return len({rival.session for rival in mine if rival.starts.astimezone(zone).date() == day})


def _work(one: OperatorFacts, wish: Wish, resources: Resources, rules: Rules) -> Finding:
    where, count = ("staff-work", _HERE), sessions_that_day(one, wish, resources, rules)
    values: dict[str, Value] = {"name": one.name, "count": count, "limit": rules.sessions_a_day}
    if rules.sessions_a_day and count >= rules.sessions_a_day:
        return Finding(*where, Verdict.WARN, Code.WORK_HIGH, values, fix=Fix.OTHER_OPERATOR)
    return Finding(*where, Verdict.PASS, Code.WORK_WITHIN, values)
