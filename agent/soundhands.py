"""What a hand on the tablet does to the sound, as presets of one step: mute, mute all, gain.

Like all presets they are journal entries first, are read back, and keep to what the runner
allows; unlike others they wait for no preset that is using the devices.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

from agent.devicelog import MUTE_ALL
from agent.engine import Engine
from agent.orders import Run
from agent.presets import Preset, Step
from drivers.ports import Device, Mixer, MutesAll, Sound
from drivers.verbs import VERBS, Nothing, PortGain, PortMute

WITHIN = timedelta(seconds=8)
MUTE_ALL_WITHIN = timedelta(seconds=15)
"""A sound worker that is being replaced takes some seconds; then the next one mutes."""
QUIETER_DB = 6.0
"""What an alarm of feedback offers."""


def set_mute(engine: Engine, device: str, port: str, on: bool, *, who: str) -> Run:
    """Mute or open one port."""
    step = Step("1", device, VERBS[Sound]["mute"], PortMute(port=port, on=on), WITHIN, verify=True)
    return engine.presses.by_hand(Preset("mute", {"id": "Bisukan", "en": "Mute"}, ((step,),)), who=who)


def set_gain(engine: Engine, device: str, port: str, db: float, *, who: str) -> Run:
    """Set the gain of one port."""
    step = Step("1", device, VERBS[Sound]["gain"], PortGain(port=port, db=db), WITHIN, verify=True)
    return engine.presses.by_hand(Preset("gain", {"id": "Penguatan", "en": "Gain"}, ((step,),)), who=who)


def mute_all(engine: Engine, *, who: str) -> Run:
    """Mute everything in the room that can be muted, all devices at once and before whatever waits."""
    steps = tuple(_silencing(engine.equipment.devices))
    preset = Preset(MUTE_ALL, {"id": "Bisukan semua", "en": "Mute everything"}, (steps,))
    return engine.presses.by_hand(preset, who=who, silences=True)


def _silencing(devices: Mapping[str, Device]) -> Iterator[Step]:
    for name, device in devices.items():
        if isinstance(device, Mixer):
            yield Step(f"1.{name}", name, VERBS[Mixer][MUTE_ALL], Nothing(), MUTE_ALL_WITHIN, verify=True)
        elif isinstance(device, MutesAll):
            yield Step(f"1.{name}", name, VERBS[MutesAll][MUTE_ALL], Nothing(), MUTE_ALL_WITHIN, verify=True)
