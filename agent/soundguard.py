"""Looks twice a second whether anybody must be told something of the room's sound; does nothing else.

It asks no device: levels and looks come from those who read them anyhow, and what it finds
goes into the journal, onto the tablet and to central. `agent.soundwatch` has the rules.
"""

from __future__ import annotations

import asyncio
import time

from agent.clock import Clock
from agent.devicelog import DeviceLog
from agent.engine import Engine
from agent.meter import Meter
from agent.soundwatch import MICROPHONE, Heard, SoundPhase, SoundWatch, heard_of, phase_of, wants_open
from agent.wanted import reached

LOOK_EVERY_S = 0.5


class SoundGuard:
    """The alarms of one sound device; `run` does the looking."""

    def __init__(self, engine: Engine, meter: Meter, clock: Clock) -> None:
        self._engine = engine
        self._meter = meter
        self._clock = clock
        self._watch = SoundWatch(meter.device)

    async def run(self) -> None:
        """Look, until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    def look(self) -> None:
        """Tell what has begun or ended."""
        log: DeviceLog = self._engine.device_log
        for change in self._watch.look(self._heard(), self.phase, self._clock.now(), time.monotonic()):
            log.tell(change)

    @property
    def phase(self) -> SoundPhase:
        """What the room is doing."""
        return sound_phase(self._engine)

    def _heard(self) -> Heard:
        level, seen = self._meter.newest(), self._engine.equipment.board.devices[self._meter.device]
        return heard_of(
            seen.health,
            None if level is None else level.flags | ({"digital_zero"} if level.digital_zero else set()),
            muted=self._engine.device_log.mute_of(MICROPHONE),
            wants_open=wants_open(reached(self._engine.situation()), self._meter.device),
        )


def sound_phase(engine: Engine) -> SoundPhase:
    """Return what the room is doing, as far as its sound is concerned."""
    front = engine.front()
    return phase_of(None if front is None else engine.course(front.id).phase)
