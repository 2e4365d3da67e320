"""Readiness: what the measured devices add up to. Pure.

A required device that is absent, faulty or not looked at makes the room *not ready*; an
optional one, and anything degraded or unproven, makes it *degraded*. *Ready* means that
everything was measured and is well.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from agent.board import Sighting
from contract.words import Readiness
from drivers.outcomes import Condition, Measure, Reason, Verdict


@dataclass(frozen=True, slots=True)
class Assessment:
    """The verdict and why, the worst first."""

    readiness: Readiness
    reasons: tuple[Reason, ...] = ()
    blocking: tuple[Reason, ...] = ()
    """Those of the reasons without whose end the room is not ready."""


def assess(devices: Iterable[Sighting]) -> Assessment:
    """Return what `devices` add up to."""
    blocking: list[Reason] = []
    hindering: list[Reason] = []
    for device in devices:
        reason = _trouble(device)
        if reason is not None:
            (blocking if device.required and not device.is_there else hindering).append(reason)
    if blocking:
        return Assessment(Readiness.NOT_READY, (*blocking, *hindering), tuple(blocking))
    return Assessment(Readiness.DEGRADED if hindering else Readiness.READY, tuple(hindering))


def _trouble(device: Sighting) -> Reason | None:
    """Return what is not well with a device."""
    health = device.health
    if health is None:
        return Reason("device.not_looked_at", f"{device.name}: not looked at yet", {"device": device.name})
    if health.condition is Condition.OK:
        unproven = next((m for m in health.measures if m.verdict is Verdict.UNPROVEN), None)
        return None if unproven is None else _named(device, unproven.reason or _unproven(device, unproven))
    detail = f"{device.name} is {health.condition}"
    return _named(device, health.reason or Reason(f"device.{health.condition}", detail))


def _unproven(device: Sighting, measure: Measure) -> Reason:
    return Reason("device.unproven", f"{device.name}: {measure.name} was not proven", {"measure": measure.name})


def _named(device: Sighting, reason: Reason) -> Reason:
    return Reason(reason.code, reason.detail, {**reason.values, "device": device.name})
