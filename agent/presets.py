"""Presets whose verbs and arguments were found, ready to be carried out.

A preset inside another is put in step by step, with its values, so that a run is one flat
row of groups whatever the room file looks like. Whoever has a `Preset` can have it with
other values: `given`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from pydantic import JsonValue

from agent.guards import DeviceIs, Fact, Guard, Measured
from agent.parameters import ParameterSettings, Value, put_in, taken_by
from agent.roomfile import (
    GuardSettings,
    Late,
    NestedSettings,
    PresetSettings,
    RoomFile,
    StepSettings,
    TogetherSettings,
)
from drivers.address import DeviceAddress
from drivers.registry import driver_for
from drivers.verbs import Arguments, Verb

WITHIN_AT_LEAST = timedelta(seconds=5)
RETRY_AFTER_S = 1.0
"""A step that is tried again waits so long before."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a preset, ready to be carried out."""

    id: str
    """Place in the preset: `2`, in a group `1.2`, in a preset inside it `3.1`."""
    device: str
    verb: Verb
    arguments: Arguments
    within: timedelta
    optional: bool = False
    verify: bool = False
    undo: tuple[Verb, Arguments] | None = None
    retry: int = 0
    guards: tuple[Guard, ...] = ()
    """What must hold, the outermost first."""
    late: Late = "run"
    """What becomes of it when its phase begins too late."""

    @property
    def at_most(self) -> timedelta:
        """How long it may take, with all its tries."""
        return self.within * (1 + self.retry) + timedelta(seconds=RETRY_AFTER_S) * self.retry

    def told(self) -> dict[str, JsonValue]:
        """Return what it tells, for the journal."""
        arguments = self.arguments.model_dump(mode="json")
        told: dict[str, JsonValue] = {"step": self.id, "verb": self.verb.name, "args": arguments}
        return told | ({"guards": [guard.words() for guard in self.guards]} if self.guards else {})


@dataclass(frozen=True, slots=True)
class Preset:
    """A preset with values for all that it may be told."""

    name: str
    label: Mapping[str, str]
    groups: tuple[tuple[Step, ...], ...] = ()
    refuses_when_busy: bool = False
    rest: tuple[Step, ...] = ()
    """What is done after it was cancelled or failed, once what says how was undone."""
    parameters: Mapping[str, ParameterSettings] = field(default_factory=dict)
    values: Mapping[str, Value] = field(default_factory=dict)
    _made: Callable[[Mapping[str, object]], Preset] | None = None

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps in the order of the file."""
        return tuple(step for group in self.groups for step in group)

    @property
    def devices(self) -> frozenset[str]:
        """The devices that it touches or asks."""
        told = {step.device for step in (*self.steps, *self.rest)}
        return frozenset(told | {g.device for step in self.steps for g in step.guards if g.device is not None})

    @property
    def typical(self) -> timedelta:
        """How long it should take: groups one after another, in each the slowest device's chain."""
        return sum((_slowest(group, lambda step: step.verb.typical) for group in self.groups), timedelta(0))

    @property
    def at_most(self) -> timedelta:
        """How long it may take."""
        return sum((_slowest(group, lambda step: step.at_most) for group in self.groups), timedelta(0))

    def given(self, values: Mapping[str, object]) -> Preset:
        """Return this preset with `values` in place of its own.

        Raises:
            ValueError: a value that it does not take.
        """
        if self._made is not None:
            return self._made(values)
        taken_by(self.parameters, values)
        return self


def _slowest(group: tuple[Step, ...], takes: Callable[[Step], timedelta]) -> timedelta:
    chains: dict[str, timedelta] = {}
    for step in group:
        chains[step.device] = chains.get(step.device, timedelta(0)) + takes(step)
    return max(chains.values(), default=timedelta(0))


def presets_of(room: RoomFile) -> dict[str, Preset]:
    """Return the presets of a checked room file with their verbs and arguments."""
    kitchen = _Kitchen(room)
    return {name: kitchen.preset(name, {}) for name in room.presets}


class _Kitchen:
    """Makes presets of one room file."""

    def __init__(self, room: RoomFile) -> None:
        self._presets = room.presets
        self._drivers = {name: driver_for(DeviceAddress.parse(device.at)) for name, device in room.devices.items()}

    def preset(self, name: str, given: Mapping[str, object]) -> Preset:
        """Return a preset with what was `given`, and its defaults for the rest.

        Raises:
            ValueError: a value that it does not take.
        """
        settings = self._presets[name]
        values = taken_by(settings.parameters, given)
        return Preset(
            name,
            settings.label,
            tuple(self._groups(settings, values)),
            settings.busy == "refuse",
            tuple(self._rest(settings)),
            settings.parameters,
            values,
            lambda other: self.preset(name, other),
        )

    def _rest(self, settings: PresetSettings) -> Iterator[Step]:
        if settings.rest is None:
            return
        resting = self._presets[settings.rest]
        for group in self._groups(resting, taken_by(resting.parameters, {})):
            yield from (replace(step, id=f"rest-{step.id}", optional=True) for step in group)

    def _groups(
        self, preset: PresetSettings, values: Mapping[str, Value], place: str = "", guards: tuple[Guard, ...] = ()
    ) -> Iterator[tuple[Step, ...]]:
        for number, item in enumerate(preset.steps, start=1):
            here = f"{place}{number}"
            if isinstance(item, NestedSettings):
                yield from self._inside(item, values, here, guards)
            elif isinstance(item, TogetherSettings):
                group = enumerate(item.together, start=1)
                yield tuple(self._step(f"{here}.{n}", step, values, guards) for n, step in group)
            else:
                yield (self._step(here, item, values, guards),)

    def _inside(
        self, item: NestedSettings, values: Mapping[str, Value], place: str, guards: tuple[Guard, ...]
    ) -> Iterator[tuple[Step, ...]]:
        """Yield the groups of a preset that another one runs."""
        inner = self._presets[item.preset]
        own = taken_by(inner.parameters, put_in(item.values, values))
        guards = (*guards, *self._guards(item.guard, place, values))
        for group in self._groups(inner, own, f"{place}.", guards):
            yield tuple(replace(step, optional=step.optional or item.optional) for step in group)

    def _step(self, place: str, step: StepSettings, values: Mapping[str, Value], guards: tuple[Guard, ...]) -> Step:
        verb, arguments = self._told(step.device, step.do, step.args, values)
        undo = None if step.undo is None else self._told(step.device, step.undo.do, step.undo.args, values)
        within = step.within or max(3 * verb.typical, WITHIN_AT_LEAST)
        guards = (*guards, *self._guards(step.guard, place, values))
        return Step(
            place, step.device, verb, arguments, within, step.optional, step.verify, undo, step.retry, guards, step.late
        )

    def _told(
        self, device: str, do: str, args: Mapping[str, object], values: Mapping[str, Value]
    ) -> tuple[Verb, Arguments]:
        verb = self._drivers[device].verbs[do]
        return verb, verb.arguments.model_validate(put_in(args, values))

    def _guards(self, guard: GuardSettings | None, place: str, values: Mapping[str, Value]) -> Iterator[Guard]:
        if guard is None:
            return
        question: DeviceIs | Measured | Fact
        if guard.fact is not None:
            question = Fact(guard.fact)
        elif guard.do is not None:
            question = DeviceIs(guard.device or "", *self._told(guard.device or "", guard.do, guard.args, values))
        else:
            question = Measured(guard.device or "", guard.measure or "", guard.equals, guard.above, guard.below)
        yield Guard(place, question, guard.wanted, guard.unknown)
