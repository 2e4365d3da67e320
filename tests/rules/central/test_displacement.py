"""Making room for a leader: the fewest sessions, never one of the same rank, never one that has begun."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from central.domain.candidates import impossible
from central.domain.displacement import Booked, fewest, may_go
from central.domain.findings import Rival
from central.domain.resources import Occupied
from central.domain.verification import verify
from central.domain.words import Leader, UnitKind
from tests.rules.central.test_verification import ENDS, RESOURCES, RINA, RULES, STARTS, WISH

LED = replace(WISH, leader=Leader.VICE_GOVERNOR)
NOW = STARTS - timedelta(days=1)
HOUR = timedelta(hours=1)


def booked(session: str, *, leader: Leader = Leader.NONE, participants: int = 10) -> Booked:
    return Booked(session, leader, participants, NOW - HOUR, STARTS - HOUR)


def held(session: str, kind: UnitKind, unit: str) -> Occupied:
    return Occupied(kind, unit, Rival(session, session, "Bappeda", STARTS, ENDS))


def test_one_session_in_the_room_makes_room() -> None:
    resources = replace(RESOURCES, occupied=(held("s-1", UnitKind.ROOM, "praja-1"),))
    assert fewest(LED, resources, RULES, [booked("s-1")], NOW) == ("s-1",)


def test_nobody_goes_where_nobody_has_to() -> None:
    elsewhere = replace(RESOURCES, occupied=(held("s-1", UnitKind.ROOM, "praja-2"),))
    assert fewest(LED, elsewhere, RULES, [booked("s-1")], NOW) == ()


def test_a_leader_of_the_same_rank_stays() -> None:
    resources = replace(RESOURCES, occupied=(held("s-1", UnitKind.ROOM, "praja-1"),))
    same = [booked("s-1", leader=Leader.VICE_GOVERNOR)]
    assert fewest(LED, resources, RULES, same, NOW) is None
    assert fewest(replace(LED, leader=Leader.GOVERNOR), resources, RULES, same, NOW) == ("s-1",)
    assert not may_go(booked("s-1"), Leader.NONE, NOW)


def test_a_session_whose_preparation_began_stays() -> None:
    resources = replace(RESOURCES, occupied=(held("s-1", UnitKind.ROOM, "praja-1"),))
    assert fewest(LED, resources, RULES, [booked("s-1")], STARTS - HOUR) is None


def test_of_two_that_would_do_the_smaller_one_goes() -> None:
    taken = (held("s-1", UnitKind.OPERATOR, "rina"), held("s-2", UnitKind.OPERATOR, "yoga"))
    resources = replace(RESOURCES, occupied=taken)
    assert fewest(LED, resources, RULES, [booked("s-1", participants=50), booked("s-2")], NOW) == ("s-2",)
    chosen = replace(resources, operator=RINA)
    assert fewest(LED, chosen, RULES, [booked("s-1", participants=50), booked("s-2")], NOW) == ("s-1",)


UNITS = st.sampled_from(
    [(UnitKind.ROOM, "praja-1"), (UnitKind.ROOM, "praja-2"), (UnitKind.OPERATOR, "rina"), (UnitKind.OPERATOR, "yoga")]
)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(UNITS, st.sampled_from(list(Leader))), max_size=5),
    st.sampled_from([Leader.SECRETARY, Leader.GOVERNOR]),
)
def test_no_smaller_choice_would_do(sessions: list[tuple[tuple[UnitKind, str], Leader]], leader: Leader) -> None:
    wish = replace(LED, leader=leader)
    occupied = tuple(held(f"s-{n}", *unit) for n, (unit, _) in enumerate(sessions))
    known = [booked(f"s-{n}", leader=rank) for n, (_, rank) in enumerate(sessions)]
    answer = fewest(wish, replace(RESOURCES, occupied=occupied), RULES, known, NOW)
    movable = [one.session for one in known if may_go(one, leader, NOW)]

    def possible(gone: tuple[str, ...]) -> bool:
        left = tuple(one for one in occupied if one.rival.session not in gone)
        return not impossible(verify(wish, replace(RESOURCES, occupied=left), RULES))

    sizes = [n for n in range(len(movable) + 1) if any(possible(some) for some in combinations(movable, n))]
    assert (None if answer is None else len(answer)) == min(sizes, default=None)
    assert answer is None or (possible(answer) and set(answer) <= set(movable))
