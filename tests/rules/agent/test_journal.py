"""The journal: numbered without a gap, kept over restarts, freed by central's word alone."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.clock import SystemClock
from agent.course import course_of
from agent.journal import Journal
from agent.outbox import BATCH_BYTES, batch_of
from agent.store import FILE, Store, StoreUnfit
from contract.words import EntryKind, Phase


def test_it_goes_on_where_it_was_after_reopening(tmp_path: Path) -> None:
    store = Store(tmp_path)
    first = Journal(store, SystemClock(), "boot-1")
    for number in range(3):
        first.append(EntryKind.NOTE, session="s-1", body={"text": str(number)})
    stream = first.stream
    store.close()
    again = Journal(store := Store(tmp_path), SystemClock(), "boot-2")
    entry = again.append(EntryKind.NOTE, session="s-1")
    assert (again.stream, entry.seq, entry.boot) == (stream, 4, "boot-2")
    assert [e.seq for e in again.unsent(10)] == [1, 2, 3, 4]
    store.close()


def test_only_an_acknowledgement_of_this_stream_frees_entries(tmp_path: Path) -> None:
    store = Store(tmp_path)
    journal = Journal(store, SystemClock(), "boot-1")
    for _ in range(5):
        journal.append(EntryKind.NOTE)
    assert not journal.acknowledge("another", 5)
    assert not journal.acknowledge(journal.stream, 6)
    assert journal.acknowledge(journal.stream, 3)
    assert not journal.acknowledge(journal.stream, 2)
    assert (journal.pending, [entry.seq for entry in journal.unsent(10)]) == (2, [4, 5])
    store.close()
    again = Journal(store := Store(tmp_path), SystemClock(), "boot-2")
    assert (again.acked, again.pending) == (3, 2)
    again.offer_again()  # central was restored from a copy
    assert [entry.seq for entry in again.unsent(10)] == [1, 2, 3, 4, 5]
    store.close()


def test_two_files_have_two_streams(tmp_path: Path) -> None:
    one, two = Store(tmp_path / "one"), Store(tmp_path / "two")
    assert one.stream != two.stream
    one.close()
    two.close()


def test_a_session_sees_its_own_entries_and_what_devices_did_meanwhile(tmp_path: Path) -> None:
    store = Store(tmp_path)
    journal = Journal(store, SystemClock(), "boot-1")
    journal.append(EntryKind.DEVICE_CHANGED, device="before")
    journal.append(EntryKind.PHASE_CHANGED, session="s-1", body={"phase": "preparing"})
    journal.append(EntryKind.DEVICE_CHANGED, device="meanwhile")
    journal.append(EntryKind.NOTE, session="s-2")
    journal.append(EntryKind.PHASE_CHANGED, session="s-1", body={"phase": "live"})
    journal.append(EntryKind.DEVICE_CHANGED, device="after")
    entries = journal.of_session("s-1")
    assert [entry.seq for entry in entries] == [2, 3, 5]
    journal.append(EntryKind.REPORT, session="s-1")
    journal.append(EntryKind.DEVICE_CHANGED, device="after the report")
    journal.append(EntryKind.NOTE, session="s-1")
    assert [entry.seq for entry in journal.of_session("s-1")] == [2, 3, 5, 6, 7, 9]
    assert course_of(entries).phase is Phase.LIVE
    store.close()


def test_a_batch_stays_below_its_limit_and_always_holds_one(tmp_path: Path) -> None:
    store = Store(tmp_path)
    journal = Journal(store, SystemClock(), "boot-1")
    for size in (70_000, 30_000, 30_000, 30_000):
        journal.append(EntryKind.NOTE, body={"text": "x" * size})
    entries = journal.unsent(10)
    assert [e.seq for e in batch_of("praja-1", "s", entries).entries] == [1]
    second = batch_of("praja-1", "s", entries[1:])
    assert [e.seq for e in second.entries] == [2, 3]
    assert len(second.encode()) <= BATCH_BYTES
    store.close()


def test_a_command_is_new_once_and_the_newest_are_remembered(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.take_command("c-0", keep=3)
    assert not store.take_command("c-0", keep=3)
    store.keep_reply("c-0", "answer")
    assert store.reply_to("c-0") == "answer"
    for number in range(1, 5):
        assert store.take_command(f"c-{number}", keep=3)
    assert not store.take_command("c-4", keep=3)
    assert store.reply_to("c-0") is None
    store.close()


def test_a_second_agent_on_the_same_folder_is_refused_by_name(tmp_path: Path) -> None:
    first = Store(tmp_path)
    with pytest.raises(StoreUnfit, match=f"process {os.getpid()}"):
        Store(tmp_path)
    first.close()
    Store(tmp_path).close()


def test_a_file_that_is_no_journal_is_put_aside_and_said(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"no database at all, " * 400)
    store = Store(tmp_path)
    assert store.mended is not None
    assert store.mended.aside.read_bytes().startswith(b"no database at all")
    journal = Journal(store, SystemClock(), "boot-1")
    assert (journal.append(EntryKind.NOTE).seq, journal.recent(2)[0].kind) == (2, EntryKind.JOURNAL_MENDED)
    store.close()


def test_a_damaged_tail_costs_only_what_it_held(tmp_path: Path) -> None:
    store = Store(tmp_path)
    journal = Journal(store, SystemClock(), "boot-1")
    for number in range(300):
        journal.append(EntryKind.NOTE, body={"text": f"{number} " + "x" * 200})
    before, hashes = journal.stream, [entry.hash for entry in journal.recent(300)]
    journal.acknowledge(before, 10)
    store.close()
    with (tmp_path / FILE).open("r+b") as file:
        file.seek(-8192, os.SEEK_END)
        file.write(os.urandom(8192))
    again = Journal(store := Store(tmp_path), SystemClock(), "boot-2")
    said, *entries = again.unsent(500)
    kept = [entry.body["text"] for entry in entries]
    assert store.mended is not None
    assert again.stream != before
    assert len(kept) > 200
    assert [entry.seq for entry in entries] == list(range(2, len(kept) + 2))
    assert (said.kind, said.body["stream"], said.body["aside"]) == (
        EntryKind.JOURNAL_MENDED,
        before,
        store.mended.aside.name,
    )
    assert said.body["hash"] in hashes  # the last that is known of the old chain
    assert str(kept[0]).startswith("10 ")  # central has what came before
    store.close()


@contextmanager
def no_file_grows(at_most: int) -> Iterator[None]:
    """Have the system refuse to write beyond `at_most` bytes of a file, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (at_most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_will_not_write_stops_nothing_and_nothing_is_lost(tmp_path: Path) -> None:
    store = Store(tmp_path)
    journal = Journal(store, SystemClock(), "boot-1")
    journal.append(EntryKind.NOTE)
    with no_file_grows(1024):
        for _ in range(20):
            journal.append(EntryKind.NOTE, session="s-1")
        store.keep_fact("epoch", "e-2")
        assert store.trouble is not None
        assert store.trouble.code.startswith("storage.")
        assert (journal.last, len(journal.of_session("s-1")), store.fact("epoch")) == (21, 20, "e-2")
        assert [entry.seq for entry in journal.unsent(50)] == [1]  # the rest is on no disk
        assert not store.settle()
    assert store.settle()
    assert not store.settle()  # there is nothing more to write down
    assert journal.append(EntryKind.NOTE).seq == 22
    store.close()
    again = Journal(store := Store(tmp_path), SystemClock(), "boot-2")
    assert ([entry.seq for entry in again.unsent(50)], store.fact("epoch")) == (list(range(1, 23)), "e-2")
    store.close()


def test_a_room_starts_on_a_disk_that_will_not_write(tmp_path: Path) -> None:
    store = Store(tmp_path)
    Journal(store, SystemClock(), "boot-1").append(EntryKind.NOTE)
    stream = store.stream
    store.close()
    with no_file_grows(0):
        store = Store(tmp_path)
        journal = Journal(store, SystemClock(), "boot-2")
        assert journal.append(EntryKind.AGENT_STARTED).seq == 2
        assert store.trouble is not None
        assert store.stream == stream
    assert store.settle()
    store.close()
    again = Journal(store := Store(tmp_path), SystemClock(), "boot-3")
    assert [entry.boot for entry in again.unsent(50)] == ["boot-1", "boot-2"]
    store.close()


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(StoreUnfit, match="taken"):
        Store(tmp_path / "taken")
