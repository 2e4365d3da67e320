"""Carries out presets on devices.

Steps go one after the other; the steps of a group go together, one chain per device. Every
step stands in the journal twice: as an intent before the device hears of it, and with its
end. Two runs never interleave on a device: a run holds all devices it touches, taken in one
order by all, and a second run waits.

What a failing step does depends on who runs. A *press* stops at it, takes back what says
how (`undo`), and is failed. A *phase* of a session goes on: with people waiting, a camera
that does not answer must not keep the microphone closed; it is not good either, so the
preparation is tried again. An optional step never counts.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from pydantic import JsonValue

from agent.journal import Journal
from agent.placeholders import filled
from agent.resume import step_key
from agent.roomfile import RETRY_AFTER_S, Preset, Step
from agent.translate import fault_of
from contract.messages import Entry, Fault
from contract.words import EntryKind, StepOutcome
from drivers.errors import DeviceRefused, DriverError, OutcomeUnknown
from drivers.outcomes import Scalar
from drivers.ports import Device
from drivers.verbs import ReadBack

log = logging.getLogger(__name__)

ASK_WITHIN_S = 5.0
UNDO_WITHIN_S = 5.0
REST_ALL_WITHIN_S = 6.0
UNDO_ALL_WITHIN_S = 6.0
"""Nothing ends the undoing of a run but this: it holds its devices meanwhile."""


@dataclass(frozen=True, slots=True)
class Order:
    """One run of a preset: what, for whom, on whose word."""

    id: str
    preset: Preset
    phase: str | None = None
    """`prepare`, `live` or `end` when the timeline runs it; none for a press."""
    session: str | None = None
    session_rev: int | None = None
    cause: str = "schedule"
    who: str = ""
    words: Mapping[str, str] = field(default_factory=dict)
    """What the session's words in texts mean (`agent.placeholders`)."""
    may_record: bool = True
    begun_before: frozenset[str] = frozenset()
    """Steps that an earlier process began in this run's place (`agent.resume.step_key`)."""
    alone: bool = True
    """Whether the devices are held; a single hand on the mute button does not wait."""


@dataclass(frozen=True, slots=True)
class StepEnd:
    """How one step ended."""

    outcome: StepOutcome
    reason: Fault | None = None
    read_back: Mapping[str, Scalar] = field(default_factory=dict)

    @property
    def is_fine(self) -> bool:
        """Whether the wanted state was reached, or must not be."""
        return self.outcome.good or self.outcome is StepOutcome.SKIPPED


@dataclass(slots=True)
class Run:
    """A run while it goes and after it ended."""

    order: Order
    step: int = 0
    """How many steps have ended."""
    ends: dict[str, StepEnd] = field(default_factory=dict)
    failed: StepEnd | None = None
    """The first step that failed and was not optional."""
    taken_back: set[str] = field(default_factory=set)
    """The steps whose undo was begun; none is undone twice."""
    rested: int = 0
    """How many steps of its state of rest were begun."""
    is_over: bool = False
    undo_when_cancelled: bool = True
    at: datetime | None = None
    """When it was accepted."""

    @property
    def is_good(self) -> bool:
        """Whether it is over and every step that counts reached its state."""
        return self.is_over and self.failed is None


