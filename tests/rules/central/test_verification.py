"""The division's checks: each rule at its edges, all answers at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from central.domain.calendar import OfficeCalendar, Period
from central.domain.findings import Code, Finding, Fix, Rival, Verdict, worst
from central.domain.resources import Occupied, OperatorFacts, Resources, RoomFacts, Rules, Wish
from central.domain.verification import verify
from central.domain.words import Leader, UnitKind

ZONE = ZoneInfo("Asia/Pontianak")
WEEK = {day: (time(7, 30), time(16)) for day in range(4)} | {4: (time(7, 30), time(16, 30))}
CALENDAR = OfficeCalendar(ZONE, WEEK, holidays={date(2026, 12, 25): "Hari Raya Natal"})
RULES = Rules(CALENDAR)
STARTS = datetime(2026, 11, 6, 13, tzinfo=ZONE)  # a Friday
ENDS = datetime(2026, 11, 6, 15, tzinfo=ZONE)
ROOM = RoomFacts("praja-1", "Praja I", 80, can_record=True, open=True)
RINA, YOGA = OperatorFacts("rina", "Rina"), OperatorFacts("yoga", "Yoga")
WISH = Wish(
    submitted_at=STARTS - timedelta(days=4),
    starts=STARTS,
    ends=ENDS,
    leader=Leader.NONE,
    participants=80,
    platform="zoom",
    recording=True,
    own_account=False,
    own_equipment="Laptop",
    own_people="Budi",
)
RESOURCES = Resources(ROOM, (RINA, YOGA))


def found(wish: Wish = WISH, resources: Resources = RESOURCES, rules: Rules = RULES) -> dict[str, Finding]:
    return {finding.rule: finding for finding in verify(wish, resources, rules)}


def held(kind: UnitKind, unit: str, starts: datetime, ends: datetime, session: str = "s-1") -> Occupied:
    return Occupied(kind, unit, Rival(session, "Forum Satu Data", "Bappeda", starts, ends))


def test_a_request_in_order_passes_every_rule() -> None:
    assert worst(verify(WISH, RESOURCES, RULES)) is Verdict.PASS
    assert len(found()) == 9


def test_all_reasons_come_at_once() -> None:
    wish = replace(
        WISH,
        submitted_at=STARTS,
        starts=datetime(2026, 12, 25, 13, tzinfo=ZONE),
        ends=datetime(2026, 12, 25, 15, tzinfo=ZONE),
        platform="other",
        own_equipment="",
        own_people="",
        participants=81,
    )
    wish = replace(wish, submitted_at=wish.starts)
    taken = held(UnitKind.ROOM, "praja-1", wish.starts, wish.ends)
    answers = {f.code for f in verify(wish, replace(RESOURCES, occupied=(taken,), operators=()), RULES)}
    assert answers == {
        Code.APPLICANT_EQUIPMENT_NONE,
        Code.APPLICANT_PEOPLE_NONE,
        Code.KIT_NO_ACCOUNT,
        Code.OPERATORS_NONE_FREE,
        Code.LOAD_WITHIN,
        Code.ROOM_TAKEN,
        Code.ROOM_TOO_SMALL,
        Code.LEAD_SHORT,
        Code.HOURS_HOLIDAY,
    }


@pytest.mark.parametrize(
    ("gap", "verdict"),
    [(timedelta(0), Verdict.PASS), (-timedelta(microseconds=1), Verdict.FAIL)],
    ids=["touching", "a microsecond over"],
)
def test_buffers_may_touch_and_not_overlap(gap: timedelta, verdict: Verdict) -> None:
    before = STARTS - RULES.buffers.setup - gap
    after = ENDS + RULES.buffers.teardown + gap
    for rival in (
        held(UnitKind.ROOM, "praja-1", before - timedelta(hours=1), before),
        held(UnitKind.ROOM, "praja-1", after, after + timedelta(hours=1)),
    ):
        finding = found(resources=replace(RESOURCES, occupied=(rival,)))["room-free"]
        assert finding.verdict is verdict
        assert finding.rivals == ((rival.rival,) if verdict is Verdict.FAIL else ())


def test_a_taken_room_is_named_with_its_rival_and_the_way_out() -> None:
    rival = held(UnitKind.ROOM, "praja-1", STARTS, ENDS)
    finding = found(resources=replace(RESOURCES, occupied=(rival,)))["room-free"]
    assert (finding.code, finding.fix) == (Code.ROOM_TAKEN, Fix.OTHER_TIME_OR_ROOM)
    assert finding.rivals[0].title == "Forum Satu Data"


def test_another_rooms_session_takes_nothing_but_one_of_the_places() -> None:
    other = held(UnitKind.ROOM, "praja-2", STARTS, ENDS)
    answers = found(resources=replace(RESOURCES, occupied=(other,)))
    assert answers["room-free"].verdict is Verdict.PASS
    assert answers["servable"].values["at_once"] == 1


def test_the_limit_counts_what_runs_at_the_same_moment() -> None:
    hour = timedelta(hours=1)
    after_each_other = tuple(
        held(UnitKind.ROOM, f"r{n}", STARTS + n * hour / 4, STARTS + (n + 1) * hour / 4) for n in range(4)
    )
    assert found(resources=replace(RESOURCES, occupied=after_each_other))["servable"].verdict is Verdict.PASS
    together = tuple(held(UnitKind.ROOM, f"r{n}", STARTS, ENDS) for n in range(3))
    assert found(resources=replace(RESOURCES, occupied=together))["servable"].code is Code.LOAD_FULL


def test_a_chosen_operator_who_is_taken_fails_with_the_free_ones_named() -> None:
    taken = held(UnitKind.OPERATOR, "rina", STARTS, ENDS)
    finding = found(resources=replace(RESOURCES, occupied=(taken,), operator=RINA))["division-people"]
    assert (finding.code, finding.values["free"]) == (Code.OPERATOR_TAKEN, ("Yoga",))
    free = found(resources=replace(RESOURCES, occupied=(taken,), operator=YOGA))["division-people"]
    assert free.verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("given", "leader", "code"),
    [
        (timedelta(days=3), Leader.NONE, Code.LEAD_KEPT),
        (timedelta(days=3) - timedelta(seconds=1), Leader.NONE, Code.LEAD_SHORT),
        (timedelta(hours=1), Leader.GOVERNOR, Code.LEAD_SHORT_LEADER),
    ],
)
def test_three_days_are_wanted_and_leaders_are_noted(given: timedelta, leader: Leader, code: Code) -> None:
    assert found(replace(WISH, submitted_at=STARTS - given, leader=leader))["lead-time"].code is code


def at(day: int, first: time, last: time) -> tuple[datetime, datetime]:
    return datetime.combine(date(2026, 11, day), first, ZONE), datetime.combine(date(2026, 11, day), last, ZONE)


@pytest.mark.parametrize(
    ("times", "code"),
    [
        (at(6, time(7, 30), time(16, 30)), Code.HOURS_INSIDE),
        (at(6, time(7, 29), time(9)), Code.HOURS_OUTSIDE),
        (at(5, time(15), time(16, 1)), Code.HOURS_OUTSIDE),
        (at(7, time(9), time(10)), Code.HOURS_FREE_DAY),
    ],
)
def test_sessions_without_leaders_stay_in_working_hours(times: tuple[datetime, datetime], code: Code) -> None:
    wish = replace(WISH, starts=times[0], ends=times[1])
    assert found(wish)["working-hours"].code is code
    with_leader = found(replace(wish, leader=Leader.SECRETARY))["working-hours"]
    assert with_leader.verdict is Verdict.PASS


def test_the_hours_are_the_offices_wherever_the_moment_was_written() -> None:
    utc = replace(WISH, starts=datetime(2026, 11, 5, 23, tzinfo=UTC), ends=datetime(2026, 11, 6, 2, tzinfo=UTC))
    assert found(utc)["working-hours"].code is Code.HOURS_OUTSIDE  # 06.00 in Pontianak


def test_a_period_has_its_own_hours() -> None:
    ramadan = Period(date(2026, 11, 1), date(2026, 11, 30), {4: (time(8), time(15))})
    rules = replace(RULES, calendar=replace(CALENDAR, periods=(ramadan,)))
    wish = replace(WISH, starts=STARTS.replace(hour=7, minute=45), ends=STARTS.replace(hour=9))
    assert found(wish)["working-hours"].verdict is Verdict.PASS
    assert found(wish, rules=rules)["working-hours"].values["opens"] == "08.00"


@pytest.mark.parametrize(
    ("unknown", "code"),
    [
        (replace(CALENDAR, undecreed=frozenset({2026})), Code.HOURS_NO_DECREE),
        (replace(CALENDAR, fasts=((date(2026, 11, 6), date(2026, 11, 6)),)), Code.HOURS_NO_RAMADAN),
    ],
)
def test_hours_that_are_kept_by_a_guess_are_told_as_such(unknown: OfficeCalendar, code: Code) -> None:
    rules = replace(RULES, calendar=unknown)
    finding = found(rules=rules)["working-hours"]
    assert (finding.verdict, finding.code, finding.fix) == (Verdict.WARN, code, Fix.CALENDAR)
    assert finding.values["year"] == "2026"
    leader = replace(WISH, leader=Leader.SECRETARY)
    assert found(leader, rules=rules)["working-hours"].verdict is Verdict.PASS  # 3C does not bind leaders
    late = replace(WISH, starts=STARTS + timedelta(hours=6), ends=ENDS + timedelta(hours=6))
    assert found(late, rules=rules)["working-hours"].code is Code.HOURS_OUTSIDE
