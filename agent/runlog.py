"""Writes runs into the journal: that one begins, what each step is about to tell, how it ended, how the run did."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from pydantic import JsonValue

from agent.journal import Journal
from agent.orders import Order, Run, StepEnd
from agent.presets import Step
from contract.words import EntryKind, StepOutcome


class RunLog:
    """The runs of one room in its journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def begins(self, order: Order) -> None:
        """Write that a run begins."""
        body: dict[str, JsonValue] = {
            "preset": order.preset.name,
            "label": dict(order.preset.label),
            "phase": order.phase,
            "steps": len(order.preset.steps),
            **_circumstances(order),
        }
        self._note(order, EntryKind.PRESET_STARTED, body=body)

    def intends(self, order: Order, step: Step) -> None:
        """Write what a device is about to be told, before it is."""
        self._note(order, EntryKind.STEP_INTENT, device=step.device, body=step.told())

    def ended(self, order: Order, step: Step, end: StepEnd, took: timedelta | None, *, optional: bool) -> None:
        """Write how a step ended; one that told nothing `took` no time."""
        body = step.told() | {"read_back": dict(end.read_back), "optional": optional}
        if end.reason is not None:
            body["reason"] = end.reason.model_dump(mode="json")
        self._note(order, EntryKind.STEP_ENDED, device=step.device, outcome=end.outcome, duration=took, body=body)

    def closes(self, run: Run, outcome: StepOutcome) -> None:
        """Write how a run ended."""
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
    ) -> None:
        self._journal.append(
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
