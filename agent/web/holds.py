"""Who moves which camera by hand.

A hold is absolute and repeated: the page sends it at once and every 100 ms while the finger
is down. Each one renews a lease; when a page falls silent the camera stops when the lease
ends, whatever was lost. The newest hold owns a camera: an older one's repeats and its stop
no longer count, so a stray release cannot end somebody else's move.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import structlog

from agent.web.face import Refused, RoomFace

LEASE = timedelta(milliseconds=350)
"""Three repeats lost in a row, and a little more."""

SPEEDS = {1: 0.15, 2: 0.5}
"""Share of the camera's full speed: fine and normal."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Hold:
    """One message of a held button."""

    id: int
    camera: str
    pan: float
    tilt: float
    zoom: float

    @classmethod
    def parse(cls, message: Mapping[str, object]) -> Hold | None:
        """Return what `message` says, or None when it says nothing sensible."""
        ident, camera, speed = message.get("id"), message.get("cam"), message.get("speed", 2)
        axes = [_direction(message.get(name)) for name in ("pan", "tilt", "zoom")]
        if (
            not isinstance(ident, int)
            or not isinstance(camera, str)
            or not isinstance(speed, int)
            or speed not in SPEEDS
        ):
            return None
        pan, tilt, zoom = (axis * SPEEDS[speed] for axis in axes)
        return cls(ident, camera, pan, tilt, zoom)


def _direction(value: object) -> float:
    return max(-1.0, min(1.0, float(value))) if isinstance(value, int | float) else 0.0


class Holds:
    """The hands on the cameras of one room, over all its tablets."""

    def __init__(self, room: RoomFace) -> None:
        self._room = room
        self._owners: dict[str, tuple[object, int]] = {}
        self._ended: dict[object, int] = {}

    async def hold(self, page: object, hold: Hold) -> None:
        """Move, or go on moving; ignored when the hold has ended or lost the camera to a newer one."""
        if hold.camera not in self._room.facts.cameras or hold.id <= self._ended.get(page, -1):
            return
        owner = self._owners.get(hold.camera)
        if owner != (page, hold.id):
            if owner and owner[0] == page and owner[1] > hold.id:
                return
            self._forget_older(page, hold.id)
            self._take_over(page, hold)
        try:
            await self._room.drive(hold.camera, hold.pan, hold.tilt, hold.zoom, lease=LEASE)
        except Refused as refused:
            log.info("hold refused", action="hold_refused", device=hold.camera, reason=refused.reason.code)
            self._ended[page] = hold.id

    def _take_over(self, page: object, hold: Hold) -> None:
        """Give the camera to `hold`; the repeats of the one before count as ended."""
        before = self._owners.get(hold.camera)
        if before and before[0] != page:
            self._ended[before[0]] = max(before[1], self._ended.get(before[0], -1))
        self._owners[hold.camera] = (page, hold.id)

    def _forget_older(self, page: object, ident: int) -> None:
        self._ended[page] = max(ident - 1, self._ended.get(page, -1))

    async def stop(self, page: object, ident: int) -> None:
        """End every hold of `page` up to `ident`, and stop the cameras that are still its own."""
        self._ended[page] = max(ident, self._ended.get(page, -1))
        for camera, (owner, held) in list(self._owners.items()):
            if owner == page and held <= ident:
                del self._owners[camera]
                await self._stop(camera)

    async def gone(self, page: object) -> None:
        """Stop what `page` still moves and forget it."""
        for camera, (owner, _) in list(self._owners.items()):
            if owner == page:
                del self._owners[camera]
                await self._stop(camera)
        self._ended.pop(page, None)

    async def _stop(self, camera: str) -> None:
        try:
            await self._room.stop(camera)
        except Refused as refused:
            log.warning("stop refused", action="stop_refused", device=camera, reason=refused.reason.code)
