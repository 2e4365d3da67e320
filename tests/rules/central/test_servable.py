"""The best set of a day: exactly what trying everything finds, for thirty requests too."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from central.domain import servable as module
from central.domain.servable import Because, Candidate, Day, Group, Unit, servable, value_of
from central.domain.words import Leader, UnitKind
from tests.rules.central.test_verification import ZONE

DAWN = datetime(2026, 11, 6, 7, tzinfo=ZONE)
QUARTER = timedelta(minutes=15)
OPERATORS = ("rina", "yoga", "dewi")


def candidate(
    ident: str,
    first: int,
    length: int,
    *,
    room: str = "r1",
    leader: Leader = Leader.NONE,
    people: tuple[str, ...] = OPERATORS,
    mics: int = 0,
    setup: int = 1,
    site: str = "A",
    free_mics: tuple[str, ...] = ("m1", "m2", "m3"),
) -> Candidate:
    starts = DAWN + first * QUARTER
    span = starts - setup * QUARTER, starts + (length + 1) * QUARTER
    pool = (Group(UnitKind.EQUIPMENT, mics, free_mics, (starts, starts + length * QUARTER)),) if mics else ()
    groups = (Group(UnitKind.ROOM, 1, (room,), span), Group(UnitKind.OPERATOR, 1, people, span), *pool)
    sent = DAWN - timedelta(days=9) + timedelta(hours=sum(map(ord, ident)))
    return Candidate(ident, leader, sent, starts, span, site, groups)


def overlap(one: tuple[datetime, datetime], other: tuple[datetime, datetime]) -> bool:
    return max(one[0], other[0]) < min(one[1], other[1])


def fits(chosen: tuple[Candidate, ...], units: tuple[tuple[Unit, ...], ...], day: Day) -> bool:
    """Look at every pair of bookings and at every moment."""
    held = [
        (unit, group.span, one)
        for one, taken in zip(chosen, units, strict=True)
        for unit in taken
        for group in one.groups
        if group.kind is unit[0] and unit[1] in group.units
    ]
    for (unit, span, one), (other_unit, other_span, other) in combinations(held, 2):
        way = day.travel if unit[0] is UnitKind.OPERATOR and one.site != other.site else timedelta(0)
        if unit == other_unit and overlap((span[0] - way, span[1] + way), other_span):
            return False
    spans = [*(one.room for one in chosen), *day.booked]
    starts = [span[0] for span in spans if any(overlap(span, one.room) for one in chosen)]
    mine = [one.room for one in chosen]
    return all(
        sum(s <= moment < e for s, e in spans) <= day.limit or not any(s <= moment < e for s, e in mine)
        for moment in starts
    )


def assignments(one: Candidate) -> Iterator[tuple[Unit, ...]]:
    ways = [[tuple((g.kind, n) for n in names) for names in combinations(g.units, g.count)] for g in one.groups]
    for way in product(*ways):
        yield tuple(unit for part in way for unit in part)


def possible(known: tuple[Candidate, ...], day: Day) -> Iterator[tuple[tuple[int, ...], set[str]]]:
    """Try every set of requests with every choice of units; yield those that work out, with their worth."""
    for size in range(len(known) + 1):
        for chosen in combinations(known, size):
            if any(fits(chosen, units, day) for units in product(*map(list, map(assignments, chosen)))):
                worth = tuple(map(sum, zip(*(value_of(one, known) for one in chosen), strict=True))) or (0,) * 5
                yield worth, {one.id for one in chosen}


def brute(known: tuple[Candidate, ...], day: Day) -> set[str]:
    """Return the best set."""
    return max(possible(known, day), key=lambda found: found[0])[1]


def reason(ident: str, sets: list[tuple[tuple[int, ...], set[str]]]) -> Because:
    """Return why a request is not in the best of `sets`."""
    best, mine = max(worth for worth, _ in sets), [worth for worth, idents in sets if ident in idents]
    if not mine:
        return Because.ALONE
    if max(mine)[:3] < best[:3]:
        return Because.PRIORITY
    return Because.EARLIER if max(mine)[:4] == best[:4] else Because.NUMBER


CANDIDATES = st.lists(
    st.builds(
        candidate,
        st.sampled_from("abcdef"),
        st.integers(0, 8),
        st.integers(1, 6),
        room=st.sampled_from(["r1", "r2"]),
        leader=st.sampled_from([Leader.NONE, Leader.NONE, Leader.SECRETARY, Leader.GOVERNOR]),
        people=st.sampled_from([("rina",), ("rina", "yoga"), ("yoga",), ()]),
        mics=st.integers(0, 2),
        setup=st.integers(0, 3),
        site=st.sampled_from("AB"),
        free_mics=st.sampled_from([("m1", "m2"), ("m2",)]),
    ),
    max_size=5,
    unique_by=lambda one: one.id,
)
DAYS = st.builds(
    Day,
    st.integers(1, 3),
    st.lists(
        st.tuples(st.integers(0, 12), st.integers(1, 8)).map(
            lambda n: (DAWN + n[0] * QUARTER, DAWN + (n[0] + n[1]) * QUARTER)
        ),
        max_size=2,
    ).map(tuple),
    st.sampled_from([timedelta(0), 2 * QUARTER]),
)


@settings(max_examples=300, deadline=None)
@given(CANDIDATES, DAYS)
def test_the_best_set_is_what_trying_everything_finds(known: list[Candidate], day: Day) -> None:
    answer = servable(known, day)
    assert set(answer.served) == brute(tuple(known), day)
    chosen = tuple(one for one in known if one.id in answer.served)
    assert fits(chosen, tuple(answer.served[one.id] for one in chosen), day)
    assert all(left.obstacles for left in answer.left_out)
    assert {left.id for left in answer.left_out} == {one.id for one in known} - set(answer.served)


def test_who_starts_as_early_and_sets_up_earlier_counts_where_it_really_is() -> None:
    early, late = candidate("a", 1, 1, room="r2", setup=0), candidate("b", 1, 1, setup=1)
    day = Day(2, booked=((DAWN, DAWN + QUARTER),))  # over when the other one begins
    assert set(servable([early, late], day).served) == {"a", "b"}
    full = Day(1, booked=((DAWN, DAWN + QUARTER),))
    assert set(servable([early, late], full).served) == {"a"}


def test_a_room_that_is_taken_again_still_counts_for_whoever_sets_up_before_that() -> None:
    first, second = candidate("d", 0, 2, setup=0, people=("rina",)), candidate("b", 3, 1, setup=0, people=("rina",))
    early = candidate("c", 4, 1, setup=2, room="r2")  # sets up while the first one is still on
    day = Day(2, booked=((DAWN, DAWN + 3 * QUARTER),))
    assert set(servable([first, second, early], day).served) != {"b", "c", "d"}


@settings(max_examples=150, deadline=None)
@given(CANDIDATES, DAYS)
def test_the_reasons_are_what_trying_everything_finds(known: list[Candidate], day: Day) -> None:
    sets = list(possible(tuple(known), day))
    left_out = servable(known, day).left_out
    assert {left.id: left.because for left in left_out} == {left.id: reason(left.id, sets) for left in left_out}


@settings(max_examples=60, deadline=None)
@given(CANDIDATES, DAYS, st.randoms())
def test_the_order_of_asking_changes_nothing(known: list[Candidate], day: Day, random: object) -> None:
    shuffled = list(known)
    random.shuffle(shuffled)  # type: ignore[attr-defined] # hypothesis gives a Random
    first, second = servable(known, day), servable(shuffled, day)
    assert first.served == second.served
    assert {left.id: left.because for left in first.left_out} == {left.id: left.because for left in second.left_out}


def test_a_leader_displaces_two_others_and_more_displace_one() -> None:
    long = candidate("long", 0, 8)
    pair = candidate("early", 0, 2), candidate("late", 6, 2)
    answer = servable((long, *pair), Day(3))
    assert set(answer.served) == {"early", "late"}
    assert [(left.id, left.because) for left in answer.left_out] == [("long", Because.NUMBER)]
    assert set(answer.left_out[0].obstacles[0].holders) == {"early", "late"}
    led = servable((candidate("long", 0, 8, leader=Leader.SECRETARY), *pair), Day(3))
    assert set(led.served) == {"long"}
    assert {left.because for left in led.left_out} == {Because.PRIORITY}


def test_who_was_first_is_served_where_all_else_is_equal() -> None:
    answer = servable((candidate("b", 0, 2), candidate("a", 0, 2)), Day(3))
    assert set(answer.served) == {"a"}  # sent in an hour before b
    assert answer.left_out[0].because is Because.EARLIER


def test_what_cannot_be_served_alone_says_so() -> None:
    answer = servable((candidate("a", 0, 2, people=()),), Day(3))
    assert answer.left_out[0].because is Because.ALONE
    assert answer.left_out[0].obstacles[0].kind is UnitKind.OPERATOR


def test_the_limit_is_an_obstacle_of_its_own() -> None:
    answer = servable((candidate("a", 0, 2), candidate("b", 0, 2, room="r2")), Day(1))
    assert [obstacle.kind for left in answer.left_out for obstacle in left.obstacles] == [None]


def crowd(count: int) -> tuple[Candidate, ...]:
    """Return a day's worth of overlapping requests, no two alike."""
    skilled = [OPERATORS, ("rina", "yoga"), ("dewi", "hendra"), (*OPERATORS, "hendra", "sari")]
    return tuple(
        candidate(
            f"q{n:02}",
            n * 7 % 31,
            2 + n * 5 % 11,
            room=f"r{n % 5}",
            leader=Leader.GOVERNOR if n % 13 == 5 else Leader.NONE,
            people=skilled[n % 4],
            mics=n % 3,
            site="AB"[n % 2],
        )
        for n in range(count)
    )


def test_thirty_requests_are_solved_to_the_end() -> None:
    answer = servable(crowd(30), Day(4, travel=2 * QUARTER))
    assert answer.proven
    assert len(answer.served) + len(answer.left_out) == 30
    assert {"q05", "q18"} <= set(answer.served)


def test_a_day_that_is_too_hard_says_that_it_is_not_proven(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SITUATIONS_AT_MOST", 10)
    answer = servable(crowd(12), Day(3))
    assert not answer.proven
    chosen = tuple(one for one in crowd(12) if one.id in answer.served)
    assert chosen
    assert fits(chosen, tuple(answer.served[one.id] for one in chosen), Day(3))
