"""What differs between cameras, as data: ranges, speeds, steps per degree.

A profile is chosen by the camera's answer to CAM_VersionInq; `?profile=NAME` in the address
overrides it. A camera that no row knows gets `GENERIC`, whose limits every known camera keeps.
The sign of pan was not tried on real cameras.
"""

from __future__ import annotations

from dataclasses import dataclass

from drivers.visca.table import Version

SONY = 0x0001
SONY_EVI = 0x0020
"""What Sony cameras of the EVI era answered as vendor."""

VENDORS = {SONY: "Sony", SONY_EVI: "Sony", 0x0109: "BirdDog", 0x2574: "AVer"}

MODELS = {
    0x0511: "SRG-120DH",
    0x0513: "SRG-300H",
    0x0516: "SRG-300SE",
    0x0519: "BRC-X1000",
    0x051C: "BRC-X400",
    0x051D: "BRC-X401",
    0x051E: "FR7",
    0x051F: "AM7",
    0x0604: "SRG-360SHE",
    0x0617: "SRG-X400",
    0x0618: "SRG-X120",
    0x061F: "SRG-X40UH",
    0x0621: "SRG-A40",
}
"""Names of Sony's model codes."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What one family of cameras can do."""

    name: str
    models: frozenset[int]
    steps_per_degree: float
    pan_deg: tuple[float, float]
    tilt_deg: tuple[float, float]
    pan_speed_max: int
    tilt_speed_max: int
    one_speed: bool
    """An absolute move takes one speed for both axes and 00 in the second place."""
    memories: range
    zoom_end: int = 0x4000
    """Steps at the end of the optical range."""
    pan_deg_per_s: float = 60.0
    """The slower of pan and tilt at full speed, for time limits; guessed low where no manual says it."""
    zoom_through_s: float = 8.0
    """Time from one end of the zoom to the other, guessed long."""

    def steps(self, degrees: float) -> int:
        """Return the position in the camera's steps."""
        return round(degrees * self.steps_per_degree)

    def degrees(self, steps: int) -> float:
        """Return the camera's steps in degrees, to a hundredth."""
        return round(steps / self.steps_per_degree, 2)

    @property
    def longest_travel_s(self) -> float:
        """The time that the longest move of all may take."""
        span = max(self.pan_deg[1] - self.pan_deg[0], self.tilt_deg[1] - self.tilt_deg[0])
        return max(span / self.pan_deg_per_s, self.zoom_through_s)


GENERIC = Profile(
    name="generic",
    models=frozenset(),
    # EVI-D70 technical manual, p. 42: pan F725 to 08DB, tilt FE70 to 04B0.
    steps_per_degree=0x08DB / 170,
    pan_deg=(-170.0, 170.0),
    tilt_deg=(-30.0, 90.0),
    pan_speed_max=0x18,
    tilt_speed_max=0x14,
    one_speed=False,
    memories=range(6),
)
BRC_X400 = Profile(
    name="brc-x400",
    models=frozenset({0x051C, 0x051D}),
    # BRC-X400/X401 command list: pan DE00 to 2200, tilt FC00 to 1200.
    steps_per_degree=51.2,
    pan_deg=(-170.0, 170.0),
    tilt_deg=(-20.0, 90.0),
    pan_speed_max=0x18,
    tilt_speed_max=0x17,
    one_speed=True,
    memories=range(100),
    pan_deg_per_s=91.0,
)

PROFILES = {profile.name: profile for profile in (GENERIC, BRC_X400)}


def profile_for(version: Version) -> Profile:
    """Return the profile of the camera that answered `version`."""
    if version.vendor in {SONY, SONY_EVI}:
        for profile in PROFILES.values():
            if version.model in profile.models:
                return profile
    return GENERIC
