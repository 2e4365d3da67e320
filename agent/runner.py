"""Carries out presets on devices.

Steps go one after the other; the steps of a group go together, one chain per device. Every
step stands in the journal twice: as an intent before the device hears of it, and with its
end. Two runs never interleave on a device: a run holds all devices it touches, taken in one
order by all, and a second run waits for them, with a limit.

A step is not carried out when the session may not be recorded, when the next session needs
what it would switch off, when its phase begins too late for it, or when its guard says no.

What a failing step does depends on who runs. A *press* stops at it, takes back what says
how (`undo`), and is failed. A *phase* of a session goes on: with people waiting, a camera
that does not answer must not keep the microphone closed; it is not good either, so the
preparation is tried again. An optional step never counts.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import replace
from datetime import timedelta

from pydantic import JsonValue

from agent.gentle import gently
from agent.guards import Answer, Guard, ask, why_not
from agent.journal import Journal
from agent.orders import Order, Run, StepEnd
from agent.placeholders import filled
from agent.presets import RETRY_AFTER_S, Preset, Step
from agent.resume import step_key
from agent.translate import fault_of
from contract.messages import Entry, Fault
from contract.words import EntryKind, StepOutcome
from drivers.errors import DeviceRefused, DriverError, OutcomeUnknown
from drivers.outcomes import Reason, Scalar
from drivers.ports import Device
from drivers.verbs import ReadBack

log = logging.getLogger(__name__)

ASK_WITHIN_S = 5.0
PRESS_WAITS_S = 60.0
PHASE_WAITS_S = 180.0
"""So long a run waits for devices that another one holds."""
UNDO_WITHIN_S = 5.0
REST_ALL_WITHIN_S = 6.0
UNDO_ALL_WITHIN_S = 6.0
"""Nothing ends the undoing of a run but this: it holds its devices meanwhile."""


class _WaitedTooLong(Exception):
    """Another run held a device for too long."""


class Runner:
    """Runs presets on the devices of one room."""

    def __init__(
        self, devices: Mapping[str, Device], journal: Journal, *, is_heard: Callable[[], bool] = lambda: False
    ) -> None:
        """Run on `devices`; `is_heard` says whether people hear the room now, so that no gain may jump."""
        self._devices = devices
        self._journal = journal
        self._is_heard = is_heard
        self._locks = {name: asyncio.Lock() for name in devices}
        self._silences = 0

    def announce(self, run: Run) -> None:
        """Write into the journal that `run` begins."""
        order = run.order
        self._silences += order.silences
        run.silences = self._silences
        self._note(
            order,
            EntryKind.PRESET_STARTED,
            body={
                "preset": order.preset.name,
                "label": dict(order.preset.label),
                "phase": order.phase,
                "steps": len(order.preset.steps),
                **_circumstances(order),
            },
        )

    async def run(self, run: Run) -> None:
        """Carry out `run`, which was announced; returns when it is over.

        Raises:
            CancelledError: it was cancelled; what says how was taken back before.
        """
        try:
            async with self._held(run.order):
                await self._steps_or_abandon(run)
        except asyncio.CancelledError:
            if not run.is_over:  # it still waited for its devices
                self.close_unbegun(run)
            raise
        except _WaitedTooLong as error:
            detail = f"another preset used {error} for too long"
            self._skip_rest(run, Fault(code="run.waited_too_long", detail=detail, values={"device": str(error)}))
        self._close(run, StepOutcome.DONE if run.failed is None else StepOutcome.FAILED)

    def busy_device(self, preset: Preset) -> str | None:
        """Return a device of `preset` that a run holds or waits for."""
        return next((name for name in sorted(preset.devices) if self._locks[name].locked()), None)

    @contextlib.asynccontextmanager
    async def _held(self, order: Order) -> AsyncIterator[None]:
        """Hold what the run touches.

        Raises:
            _WaitedTooLong: names the device that did not become free.
        """
        async with contextlib.AsyncExitStack() as stack:
            name = ""
            try:
                async with asyncio.timeout(PRESS_WAITS_S if order.phase is None else PHASE_WAITS_S):
                    for name in sorted(order.preset.devices) if order.alone else ():
                        await stack.enter_async_context(self._locks[name])
            except TimeoutError:
                raise _WaitedTooLong(name) from None
            yield

    async def _steps_or_abandon(self, run: Run) -> None:
        """Carry out the steps; a cancelled run is closed while it still holds its devices.

        Raises:
            CancelledError: it was cancelled.
        """
        try:
            await self._steps(run)
        except asyncio.CancelledError:
            await _to_its_end(self._abandon(run), f"abandon {run.order.preset.name}")
            raise

    async def _steps(self, run: Run) -> None:
        for group in run.order.preset.groups:
            if run.failed is not None and run.order.phase is None:
                for step in group:
                    self._skip(run, step, Fault(code="run.stopped", detail="an earlier step failed"))
                continue
            async with asyncio.TaskGroup() as tasks:
                for device, chain in _chains(group).items():
                    tasks.create_task(self._chain(run, chain), name=f"{run.order.preset.name} on {device}")
        if run.failed is not None and run.order.phase is None:
            await _to_its_end(self._undo_and_rest(run), f"undo {run.order.preset.name}")

    async def _chain(self, run: Run, steps: list[Step]) -> None:
        for step in steps:
            await self._step(run, step)

    async def _step(self, run: Run, step: Step) -> None:
        order = run.order
        step = replace(step, arguments=filled(step.arguments, order.words))
        if (unwanted := await self._unwanted(run, step)) is not None:
            self._end(run, step, unwanted, None)
            return
        if step_key(step.device, step.told()) in order.begun_before and await self._stands_already(run, step):
            return
        self._note(order, EntryKind.STEP_INTENT, device=step.device, body=step.told())
        began = _now_s()
        try:
            end = await self._carry_out_or_retry(step)
        except asyncio.CancelledError:
            stopped = Fault(code="run.cancelled", detail=f"{step.device}: {step.verb.name} was cut short")
            self._end(run, step, StepEnd(StepOutcome.UNKNOWN, stopped), began)
            raise
        self._end(run, step, end, began)

    async def _unwanted(self, run: Run, step: Step) -> StepEnd | None:
        """Return how a step ends that is not to be carried out; none: it is."""
        order = run.order
        if not order.may_record and step.verb.records(step.arguments):
            fault = Fault(code="recording.not_permitted", detail="the session may not be recorded")
            return StepEnd(StepOutcome.SKIPPED, fault)
        why = order.left_out.get(step.id) or self._muted_since(run, step) or await self._too_late(run, step)
        if why is not None:
            return StepEnd(StepOutcome.SKIPPED, why)
        return await self._forbidden(run, step)

    def _muted_since(self, run: Run, step: Step) -> Fault | None:
        """Return why a step does not open something: somebody muted everything after the run began."""
        if run.silences == self._silences or not opens(step):
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

    async def _too_late(self, run: Run, step: Step) -> Fault | None:
        """Return why a late step is not done; a person is asked where the room file says so."""
        order = run.order
        if order.late is None or step.late == "run":
            return None
        late_s = round(order.late.total_seconds())
        reason = Reason("step.too_late", f"{step.device}: {step.verb.name} came {late_s} s late", {"late_s": late_s})
        if step.late == "ask":
            said = order.decided.get(step_key(step.device, step.told()))
            answer = await self._said(run, step) if said is None else said
            if answer:
                return None
            if answer is None:
                reason = Reason("step.nobody_decided", f"{step.device}: nobody decided on {step.verb.name} in time")
        return fault_of(reason)

    async def _said(self, run: Run, step: Step) -> bool | None:
        """Return what a person said of a late step, who is waited for; none: nobody did in time."""
        if (question := run.questions.get(step.id)) is None:
            return None
        try:
            async with asyncio.timeout_at(question.until_s):
                return await asyncio.shield(question.answer)
        except TimeoutError:
            question.answer.cancel()
            return None

    async def _guard(self, run: Run, guard: Guard, within: timedelta) -> Answer:
        """Return what a guard says; it is asked once in a run."""
        if guard.place not in run.guards:
            asking = ask(guard, self._devices, run.order.facts, within)
            run.guards[guard.place] = asyncio.create_task(asking, name=f"guard {guard.place}")
        return await run.guards[guard.place]

    async def _stands_already(self, run: Run, step: Step) -> bool:
        """End a step that was begun before a restart without telling the device twice, where that is right.

        What the device says decides; one that cannot be asked is told again only when
        telling it twice is harmless.
        """
        if step.verb.read_back is not None:
            found = await self._ask(step)
            if found is not None and found.matches:
                self._end(run, step, StepEnd(StepOutcome.VERIFIED, None, found.values), None)
                return True
        if step.verb.repeatable:
            return False
        twice = Fault(code="step.not_repeated", detail=f"{step.device}: {step.verb.name} had begun before a restart")
        self._end(run, step, StepEnd(StepOutcome.SKIPPED, twice), None)
        return True

    async def _ask(self, step: Step) -> ReadBack | None:
        """Return what the device says of the step's state; none when it does not say."""
        read_back = step.verb.read_back
        if read_back is None:
            return None
        try:
            async with asyncio.timeout(min(step.within.total_seconds(), ASK_WITHIN_S)):
                return await read_back(self._devices[step.device], step.arguments)
        except (DriverError, ValueError, TimeoutError) as error:
            log.info("not read back: %s", error, extra={"action": "ask", "device": step.device})
            return None

    async def _carry_out_or_retry(self, step: Step) -> StepEnd:
        """Try a step as often as it says, each time within its limit, until it reached its state."""
        end = await self._carry_out(step)
        for _ in range(step.retry if step.verb.repeatable else 0):
            if end.outcome.good:
                break
            await asyncio.sleep(RETRY_AFTER_S)
            end = await self._carry_out(step)
        return end

    async def _carry_out(self, step: Step) -> StepEnd:
        """Tell the device and, when asked to, look whether it is so; within the step's time.

        Everything that a device is ever told in a session comes through here, so that no
        gain jumps while people listen, whoever asked for it.
        """
        device = self._devices[step.device]
        try:
            async with asyncio.timeout(step.within.total_seconds()):
                if self._is_heard():
                    step = await gently(device, step)
                return await _tell(device, step)
        except TimeoutError:
            limit = step.within.total_seconds()
            detail = f"{step.device}: wanted {step.verb.name} within {limit:g} s, found it still under way"
            return StepEnd(
                StepOutcome.TIMED_OUT, Fault(code="step.timed_out", detail=detail, values={"within_s": limit})
            )
        except DeviceRefused as error:
            return StepEnd(StepOutcome.REFUSED, fault_of(error.reason))
        except ValueError as error:
            return StepEnd(StepOutcome.REFUSED, Fault(code="step.bad_argument", detail=str(error)))
        except DriverError as error:
            outcome = StepOutcome.UNKNOWN if isinstance(error, OutcomeUnknown) else StepOutcome.FAILED
            return StepEnd(outcome, fault_of(error.reason))

    def _end(self, run: Run, step: Step, end: StepEnd, began: float | None) -> None:
        run.step += 1
        run.ends[step.id] = end
        if not end.is_fine and not step.optional and run.failed is None:
            run.failed = end
        body = step.told() | {"read_back": dict(end.read_back), "optional": step.optional}
        if end.reason is not None:
            body["reason"] = end.reason.model_dump(mode="json")
        duration = None if began is None else timedelta(seconds=_now_s() - began)
        self._note(
            run.order, EntryKind.STEP_ENDED, device=step.device, outcome=end.outcome, duration=duration, body=body
        )

    def _skip(self, run: Run, step: Step, why: Fault) -> None:
        self._end(run, step, StepEnd(StepOutcome.SKIPPED, why), None)

    async def _abandon(self, run: Run) -> None:
        """Close a cancelled run: what had not begun is skipped, what says how is taken back."""
        self._skip_rest(run, _CANCELLED)
        if run.undo_when_cancelled:
            await self._undo_and_rest(run)
        self._close(run, StepOutcome.SKIPPED)

    def close_unbegun(self, run: Run) -> None:
        """Close a run that was cancelled before it began."""
        self._skip_rest(run, _CANCELLED)
        self._close(run, StepOutcome.SKIPPED)

    def _skip_rest(self, run: Run, why: Fault) -> None:
        for step in run.order.preset.steps:
            if step.id not in run.ends:
                self._skip(run, step, why)
        run.failed = run.failed or StepEnd(StepOutcome.SKIPPED, why)

    async def _undo_and_rest(self, run: Run) -> None:
        """Take back what says how, then go to the state that the preset names for that."""
        await self._take_back(run)
        until = _now_s() + REST_ALL_WITHIN_S
        while run.rested < len(run.order.preset.rest):
            step = run.order.preset.rest[run.rested]
            run.rested += 1
            within = min(step.within, timedelta(seconds=until - _now_s()))
            await self._undo(
                run, replace(step, arguments=filled(step.arguments, run.order.words), within=within), StepOutcome.DONE
            )

    async def _take_back(self, run: Run) -> None:
        """Undo the steps that were begun and say how, the last one first, while there is time."""
        until = _now_s() + UNDO_ALL_WITHIN_S
        for step in reversed(run.order.preset.steps):
            end = run.ends.get(step.id)
            if step.undo is None or end is None or end.outcome is StepOutcome.SKIPPED or step.id in run.taken_back:
                continue
            run.taken_back.add(step.id)
            verb, arguments = step.undo
            within = timedelta(seconds=min(UNDO_WITHIN_S, until - _now_s()))
            back = Step(f"{step.id}-undo", step.device, verb, filled(arguments, run.order.words), within)
            if (await self._undo(run, back)).outcome is StepOutcome.UNDONE:
                run.ends[step.id] = StepEnd(StepOutcome.UNDONE, end.reason, end.read_back)

    async def _undo(self, run: Run, back: Step, good: StepOutcome = StepOutcome.UNDONE) -> StepEnd:
        """Take one step back, or rest; without time left it is skipped, and the journal says so."""
        if back.within <= timedelta(0):
            late = Fault(code="run.undo_out_of_time", detail=f"{back.device}: no time was left to undo")
            skipped = StepEnd(StepOutcome.SKIPPED, late)
            self._note_undone(run, back, skipped, None)
            return skipped
        if (muted := self._muted_since(run, back)) is not None:
            skipped = StepEnd(StepOutcome.SKIPPED, muted)
            self._note_undone(run, back, skipped, None)
            return skipped
        self._note(run.order, EntryKind.STEP_INTENT, device=back.device, body=back.told())
        began = _now_s()
        result = await self._carry_out(back)
        if result.outcome.good:
            kept = StepOutcome.VERIFIED if result.outcome is StepOutcome.VERIFIED else good
            result = StepEnd(good if good is StepOutcome.UNDONE else kept, None, result.read_back)
        self._note_undone(run, back, result, timedelta(seconds=_now_s() - began))
        return result

    def _note_undone(self, run: Run, back: Step, end: StepEnd, duration: timedelta | None) -> None:
        body = back.told() | {"read_back": dict(end.read_back), "optional": True}
        if end.reason is not None:
            body["reason"] = end.reason.model_dump(mode="json")
        self._note(
            run.order, EntryKind.STEP_ENDED, device=back.device, outcome=end.outcome, duration=duration, body=body
        )

    def _close(self, run: Run, outcome: StepOutcome) -> None:
        run.is_over = True
        body: dict[str, JsonValue] = {"preset": run.order.preset.name, "phase": run.order.phase}
        if run.failed is not None and run.failed.reason is not None:
            body["reason"] = run.failed.reason.model_dump(mode="json")
        if run.cancelled_by is not None:
            body["cancelled_by"] = run.cancelled_by
        self._note(run.order, EntryKind.PRESET_ENDED, outcome=outcome, body=body)

    def _note(
        self,
        order: Order,
        kind: EntryKind,
        *,
        device: str | None = None,
        outcome: StepOutcome | None = None,
        duration: timedelta | None = None,
        body: Mapping[str, JsonValue],
    ) -> Entry:
        return self._journal.append(
            kind,
            session=order.session,
            session_rev=order.session_rev,
            run=order.id,
            cause=order.cause,
            who=order.who,
            device=device,
            outcome=outcome,
            duration=duration,
            body=body,
        )


