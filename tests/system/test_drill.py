"""A drill as people start it: the room's own file, a script, a score; and nothing of it reaches the room's central."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from httpx import AsyncClient

from agent.clock import SystemClock
from agent.journal import Journal
from agent.roomfile import load as load_room
from agent.store import Store
from contract.report import ExecutionReport
from contract.words import EntryKind
from contract.yamlfile import FileMistakes
from siaga.drill import script as scripts
from tests.broker import PrivateBroker
from tests.processes import die_with_parent
from tests.rooms import touch
from tests.service.agent.rig import Central
from tests.until import until

CONFIGS = Path(__file__).parents[2] / "configs"
ROOM = CONFIGS / "rooms" / "praja-1.yaml"
SCRIPT = """\
name: Cepat
session: {title: Latihan cepat, prepare: 1s, start: 12s, lasts: 14s, over_run: 0s}
tablet: "127.0.0.1:0"
faults:
  - {on: preparing, do: unplug, device: camera-2, lasts: 3s, expect: {noticed: 20s, mended: 20s}}
  - {on: live, do: clock, by: 1h, expect: {noticed: 20s}}
  - {on: live, after: 6s, do: clock, by: 2h, back: true, expect: {noticed: 20s}}
  - {on: live, after: 2s, do: unplug, device: obs, lasts: 3s, expect: {noticed: 20s, mended: 25s}}
  - {on: ending, do: unplug, device: camera-1, expect: {noticed: 20s}}
  - {on: live, after: 1s, do: network, lasts: 3s, expect: {noticed: 20s, mended: 25s}}
  - {on: live, after: 1s, do: disk, lasts: 4s, expect: {noticed: 20s, mended: 25s}}
  - {on: live, after: 1s, do: fault, device: sound, name: microphone, value: muted, expect: {person: 30s}}
"""


class Drill:
    """A drill that runs."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.tablet = ""
        self.said = b""

    async def ready(self) -> None:
        assert self.process.stdout is not None
        async with asyncio.timeout(40):
            while not self.tablet:
                line = (await self.process.stdout.readline()).decode()
                assert line, "it ended before it was ready"
                self.tablet = line.removeprefix("ready ").strip() if line.startswith("ready ") else ""

    async def score(self) -> dict[str, object]:
        assert self.process.stdout is not None
        async with asyncio.timeout(120):
            self.said = await self.process.stdout.read()
            await self.process.wait()
        return dict(json.loads(self.said.splitlines()[-1]))


@asynccontextmanager
async def drilled(config: Path, script: Path, *more: str) -> AsyncIterator[Drill]:
    command = [sys.executable, "-m", "siaga", "agent", "--config", str(config), "--drill", str(script), *more]
    process = await asyncio.create_subprocess_exec(
        *command,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        preexec_fn=die_with_parent,
    )
    try:
        yield Drill(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.timeout(180)
async def test_a_drill_breaks_things_and_says_who_noticed_and_did_what_how_soon(tmp_path: Path) -> None:
    script = tmp_path / "drill.yaml"
    script.write_text(SCRIPT)
    real = PrivateBroker(tmp_path)  # where the room's own central would be
    real.start()
    config = tmp_path / "room.yaml"
    own = ROOM.read_text().replace("mqtts://central.example:8883", real.url).replace("0.0.0.0:8080", "127.0.0.1:0")
    config.write_text(own)
    try:
        async with (
            Central(real.port).online() as central,
            drilled(config, script, "--json", "--data", str(tmp_path / "data")) as drill,
        ):
            await drill.ready()
            await shown(drill.tablet)
            score = await drill.score()
        assert not central.presences
        assert not central.entries
    finally:
        real.stop()
    assert score["missed"] == []
    assert drill.process.returncode == 0
    assert (score["held"], score["wanted"]) == (21, 21)
    assert [*score["phases"]][:1] == ["preparing"]  # type: ignore[misc]
    report = reported(tmp_path / "data")
    assert report.title == "LATIHAN · Latihan cepat"
    assert report.carried_out


async def shown(tablet: str) -> None:
    """See that the tablet says that it is an exercise, and press something once the microphone was muted."""
    async with AsyncClient(base_url=tablet, trust_env=False) as browser:
        page = (await browser.get("/")).text
        assert "LATIHAN" in page
        assert "data-drill" in page
        await until(lambda: went_live(browser), within_s=60)
    await asyncio.sleep(2)
    assert (await touch(tablet, "recheck"))["ok"] is True
    async with AsyncClient(base_url=tablet, trust_env=False) as browser:
        assert (await browser.post("/api/v1/presets/jeda/run")).status_code == 202


async def went_live(browser: AsyncClient) -> bool:
    return "end-session" in (await browser.get("/f/session")).text


def reported(folder: Path) -> ExecutionReport:
    store = Store(folder)
    try:
        entries = Journal(store, SystemClock(), "reader").recent(2000)
    finally:
        store.close()
    (report,) = [entry for entry in entries if entry.kind == EntryKind.REPORT]
    return ExecutionReport.model_validate(report.body)


@pytest.mark.parametrize("path", sorted((CONFIGS / "drills").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_scripts_that_come_with_it_fit_their_room(path: Path) -> None:
    assert scripts.load(path, load_room(ROOM)).faults


@pytest.mark.parametrize(
    ("fault", "wanted"),
    [
        ("{at: 1s, do: unplug, device: camera-9}", "camera-9"),
        ("{at: 1s, do: press, preset: tak-ada}", "tak-ada"),
        ("{at: 1s, do: unplug}", "each of them needs one"),
        ("{do: unplug, device: obs}", "either `at` or `on`"),
        ("{at: 1s, do: disk}", "must be mended"),
        ("{at: 1s, do: clock}", "needs `by`"),
        ("{at: 1s, do: fault, device: obs}", "needs `name` and `value`"),
        ("{at: 1s, do: explode}", "explode"),
    ],
)
def test_a_script_that_cannot_be_played_is_refused_with_its_line(tmp_path: Path, fault: str, wanted: str) -> None:
    script = tmp_path / "drill.yaml"
    script.write_text(f"name: x\nsession: {{title: x, start: 9s, lasts: 9s}}\nfaults:\n  - {fault}\n")
    with pytest.raises(FileMistakes) as refused:
        scripts.load(script, load_room(ROOM))
    assert wanted in str(refused.value)
    assert f"{script}:4" in str(refused.value) or ":4:" in str(refused.value)
