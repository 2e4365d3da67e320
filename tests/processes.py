"""Programs that tests start as processes of their own, and that do not outlive them."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

READY_WITHIN_S = 60.0
ENDED_WITHIN_S = 20.0

_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Have the kernel kill the process that calls this when its parent is gone, however that ended; Linux only.

    To be called between fork and exec: a test run that is killed leaves no agent and no broker behind.
    """
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Process:
    """A child process whose `ready` line was read."""

    def __init__(self, process: asyncio.subprocess.Process, address: str, reader: asyncio.Task[None]) -> None:
        self._process = process
        self.address = address
        self._reader = reader

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        return self._process.returncode is not None

    async def kill(self) -> None:
        """End it as a power cut would."""
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        await self._reader

    async def stop(self) -> int:
        """Ask it to end and return its exit code."""
        if self._process.returncode is None:
            self._process.terminate()
        return await self.ended()

    async def ended(self) -> int:
        """Return its exit code once it has ended."""
        async with asyncio.timeout(ENDED_WITHIN_S):
            return await self.ended_some_time()

    async def ended_some_time(self) -> int:
        """Return its exit code, however long it goes on."""
        code = await self._process.wait()
        await self._reader
        return code


async def start(*command: str) -> Process:
    """Start a program and return once it printed `ready ADDRESS`."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        preexec_fn=die_with_parent,
    )
    assert process.stdout is not None
    out = process.stdout
    try:
        async with asyncio.timeout(READY_WITHIN_S):
            address = await _ready(out, command)
    except BaseException:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        raise

    async def drain() -> None:
        while await out.readline():
            pass

    return Process(process, address, asyncio.create_task(drain(), name="drain"))


async def _ready(out: asyncio.StreamReader, command: tuple[str, ...]) -> str:
    """Return what stands behind `ready`."""
    while True:
        line = (await out.readline()).decode()
        assert line, f"{command} ended before it was ready"
        if line.startswith("ready "):
            return line.removeprefix("ready ").strip()


@asynccontextmanager
async def running(*command: str) -> AsyncIterator[Process]:
    """Run a program meanwhile, and ask it to end."""
    process = await start(*command)
    try:
        yield process
    finally:
        await process.stop()


@asynccontextmanager
async def started(*command: str) -> AsyncIterator[Process]:
    """Run a program meanwhile, whatever the test does to it, and kill it."""
    process = await start(*command)
    try:
        yield process
    finally:
        await process.kill()
