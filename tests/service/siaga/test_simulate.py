"""`siaga simulate`: simulated devices for people."""

from __future__ import annotations

import asyncio
import sys

import pytest

from siaga.simulate import SIMULATORS


async def simulate(*words: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "siaga", "simulate", *words),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


@pytest.mark.parametrize("kind", sorted(SIMULATORS))
async def test_help_says_what_there_is(kind: str) -> None:
    process = await simulate(kind, "--help")
    async with asyncio.timeout(20):
        said, _ = await process.communicate()
    assert process.returncode == 0
    assert b"--listen" in said
    assert b"--fault" in said


@pytest.mark.parametrize(
    ("words", "ready"),
    [
        (["camera", "--listen", "127.0.0.1:0", "--model", "fr7"], ["visca+udp://127.0.0.1:"]),
        (["camera", "--carrier", "tcp"], ["visca+tcp://127.0.0.1:"]),
        (["camera", "--listen", "pty", "--chain", "2"], ["visca+serial:///dev/", "visca+serial:///dev/"]),
        (["mixer", "--listen", "127.0.0.1:0", "--fault", "slow=20"], ["x32+udp://127.0.0.1:"]),
        (["mixer", "--model", "shure"], ["shure+tcp://127.0.0.1:"]),
        (["mixer", "--model", "qsys"], ["qsys+tcp://127.0.0.1:"]),
        (["mixer", "--model", "tesira"], ["tesira+tcp://127.0.0.1:"]),
        (["sound", "--fault", "noise=-50"], ["audio+model://127.0.0.1:"]),
    ],
)
async def test_it_says_where_it_is_until_it_is_told_to_end(words: list[str], ready: list[str]) -> None:
    process = await simulate(*words)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(20):
            for begins in ready:
                line = (await process.stdout.readline()).decode()
                assert line.startswith(f"ready {begins}")
            process.terminate()
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_unknown_fault_is_wrong_usage() -> None:
    process = await simulate("camera", "--fault", "gremlins=1")
    async with asyncio.timeout(20):
        said, _ = await process.communicate()
    assert process.returncode == 2
    assert b"gremlins" in said
