"""Who moves which camera by hand.

A hold is absolute and repeated: the page sends it at once and every 100 ms while the finger
is down. Each one renews a lease; when a page falls silent the camera stops when the lease
ends, whatever was lost. One hand has a camera at a time: a second one is told who has it, and
gets it only when it says that it takes it over. The repeats and the stop of a hand that lost
its camera no longer count, so a stray release cannot end somebody else's move.

Nothing here waits for a camera while the next message of a page could be a stop: moves and
stops run as tasks of their own, a stop calls off the move that is under way, and a move
waits for the stop before it.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import structlog

from agent.web.face import Refused, RoomFace
from drivers.outcomes import Reason

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
    takes_over: bool = False
    """The person was told that somebody else moves the camera, and wants it all the same."""

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
        return cls(ident, camera, pan, tilt, zoom, message.get("take") is True)


def _direction(value: object) -> float:
    return max(-1.0, min(1.0, float(value))) if isinstance(value, int | float) else 0.0


@dataclass(eq=False, slots=True)
class Hand:
    """The finger of one page."""

    owner: str
    """Whose it is, for the driver and for whoever finds the camera taken; no two are alike."""
    ended: int = -1
    """Holds up to this number count no more."""
    holds: int = -1
    """The hold whose move is or was under way."""
    moving: asyncio.Task[Reason | None] | None = None
    """The move on its way to the camera; ends with why it was refused."""

    def end(self, ident: int) -> None:
        """Let holds up to `ident` count no more, and call off their move if it is still on its way."""
        self.ended = max(ident, self.ended)
        if self.moving is not None and self.holds <= ident:
            self.moving.cancel()


class Holds:
    """The hands on the cameras of one room, over all its tablets."""

    def __init__(self, room: RoomFace) -> None:
        self._room = room
        self._owners: dict[str, tuple[Hand, int]] = {}
        self._stops: dict[str, asyncio.Task[None]] = {}

    async def begin(self, hand: Hand, hold: Hold) -> None:
        """Move, and return once the camera took it.

        Raises:
            Refused: it would not, for example because somebody else moves it.
        """
        moving = self.renew(hand, hold)
        if moving is None:
            return
        await asyncio.wait({moving})
        reason = None if moving.cancelled() else moving.result()
        if reason is not None:
            raise Refused(reason)

    def renew(self, hand: Hand, hold: Hold) -> asyncio.Task[Reason | None] | None:
        """Move, or go on moving; nothing when the hold has ended, or its last move is still on its way."""
        if hold.camera not in self._room.facts.cameras or hold.id <= hand.ended or hold.id < hand.holds:
            return None
        if hold.id > hand.holds:
            hand.end(hold.id - 1)
        elif hand.moving is not None and not hand.moving.done():
            return None
        hand.holds = hold.id
        hand.moving = asyncio.create_task(self._move(hand, hold), name=f"hold {hold.camera}")
        return hand.moving

    async def _move(self, hand: Hand, hold: Hold) -> Reason | None:
        """Move once the stop before is over; returns why not."""
        stop = self._stops.get(hold.camera)
        if stop is not None:
            await asyncio.wait({stop})
        is_new = self._owners.get(hold.camera) != (hand, hold.id)
        try:
            await self._room.drive(
                hold.camera,
                *(hold.pan, hold.tilt, hold.zoom),
                lease=LEASE,
                owner=hand.owner,
                take_over=hold.takes_over and is_new,
            )
        except Refused as refused:
            log.info("hold refused", action="hold_refused", device=hold.camera, reason=refused.reason.code)
            hand.ended = max(hold.id, hand.ended)
            return refused.reason
        self._give(hand, hold)
        return None

    def _give(self, hand: Hand, hold: Hold) -> None:
        """Note whose the camera is; the repeats of the hand before count as ended."""
        before = self._owners.get(hold.camera)
        if before and before[0] is not hand:
            before[0].end(before[1])
        self._owners[hold.camera] = (hand, hold.id)

    def stop(self, hand: Hand, ident: int) -> None:
        """End every hold of `hand` up to `ident`, and stop the cameras that are still its own."""
        hand.end(ident)
        for camera, (owner, held) in list(self._owners.items()):
            if owner is hand and held <= ident:
                del self._owners[camera]
                self._stops[camera] = asyncio.create_task(self._stop(camera), name=f"stop {camera}")

    async def gone(self, hand: Hand) -> None:
        """Stop what `hand` still moves, and return when that is over; nothing it said counts any more."""
        self.stop(hand, sys.maxsize)
        ending = {task for task in (hand.moving, *self._stops.values()) if task is not None and not task.done()}
        if ending:
            await asyncio.wait(ending)

    async def _stop(self, camera: str) -> None:
        try:
            await self._room.stop(camera)
        except Refused as refused:
            log.warning("stop refused", action="stop_refused", device=camera, reason=refused.reason.code)
        finally:
            if self._stops.get(camera) is asyncio.current_task():
                del self._stops[camera]
