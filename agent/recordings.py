"""What was recorded: named after its session, noted when it is closed, examined, and noted again."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

from agent.translate import measured_of
from contract.messages import PlannedSession
from contract.words import EntryKind
from drivers.obs.recording import Examined, Recording, examine
from drivers.obs.splitting import files_of
from drivers.outcomes import Verdict
from drivers.ports import Device, NamesRecordings

log = logging.getLogger(__name__)


class Scribe(Protocol):
    """What is wanted of whoever writes the journal."""

    def note_recording(self, plan: PlannedSession | None, kind: EntryKind, device: str, body: dict[str, Any]) -> None:
        """Write into the journal."""

    def session_now(self) -> PlannedSession | None:
        """Return the session that what happens now belongs to."""


class Crew(Protocol):
    """What is wanted of whoever does work beside the plan."""

    def spawn_work(self, work: Coroutine[Any, Any, None], name: str) -> bool:
        """Have work done; false when nothing is done any more."""


class Recordings:
    """The recordings of one room's switchers."""

    def __init__(self, devices: Mapping[str, Device], scribe: Scribe, crew: Crew) -> None:
        self._scribe = scribe
        self._crew = crew
        self._switchers = {name: device for name, device in devices.items() if isinstance(device, NamesRecordings)}
        self._examining: dict[str, int] = {}
        """By session, how many files are looked into."""
        for name, switcher in self._switchers.items():
            switcher.on_recorded = partial(self._closed, name)

    def belong_to(self, plan: PlannedSession | None) -> None:
        """Have what is recorded from now on named after a session."""
        for switcher in self._switchers.values():
            switcher.record_as = "" if plan is None else plan.title

    def are_examined(self, session: str) -> bool:
        """Whether no file of a session is being looked into any more."""
        return not self._examining.get(session)

    def _closed(self, device: str, path: str, lasted_s: float | None) -> None:
        """Note a recording that came to rest, and look into it."""
        plan, closed = self._scribe.session_now(), Recording(path, lasted_s)
        self._scribe.note_recording(plan, EntryKind.RECORDED, device, _closed(closed))
        session = "" if plan is None else plan.id
        work = self._look_into(device, plan, closed, time.time())
        self._examining[session] = self._examining.get(session, 0) + 1
        if not self._crew.spawn_work(work, f"examine recording of {device}"):
            self._examining[session] -= 1

    async def _look_into(self, device: str, plan: PlannedSession | None, closed: Recording, at: float) -> None:
        """Look into every file of a recording that was closed at `at`, in seconds of the files' clock."""
        local, before_s = self._switchers[device].is_local, 0.0
        try:
            files = await asyncio.to_thread(files_of, closed, at) if local and closed.path else (closed,)
            for file in files:
                if file.path != closed.path:
                    self._scribe.note_recording(plan, EntryKind.RECORDED, device, _closed(file))
            for file in files:
                found = await examine(replace(file, before_s=before_s), local=local)
                before_s += found.length_s or 0.0
                self._scribe.note_recording(plan, EntryKind.RECORDING_CHECKED, device, _told(file, found))
        except OSError as error:  # the disk went away, or no process could be started
            log.warning("recording not examined: %s", error, extra={"action": "examine", "device": device})
        finally:
            self._examining["" if plan is None else plan.id] -= 1


def _closed(file: Recording) -> dict[str, Any]:
    """Return what is noted of a file before anybody looked into it."""
    lasted = None if file.lasted_s is None or file.parts > 1 else round(file.lasted_s, 1)
    return {"path": file.path, "lasted_s": lasted, **({"part": file.part} if file.parts > 1 else {})}


def _told(closed: Recording, found: Examined) -> dict[str, Any]:
    return {
        **_closed(closed),
        "length_s": found.length_s,
        "size_bytes": found.size_bytes,
        "sha256": found.sha256,
        "verdict": Verdict(found.verdict).value,
        "measures": [one.model_dump(mode="json") for one in measured_of(found.measures)],
    }
