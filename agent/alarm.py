"""Alarms: findings at a device that nobody may overlook, even where the device itself works on. Pure.

A camera that goes on moving after STOP, and one that the watchdog had to stop because this
process stood still; a recording that is about to fill its disk, which is never stopped for
that. An alarm is raised once for each occurrence and ends when a look at the
device no longer finds it; a device that does not answer ends nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from drivers.outcomes import Health, Measure, Reason, Scalar, Verdict

STOP, WATCHDOG, RECORDING_DISK = "stop", "watchdog", "recording_disk"
ALARMS = (STOP, WATCHDOG, RECORDING_DISK)
"""Names of the measures that raise one when they are not well; another value is another occurrence."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """One open alarm."""

    device: str
    name: str
    value: Scalar
    """What was measured; tells one occurrence from the next."""
    reason: Reason
    at: datetime
    """When it was first seen."""
    critical: bool


@dataclass(frozen=True, slots=True)
class Change:
    """An alarm that was raised, or has ended."""

    alarm: Alarm
    raised: bool


def alarming(health: Health | None) -> Mapping[str, Measure]:
    """Return by name the measures of `health` that raise an alarm."""
    measures = health.measures if health is not None else ()
    return {m.name: m for m in measures if m.name in ALARMS and m.verdict in {Verdict.WARN, Verdict.FAIL}}


class Alarms:
    """The open alarms of one room."""

    def __init__(self) -> None:
        self.open: dict[tuple[str, str], Alarm] = {}
        """By device and name."""

    def take(self, change: Change) -> None:
        """Take a change that was found elsewhere, such as by `agent.soundwatch`."""
        key = (change.alarm.device, change.alarm.name)
        if change.raised:
            self.open[key] = change.alarm
        else:
            self.open.pop(key, None)

    def see(self, device: str, health: Health | None, at: datetime) -> list[Change]:
        """Take what a look at `device` found, and return what that changed; without measures nothing is known."""
        if health is None or not health.measures:
            return []
        found = alarming(health)
        ended = [self._end(device, name) for name in ALARMS if name not in found]
        raised = [self._raise(device, measure, at) for measure in found.values()]
        return [change for change in (*ended, *raised) if change is not None]

    def _end(self, device: str, name: str) -> Change | None:
        alarm = self.open.pop((device, name), None)
        return None if alarm is None else Change(alarm, raised=False)

    def _raise(self, device: str, measure: Measure, at: datetime) -> Change | None:
        known = self.open.get((device, measure.name))
        if known is not None and known.value == measure.value:
            return None
        detail = f"{device}: {measure.name} is {measure.value}"
        reason = measure.reason or Reason(f"device.{measure.verdict}", detail)
        alarm = Alarm(device, measure.name, measure.value, reason, at, measure.verdict is Verdict.FAIL)
        self.open[device, measure.name] = alarm
        return Change(alarm, raised=True)
