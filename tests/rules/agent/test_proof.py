"""The proof of a journal: whatever is done to it afterwards is found, and named."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import database
from agent.clock import SystemClock
from agent.journal import Journal
from agent.proof import Anchor, Harm, Proof, prove
from agent.store import FILE, Store
from contract.chain import hash_of
from contract.messages import EntryBatch
from contract.words import EntryKind

Row = tuple[object, ...]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[Row]]:
    """Return stream and rows of a journal that nobody touched."""
    store = Store(folder := tmp_path_factory.mktemp("journal"))
    journal = Journal(store, SystemClock(), "boot-1")
    for number in range(20):
        journal.append(EntryKind.NOTE, session="s-1", who="Budi", body={"text": f"catatan {number}", "level": -0.5})
    store.close()
    return journal.stream, database.read_out(folder / FILE).journal


def test_what_nobody_touched_is_whole(written: tuple[str, list[Row]]) -> None:
    proof = prove(*written)
    assert proof.holds
    assert (proof.first, proof.last, proof.unchained, proof.pruned) == (1, 20, 0, 0)
    assert proof.head == json.loads(str(written[1][-1][4]))["hash"]


def changed(row: Row, stream: str = "", **fields: object) -> Row:
    """Return a row whose entry says something else; with a `stream` its hash is made anew."""
    entry = json.loads(str(row[4])) | fields
    if stream:
        entry["hash"] = hash_of(stream, entry)
    return (entry["seq"], entry["kind"], entry["session"], row[3], json.dumps(entry))


def edited(_: str, rows: list[Row]) -> list[Row]:
    return [*rows[:9], changed(rows[9], who="Ani"), *rows[10:]]


def edited_with_a_new_hash(stream: str, rows: list[Row]) -> list[Row]:
    return [*rows[:9], changed(rows[9], stream, who="Ani"), *rows[10:]]


def edited_beside_the_entry(_: str, rows: list[Row]) -> list[Row]:
    return [*rows[:9], (*rows[9][:2], "s-2", *rows[9][3:]), *rows[10:]]


def no_entry_any_more(_: str, rows: list[Row]) -> list[Row]:
    return [*rows[:9], (*rows[9][:4], "{"), *rows[10:]]


def deleted(_: str, rows: list[Row]) -> list[Row]:
    return [*rows[:9], *rows[10:]]


def deleted_and_renumbered(_: str, rows: list[Row]) -> list[Row]:
    return [*rows[:9], *(changed(row, seq=int(str(row[0])) - 1) for row in rows[10:])]


def deleted_at_the_front(_: str, rows: list[Row]) -> list[Row]:
    return rows[4:]


def inserted_and_renumbered(stream: str, rows: list[Row]) -> list[Row]:
    last = json.loads(str(rows[8][4]))["hash"]
    forged = changed(rows[9], stream, before=last, body={"text": "forged"})
    return [*rows[:9], forged, *(changed(row, seq=int(str(row[0])) + 1) for row in rows[9:])]


def swapped(_: str, rows: list[Row]) -> list[Row]:
    tenth, eleventh = (rows[9][0], *rows[10][1:]), (rows[10][0], *rows[9][1:])
    return [*rows[:9], tenth, eleventh, *rows[11:]]


def swapped_and_renumbered(_: str, rows: list[Row]) -> list[Row]:
    return [*rows[:9], changed(rows[11], seq=10), changed(rows[10], seq=11), changed(rows[9], seq=12), *rows[12:]]


@pytest.mark.parametrize(
    ("tamper", "harm", "seq"),
    [
        (edited, Harm.EDITED, 10),
        (edited_with_a_new_hash, Harm.EDITED, 10),
        (edited_beside_the_entry, Harm.EDITED, 10),
        (no_entry_any_more, Harm.EDITED, 10),
        (deleted, Harm.DELETED, 10),
        (deleted_and_renumbered, Harm.DELETED, 10),
        (deleted_at_the_front, Harm.DELETED, 1),
        (inserted_and_renumbered, Harm.INSERTED, 10),
        (swapped, Harm.REORDERED, 10),
        (swapped_and_renumbered, Harm.REORDERED, 10),
    ],
    ids=lambda value: value.__name__ if callable(value) else str(value),
)
def test_the_first_broken_entry_is_named_with_what_was_done(
    written: tuple[str, list[Row]], tamper: Callable[[str, list[Row]], list[Row]], harm: Harm, seq: int
) -> None:
    first, *_ = prove(written[0], tamper(*written)).findings
    assert (first.harm, first.seq) == (harm, seq)


def test_a_tail_that_was_cut_off_is_found_by_what_others_were_told(written: tuple[str, list[Row]]) -> None:
    stream, rows = written
    told = Anchor(json.loads(str(rows[-1][4]))["hash"], 20)
    assert prove(stream, rows, [told]).holds
    assert prove(stream, rows[:-3]).holds  # the chain alone cannot know
    (finding,) = prove(stream, rows[:-3], [told]).findings
    assert (finding.harm, finding.seq) == (Harm.TRUNCATED, 18)


def test_a_chain_that_was_made_anew_is_found_by_what_others_were_told(written: tuple[str, list[Row]]) -> None:
    stream, rows = written
    told = Anchor(json.loads(str(rows[-1][4]))["hash"], 20)
    forged: list[Row] = []
    before = "0" * 64
    for row in rows:
        forged.append(changed(row, stream, who="Ani", before=before))
        before = json.loads(str(forged[-1][4]))["hash"]
    assert prove(stream, forged).holds
    (finding,) = prove(stream, forged, [told]).findings
    assert (finding.harm, finding.seq) == (Harm.EDITED, 20)


def test_another_stream_is_not_this_one(written: tuple[str, list[Row]]) -> None:
    assert not prove("another", written[1]).holds


@given(data=st.data())
def test_no_change_of_a_byte_goes_unseen(written: tuple[str, list[Row]], data: st.DataObject) -> None:
    stream, rows = written
    number = data.draw(st.integers(0, len(rows) - 1))
    text = str(rows[number][4])
    at = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.characters(min_codepoint=32, max_codepoint=126))
    other = f"{text[:at]}{letter}{text[at + 1 :]}"
    tampered = [*rows[:number], (*rows[number][:4], other), *rows[number + 1 :]]
    assert prove(stream, tampered).holds == (_said(other) == _said(text))


def _said(text: str) -> object:
    """Return what an entry says; fields that are empty say nothing."""
    try:
        found = json.loads(text)
    except ValueError:
        return text
    return {k: v for k, v in found.items() if v not in (None, "", {}, [])}


def test_what_crosses_the_wire_has_the_same_hash(tmp_path: Path) -> None:
    store = Store(tmp_path)
    journal = Journal(store, SystemClock(), "boot-1")
    entry = journal.append(EntryKind.NOTE, body={"text": "é 漢", "big": 2**60, "small": 1e-9, "huge": 1e22, "no": None})
    payload = EntryBatch(room="r", stream=journal.stream, entries=(entry,)).encode()
    (sent,) = json.loads(payload)["entries"]
    assert hash_of(journal.stream, sent) == entry.hash == sent["hash"]
    assert hash_of(journal.stream, sent | {"later": None, "more": []}) == entry.hash  # of a newer version
    store.close()


def old_journal(folder: Path, count: int) -> Path:
    """Write a journal as an agent did before there were hashes."""
    store = Store(folder)
    journal = Journal(store, SystemClock(), "boot-0")
    for number in range(count):
        journal.append(EntryKind.NOTE, body={"text": str(number)})
    store.close()
    with sqlite3.connect(folder / FILE) as connection:
        strip = "UPDATE journal SET entry = json_remove(entry, '$.hash', '$.before')"
        connection.execute(strip)
        connection.execute("PRAGMA user_version=1")
    connection.close()
    return folder / FILE


def proof_of(path: Path) -> Proof:
    found = database.read_out(path)
    return prove(found.facts["stream"], found.journal)


def test_a_journal_of_before_there_were_hashes_is_chained_from_where_it_is(tmp_path: Path) -> None:
    path = old_journal(tmp_path, 5)
    store = Store(tmp_path)
    journal = Journal(store, SystemClock(), "boot-1")
    (said,) = journal.recent(1)
    assert (said.seq, said.kind, said.body["last"]) == (6, EntryKind.JOURNAL_CHAINED, 5)
    journal.append(EntryKind.NOTE)
    store.close()
    proof = proof_of(path)
    assert proof.holds
    assert (proof.first, proof.last, proof.unchained) == (1, 7, 5)
    Journal(store := Store(tmp_path), SystemClock(), "boot-2").append(EntryKind.NOTE)
    store.close()
    assert proof_of(path).last == 8  # chained once, not at every start


def test_what_stood_before_the_chain_is_sealed_too(tmp_path: Path) -> None:
    path = old_journal(tmp_path, 5)
    store = Store(tmp_path)
    Journal(store, SystemClock(), "boot-1")
    store.close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE journal SET entry = replace(entry, 'boot-0', 'boot-9') WHERE seq = 3")
    connection.close()
    (finding,) = proof_of(path).findings
    assert (finding.harm, finding.seq) == (Harm.EDITED, 6)


def test_a_mended_journal_is_a_chain_of_its_own_that_names_the_old_one(tmp_path: Path) -> None:
    store = Store(tmp_path)
    journal = Journal(store, SystemClock(), "boot-1")
    for _ in range(50):
        journal.append(EntryKind.NOTE, body={"text": "x" * 100})
    store.close()
    with (tmp_path / FILE).open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 900)  # the schema: nothing can be read
    again = Journal(store := Store(tmp_path), SystemClock(), "boot-2")
    again.append(EntryKind.NOTE)
    store.close()
    proof = proof_of(tmp_path / FILE)
    assert proof.holds
    assert (proof.first, proof.last) == (1, 2)
