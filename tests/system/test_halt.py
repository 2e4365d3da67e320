"""However an agent ends, its camera stands: a real agent process, a finger on its tablet, a real socket."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from httpx import AsyncClient
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from contract import Alert
from contract.words import EntryKind
from drivers.visca.sim import SimulatedCamera, serve
from tests.processes import Process, started
from tests.rooms import agent, journal, written
from tests.service.agent.rig import Central, broker
from tests.until import until

HELD = {"t": "hold", "cam": "camera-1", "pan": 1, "tilt": 0, "zoom": 0, "speed": 1}
PAN_TILT = bytes.fromhex("01 06 01")
"""What follows are two speeds and a direction each for pan and tilt."""
LEFT, RIGHT, STANDS = (bytes.fromhex(way) for way in ("01 03", "02 03", "03 03"))
A_WHILE_DEG = 3.0
"""So far a camera only goes that nobody stops."""
BROKEN = """\
import time
from pathlib import Path
from agent import pulse
works, bug, how = pulse.Pulse._do_what_is_due, Path({bug!r}), {how!r}
def breaks(self):
    if bug.exists():
        if how == "raises":
            raise RuntimeError("a bug in the engine")
        bug.unlink()
        time.sleep(float(how))
    return works(self)
pulse.Pulse._do_what_is_due = breaks
"""


@dataclass
class Room:
    """A camera at its left end, and the file of the room that it is in."""

    simulated: SimulatedCamera
    config: Path

    @property
    def stands_midway(self) -> bool:
        """Whether somebody stopped it: at its end it would stand anyway."""
        return not self.simulated.moving and not self.is_at_end

    @property
    def is_at_end(self) -> bool:
        return self.simulated.camera.pan.position in {self.simulated.camera.pan.low, self.simulated.camera.pan.high}

    async def goes_on(self) -> None:
        """Wait until it is certain that nobody stops it."""
        at = self.simulated.pan_deg
        await until(lambda: abs(self.simulated.pan_deg - at) > A_WHILE_DEG)
        assert self.simulated.moving

    def push(self) -> None:
        """Have it pan, as somebody else's program would have left it."""
        self.simulated.camera.pan.go(self.simulated.camera.pan.high, 200)
        assert self.simulated.moving


@asynccontextmanager
async def room_in(folder: Path, options: str = "", *, broker_at: int | None = None) -> AsyncIterator[Room]:
    async with serve() as simulated:
        simulated.camera.pan.position = simulated.camera.pan.low
        yield Room(simulated, written(folder, simulated.address + options, broker=broker_at))


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with room_in(tmp_path) as room:
        yield room


async def press(address: str) -> None:
    """Hold the right arrow of the tablet at `address`, as long as anybody listens."""
    with suppress(OSError, WebSocketException):
        async with connect(address) as socket:
            speaking = asyncio.create_task(_repeat(socket.send), name="finger")
            try:
                async for _ in socket:
                    pass
            finally:
                speaking.cancel()
                await asyncio.wait({speaking})


