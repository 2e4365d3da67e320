"""Equipment, accounts and people: each rule at its edges."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest

from central.domain.calendar import OfficeCalendar
from central.domain.findings import Code, Finding, Fix, Rival, Verdict
from central.domain.resources import (
    AccountFacts,
    Buffers,
    EquipmentFacts,
    Leave,
    Need,
    Occupied,
    OperatorFacts,
    Resources,
    Rules,
    Shift,
    Wish,
)
from central.domain.staff import suitable
from central.domain.verification import verify
from central.domain.words import Leader, UnitKind
from tests.rules.central.test_verification import CALENDAR, ENDS, RESOURCES, RINA, ROOM, RULES, STARTS, WISH, YOGA, ZONE

HOUR = timedelta(hours=1)
MICS = EquipmentFacts("mic", "Mikrofon nirkabel", count=4)
ZOOM = AccountFacts("zoom-1", "Zoom Diskominfo", "zoom", concurrency=2, participants_at_most=100)
HERE = replace(ROOM, site="Kantor Gubernur")


def found(wish: Wish = WISH, resources: Resources = RESOURCES, rules: Rules = RULES) -> dict[str, Finding]:
    return {finding.rule: finding for finding in verify(wish, resources, rules)}


def held(kind: UnitKind, unit: str, starts: datetime = STARTS, ends: datetime = ENDS, site: str = "") -> Occupied:
    return Occupied(kind, unit, Rival(f"s-{unit}", "Forum Satu Data", "Bappeda", starts, ends), site)


def wanting(count: int, resources: Resources) -> Finding:
    return found(replace(WISH, needs=(Need("mic", count),)), resources)["equipment:mic"]


def test_a_pool_is_counted_piece_by_piece() -> None:
    taken = tuple(held(UnitKind.EQUIPMENT, f"mic#{n}") for n in (1, 2))
    resources = replace(RESOURCES, equipment=(MICS,), occupied=taken)
    assert wanting(2, resources).code is Code.EQUIPMENT_FREE
    short = wanting(3, resources)
    assert (short.code, short.values["free_count"], short.fix) == (Code.EQUIPMENT_SHORT, 2, Fix.LESS_EQUIPMENT)
    assert {rival.session for rival in short.rivals} == {"s-mic#1", "s-mic#2"}


def test_what_is_out_of_order_is_not_lent() -> None:
    resources = replace(RESOURCES, equipment=(replace(MICS, faulty=3),))
    assert wanting(1, resources).verdict is Verdict.PASS
    assert wanting(2, resources).values["faulty"] == 3


def test_equipment_of_another_site_and_unknown_equipment_fail() -> None:
    elsewhere = replace(RESOURCES, room=HERE, equipment=(replace(MICS, site="Dinas Kominfo"),))
    assert wanting(1, elsewhere).code is Code.EQUIPMENT_ELSEWHERE
    assert wanting(1, RESOURCES).code is Code.EQUIPMENT_UNKNOWN


def test_a_piece_may_have_longer_buffers_than_its_room() -> None:
    before = held(UnitKind.EQUIPMENT, "mic#1", STARTS - 3 * HOUR, STARTS - HOUR)
    one = replace(MICS, count=1)
    assert wanting(1, replace(RESOURCES, equipment=(one,), occupied=(before,))).verdict is Verdict.PASS
    slow = replace(one, buffers=Buffers(2 * HOUR, timedelta(0)))
    assert wanting(1, replace(RESOURCES, equipment=(slow,), occupied=(before,))).verdict is Verdict.FAIL


def test_a_room_may_have_its_own_buffers() -> None:
    before = held(UnitKind.ROOM, "praja-1", STARTS - 3 * HOUR, STARTS - HOUR)
    resources = replace(RESOURCES, occupied=(before,))
    assert found(resources=resources)["room-free"].verdict is Verdict.PASS
    rules = replace(RULES, buffers_of={"praja-1": Buffers(2 * HOUR, HOUR)})
    assert found(resources=resources, rules=rules)["room-free"].code is Code.ROOM_TAKEN


def test_an_account_serves_as_many_meetings_as_its_plan_says() -> None:
    one, two = (held(UnitKind.ACCOUNT, f"zoom-1#{n}") for n in (1, 2))
    resources = replace(RESOURCES, accounts=(ZOOM,), occupied=(one,))
    assert found(resources=resources)["account-free"].values["free_count"] == 1
    full = found(resources=replace(resources, occupied=(one, two)))["account-free"]
    assert (full.code, full.fix, len(full.rivals)) == (Code.ACCOUNT_TAKEN, Fix.OWN_ACCOUNT, 2)
    own = found(replace(WISH, own_account=True), replace(resources, occupied=(one, two)))
    assert "account-free" not in own


@pytest.mark.parametrize(
    ("plan", "code"),
    [
        (ZOOM, Code.ACCOUNT_PLAN_FITS),
        (replace(ZOOM, participants_at_most=79), Code.ACCOUNT_TOO_SMALL),
        (replace(ZOOM, lasts_at_most=timedelta(minutes=40)), Code.ACCOUNT_TOO_SHORT),
        (replace(ZOOM, lasts_at_most=2 * HOUR), Code.ACCOUNT_PLAN_FITS),
    ],
)
def test_a_plan_has_limits(plan: AccountFacts, code: Code) -> None:
    assert found(resources=replace(RESOURCES, accounts=(plan,)))["account-plan"].code is code


def chosen(one: OperatorFacts, rules: Rules = RULES, wish: Wish = WISH, **more: object) -> dict[str, Finding]:
    occupied = more.get("occupied", ())
    assert isinstance(occupied, tuple)
    return found(wish, replace(RESOURCES, room=HERE, operators=(one,), operator=one, occupied=occupied), rules)


def test_preparation_is_inside_a_persons_hours() -> None:
    early = replace(WISH, starts=STARTS.replace(hour=7, minute=30), ends=STARTS.replace(hour=9))
    staff = OfficeCalendar(ZONE, {4: (time(7), time(17))})
    assert chosen(RINA, replace(RULES, staff=staff), early)["staff-duty"].code is Code.DUTY_ON
    late_start = OfficeCalendar(ZONE, {4: (time(7, 1), time(17))})
    assert chosen(RINA, replace(RULES, staff=late_start), early)["staff-duty"].code is Code.DUTY_OFF
    leader = replace(early, leader=Leader.GOVERNOR)
    assert chosen(RINA, replace(RULES, staff=late_start), leader)["staff-duty"].verdict is Verdict.WARN


def test_own_shifts_count_while_they_are_valid() -> None:
    shift = Shift(4, time(12), time(18), first=date(2026, 11, 6), last=date(2026, 11, 6))
    assert chosen(replace(RINA, shifts=(shift,)))["staff-duty"].code is Code.DUTY_ON
    gone = replace(shift, last=date(2026, 11, 5))
    assert chosen(replace(RINA, shifts=(gone,)))["staff-duty"].code is Code.DUTY_OFF


def test_who_is_on_leave_is_named_with_the_reason() -> None:
    leave = Leave(ENDS, ENDS + HOUR, "Cuti")  # clearing away reaches into it
    finding = chosen(replace(RINA, leave=(leave,)))["staff-duty"]
    assert (finding.code, finding.values["reason"]) == (Code.DUTY_LEAVE, "Cuti")


def test_skills_are_wanted_for_what_is_asked() -> None:
    rules = replace(RULES, skills={"recording": ("obs",), "zoom": ("zoom",), "leader": ("protocol",)})
    missing = chosen(replace(RINA, skills=frozenset({"zoom"})), rules)["staff-skills"]
    assert missing.values["missing"] == ("obs",)
    assert chosen(replace(RINA, skills=frozenset({"zoom", "obs"})), rules)["staff-skills"].code is Code.SKILLS_THERE


def test_the_way_between_sites_takes_time() -> None:
    ends = STARTS - RULES.buffers.setup - timedelta(minutes=20)
    other = held(UnitKind.OPERATOR, "rina", ends - HOUR, ends, site="Dinas Kominfo")
    rules = replace(RULES, travel=timedelta(minutes=30))
    assert chosen(RINA, rules, occupied=(other,))["staff-travel"].code is Code.TRAVEL_SHORT
    same = replace(other, site="Kantor Gubernur")
    assert chosen(RINA, rules, occupied=(same,))["staff-travel"].code is Code.TRAVEL_ENOUGH


def test_a_full_day_is_noted_and_the_least_busy_comes_first() -> None:
    early = held(UnitKind.OPERATOR, "rina", STARTS - 5 * HOUR, STARTS - 4 * HOUR)
    rules = replace(RULES, sessions_a_day=1)
    assert chosen(RINA, rules, occupied=(early,))["staff-work"].code is Code.WORK_HIGH
    resources = replace(RESOURCES, occupied=(early,))
    assert [one.name for one in suitable(WISH, resources, RULES)] == [YOGA.name, RINA.name]


def test_a_lead_time_of_working_days_leaves_holidays_out() -> None:
    calendar = replace(CALENDAR, holidays={date(2026, 11, 5): "Libur"})
    rules = replace(RULES, calendar=calendar, lead_in_working_days=True)
    assert rules.latest(STARTS) == datetime(2026, 11, 2, 13, tzinfo=ZONE)  # Monday: 4, 3 and 2 November
    late = replace(WISH, submitted_at=rules.latest(STARTS) + timedelta(seconds=1))
    assert found(late, rules=rules)["lead-time"].code is Code.LEAD_SHORT_WORKING
    assert found(replace(late, submitted_at=rules.latest(STARTS)), rules=rules)["lead-time"].code is Code.LEAD_KEPT
