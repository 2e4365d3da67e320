"""A room that is killed at each step of a session, and at any instant: it goes on, tells all once, repeats nothing."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import suppress
from pathlib import Path

import pytest
from websockets.exceptions import WebSocketException

from contract.words import Phase
from tests.processes import start
from tests.rooms import PATIENT, agent, touch
from tests.system.stand import Stand, stand
from tests.until import until

pytestmark = pytest.mark.timeout(1200)
SEED = 6
KILLS_AT_MOST = 20
"""Then the room may live: on a crowded machine a second and a half may be too little to end anything in."""
PATIENT_S = 120.0
LIVES_AT_MOST = 100
DIES = """\
import os, signal
from pathlib import Path
from agent import journal
commits, died_at, when = journal.Journal._commit, Path({died_at!r}), {when!r}
presets = {{}}
def point(entry):
    preset = presets.setdefault(entry.run, entry.body.get("preset"))
    told = [entry.kind, preset, *(entry.body.get(name) for name in ("phase", "step", "condition"))]
    return " ".join(str(word) for word in told if word)
def dies(self, entries, before):
    known = died_at.read_text().splitlines() if died_at.exists() else []
    new = [point(entry) for entry in entries if point(entry) not in known]
    if not new or when == "after":
        commits(self, entries, before)
    if new:
        died_at.write_text("\\n".join([*known, *new]))
        os.kill(os.getpid(), signal.SIGKILL)
journal.Journal._commit = dies
"""
"""An agent that dies at every new kind of entry, just before its commit or just after; the next life gets past it."""


async def test_a_room_that_is_killed_again_and_again_reports_once_and_repeats_nothing(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    async with stand(tmp_path) as room:
        await room.start()
        room.book("s-1", start_in_s=6, lasts_s=15)
        kills = 0
        while not room.is_reported("s-1") and kills < KILLS_AT_MOST:
            await asyncio.sleep(chance.uniform(0, 1.5))
            if chance.random() < 0.3:
                await room.press()
            await room.kill()
            kills += 1
            await room.start()
        await until(lambda: room.is_reported("s-1") and room.reports()["s-1"] == 1, within_s=PATIENT_S)
        await room.stop()
        assert room.complaints(["s-1"]) == []
        assert kills >= 3


ORDERS = {Phase.READY: "start", Phase.LIVE: "end"}
"""What the technician presses once nothing new happens any more: nobody waits for the clock."""
QUIET_S = 2.5


class Technician:
    """Watches what the room tells central and moves the session on when it has come to rest."""

    def __init__(self, room: Stand) -> None:
        self._room = room
        self._told, self._since = 0, time.monotonic()

    def order(self) -> str | None:
        """Return what to press now."""
        told = len(self._room.entries())
        if told != self._told:
            self._told, self._since = told, time.monotonic()
        phases = self._room.phases("s-1")
        is_quiet = time.monotonic() - self._since > QUIET_S
        return ORDERS.get(Phase(phases[-1])) if phases and is_quiet else None


async def live_and_die(room: Stand, command: tuple[str, ...]) -> None:
    """Run an agent until it dies of itself, or the session is over."""
    try:
        process = await start(*command)
    except AssertionError:  # it died before it was ready
        return
    technician = Technician(room)
    try:
        async with asyncio.timeout(2 * PATIENT_S):
            while not process.has_ended and not room.is_reported("s-1"):
                await until(
                    lambda: process.has_ended or room.is_reported("s-1") or bool(technician.order()), within_s=PATIENT_S
                )
                if order := technician.order():
                    with suppress(OSError, WebSocketException):  # a room that dies meanwhile is no matter
                        await touch(process.address, order)
    finally:
        await process.kill()


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_kill_at_each_step_of_a_session_loses_and_repeats_nothing(tmp_path: Path, when: str) -> None:
    died_at = tmp_path / "died-at"
    async with stand(tmp_path) as room:
        room.book("s-1", start_in_s=600, lasts_s=600)
        for _ in range(LIVES_AT_MOST):
            if room.is_reported("s-1"):
                break
            await live_and_die(room, agent(room.config, PATIENT + DIES.format(died_at=str(died_at), when=when)))
        await room.start()
        await until(lambda: room.reports()["s-1"] == 1, within_s=PATIENT_S)
        await room.stop()
        assert room.complaints(["s-1"]) == []
    points = died_at.read_text()
    for wanted in ("phase preparing", "phase live", "phase ending", "step.intent mulai 1", "report.final", "reported"):
        assert wanted in points, points
