"""Foresees which steps would make the room louder by more than one step at once. Pure.

`agent.gentle` refuses such a step while people hear the room. Whoever writes a room file
wants to know that at his desk, so the gains are followed from what was measured over what
each step sets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from agent.board import Sighting
from agent.presets import Preset, Step
from agent.roomfile import PhaseSettings
from drivers.ports import MAX_STEP_UP_DB

TOLERANCE_DB = 0.1
"""Faders round: a step of 6 dB may read a little more."""
PORTS = ("microphone", "speaker")

Gains = Mapping[tuple[str, str], float]
"""How many dB each port, channel or input stands at, by device and its own name; what nobody knows is missing."""


def measured_gains(seen: Mapping[str, Sighting]) -> Gains:
    """Return where the sound ports stood when they were last looked at."""
    return {
        (name, port): float(measure.value)
        for name, sighting in seen.items()
        for measure in (sighting.health.measures if sighting.health else ())
        for port in PORTS
        if measure.name == f"{port}.gain" and isinstance(measure.value, int | float)
    }


def gains_after(presets: Iterable[Preset], gains: Gains) -> Gains:
    """Return where everything stands once `presets` have run, one after another."""
    sets = [found for preset in presets for step in preset.steps if (found := _set_by(step)) is not None]
    return {**gains, **dict(sets)}


def gains_at_start(presets: Mapping[str, Preset], phases: PhaseSettings, seen: Mapping[str, Sighting]) -> Gains:
    """Return where everything stands when a session goes live: as measured, and as its preparation sets it."""
    prepare = presets.get(phases.prepare or "")
    return gains_after([prepare] if prepare else [], measured_gains(seen))


def jumps(preset: Preset, gains: Gains) -> frozenset[str]:
    """Return the steps of `preset` that go up by more than one step at once, beginning at `gains`."""
    found, now = set(), dict(gains)
    for step in preset.steps:
        if (wanted := _set_by(step)) is None:
            continue
        where, db = wanted
        if db - now.get(where, db) > MAX_STEP_UP_DB + TOLERANCE_DB:
            found.add(step.id)  # refused, so it stays where it was
        else:
            now[where] = db
    return frozenset(found)


def _set_by(step: Step) -> tuple[tuple[str, str], float] | None:
    """Return what a step sets to how many dB; none: it is about something else."""
    told = step.arguments.model_dump()
    db, name = told.get("db"), told.get("port") or told.get("channel") or told.get("input")
    is_gain = "careful" in told or step.verb.rise_db is not None
    return ((step.device, str(name)), float(db)) if is_gain and name and db is not None else None
