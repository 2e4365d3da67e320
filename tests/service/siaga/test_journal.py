"""`siaga journal`: a journal is proven without its agent, and the answer is an exit code."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agent.clock import SystemClock
from agent.journal import Journal
from agent.store import FILE, Store
from contract.words import EntryKind
from siaga.cli import app


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    store = Store(tmp_path)
    written = Journal(store, SystemClock(), "boot-1")
    for number in range(10):
        written.append(EntryKind.NOTE, session=f"s-{number % 2}", who="Budi", body={"text": f"catatan {number}"})
    store.close()
    return tmp_path / FILE


def run(*words: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["journal", *map(str, words)])
    return result.exit_code, result.stdout


def head_of(journal: Path) -> str:
    return str(json.loads(run("verify", journal, "--json")[1])["head"])


def change(journal: Path, statement: str) -> None:
    with sqlite3.connect(journal) as connection:
        connection.execute(statement)
    connection.close()


def test_a_journal_that_nobody_touched_is_whole(journal: Path) -> None:
    code, said = run("verify", journal)
    assert code == 0
    assert "whole" in said
    assert run("verify", journal.parent)[0] == 0


def test_the_first_broken_entry_is_named(journal: Path) -> None:
    change(journal, "UPDATE journal SET entry = replace(entry, 'Budi', 'Ani') WHERE seq IN (4, 7)")
    code, said = run("verify", journal, "--json")
    proof = json.loads(said)
    assert (code, proof["good"]) == (1, False)
    assert [(finding["seq"], finding["harm"]) for finding in proof["findings"]] == [(4, "edited"), (7, "edited")]
    assert "first broken: entry 4 edited" in run("verify", journal)[1]


def test_a_tail_that_was_cut_off_needs_what_was_told_elsewhere(journal: Path) -> None:
    head = head_of(journal)
    change(journal, "DELETE FROM journal WHERE seq > 8")
    assert run("verify", journal)[0] == 0
    code, said = run("verify", journal, "--head", f"10:{head}")
    assert code == 1
    assert "entry 9 truncated" in said


def test_what_is_no_journal_is_wrong_usage(tmp_path: Path, journal: Path) -> None:
    (tmp_path / "letter.pdf").write_bytes(b"%PDF-1.7")
    with sqlite3.connect(tmp_path / "other.db") as connection:
        connection.execute("CREATE TABLE something (a)")
    connection.close()
    for wrong in ("letter.pdf", "other.db", "nothing.db"):
        assert run("verify", tmp_path / wrong)[0] == 2, wrong
    assert run("verify", journal, "--head", "abc")[0] == 2


def test_a_damaged_file_is_said(journal: Path) -> None:
    with journal.open("r+b") as file:
        file.seek(-2048, 2)
        file.write(b"\xff" * 2048)
    code, said = run("verify", journal, "--json")
    assert code == 1
    assert json.loads(said)["damage"]


def test_an_export_is_proven_like_the_file(journal: Path, tmp_path: Path) -> None:
    exported = tmp_path / "journal.jsonl"
    exported.write_text(run("export", journal)[1])
    code, said = run("verify", exported, "--head", head_of(journal))
    assert code == 0, said
    exported.write_text(exported.read_text().replace("catatan 5", "catatan 6"))
    assert "entry 6 edited" in run("verify", exported)[1]


def test_entries_of_a_session_are_shown(journal: Path) -> None:
    entries = json.loads(run("show", journal, "--session", "s-1", "--json")[1])["entries"]
    assert [entry["seq"] for entry in entries] == [2, 4, 6, 8, 10]
    assert "note.added" in run("show", journal, "--last", "1")[1]


def test_it_does_not_change_the_file(journal: Path) -> None:
    before = journal.read_bytes()
    run("verify", journal)
    assert journal.read_bytes() == before
