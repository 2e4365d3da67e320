"""The nearest ways in which a request could be served after all: less kit, another room, another time.

An alternative is one that the rules themselves pass; what fails for every choice alike (a
request that came too late) does not speak against one. Nearest first: what asks least of
the applicant, then the closest time. What is taken is read outwards, no further than the
search goes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import count, islice
from typing import Final

from central.domain.findings import Code, Finding, Verdict
from central.domain.resources import Buffers, Days, Need, Occupied, Resources, RoomFacts, Rules, Wish
from central.domain.staff import suitable
from central.domain.verification import verify
from central.domain.words import UnitKind


class Kind(StrEnum):
    """What an alternative changes."""

    KIT = "kit"
    ROOM = "room"
    TIME = "time"
    TIME_AND_ROOM = "time_and_room"


class Change(StrEnum):
    """What is done without, or done in another way."""

    NO_RECORDING = "no_recording"
    NO_STREAMING = "no_streaming"
    OWN_ACCOUNT = "own_account"
    LESS_EQUIPMENT = "less_equipment"


@dataclass(frozen=True, slots=True)
class Alternative:
    """A feasible choice. `operator_ids` can do it, least busy first; `needs` is what is lent then."""

    kind: Kind
    room: RoomFacts
    starts: datetime
    ends: datetime
    operator_ids: tuple[str, ...]
    changes: tuple[Change, ...] = ()
    needs: tuple[Need, ...] = ()


@dataclass(frozen=True, slots=True)
class Search:
    """How far is looked."""

    days: int = 7
    step: timedelta = timedelta(minutes=30)
    of_each: int = 3

    def reach(self, offset: timedelta) -> timedelta:
        """Return how far is read for a time that is `offset` away: mostly what is near is enough."""
        return next((timedelta(days=n) for n in _READ_DAYS if offset <= timedelta(days=n)), timedelta(days=self.days))


_READ_DAYS: Final = (1, 3)
_ALIKE: Final = frozenset({Code.LEAD_SHORT, Code.LEAD_SHORT_WORKING})
"""Failing whatever is chosen, unless it comes much later."""
_HOURS: Final = frozenset({Code.HOURS_OUTSIDE, Code.HOURS_FREE_DAY, Code.HOURS_HOLIDAY, Code.HOURS_SEVERAL_DAYS})
_DROPPED: Final = {
    Code.KIT_NO_RECORDING: Change.NO_RECORDING,
    Code.KIT_NO_STREAMING: Change.NO_STREAMING,
    Code.KIT_NO_ACCOUNT: Change.OWN_ACCOUNT,
    Code.ACCOUNT_TAKEN: Change.OWN_ACCOUNT,
    Code.ACCOUNT_TOO_SMALL: Change.OWN_ACCOUNT,
    Code.ACCOUNT_TOO_SHORT: Change.OWN_ACCOUNT,
    Code.EQUIPMENT_SHORT: Change.LESS_EQUIPMENT,
    Code.EQUIPMENT_UNKNOWN: Change.LESS_EQUIPMENT,
    Code.EQUIPMENT_ELSEWHERE: Change.LESS_EQUIPMENT,
}


Read = Callable[[timedelta], Iterable[Occupied]]
"""Reads what is taken within so long before and after the wish, as far as it was not read before."""


def alternatives(
    wish: Wish,
    resources: Resources,
    rooms: tuple[RoomFacts, ...],
    rules: Rules,
    *,
    now: datetime,
    search: Search = Search(),
    read: Read | None = None,
) -> tuple[Alternative, ...]:
    """Return what could be done instead of `wish`; nothing when it can be served as it is.

    Without `read`, `resources.occupied` holds what is taken on all days that are searched;
    with it, none of it.
    """
    looking = _Looking(wish, resources, rules, now=now, search=search, read=read)
    if not looking.anything:
        return ()
    others = sorted(
        (room for room in rooms if room.id != resources.room.id),
        key=lambda room: (room.site != resources.room.site, room.capacity < wish.participants, room.capacity, room.id),
    )
    return (
        *looking.with_less_kit(),
        *islice(looking.in_rooms(tuple(others)), search.of_each),
        *islice(looking.at_times((resources.room,), Kind.TIME), search.of_each),
        *islice(looking.at_times(tuple(others), Kind.TIME_AND_ROOM), search.of_each),
    )


class _Looking:
    """One search; what is taken is looked up by day, so that a far day costs no more than a near one."""

    def __init__(
        self, wish: Wish, resources: Resources, rules: Rules, *, now: datetime, search: Search, read: Read | None
    ) -> None:
        self._wish = wish
        self._resources = replace(resources, operator=None)
        self._rules = rules
        self._now = now
        self._search = search
        self._read = read
        self._reach = timedelta(0)
        self._days = Days(rules.calendar.zone, resources.occupied)
        self._see(search.step)
        failing = {finding.code for finding in self._found(wish, resources.room) if _fails(finding)}
        self.anything = bool(failing)
        self._accepted = failing & (_ALIKE | _HOURS)
        self._accepted_elsewhen = failing & _ALIKE if failing - self._accepted else frozenset()

    def _see(self, offset: timedelta) -> None:
        """Have read what may matter for a time that is `offset` away, which is within a day of it."""
        if self._read is not None and offset > self._reach:
            self._reach = self._search.reach(offset)
            self._days.add(self._read(self._reach + timedelta(days=1)))

    def _at(self, room: RoomFacts, wish: Wish) -> Resources:
        return replace(self._resources, room=room, occupied=self._days.around(wish.starts, wish.ends))

    def _found(self, wish: Wish, room: RoomFacts) -> tuple[Finding, ...]:
        return verify(wish, self._at(room, wish), self._rules)

    def failing(self, wish: Wish, room: RoomFacts, *, elsewhen: bool = False) -> tuple[Finding, ...]:
        """Return what speaks against a choice.

        Another room or less kit need not mend the hours or the lead time. Another time must
        mend the hours, and the lead time too where that is all that is wrong.
        """
        accepted = self._accepted_elsewhen if elsewhen else self._accepted
        return tuple(f for f in self._found(wish, room) if _fails(f) and f.code not in accepted)

    def with_less_kit(self) -> Iterator[Alternative]:
        """Yield the same time and room with what is missing left out, if that helps."""
        found = self.failing(self._wish, self._resources.room)
        less, changes = _without(self._wish, found)
        if changes and not self.failing(less, self._resources.room):
            yield self._alternative(Kind.KIT, less, self._resources.room, changes)

    def in_rooms(self, rooms: tuple[RoomFacts, ...]) -> Iterator[Alternative]:
        """Yield the rooms that serve the wish at its own time."""
        if not self.failing(self._wish, self._resources.room):
            return  # it is not the room
        for room in self._serving(self._wish, rooms):
            yield self._alternative(Kind.ROOM, self._wish, room, ())

    def at_times(self, rooms: tuple[RoomFacts, ...], kind: Kind) -> Iterator[Alternative]:
        """Yield other times, the closest first; at one time only the best room."""
        for moved in self._times():
            for room in islice(self._serving(moved, rooms, elsewhen=True), 1):
                yield self._alternative(kind, moved, room, ())

    def _serving(self, wish: Wish, rooms: tuple[RoomFacts, ...], *, elsewhen: bool = False) -> Iterator[RoomFacts]:
        """Yield the rooms in which a wish can be served, in their order.

        Most rooms fail because they are taken, which is seen at once. Of those that are free,
        only one of each sort is looked at closely: what else there is to say is the same.
        """
        served: dict[tuple[str, bool, Buffers], bool] = {}
        for room in rooms:
            if not room.open or not self._large_enough(room) or self._room_taken(wish, room):
                continue
            sort = room.site, room.can_record, self._rules.buffers_of.get(room.id, self._rules.buffers)
            if sort not in served:
                served[sort] = not self.failing(wish, room, elsewhen=elsewhen)
            if served[sort]:
                yield room

    def _times(self) -> Iterator[Wish]:
        wish, leader = self._wish, self._wish.leader.takes_part
        for n in count(1):
            offset = n * self._search.step
            if offset > timedelta(days=self._search.days):
                return
            for by in (offset, -offset):
                moved = replace(wish, starts=wish.starts + by, ends=wish.ends + by)
                self._see(offset)
                soon = moved.starts - self._rules.buffers.setup < self._now
                if not soon and (leader or self._rules.calendar.outside(moved.starts, moved.ends) is None):
                    yield moved

    def _room_taken(self, wish: Wish, room: RoomFacts) -> bool:
        starts, ends = self._rules.around_room(room.id, wish)
        held = self._days.around(wish.starts, wish.ends).of(UnitKind.ROOM, room.id)
        return any(one.rival.starts < ends and starts < one.rival.ends for one in held)

    def _large_enough(self, room: RoomFacts) -> bool:
        return room.capacity >= min(self._wish.participants, self._resources.room.capacity)

    def _alternative(self, kind: Kind, wish: Wish, room: RoomFacts, changes: tuple[Change, ...]) -> Alternative:
        able = tuple(one.id for one in suitable(wish, self._at(room, wish), self._rules))
        return Alternative(kind, room, wish.starts, wish.ends, able, changes, wish.needs)


def _fails(finding: Finding) -> bool:
    return finding.verdict is Verdict.FAIL


def _without(wish: Wish, failing: tuple[Finding, ...]) -> tuple[Wish, tuple[Change, ...]]:
    """Return the wish without what is missing, and what was left out."""
    changes = tuple(dict.fromkeys(_DROPPED[f.code] for f in failing if f.code in _DROPPED))
    free = {f.rule: _count(f) for f in failing if _DROPPED.get(f.code) is Change.LESS_EQUIPMENT}
    needs = tuple(Need(need.equipment, free.get(f"equipment:{need.equipment}", need.count)) for need in wish.needs)
    less = replace(
        wish,
        recording=wish.recording and Change.NO_RECORDING not in changes,
        streaming=wish.streaming and Change.NO_STREAMING not in changes,
        own_account=wish.own_account or Change.OWN_ACCOUNT in changes,
        needs=tuple(need for need in needs if need.count),
    )
    return less, changes


def _count(finding: Finding) -> int:
    free = finding.values.get("free_count", 0)
    return free if isinstance(free, int) else 0
