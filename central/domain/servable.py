"""Which requests of a day can be served together: consideration 5, computed exactly.

Best is what serves the most for the governor, then for the vice governor, then for the
secretary, then the most requests at all, then those that were sent in first; so there is
exactly one best set. The requests are taken in the order in which they start. Of what
went before, only the units that are still taken matter, and of two units that the rest of
the day can use alike it does not matter which: so equal situations are met once
(dynamic programming over the time of day). What the rest of the day is worth at most is
known from the same search with rooms and the limit only, which takes a moment; nothing is
tried that cannot beat what was found by that measure.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import combinations
from typing import Final

from central.domain.calendar import Span
from central.domain.words import LEADERS, Leader, UnitKind

SITUATIONS_AT_MOST: Final = 300_000
"""Where the search gives up: far beyond thirty requests of one office."""
Unit = tuple[UnitKind, str]
Value = tuple[int, int, int, int, int]
"""Served for the governor, the vice governor, the secretary, served at all, and the earliest sent."""
_NOTHING: Final[Value] = (0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Group:
    """So many of these units for one time; the units are those that nothing booked holds."""

    kind: UnitKind
    count: int
    units: tuple[str, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Candidate:
    """A request with everything it takes. `room` is when it counts as one of those at a time."""

    id: str
    leader: Leader
    submitted_at: datetime
    starts: datetime
    room: Span
    site: str
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class Day:
    """What all candidates share: the limit of sessions at once, those booked already, the way between sites."""

    limit: int
    booked: tuple[Span, ...] = ()
    travel: timedelta = timedelta(0)


class Because(StrEnum):
    """Why a request is not in the best set."""

    ALONE = "alone"
    """It cannot be served even by itself."""
    PRIORITY = "priority"
    """With it, less could be done for leaders."""
    NUMBER = "number"
    """With it, fewer requests could be served."""
    EARLIER = "earlier"
    """As many could be served, and others were sent in before it."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A kind of unit that was missing; `holders` are the served requests that have it. No kind: the limit."""

    kind: UnitKind | None
    holders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A request that is not served, why, and what stood in its way."""

    id: str
    because: Because
    obstacles: tuple[Obstacle, ...]


@dataclass(frozen=True, slots=True)
class Servable:
    """The best set: who is served with which units, and who is not. `proven` is false where the search gave up."""

    served: Mapping[str, tuple[Unit, ...]]
    left_out: tuple[LeftOut, ...]
    proven: bool = True


class TooHard(ValueError):
    """More situations than `SITUATIONS_AT_MOST`."""


@dataclass(frozen=True, slots=True)
class _Taken:
    """A unit that is taken from then until then, at that site.

    Two that need one unit meet whenever the earlier one is not over, as they are taken in the
    order of their starts. How many there are at once has to know beginnings too: who starts
    later may set up earlier.
    """

    unit: Unit
    since: datetime
    until: datetime
    site: str


_State = tuple[_Taken, ...]
_Situation = tuple[int, tuple[object, ...]]
_LEAST: Final[Value] = (-(1 << 62),) * 5
_MOST: Final[Value] = (1 << 62,) * 5


def servable(candidates: Iterable[Candidate], day: Day) -> Servable:
    """Return the one best set of `candidates`."""
    known = tuple(candidates)
    try:
        search = _Search(known, day, outlook=_Search(_in_their_rooms(known), day))
        served = search.plan()
        return Servable(served, tuple(_left_out(known, day, search, served)))
    except TooHard:
        served = _one_by_one(known, day)
        left = (one for one in known if one.id not in served)
        return Servable(served, tuple(_unproven(one, known, day, served) for one in left), proven=False)


def _in_their_rooms(known: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
    """Return the requests as if rooms were all they take."""
    return tuple(replace(one, groups=tuple(g for g in one.groups if g.kind is UnitKind.ROOM)) for one in known)


def value_of(one: Candidate, all_candidates: tuple[Candidate, ...]) -> Value:
    """Return what serving `one` is worth."""
    order = sorted(all_candidates, key=lambda other: (other.submitted_at, other.id))
    governor, vice, secretary = (int(one.leader is rank) for rank in LEADERS)
    return governor, vice, secretary, 1, 1 << (len(order) - 1 - order.index(one))


def _number_of(one: Candidate, all_candidates: tuple[Candidate, ...]) -> Value:
    """Return what serving `one` is worth where it does not matter who was first."""
    return *value_of(one, all_candidates)[:4], 0


def _rank_of(one: Candidate, all_candidates: tuple[Candidate, ...]) -> Value:
    """Return what serving `one` is worth where only leaders count."""
    return *value_of(one, all_candidates)[:3], 0, 0


def _add(one: Value, other: Value) -> Value:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2], one[3] + other[3], one[4] + other[4]


def _less(one: Value, other: Value) -> Value:
    return one[0] - other[0], one[1] - other[1], one[2] - other[2], one[3] - other[3], one[4] - other[4]


def _above(one: Value) -> Value:
    """Return the least that is more."""
    return *one[:4], one[4] + 1


class _Search:
    """One search over a day."""

    def __init__(
        self,
        candidates: tuple[Candidate, ...],
        day: Day,
        *,
        outlook: _Search | None = None,
        worth: Callable[[Candidate, tuple[Candidate, ...]], Value] = value_of,
    ) -> None:
        self._day = day
        self._outlook = outlook
        """The same day as if rooms were all that is taken: nothing can be better than it says."""
        self._must: str | None = None
        self._order = sorted(candidates, key=lambda one: (one.starts, one.submitted_at, one.id))
        self._values = [worth(one, candidates) for one in self._order]
        self._rest = [_NOTHING] * (len(self._order) + 1)
        """The most that what is left can be worth."""
        for n in reversed(range(len(self._order))):
            self._rest[n] = _add(self._rest[n + 1], self._values[n])
        self._uses = _uses(self._order)
        self._first = _first_starts(self._order)
        self._first_room = _earliest(self._order, lambda one: one.room[0])
        self._known: dict[_Situation, Value] = {}
        """Situations whose best is known."""
        self._beyond: dict[_Situation, Value] = {}
        """Situations whose best is known to be less than this."""

    def can_serve(self, ident: str) -> bool:
        """Return whether a request can be served when no other is."""
        place = next(n for n, one in enumerate(self._order) if one.id == ident)
        return next(self._ways(place, ()), None) is not None

    def reaches(self, need: Value, must: str | None = None) -> bool:
        """Return whether some set, with `must` in it when one is named, is worth `need` or more.

        What comes after `must` is decided as ever, so those situations stay known.

        Raises:
            TooHard: after too many situations.
        """
        with contextlib.ExitStack() as forced:
            for search in (self, self._outlook):
                if search is not None and must is not None:
                    forced.enter_context(search._forced(must))
            return self._best(0, (), need) is not None

    @contextlib.contextmanager
    def _forced(self, must: str) -> Iterator[None]:
        """Have `must` in every set while inside."""
        place = next(n for n, one in enumerate(self._order) if one.id == must)
        known, beyond = self._known, self._beyond
        self._known = {key: value for key, value in known.items() if key[0] > place}
        self._beyond = {key: value for key, value in beyond.items() if key[0] > place}
        self._must = must
        try:
            yield
        finally:
            self._must = None
            self._known, self._beyond = known, beyond

    def best(self) -> Value:
        """Return the worth of the best set.

        Raises:
            TooHard: after too many situations.
        """
        return self._best(0, (), _LEAST) or _NOTHING

    def plan(self) -> dict[str, tuple[Unit, ...]]:
        """Return the best set with its units.

        Raises:
            TooHard: after too many situations.
        """
        served: dict[str, tuple[Unit, ...]] = {}
        state: _State = ()
        for n, one in enumerate(self._order):
            wanted = self._best(n, state, _LEAST) or _NOTHING
            chosen = next((units for units in self._ways(n, state) if self._with(n, state, units, wanted)), None)
            if chosen is not None:
                served[one.id] = chosen
            state = self._after(n, state, chosen or ())
        return served

    def _best(self, n: int, state: _State, need: Value) -> Value | None:
        """Return the worth of the best that is possible from `n` on, None when it is less than `need`.

        Raises:
            TooHard: after too many situations.
        """
        if n == len(self._order):
            return _NOTHING if need <= _NOTHING else None
        key = n, self._alike(n, state)
        if key in self._known:
            return self._known[key] if self._known[key] >= need else None
        if need >= self._beyond.get(key, _MOST):
            return None
        if len(self._known) + len(self._beyond) >= SITUATIONS_AT_MOST:
            raise TooHard(f"more than {SITUATIONS_AT_MOST} situations")
        found = self._look(n, state, need) if self._may_reach(n, state, need) else None
        if found is None:
            self._beyond[key] = need
        else:
            self._known[key] = found
        return found

    def _look(self, n: int, state: _State, need: Value) -> Value | None:
        """Return the better of leaving the next request out and serving it in each way, the hopeful one first."""
        left_out = self._after(n, state, ())
        may_leave = self._order[n].id != self._must
        found: Value | None = None
        if leave_first := may_leave and self._looks_free(n, state, left_out):
            found = self._best(n + 1, left_out, need)
        for units in self._ways(n, state):
            found = self._with(n, state, units, need if found is None else _above(found)) or found
        if may_leave and not leave_first:
            found = self._best(n + 1, left_out, need if found is None else _above(found)) or found
        return found

    def _looks_free(self, n: int, state: _State, left_out: _State) -> bool:
        """Return whether the day of rooms alone is worth as much without request `n`."""
        if self._outlook is None:
            return False
        promised = self._outlook._promise(n, state)
        return promised is not None and promised == self._outlook._promise(n + 1, left_out)

    def _promise(self, n: int, state: _State) -> Value | None:
        rooms = tuple(taken for taken in state if taken.unit[0] is UnitKind.ROOM)
        return self._best(n, rooms, _LEAST)

    def _may_reach(self, n: int, state: _State, need: Value) -> bool:
        if self._outlook is None:
            return self._rest[n] >= need
        promised = self._outlook._promise(n, state)
        return promised is not None and promised >= need

    def _with(self, n: int, state: _State, units: tuple[Unit, ...], need: Value) -> Value | None:
        worth = self._best(n + 1, self._after(n, state, units), _less(need, self._values[n]))
        return None if worth is None else _add(worth, self._values[n])

    def _after(self, n: int, state: _State, units: tuple[Unit, ...]) -> _State:
        """Return what is taken once request `n` is decided, without what no later request can meet.

        A room that is taken again still counts until its first session is over, for whoever sets up before that.
        """
        one = self._order[n]
        spans = {group.kind: group.span for group in one.groups}
        held = {unit: _span(one, unit, spans) for unit in units}
        kept = [t for t in state if t.unit not in held or self._counts(t, n + 1)]
        kept += [_Taken(unit, *span, one.site) for unit, span in held.items()]
        return tuple(taken for taken in kept if taken.until + self._day.travel > self._first[n + 1])

    def _counts(self, taken: _Taken, n: int) -> bool:
        """Return whether a session in a room is one of those at a time for a request from `n` on."""
        return taken.unit[0] is UnitKind.ROOM and taken.until > self._first_room[n]

    def _alike(self, n: int, state: _State) -> tuple[object, ...]:
        """Return the situation without names: which later requests can use what is taken, and from when until when.

        What began before any of them sets up has been there all along, for all that they see.
        """
        first = self._first_room[n]
        return tuple(
            sorted(
                (t.unit[0].value, self._uses.get(t.unit, 0) >> n, max(t.since, first), t.until, t.site)
                for t in state
                if self._uses.get(t.unit, 0) >> n or t.unit[0] is UnitKind.ROOM
            )
        )

    def _ways(self, n: int, state: _State) -> Iterator[tuple[Unit, ...]]:
        """Yield the units that request `n` could take, one way of each sort."""
        one = self._order[n]
        if self._full(one, state):
            return
        taken = {t.unit: t for t in state}
        groups = [self._sorts(n, group, one.site, taken) for group in one.groups]
        yield from _product(groups)

    def _full(self, one: Candidate, state: _State) -> bool:
        held = [*((t.since, t.until) for t in state if t.unit[0] is UnitKind.ROOM), *self._day.booked]
        moments = [one.room[0], *(starts for starts, _ in held if one.room[0] < starts < one.room[1])]
        return any(sum(s <= moment < e for s, e in held) >= self._day.limit for moment in moments)

    def _sorts(self, n: int, group: Group, site: str, taken: Mapping[Unit, _Taken]) -> list[tuple[Unit, ...]]:
        """Return the ways to fill `group`, one for each sort: units that later requests can use alike are one sort."""
        free: list[tuple[Unit, object]] = []
        for name in group.units:
            unit = group.kind, name
            held = taken.get(unit)
            if held is None or self._gone(held, group, site):
                sort = (self._uses[unit] >> (n + 1), held.until if held else None, held.site if held else "")
                free.append((unit, sort))
        ways: dict[tuple[object, ...], tuple[Unit, ...]] = {}
        for chosen in combinations(free, group.count):
            key = tuple(sorted((str(sort) for _, sort in chosen)))
            ways.setdefault(key, tuple(unit for unit, _ in chosen))
        return list(ways.values())

    def _gone(self, held: _Taken, group: Group, site: str) -> bool:
        """Return whether a unit is back in time."""
        way = self._day.travel if group.kind is UnitKind.OPERATOR and held.site != site else timedelta(0)
        return held.until + way <= group.span[0]


def _product(groups: list[list[tuple[Unit, ...]]]) -> Iterator[tuple[Unit, ...]]:
    if not groups:
        yield ()
        return
    for first in groups[0]:
        for rest in _product(groups[1:]):
            if not set(first) & set(rest):
                yield (*first, *rest)


def _span(one: Candidate, unit: Unit, spans: Mapping[UnitKind, Span]) -> Span:
    """Return when `one` holds `unit`; pools of equipment may differ from each other."""
    if unit[0] is not UnitKind.EQUIPMENT:
        return spans[unit[0]]
    return next(group.span for group in one.groups if group.kind is unit[0] and unit[1] in group.units)


def _uses(order: list[Candidate]) -> dict[Unit, int]:
    """Return, as bits, which requests can use which unit."""
    found: dict[Unit, int] = {}
    for n, one in enumerate(order):
        for group in one.groups:
            for name in group.units:
                found[group.kind, name] = found.get((group.kind, name), 0) | 1 << n
    return found


def _first_starts(order: list[Candidate]) -> list[datetime]:
    """Return when anything from request `n` on begins to be needed."""
    return _earliest(order, lambda one: min((one.room[0], *(group.span[0] for group in one.groups))))


def _earliest(order: list[Candidate], begins: Callable[[Candidate], datetime]) -> list[datetime]:
    """Return the earliest that anything from request `n` on begins, and what is never for after the last."""
    found = [datetime.max.replace(tzinfo=order[0].starts.tzinfo)] if order else []
    for one in reversed(order):
        found.append(min(found[-1], begins(one)))
    return found[::-1]


# Why somebody is left out


def _left_out(
    known: tuple[Candidate, ...], day: Day, search: _Search, served: Mapping[str, tuple[Unit, ...]]
) -> Iterator[LeftOut]:
    best = search.best()
    # Whoever was first makes every set unlike every other one. To know whether a request could
    # be in one as large, sets of one size may be alike: far fewer situations, shared by all reasons.
    rooms = _Search(_in_their_rooms(known), day, worth=_number_of)
    sizes = _Search(known, day, outlook=rooms, worth=_number_of)
    for one in known:
        if one.id not in served:
            yield LeftOut(one.id, _because(one, known, day, sizes, best), _obstacles(one, known, day, served))


def _because(one: Candidate, known: tuple[Candidate, ...], day: Day, sizes: _Search, best: Value) -> Because:
    """Compare the best set with what sets that have `one` in it are worth."""
    if not sizes.can_serve(one.id):
        return Because.ALONE
    if not _beside_leaders(one, known, day, best):
        return Because.PRIORITY
    return Because.EARLIER if sizes.reaches((*best[:4], 0), one.id) else Because.NUMBER


def _beside_leaders(one: Candidate, known: tuple[Candidate, ...], day: Day, best: Value) -> bool:
    """Return whether as much can be done for leaders with `one`: all others can stay away, and are not looked at."""
    chosen = (*(other for other in known if other.leader in LEADERS and other is not one), one)
    rooms = _Search(_in_their_rooms(chosen), day, worth=_rank_of)
    return _Search(chosen, day, outlook=rooms, worth=_rank_of).reaches((*best[:3], 0, 0), one.id)


def _obstacles(
    one: Candidate, known: tuple[Candidate, ...], day: Day, served: Mapping[str, tuple[Unit, ...]]
) -> tuple[Obstacle, ...]:
    """Return what is missing beside the served requests; at least one thing is, else it would be served."""
    others = {other.id: other for other in known if other.id in served}
    found = [obstacle for group in one.groups if (obstacle := _obstacle(one, group, others, day, served))]
    together = [other for other in others.values() if _overlap(other.room, one.room)]
    moments = [one.room[0], *(span[0] for span in (*(o.room for o in together), *day.booked))]
    within = [moment for moment in moments if one.room[0] <= moment < one.room[1]]
    spans = (*(other.room for other in together), *day.booked)
    if any(sum(s <= moment < e for s, e in spans) >= day.limit for moment in within):
        found.append(Obstacle(None, tuple(other.id for other in together)))
    return tuple(found)


def _obstacle(
    one: Candidate,
    group: Group,
    others: Mapping[str, Candidate],
    day: Day,
    served: Mapping[str, tuple[Unit, ...]],
) -> Obstacle | None:
    holders: dict[str, list[str]] = {}
    for ident, units in served.items():
        other = others[ident]
        spans = {g.kind: g.span for g in other.groups}
        for unit in units:
            if unit[0] is not group.kind or unit[1] not in group.units:
                continue
            way = day.travel if group.kind is UnitKind.OPERATOR and other.site != one.site else timedelta(0)
            starts, ends = _span(other, unit, spans)
            if _overlap((starts - way, ends + way), group.span):
                holders.setdefault(unit[1], []).append(ident)
    if len(group.units) - len(holders) >= group.count:
        return None
    return Obstacle(group.kind, tuple(dict.fromkeys(ident for idents in holders.values() for ident in idents)))


def _overlap(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _one_by_one(known: tuple[Candidate, ...], day: Day) -> dict[str, tuple[Unit, ...]]:
    """Return a good set for a day that is too hard: the worthiest first, each kept when all kept ones still fit."""
    kept: list[Candidate] = []
    plan: dict[str, tuple[Unit, ...]] = {}
    for one in sorted(known, key=lambda c: value_of(c, known), reverse=True):
        tried = _first_fit((*kept, one), day)
        if tried is not None:
            kept.append(one)
            plan = tried
    return plan


def _first_fit(chosen: tuple[Candidate, ...], day: Day) -> dict[str, tuple[Unit, ...]] | None:
    """Return units for all of `chosen`, the first free ones for each, or None when that does not work out."""
    order = sorted(chosen, key=lambda one: (one.starts, one.submitted_at, one.id))
    served: dict[str, tuple[Unit, ...]] = {}
    for one in order:
        earlier = tuple(other for other in order if other.id in served)
        if any(o.kind is None for o in _obstacles(one, earlier, day, served)):
            return None
        units: list[Unit] = []
        for group in one.groups:
            singles = (Group(group.kind, 1, (name,), group.span) for name in group.units)
            free = [single.units[0] for single in singles if _is_free(one, single, earlier, day, served)]
            if len(free) < group.count:
                return None
            units += [(group.kind, name) for name in free[: group.count]]
        served[one.id] = tuple(units)
    return served


def _is_free(
    one: Candidate,
    single: Group,
    earlier: tuple[Candidate, ...],
    day: Day,
    served: Mapping[str, tuple[Unit, ...]],
) -> bool:
    return _obstacle(one, single, {other.id: other for other in earlier}, day, served) is None


def _unproven(
    one: Candidate, known: tuple[Candidate, ...], day: Day, served: Mapping[str, tuple[Unit, ...]]
) -> LeftOut:
    return LeftOut(one.id, Because.NUMBER, _obstacles(one, known, day, served))
