"""Directs a drill: breaks and mends what the script says when its moment comes, and watches what room and people do."""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

from agent.course import CLOCK_DISTURBED
from agent.declined import Declined
from agent.engine import Engine
from agent.exchange import Exchange
from agent.storekeeper import NAME as DISK
from contract.messages import Entry
from contract.words import EntryKind, Phase
from siaga.drill.clock import DrillClock
from siaga.drill.office import Office
from siaga.drill.score import Course, Score
from siaga.drill.script import FaultSettings, Script
from siaga.drill.stage import Stage

MENDED_WITHIN_S: Final = 30.0
"""How long after its repair a fault is still watched."""
PEOPLE: Final = "tablet"


Signs = Mapping[str, object]
"""What the room takes a thing for: its condition, and the verdict of each measure."""


def _other(before: Signs, now: Signs) -> frozenset[str]:
    """Return what differs; a device whose condition is another differs in that alone: the rest follows from it."""
    if before.get("condition") != now.get("condition"):
        return frozenset({"condition"})
    return frozenset(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))


class Director:
    """One drill while it runs; times are seconds since `begin`."""

    def __init__(self, script: Script, stage: Stage, clock: DrillClock, office: Office | None) -> None:
        self.score = Score(script, datetime.now(UTC), [Course(fault) for fault in script.faults])
        self.over = asyncio.Event()
        """Set when the drill has reached its end."""
        self._script = script
        self._stage = stage
        self._clock = clock
        self._office = office
        self._engine: Engine | None = None
        self._exchange: Exchange | None = None
        self._began_s = time.monotonic()
        self._phases: dict[Phase, asyncio.Event] = {phase: asyncio.Event() for phase in Phase}
        self._session = ""

    @property
    def _now_s(self) -> float:
        return time.monotonic() - self._began_s

    def begin(self, engine: Engine, exchange: Exchange, session: str) -> None:
        """Watch a room from now on."""
        self._engine, self._exchange, self._session = engine, exchange, session
        self._began_s = time.monotonic()
        engine.journal.subscribe(self._see)

    async def run(self) -> None:
        """Let everything happen, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for course in self.score.courses:
                group.create_task(self._play(course), name=f"drill: {course.fault.told}")
            if self._script.ends is not None:
                await asyncio.sleep(max(0.0, self._script.ends.total_seconds() - self._now_s))
                self.over.set()

    def _see(self, entry: Entry) -> None:
        if entry.cause == PEOPLE:
            self._see_person()
        if entry.kind == CLOCK_DISTURBED:
            for course in self._open("clock"):
                course.noticed_s = course.noticed_s or self._now_s
        if entry.session != self._session or entry.kind != EntryKind.PHASE_CHANGED:
            return
        phase = Phase(str(entry.body["phase"]))
        self.score.phases.setdefault(phase, self._now_s)
        self._phases[phase].set()
        if phase in {Phase.REPORTED, Phase.MISSED, Phase.CANCELLED}:
            self.score.reported = phase is Phase.REPORTED
            if self._script.ends is None and phase is Phase.REPORTED:
                self.over.set()

    def _see_person(self) -> None:
        self.score.presses += 1
        for course in self.score.courses:
            if course.broke_s is not None and course.person_s is None:
                course.person_s = self._now_s

    def _open(self, kind: str) -> list[Course]:
        return [c for c in self.score.courses if c.fault.do == kind and c.broke_s is not None and c.mended_s is None]

    # One fault.

    async def _play(self, course: Course) -> None:
        fault = course.fault
        await self._its_moment(fault)
        before = self._signs(fault)
        course.broke_s = self._now_s
        await self._break(fault)
        repaired = asyncio.Event()
        watching = asyncio.create_task(self._watch(course, before, repaired), name=f"watch {fault.told}")
        try:
            if fault.lasts is not None:
                await asyncio.sleep(fault.lasts.total_seconds())
                await self._mend(fault)
                course.repaired_s = self._now_s
                repaired.set()
                async with asyncio.timeout(MENDED_WITHIN_S):
                    await watching
            else:
                await watching
        except TimeoutError:
            pass  # never found good again: the score says so
        finally:
            watching.cancel()

    async def _its_moment(self, fault: FaultSettings) -> None:
        if fault.on is not None:
            await self._phases[fault.on].wait()
            await asyncio.sleep(fault.after.total_seconds())
        elif fault.at is not None:
            await asyncio.sleep(max(0.0, fault.at.total_seconds() - self._now_s))

    async def _watch(self, course: Course, before: Signs, repaired: asyncio.Event) -> None:
        """Note when the room sees another thing than before, and when what was other is as it was."""
        if course.fault.do in {"clock", "press"}:
            await asyncio.Event().wait()  # the journal tells
        await self._until(lambda: self._signs(course.fault) != before)
        other = _other(before, self._signs(course.fault))
        course.noticed_s = self._now_s
        await repaired.wait()
        await self._until(lambda: not other & _other(before, self._signs(course.fault)))
        course.mended_s = self._now_s

    async def _until(self, condition: Callable[[], bool]) -> None:
        """Wait for something that the room tells of when it changes."""
        if self._engine is None:
            return
        changed = asyncio.Event()
        unsubscribe = self._engine.subscribe(changed.set)
        try:
            while not condition():
                changed.clear()
                await changed.wait()
        finally:
            unsubscribe()

    def _signs(self, fault: FaultSettings) -> Signs:
        """Return what the room takes the broken thing for."""
        if self._engine is None or self._exchange is None:
            return {}
        if fault.do == "network":
            return {"condition": self._exchange.is_up}
        seen = self._engine.equipment.board.devices.get(DISK if fault.do == "disk" else fault.device or "")
        if seen is None or seen.health is None:
            return {}
        return {"condition": seen.condition, **{m.name: m.verdict for m in seen.health.measures}}

    async def _break(self, fault: FaultSettings) -> None:
        actor = self._stage.actors.get(fault.device or "")
        if fault.do == "unplug" and actor is not None:
            await actor.unplug()
        elif fault.do == "fault" and actor is not None:
            actor.fault(fault.name, fault.value)
        elif fault.do == "network" and self._office is not None:
            await self._office.close()
        elif fault.do == "disk":
            _let_write(False)
        elif fault.do == "clock" and fault.by is not None:
            self._clock.set_by += -fault.by if fault.back else fault.by
        elif fault.do == "press":
            self._press(fault.preset or "")

    async def _mend(self, fault: FaultSettings) -> None:
        actor = self._stage.actors.get(fault.device or "")
        if fault.do == "unplug" and actor is not None:
            await actor.plug_in()
        elif fault.do == "fault" and actor is not None:
            actor.fault(fault.name, fault.ok)
        elif fault.do == "network" and self._office is not None:
            await self._office.open()
        elif fault.do == "disk":
            _let_write(True)
        elif fault.do == "clock" and fault.by is not None:
            self._clock.set_by -= -fault.by if fault.back else fault.by

    def _press(self, preset: str) -> None:
        """Press a button as somebody would who should not."""
        if self._engine is not None:
            try:
                self._engine.presses.press(preset, cause="drill", who="drill")
            except Declined:
                return  # a room that refuses is an answer too


def _let_write(allowed: bool) -> None:
    """Have this process write to files, or have every write fail: what a disk that takes nothing more looks like."""
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most if allowed else 0, most))


def let_write_again() -> None:
    """Undo a disk fault, whatever ended the drill."""
    _let_write(True)
