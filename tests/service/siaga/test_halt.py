"""`siaga halt` stops the cameras of a room file, whoever moved them and whatever else the file says."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from drivers.visca.sim import SimulatedCamera, serve
from tests.until import until


@pytest.fixture
async def simulated() -> AsyncIterator[SimulatedCamera]:
    async with serve() as running:
        yield running


async def halt(config: Path) -> tuple[int | None, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "siaga", "halt", "--config", str(config)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(20):
        out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


async def test_every_camera_of_a_room_is_stopped_and_nothing_else_touched(
    simulated: SimulatedCamera, tmp_path: Path
) -> None:
    room = tmp_path / "room.yaml"
    async with serve() as other:
        room.write_text(
            f"devices:\n  camera-1: {{at: '{simulated.address}'}}\n  obs: {{at: 'obs+ws://127.0.0.1:9'}}\n"
            f"  camera-2: {{at: '{other.address}?bounded=on&profile=generic'}}\n"
        )
        for camera in (simulated, other):
            camera.camera.pan.go(8000, 500)
        code, out, err = await halt(room)
        assert (code, err) == (0, "")
        assert [line.split(":")[0] for line in out.splitlines()] == ["camera-1", "camera-2"]
        assert all(line.endswith(": stopped") for line in out.splitlines())
        await until(lambda: not simulated.moving and not other.moving)


async def test_mistakes_elsewhere_in_the_file_leave_no_camera_moving(
    simulated: SimulatedCamera, tmp_path: Path
) -> None:
    room = tmp_path / "room.yaml"
    room.write_text(
        f"room: 7\nno_such_key: x\ndevices:\n  odd: 3\n  odder: {{at: nowhere}}\n"
        f"  camera-1: {{at: '{simulated.address}', wrong: true}}\n"
    )
    simulated.camera.pan.go(8000, 500)
    code, out, _ = await halt(room)
    assert (code, out) == (0, f"camera-1: {simulated.address}: stopped\n")
    await until(lambda: not simulated.moving)


async def test_a_camera_that_is_away_is_said_so(simulated: SimulatedCamera, tmp_path: Path) -> None:
    room = tmp_path / "room.yaml"
    room.write_text(
        "devices:\n  camera-1: {at: 'visca+serial:///dev/siaga-no-such-port'}\n"
        f"  camera-2: {{at: '{simulated.address}'}}\n"
    )
    code, out, _ = await halt(room)
    assert code == 1
    assert "camera-1: visca+serial:///dev/siaga-no-such-port: not stopped: " in out
    assert "camera-2: " in out


@pytest.mark.parametrize("text", [None, "room: x\n", "devices: [\n", "devices: 3\n"])
async def test_a_file_without_devices_is_wrong_usage(tmp_path: Path, text: str | None) -> None:
    room = tmp_path / "room.yaml"
    if text is not None:
        room.write_text(text)
    code, out, err = await halt(room)
    assert (code, out) == (2, "")
    assert err.startswith(f"{room}:")
