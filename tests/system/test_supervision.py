"""A real agent under a service manager of the test's own: signs of life, bugs, crash loops, and by hand until a person
says otherwise.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from httpx import AsyncClient

from contract.messages import PlannedSession
from contract.words import EntryKind
from drivers.visca.sim import SimulatedCamera, serve
from tests.bench.agent_broker import GROWTH_AT_MOST_PERCENT, restarted
from tests.notify import manager
from tests.processes import Process, die_with_parent, running, start
from tests.rooms import PRESETS, journal, siaga_agent, touch, written
from tests.service.agent import rig
from tests.service.agent.rig import Central
from tests.until import until

POISON = "racun"
POISONED = f"""\
from agent import plan, starts, supervision
asked = plan.due
def breaks(now, sessions, courses, rhythm):
    sessions = tuple(sessions)
    if any(one.title == "{POISON}" for one in sessions):
        raise ZeroDivisionError("a plan that nobody foresaw")
    return asked(now, sessions, courses, rhythm)
plan.due = breaks
supervision.TOO_MANY = starts.TOO_MANY = 3
"""
HANGS = """\
import sys
from datetime import timedelta
from functools import partial
from pathlib import Path
from agent import exchange, supervision
supervision.Watchdog = partial(supervision.Watchdog, fresh=timedelta(seconds=4))
publish = exchange.Exchange._publish_state
async def hangs(self):
    import asyncio
    if Path(sys.argv[-1]).with_name("hang").exists():
        await asyncio.sleep(3600)
    await publish(self)
