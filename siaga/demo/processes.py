"""Processes of the demo: started, awaited, ended, by pid and nothing else."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

READY_WITHIN_S = 30.0
STOP_WITHIN_S = 8.0
TAIL_LINES = 15


class DemoFailure(Exception):
    """A step of the demo did not truly happen; says what was wanted and what was found."""


class Child:
    """One process; its stdout is read for `ready ...`, its stderr goes to a log file."""

    def __init__(self, name: str, words: Sequence[str], log: Path, env: Mapping[str, str] | None = None) -> None:
        self.name = name
        self._words = [sys.executable, "-m", *words]
        self._log = log
        self._env = {**os.environ, **(env or {}), "PYTHONUNBUFFERED": "1"}
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int:
        """The process id.

        Raises:
            DemoFailure: it was never started.
        """
        if self._process is None:
            raise DemoFailure(f"{self.name} was not started")
        return self._process.pid

    async def start(self) -> str:
        """Start it and return what stands behind `ready` once it says so.

        Raises:
            DemoFailure: it ended or stayed silent; the end of its log is in the message.
        """
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._words,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=self._env,
                start_new_session=True,  # Ctrl-C at the terminal is ours to pass on, in order
            )
        try:
            async with asyncio.timeout(READY_WITHIN_S):
                address = await self._ready()
        except TimeoutError as error:
            raise DemoFailure(f"{self.name} was not ready within {READY_WITHIN_S:g} s\n{self.tail()}") from error
        self._reader = asyncio.create_task(self._drain(), name=f"stdout of {self.name}")
        return address

    async def _ready(self) -> str:
        """Return what stands behind `ready`.

        Raises:
            DemoFailure: its output ended first.
        """
        output = self._output()
        while line := await output.readline():
            text = line.decode(errors="replace").strip()
            if text.startswith("ready"):
                return text.removeprefix("ready").strip()
        raise DemoFailure(f"{self.name} ended before it was ready\n{self.tail()}")

    def _output(self) -> asyncio.StreamReader:
        """Return its stdout.

        Raises:
            DemoFailure: it was never started.
        """
        if self._process is None or self._process.stdout is None:
            raise DemoFailure(f"{self.name} was not started")
        return self._process.stdout

    async def _drain(self) -> None:
        """Keep its stdout empty, so that it never waits for us."""
        output = self._output()
        while await output.read(4096):
            pass

    def tail(self) -> str:
        """Return the end of its log."""
        lines = self._log.read_text(errors="replace").splitlines() if self._log.exists() else []
        return "\n".join(f"    {line}" for line in lines[-TAIL_LINES:])

    @property
    def running(self) -> bool:
        """Whether it is still there."""
        return self._process is not None and self._process.returncode is None

    async def kill(self) -> None:
        """End it as a power cut would: SIGKILL."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """End it with SIGTERM, and with SIGKILL when it will not."""
        await self._end(signal.SIGTERM)

    async def _end(self, how: signal.Signals) -> None:
        process = self._process
        if process is not None and process.returncode is None:
            process.send_signal(how)
            try:
                async with asyncio.timeout(STOP_WITHIN_S):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
        if self._reader is not None:
            await self._reader
            self._reader = None


class Children:
    """All processes of a demo; they end in reverse order of their start."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._stack = AsyncExitStack()
        logs.mkdir(parents=True, exist_ok=True)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def start(self, name: str, *words: str, env: Mapping[str, str] | None = None) -> tuple[Child, str]:
        """Start `python -m WORDS` as `name`; return it and what it said behind `ready`."""
        child = Child(name, words, self._logs / f"{name}.log", env)
        self._stack.push_async_callback(child.stop)
        return child, await child.start()
