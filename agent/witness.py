"""Pictures of what was on air for a session's report: when it had begun, and shortly before it ended.

Only of a session whose agency allowed recording. While it is live a picture is taken now and
then, and the last one is kept once the session ends; the others are forgotten.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from itertools import chain, repeat
from typing import Any, Protocol

from agent.clock import Clock
from agent.evidence import Evidence
from agent.programme import OnAir
from contract.evidence import Picture
from contract.messages import PlannedSession
from contract.words import EntryKind
from drivers.errors import DriverError

log = logging.getLogger(__name__)

WIDTH_PX = 640
FIRST_AFTER_S = 2.0
"""The preset of the start has switched the scene, and the picture stands."""
NEXT_AFTER_S = (3.0, 15.0)
EVERY_S = 60.0


class Scribe(Protocol):
    """What is wanted of whoever writes the journal."""

    def note_recording(self, plan: PlannedSession | None, kind: EntryKind, device: str, body: dict[str, Any]) -> None:
        """Write into the journal."""


class Desk(Protocol):
    """What is wanted of the engine."""

    @property
    def scribe(self) -> Scribe:
        """Who writes the journal."""

    def session_now(self) -> PlannedSession | None:
        """Return the session that what happens now belongs to."""

    def live_session(self) -> str | None:
        """Return the session that is live."""

    def subscribe(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call `changed` after every change."""


class Witness:
    """Takes a session's pictures from one switcher; `run` does the taking."""

    def __init__(self, device: str, switcher: OnAir, desk: Desk, evidence: Evidence, clock: Clock) -> None:
        self._device = device
        self._switcher = switcher
        self._desk = desk
        self._evidence = evidence
        self._clock = clock
        self._plan: PlannedSession | None = None
        self._last: tuple[bytes, str, datetime] | None = None
        self._begun = asyncio.Event()
        desk.subscribe(self._look)

    def _look(self) -> None:
        """See a session begin or end; its last picture is noted before the report is made."""
        live = self._desk.live_session()
        if self._plan is not None and live != self._plan.id:
            self._note("end")
            self._plan = None
            self._begun.clear()
        if self._plan is None and live is not None:
            plan = self._desk.session_now()
            if plan is not None and plan.id == live and plan.recording:
                self._plan, self._last = plan, None
                self._begun.set()

    async def run(self) -> None:
        """Take pictures while a session is live that allows it, until cancelled."""
        while True:
            await self._begun.wait()
            plan = self._plan
            await asyncio.sleep(FIRST_AFTER_S)
            if await self._take(plan):
                self._note("start")
            for wait_s in chain(NEXT_AFTER_S, repeat(EVERY_S)):
                await asyncio.sleep(wait_s)
                if self._plan is not plan:
                    break
                await self._take(plan)

    async def _take(self, plan: PlannedSession | None) -> bool:
        """Take one picture; a switcher that gives none is asked again later."""
        scene = self._switcher.on_air
        if scene is None or self._plan is not plan:
            return False
        try:
            jpeg = await self._switcher.snapshot(scene, width_px=WIDTH_PX)
        except DriverError as error:
            log.info("no picture for the report: %s", error, extra={"action": "evidence"})
            return False
        if not jpeg or self._plan is not plan:
            return False
        self._last = jpeg, scene, self._clock.now()
        return True

    def _note(self, moment: str) -> None:
        """Keep the newest picture and write down what it is."""
        if self._last is None or self._plan is None:
            return
        (jpeg, scene, at), self._last = self._last, None
        try:
            sha256 = self._evidence.keep(jpeg)
        except OSError as error:
            log.warning("no picture kept: %s", error, extra={"action": "evidence"})
            return
        if sha256 is not None:
            picture = Picture(
                at=at, moment=moment, device=self._device, scene=scene, sha256=sha256, size_bytes=len(jpeg)
            )
            self._desk.scribe.note_recording(
                self._plan, EntryKind.PICTURE, self._device, picture.model_dump(mode="json")
            )
