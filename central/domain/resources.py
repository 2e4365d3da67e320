"""What a request asks for and what the division has, as far as rules look at it.

Everything that only one session can have at a time is a *unit*: a room, a person, one
piece of a counted pool, one concurrent meeting of an account. A pool of four microphones
is four units, so the database refuses the fifth user just as it refuses a second room.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Final
from zoneinfo import ZoneInfo

from central.domain.calendar import OfficeCalendar, Span
from central.domain.findings import Rival
from central.domain.words import LEADERS, Leader, UnitKind

LASTS_AT_MOST: Final = timedelta(days=14)
"""So long an event is at most."""
BUFFER_AT_MOST: Final = timedelta(days=1)
"""So long is set up, or cleared away, at most."""


@dataclass(frozen=True, slots=True)
class Need:
    """So many pieces of one kind of equipment."""

    equipment: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Wish:
    """What a request asks for, as far as rules look at it."""

    submitted_at: datetime
    starts: datetime
    ends: datetime
    leader: Leader
    participants: int
    platform: str
    recording: bool
    own_account: bool
    own_equipment: str
    own_people: str
    streaming: bool = False
    needs: tuple[Need, ...] = ()


@dataclass(frozen=True, slots=True)
class Buffers:
    """The minutes around an event that belong to it."""

    setup: timedelta = timedelta(minutes=30)
    teardown: timedelta = timedelta(minutes=15)

    def around(self, starts: datetime, ends: datetime) -> Span:
        """Return the whole time that an event occupies."""
        return starts - self.setup, ends + self.teardown


@dataclass(frozen=True, slots=True)
class RoomFacts:
    """The room in question."""

    id: str
    name: str
    capacity: int
    can_record: bool
    open: bool
    site: str = ""


@dataclass(frozen=True, slots=True)
class Shift:
    """Hours that somebody works on one weekday (Monday is 0), while it is valid."""

    weekday: int
    opens: time
    closes: time
    first: date | None = None
    last: date | None = None

    def holds(self, day: date) -> bool:
        """Return whether it is a shift of `day`."""
        begun = self.first is None or self.first <= day
        return begun and (self.last is None or day <= self.last) and day.weekday() == self.weekday


@dataclass(frozen=True, slots=True)
class Leave:
    """A time in which somebody is away."""

    starts: datetime
    ends: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class OperatorFacts:
    """One of the division's people; without own shifts the staff's usual hours count."""

    id: str
    name: str
    skills: frozenset[str] = frozenset()
    shifts: tuple[Shift, ...] = ()
    leave: tuple[Leave, ...] = ()


@dataclass(frozen=True, slots=True)
class EquipmentFacts:
    """A single item or a counted pool; `count` are all, `faulty` of them are out of order.

    With a `site` it can be lent within that site only; `buffers` are its own ones.
    """

    id: str
    name: str
    count: int = 1
    faulty: int = 0
    site: str = ""
    buffers: Buffers | None = None

    @property
    def units(self) -> tuple[str, ...]:
        """The units in working order."""
        return units(self.id, self.count - self.faulty)


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """A meeting account with the limits of its plan; zero and None are no limit."""

    id: str
    name: str
    platform: str
    concurrency: int = 1
    participants_at_most: int = 0
    lasts_at_most: timedelta | None = None

    @property
    def units(self) -> tuple[str, ...]:
        """One for each meeting that may run at a time."""
        return units(self.id, self.concurrency)

    def fits(self, wish: Wish) -> bool:
        """Return whether the plan allows what is wished."""
        return self.large_enough(wish) and self.long_enough(wish)

    def large_enough(self, wish: Wish) -> bool:
        """Return whether the plan allows so many people."""
        return not self.participants_at_most or wish.participants <= self.participants_at_most

    def long_enough(self, wish: Wish) -> bool:
        """Return whether the plan allows so long a meeting."""
        return self.lasts_at_most is None or wish.ends - wish.starts <= self.lasts_at_most


def units(ident: str, count: int) -> tuple[str, ...]:
    """Return the names of `count` units of one thing."""
    return tuple(f"{ident}#{n}" for n in range(1, count + 1))


@dataclass(frozen=True, slots=True)
class Occupied:
    """A unit that a session holds, buffers included."""

    kind: UnitKind
    unit: str
    rival: Rival
    site: str = ""


class Taken(tuple[Occupied, ...]):  # noqa: SLOT001 - it remembers its order by units
    """What is taken, each unit found at once: a province has thousands of them around one day."""

    @cached_property
    def _by_unit(self) -> Mapping[tuple[UnitKind, str], list[Occupied]]:
        found: dict[tuple[UnitKind, str], list[Occupied]] = {}
        for one in self:
            found.setdefault((one.kind, one.unit), []).append(one)
        return found

    def of(self, kind: UnitKind, unit: str) -> Sequence[Occupied]:
        """Return what holds one unit."""
        return self._by_unit.get((kind, unit), ())

    @cached_property
    def rooms(self) -> tuple[Occupied, ...]:
        """What holds any room: one for each session."""
        return tuple(one for one in self if one.kind is UnitKind.ROOM)


class Days:
    """What is taken, by days: events of one day share what is looked at, and each day is put together once."""

    def __init__(self, zone: ZoneInfo, taken: Iterable[Occupied] = ()) -> None:
        self._zone = zone
        self._begun: dict[date, list[Occupied]] = defaultdict(list)
        """By the day on which it begins."""
        self._long: list[tuple[date, date, Occupied]] = []
        """What lasts into another day: from, until, and what it is."""
        self._known: dict[tuple[date, date], Taken] = {}
        self.add(taken)

    def add(self, more: Iterable[Occupied]) -> None:
        """Know of more that is taken; nothing may be told twice."""
        self._known.clear()
        days: dict[int, tuple[date, date]] = {}
        """By rival, which the units of a session share: a day is dearer than all else here."""
        for one in more:
            rival = one.rival
            if (of := days.get(id(rival))) is None:
                of = days[id(rival)] = self._day(rival.starts), self._day(rival.ends)
            first, last = of
            self._begun[first].append(one)
            if last > first:
                self._long.append((first, last, one))

    def around(self, starts: datetime, ends: datetime) -> Taken:
        """Return what may matter for an event: that of its days, and of the days before and after."""
        asked = self._day(starts), self._day(ends)
        if asked not in self._known:
            begin, end = asked[0] - timedelta(days=1), asked[1] + timedelta(days=1)
            earlier = (one for first, last, one in self._long if first < begin <= last)
            days = (begin + timedelta(days=n) for n in range((end - begin).days + 1))
            within = (one for day in days for one in self._begun.get(day, ()))
            self._known[asked] = Taken((*earlier, *within))
        return self._known[asked]

    def _day(self, moment: datetime) -> date:
        return moment.astimezone(self._zone).date()


@dataclass(frozen=True, slots=True)
class Rules:
    """What the office has set."""

    calendar: OfficeCalendar
    lead_time: timedelta = timedelta(days=3)
    buffers: Buffers = Buffers()
    servable_limit: int = 3
    platforms: tuple[str, ...] = ("zoom",)
    lead_in_working_days: bool = False
    buffers_of: Mapping[str, Buffers] = field(default_factory=dict)
    """By the room's id."""
    account_buffers: Buffers = Buffers()
    staff: OfficeCalendar | None = None
    """When people work, preparation included; none where nobody has set it."""
    travel: timedelta = timedelta(0)
    """Between two sites."""
    sessions_a_day: int = 0
    """Of one person, above which it is noted; 0 for never."""
    skills: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What somebody must be able to do for `recording`, `streaming`, `leader` or a platform."""
    leaders: tuple[Leader, ...] = LEADERS
    """Who counts as a leader here, in the order of priority."""

    def counted(self, leader: Leader) -> Leader:
        """Return as which leader somebody counts: the office's first as the first of `LEADERS`, others not at all."""
        return dict(zip(self.leaders, LEADERS, strict=False)).get(leader, Leader.NONE)

    def around_room(self, room: str, wish: Wish) -> Span:
        """Return the time that a room is taken for."""
        return self.buffers_of.get(room, self.buffers).around(wish.starts, wish.ends)

    def reach(self, equipment: Iterable[EquipmentFacts]) -> Buffers:
        """Return how far before and after an event anything of it may be held."""
        own = (one.buffers for one in equipment if one.buffers is not None)
        known = (self.buffers, self.account_buffers, *self.buffers_of.values(), *own)
        return Buffers(max(one.setup for one in known), max(one.teardown for one in known))

    def latest(self, starts: datetime) -> datetime:
        """Return when a request for an event at `starts` has to be there at the latest."""
        if self.lead_in_working_days:
            return self.calendar.before(starts, self.lead_time.days)
        return starts - self.lead_time

    def skills_for(self, wish: Wish) -> frozenset[str]:
        """Return what the person at the desk must be able to do."""
        asked = {"recording": wish.recording, "streaming": wish.streaming, "leader": wish.leader.takes_part}
        topics = (*(name for name, is_asked in asked.items() if is_asked), wish.platform)
        return frozenset(skill for topic in topics for skill in self.skills.get(topic, ()))


@dataclass(frozen=True, slots=True)
class Resources:
    """What the division has, and what of it is taken around the time in question.

    `occupied` holds every live allocation that may touch the time; others do no harm.
    """

    room: RoomFacts
    operators: tuple[OperatorFacts, ...]
    occupied: tuple[Occupied, ...] = ()
    operator: OperatorFacts | None = None
    """The one chosen; none while nobody is."""
    equipment: tuple[EquipmentFacts, ...] = ()
    accounts: tuple[AccountFacts, ...] = ()

    def __post_init__(self) -> None:
        """Have what is taken in order by units, once for all copies that share it."""
        object.__setattr__(self, "occupied", self.taken)

    @property
    def taken(self) -> Taken:
        """What is taken, found by units."""
        return self.occupied if isinstance(self.occupied, Taken) else Taken(self.occupied)

    def rivals(self, kind: UnitKind, wanted: Iterable[str], span: Span) -> dict[str, Rival]:
        """Return who holds which of the `wanted` units somewhere in `span`."""
        taken, (starts, ends) = self.taken, span
        return {
            unit: one.rival
            for unit in wanted
            for one in taken.of(kind, unit)
            if one.rival.starts < ends and starts < one.rival.ends
        }
