"""How a sound worker is reached: as a child process, or over TCP where a room model serves."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys

from drivers.audio.lines import MAX_LINE_BYTES
from drivers.errors import DeviceUnreachable
from drivers.outcomes import Reason
from drivers.streams import CONNECT_WITHIN_S, broken

_SMALL = {"MALLOC_ARENA_MAX": "1", "OPENBLAS_NUM_THREADS": "1"}
"""One heap for all threads, and no threads for matrices that we do not have: 4 MiB and a thread less."""
WORKER = "drivers.audio.worker"
GONE_WITHIN_S = 2.0


class ChildWire:
    """A worker in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    @classmethod
    async def dial(cls, *arguments: str) -> ChildWire:
        """Start a worker.

        Raises:
            DeviceUnreachable: the machine starts no process.
        """
        command = (sys.executable, "-m", WORKER, *arguments)
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=MAX_LINE_BYTES,
                env={**os.environ, **_SMALL},
            )
        except OSError as error:
            detail = f"sound worker: wanted a process, found {error.strerror}"
            raise DeviceUnreachable(Reason("sound.worker_lost", detail)) from error
        return cls(process)

    async def read(self) -> bytes:
        """Return the next line, empty when the worker has ended."""
        return await self.process.stdout.readline() if self.process.stdout else b""

    async def write(self, line: bytes) -> None:
        """Send a line; one to a dead worker is lost, which its end says already."""
        if self.process.stdin is None:
            return
        with contextlib.suppress(OSError):
            self.process.stdin.write(line)
            await self.process.stdin.drain()

    def cut(self) -> None:
        """Kill the worker."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()

    async def kill(self) -> None:
        """Kill the worker and wait until it is gone: a hung PortAudio ends no other way."""
        self.cut()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GONE_WITHIN_S):
                await self.process.communicate()  # also closes both pipes


class TcpWire:
    """A worker somewhere else."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def dial(cls, host: str, port: int) -> TcpWire:
        """Connect.

        Raises:
            DeviceUnreachable: no connection in time.
        """
        try:
            async with asyncio.timeout(CONNECT_WITHIN_S):
                return cls(*await asyncio.open_connection(host, port, limit=MAX_LINE_BYTES))
        except OSError as error:
            raise DeviceUnreachable(broken(f"tcp {host}:{port}", error)) from error

    async def read(self) -> bytes:
        """Return the next line, empty when the other side has closed."""
        return await self._reader.readline()

    async def write(self, line: bytes) -> None:
        """Send a line; one to a closed link is lost, which its end says already."""
        with contextlib.suppress(OSError):
            self._writer.write(line)
            await self._writer.drain()

    def cut(self) -> None:
        """Drop the link without waiting for the other side."""
        self._writer.transport.abort()

    async def kill(self) -> None:
        """Drop the link."""
        self.cut()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(GONE_WITHIN_S):
                await self._writer.wait_closed()
