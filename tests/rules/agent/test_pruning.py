"""Old entries go once central holds them; what is left is still proven, and what is needed stays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent import database
from agent.clock import SystemClock
from agent.journal import Journal
from agent.proof import Harm, Proof, prove
from agent.pruning import AT_MOST_BYTES, Pruner
from agent.store import FILE, Store
from contract.words import EntryKind

DAY = timedelta(days=1)


class SetClock(SystemClock):
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.moved = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.moved

    def mono_ms(self) -> int:
        return round(self.moved / timedelta(milliseconds=1)) + 1


class Room:
    """A journal, its clock and its pruner."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = SetClock()
        self.store = Store(folder)
        self.journal = Journal(self.store, self.clock, "boot-1")

    def write(self, count: int, *, session: str | None = None, size: int = 10) -> None:
        for _ in range(count):
            self.journal.append(EntryKind.NOTE, session=session, body={"text": "x" * size})

    def acknowledge(self) -> None:
        self.journal.acknowledge(self.journal.stream, self.journal.last)

    def prune(self, *, at_most_bytes: int = AT_MOST_BYTES) -> None:
        """Look as often as there is something to let go of."""
        pruner = Pruner(self.store, self.journal, self.clock, at_most_bytes=at_most_bytes)
        for _ in range(20):
            pruner.look()

    @property
    def numbers(self) -> tuple[int, int]:
        return self.store.first_seq(), self.journal.last

    def proof(self) -> Proof:
        found = database.read_out(self.folder / FILE)
        return prove(found.facts["stream"], found.journal)


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    room = Room(tmp_path)
    yield room
    room.store.close()


def test_old_entries_that_central_holds_go_and_the_rest_is_proven(room: Room) -> None:
    room.write(20)
    room.acknowledge()
    room.clock.moved = 31 * DAY
    room.write(5)
    room.prune()
    assert room.numbers == (21, 26)
    said = room.journal.recent(1)[0]
    assert (said.kind, said.body["first"], said.body["last"]) == (EntryKind.JOURNAL_PRUNED, 1, 20)
    proof = room.proof()
    assert proof.holds
    assert (proof.first, proof.pruned) == (21, 20)


def test_what_central_does_not_hold_stays_however_old(room: Room) -> None:
    room.write(20)
    room.journal.acknowledge(room.journal.stream, 7)
    room.clock.moved = 400 * DAY
    room.prune()
    assert room.numbers == (8, 21)


def test_what_a_held_session_may_need_stays(room: Room) -> None:
    room.write(5)
    room.write(3, session="s-1")
    room.write(5)
    room.store.keep_schedule("{}", {"s-1": "{}"}, [])
    room.acknowledge()
    room.clock.moved = 31 * DAY
    room.prune()
    assert room.numbers[0] == 6
    room.store.keep_schedule("{}", {}, ["s-1"])
    room.acknowledge()
    room.clock.moved = 32 * DAY
    room.prune()
    assert room.numbers[0] > 8


def test_a_journal_that_is_too_large_lets_go_of_its_oldest_entries(room: Room) -> None:
    room.write(2_000, size=900)
    room.acknowledge()
    room.prune(at_most_bytes=1_000_000)
    assert room.store.content_bytes() <= 1_000_000
    assert room.numbers[0] > 1
    assert room.proof().holds
    room.write(1)
    assert room.journal.last > 2_000


def test_when_nothing_can_go_only_what_is_vital_is_written_and_that_is_said(room: Room) -> None:
    room.write(500, size=900)
    room.prune(at_most_bytes=100_000)
    last = room.journal.last
    room.journal.append(EntryKind.LEVELS, body={"points": []})
    assert (room.journal.last, room.journal.missed) == (last, 1)
    room.write(1)
    assert room.journal.last == last + 1
    assert room.proof().holds


def test_a_front_that_is_gone_without_a_word_is_found(room: Room) -> None:
    room.write(20)
    found = database.read_out(room.folder / FILE)
    (finding,) = prove(found.facts["stream"], found.journal[5:]).findings
    assert (finding.harm, finding.seq) == (Harm.DELETED, 1)


def test_it_goes_on_after_a_restart(room: Room) -> None:
    room.write(20)
    room.acknowledge()
    room.clock.moved = 31 * DAY
    room.prune()
    room.store.close()
    room.store = Store(room.folder)
    again = Journal(room.store, room.clock, "boot-2")
    assert again.append(EntryKind.NOTE).seq == 22
    assert [entry.seq for entry in again.unsent(10)] == [21, 22]
    assert room.proof().holds
