"""The whole loop as processes: a request becomes a report, also when things are killed on the way."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from contract import ExecutionReport
from siaga.demo.office import until
from siaga.demo.once import Loop, run_once

pytestmark = pytest.mark.timeout(180)


async def test_a_killed_agent_still_ends_in_one_complete_report(tmp_path: Path) -> None:
    killed = []

    async def kill_and_start_again(loop: Loop) -> None:
        killed.append(loop.room.agent.pid)
        await loop.room.agent.kill()
        await loop.site.restart_agent(loop.room)

    assert await run_once(1, 0, tmp_path / "data", tmp_path / "out", kill_and_start_again)
    assert killed
    report = ExecutionReport.model_validate_json((tmp_path / "out" / "report.json").read_text())
    assert report.report_rev == 1
    assert report.carried_out


async def test_a_killed_broker_loses_no_session(tmp_path: Path) -> None:
    async def kill_broker(loop: Loop) -> None:
        processes = psutil.Process(loop.site.central.pid).children(recursive=True)
        next(process for process in processes if process.name() == "mosquitto").kill()

        async def held_again() -> bool | None:
            return True if (await loop.card())["schedule_held"] else None

        await until("the schedule to be held after the broker died", held_again, 15)

    assert await run_once(1, 0, tmp_path / "data", tmp_path / "out", kill_broker)


def test_once_prints_plain_lines_and_writes_its_three_files(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "siaga", "demo", "--once", "--out", str(tmp_path)],
        capture_output=True, text=True, timeout=150, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "\x1b[" not in ran.stdout
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF-")
    steps = json.loads((tmp_path / "timeline.json").read_text())
    assert all(step["happened"] and step["evidence"] for step in steps)
    assert len(steps) >= 12
