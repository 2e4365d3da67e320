"""Where a camera may look: the limits that its address sets, told to the camera and kept here as well."""

from __future__ import annotations

from collections.abc import Iterator

from drivers.ports import Position
from drivers.visca import table
from drivers.visca.motion import Limits
from drivers.visca.profiles import Profile
from drivers.visca.row import Row

OFF = "off"
_DOWN_LEFT, _UP_RIGHT = 0, 1


class Fence:
    """The limits wished for: some, `off` for clearing the camera's own, or nothing at all."""

    def __init__(self, wished: Limits | str) -> None:
        self._wished = wished

    @property
    def stands(self) -> bool:
        """Whether there are limits to keep."""
        return isinstance(self._wished, Limits)

    def room(self, profile: Profile) -> Limits:
        """Return where the camera may look; limits that leave nothing of its reach are none of this camera."""
        reach = Limits.of(profile)
        room = self._wished.within(reach) if isinstance(self._wished, Limits) else reach
        return room if room.left < room.right and room.down < room.up else reach

    def holds(self, profile: Profile, at: Position) -> bool:
        """Tell whether `at` lies inside, but for the profile's tolerance."""
        if not self.stands:
            return True
        near = self.room(profile).nearest(at.pan_deg, at.tilt_deg)
        return max(abs(near[0] - at.pan_deg), abs(near[1] - at.tilt_deg)) <= profile.tolerance_deg

    def commands(self, profile: Profile) -> Iterator[tuple[Row, tuple[int, ...]]]:
        """Yield what the camera is to be told; nothing where it keeps no limits or nobody wishes any."""
        if not profile.knows(table.LIMIT_SET):
            return
        if self.stands:
            room, steps = self.room(profile), profile.steps
            yield table.LIMIT_SET, (_DOWN_LEFT, steps(room.left), steps(room.down, "tilt"))
            yield table.LIMIT_SET, (_UP_RIGHT, steps(room.right), steps(room.up, "tilt"))
        elif self._wished == OFF:
            pan, tilt = (field.bounds(profile.widths)[1] for field in table.LIMIT_CLEAR.fields[1:])
            for corner in (_DOWN_LEFT, _UP_RIGHT):
                yield table.LIMIT_CLEAR, (corner, pan, tilt)
