"""The best set of thirty requests of one day: how long it takes. That it is the best is a test against brute force."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from central.domain.calendar import Span
from central.domain.servable import Candidate, Day, Group, servable
from central.domain.words import Leader, UnitKind
from siaga.bench import Figure
from tests.bench.central_places import milliseconds, p95

GOAL_MS = 1000.0
REQUESTS = 30
DAWN = datetime(2026, 11, 9, 0, 30, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
LEADERS = (Leader.GOVERNOR, Leader.VICE_GOVERNOR, Leader.SECRETARY, *(Leader.NONE,) * 7)


def measure(*, quick: bool) -> list[Figure]:
    """Return how long days of thirty requests take, and how many were not solved to the end."""
    days = [_day(random.Random(seed)) for seed in range(8 if quick else 60)]
    unproven: list[bool] = []
    taken = milliseconds([lambda one=one: unproven.append(not servable(*one).proven) for one in days])  # type: ignore[misc]
    title, worst = f"best set of {REQUESTS} requests", p95(taken)
    return [
        Figure("central", f"{title}, p95 of {len(days)} days", worst, "ms", f"<= {GOAL_MS:g}", worst <= GOAL_MS),
        Figure("central", f"{title}: given up", sum(unproven), "days", "0", not any(unproven)),
    ]


def _day(chance: random.Random) -> tuple[list[Candidate], Day]:
    """Return requests for four rooms, four people, six microphones and three accounts, and what is booked already."""
    known = [_candidate(n, chance) for n in range(REQUESTS)]
    booked = tuple(_span(chance.randrange(28), 6) for _ in range(2))
    return known, Day(3, booked, timedelta(minutes=30))


def _candidate(number: int, chance: random.Random) -> Candidate:
    first, length = chance.randrange(28), chance.randrange(2, 9)
    event, around = _span(first, length), _span(first - 2, length + 3)
    people = tuple(sorted(chance.sample(("rina", "yoga", "dewi", "hendra"), chance.randrange(2, 5))))
    room = chance.randrange(4)
    groups = [
        Group(UnitKind.ROOM, 1, (f"r-{room}",), around),
        Group(UnitKind.OPERATOR, 1, people, around),
        Group(UnitKind.ACCOUNT, 1, ("zoom-1#1", "zoom-2#1", "zoom-3#1"), around),
    ]
    if pieces := chance.randrange(3):
        groups.append(Group(UnitKind.EQUIPMENT, pieces, tuple(f"mic#{n}" for n in range(1, 7)), event))
    sent = DAWN - timedelta(days=7) + timedelta(minutes=chance.randrange(5000))
    site = "AB"[room % 2]
    return Candidate(f"q-{number:02}", chance.choice(LEADERS), sent, event[0], around, site, tuple(groups))


def _span(first: int, length: int) -> Span:
    return DAWN + first * QUARTER, DAWN + (first + length) * QUARTER