async def _repeat(send: object) -> None:
    assert callable(send)
    with suppress(OSError, WebSocketException):
        for count in itertools.count():
            await send(json.dumps(HELD | {"id": 1 + count // 20}))  # a new press every two seconds
            await asyncio.sleep(0.1)


@asynccontextmanager
async def panning(room: Room, process: Process) -> AsyncIterator[None]:
    """Hold the camera panning from the tablet."""
    finger = asyncio.create_task(press(live(process)), name="press")
    try:
        await until(lambda: room.simulated.moving, within_s=10)
        await room.goes_on()
        yield
    finally:
        finger.cancel()
        await asyncio.wait({finger})


async def figure(process: Process, name: str) -> str:
    async with AsyncClient(base_url=process.address) as http:
        lines = (await http.get("/metrics")).text.splitlines()
    return next((line.rsplit(" ", 1)[1].removesuffix(".0") for line in lines if line.startswith(name)), "")


async def has_camera(process: Process, wanted: str) -> bool:
    return await figure(process, "siaga_device_ok") == wanted


async def halt(room: Room) -> int | None:
    """Do what systemd does once the agent's process has ended."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "siaga", "halt", "--config", str(room.config)), stdout=asyncio.subprocess.DEVNULL
    )
    async with asyncio.timeout(10):
        return await process.wait()


async def test_after_a_kill_the_next_start_stops_the_camera_before_anything_else(room: Room) -> None:
    async with started(*agent(room.config)) as first, panning(room, first):
        await first.kill()
        await room.goes_on()  # nobody is left to stop it
        ran = len(room.simulated.ran)
        async with started(*agent(room.config)):
            await until(lambda: room.stands_midway, within_s=10)
        first_told = room.simulated.ran[ran]
        assert first_told.startswith(PAN_TILT)
        assert first_told.endswith(STANDS)


async def test_after_a_kill_systemd_stops_the_camera_without_a_start(room: Room) -> None:
    async with started(*agent(room.config)) as first, panning(room, first):
        await first.kill()
        await room.goes_on()
        assert await halt(room) == 0
        await until(lambda: room.stands_midway)


async def test_when_an_asked_agent_has_ended_the_camera_stands_and_the_journal_says_so(room: Room) -> None:
    async with started(*agent(room.config)) as process, panning(room, process):
        assert await process.stop() == 0
        assert room.stands_midway  # although the finger never left the button
    last = journal(room.config)[-1]
    assert last.kind == EntryKind.AGENT_STOPPED
    assert last.body["why"] == "asked"
    cameras = last.body["cameras"]
    assert isinstance(cameras, dict)
    ending = cameras["camera-1"]
    assert isinstance(ending, dict)
    assert (ending["outcome"], ending["proved"]) == ("completed", True)


def broken(room: Room, bug: Path, how: str) -> tuple[str, ...]:
    """Return the command of an agent whose engine fails once `bug` exists: it raises, or holds everything up."""
    return agent(room.config, BROKEN.format(bug=str(bug), how=how))


async def test_a_bug_in_the_engine_leaves_no_camera_moving(room: Room, tmp_path: Path) -> None:
    bug = tmp_path / "bug"
    async with started(*broken(room, bug, "raises")) as process, panning(room, process):
        bug.touch()
        await until(lambda: room.stands_midway, within_s=10)
        assert await process.ended() == 1
        assert room.stands_midway
    stopped = [entry for entry in journal(room.config) if entry.kind == EntryKind.AGENT_STOPPED]
    assert [entry.body["why"] for entry in stopped] == ["fault"]


async def test_a_bounded_camera_halts_by_itself_while_its_agent_is_frozen(tmp_path: Path) -> None:
    async with room_in(tmp_path, "?bounded=on") as room, started(*agent(room.config)) as process:
        async with panning(room, process):
            os.kill(process.pid, signal.SIGSTOP)
            try:
                heard = room.simulated.heard
                await until(lambda: room.stands_midway)
                assert room.simulated.heard <= heard + 2  # what was on its way; nobody said STOP
                assert not room.simulated.ran[-1].endswith(STANDS)
            finally:
                os.kill(process.pid, signal.SIGCONT)
        await until(lambda: room.simulated.ran[-1].endswith(STANDS) or not room.simulated.moving)


async def test_a_tablet_that_only_falls_silent_loses_its_camera(room: Room) -> None:
    async with started(*agent(room.config)) as process, connect(live(process)) as socket:
        await until(lambda: has_camera(process, "1"), within_s=10)
        for _ in range(5):
            await socket.send(json.dumps(HELD | {"id": 1}))
            await asyncio.sleep(0.1)
        await until(lambda: room.stands_midway)  # the link to the tablet is open all the time
        assert room.simulated.ran[-1].endswith(STANDS)


async def test_a_second_tablet_takes_over_a_camera_that_was_stopped_first(room: Room) -> None:
    async with started(*agent(room.config)) as process, panning(room, process), connect(live(process)) as second:
        assert (await grab(second, 1, pan=-1))["code"] == "camera.held_by"
        await room.goes_on()
        ran = len(room.simulated.ran)
        assert (await grab(second, 2, pan=-1, take=True))["ok"] is True
        await until(lambda: LEFT in [command[5:] for command in room.simulated.ran[ran:]])
        told = [command[5:] for command in room.simulated.ran[ran:] if command.startswith(PAN_TILT)]
        stopped = told.index(STANDS)
        assert set(told[:stopped]) <= {RIGHT}  # what the first was still saying
        assert RIGHT not in told[stopped:]


async def grab(socket: ClientConnection, ident: int, **more: object) -> dict[str, object]:
    """Begin a hold and return what the agent answers."""
    args = HELD | {"id": ident} | more
    await socket.send(json.dumps({"t": "do", "id": str(ident), "what": "hold", "args": args}))
    async with asyncio.timeout(5):
        while True:
            message: dict[str, object] = json.loads(await socket.recv())
            if message["t"] == "ack" and message["id"] == str(ident):
                return message


def live(process: Process) -> str:
    return process.address.replace("http", "ws") + "/live"


def alarms(central: Central) -> list[tuple[object, object]]:
    told = (entry for entry in central.journal if entry.kind == EntryKind.DEVICE_ALARM)
    return [(entry.body["alarm"], entry.body["raised"]) for entry in told]


def alert(central: Central, name: str) -> tuple[str, str]:
    """Return severity and reason of an open alert."""
    payload = central.alerts.get(name)
    if not payload:
        return "", ""
    found = Alert.decode(payload)
    return found.severity, found.fault.code


async def test_a_frozen_event_loop_is_noticed_by_the_watchdog_and_told_to_central(tmp_path: Path) -> None:
    bug = tmp_path / "bug"
    async with (
        broker(tmp_path) as port,
        Central(port).online() as central,
        room_in(tmp_path, broker_at=port) as room,
        started(*broken(room, bug, "2.5")) as process,
        panning(room, process),
    ):
        bug.touch()
        await until(lambda: not bug.exists())
        await until(lambda: room.stands_midway, within_s=2.4)  # the loop stands still for longer
        await until(lambda: alarms(central) == [("watchdog", True)], within_s=10)
        await until(lambda: alert(central, "watchdog-camera-1") == ("warning", "camera.stopped_by_watchdog"))


async def test_a_camera_that_goes_on_after_stop_is_an_alarm_at_central_until_it_stands(tmp_path: Path) -> None:
    async with (
        broker(tmp_path) as port,
        Central(port).online() as central,
        room_in(tmp_path, broker_at=port) as room,
    ):
        drifting = asyncio.create_task(drift(room), name="drift")
        try:
            async with started(*agent(room.config)):
                await until(lambda: alarms(central) == [("stop", True)], within_s=10)
                not_stopping = ("critical", "camera.not_stopping")
                await until(lambda: alert(central, "device-camera-1") == not_stopping)
                assert alert(central, "stop-camera-1") == ("", "")  # the same is not said twice
                drifting.cancel()
                await until(lambda: alarms(central) == [("stop", True), ("stop", False)], within_s=10)
                await until(lambda: central.alerts.get("device-camera-1") == b"")
        finally:
            drifting.cancel()
            await asyncio.wait({drifting})


async def drift(room: Room) -> None:
    """Move whatever it is told, as with a broken brake."""
    pan = room.simulated.camera.pan
    for target in itertools.cycle((pan.high, pan.low)):
        while abs(pan.position - target) > 100:
            pan.go(target, 300)
            assert room.simulated.moving
            await asyncio.sleep(0.01)


async def test_a_camera_that_somebody_left_moving_is_stopped_by_the_start(room: Room) -> None:
    room.push()
    await room.goes_on()
    async with started(*agent(room.config)):
        await until(lambda: room.stands_midway, within_s=10)


async def test_a_camera_that_comes_back_moving_is_stopped_and_used_again(room: Room) -> None:
    async with started(*agent(room.config)) as process:
        await until(lambda: has_camera(process, "1"), within_s=10)
        room.simulated.unplug()
        await until(lambda: has_camera(process, "0"), within_s=10)
        room.push()
        room.simulated.plug_in()
        await until(lambda: room.stands_midway)
        await until(lambda: has_camera(process, "1"), within_s=10)
