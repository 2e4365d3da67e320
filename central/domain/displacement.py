"""Who has to make room for a leader: the fewest sessions, never one of a leader of the same rank or a higher one.

Nothing is displaced here. What comes out is a proposal; a named officer applies it or not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import combinations
from typing import Final

from central.domain.candidates import impossible
from central.domain.resources import Resources, Rules, Wish
from central.domain.verification import verify
from central.domain.words import LEADERS, Leader

_RANKS: Final = (Leader.NONE, *reversed(LEADERS))
LOOKED_AT: Final = 12
"""So many sessions that are in the way at most; nobody displaces half a day."""


@dataclass(frozen=True, slots=True)
class Booked:
    """A session that is in the way."""

    session: str
    leader: Leader
    participants: int
    submitted_at: datetime
    taken_from: datetime
    """When its preparation begins."""


def may_go(booked: Booked, leader: Leader, now: datetime) -> bool:
    """Return whether a session may make room for `leader`: it has not begun and has a lower rank."""
    return booked.taken_from > now and _RANKS.index(booked.leader) < _RANKS.index(leader)


def fewest(
    wish: Wish, resources: Resources, rules: Rules, booked: Iterable[Booked], now: datetime
) -> tuple[str, ...] | None:
    """Return the sessions that have to go for `wish` to be possible, or None when no such choice helps.

    The fewest; among equal choices those with fewer people, then those sent in later. None
    at all are returned when it is possible as it is.
    """
    movable = sorted(
        (one for one in booked if may_go(one, wish.leader, now)), key=lambda one: (one.taken_from, one.session)
    )[:LOOKED_AT]
    for count in range(len(movable) + 1):
        fitting = [
            chosen
            for chosen in combinations(movable, count)
            if _possible(wish, resources, rules, frozenset(one.session for one in chosen))
        ]
        if fitting:
            best = min(fitting, key=_hurt)
            return tuple(sorted(one.session for one in best))
    return None


def _hurt(chosen: tuple[Booked, ...]) -> tuple[int, int, float, tuple[str, ...]]:
    ranks = sum(_RANKS.index(one.leader) for one in chosen)
    people = sum(one.participants for one in chosen)
    sent = -sum(one.submitted_at.timestamp() for one in chosen)
    return ranks, people, sent, tuple(one.session for one in chosen)


def _possible(wish: Wish, resources: Resources, rules: Rules, gone: frozenset[str]) -> bool:
    left = tuple(one for one in resources.occupied if one.rival.session not in gone)
    return not impossible(verify(wish, replace(resources, occupied=left), rules))
