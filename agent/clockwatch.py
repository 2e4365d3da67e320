"""Notices that the wall clock was set, or that the machine slept, by holding its clocks side by side."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from agent.clock import Clock

NOTICED_FROM = timedelta(seconds=2)
"""What a time service corrects little by little stays below."""


@dataclass(frozen=True, slots=True)
class Disturbance:
    """What became of time since it was last looked at."""

    jumped: timedelta = timedelta(0)
    """How far the time that counts went from where it was; negative: back."""
    slept: timedelta = timedelta(0)
    refused: timedelta = timedelta(0)
    """How far the machine's wall clock was set without being followed, or came back from there."""


class ClockWatch:
    """Compares the clocks each time it is asked."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = clock.now(), clock.mono_ms(), clock.awake_ms(), clock.wrong_by()

    def look(self) -> Disturbance:
        """Return what happened since the last look; what is too small to matter is nothing."""
        clock = self._clock
        wall, mono_ms, awake_ms, wrong_by = clock.now(), clock.mono_ms(), clock.awake_ms(), clock.wrong_by()
        wall_before, mono_before, awake_before, wrong_before = self._last
        self._last = wall, mono_ms, awake_ms, wrong_by
        passed = timedelta(milliseconds=mono_ms - mono_before)
        slept = passed - timedelta(milliseconds=awake_ms - awake_before)
        return Disturbance(_if_large(wall - wall_before - passed), _if_large(slept), _if_large(wrong_by - wrong_before))


def _if_large(found: timedelta) -> timedelta:
    return found if abs(found) >= NOTICED_FROM else timedelta(0)
