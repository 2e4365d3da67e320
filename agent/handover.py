"""What the end of one session leaves on for the next. Pure.

A lamp that is switched off and on again at once lives shorter and takes minutes to come
back. So an end does not switch off what the next session's presets switch on, when that
session's preparation begins soon; everything else of the end is done.
"""

from __future__ import annotations

from collections.abc import Iterable

from agent.presets import Preset, Step

SWITCHES = frozenset({"power", "switch", "virtual-camera", "studio-mode"})
"""Verbs that switch something that takes its time; muting and recording are not among them."""


def kept_for(following: Iterable[Preset], end: Preset) -> tuple[Step, ...]:
    """Return the steps of `end` that would switch off what the presets of the next session switch on."""
    needed = {_switch(step) for preset in following for step in preset.steps if _switches(step, on=True)}
    return tuple(step for step in end.steps if _switches(step, on=False) and _switch(step) in needed)


def _switches(step: Step, *, on: bool) -> bool:
    return step.verb.name in SWITCHES and getattr(step.arguments, "on", None) is on


def _switch(step: Step) -> tuple[str, str, str]:
    """Return what is switched, whichever way."""
    return step.device, step.verb.name, step.arguments.model_dump_json(exclude={"on"})
