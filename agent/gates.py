"""Whether a step is carried out at all, asked just before it would be.

It is not when the session may not be recorded, when the next session needs what it would
switch off, when everything was muted after its run began, when its phase begins too late
for it, or when its guard says no.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta

from agent.guards import Answer, Guard, ask, why_not
from agent.orders import Run, StepEnd
from agent.presets import Step
from agent.resume import step_key
from agent.translate import fault_of
from contract.messages import Fault
from contract.words import StepOutcome
from drivers.outcomes import Reason
from drivers.ports import Device


class Gates:
    """What stands between the steps and the devices of one room."""

    def __init__(self, devices: Mapping[str, Device]) -> None:
        self._devices = devices
        self._silences = 0

    def pass_by(self, run: Run) -> None:
        """Take note that `run` begins: one that mutes everything closes the others' ways to open something."""
        self._silences += run.order.silences
        run.silences = self._silences

    async def unwanted(self, run: Run, step: Step) -> StepEnd | None:
        """Return how a step ends that is not to be carried out; none: it is."""
        order = run.order
        if not order.may_record and step.verb.records(step.arguments):
            fault = Fault(code="recording.not_permitted", detail="the session may not be recorded")
            return StepEnd(StepOutcome.SKIPPED, fault)
        why = order.left_out.get(step.id) or self.muted_since(run, step) or await self._too_late(run, step)
        if why is not None:
            return StepEnd(StepOutcome.SKIPPED, why)
        return await self._forbidden(run, step)

    def muted_since(self, run: Run, step: Step) -> Fault | None:
        """Return why a step does not open something: somebody muted everything after the run began."""
        if run.silences == self._silences or not _opens(step):
            return None
        return Fault(code="sound.muted_all", detail="everything was muted after the run began")

    async def _forbidden(self, run: Run, step: Step) -> StepEnd | None:
        """Return how a step ends whose guard says no, or cannot be asked."""
        for guard in step.guards:
            answer = await self._guard(run, guard, step.within)
            if answer.met is True or (answer.met is None and guard.unknown == "run"):
                continue
            is_skipped = answer.met is False or guard.unknown == "skip"
            fault = fault_of(why_not(guard, answer))
            return StepEnd(StepOutcome.SKIPPED if is_skipped else StepOutcome.REFUSED, fault)
        return None

    async def _guard(self, run: Run, guard: Guard, within: timedelta) -> Answer:
        """Return what a guard says; it is asked once in a run."""
        if guard.place not in run.guards:
            asking = ask(guard, self._devices, run.order.facts, within)
            run.guards[guard.place] = asyncio.create_task(asking, name=f"guard {guard.place}")
        return await run.guards[guard.place]

    async def _too_late(self, run: Run, step: Step) -> Fault | None:
        """Return why a late step is not done; a person is asked where the room file says so."""
        order = run.order
        if order.late is None or step.late == "run":
            return None
        late_s = round(order.late.total_seconds())
        reason = Reason("step.too_late", f"{step.device}: {step.verb.name} came {late_s} s late", {"late_s": late_s})
        if step.late == "ask":
            said = order.decided.get(step_key(step.device, step.told()))
            answer = await _said(run, step) if said is None else said
            if answer:
                return None
            if answer is None:
                reason = Reason("step.nobody_decided", f"{step.device}: nobody decided on {step.verb.name} in time")
        return fault_of(reason)


async def _said(run: Run, step: Step) -> bool | None:
    """Return what a person said of a late step, who is waited for; none: nobody did in time."""
    if (question := run.questions.get(step.id)) is None:
        return None
    try:
        async with asyncio.timeout_at(question.until_s):
            return await asyncio.shield(question.answer)
    except TimeoutError:
        question.answer.cancel()
        return None


def _opens(step: Step) -> bool:
    """Whether a step opens something that could be muted."""
    return step.verb.name == "mute" and not getattr(step.arguments, "on", True)
