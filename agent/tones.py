"""Everything that sounds because somebody asked for it: a sound check, and the calibration of the room.

Each goes the same way: see whether it may be (`agent.etiquette`, and no session anywhere
near), announce it on every tablet, play, tell what was measured. A calibration ends with a
question to a person, and only somebody who says *yes, I heard it* makes it the room's
baseline. Whatever forbids it meanwhile cuts it off, and so does a touch.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from agent.baselines import Baselines
from agent.clock import Clock
from agent.declined import Declined
from agent.engine import Engine
from agent.etiquette import on_air
from agent.tone import GOING, Answer, HeldBaseline, Stage, Task, Tone
from agent.translate import fault_of, measured_of
from drivers.errors import DriverError
from drivers.outcomes import Reason
from drivers.ports import Baseline, Calibrates, Sound

log = logging.getLogger(__name__)

ANNOUNCED_FOR_S = 5.0
WATCH_EVERY_S = 1.0
SOUNDS_WITHIN_S = 45.0
"""A look, a wait for people to pause, and three tones with three tries each."""
SILENT_WITHIN_S = 2.0
ANSWER_WITHIN_S = 180.0
CLEAR_BEFORE = timedelta(minutes=10)
"""So long before a preparation nothing is begun any more."""

CALIBRATED = "sound.calibrated"
"""A journal kind of the agent alone: how a calibration ended, what was measured, who heard it."""
CHECKED = "sound.checked"
"""The same of a sound check."""


class Tones:
    """Checks and calibrates one sound device, one at a time; `run` does the work."""

    def __init__(self, engine: Engine, sound: Sound, baselines: Baselines, clock: Clock) -> None:
        self._engine = engine
        self._sound = sound
        self._baselines = baselines
        self._clock = clock
        self.now = Tone()
        self.checked: Tone | None = None
        """The last check that was carried out."""
        self._begun = asyncio.Event()
        self._work: asyncio.Task[None] | None = None
        self._answer: asyncio.Future[tuple[Answer, str]] | None = None
        self._why_cut: Reason | None = None
        engine.subscribe(self._look)

    @property
    def can_calibrate(self) -> bool:
        """Whether the sound can be calibrated at all."""
        return isinstance(self._sound, Calibrates)

    @property
    def held(self) -> HeldBaseline | None:
        """The room's baseline."""
        return self._baselines.held

    # Hands.

    def begin(self, task: Task, *, who: str) -> None:
        """Begin a check or a calibration.

        Raises:
            Declined: one is going, or a session is too near.
        """
        if self.now.stage in GOING:
            raise Declined("sound.tone_going", f"{self.now.task} is going, begun by {self.now.who}")
        if task is Task.CALIBRATION and not self.can_calibrate:
            raise Declined("sound.no_calibration", "this sound cannot be calibrated")
        if (reason := self._session_near()) is not None:
            raise Declined(reason.code, reason.detail, reason.values)
        self._why_cut = None
        self._become(Tone(task, Stage.LOOKING, who, former=self._baselines.held))
        self._begun.set()

    def answer(self, heard: Answer, *, who: str) -> None:
        """Take what a person says of the tones.

        Raises:
            Declined: nobody is asked.
        """
        if self._answer is None or self._answer.done():
            raise Declined("sound.nothing_asked", "no calibration waits for an answer")
        self._answer.set_result((heard, who))

    def cancel(self, *, who: str) -> None:
        """Cut off what is going, at once.

        Raises:
            Declined: nothing is.
        """
        if self.now.stage not in GOING:
            raise Declined("sound.nothing_going", "no tone is going")
        self._cut(Reason("sound.tone_cancelled", f"cancelled by {who}", {"who": who}))

    def _cut(self, why: Reason) -> None:
        """Call the work off, once: what it does then in order to be silent must not be called off too."""
        if self._why_cut is not None:
            return
        self._why_cut = why
        if self._work is not None:
            self._work.cancel()

    def _look(self) -> None:
        """Cut off what sounds when a session takes the room."""
        going = self.now.stage in GOING - {Stage.ASKING}
        if going and self._why_cut is None and (reason := self._session_near(at_all=True)) is not None:
            self._cut(reason)

    def _session_near(self, *, at_all: bool = False) -> Reason | None:
        """Return which session has the room; without `at_all` also which one takes it soon."""
        if (has_room := self._engine.session_now()) is not None:
            return Reason("sound.session_has_room", f"{has_room.title} has the room", {"title": has_room.title})
        plan = self._engine.front()
        if plan is not None and not at_all and self._clock.now() > plan.prepare_at - CLEAR_BEFORE:
            return Reason("sound.session_near", f"{plan.title} is prepared soon", {"title": plan.title})
        return None

    # Work.

    async def run(self) -> None:
        """Carry out what is begun, until cancelled."""
        while True:
            await self._begun.wait()
            self._begun.clear()
            self._work = asyncio.create_task(self._carry_out(), name=f"sound {self.now.task}")
            try:
                if self._why_cut is not None:  # cut off before it began
                    self._work.cancel()
                await asyncio.wait({self._work})
            finally:
                await self._silence(self._work)
            if self._work.cancelled():
                self._end(Stage.CANCELLED, self._why_cut)
            else:
                self._work.result()

    @staticmethod
    async def _silence(work: asyncio.Task[None]) -> None:
        """Let nothing sound on after the agent."""
        work.cancel()
        await asyncio.wait({work}, timeout=SILENT_WITHIN_S)

    async def _carry_out(self) -> None:
        try:
            if (reason := await on_air(self._engine.equipment.devices)) is not None:
                self._end(Stage.REFUSED, reason)
                return
            async with self._watched():
                self._step(Stage.ANNOUNCED, ANNOUNCED_FOR_S)
                await asyncio.sleep(ANNOUNCED_FOR_S)
                self._step(Stage.SOUNDING)
                async with asyncio.timeout(SOUNDS_WITHIN_S):
                    await self._sound_it()
        except DriverError as error:
            self._end(Stage.REFUSED, error.reason)
            return
        except TimeoutError:
            detail = f"wanted it measured within {SOUNDS_WITHIN_S:g} s, found it still going"
            self._end(Stage.REFUSED, Reason("sound.no_answer", detail))
            return
        if self.now.task is Task.CHECK:
            self._end(Stage.DONE)
        else:
            await self._ask()

    async def _sound_it(self) -> None:
        """Play and measure.

        Raises:
            DriverError: it could not be.
        """
        if self.now.task is Task.CHECK:
            self.now = replace(self.now, measures=await self._sound.prove(loop=True))
        elif isinstance(self._sound, Calibrates):
            self.now = replace(self.now, measured=await self._sound.calibrate())

    @contextlib.asynccontextmanager
    async def _watched(self) -> AsyncIterator[None]:
        """Cut the work off when something begins to be recorded or streamed meanwhile."""
        watcher = asyncio.create_task(self._watch(), name="sound etiquette")
        try:
            yield
        finally:
            watcher.cancel()
            await asyncio.wait({watcher})

    async def _watch(self) -> None:
        while True:
            if (reason := await on_air(self._engine.equipment.devices)) is not None:
                self._cut(reason)
                return
            await asyncio.sleep(WATCH_EVERY_S)

    async def _ask(self) -> None:
        """Ask a person; only a yes makes it the room's baseline."""
        self._answer = asyncio.get_running_loop().create_future()
        self._step(Stage.ASKING, ANSWER_WITHIN_S)
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                heard, who = await self._answer
        except TimeoutError:
            self._end(Stage.NOT_HEARD, Reason("sound.nobody_answered", "nobody said whether the tones were heard"))
            return
        finally:
            self._answer = None
        if heard is Answer.YES and self.now.measured is not None:
            self._keep(self.now.measured, who)
        else:
            code = "sound.person_unsure" if heard is Answer.UNSURE else "sound.person_heard_nothing"
            self._end(Stage.NOT_HEARD, Reason(code, f"{who} said: {heard}"), heard, who)

    def _keep(self, baseline: Baseline, who: str) -> None:
        self._baselines.keep(HeldBaseline(baseline, self._clock.now(), who))
        if isinstance(self._sound, Calibrates):
            self._sound.baseline = baseline
        self._end(Stage.DONE, None, Answer.YES, who)

    # Telling.

    def _step(self, stage: Stage, lasts_s: float | None = None) -> None:
        until = None if lasts_s is None else self._clock.now() + timedelta(seconds=lasts_s)
        self._become(replace(self.now, stage=stage, until=until))

    def _become(self, tone: Tone) -> None:
        self.now = replace(tone, at=self._clock.now())
        self._engine.changed()

    def _end(
        self, stage: Stage, reason: Reason | None = None, heard: Answer | None = None, answered_by: str = ""
    ) -> None:
        """Write down how it ended, then show it."""
        ended = replace(self.now, stage=stage, until=None, reason=reason)
        self._note(ended, heard, answered_by)
        if ended.task is Task.CHECK and stage is Stage.DONE:
            self.checked = replace(ended, at=self._clock.now())
        self._become(ended)

    def _note(self, tone: Tone, heard: Answer | None, answered_by: str) -> None:
        body: dict[str, Any] = {
            "reason": None if tone.reason is None else fault_of(tone.reason).model_dump(mode="json")
        }
        if tone.task is Task.CHECK:
            body["measures"] = [measured.model_dump(mode="json") for measured in measured_of(tone.measures)]
        else:
            body["measured"] = None if tone.measured is None else tone.measured.to_json()
            body["former"] = None if tone.former is None else tone.former.baseline.to_json()
            body |= {"heard": heard, "answered_by": answered_by}
        kind = CHECKED if tone.task is Task.CHECK else CALIBRATED
        self._engine.journal.append(
            kind, cause="tablet", who=tone.who, device=self._sound.name, outcome=tone.stage, body=body
        )
        log.info("tone ended", extra={"action": str(tone.task), "device": self._sound.name, "stage": str(tone.stage)})
