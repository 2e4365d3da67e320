"""What a look at a camera found, as measures with limits and what to do. No input or output."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from drivers.outcomes import Measure, Reason, Scalar, Verdict
from drivers.ports import Position
from drivers.visca.profiles import Profile

ROUND_TRIP_LIMIT_MS = 200


class Reasons(Protocol):
    """Makes a reason that names the camera."""

    def __call__(self, code: str, detail: str, **values: Scalar) -> Reason:
        """Return it."""


def power(on: bool, why: Reasons) -> Measure:
    """Say whether the camera is on."""
    if on:
        return Measure("power", "on", Verdict.PASS, limit="on")
    reason = why("camera.in_standby", "wanted it on, found it in standby")
    return Measure("power", "standby", Verdict.WARN, limit="on", reason=reason)


def round_trip(took_ms: float, why: Reasons) -> Measure:
    """Say whether an answer came soon enough to drive by."""
    limit = f"<= {ROUND_TRIP_LIMIT_MS} ms"
    if took_ms <= ROUND_TRIP_LIMIT_MS:
        return Measure("rtt_ms", took_ms, Verdict.PASS, "ms", limit)
    reason = why("camera.slow", f"wanted an answer {limit}, found {took_ms:g} ms", rtt_ms=took_ms)
    return Measure("rtt_ms", took_ms, Verdict.WARN, "ms", limit, reason)


def place(at: Position) -> Iterator[Measure]:
    """Say where it looks; no place is wrong by itself."""
    yield Measure("pan_deg", at.pan_deg, Verdict.PASS, "deg")
    yield Measure("tilt_deg", at.tilt_deg, Verdict.PASS, "deg")
    yield Measure("zoom", at.zoom, Verdict.PASS)


def blind(profile: Profile, why: Reasons) -> Measure:
    """Say that a camera which cannot answer proves nothing."""
    reason = why("camera.blind", f"wanted answers, found a camera that cannot give any ({profile.name})")
    return Measure("answers", None, Verdict.UNPROVEN, limit="answers", reason=reason)


def not_stopping(why: Reasons) -> Measure:
    """Say that it goes on moving after STOP."""
    reason = why("camera.not_stopping", "wanted it to stand after STOP, found it moving")
    return Measure("stop", "moving", Verdict.FAIL, limit="still", reason=reason)


def keeps_no_limits(profile: Profile, why: Reasons) -> Measure:
    """Say that the limits wished for are kept by us alone."""
    reason = why("camera.no_limits", f"wanted limits, found a camera that keeps none ({profile.name})")
    return Measure("limits", "not kept", Verdict.WARN, limit="kept", reason=reason)


def stopped_by_watchdog(times: int, why: Reasons) -> Measure:
    """Say that this program stood still while the camera was driven."""
    reason = why("camera.stopped_by_watchdog", "wanted STOP from the event loop, found it standing still")
    return Measure("watchdog", times, Verdict.WARN, limit="0", reason=reason)
