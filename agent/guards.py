"""Conditions of steps: a device is asked, or a fact of the session counts.

A guard is asked when its step's turn has come, once; that of a preset inside another is
asked before the first of its steps and its answer holds for all of them. The devices that
are asked are held by the run, as those that it tells, so the answer stays true meanwhile.

When the device cannot be asked nobody acts on a guess: the step is refused and the run is
not good, unless the guard says `unknown: run` or `unknown: skip`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from pydantic import JsonValue

from agent.board import Sighting
from drivers.errors import DriverError
from drivers.outcomes import Health, Reason, Scalar
from drivers.ports import Device
from drivers.verbs import Arguments, Verb

log = logging.getLogger(__name__)

ASK_WITHIN_S = 5.0

Unknown = Literal["refuse", "run", "skip"]


@dataclass(frozen=True, slots=True)
class DeviceIs:
    """Asks a device whether it is where a verb goes to."""

    device: str
    verb: Verb
    arguments: Arguments


@dataclass(frozen=True, slots=True)
class Measured:
    """Asks a device for one of its measured values."""

    device: str
    measure: str
    equals: Scalar = None
    above: float | None = None
    below: float | None = None

    def holds(self, value: Scalar) -> bool:
        """Whether `value` is as wanted."""
        if self.above is None and self.below is None:
            return value == self.equals
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return (self.above is None or value > self.above) and (self.below is None or value < self.below)


@dataclass(frozen=True, slots=True)
class Fact:
    """Asks for something that is so as long as the run lasts."""

    name: str


@dataclass(frozen=True, slots=True)
class Guard:
    """A condition of one step, or of all steps of a preset inside another."""

    place: str
    """Whose condition it is; steps with the same place share one answer."""
    question: DeviceIs | Measured | Fact
    wanted: bool = True
    unknown: Unknown = "refuse"

    @property
    def device(self) -> str | None:
        """Whom it asks."""
        return None if isinstance(self.question, Fact) else self.question.device

    def words(self) -> dict[str, JsonValue]:
        """Return it for the journal."""
        asked = self.question
        if isinstance(asked, Fact):
            about: dict[str, JsonValue] = {"fact": asked.name}
        elif isinstance(asked, DeviceIs):
            told = asked.arguments.model_dump(mode="json")
            about = {"device": asked.device, "do": asked.verb.name, "args": told}
        else:
            limits = {"equals": asked.equals, "above": asked.above, "below": asked.below}
            about = {"device": asked.device, "measure": asked.measure}
            about |= {name: value for name, value in limits.items() if value is not None}
        return about | {"is": self.wanted}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a guard said."""

    met: bool | None
    """None: nobody could tell."""
    found: Scalar = None


async def ask(guard: Guard, devices: Mapping[str, Device], facts: frozenset[str], within: timedelta) -> Answer:
    """Return whether the guard's condition is met, within the step's time and `ASK_WITHIN_S`."""
    question = guard.question
    if isinstance(question, Fact):
        return Answer((question.name in facts) is guard.wanted)
    try:
        async with asyncio.timeout(min(within.total_seconds(), ASK_WITHIN_S)):
            is_so, found = await _ask(devices[question.device], question)
    except (DriverError, ValueError, TimeoutError) as error:
        log.info("guard not answered: %s", error, extra={"action": "guard", "device": question.device})
        return Answer(None)
    return Answer(None if is_so is None else is_so is guard.wanted, found)


async def _ask(device: Device, question: DeviceIs | Measured) -> tuple[bool | None, Scalar]:
    if isinstance(question, Measured):
        return _measured(await device.check(), question)
    if question.verb.read_back is None:
        return None, None
    answer = await question.verb.read_back(device, question.arguments)
    return answer.matches, next(iter(answer.values.values()), None)


def _measured(health: Health | None, question: Measured) -> tuple[bool | None, Scalar]:
    found = next((m for m in health.measures if m.name == question.measure), None) if health else None
    return (None, None) if found is None else (question.holds(found.value), found.value)


def foresee(guard: Guard, seen: Mapping[str, Sighting], facts: frozenset[str]) -> bool | None:
    """Return what the guard would say by what was last seen, without asking anybody; none: only the device knows."""
    question = guard.question
    if isinstance(question, Fact):
        return (question.name in facts) is guard.wanted
    if isinstance(question, DeviceIs):
        return None
    sighting = seen.get(question.device)
    is_so, _ = _measured(None if sighting is None else sighting.health, question)
    return None if is_so is None else is_so is guard.wanted


def why_not(guard: Guard, answer: Answer) -> Reason:
    """Return why a step is not carried out."""
    if answer.met is None:
        return Reason("guard.unknown", f"nobody could tell whether {guard.words()} holds", {"guard": guard.place})
    return Reason("guard.not_met", f"wanted {guard.words()}, found {answer.found}", {"found": answer.found})
