"""Carries out presets on devices.

Steps go one after the other; the steps of a group go together, one chain per device. Every
step stands in the journal twice: as an intent before the device hears of it, and with its
end. Two runs never interleave on a device: a run holds all devices it touches, taken in one
order by all, and a second run waits for them, with a limit.

What a failing step does depends on who runs. A *press* stops at it, takes back what says
how (`undo`), and is failed. A *phase* of a session goes on: with people waiting, a camera
that does not answer must not keep the microphone closed; it is not good either, so the
preparation is tried again. An optional step never counts.

Whether a step is done at all is asked of `agent.gates`, how devices are told is
`agent.telling`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import replace
from datetime import timedelta

from agent.gates import Gates
from agent.journal import Journal
from agent.orders import Order, Run, StepEnd
from agent.placeholders import filled
from agent.presets import Preset, Step
from agent.resume import step_key
from agent.runlog import RunLog
from agent.telling import Teller
from contract.messages import Fault
from contract.words import StepOutcome
from drivers.ports import Device

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
        self._log = RunLog(journal)
        self._gates = Gates(devices)
        self._teller = Teller(devices, is_heard=is_heard)
        self._locks = {name: asyncio.Lock() for name in devices}

    def announce(self, run: Run) -> None:
        """Write into the journal that `run` begins."""
        self._gates.pass_by(run)
        self._log.begins(run.order)

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
        if (unwanted := await self._gates.unwanted(run, step)) is not None:
            self._end(run, step, unwanted, None)
            return
        if step_key(step.device, step.told()) in order.begun_before and await self._stands_already(run, step):
            return
        self._log.intends(order, step)
        began = _now_s()
        try:
            end = await self._teller.tell_or_retry(step)
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
            found = await self._teller.ask(step)
            if found is not None and found.matches:
                self._end(run, step, StepEnd(StepOutcome.VERIFIED, None, found.values), None)
                return True
        if step.verb.repeatable:
            return False
        twice = Fault(code="step.not_repeated", detail=f"{step.device}: {step.verb.name} had begun before a restart")
        self._end(run, step, StepEnd(StepOutcome.SKIPPED, twice), None)
        return True

    def _end(self, run: Run, step: Step, end: StepEnd, began: float | None) -> None:
        run.step += 1
        run.ends[step.id] = end
        if not end.is_fine and not step.optional and run.failed is None:
            run.failed = end
        took = None if began is None else timedelta(seconds=_now_s() - began)
        self._log.ended(run.order, step, end, took, optional=step.optional)

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
        why = self._gates.muted_since(run, back)
        if back.within <= timedelta(0):
            why = Fault(code="run.undo_out_of_time", detail=f"{back.device}: no time was left to undo")
        if why is not None:
            skipped = StepEnd(StepOutcome.SKIPPED, why)
            self._log.ended(run.order, back, skipped, None, optional=True)
            return skipped
        self._log.intends(run.order, back)
        began = _now_s()
        result = await self._teller.tell(back)
        if result.outcome.good:
            kept = StepOutcome.VERIFIED if result.outcome is StepOutcome.VERIFIED else good
            result = StepEnd(good if good is StepOutcome.UNDONE else kept, None, result.read_back)
        self._log.ended(run.order, back, result, timedelta(seconds=_now_s() - began), optional=True)
        return result

    def _close(self, run: Run, outcome: StepOutcome) -> None:
        run.is_over = True
        self._log.closes(run, outcome)


_CANCELLED = Fault(code="run.cancelled", detail="the run was cancelled before")


def _now_s() -> float:
    return asyncio.get_running_loop().time()


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
