"""How a command to a device ended, and what the device said of itself.

`Outcome` has seven values and no eighth: a command that nobody can vouch for is `UNKNOWN`,
never a success. Two of them are good. The other five reach a caller as a `DriverError`
that carries the outcome, so that a failure cannot be overlooked by not reading a result.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

Scalar = bool | int | float | str | None


class Outcome(StrEnum):
    """The end of one command."""

    COMPLETED = "completed"
    """The device said that it is done."""
    SETTLED = "settled"
    """The device did not say so, but its state was read back and rests where it was wanted."""
    REFUSED = "refused"
    """The device, or the driver before it, declined; nothing moved."""
    CANCELLED = "cancelled"
    """Somebody took it back while it ran."""
    SUPERSEDED = "superseded"
    """A newer command for the same axis took its place before it was sent."""
    UNKNOWN = "unknown"
    """It was sent and may or may not have run."""
    DISCONNECTED = "disconnected"
    """There was no link, or the link broke before it was sent."""

    @property
    def good(self) -> bool:
        """Whether the wanted state was reached."""
        return self in {Outcome.COMPLETED, Outcome.SETTLED}


@dataclass(frozen=True, slots=True)
class Result:
    """A command that reached its state."""

    outcome: Outcome
    elapsed: timedelta
    read_back: Mapping[str, Scalar] = field(default_factory=dict)
    """What the device answered when asked afterwards; names carry their unit."""


class Condition(StrEnum):
    """What a device is worth right now."""

    OK = "ok"
    DEGRADED = "degraded"
    FAULT = "fault"
    ABSENT = "absent"


class Verdict(StrEnum):
    """What a measured value says; `UNPROVEN` is never shown as green."""

    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"
    UNPROVEN = "unproven"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something is not well, as a stable code that each screen puts into its language."""

    code: str
    """Dotted and stable, for example `camera.no_answer`."""
    detail: str
    """The same in plain English, for logs: the thing, what was wanted, what was found."""
    values: Mapping[str, Scalar] = field(default_factory=dict)
    """What the sentence needs, by name."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One measured value of a device."""

    name: str
    value: Scalar
    verdict: Verdict
    unit: str = ""
    limit: str = ""
    """What was wanted, readable: `<= 200 ms`."""
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """What one look at the hardware found."""

    condition: Condition
    measures: tuple[Measure, ...] = ()
    reason: Reason | None = None
    """The worst finding; none when all is well."""


def judge(measures: tuple[Measure, ...]) -> Health:
    """Return the health that `measures` add up to: any fail is a fault, any warn or unproven degrades."""
    worst = {m.verdict: m for m in reversed(measures)}
    if Verdict.FAIL in worst:
        return Health(Condition.FAULT, measures, worst[Verdict.FAIL].reason)
    for verdict in (Verdict.WARN, Verdict.UNPROVEN):
        if verdict in worst:
            return Health(Condition.DEGRADED, measures, worst[verdict].reason)
    return Health(Condition.OK, measures)
