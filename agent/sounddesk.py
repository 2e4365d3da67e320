"""Everything that a room does with its sound, in one place for `agent.app` and the tablet.

A room has one sound: the first sound device of its file. Its meter, level history and alarms
are made here and run beside the engine; presses go through the engine like all others.
"""

from __future__ import annotations

import asyncio

from agent.baselines import Baselines
from agent.clock import Clock
from agent.engine import Engine
from agent.levels import LevelHistory
from agent.meter import Meter
from agent.soundguard import SoundGuard
from agent.store import Store
from agent.tones import Tones
from drivers.ports import Calibrates, Sound, TellsPorts


class SoundDesk:
    """The sound of one room; `run` keeps it."""

    def __init__(self, engine: Engine, sound: Sound, store: Store, clock: Clock) -> None:
        self.device = sound.name
        history = LevelHistory(store, engine.scribe.note_levels, clock)
        self.meter = Meter(sound, history, live=engine.live_session)
        engine.subscribe(self.meter.settle)
        self._guard = SoundGuard(engine, self.meter, clock)
        baselines = Baselines(store, sound.name)
        self.tones = Tones(engine, sound, baselines, clock)
        if isinstance(sound, Calibrates) and baselines.held is not None:
            sound.baseline = baselines.held.baseline
        if isinstance(sound, TellsPorts):
            sound.on_ports_changed = engine.equipment.keepers[sound.name].poke

    async def run(self) -> None:
        """Meter and watch, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.meter.run(), name="meter")
            group.create_task(self._guard.run(), name="sound alarms")
            group.create_task(self.tones.run(), name="tones")


def sound_desk(engine: Engine, store: Store, clock: Clock) -> SoundDesk | None:
    """Return what keeps the sound of the room; none where it has no sound."""
    sounds = (device for device in engine.equipment.devices.values() if isinstance(device, Sound))
    sound = next(sounds, None)
    return None if sound is None else SoundDesk(engine, sound, store, clock)
