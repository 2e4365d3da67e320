"""A session's levels, second by second: small, whole, and safe from a kill."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import JsonValue

from agent.clock import SystemClock
from agent.journal import Journal
from agent.levels import FACT, KEPT_EVERY, LevelHistory
from agent.store import Store
from contract.levels import BLOCK_SECONDS, LevelBlock, levels_of
from contract.messages import Entry
from contract.report import LevelPoint
from contract.words import EntryKind
from drivers.ports import Level

START = datetime(2026, 11, 3, 2, tzinfo=UTC)
AN_HOUR_BYTES = 200_000
HZ = 4


class Hands(SystemClock):
    """A clock that a test turns; the monotonic one is `s`."""

    def __init__(self) -> None:
        self.s = 1000.0
        self.set_by = timedelta(0)

    def now(self) -> datetime:
        return START + timedelta(seconds=self.s - 1000) + self.set_by


class Kept(dict[str, str]):
    """Facts that outlive a process."""

    def fact(self, name: str) -> str | None:
        return self.get(name)

    def keep_fact(self, name: str, value: str) -> None:
        self[name] = value


class Room:
    """One history after another on the same facts."""

    def __init__(self) -> None:
        self.clock, self.facts = Hands(), Kept()
        self.blocks: list[tuple[str, dict[str, JsonValue]]] = []
        self.begin()

    def begin(self) -> None:
        """Start a process; what ran before is forgotten as by a kill."""
        self.history = LevelHistory(self.facts, lambda session, block: self.blocks.append((session, block)), self.clock)

    def hear(self, seconds: float, session: str | None = "s-1", rms: float = -40.0) -> None:
        for _ in range(round(seconds * HZ)):
            self.history.take(session, Level(rms, rms + 12, False), self.clock.s)
            self.clock.s += 1 / HZ

    def points(self, session: str = "s-1") -> list[LevelPoint]:
        return levels_of(entry(number, body) for number, (name, body) in enumerate(self.blocks, 1) if name == session)


def entry(seq: int, body: dict[str, JsonValue]) -> Entry:
    return Entry(seq=seq, id=str(seq), kind=EntryKind.LEVELS, at=START, mono_ms=0, boot="b", session="s-1", body=body)


def seconds_of(points: Iterable[LevelPoint]) -> list[float]:
    return [(point.at - START).total_seconds() for point in points]


def test_every_second_of_a_session_is_there_once() -> None:
    room = Room()
    room.hear(605)
    room.history.close()
    assert seconds_of(room.points()) == [float(second) for second in range(605)]
    assert {point.rms_dbfs for point in room.points()} == {-40.0}
    assert {point.peak_dbfs for point in room.points()} == {-28.0}


def test_a_kill_costs_the_last_few_seconds_and_no_more() -> None:
    room = Room()
    for lasted in (7, 61, 119, 200):
        heard = len(room.points())
        room.hear(lasted)
        room.begin()
        assert heard + lasted - KEPT_EVERY - 1 <= len(room.points()) <= heard + lasted
    assert room.facts[FACT] == ""


def test_a_block_written_twice_is_read_once() -> None:
    room = Room()
    room.hear(30)
    left = room.facts[FACT]
    room.history.close()
    room.facts[FACT] = left  # killed between the entry and the forgetting
    room.begin()
    assert len(room.blocks) == 2
    assert seconds_of(room.points()) == [float(second) for second in range(30)]


def test_what_was_not_heard_is_a_gap_and_not_a_guess() -> None:
    room = Room()
    room.hear(20)
    room.clock.s += 10
    room.hear(20)
    room.clock.s += 10 * BLOCK_SECONDS
    room.hear(20)
    room.history.close()
    assert seconds_of(room.points()) == [*range(20), *range(30, 50), *range(650, 670)]


def test_only_a_live_session_is_written_and_each_under_its_own_name() -> None:
    room = Room()
    room.hear(30, None)
    room.hear(30, "s-1")
    room.hear(30, "s-2")
    room.hear(30, None)
    assert [name for name, _ in room.blocks] == ["s-1", "s-2"]
    assert len(room.points("s-1")) == len(room.points("s-2")) == 30
    assert len(room.history.recent) > 110


def test_a_clock_that_is_set_begins_a_new_block_and_moves_no_earlier_second() -> None:
    room = Room()
    room.hear(10)
    room.clock.set_by = timedelta(hours=2)
    room.hear(10)
    room.history.close()
    told = [*range(9), *range(7209, 7220)]  # the second in which it was set is told by the new time
    assert seconds_of(room.points()) == told


def test_the_place_of_an_unfinished_block_never_grows_and_damage_in_it_costs_nothing_else() -> None:
    room = Room()
    longest = 0
    for _ in range(300):
        room.hear(1, rms=-101.3)
        longest = max(longest, len(room.facts.get(FACT, "")))
    assert 0 < longest < 2_000
    room.facts[FACT] = '{"session": "s-1"'
    room.begin()
    assert room.facts[FACT] == ""


def test_a_block_that_is_none_is_left_out_and_old_journals_are_read() -> None:
    old: dict[str, JsonValue] = {"points": [{"at": START.isoformat(), "rms_dbfs": -40.0, "peak_dbfs": -20.0}]}
    crooked: dict[str, JsonValue] = {"start": START.isoformat(), "rms": [-1.0], "peak": []}
    good = LevelBlock(start=START + timedelta(minutes=1), rms=(-40.0,), peak=(-30.0,)).model_dump(mode="json")
    bodies: list[dict[str, JsonValue]] = [{}, crooked, {"rms": "x"}, good, old]
    found = levels_of(entry(number, body) for number, body in enumerate(bodies, 1))
    assert seconds_of(found) == [0.0, 60.0]


def test_an_hour_takes_less_than_two_hundred_thousand_bytes_of_journal(tmp_path: Path) -> None:
    room, store = Room(), Store(tmp_path)
    room.hear(3600, rms=-101.37)
    room.history.close()
    journal = Journal(store, SystemClock(), "0190b3a0-0000-7000-8000-000000000000")
    session = "0190b3a0-0000-7000-8000-00000000s001"
    for _, block in room.blocks:
        journal.append(EntryKind.LEVELS, session=session, session_rev=12, cause="agent", body=block)
    written = sum(len(line) for line in store.entries_from(1, 10_000))
    store.close()
    assert len(room.points()) == 3600
    assert written < AN_HOUR_BYTES / 2
