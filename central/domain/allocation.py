"""Which units a session takes, each for its own time.

The room and the person are the officer's choice; of accounts and pools the first free
units are taken. What the database holds already is refused there, whatever stands here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from central.domain.kit import buffers_of, free_account, free_pieces, pool
from central.domain.resources import Resources, Rules, Wish
from central.domain.words import UnitKind


@dataclass(frozen=True, slots=True)
class Held:
    """One unit for a time, buffers included."""

    kind: UnitKind
    unit: str
    starts: datetime
    ends: datetime


def allocate(wish: Wish, resources: Resources, rules: Rules) -> tuple[Held, ...]:
    """Return what a session for `wish` takes: as much as is free, when there is too little."""
    room = rules.around_room(resources.room.id, wish)
    held = [Held(UnitKind.ROOM, resources.room.id, *room)]
    if resources.operator is not None:
        held.append(Held(UnitKind.OPERATOR, resources.operator.id, *room))
    if not wish.own_account and (account := free_account(wish, resources, rules)) is not None:
        span = rules.account_buffers.around(wish.starts, wish.ends)
        held.append(Held(UnitKind.ACCOUNT, account, *span))
    for need in wish.needs:
        one = pool(need, resources)
        if one is not None and one.site in {"", resources.room.site}:
            span = buffers_of(one, resources, rules).around(wish.starts, wish.ends)
            pieces = free_pieces(one, wish, resources, rules)[: need.count]
            held += [Held(UnitKind.EQUIPMENT, unit, *span) for unit in pieces]
    return tuple(held)