class Runner:
    """Runs presets on the devices of one room."""

    def __init__(self, devices: Mapping[str, Device], journal: Journal) -> None:
        self._devices = devices
        self._journal = journal
        self._locks = {name: asyncio.Lock() for name in devices}

    def announce(self, run: Run) -> None:
        """Write into the journal that `run` begins."""
        order = run.order
        self._note(
            order,
            EntryKind.PRESET_STARTED,
            body={
                "preset": order.preset.name,
                "label": dict(order.preset.label),
                "phase": order.phase,
                "steps": len(order.preset.steps),
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
        self._close(run, StepOutcome.DONE if run.failed is None else StepOutcome.FAILED)

    def busy_device(self, preset: Preset) -> str | None:
        """Return a device of `preset` that a run holds or waits for."""
        return next((name for name in sorted(preset.devices) if self._locks[name].locked()), None)

    @contextlib.asynccontextmanager
    async def _held(self, order: Order) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            for name in sorted(order.preset.devices) if order.alone else ():
                await stack.enter_async_context(self._locks[name])
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
        if not order.may_record and step.verb.records(step.arguments):
            self._skip(run, step, Fault(code="recording.not_permitted", detail="the session may not be recorded"))
            return
        if step_key(step.device, _told(step)) in order.begun_before and await self._stands_already(run, step):
            return
        self._note(order, EntryKind.STEP_INTENT, device=step.device, body=_told(step))
        began = time.monotonic()
        try:
            end = await self._carry_out_or_retry(step)
        except asyncio.CancelledError:
            stopped = Fault(code="run.cancelled", detail=f"{step.device}: {step.verb.name} was cut short")
            self._end(run, step, StepEnd(StepOutcome.UNKNOWN, stopped), began)
            raise
        self._end(run, step, end, began)

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
        """Tell the device and, when asked to, look whether it is so; within the step's time."""
        device = self._devices[step.device]
        try:
            async with asyncio.timeout(step.within.total_seconds()):
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
        body = _told(step) | {"read_back": dict(end.read_back), "optional": step.optional}
        if end.reason is not None:
            body["reason"] = end.reason.model_dump(mode="json")
        duration = None if began is None else timedelta(seconds=time.monotonic() - began)
        self._note(
            run.order, EntryKind.STEP_ENDED, device=step.device, outcome=end.outcome, duration=duration, body=body
        )

    def _skip(self, run: Run, step: Step, why: Fault) -> None:
        self._end(run, step, StepEnd(StepOutcome.SKIPPED, why), None)

    async def _abandon(self, run: Run) -> None:
        """Close a cancelled run: what had not begun is skipped, what says how is taken back."""
        self._skip_rest(run)
        if run.undo_when_cancelled:
            await self._undo_and_rest(run)
        self._close(run, StepOutcome.SKIPPED)

    def close_unbegun(self, run: Run) -> None:
        """Close a run that was cancelled before it began."""
        self._skip_rest(run)
        self._close(run, StepOutcome.SKIPPED)

    def _skip_rest(self, run: Run) -> None:
        for step in run.order.preset.steps:
            if step.id not in run.ends:
                self._skip(run, step, Fault(code="run.cancelled", detail="the run was cancelled before"))
        run.failed = run.failed or StepEnd(StepOutcome.SKIPPED, Fault(code="run.cancelled", detail="it was cancelled"))

    async def _undo_and_rest(self, run: Run) -> None:
        """Take back what says how, then go to the state that the preset names for that."""
        await self._take_back(run)
        until = time.monotonic() + REST_ALL_WITHIN_S
        while run.rested < len(run.order.preset.rest):
            step = run.order.preset.rest[run.rested]
            run.rested += 1
            within = min(step.within, timedelta(seconds=until - time.monotonic()))
            await self._undo(
                run, replace(step, arguments=filled(step.arguments, run.order.words), within=within), StepOutcome.DONE
            )

    async def _take_back(self, run: Run) -> None:
        """Undo the steps that were begun and say how, the last one first, while there is time."""
        until = time.monotonic() + UNDO_ALL_WITHIN_S
        for step in reversed(run.order.preset.steps):
            end = run.ends.get(step.id)
            if step.undo is None or end is None or end.outcome is StepOutcome.SKIPPED or step.id in run.taken_back:
                continue
            run.taken_back.add(step.id)
            verb, arguments = step.undo
            within = timedelta(seconds=min(UNDO_WITHIN_S, until - time.monotonic()))
            await self._undo(
                run, Step(f"{step.id}-undo", step.device, verb, filled(arguments, run.order.words), within)
            )

    async def _undo(self, run: Run, back: Step, good: StepOutcome = StepOutcome.UNDONE) -> None:
        """Take one step back, or rest; without time left it is skipped, and the journal says so."""
        if back.within <= timedelta(0):
            late = Fault(code="run.undo_out_of_time", detail=f"{back.device}: no time was left to undo")
            self._note_undone(run, back, StepEnd(StepOutcome.SKIPPED, late), None)
            return
        self._note(run.order, EntryKind.STEP_INTENT, device=back.device, body=_told(back))
        began = time.monotonic()
        result = await self._carry_out(back)
        if result.outcome.good:
            kept = StepOutcome.VERIFIED if result.outcome is StepOutcome.VERIFIED else good
            result = StepEnd(good if good is StepOutcome.UNDONE else kept, None, result.read_back)
        self._note_undone(run, back, result, timedelta(seconds=time.monotonic() - began))

    def _note_undone(self, run: Run, back: Step, end: StepEnd, duration: timedelta | None) -> None:
        body = _told(back) | {"read_back": dict(end.read_back), "optional": True}
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


def _told(step: Step) -> dict[str, JsonValue]:
    return {"step": step.id, "verb": step.verb.name, "args": step.arguments.model_dump(mode="json")}
