"""The systemd units of a room and of central: systemd understands them, and their commands are ours."""

from __future__ import annotations

import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from siaga.cli import app

UNITS = Path("configs/systemd")
UNIT = UNITS / "siaga-agent.service"
BOTH = [UNIT, UNITS / "siaga-central.service"]
EXPOSED_AT_MOST = 30
"""Of 100: what systemd's own rating gives a service that needs little of its machine."""
PROGRAM = "/opt/siaga/.venv/bin/siaga"


@pytest.fixture
def service() -> configparser.SectionProxy:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # keys of a unit have capital letters
    parser.read_string(UNIT.read_text())
    return parser["Service"]


@pytest.mark.parametrize(("key", "name"), [("ExecStart", "agent"), ("ExecStopPost", "halt")])
def test_its_commands_exist_and_take_the_room_file(service: configparser.SectionProxy, key: str, name: str) -> None:
    assert service[key] == f"{PROGRAM} {name} --config /etc/siaga/room.yaml"
    told = subprocess.run(
        [sys.executable, "-m", "siaga", name, "--help"], capture_output=True, text=True, timeout=30, check=True
    )
    assert "--config" in told.stdout
    assert name in get_command(app).commands  # type: ignore[attr-defined]  # typer's command is a group


def test_central_is_started_with_its_file() -> None:
    assert f"ExecStart={PROGRAM} central --config /etc/siaga/central.yaml\n" in BOTH[1].read_text()


@pytest.mark.parametrize("unit", BOTH, ids=lambda unit: unit.stem)
def test_it_is_started_again_whatever_ended_it_also_when_it_hangs(unit: Path) -> None:
    told = unit.read_text().splitlines()
    assert {"Restart=always", "StartLimitIntervalSec=0", "Type=notify"} <= set(told)
    assert any(line.startswith("WatchdogSec=") for line in told)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd on this machine")
@pytest.mark.parametrize("unit", BOTH, ids=lambda unit: unit.stem)
def test_systemd_understands_it(unit: Path, tmp_path: Path) -> None:
    copy = tmp_path / unit.name
    copy.write_text(unit.read_text().replace(PROGRAM, sys.executable))
    checked = subprocess.run(
        ["systemd-analyze", "verify", str(copy)], capture_output=True, text=True, timeout=30, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd on this machine")
@pytest.mark.parametrize("unit", BOTH, ids=lambda unit: unit.stem)
def test_it_may_do_little_beside_its_work(unit: Path) -> None:
    command = ["systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSED_AT_MOST}", str(unit)]
    rated = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert rated.returncode == 0, rated.stdout[-300:]
