"""`siaga admin` as somebody at a terminal meets it: one line and an exit code, files for us alone."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from siaga.admin import app as commands

CONFIGS = Path(__file__).parents[3] / "configs"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    shutil.copy(CONFIGS / "policy.yaml", tmp_path)
    file = tmp_path / "central.yaml"
    file.write_text("data: office\npolicy: policy.yaml\n")
    return file


def admin(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "siaga", "admin", *words], capture_output=True, text=True, timeout=60, check=False
    )


def test_a_database_that_is_none_is_one_line_and_exit_1(config: Path) -> None:
    (config.parent / "office").mkdir()
    (config.parent / "office" / "central.db").write_bytes(b"no database at all, " * 400)
    said = admin("migrate", "--config", str(config))
    assert (said.returncode, said.stderr.count("\n")) == (1, 1), said.stderr
    assert "not a database" in said.stderr


def test_what_it_writes_is_for_its_own_user_alone(config: Path) -> None:
    said = admin("migrate", "--config", str(config))
    assert said.returncode == 0, said.stderr
    kept = config.parent / "office" / "central.db"
    assert kept.stat().st_mode & 0o077 == 0


def test_the_first_administrator_is_made_at_a_terminal(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, word = ("--config", str(config)), ("--name", "Agus", "--password-env", "TEST_WORD")

    def said(*words: str) -> Result:
        return CliRunner().invoke(commands, ["user", *words, *file])

    monkeypatch.setenv("TEST_WORD", "pendek")
    short = said("add", "agus", *word, "--role", "admin")
    assert (short.exit_code, "12 to 256" in short.output) == (1, True)
    monkeypatch.setenv("TEST_WORD", "a long first phrase")
    wrong = said("add", "agus", *word, "--role", "king")
    assert (wrong.exit_code, "scheduler" in wrong.output) == (2, True)
    made = said("add", "agus", *word, "--role", "admin", "--role", "auditor")
    assert (made.exit_code, made.output.strip()) == (0, "agus may log in")
    assert "somebody has this name" in said("add", "agus", *word, "--role", "admin").output
    listed = json.loads(said("list", "--json").output)
    assert [(one["login"], one["roles"]) for one in listed] == [("agus", ["admin", "auditor"])]


def test_what_is_past_its_time_is_shown_and_then_erased_at_a_terminal(config: Path) -> None:
    from datetime import UTC, datetime

    from central.audit import Audit
    from central.db import tables as t
    from central.db.store import Store

    def said(*words: str) -> Result:
        return CliRunner().invoke(commands, ["retention", "--config", str(config), *words])

    assert said().exit_code == 0
    store = Store(f"sqlite:///{config.parent / 'office' / 'central.db'}")
    with store.writing() as connection:
        connection.execute(t.throttle.insert(), {"key": "x", "failures": 1, "until": datetime(2020, 1, 1, tzinfo=UTC)})
    looked = json.loads(said("--dry-run", "--json").output)
    assert (looked["erased"], looked["kinds"]["log_ins"]["count"]) == (False, 1)
    shown = said()
    assert [line.split() for line in shown.output.splitlines() if line.startswith("log_ins")] == [
        ["log_ins", "kept", "90", "days", "1", "0.0", "MiB"]
    ]
    rows = Audit(store, config.parent / "anchors").rows()
    store.close()
    assert [(row.actor, row.detail) for row in rows] == [
        ("terminal", '{"log_ins": {"count": 1, "bytes": 0}}'),
        ("terminal", "{}"),
    ]


def test_a_backup_of_what_is_no_database_is_one_line_and_exit_1(config: Path) -> None:
    (config.parent / "office").mkdir()
    (config.parent / "office" / "central.db").write_bytes(b"no database at all, " * 400)
    said = admin("backup", str(config.parent / "b.tar"), "--config", str(config))
    assert (said.returncode, said.stderr.count("\n")) == (1, 1), said.stderr


@pytest.mark.parametrize(
    ("room", "out", "found"),
    [
        ("x\ny", "e.yaml", "a room's id"),
        ("central", "e.yaml", "central's own name"),
        ("praja-1", "nowhere/e.yaml", "found none"),
    ],
)
def test_nobody_is_enrolled_by_a_name_that_no_room_can_have(config: Path, room: str, out: str, found: str) -> None:
    said = CliRunner().invoke(commands, ["enrol", room, "--config", str(config), "--out", str(config.parent / out)])
    assert (said.exit_code, found in said.output) == (2, True), said.output
    assert not (config.parent / "office" / "broker" / "passwords").exists()