_CANCELLED = Fault(code="run.cancelled", detail="the run was cancelled before")


def _now_s() -> float:
    return asyncio.get_running_loop().time()


def _circumstances(order: Order) -> dict[str, JsonValue]:
    """Return what of an order is not usual."""
    told: dict[str, JsonValue] = {}
    if order.preset.values:
        told["values"] = dict(order.preset.values)
    if order.late is not None:
        told["late_s"] = round(order.late.total_seconds(), 1)
    if order.silences:
        told["silences"] = True
    return told


async def _to_its_end(work: Coroutine[None, None, None], name: str) -> None:
    """Return once `work` is over, whatever is cancelled meanwhile; it has a limit of its own.

    Raises:
        CancelledError: somebody cancelled meanwhile.
    """
    task, cancelled = asyncio.create_task(work, name=name), False
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            cancelled = True
    task.result()
    if cancelled:
        raise asyncio.CancelledError


def opens(step: Step) -> bool:
    """Whether a step opens something that could be muted."""
    return step.verb.name == "mute" and not getattr(step.arguments, "on", True)


def _chains(group: tuple[Step, ...]) -> dict[str, list[Step]]:
    """Return the steps of a group by device."""
    chains: dict[str, list[Step]] = {}
    for step in group:
        chains.setdefault(step.device, []).append(step)
    return chains


async def _tell(device: Device, step: Step) -> StepEnd:
    """Run the verb; `verify` decides when the device did not say.

    Raises:
        OutcomeUnknown: the device did not say and nobody wants it verified.
    """
    read_back: Mapping[str, Scalar] = {}
    try:
        read_back = (await step.verb.run(device, step.arguments)).read_back
    except OutcomeUnknown:
        if not step.verify:
            raise
    if not step.verify or step.verb.read_back is None:
        return StepEnd(StepOutcome.DONE, None, read_back)
    found = await step.verb.read_back(device, step.arguments)
    if found.matches:
        return StepEnd(StepOutcome.VERIFIED, None, found.values)
    detail = f"{step.device}: {step.verb.name} was answered, but read back {dict(found.values)}"
    return StepEnd(StepOutcome.FAILED, Fault(code="step.not_verified", detail=detail), found.values)
