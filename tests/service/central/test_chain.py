"""The chain of a room's journal at central: what does not fit is kept, marked, and never refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.clock import SystemClock
from agent.journal import Journal
from agent.store import Store as JournalStore
from central.chain import Harm, Worth, worth_of
from central.db import tables as t
from central.db.store import Store
from central.ingest import Ingest
from central.report.words import CHAIN_HARMS
from contract import Ack, Entry, EntryBatch, EntryKind
from contract.chain import hash_of
from tests.service.central.test_exchange import store

__all__ = ["store"]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    kept = JournalStore(tmp_path / "room")
    written = Journal(kept, SystemClock(), "boot-1")
    for number in range(6):
        written.append(EntryKind.NOTE, session="s1" if number < 4 else "s2", body={"text": str(number)})
    yield written
    kept.close()


def told(store: Store, stream: str, *entries: Entry) -> Ack:
    ack = Ingest(store).take("praja-1", "ev", EntryBatch(room="praja-1", stream=stream, entries=entries).encode())
    assert ack is not None
    return ack


def evidence(store: Store, session: str) -> Worth:
    with store.reading() as connection:
        return worth_of(connection, session)


def sealed(entry: Entry, stream: str, **fields: object) -> Entry:
    """Return an entry that says something else, with a hash that fits."""
    other = entry.model_copy(update=fields)
    return other.model_copy(update={"hash": hash_of(stream, json.loads(other.model_dump_json()))})


def test_a_chain_that_fits_is_evidence_with_the_newest_hash(store: Store, journal: Journal) -> None:
    ack = told(store, journal.stream, *journal.recent(6))
    found = evidence(store, "s1")
    assert found.fits
    (stretch,) = found.stretches
    assert (stretch.first, stretch.last, stretch.upto) == (1, 4, 6)
    assert stretch.head == journal.head == ack.head


def test_it_fits_in_whatever_order_and_however_often_it_comes(store: Store, journal: Journal) -> None:
    entries = journal.recent(6)
    parts = (entries[3:5], entries[:2], entries[3:5], entries[2:4], entries)
    acks = [told(store, journal.stream, *part) for part in parts]
    assert [ack.upto for ack in acks] == [0, 2, 2, 5, 6]
    assert acks[-1].head == journal.head
    assert evidence(store, "s1").fits
    assert evidence(store, "s2").fits


@given(order=st.lists(st.integers(0, 5), min_size=1, max_size=20), data=st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_batches_may_come_twice_and_in_any_order(
    store: Store, journal: Journal, order: list[int], data: st.DataObject
) -> None:
    entries = journal.recent(6)
    parts = [(first, data.draw(st.integers(first + 1, 6))) for first in (*order, *range(6))]
    acks = [told(store, journal.stream, *entries[first:last]) for first, last in parts]  # in the end all came
    assert (acks[-1].upto, acks[-1].head) == (6, journal.head)
    assert evidence(store, "s1").fits
    with store.writing() as connection:
        for table in (t.journal_entry, t.stream_position, t.journal_fault):
            connection.execute(table.delete())


def test_an_edited_entry_is_kept_acknowledged_and_marked(store: Store, journal: Journal) -> None:
    first, second, *rest = journal.recent(6)
    ack = told(store, journal.stream, first, second.model_copy(update={"who": "Ani"}), *rest)
    assert ack.upto == 6
    assert evidence(store, "s1").faults == ((2, Harm.EDITED),)
    assert evidence(store, "s2").fits  # nothing of it stands near there


def test_an_entry_that_was_put_in_the_place_of_another_breaks_the_link(store: Store, journal: Journal) -> None:
    first, second, *rest = journal.recent(6)
    told(store, journal.stream, first, sealed(second, journal.stream, who="Ani"), *rest)
    assert evidence(store, "s1").faults == ((3, Harm.UNLINKED),)


def test_a_room_that_tells_two_entries_under_one_number_is_marked(store: Store, journal: Journal) -> None:
    entries = journal.recent(6)
    told(store, journal.stream, *entries)
    told(store, journal.stream, sealed(entries[3], journal.stream, who="Ani"))
    assert evidence(store, "s1").faults == ((4, Harm.FORKED),)


def test_entries_without_hashes_are_said_to_have_none(store: Store, journal: Journal) -> None:
    bare = [entry.model_copy(update={"hash": "", "before": ""}) for entry in journal.recent(6)]
    told(store, journal.stream, *bare[:4])
    assert evidence(store, "s1").faults == ()
    assert evidence(store, "s1").unchained == 4
    told(store, journal.stream, *journal.recent(2))
    assert evidence(store, "s2").fits  # chained from there on


def test_hashes_that_cease_are_a_fault(store: Store, journal: Journal) -> None:
    entries = journal.recent(6)
    told(store, journal.stream, *entries[:4], entries[4].model_copy(update={"hash": "", "before": ""}))
    assert evidence(store, "s2").faults == ((5, Harm.UNCHAINED),)


def test_a_newer_agents_fields_are_covered_by_its_hash(store: Store, journal: Journal) -> None:
    batch = EntryBatch(room="praja-1", stream=journal.stream, entries=tuple(journal.recent(6)))
    told_as = json.loads(batch.encode())
    last = told_as["entries"][5] | {"humidity": 61}
    told_as["entries"][5] = last | {"hash": hash_of(journal.stream, last)}
    Ingest(store).take("praja-1", "ev", json.dumps(told_as).encode())
    assert evidence(store, "s2").fits


def test_every_harm_has_words_on_paper() -> None:
    assert set(CHAIN_HARMS) == {harm.value for harm in Harm}


def test_a_session_nobody_wrote_about_has_no_evidence(store: Store) -> None:
    assert not evidence(store, "nobody").fits
