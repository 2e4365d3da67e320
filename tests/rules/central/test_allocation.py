"""Allocation against a brute-force oracle: request after request, nothing held twice, nothing refused that fits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from central.domain.allocation import Held, allocate
from central.domain.findings import Code, Finding, Rival, Verdict
from central.domain.resources import (
    AccountFacts,
    Buffers,
    EquipmentFacts,
    Need,
    Occupied,
    OperatorFacts,
    Resources,
    RoomFacts,
    Wish,
)
from central.domain.verification import verify
from central.domain.words import UnitKind
from tests.rules.central.test_verification import RINA, RULES, STARTS, WISH, YOGA

QUARTER = timedelta(minutes=15)
ROOMS = (RoomFacts("r1", "Satu", 99, can_record=True, open=True, site="A"),
         RoomFacts("r2", "Dua", 99, can_record=True, open=True, site="B"))  # fmt: skip
EQUIPMENT = (
    EquipmentFacts("mic", "Mikrofon", count=3, faulty=1),
    EquipmentFacts("cam", "Kamera", site="A", buffers=Buffers(4 * QUARTER, timedelta(0))),
)
ACCOUNTS = (
    AccountFacts("small", "Kecil", "zoom", concurrency=1, participants_at_most=10),
    AccountFacts("large", "Besar", "zoom", concurrency=2, participants_at_most=100, lasts_at_most=6 * QUARTER),
)
OURS = replace(RULES, servable_limit=9, buffers_of={"r2": Buffers(3 * QUARTER, QUARTER)})


@dataclass(frozen=True)
class Asked:
    """One request of a made-up day."""

    first: int
    length: int
    room: RoomFacts
    operator: OperatorFacts
    participants: int
    own_account: bool
    mics: int
    cams: int

    def wish(self) -> Wish:
        starts = STARTS.replace(hour=9) + self.first * QUARTER
        needs = (Need("mic", self.mics), Need("cam", self.cams))
        return replace(
            WISH,
            submitted_at=starts - timedelta(days=9),
            starts=starts,
            ends=starts + self.length * QUARTER,
            participants=self.participants,
            own_account=self.own_account,
            needs=tuple(need for need in needs if need.count),
        )


ASKED = st.lists(
    st.builds(
        Asked,
        st.integers(0, 16),
        st.integers(1, 8),
        st.sampled_from(ROOMS),
        st.sampled_from([RINA, YOGA]),
        st.sampled_from([5, 50, 99]),
        st.booleans(),
        st.integers(0, 3),
        st.integers(0, 1),
    ),
    max_size=8,
)


def spans(one: Asked, wish: Wish) -> dict[str, tuple[Held, ...]]:
    """Return every unit that could serve each need of a request, by plain enumeration."""
    setup, teardown = (3 * QUARTER, QUARTER) if one.room.id == "r2" else (2 * QUARTER, QUARTER)
    room = wish.starts - setup, wish.ends + teardown
    account = wish.starts - 2 * QUARTER, wish.ends + QUARTER
    options: dict[str, tuple[Held, ...]] = {
        "room": (Held(UnitKind.ROOM, one.room.id, *room),),
        "operator": (Held(UnitKind.OPERATOR, one.operator.id, *room),),
    }
    if not one.own_account:
        names = ["small#1"] if one.participants <= 10 else []
        names += ["large#1", "large#2"] if one.length <= 6 else []
        options["account"] = tuple(Held(UnitKind.ACCOUNT, name, *account) for name in names)
    if one.mics:
        options["mic"] = tuple(Held(UnitKind.EQUIPMENT, f"mic#{n}", *room) for n in (1, 2))
    if one.cams:
        early = wish.starts - 4 * QUARTER, wish.ends
        options["cam"] = (Held(UnitKind.EQUIPMENT, "cam#1", *early),) if one.room.site == "A" else ()
    return options


def clash(one: Held, other: Held) -> bool:
    same = (one.kind, one.unit) == (other.kind, other.unit)
    return same and max(one.starts, other.starts) < min(one.ends, other.ends)


def could_be_served(one: Asked, wish: Wish, taken: list[Held]) -> bool:
    """Try every choice of units for every need."""
    wanted = {"mic": one.mics, "cam": one.cams}
    for name, options in spans(one, wish).items():
        choices = combinations(options, wanted.get(name, 1))
        if not any(all(not clash(unit, other) for unit in choice for other in taken) for choice in choices):
            return False
    return True


HARMLESS = {Code.HOURS_OUTSIDE, Code.LEAD_SHORT, Code.DUTY_OFF}


def failing(findings: tuple[Finding, ...]) -> list[Finding]:
    return [one for one in findings if one.verdict is Verdict.FAIL and one.code not in HARMLESS]


@settings(max_examples=200, deadline=None)
@given(ASKED)
def test_what_fits_is_served_whole_and_nothing_is_held_twice(asked: list[Asked]) -> None:
    taken: list[Held] = []
    occupied: tuple[Occupied, ...] = ()
    for n, one in enumerate(asked):
        wish = one.wish()
        here = Resources(one.room, (RINA, YOGA), occupied, one.operator, EQUIPMENT, ACCOUNTS)
        fits = not failing(verify(wish, here, OURS))
        assert fits == could_be_served(one, wish, taken)
        if not fits:
            continue
        held = allocate(wish, here, OURS)
        assert len(held) == 2 + (not one.own_account) + one.mics + one.cams
        assert not any(clash(unit, other) for unit in held for other in taken)
        assert not any(clash(unit, other) for unit, other in combinations(held, 2))
        allowed = {unit for options in spans(one, wish).values() for unit in options}
        assert set(held) <= allowed
        taken += held
        occupied += tuple(
            Occupied(unit.kind, unit.unit, Rival(f"s-{n}", "x", "y", unit.starts, unit.ends), one.room.site)
            for unit in held
        )
