"""Small moves that measure how fast a camera is, and how truly it says where it looks.

Every move is short and slow, and ends in a STOP whatever happens; at the end the camera
looks where it looked before.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import pairwise

from drivers.outcomes import Scalar, Verdict
from drivers.visca import table
from drivers.visca.codec import Ack, Completion, ErrorCode, Kind, from_nibbles
from drivers.visca.exchange import Exchange, Heard
from drivers.visca.row import Row, Widths
from drivers.visca.table import Direction

SPEEDS = 4, 10
DRIVE_S = 0.8
STILL_WITHIN_S = 3.0
STILL_AFTER_S = 0.1
BACK_WITHIN_S = 10.0
BACK_SPEED = 8
STOP_TRIES = 10
TRIES = 3
ZOOM_SPEED = 2
ALMOST = 0.9
"""Of the full speed: from there on a motor counts as up to speed."""

Found = tuple[str, Scalar, Verdict, str]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a camera looks, in its own steps, and when it said so."""

    at_s: float
    pan: int
    tilt: int
    zoom: int | None = None


class Trial:
    """Moves one camera a little and back."""

    def __init__(self, exchange: Exchange, known: dict[str, Scalar]) -> None:
        self._exchange = exchange
        self._widths = Widths(int(known.get("pan_nibbles") or 4), int(known.get("tilt_nibbles") or 4))
        self._zooms = isinstance(known.get("zoom_steps"), int)
        self._loop = asyncio.get_running_loop()
        self._found: list[Found] = []

    async def run(self) -> list[Found]:
        """Return what was measured. However it ends, the camera gets a STOP."""
        start = await self._place()
        if start is None:
            return [("moves", None, Verdict.UNPROVEN, "it does not say where it looks")]
        try:
            for speed in SPEEDS:
                await self._pan_tilt(speed, start)
            if self._zooms:
                await self._zoom()
            await self._back(start)
        finally:
            await asyncio.shield(asyncio.ensure_future(self._stop()))
        return self._found

    async def _pan_tilt(self, speed: int, start: Place) -> None:
        """Drive towards the middle for a moment and measure on the way."""
        across = Direction.LEFT if start.pan > 0 else Direction.RIGHT
        along = Direction.DOWN if start.tilt > 0 else Direction.UP
        places = [start]
        if (await self._command(table.PAN_TILT_DRIVE, speed, speed, across, along)).code is not None:
            self._found.append((f"speed_{speed}", None, Verdict.WARN, "it refuses this drive"))
            return
        began, until = self._loop.time(), self._loop.time() + DRIVE_S
        while self._loop.time() < until:
            place = await self._place()
            places += [place] if place else []
        await self._stop()
        await self._still()
        self._measured(speed, [place for place in places if place.at_s >= began], began)

    def _measured(self, speed: int, places: list[Place], began: float) -> None:
        """Tell speed and ramp from where it was when."""
        if len(places) < 4:
            self._found.append((f"speed_{speed}", None, Verdict.UNPROVEN, "too few positions came on the way"))
            return
        half, last = places[len(places) // 2], places[-1]
        seconds = last.at_s - half.at_s
        pan, tilt = (abs(getattr(last, axis) - getattr(half, axis)) / seconds for axis in ("pan", "tilt"))
        self._found += [
            (f"pan_steps_per_s_{speed}", round(pan), Verdict.PASS if pan else Verdict.WARN, f"at speed {speed}"),
            (f"tilt_steps_per_s_{speed}", round(tilt), Verdict.PASS if tilt else Verdict.WARN, f"at speed {speed}"),
        ]
        pace = ((b.at_s, abs(b.pan - a.pan) / (b.at_s - a.at_s)) for a, b in pairwise(places))
        up_at = next((at_s for at_s, speed_now in pace if speed_now >= ALMOST * pan), None) if pan else None
        if up_at is not None:
            ramp_ms = round((up_at - began) * 1000)
            self._found.append((f"ramp_ms_{speed}", ramp_ms, Verdict.PASS, "from the command to full speed, at most"))

    async def _zoom(self) -> None:
        """Zoom a little towards the middle, and back."""
        start = await self._zoom_steps()
        if start is None:
            return
        await self._command(table.ZOOM_DRIVE, (0x20 if start < 0x2000 else 0x30) + ZOOM_SPEED)
        began = self._loop.time()
        await asyncio.sleep(DRIVE_S / 2)
        end = await self._zoom_steps()
        seconds = self._loop.time() - began
        await self._stop()
        if end is not None:
            pace = round(abs(end - start) / seconds)
            verdict = Verdict.PASS if pace else Verdict.WARN
            self._found.append(("zoom_steps_per_s", pace, verdict, f"at zoom speed {ZOOM_SPEED} of 7"))
        await self._command(table.ZOOM_DIRECT, start, within_s=BACK_WITHIN_S, to_the_end=True)
        back = await self._zoom_still()
        if back is not None:
            off = abs(back - start)
            self._found.append(("zoom_off_steps", off, Verdict.PASS, "off after going back to where it was"))

    async def _back(self, start: Place) -> None:
        """Go back, learning whether an absolute move takes one speed or two."""
        one_speed = True
        heard = await self._absolute(0, start)
        if heard.code is not None and heard.code != ErrorCode.NOT_EXECUTABLE:
            one_speed = False
            heard = await self._absolute(BACK_SPEED, start)
        if heard.code is not None or not heard.said:
            meaning = "it does not go to a position: it stands a little beside where it stood"
            self._found.append(("absolute_move", "refused" if heard.said else "silent", Verdict.WARN, meaning))
            return
        meaning = "an absolute move takes one speed, 00 for tilt" if one_speed else "an absolute move wants two speeds"
        self._found.append(("one_speed", one_speed, Verdict.PASS, meaning))
        at = await self._still()
        if at is not None:
            off = max(abs(at.pan - start.pan), abs(at.tilt - start.tilt))
            self._found.append(("position_off_steps", off, Verdict.PASS, "off after going back to where it was"))

    async def _absolute(self, tilt_speed: int, to: Place) -> Heard:
        values = BACK_SPEED, tilt_speed, to.pan, to.tilt
        return await self._command(table.PAN_TILT_ABSOLUTE, *values, within_s=BACK_WITHIN_S, to_the_end=True)

    # Asking and telling.

    async def _command(self, row: Row, *values: int, within_s: float = 0.5, to_the_end: bool = False) -> Heard:
        """Send a command once more only while nothing at all was said: none of them minds running twice."""
        frame = row.encode(*values, address=self._exchange.line.address, widths=self._widths)
        heard = Heard(0)
        for _ in range(TRIES):
            last = (lambda reply: not isinstance(reply, Ack)) if to_the_end else (lambda _: True)
            heard = await self._exchange.ask(frame, kind=Kind.COMMAND, within_s=within_s, until=last)
            if heard.said:
                break
        return heard

    async def _stop(self) -> None:
        """Stop pan, tilt and zoom, each until the camera has said so or refused it."""
        for row in (table.PAN_TILT_STOP, table.ZOOM_STOP):
            frame = row.encode(address=self._exchange.line.address)
            for _ in range(STOP_TRIES):
                heard = await self._exchange.ask(
                    frame, kind=Kind.COMMAND, within_s=0.2, until=lambda reply: isinstance(reply, Ack | Completion)
                )
                if any(isinstance(one.reply, Ack | Completion) for one in heard.said):
                    break

    async def _place(self) -> Place | None:
        heard = await self._inquire(table.POSITION_INQ)
        pan, tilt = self._widths.pan, self._widths.tilt
        if heard is None or len(heard) != pan + tilt:
            return None
        now = self._loop.time()
        return Place(now, from_nibbles(heard[:pan], signed=True), from_nibbles(heard[pan:], signed=True))

    async def _zoom_steps(self) -> int | None:
        heard = await self._inquire(table.ZOOM_INQ)
        return None if heard is None else from_nibbles(heard)

    async def _zoom_still(self) -> int | None:
        """Return where the zoom rests; on a bare line an older command's end may have been taken for this one's."""
        before, until = await self._zoom_steps(), self._loop.time() + STILL_WITHIN_S
        while self._loop.time() < until:
            await asyncio.sleep(STILL_AFTER_S)
            now = await self._zoom_steps()
            if now == before:
                break
            before = now
        return before

    async def _inquire(self, row: Row) -> bytes | None:
        for _ in range(TRIES):
            heard = await self._exchange.ask(row.encode(address=self._exchange.line.address))
            if heard.content is not None:
                return heard.content
        return None

    async def _still(self) -> Place | None:
        """Return where it rests, or where it was last when it does not come to rest in time."""
        before, until = await self._place(), self._loop.time() + STILL_WITHIN_S
        while self._loop.time() < until:
            await asyncio.sleep(STILL_AFTER_S)
            now = await self._place()
            if now and before and (now.pan, now.tilt) == (before.pan, before.tilt):
                return now
            before = now
        return before
