"""The level of each sound input, twenty times a second, for whoever asked for it."""

from __future__ import annotations

from drivers.obs.sim.client import Body
from drivers.obs.sim.sources import Input
from drivers.obs.sim.studio import Studio

EVERY_S = 0.05
_CHANNELS = 2


def levels(studio: Studio) -> Body:
    """Return what InputVolumeMeters tells."""
    heard = {name: one for name, one in studio.inputs.items() if one.has_sound}
    return {"inputs": [{"inputName": name, "inputLevelsMul": _of(studio, one)} for name, one in heard.items()]}


def _of(studio: Studio, one: Input) -> list[list[float]]:
    """Return magnitude, peak, and the peak before fader and mute, of each channel."""
    live = 0.0 if studio.faults.microphone_dead else one.level * studio.chance.uniform(0.8, 1.0)
    out = 0.0 if one.muted else live * one.gain_mul
    return [[0.7 * out, out, live]] * _CHANNELS
