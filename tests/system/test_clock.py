"""The wall clock of a room's machine is wrong by an hour: from its boot on, while it prepares, while it is live.

The agent is an ordinary process. A few lines of C in front of its libc show it another time of day, as after
`date --set`; its monotonic clocks, central and the broker go on as they were.
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import time
from pathlib import Path

import pytest

from agent.course import CLOCK_DISTURBED
from contract.words import Phase
from tests.system.stand import Stand, stand
from tests.system.test_outages import was_put_away
from tests.until import until

pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.skipif(shutil.which("cc") is None and "CI" not in os.environ, reason="no C compiler is installed"),
]
SOURCE = Path(__file__).with_name("setclock.c")
HOUR_S = 3600
LASTS_S = 10
STARTS_IN_S = 15


class Wall:
    """The clock on the wall of one process."""

    def __init__(self, folder: Path) -> None:
        self._library, self._file = folder / "setclock.so", folder / "set-by"
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", self._library, SOURCE], check=True, timeout=60)
        self.set(0)

    def set(self, seconds: int) -> None:
        """Set it, from what is right."""
        if not self._file.exists():
            self._file.write_bytes(bytes(8))
        with self._file.open("r+b", buffering=0) as file:  # the process has it mapped
            file.write(struct.pack("=q", seconds))

    async def start(self, room: Stand) -> None:
        """Start the room's agent in front of it."""
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("LD_PRELOAD", str(self._library))
            environment.setenv("SETCLOCK", str(self._file))
            await room.start()


def refusals(room: Stand) -> list[int]:
    """Return by how many hours the room told central that its machine's clock was set, without being followed."""
    told = (entry.body["refused_s"] for entry in room.entries() if entry.kind == CLOCK_DISTURBED)
    return [round(float(str(refused_s)) / HOUR_S) for refused_s in told]


def came_to(room: Stand, phase: Phase) -> float:
    """Return when the session came into a phase, which it did once, in seconds that nobody sets."""
    (move,) = [move for move in room.moves("s-1") if move.body["phase"] == phase]
    return move.mono_ms / 1000


@pytest.mark.parametrize("hours", [1, -1])
async def test_a_clock_that_is_set_in_mid_session_neither_ends_nor_prolongs_it(tmp_path: Path, hours: int) -> None:
    wall = Wall(tmp_path)
    async with stand(tmp_path) as room:
        await wall.start(room)
        room.book("s-1", start_in_s=5, lasts_s=LASTS_S)
        await until(lambda: room.stored(7) == 1, within_s=60)  # the live preset runs
        wall.set(hours * HOUR_S)
        await until(lambda: refusals(room) == [hours], within_s=30)
        await until(lambda: room.is_reported("s-1"), within_s=60)
        assert was_put_away(room)
        assert LASTS_S - 2 < came_to(room, Phase.ENDING) - came_to(room, Phase.LIVE) < LASTS_S + 10
        assert "clock" in room.alerts()  # central's differs from it
        await room.stop()
        assert room.complaints(["s-1"]) == []


@pytest.mark.parametrize("hours", [1, -1])
async def test_a_clock_that_is_set_while_preparing_starts_the_session_neither_early_nor_late(
    tmp_path: Path, hours: int
) -> None:
    wall = Wall(tmp_path)
    async with stand(tmp_path) as room:
        room.place_far(1)
        await wall.start(room)
        room.book("s-1", start_in_s=STARTS_IN_S, lasts_s=LASTS_S)
        booked = time.clock_gettime(time.CLOCK_BOOTTIME)
        await until(lambda: Phase.PREPARING in room.phases("s-1") and room.camera.moving, within_s=60)
        wall.set(hours * HOUR_S)
        await until(lambda: refusals(room) == [hours], within_s=30)
        await until(lambda: room.is_reported("s-1"), within_s=90)
        assert STARTS_IN_S - 2 < came_to(room, Phase.LIVE) - booked < STARTS_IN_S + 10
        wall.set(0)
        await until(lambda: refusals(room) == [hours, -hours], within_s=30)
        await room.stop()
        assert room.complaints(["s-1"]) == []


@pytest.mark.parametrize("hours", [1, -1])
async def test_a_machine_that_boots_an_hour_wrong_starts_its_session_in_time(tmp_path: Path, hours: int) -> None:
    wall = Wall(tmp_path)
    async with stand(tmp_path) as room:
        room.book("s-1", start_in_s=STARTS_IN_S, lasts_s=LASTS_S)
        booked = time.clock_gettime(time.CLOCK_BOOTTIME)
        wall.set(hours * HOUR_S)
        await wall.start(room)
        await until(lambda: room.is_reported("s-1"), within_s=90)
        assert STARTS_IN_S - 2 < came_to(room, Phase.LIVE) - booked < STARTS_IN_S + 10
        await room.stop()
        assert room.complaints(["s-1"]) == []
