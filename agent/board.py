"""The health board: what each device was found to be when it was last looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from agent.alarm import alarming
from agent.clock import Clock
from drivers.errors import DeviceUnreachable, DriverError
from drivers.outcomes import Condition, Health

SETTINGS = frozenset({"microphone.muted", "speaker.muted", "microphone.gain", "speaker.gain"})
MIXER_MUTED = "mixer.muted."


def is_setting(name: str) -> bool:
    """Whether somebody sets what a measure of that name tells: another value is news, whoever did it."""
    return name in SETTINGS or name.startswith(MIXER_MUTED)


@dataclass(frozen=True, slots=True)
class Sighting:
    """One device as it was last found."""

    name: str
    kind: str
    required: bool
    health: Health | None = None
    """None while it was not looked at yet."""
    looked_at: datetime | None = None
    since: datetime | None = None
    """Since when its condition is what it is."""

    @property
    def condition(self) -> Condition | None:
        """What it is worth."""
        return None if self.health is None else self.health.condition

    @property
    def is_there(self) -> bool:
        """Whether it answers and has no fault."""
        return self.condition in {Condition.OK, Condition.DEGRADED}


Changed = Callable[[Sighting, Sighting], None]
"""Called with what was and what is, when a device's condition or a verdict changed."""


class HealthBoard:
    """One sighting per device, in the order of the room file."""

    def __init__(self, devices: Iterable[Sighting], clock: Clock) -> None:
        self._devices = {device.name: device for device in devices}
        self._clock = clock
        self._listeners: list[Changed] = []

    @property
    def devices(self) -> Mapping[str, Sighting]:
        """All devices by name."""
        return self._devices

    def subscribe(self, changed: Changed) -> None:
        """Call `changed` whenever somebody would decide otherwise."""
        self._listeners.append(changed)

    def post(self, name: str, found: Health | DriverError) -> None:
        """Take what a look at a device found."""
        health = found if isinstance(found, Health) else _health_of(found)
        before, now = self._devices[name], self._clock.now()
        since = before.since if before.condition is health.condition else now
        after = replace(before, health=health, looked_at=now, since=since)
        self._devices[name] = after
        if _verdicts(before.health) != _verdicts(health):
            for listener in self._listeners:
                listener(before, after)


def _health_of(error: DriverError) -> Health:
    """Return what an error says: no link is absence, an answer that is wrong is a fault."""
    condition = Condition.ABSENT if isinstance(error, DeviceUnreachable) else Condition.FAULT
    return Health(condition, reason=error.reason)


def _verdicts(health: Health | None) -> object:
    """Return what of a health is worth telling: no value that moves within its limits, but what alarms or was set."""
    if health is None:
        return None
    code = health.reason.code if health.reason else None
    occurrences = tuple(measure.value for measure in alarming(health).values())
    occurrences += tuple(measure.value for measure in health.measures if is_setting(measure.name))
    return health.condition, code, tuple((m.name, m.verdict) for m in health.measures), occurrences
