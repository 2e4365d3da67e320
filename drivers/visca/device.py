"""A VISCA camera behind the `Camera` port, over whatever carrier its address names.

Written from the makers' manuals and tried against our simulator only, never on a real camera.

A link begins with RESET (over IP) and STOP, before anything is asked: whatever an earlier
program left moving stands still first. Every drive is a lease that ends in STOP; a STOP is
proved by looking where the camera is. A recall is proved by comparing where it ended with
where it was when the memory was stored; a memory of which nobody knows that is trusted on
its first recall, and held to it from then on.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from datetime import timedelta

from drivers.address import DeviceAddress
from drivers.errors import (
    AddressError,
    DeviceRefused,
    DeviceUnreachable,
    DriverError,
    ProtocolViolation,
)
from drivers.outcomes import Health, Measure, Outcome, Reason, Result, Scalar, judge
from drivers.ports import Device, Identity, Position
from drivers.visca import findings, motion, table
from drivers.visca.asker import LOOK, Asker
from drivers.visca.choosing import chosen_limits, chosen_profile
from drivers.visca.codec import TERMINATOR, ErrorCode, Kind
from drivers.visca.conversation import Conversation, Link
from drivers.visca.deadman import WATCHDOG, Guard, Stillness
from drivers.visca.fence import Fence
from drivers.visca.lamp import Lamp
from drivers.visca.lifeline import Lifeline
from drivers.visca.line import Line
from drivers.visca.lines import OPTIONS, line_for
from drivers.visca.lines.tcp import TcpLine
from drivers.visca.motion import Limits
from drivers.visca.profiles import GENERIC, MODELS, VENDORS, Profile, profile_for
from drivers.visca.row import Axis, Row
from drivers.visca.session import Lane, Order, Quirks, Request, Session, Timing
from drivers.visca.table import Direction, Version
from drivers.visca.trace import OPENED, Trace

log = logging.getLogger(__name__)

STILL_AFTER_S = 0.15
"""Two equal positions this far apart mean that the camera rests."""
PATIENCE = 2
"""A camera that still moves when its time is over gets so many times more: somebody may have made it slower."""
TOLERANCE_DEG = 0.5
TOLERANCE_ZOOM = 0.02
CLOSE_WITHIN_S = 0.5
PROOF_WITHIN_S = 1.0
STALL_SHOWN_S = 60.0
TALLY_AGAIN_S = 10.0
HAND_LEASE_S = 1.0
"""A drive that comes through `command` or `raw` lasts so long; there is no drive without an end."""

FOCUS_MODES = {"auto": table.FOCUS_AUTO, "manual": table.FOCUS_MANUAL, "one-push": table.FOCUS_ONE_PUSH}
TALLIES = {"red": table.TALLY_RED, "green": table.TALLY_GREEN, "yellow": table.TALLY_YELLOW}


def connect(name: str, address: DeviceAddress, password: str | None) -> Device:
    """Return the unopened camera `name` at `address`; VISCA knows no password.

    Raises:
        AddressError: no host, an unknown option or profile, or a password.
    """
    if password is not None:
        raise AddressError(f"{address}: VISCA knows no password, remove it")
    address.allow("profile", "bounded", "limits", *OPTIONS)
    bounded = address.options.get("bounded", "off")
    if bounded not in {"on", "off"}:
        raise AddressError(f"{address}: bounded must be on or off, got {bounded!r}")
    return ViscaCamera(
        name,
        line_for(address),
        chosen_profile(address),
        bounded=bounded == "on",
        limits=chosen_limits(address),
        another_line=lambda: line_for(address),
    )


class ViscaCamera:
    """One camera. Its verbs are those of `drivers.ports.Camera`, and more."""

    def __init__(
        self,
        name: str,
        line: Line,
        profile: Profile | None,
        *,
        bounded: bool = False,
        limits: Limits | str = "",
        another_line: Callable[[], Line],
    ) -> None:
        self.name = name
        self.expectations: MutableMapping[int, Position] = {}
        """By memory: where the camera was when it was stored."""
        self.on_stored: Callable[[int, Position], None] | None = None
        """Called when a memory was stored and the place is proved."""
        self.trace = Trace(line.framing, name=name, wall_s=time.time() - time.monotonic())
        self._chosen = profile
        self._bounded = bounded
        self._fence = Fence(limits)
        self._line = line
        self._guard = Guard(name, WATCHDOG)
        self._talk = Conversation(
            name,
            line,
            self._session,
            guard=self._guard,
            observer=self.trace.note,
            ended=self._unwaited,
            cut_off=self._cut_off,
        )
        self._asker = Asker(self._talk, profile or GENERIC)
        self._stillness = Stillness(name, self._place, self._stop_again)
        self._stops = {axis: self._asker.order(row, lane=Lane.STOP) for axis, row in _STOP_OF.items()}
        self._lifeline = Lifeline(name, another_line, self._session, self._stops.values())
        self._driven: set[Axis] = set()
        """What the last drive moved; an axis that rested before needs no stop."""
        self._owner = ""
        self._lamp = Lamp(self._talk)

    def _session(self) -> Session:
        """Return a new conversation's state, by what is known of line and camera before it said a word."""
        line = self._line
        timing = Timing.over(line, stream=isinstance(line, TcpLine))
        return Session(line.framing, timing, _quirks(self._chosen or GENERIC), address=line.address)

    @property
    def _is_blind(self) -> bool:
        return self.profile.quirks.blind

    @property
    def profile(self) -> Profile:
        """What this camera can do."""
        return self._asker.profile

    @property
    def link(self) -> Link:
        """How far the link to the camera is."""
        return self._talk.link

    @property
    def stall_stops(self) -> int:
        """How often the watchdog's thread had to stop this camera."""
        return self._guard.stalls

    # The port.

    async def open(self) -> None:
        """Make the link, stop whatever moves, and learn who it is.

        Raises:
            DeviceUnreachable: no link, or no answer within about two seconds.
        """
        await self.close()
        self._asker.use(self._chosen or GENERIC)
        self.trace.remark(self._now(), OPENED)
        await self._talk.open()
        try:
            self._guard.open(self._line)
            await self._meet()
        except BaseException:
            await self._let_go()
            raise
        self._lifeline.forget()

    async def _meet(self) -> None:
        if self._is_blind:
            self._stop_driving()
            self._talk.is_up(gap_s=self.profile.quirks.min_gap_ms / 1000)
            return
        await self._talk.reset()
        await self._stop_moving(*Axis)
        if self._chosen is None:
            with suppress(DeviceRefused, ProtocolViolation):  # it will not say who it is: generic
                self._asker.use(profile_for(await self.version()))
            self._talk.adopt(_quirks(self.profile))
        self._talk.is_up(gap_s=self.profile.quirks.min_gap_ms / 1000)
        if await self._asker.is_on():
            await self._asker.look()
            await self._limit()
        self._stillness.prove_soon()

    async def close(self) -> None:
        """Stop a moving camera, waiting half a second at most, and let go of the line."""
        if self._talk.link is not Link.DOWN and self._talk.moving:
            with suppress(DriverError, TimeoutError):
                async with asyncio.timeout(CLOSE_WITHIN_S):
                    await self._stop_moving(Axis.PAN_TILT, Axis.ZOOM, *self._driven)
        await self._lifeline.close(CLOSE_WITHIN_S)
        await self._let_go()

    async def _let_go(self) -> None:
        self._lamp.dark()
        self._guard.close()
        self._driven = set()
        await self._talk.close()
        await self._stillness.close()  # after the last answer, which may have asked for a proof
        await asyncio.sleep(0)  # transports close in the loop's next round

    async def check(self) -> Health:
        """Ask power and position, and measure how long an answer takes.

        Raises:
            DeviceUnreachable: no answer.
        """
        self._must_not_be_cut_off("a look")
        if self._is_blind:
            return judge(await self._blind_measures())
        await self._asker.patience()
        began = self._now()
        on = await self._asker.is_on(Lane.POLL)
        took_ms = round((self._now() - began) * 1000, 1)
        measures = [findings.power(on, self._talk.reason), findings.round_trip(took_ms, self._talk.reason)]
        if on:
            measures += findings.place(await self._asker.look(Lane.POLL))
        return judge((*measures, *await self._safety_measures()))

    async def identify(self) -> Identity:
        """Ask vendor, model and version; codes that we have no name for come as hexadecimal."""
        version = await self.version()
        vendor = VENDORS.get(version.vendor, f"{version.vendor:04X}")
        return Identity(vendor, MODELS.get(version.model, f"{version.model:04X}"), f"{version.rom:04X}")

    async def version(self) -> Version:
        """Ask what the version inquiry answers."""
        return await self._asker.version()

    async def power(self, on: bool) -> Result:
        """Switch on or to standby and return once the camera says it is there; its menu is closed then.

        Raises:
            OutcomeUnknown: it did not get there within the profile's time.
        """
        began = self._now()
        outcome = Outcome.COMPLETED
        if await self._asker.is_on() is not on:
            request = await self._asker.command(table.POWER_ON if on else table.POWER_STANDBY)
            if request.outcome is not Outcome.UNKNOWN:
                self._talk.expect(request)
            else:
                outcome = Outcome.SETTLED
            await self._asker.power_reached(on)
            if on:
                await self._limit()
        if on and self.profile.knows(table.MENU_OFF):
            with suppress(DriverError):  # no camera is worse off for a menu that it would not close
                await self.menu_close()
        return self._result(outcome, began, on=on)

    async def recall(self, memory: int) -> Result:
        """Move to a stored position and return once the camera rests; `proved` says whether it is the place.

        Raises:
            ValueError: the profile has no such memory.
            DeviceRefused: the memory lies outside the limits.
        """
        self.profile.check(table.RECALL, memory)
        began, expected = self._now(), self.expectations.get(memory)
        if expected is not None and not self._fence.holds(self.profile, expected):
            raise DeviceRefused(self._talk.reason("camera.outside_limits", f"wanted memory {memory}, {expected}"))
        within_s = motion.recall_s(self.profile, await self._asker.whereabouts(), expected)

        async def there(at: Position) -> bool:
            if expected is not None and motion.deviation(self.profile, expected, at).within:
                return True
            return self.profile.knows(table.MEMORY_INQ) and (await self._asker.ask(table.MEMORY_INQ))[0] == memory

        outcome, at, still = await self._move(table.RECALL, memory, within_s=within_s, there=there, settle=True)
        return self._result(outcome, began, **_places(at), **self._compared(memory, at, still=still))

    def _compared(self, memory: int, at: Position, *, still: bool) -> dict[str, Scalar]:
        """Return how `at` compares with where the memory was stored; a place nobody knows is adopted."""
        if not still:
            return {"proved": False}
        if memory not in self.expectations:
            self.expectations[memory] = at
            return {"proved": True, "adopted": True}
        return self.compare(memory, at)

    def compare(self, memory: int, at: Position) -> dict[str, Scalar]:
        """Return `proved`, and how far `at` is from where the memory was stored; nothing where nobody knows."""
        expected = self.expectations.get(memory)
        if expected is None:
            return {}
        off = motion.deviation(self.profile, expected, at)
        return {"proved": off.within, **off.values}

    async def store(self, memory: int) -> Result:
        """Store where the camera looks now; `proved` says whether it stood still while it was stored.

        Raises:
            ValueError: the profile has no such memory.
        """
        self.profile.check(table.STORE, memory)
        began = self._now()
        before = await self._asker.look()
        request = await self._asker.command(table.STORE, memory)
        self.expectations.pop(memory, None)
        self._talk.expect(request)
        at = await self._asker.look()
        proved = motion.rests(before, at)
        if proved:
            self.expectations[memory] = at
            if self.on_stored is not None:
                self.on_stored(memory, at)
        return self._result(Outcome.COMPLETED, began, memory=memory, **_places(at), proved=proved)

    async def position(self) -> Position:
        """Ask where the camera looks."""
        return await self._asker.look()

    async def move_to(
        self, pan_deg: float, tilt_deg: float, zoom: float | None = None, *, speed: float = 1.0
    ) -> Result:
        """Move to a position, pan and tilt first, and return once the move has ended.

        Raises:
            ValueError: outside the profile's range, or the limits.
        """
        profile, began = self.profile, self._now()
        room = self._fence.room(self.profile)
        self._check_range("pan", pan_deg, room.left, room.right)
        self._check_range("tilt", tilt_deg, room.down, room.up)
        self._check_range("speed", speed, 0.0, 1.0)
        if zoom is not None:
            self._check_range("zoom", zoom, 0.0, 1.0)
        values = self._absolute(pan_deg, tilt_deg, speed, speed)
        target = Position(pan_deg, tilt_deg, 0.0)

        async def pointed(at: Position) -> bool:
            return max(abs(at.pan_deg - pan_deg), abs(at.tilt_deg - tilt_deg)) <= TOLERANCE_DEG

        within_s = motion.turn_s(
            await self._asker.whereabouts(), target, profile.deg_per_s(min(values[0], values[1] or 99))
        )
        outcome, at, _ = await self._move(table.PAN_TILT_ABSOLUTE, *values, within_s=within_s, there=pointed)
        if zoom is not None:
            zoomed, at, _ = await self._zoom_to(zoom, at.zoom)
            outcome = Outcome.SETTLED if Outcome.SETTLED in {outcome, zoomed} else Outcome.COMPLETED
        return self._result(outcome, began, **_places(at))

    async def drive(
        self, pan: float, tilt: float, zoom: float, *, lease: timedelta, owner: str = "", take_over: bool = False
    ) -> None:
        """Move with speeds from -1 to 1 for at most `lease`; call again to go on, newest wins.

        While the lease of another `owner` lasts, only who says `take_over` gets the camera,
        and it is stopped first.

        Raises:
            ValueError: a speed outside -1 to 1, or a lease that is no time.
            DeviceUnreachable: the camera is not open.
            DeviceRefused: somebody else moves it.
        """
        for name, speed in (("pan", pan), ("tilt", tilt), ("zoom", zoom)):
            self._check_range(f"{name} speed", speed, -1.0, 1.0)
        if lease <= timedelta(0):
            raise ValueError(f"a lease must be longer than nothing, got {lease}")
        self._must_not_be_cut_off("a move")
        if self._talk.link is Link.DOWN:
            raise DeviceUnreachable(self._talk.reason("camera.not_open", "wanted a move, found no link"))
        self._claim(owner, take_over=take_over)
        if not (pan or tilt or zoom):
            self._stop_driving()
            return
        self._moves()
        turn = await self._bounded_turn(pan, tilt, lease) if self._is_bounded else self._turn(pan, tilt)
        wanted = {axis for axis, moves in ((Axis.PAN_TILT, pan or tilt), (Axis.ZOOM, zoom)) if moves}
        orders = [
            order
            for axis, order in ((Axis.PAN_TILT, turn), (Axis.ZOOM, self._zoom_drive(zoom)))
            if axis in wanted | self._driven
        ]
        self._driven = wanted
        self._talk.lease(orders, self._now() + lease.total_seconds(), self._lease_stops())

    @property
    def _is_bounded(self) -> bool:
        return self._bounded and self.profile.knows(table.PAN_TILT_ABSOLUTE)

    def _claim(self, owner: str, *, take_over: bool) -> None:
        """Give the camera to `owner`.

        Raises:
            DeviceRefused: somebody else holds it.
        """
        holder = self.held_by
        if holder and holder != owner:
            if not take_over:
                detail = f"wanted to move it for {owner or 'nobody'}, found it moved by {holder}"
                raise DeviceRefused(self._talk.reason("camera.held_by", detail, owner=holder))
            self._stop_driving()
        if self._guard.fired:  # what the session takes for running was stopped behind its back
            self._guard.fired = False
            self._talk.forget_motion()
            self._stop_driving()
        self._owner = owner

    @property
    def held_by(self) -> str:
        """Who moves the camera at this moment; empty for nobody, or nobody who said a name."""
        return self._owner if self._talk.is_leased(self._now()) else ""

    def _stop_driving(self) -> None:
        """Stop what the last drive moved, for nobody to wait for."""
        orders = self._lease_stops()
        self._driven = set()
        for order in orders:
            self._talk.post(order)

    async def stop(self, *, prove: bool = True) -> Result:
        """Stop pan, tilt and zoom ahead of everything queued.

        Returns once acknowledged and, with `prove`, once it was looked whether the camera
        stands, a second at most; without, that is looked at in the background.
        """
        began = self._now()
        await self._stop_moving(Axis.PAN_TILT, Axis.ZOOM, *self._driven)
        acked_ms = round((self._now() - began) * 1000, 1)
        if prove:
            return self._result(Outcome.COMPLETED, began, acked_ms=acked_ms, proved=await self._proved())
        self._stillness.prove_soon()
        return self._result(Outcome.COMPLETED, began, acked_ms=acked_ms)

    # Beyond the port.

    async def focus(self, mode: str) -> Result:
        """Focus: `auto`, `manual`, or `one-push` for once.

        Raises:
            ValueError: another word, or the camera does not know it.
        """
        if mode not in FOCUS_MODES:
            raise ValueError(f"{self.name}: focus must be {', '.join(FOCUS_MODES)}, got {mode!r}")
        return await self._told(FOCUS_MODES[mode])

    async def menu_close(self) -> Result:
        """Close the camera's menu, which keeps pan and tilt from moving."""
        return await self._told(table.MENU_OFF)

    async def tally(self, on: bool, colour: str = "red") -> Result:
        """Switch a tally lamp; while it is on it is told again, because cameras let it go dark.

        Raises:
            ValueError: no such colour, or the camera does not know it.
        """
        if colour not in TALLIES:
            raise ValueError(f"{self.name}: tally must be {', '.join(TALLIES)}, got {colour!r}")
        order = self._asker.order(TALLIES[colour], 2 if on else 3)
        self._lamp.dark()
        result = await self._did(order)
        if on and self.profile.tally_keep_alive_s is not None:
            self._lamp.keep_lit(order, min(TALLY_AGAIN_S, self.profile.tally_keep_alive_s * 2 / 3))
        return result

    async def command(self, name: str, *values: int) -> Result:
        """Send any command of the table, held against the profile; a drive among them ends after a second.

        Raises:
            ValueError: no such command, or values outside the profile's range.
        """
        row = table.BY_NAME.get(name)
        if row is None or row.kind is Kind.INQUIRY:
            raise ValueError(f"{self.name}: the table has no command {name!r}")
        return await self._did(self._asker.order(row, *values))

    async def inquire(self, name: str, *values: int) -> dict[str, Scalar]:
        """Put any inquiry of the table and return its answer by name.

        Raises:
            ValueError: no such inquiry, or the camera does not know it.
        """
        row = table.BY_NAME.get(name)
        if row is None or row.kind is not Kind.INQUIRY:
            raise ValueError(f"{self.name}: the table has no inquiry {name!r}")
        request = await self._talk.ask(self._asker.order(row, *values))
        self._talk.expect(request, await self._asker.why_refused(request))
        return dict(self._asker.read(row, request.answer))

    async def raw(self, frame: bytes) -> Result:
        """Send a frame as it is, but for its address, through the queue like all else.

        Raises:
            ValueError: the bytes are no frame.
        """
        if not 3 <= len(frame) <= 32 or frame[-1] != TERMINATOR or TERMINATOR in frame[:-1] or frame[0] & 0xF0 != 0x80:
            raise ValueError(f"{self.name}: a frame is 8x, bytes other than FF, and FF; got {frame.hex(' ') or 'none'}")
        payload = bytes((0x80 | self._line.address, *frame[1:]))
        found = table.find(payload)
        if found is not None:
            row = found[0]
            return await self._did(self._asker.as_order(row, payload))
        kind = Kind.INQUIRY if frame[1] == 0x09 else Kind.COMMAND
        return await self._did(Order(f"frame {frame.hex(' ').upper()}", kind, payload))

    async def _told(self, row: Row, *values: int) -> Result:
        return await self._did(self._asker.order(row, *values))

    async def _did(self, order: Order) -> Result:
        """Return once the camera has done `order`.

        Raises:
            DriverError: it has not, or nobody knows.
        """
        began = self._now()
        if order.axes and order.lane is not Lane.STOP:
            self._claim("", take_over=False)
            self._moves()
        if order.drive:
            self._driven |= order.axes
            self._talk.lease((), began + HAND_LEASE_S, self._lease_stops())
        request = await self._talk.ask(order)
        if request.outcome is not Outcome.COMPLETED:
            self._talk.expect(request, await self._asker.why_refused(request))
        if not request.answer:
            return self._result(Outcome.COMPLETED, began)
        return self._result(Outcome.COMPLETED, began, answer=request.answer.hex(" ").upper())

    # Moves.

    async def _move(
        self,
        row: Row,
        *values: int,
        within_s: float,
        there: Callable[[Position], Awaitable[bool]],
        settle: bool = False,
    ) -> tuple[Outcome, Position, bool]:
        """Move, and return how it ended, where, and whether the camera rests there.

        Where the camera ran it and its completion was lost, look whether it rests `there`.

        Raises:
            DriverError: it did not get there, or nobody knows.
        """
        self._claim("", take_over=True)
        self._moves()
        self._talk.release()
        request = await self._asker.command(row, *values, within_s=within_s)
        if request.outcome is Outcome.UNKNOWN and request.ran:
            at, still = await self._settled(PATIENCE * within_s)
            if not still or not await there(at):
                self._talk.expect(request)
            return Outcome.SETTLED, at, still
        self._talk.expect(request)
        at, still = await self._settled(PATIENCE * within_s) if settle else (await self._asker.look(), True)
        return Outcome.COMPLETED, at, still

    async def _settled(self, within_s: float) -> tuple[Position, bool]:
        """Return where the camera comes to rest, and whether it did within `within_s`."""
        ends_at, before = self._now() + within_s, await self._asker.look()
        while True:
            await asyncio.sleep(STILL_AFTER_S)
            await self._asker.patience(LOOK)
            at = await self._asker.look()
            if motion.rests(before, at) or self._now() >= ends_at:
                return at, motion.rests(before, at)
            before = at

    async def _zoom_to(self, zoom: float, start: float) -> tuple[Outcome, Position, bool]:
        async def zoomed(at: Position) -> bool:
            return abs(at.zoom - zoom) <= TOLERANCE_ZOOM

        steps = round(zoom * self.profile.zoom_end)
        within_s = motion.zoom_s(self.profile, start, zoom)
        return await self._move(table.ZOOM_DIRECT, steps, within_s=within_s, there=zoomed)

    def _absolute(self, pan_deg: float, tilt_deg: float, pan_speed: float, tilt_speed: float) -> tuple[int, ...]:
        profile = self.profile
        across = motion.speed_code(pan_speed, profile.pan_speed_max)
        along = 0 if profile.one_speed else motion.speed_code(tilt_speed, profile.tilt_speed_max)
        return across, along, profile.steps(pan_deg), profile.steps(tilt_deg, "tilt")

    def _turn(self, pan: float, tilt: float) -> Order:
        if not pan and not tilt:
            return self._stops[Axis.PAN_TILT]
        right, left = Direction.RIGHT, Direction.LEFT
        across = Direction.STOP if not pan else right if pan > 0 else left
        along = Direction.STOP if not tilt else Direction.UP if tilt > 0 else Direction.DOWN
        pan_speed = motion.speed_code(pan, self.profile.pan_speed_max)
        tilt_speed = motion.speed_code(tilt, self.profile.tilt_speed_max)
        return self._asker.order(table.PAN_TILT_DRIVE, pan_speed, tilt_speed, across, along)

    async def _bounded_turn(self, pan: float, tilt: float, lease: timedelta) -> Order:
        """Return a move to a place not far ahead, where the camera halts even if nobody is left to stop it."""
        if not pan and not tilt:
            return self._stops[Axis.PAN_TILT]
        at = await self._asker.look()
        pan_deg, tilt_deg = motion.ahead(
            self.profile, self._fence.room(self.profile), at, (pan, tilt), lease_s=lease.total_seconds()
        )
        fastest = max(abs(pan), abs(tilt)) if self.profile.one_speed else abs(pan)
        values = self._absolute(pan_deg, tilt_deg, fastest, abs(tilt))
        return self._asker.order(table.PAN_TILT_ABSOLUTE, *values, within_s=motion.LONGEST_S)

    def _zoom_drive(self, zoom: float) -> Order:
        if not zoom:
            return self._stops[Axis.ZOOM]
        return self._asker.order(table.ZOOM_DRIVE, motion.zoom_code(zoom, self.profile.zoom_speed_max))

    def _lease_stops(self) -> list[Order]:
        return [self._stops[axis] for axis in Axis if axis is not Axis.FOCUS or axis in self._driven]

    def _moves(self) -> None:
        """Say that the camera is about to move: what was seen of it counts no more."""
        self._asker.moved()
        self._stillness.forget()

    async def _stop_moving(self, *axes: Axis) -> None:
        """Stop `axes`, pan-tilt and zoom together and the focus after them; a camera in standby refuses, and stands.

        A camera without a focus drive refuses that one stop.

        Raises:
            DriverError: a stop was not acknowledged.
        """
        self._stillness.forget()
        self._driven = set()
        first = [axis for axis in axes if axis is not Axis.FOCUS]
        requests = await asyncio.gather(*(self._talk.ask(self._stops[axis]) for axis in dict.fromkeys(first)))
        if Axis.FOCUS in axes:
            request = await self._talk.ask(self._stops[Axis.FOCUS])
            requests += [] if request.outcome is Outcome.REFUSED else [request]
        for request in requests:
            if request.code != ErrorCode.NOT_EXECUTABLE:
                self._talk.expect(request)

    async def _stop_again(self) -> None:
        for axis in (Axis.PAN_TILT, Axis.ZOOM):
            request = await self._talk.ask(self._stops[axis])
            if request.code != ErrorCode.NOT_EXECUTABLE:
                self._talk.expect(request)

    async def _proved(self) -> bool:
        """Look whether the camera stands, a second at most."""
        try:
            async with asyncio.timeout(PROOF_WITHIN_S):
                return await self._stillness.prove()
        except TimeoutError:
            self._stillness.prove_soon()
        except DriverError:
            pass
        return False

    async def _place(self) -> Position | None:
        """Ask where the camera looks; none in standby."""
        await self._asker.patience(LOOK)
        try:
            return await self._asker.look(Lane.POLL)
        except DeviceRefused:
            return None

    async def _limit(self) -> None:
        """Set or clear the camera's own pan-tilt limits as the address wishes.

        Raises:
            DriverError: it would not.
        """
        for row, values in self._fence.commands(self.profile):
            await self._told(row, *values)

    # A line that was lost.

    def _cut_off(self, why: Reason) -> None:
        log.error("link lost in mid-drive", extra={"action": "cut_off", "device": self.name, "owner": self._owner})
        self._driven = set()
        self._lifeline.throw(why)

    def _must_not_be_cut_off(self, wanted: str) -> None:
        """Return unless the link was lost in mid-drive and the camera was not opened since.

        Raises:
            DeviceUnreachable: it was; says whether the camera has acknowledged a STOP since.
        """
        why = self._lifeline.lost
        if why is None or self._talk.link is not Link.DOWN:
            return
        if self._lifeline.is_heard:
            detail = f"wanted {wanted}, found the link lost in mid-drive and the camera stopped over a new one"
            raise DeviceUnreachable(self._talk.reason("camera.cut_off_stopped", f"{detail}: {why.detail}"))
        detail = f"wanted {wanted}, found the link lost in mid-drive and no answer to STOP"
        raise DeviceUnreachable(self._talk.reason("camera.cut_off", f"{detail}: {why.detail}"))

    # What was not waited for.

    def _unwaited(self, request: Request) -> None:
        """Prove a STOP that nobody waited for, and write down what was not done."""
        if request.is_stop and request.outcome is Outcome.COMPLETED:
            self._driven = set() if not self._talk.is_leased(self._now()) else self._driven
            self._asker.moved()
            if not self._driven:
                self._stillness.prove_soon()
        elif request.outcome in {Outcome.UNKNOWN, Outcome.REFUSED}:
            log.warning(
                "camera did not do it",
                extra={"action": "failed", "device": self.name, "order": request.order.name, "code": request.code},
            )

    def _result(self, outcome: Outcome, began: float, **read_back: Scalar) -> Result:
        return Result(outcome, timedelta(seconds=self._now() - began), read_back)

    # Ranges and measures.

    def _check_range(self, what: str, value: float, low: float, high: float) -> None:
        """Return if `value` is allowed.

        Raises:
            ValueError: names range and profile.
        """
        if not low <= value <= high:
            raise ValueError(f"{self.name}: {what} must be {low:g} to {high:g} ({self.profile.name}), got {value:g}")

    async def _blind_measures(self) -> tuple[Measure, ...]:
        """Return that nothing is known.

        Raises:
            DeviceUnreachable: there is no link either.
        """
        if self._talk.link is Link.DOWN:
            raise DeviceUnreachable(self._talk.reason("camera.not_open", "wanted a look, found no link"))
        return findings.blind(self.profile, self._talk.reason), *await self._safety_measures()

    async def _safety_measures(self) -> list[Measure]:
        """Return what stands against the camera's last STOP; one that goes on moving is stopped once more."""
        why, measures = self._talk.reason, []
        if self._stillness.is_moving_on and not self._talk.moving:
            with suppress(DriverError):
                await self._stop_again()
                await self._stillness.stands()
        if self._stillness.is_moving_on:
            measures.append(findings.not_stopping(why))
        if self._fence.stands and not self.profile.knows(table.LIMIT_SET):
            measures.append(findings.keeps_no_limits(self.profile, why))
        if self._now() - self._guard.fired_at <= STALL_SHOWN_S:
            measures.append(findings.stopped_by_watchdog(self.stall_stops, why))
        return measures

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


_STOP_OF = {Axis.PAN_TILT: table.PAN_TILT_STOP, Axis.ZOOM: table.ZOOM_STOP, Axis.FOCUS: table.FOCUS_STOP}


def _quirks(profile: Profile) -> Quirks:
    """Return what a session must allow for."""
    quirks = profile.quirks
    return Quirks(seq_lies=quirks.seq_lies, no_ack=quirks.no_ack, blind=quirks.blind)


def _places(at: Position) -> dict[str, Scalar]:
    return {"pan_deg": at.pan_deg, "tilt_deg": at.tilt_deg, "zoom": at.zoom}
