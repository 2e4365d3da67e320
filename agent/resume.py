"""What an earlier process left in the journal: runs that nobody ended, steps that had begun. Pure.

A step that had begun may have had its effect. So a run that is taken up again is told of
every such step (`begun_before`), and the runner asks the device before it tells it anything
twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from pydantic import JsonValue

from contract.messages import Entry
from contract.words import EntryKind, StepOutcome


def step_key(device: str | None, told: Mapping[str, JsonValue]) -> str:
    """Return what makes two steps the same: place, device, verb and arguments.

    A room file that was changed meanwhile may have another step in the same place.
    """
    return json.dumps([told.get("step"), device, told.get("verb"), told.get("args")], sort_keys=True)


def begun_before(entries: Iterable[Entry], phase: str) -> frozenset[str]:
    """Return the keys of the steps that runs of `phase` began, since the last one whose end is known."""
    runs: set[str] = set()
    begun: set[str] = set()
    for entry in entries:
        if entry.run is None:
            continue
        if entry.kind == EntryKind.PRESET_STARTED and entry.body.get("phase") == phase:
            runs.add(entry.run)
        elif entry.run in runs and entry.kind == EntryKind.STEP_INTENT:
            begun.add(step_key(entry.device, entry.body))
        elif entry.run in runs and entry.kind == EntryKind.PRESET_ENDED and entry.outcome != StepOutcome.UNKNOWN:
            begun.clear()
    return frozenset(begun)


def decided_before(entries: Iterable[Entry], kind: str, phase: str) -> dict[str, bool]:
    """Return what people said, in entries of `kind`, of late steps of `phase`."""
    said = (entry for entry in entries if entry.kind == kind and entry.body.get("phase") == phase)
    return {step_key(entry.device, entry.body): bool(entry.body.get("do")) for entry in said}


def unfinished(entries: Iterable[Entry]) -> list[tuple[Entry, list[Entry]]]:
    """Return the runs that were begun and never ended, each with its steps that were."""
    started: dict[str, Entry] = {}
    open_steps: dict[tuple[str, object], Entry] = {}
    for entry in entries:
        run, step = entry.run, entry.body.get("step")
        if run is None:
            continue
        if entry.kind == EntryKind.PRESET_STARTED:
            started[run] = entry
        elif entry.kind == EntryKind.PRESET_ENDED:
            started.pop(run, None)
        elif entry.kind == EntryKind.STEP_INTENT:
            open_steps[run, step] = entry
        elif entry.kind == EntryKind.STEP_ENDED:
            open_steps.pop((run, step), None)
    return [(s, [e for (run, _), e in open_steps.items() if run == name]) for name, s in started.items()]