exchange.Exchange._publish_state = hangs
"""


@pytest.fixture
async def camera() -> AsyncIterator[SimulatedCamera]:
    async with serve() as simulated:
        yield simulated


def room_of(folder: Path, camera: SimulatedCamera, broker: int | None = None) -> Path:
    return written(folder, camera.address, broker=broker, more=PRESETS)


@asynccontextmanager
async def kept_going(*wanted: str) -> AsyncIterator[list[Process]]:
    """Start an agent again whatever ends it, as systemd does; the newest is the last."""
    lives: list[Process] = []

    async def again() -> None:
        while True:
            with suppress(AssertionError):  # it ended before it was ready
                lives.append(await start(*wanted))
                await lives[-1].ended_some_time()

    keeper = asyncio.create_task(again(), name="keep going")
    try:
        yield lives
    finally:
        keeper.cancel()
        await asyncio.wait({keeper})
        for life in lives:
            await life.stop()


async def page(address: str) -> str:
    async with AsyncClient(base_url=address, trust_env=False) as browser:
        return (await browser.get("/")).text


def planned(title: str, name: str) -> PlannedSession:
    return rig.session(start_in_s=3600, lasts_s=600, prepare_in_s=3000, name=name).model_copy(update={"title": title})


async def test_it_says_that_it_is_ready_that_it_lives_and_that_it_leaves(
    tmp_path: Path, camera: SimulatedCamera, monkeypatch: pytest.MonkeyPatch
) -> None:
    with manager(tmp_path) as told:
        monkeypatch.setenv("NOTIFY_SOCKET", told.address)
        monkeypatch.setenv("WATCHDOG_USEC", "1000000")
        async with running(*siaga_agent(room_of(tmp_path, camera))) as agent:
            await until(lambda: told.signs() >= 3)
            assert any(said.get("READY") == "1" for said in told.heard)
            await until(lambda: "praja-1: ready; 2 of 2 devices; central away" in told.status())
            assert await agent.stop() == 0
        assert {"STOPPING": "1", "STATUS": "leaving the room: asked"} in told.heard
        assert told.status() == "leaving the room: asked"


async def test_an_exchange_that_hangs_ends_the_signs_of_life_and_is_named(
    tmp_path: Path, camera: SimulatedCamera, monkeypatch: pytest.MonkeyPatch
) -> None:
    with manager(tmp_path) as told:
        monkeypatch.setenv("NOTIFY_SOCKET", told.address)
        monkeypatch.setenv("WATCHDOG_USEC", "1000000")
        async with running(*siaga_agent(room_of(tmp_path, camera), HANGS)):
            await until(lambda: told.signs() >= 1)
            (tmp_path / "hang").touch()
            await until(lambda: told.status() == "stalled: exchange", within_s=20)
            signs = told.signs()
            await asyncio.sleep(1)
            assert told.signs() == signs


async def test_a_bug_is_told_in_one_line_and_written_down(tmp_path: Path, camera: SimulatedCamera) -> None:
    config = room_of(tmp_path, camera)
    program = "from agent import pulse\n"
    program += "def breaks(self): raise ZeroDivisionError('a bug\\n in the plan')\n"
    program += "pulse.Pulse._do_what_is_due = breaks\n"
    process = await asyncio.create_subprocess_exec(
        *siaga_agent(config, program), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, preexec_fn=die_with_parent
    )
    async with asyncio.timeout(20):
        _, said = await process.communicate()
    lines = said.decode().splitlines()
    assert process.returncode == 1
    assert (
        lines[-1]
        == "siaga agent: a bug ended the agent: ZeroDivisionError: a bug in the plan, in " + lines[-1].split(", in ")[1]
    )
    traceback = next(json.loads(line) for line in lines if '"level": "critical"' in line)
    assert "Traceback" in traceback["exception"]
    faults = [entry for entry in journal(config) if entry.kind == EntryKind.AGENT_FAULT]
    assert [entry.body["error"] for entry in faults] == ["ZeroDivisionError: a bug in the plan"]


@pytest.mark.timeout(150)
async def test_a_poisoned_plan_leaves_a_room_by_hand_until_a_person_says_otherwise(
    tmp_path: Path, camera: SimulatedCamera
) -> None:
    async with rig.broker(tmp_path) as port, Central(port).online() as central:
        config = room_of(tmp_path, camera, port)
        async with kept_going(*siaga_agent(config, POISONED)) as lives:
            await until(lambda: bool(central.states), within_s=20)
            await central.publish(planned(POISON, "s-1"))
            await until(says(central, "manual"), within_s=40)
            assert len(lives) == 3

            await by_hand(central, lives[-1].address)

            assert (await touch(lives[-1].address, "automatic"))["ok"] is True
            await until(lambda: len(lives) == 4, within_s=20)  # it was not well yet: by hand again, at once
            await until(lambda: central.states[-1].boot != central.states[0].boot and says(central, "manual")())

            await central.publish(planned("Rapat", "s-2"))
            await until(lambda: central.states[-1].applied.schedule_rev == 2)
            assert (await touch(lives[-1].address, "automatic"))["ok"] is True
            await until(says(central, "automatic"), within_s=10)
            await until(lambda: central.alerts["manual"] == b"")
            assert (now := central.states[-1].session) is not None
            assert now.id == "s-2"
            assert "Kembali otomatis" not in await page(lives[-1].address)
            assert len(lives) == 4
    modes = [entry.body["mode"] for entry in central.journal if entry.kind == EntryKind.MODE]
    assert modes == ["manual", "automatic", "manual", "automatic"]


async def test_a_broker_that_is_killed_again_and_again_leaves_nothing_behind_in_the_agent() -> None:
    found = await restarted(3)
    assert (found.descriptors, found.threads) == (0, 0)
    assert found.growth_percent < GROWTH_AT_MOST_PERCENT


def says(central: Central, mode: str) -> Callable[[], bool]:
    return lambda: bool(central.states) and central.states[-1].mode == mode


async def by_hand(central: Central, address: str) -> None:
    """See that the room says what it is, still does what is pressed, and still tells how it is."""
    shown = await page(address)
    assert "Tidak ada yang berjalan sendiri" in shown
    assert "Kembali otomatis" in shown
    assert central.states[-1].readiness == "degraded"
    assert [fault.code for fault in central.states[-1].reasons] == ["agent.manual"]
    assert "ZeroDivisionError" in str(central.states[-1].reasons[0].values["bug"])
    assert central.states[-1].devices["camera-1"].condition == "ok"
    await until(lambda: bool(central.alerts.get("manual")))
    async with AsyncClient(base_url=address, trust_env=False) as browser:
        assert (await browser.post("/api/v1/presets/siap/run")).status_code == 202
    await until(lambda: any(e.kind == EntryKind.PRESET_ENDED and e.outcome == "done" for e in central.journal))
