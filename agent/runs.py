"""The runs of one room: which of them go, and how each preset's last one is."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import datetime
from typing import Any

from pydantic import JsonValue

from agent.orders import Run
from agent.runner import Runner


class Runs:
    """What the runner is carrying out, by run, and the last run of each preset."""

    def __init__(self, runner: Runner) -> None:
        self.latest: dict[str, Run] = {}
        """The last run of each preset."""
        self.last: Run | None = None
        """The last preset that was run; an earlier one is no longer what the room is."""
        self._runner = runner
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def begin(self, run: Run, group: asyncio.TaskGroup, work: Coroutine[Any, Any, None], at: datetime) -> None:
        """Announce `run` in the journal and let its work go on in `group`."""
        run.at = at
        self.latest[run.order.preset.name] = run
        if run.order.alone:
            self.last = run
        self._runner.announce(run)
        task = group.create_task(work, name=f"run {run.order.preset.name}")
        self._tasks[run.order.id] = task
        task.add_done_callback(lambda done: self._let_go(run, done))

    def _let_go(self, run: Run, task: asyncio.Task[None]) -> None:
        """Forget a task; one that was cancelled before its first step could not say so itself."""
        self._tasks.pop(run.order.id, None)
        if task.cancelled() and not run.is_over:
            self._runner.close_unbegun(run)

    def find(self, run: str | None) -> Run | None:
        """Return a run that is the last of its preset."""
        return next((found for found in self.latest.values() if found.order.id == run), None)

    def cut_short(self, run: str) -> None:
        """Cancel a run without taking anything back."""
        if run not in self._tasks:
            return
        if (found := self.find(run)) is not None:
            found.undo_when_cancelled = False
        self._tasks[run].cancel()

    def cancel(self, run: str | None, who: str | None = None) -> int:
        """Cancel one run, or all but what mutes everything, on the word of `who`, or of nobody; returns how many."""
        wanted = {
            name: task
            for name, task in self._tasks.items()
            if name == run or (run is None and not self._silences(name))
        }
        for name, task in wanted.items():
            if (found := self.find(name)) is not None:
                found.cancelled_by = who
            task.cancel()
        return len(wanted)

    def _silences(self, run: str) -> bool:
        return (found := self.find(run)) is not None and found.order.silences

    async def wait_for(self, run: Run) -> None:
        """Return when `run` is over."""
        task = self._tasks.get(run.order.id)
        if task is not None:
            await asyncio.wait({task})

    async def settle(self, within_s: float) -> None:
        """Return when no run goes any more, or after `within_s`."""
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=within_s)

    def standing(self) -> dict[str, JsonValue]:
        """Return which preset the room was last brought to, and whether it is there."""
        if self.last is None:
            return {"preset": None, "reached": None}
        return {"preset": self.last.order.preset.name, "reached": self.last.is_good}
