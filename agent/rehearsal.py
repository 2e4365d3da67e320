"""What a preset would do now and how long it should take, without telling any device. Pure.

Guards are foreseen by what was last seen of the devices; one that only the device can
answer is `ask`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from pydantic import JsonValue

from agent.board import Sighting
from agent.gains import Gains, jumps
from agent.guards import foresee
from agent.presets import Preset, Step

Would = Literal["run", "fail", "unknown", "skip", "ask", "jump"]
"""`fail`: the device is not there; `unknown`: nobody looked at it yet; `skip`: its guard says no, or
the session may not be recorded; `ask`: its guard asks the device when its turn has come; `jump`: people
hear the room by then, and it would make it louder by more than one step at once."""


@dataclass(frozen=True, slots=True)
class Foreseen:
    """One step as it would go."""

    step: str
    device: str
    verb: str
    arguments: Mapping[str, JsonValue]
    takes: timedelta
    at_most: timedelta
    would: Would
    optional: bool
    starts_with: int
    """Steps with the same number start together."""
    undo: str = ""
    """The verb that takes it back."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """One preset as it would go."""

    preset: str
    takes: timedelta
    at_most: timedelta
    steps: tuple[Foreseen, ...]

    @property
    def is_good(self) -> bool:
        """Whether every step that counts has its device."""
        return all(step.would in {"run", "skip", "ask"} or step.optional for step in self.steps)


def rehearse(
    preset: Preset,
    seen: Mapping[str, Sighting],
    facts: frozenset[str] = frozenset(),
    *,
    may_record: bool = True,
    heard_from: Gains | None = None,
) -> Rehearsal:
    """Return what `preset` would do with the devices as they were last seen, while `facts` are so.

    `heard_from` is where the gains stand when it runs, where people hear the room by then.
    """
    too_loud = frozenset() if heard_from is None else jumps(preset, heard_from)
    steps = tuple(
        _foreseen(step, number, _gently(step, too_loud, _would(step, seen, facts, may_record)))
        for number, group in enumerate(preset.groups, start=1)
        for step in group
    )
    return Rehearsal(preset.name, preset.typical, preset.at_most, steps)


def _would(step: Step, seen: Mapping[str, Sighting], facts: frozenset[str], may_record: bool) -> Would:
    answers = {foresee(guard, seen, facts) for guard in step.guards}
    if False in answers or (not may_record and step.verb.records(step.arguments)):
        return "skip"
    device = seen.get(step.device)
    if device is None or device.health is None:
        return "unknown"
    return "fail" if not device.is_there else "ask" if None in answers else "run"


def _gently(step: Step, too_loud: frozenset[str], would: Would) -> Would:
    return "jump" if would in {"run", "ask", "unknown"} and step.id in too_loud else would


def _foreseen(step: Step, number: int, would: Would) -> Foreseen:
    arguments = step.arguments.model_dump(mode="json", exclude_none=True)
    undo = "" if step.undo is None else step.undo[0].name
    return Foreseen(
        step.id, step.device, step.verb.name, arguments, step.verb.typical, step.at_most, would, step.optional, number,
        undo,
    )  # fmt: skip
