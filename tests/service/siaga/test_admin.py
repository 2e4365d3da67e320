"""`siaga admin` as somebody at a terminal meets it: one line and an exit code, files for us alone."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

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
