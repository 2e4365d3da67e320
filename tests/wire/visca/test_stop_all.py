"""Cameras whose agent is gone are stopped by a program that needs nothing of it."""

from __future__ import annotations

import asyncio
import socket
import sys
import time

import pytest

from drivers.visca.sim import SimulatedCamera, serve
from tests.until import until


async def stop_all(*addresses: str) -> tuple[int | None, list[str]]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "drivers.visca", *addresses),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(20):
        said, _ = await process.communicate()
    return process.returncode, said.decode().splitlines()


async def test_moving_cameras_are_stopped(simulated: SimulatedCamera) -> None:
    async with serve() as other:
        for camera in (simulated, other):
            camera.camera.pan.go(8000, 500)
        code, lines = await stop_all("stop-all", simulated.address, other.address)
        assert (code, lines) == (0, [f"{simulated.address}: stopped", f"{other.address}: stopped"])
        await until(lambda: not simulated.moving and not other.moving)


async def test_silent_camera_is_told_and_does_not_hold_up_the_others(simulated: SimulatedCamera) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        address = f"visca+udp://127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        code, lines = await stop_all("stop-all", address, simulated.address)
        assert time.monotonic() - began < 15
    assert code == 1
    assert lines[0] == f"{address}: not known to have stopped, it does not answer: look at the camera"
    assert lines[1] == f"{simulated.address}: stopped"


@pytest.mark.parametrize("words", [[], ["stop-all"], ["go"], ["stop-all", "nowhere"]])
async def test_nonsense_is_wrong_usage(words: list[str]) -> None:
    code, lines = await stop_all(*words)
    assert code == 2
    assert len(lines) == 1


async def test_missing_serial_device_is_one_line() -> None:
    code, lines = await stop_all("stop-all", "visca+serial:///dev/siaga-no-such-port")
    assert code == 1
    assert len(lines) == 1
    assert "not stopped" in lines[0]
