"""What the room's presets will ask of a switcher, so that it can be looked for before. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from agent.course import Course
from agent.plan import end_of
from agent.presets import Preset, Step
from agent.session import BEFORE
from contract.messages import PlannedSession
from contract.words import Phase
from drivers.ports import ShowWanted

_SCENES = frozenset({"scene", "preview"})
_INPUTS = frozenset({"mute", "volume"})


@dataclass(frozen=True, slots=True)
class Situation:
    """The session that has the room, if any, and what its phases run."""

    now: datetime
    plan: PlannedSession | None = None
    course: Course = field(default_factory=Course)
    prepare: Preset | None = None
    live: Preset | None = None


def wanted_of(device: str, presets: Mapping[str, Preset], at: Situation, *, listens: bool = False) -> ShowWanted:
    """Return what `presets` ask of the switcher `device`, and what should be so by now."""
    steps = [step for preset in presets.values() for step in _of(preset, device)]
    verbs = {step.verb.name for step in steps if getattr(step.arguments, "on", True)}
    ran = reached(at)
    now = [step for preset in ran for step in _of(preset, device)]
    return ShowWanted(
        scenes=_unique(_text(step, "name") for step in steps if step.verb.name in _SCENES),
        sources=tuple(dict.fromkeys((_text(s, "scene"), _text(s, "source")) for s in steps if s.verb.name == "source")),
        inputs={_text(step, "input"): None for step in steps if step.verb.name in _INPUTS} | _mutes(now),
        listens=listens,
        collection=_last(now, "collection"),
        profile=_last(now, "profile"),
        virtual_camera="virtual-camera" in verbs,
        virtual_camera_now=_is_on(now, "virtual-camera") is True,
        studio_mode="studio-mode" in verbs,
        recording=_recording(at, now),
        streaming=_is_on(now, "stream"),
        recording_for=_length(at) if any(step.verb.records(step.arguments) for step in steps) else None,
    )


def _of(preset: Preset, device: str) -> Iterator[Step]:
    return (step for step in preset.steps if step.device == device)


def reached(at: Situation) -> tuple[Preset, ...]:
    """Return the presets whose effect should stand now, in their order."""
    if at.course.phase is Phase.READY:
        return (at.prepare,) if at.prepare else ()
    if at.course.phase is Phase.LIVE and at.course.is_set_live:
        return tuple(preset for preset in (at.prepare, at.live) if preset)
    return ()


def _recording(at: Situation, now: list[Step]) -> bool | None:
    """Return whether it should record; a person may also start one by hand while it is allowed."""
    asked = _is_on(now, "record")
    if at.plan is not None and not at.plan.recording:
        return False if at.course.phase in {Phase.READY, Phase.LIVE} else None
    return asked


def _length(at: Situation) -> timedelta | None:
    """Return how much of the session is still to be recorded."""
    if at.plan is None or not at.plan.recording:
        return None
    began = at.plan.start if at.course.phase in BEFORE else at.now
    return max(end_of(at.plan, at.course) - began, timedelta(0))


def _mutes(steps: list[Step]) -> dict[str, bool | None]:
    return {
        _text(step, "input"): bool(getattr(step.arguments, "on", False)) for step in steps if step.verb.name == "mute"
    }


def _is_on(steps: list[Step], verb: str) -> bool | None:
    found = [bool(getattr(step.arguments, "on", False)) for step in steps if step.verb.name == verb]
    return found[-1] if found else None


def _last(steps: list[Step], verb: str) -> str:
    found = [_text(step, "name") for step in steps if step.verb.name == verb]
    return found[-1] if found else ""


def _text(step: Step, name: str) -> str:
    return str(getattr(step.arguments, name, ""))


def _unique(names: Iterator[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
