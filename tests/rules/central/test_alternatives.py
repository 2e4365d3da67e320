"""Alternatives: feasible by the rules themselves, nearest first, none missed nearer by."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from central.domain.alternatives import Alternative, Change, Kind, Search, alternatives
from central.domain.findings import Verdict
from central.domain.resources import Buffers, EquipmentFacts, Need, Occupied, Resources, RoomFacts, Wish
from central.domain.verification import verify
from central.domain.words import Leader, UnitKind
from tests.rules.central.test_resources import ZOOM, held
from tests.rules.central.test_verification import ENDS, RESOURCES, RINA, ROOM, RULES, STARTS, WISH, YOGA

NOW = WISH.submitted_at
OTHER = RoomFacts("praja-2", "Praja II", 80, can_record=True, open=True)
SMALL = RoomFacts("kecil", "Kecil", 10, can_record=True, open=True)
ROOMS = (ROOM, OTHER, SMALL)
HOUR = timedelta(hours=1)


def found(wish: Wish = WISH, resources: Resources = RESOURCES, **more: int) -> tuple[Alternative, ...]:
    return alternatives(wish, resources, ROOMS, RULES, now=NOW, search=Search(days=more.get("days", 7)))


def test_what_can_be_served_needs_no_alternative() -> None:
    assert found() == ()


def test_a_taken_room_gives_another_room_and_the_nearest_times() -> None:
    resources = replace(RESOURCES, occupied=(held(UnitKind.ROOM, "praja-1"),))
    answers = found(resources=resources)
    assert [one.room.id for one in answers if one.kind is Kind.ROOM] == ["praja-2"]  # the small one is too small
    times = [one.starts for one in answers if one.kind is Kind.TIME]
    assert times[0] == STARTS - 2.5 * HOUR  # until 12.30, cleared away at 12.45
    assert len(times) == 3
    assert all(one.operator_ids == ("rina", "yoga") for one in answers)


def test_less_kit_is_said_in_words_and_counts() -> None:
    wish = replace(WISH, needs=(Need("mic", 3), Need("drone")))
    mics = EquipmentFacts("mic", "Mikrofon", count=2)
    resources = replace(RESOURCES, equipment=(mics,), accounts=(ZOOM,))
    taken = tuple(held(UnitKind.ACCOUNT, unit) for unit in ZOOM.units)
    (kit, *_) = found(wish, replace(resources, occupied=taken))
    assert kit.kind is Kind.KIT
    assert set(kit.changes) == {Change.OWN_ACCOUNT, Change.LESS_EQUIPMENT}
    assert kit.needs == (Need("mic", 2),)


def test_a_late_request_gets_rooms_all_the_same_and_only_times_that_are_no_worse() -> None:
    late = replace(WISH, submitted_at=STARTS - HOUR)
    answers = alternatives(
        late, replace(RESOURCES, occupied=(held(UnitKind.ROOM, "praja-1"),)), ROOMS, RULES, now=STARTS - HOUR
    )
    assert {one.kind for one in answers} == {Kind.ROOM, Kind.TIME, Kind.TIME_AND_ROOM}
    assert all(one.starts > STARTS - HOUR for one in answers)


def test_a_time_outside_working_hours_is_moved_into_them() -> None:
    evening = replace(WISH, starts=STARTS + 6 * HOUR, ends=ENDS + 6 * HOUR)
    answers = found(evening)
    assert answers[0].kind is Kind.TIME
    assert RULES.calendar.outside(answers[0].starts, answers[0].ends) is None


def test_where_only_the_lead_time_fails_a_later_time_keeps_it() -> None:
    late = replace(WISH, submitted_at=STARTS - 2 * 24 * HOUR)
    answers = found(late)
    assert {one.kind for one in answers} == {Kind.TIME, Kind.TIME_AND_ROOM}
    assert all(one.starts - late.submitted_at >= RULES.lead_time for one in answers)


def test_rooms_of_one_sort_are_told_apart_by_what_sets_them_apart() -> None:
    """Four rooms that are alike but for one thing each: closed, without a recorder, with long buffers."""
    sort = replace(OTHER, site="kota")
    rooms = (
        replace(sort, id="closed", open=False),
        replace(sort, id="mute", can_record=False),
        replace(sort, id="slow"),
        replace(sort, id="good"),
    )
    rules = replace(RULES, buffers_of={"slow": Buffers(timedelta(hours=3), timedelta(hours=3))})
    busy = held(UnitKind.OPERATOR, "rina", ENDS + HOUR, ENDS + 2 * HOUR)
    resources = replace(RESOURCES, operators=(RINA,), occupied=(held(UnitKind.ROOM, "praja-1"), busy))
    answers = alternatives(replace(WISH, recording=True), resources, rooms, rules, now=NOW)
    assert [one.room.id for one in answers if one.kind is Kind.ROOM] == ["good"]


def brute(wish: Wish, resources: Resources, room: RoomFacts, days: int) -> list[datetime]:
    """Return every half hour at which the rules pass, nearest first and later before earlier."""
    steps = sorted(range(-48 * days, 48 * days + 1), key=lambda n: (abs(n), -n))
    good = []
    for n in steps:
        moved = replace(wish, starts=wish.starts + n * HOUR / 2, ends=wish.ends + n * HOUR / 2)
        answers = verify(moved, replace(resources, room=room, operator=None), RULES)
        in_time = moved.starts - RULES.buffers.setup >= NOW
        if in_time and not any(answer.verdict is Verdict.FAIL for answer in answers):
            good.append(moved.starts)
    return good


TAKEN = st.lists(
    st.tuples(st.sampled_from(["praja-1", "praja-2", "rina", "yoga"]), st.integers(-30, 60), st.integers(1, 40)),
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(TAKEN, st.sampled_from([Leader.NONE, Leader.GOVERNOR]))
def test_times_are_those_that_trying_every_half_hour_finds(taken: list[tuple[str, int, int]], leader: Leader) -> None:
    occupied = tuple(_taken(unit, first, length) for unit, first, length in taken)
    resources = replace(RESOURCES, operators=(RINA, YOGA), occupied=occupied)
    wish = replace(WISH, leader=leader)
    answers = found(wish, resources, days=3)
    served = brute(wish, resources, ROOM, 3)
    if served and served[0] == STARTS:
        assert answers == ()
    else:
        assert [one.starts for one in answers if one.kind is Kind.TIME] == served[:3]
        elsewhere = [one.starts for one in answers if one.kind is Kind.TIME_AND_ROOM]
        assert elsewhere == [at for at in brute(wish, resources, OTHER, 3) if at != STARTS][:3]


@settings(max_examples=40, deadline=None)
@given(TAKEN, st.sampled_from([Leader.NONE, Leader.GOVERNOR]))
def test_reading_outwards_finds_the_same_and_reads_nothing_twice(
    taken: list[tuple[str, int, int]], leader: Leader
) -> None:
    occupied = tuple(_taken(unit, first, length) for unit, first, length in taken)
    resources, wish = replace(RESOURCES, operators=(RINA, YOGA)), replace(WISH, leader=leader)
    told: list[Occupied] = []

    def read(margin: timedelta) -> list[Occupied]:
        within = [one for one in occupied if one.rival.starts < ENDS + margin and STARTS - margin < one.rival.ends]
        new = [one for one in within if not any(one is other for other in told)]
        told.extend(new)
        return new

    at_once = found(wish, replace(resources, occupied=occupied))
    assert alternatives(wish, resources, ROOMS, RULES, now=NOW, read=read) == at_once


def test_no_further_is_read_than_is_looked() -> None:
    margins: list[timedelta] = []

    def read(margin: timedelta) -> list[Occupied]:
        margins.append(margin)
        return [] if len(margins) > 1 else [held(UnitKind.ROOM, "praja-1")]

    assert alternatives(WISH, RESOURCES, ROOMS, RULES, now=NOW, read=read)
    assert margins == [timedelta(days=2)]


def _taken(unit: str, first: int, length: int) -> Occupied:
    kind = UnitKind.ROOM if unit.startswith("praja") else UnitKind.OPERATOR
    return held(kind, unit, STARTS + first * HOUR / 2, STARTS + (first + length) * HOUR / 2)
