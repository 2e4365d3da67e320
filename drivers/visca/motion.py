"""Where a camera may go, how fast, how long that takes, and whether it is there.

Pure reckoning on a profile's figures: no input or output, time is an argument. Degrees are
the room's (to the right and upwards positive), codes are the camera's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from drivers.outcomes import Scalar
from drivers.ports import Position
from drivers.visca.profiles import Profile

RAMP_S = 1.0
"""What speeding up, braking and coming to rest may add to distance by speed."""
STILL_DEG = 0.05
STILL_ZOOM = 0.001
"""Two answers nearer than this are one place: the last step of an encoder may flicker."""
AHEAD = 1.5
"""A bounded drive goes at most so many leases ahead."""
LONGEST_S = 600.0
"""No move takes longer, however slow: a profile may say 0.01 degrees a second."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The corner points that a camera may not leave, in degrees."""

    left: float
    right: float
    down: float
    up: float

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the limits that `LEFT,RIGHT,DOWN,UP` writes.

        Raises:
            ValueError: not four numbers, or they leave no room between them.
        """
        try:
            left, right, down, up = map(float, text.split(","))
        except ValueError:
            raise ValueError(f"limits must be LEFT,RIGHT,DOWN,UP in degrees or off, got {text!r}") from None
        if not (left < right and down < up):
            raise ValueError(f"limits must go from left to right and from down to up, got {text!r}")
        return cls(left, right, down, up)

    @classmethod
    def of(cls, profile: Profile) -> Self:
        """Return what the camera can reach."""
        return cls(*profile.pan_deg, *profile.tilt_deg)

    def within(self, other: Limits) -> Self:
        """Return what lies in both."""
        return type(self)(
            max(self.left, other.left),
            min(self.right, other.right),
            max(self.down, other.down),
            min(self.up, other.up),
        )

    def nearest(self, pan_deg: float, tilt_deg: float) -> tuple[float, float]:
        """Return the allowed place nearest to a wanted one."""
        return min(max(pan_deg, self.left), self.right), min(max(tilt_deg, self.down), self.up)


@dataclass(frozen=True, slots=True)
class Deviation:
    """How far a camera is from where it was when a memory was stored."""

    expected: Position
    off_deg: float
    off_zoom: float
    within: bool
    """Not beyond the profile's tolerance."""

    @property
    def values(self) -> Mapping[str, Scalar]:
        """The same for results and messages."""
        return {
            "expected_pan_deg": self.expected.pan_deg,
            "expected_tilt_deg": self.expected.tilt_deg,
            "expected_zoom": self.expected.zoom,
            "off_deg": self.off_deg,
            "off_zoom": self.off_zoom,
        }


def deviation(profile: Profile, expected: Position, found: Position) -> Deviation:
    """Return how far `found` is from `expected`."""
    off_deg = round(max(abs(expected.pan_deg - found.pan_deg), abs(expected.tilt_deg - found.tilt_deg)), 2)
    off_zoom = round(abs(expected.zoom - found.zoom), 4)
    within = off_deg <= profile.tolerance_deg and off_zoom <= profile.tolerance_zoom
    return Deviation(expected, off_deg, off_zoom, within)


def rests(before: Position, after: Position) -> bool:
    """Whether two answers in a row are one place."""
    way_deg = max(abs(before.pan_deg - after.pan_deg), abs(before.tilt_deg - after.tilt_deg))
    return way_deg <= STILL_DEG and abs(before.zoom - after.zoom) <= STILL_ZOOM


# Speeds.


def speed_code(share: float, fastest: int) -> int:
    """Return the camera's code for a share of its full speed; 00 is no speed, so the slowest is 1."""
    return max(1, round(abs(share) * fastest))


def zoom_code(share: float, fastest: int) -> int:
    """Return the byte of a zoom drive: `2p` in, `3p` out."""
    return (0x20 if share > 0 else 0x30) + round(abs(share) * fastest)


# Time.


def turn_s(start: Position, end: Position, deg_per_s: float) -> float:
    """Return the time that pan and tilt may take from `start` to `end`, ramps included."""
    way_deg = max(abs(start.pan_deg - end.pan_deg), abs(start.tilt_deg - end.tilt_deg))
    return min(way_deg / deg_per_s + RAMP_S, LONGEST_S)


def zoom_s(profile: Profile, start: float, end: float) -> float:
    """Return the time that the zoom may take."""
    return abs(end - start) * profile.zoom_through_s + RAMP_S


def recall_s(profile: Profile, start: Position, expected: Position | None) -> float:
    """Return the time that a recall may take; where nobody knows the place, that of the longest way."""
    if expected is None:
        return min(profile.longest_travel_s + RAMP_S, LONGEST_S)
    turning_s = turn_s(start, expected, profile.preset_deg_per_s)
    return max(turning_s, zoom_s(profile, start.zoom, expected.zoom))


def ahead(
    profile: Profile, limits: Limits, at: Position, speeds: tuple[float, float], *, lease_s: float
) -> tuple[float, float]:
    """Return where a bounded drive from `at` may go: as far as its speed brings it in one and a half leases."""

    def way_deg(share: float, fastest: int) -> float:
        if not share:
            return 0.0
        reach_deg = profile.deg_per_s(speed_code(share, fastest)) * AHEAD * lease_s
        return reach_deg if share > 0 else -reach_deg

    across, along = way_deg(speeds[0], profile.pan_speed_max), way_deg(speeds[1], profile.tilt_speed_max)
    return limits.nearest(at.pan_deg + across, at.tilt_deg + along)
