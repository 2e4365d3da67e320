"""What a preset would do now and how long it should take, without telling any device. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from pydantic import JsonValue

from agent.board import Sighting
from agent.roomfile import RETRY_AFTER_S, Preset, Step


@dataclass(frozen=True, slots=True)
class Foreseen:
    """One step as it would go."""

    step: str
    device: str
    verb: str
    arguments: Mapping[str, JsonValue]
    takes: timedelta
    at_most: timedelta
    would: str
    """`run`, or `fail` because the device is not there; `unknown` while nobody looked at it."""
    optional: bool
    starts_with: int
    """Steps with the same number start together."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """One preset as it would go."""

    preset: str
    takes: timedelta
    steps: tuple[Foreseen, ...]

    @property
    def is_good(self) -> bool:
        """Whether every step that counts has its device."""
        return all(step.would == "run" or step.optional for step in self.steps)


def rehearse(preset: Preset, seen: Mapping[str, Sighting]) -> Rehearsal:
    """Return what `preset` would do with the devices as they were last seen."""
    steps = (
        _foreseen(step, seen.get(step.device), number)
        for number, group in enumerate(preset.groups, start=1)
        for step in group
    )
    return Rehearsal(preset.name, preset.typical, tuple(steps))


def _foreseen(step: Step, device: Sighting | None, number: int) -> Foreseen:
    would = "unknown" if device is None or device.health is None else "run" if device.is_there else "fail"
    arguments = step.arguments.model_dump(mode="json", exclude_none=True)
    at_most = step.within * (1 + step.retry) + timedelta(seconds=RETRY_AFTER_S) * step.retry
    return Foreseen(
        step.id, step.device, step.verb.name, arguments, step.verb.typical, at_most, would, step.optional, number
    )
