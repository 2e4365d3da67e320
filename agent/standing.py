"""Whether what the preparation set still stands: each device is asked again for its certificate.

Only what the preparation reached is asked for, and of each thing the last that was said. A
camera whose memory's place nobody knows is held to where the preparation left it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from agent.presets import Preset, Step
from agent.resume import step_key
from contract.messages import Entry
from contract.words import EntryKind, StepOutcome
from drivers.errors import DriverError
from drivers.outcomes import Measure, Reason, Scalar, Verdict
from drivers.ports import Device
from drivers.verbs import ReadBack

ASK_WITHIN_S = 5.0
SAME_PLACE = {"pan_deg": 0.5, "tilt_deg": 0.5, "zoom": 0.02}
"""How far a camera may be from where the preparation left it."""
_STATES = {"on", "name", "memory", "db", "text", "duration_ms", "careful"}
"""Arguments that say where to, not of what."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One thing that the preparation set."""

    step: Step
    was: Mapping[str, JsonValue]
    """What the device said then."""

    @property
    def name(self) -> str:
        """What its measure is called."""
        port = getattr(self.step.arguments, "port", None)
        return ".".join(("prepared", self.step.verb.name, *([str(port)] if port else [])))


def standing_of(prepare: Preset, entries: Iterable[Entry]) -> tuple[Standing, ...]:
    """Return what stands once `prepare` was carried out as `entries` tell, and can be asked for."""
    ended = {step_key(e.device, e.body): e for e in entries if e.kind == EntryKind.STEP_ENDED}
    found: dict[tuple[str, str, str], Standing] = {}
    for step in prepare.steps:
        entry = ended.get(step_key(step.device, step.told()))
        if entry is None or step.verb.read_back is None or not StepOutcome(entry.outcome or "unknown").good:
            continue
        subject = step.arguments.model_dump_json(exclude=_STATES)
        was = entry.body.get("read_back")
        found[step.device, step.verb.name, subject] = Standing(step, was if isinstance(was, dict) else {})
    return tuple(found.values())


async def look(standing: Standing, device: Device) -> Measure:
    """Ask `device` whether it is still there; an answer that does not come proves nothing."""
    step = standing.step
    if step.verb.read_back is None:
        return _unproven(standing)
    try:
        async with asyncio.timeout(ASK_WITHIN_S):
            found = await step.verb.read_back(device, step.arguments)
    except (DriverError, ValueError, TimeoutError):
        return _unproven(standing)
    value = next(iter(found.values.values()), None)
    if _is_as_it_was(found, standing.was):
        return Measure(standing.name, value, Verdict.PASS)
    detail = f"{step.device}: prepared with {step.verb.name} {standing.was}, found {dict(found.values)}"
    reason = Reason("step.not_as_prepared", detail, {"found": value})
    return Measure(standing.name, value, Verdict.WARN, reason=reason)


def _is_as_it_was(found: ReadBack, was: Mapping[str, JsonValue]) -> bool:
    if not found.matches:
        return False
    return "proved" in found.values or all(_is_near(name, found.values, was) for name in SAME_PLACE)


def _is_near(name: str, found: Mapping[str, Scalar], was: Mapping[str, JsonValue]) -> bool:
    now, then = found.get(name), was.get(name)
    if not isinstance(now, int | float) or not isinstance(then, int | float):
        return True  # it has no place, or nobody wrote it down
    return abs(now - then) <= SAME_PLACE[name]


def _unproven(standing: Standing) -> Measure:
    step = standing.step
    reason = Reason("step.not_asked_back", f"{step.device}: {step.verb.name} could not be asked for")
    return Measure(standing.name, None, Verdict.UNPROVEN, reason=reason)
