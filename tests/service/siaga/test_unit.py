"""The systemd unit of a room: systemd understands it, and its commands are ours."""

from __future__ import annotations

import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from siaga.cli import app

UNIT = Path("configs/systemd/siaga-agent.service")
PROGRAM = "/opt/siaga/.venv/bin/siaga"


@pytest.fixture
def service() -> configparser.SectionProxy:
    parser = configparser.ConfigParser(interpolation=None)
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


def test_the_agent_is_started_again_whatever_ended_it(service: configparser.SectionProxy) -> None:
    assert service["Restart"] == "always"
    assert "StartLimitIntervalSec=0" in UNIT.read_text()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd on this machine")
def test_systemd_understands_it(tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace(PROGRAM, sys.executable))
    checked = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=30, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
