"""The sound of one whole agent as a process: what central is told of it, and what a kill costs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from agent.levels import KEPT_EVERY
from contract.levels import levels_of
from contract.words import EntryKind, Phase
from tests.processes import Process, running, start
from tests.rooms import agent
from tests.service.agent import rig
from tests.service.agent.rig import Central, broker, session, simulator
from tests.until import until

HEARD_S = 8


class Rig:
    """What one test starts from."""

    def __init__(self, central: Central, config: Path, sound: Process) -> None:
        self.central = central
        self.config = config
        self._sound = sound

    async def fault(self, name: str, value: str) -> None:
        """Break or mend the room's sound."""
        host, port = self._sound.address.rsplit("/", 1)[1].split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(json.dumps({"id": 1, "do": "fault", "name": name, "value": value}).encode() + b"\n")
        async with asyncio.timeout(5):
            while json.loads(await reader.readline()).get("id") != 1:
                pass
        writer.close()
        await writer.wait_closed()

    def seconds(self) -> list[datetime]:
        return [point.at for point in levels_of(self.central.journal)]


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Rig]:
    async with (
        broker(tmp_path) as port,
        running(*simulator("drivers.visca.sim", "--on")) as camera,
        running(*simulator("drivers.audio.sim")) as sound,
        Central(port).online() as central,
    ):
        config = tmp_path / "praja-1.yaml"
        config.write_text(rig.ROOM_FILE.format(broker=port, camera=camera.address, sound=sound.address))
        yield Rig(central, config, sound)


async def test_a_kill_in_a_session_costs_its_report_a_few_seconds_of_levels(room: Rig) -> None:
    central = room.central
    first = await start(*agent(room.config))
    await central.publish(session(start_in_s=8, lasts_s=25))
    await until(central.has_phase(Phase.LIVE), within_s=40)
    live_at = next(e.at for e in central.journal if e.body.get("phase") == Phase.LIVE)
    await asyncio.sleep(HEARD_S)  # so much is there to be lost
    await first.kill()
    killed_at = datetime.now(UTC)
    async with running(*agent(room.config)):
        await until(lambda: bool(central.reports()), within_s=60)
    seconds = room.seconds()
    before = [at for at in seconds if at < killed_at]
    assert before, "nothing of what was heard before the kill is there"
    assert before[0] - live_at < timedelta(seconds=4)
    assert killed_at - before[-1] < timedelta(seconds=KEPT_EVERY + 3)
    assert all(later - earlier >= timedelta(seconds=0.9) for earlier, later in pairwise(seconds))
    assert [point.at for point in central.reports()[0].levels] == seconds
    assert sum(1 for entry in central.journal if entry.kind == EntryKind.LEVELS) <= 4


async def test_feedback_in_a_live_room_is_an_alert_at_central_until_it_is_over(room: Rig) -> None:
    central = room.central
    async with running(*agent(room.config)):
        await central.publish(session(start_in_s=8, lasts_s=120))
        await until(central.has_phase(Phase.LIVE), within_s=40)
        await room.fault("howl", "2400")
        await until(lambda: bool(central.alerts.get("howl-sound")), within_s=20)
        await room.fault("howl", "off")
        await until(lambda: central.alerts.get("howl-sound") == b"", within_s=30)
        await until(lambda: is_told_once(central), within_s=10)


def is_told_once(central: Central) -> bool:
    """Whether the alarm of feedback has begun once and ended once."""
    told = [e.body["raised"] for e in central.journal if e.kind == EntryKind.DEVICE_ALARM and e.body["alarm"] == "howl"]
    return told == [True, False]
