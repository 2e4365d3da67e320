"""A VISCA-over-IP camera behind the `Camera` port.

Written from Sony's manuals and tried against our simulator only, never on a real camera.
Each camera has a local port of its own, chosen by the system; cameras that answer to port
52381 instead of the sender's are not reached yet.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

from drivers.address import DeviceAddress
from drivers.errors import (
    AddressError,
    CommandCancelled,
    CommandSuperseded,
    DeviceRefused,
    DeviceUnreachable,
    DriverError,
    OutcomeUnknown,
    ProtocolViolation,
)
from drivers.outcomes import Health, Measure, Outcome, Reason, Result, Scalar, Verdict, judge
from drivers.ports import Device, Identity, Position
from drivers.streams import broken, open_datagrams
from drivers.visca import table
from drivers.visca.codec import ErrorCode, from_nibbles
from drivers.visca.profiles import GENERIC, MODELS, PROFILES, VENDORS, Profile, profile_for
from drivers.visca.session import Lane, Order, Request, Session
from drivers.visca.table import Axis, Direction, Row, Version

log = logging.getLogger(__name__)

DEFAULT_PORT = 52381
ROUND_TRIP_LIMIT_MS = 200
START_UP_WITHIN_S = 60.0
"""From standby to on; cameras take 10 to 30 s."""
POWER_ASKED_EVERY_S = 0.5
SLACK_S = 2.0
"""What a move may take beyond distance by speed: ramps, and a slow network."""
STILL_AFTER_S = 0.15
TOLERANCE_DEG = 0.5
TOLERANCE_ZOOM = 0.02
CLOSE_WITHIN_S = 0.5


def connect(name: str, address: DeviceAddress, password: str | None) -> Device:
    """Return the unopened camera `name` at `address`; VISCA knows no password.

    Raises:
        AddressError: no host, an unknown option or profile, or a password.
    """
    if password is not None:
        raise AddressError(f"{address}: VISCA knows no password, remove it")
    address.allow("profile")
    wanted = address.options.get("profile", "auto")
    if wanted != "auto" and wanted not in PROFILES:
        raise AddressError(f"{address}: unknown profile {wanted!r}; known: auto, {', '.join(PROFILES)}")
    return ViscaCamera(name, *address.endpoint(DEFAULT_PORT), PROFILES.get(wanted))


def _order(row: Row, *values: int, lane: Lane = Lane.USER, within_s: float = 2.0) -> Order:
    return Order(row.name, row.kind, row.encode(*values), lane, row.axes, within_s)


STOPS = (_order(table.PAN_TILT_STOP, lane=Lane.STOP), _order(table.ZOOM_STOP, lane=Lane.STOP))


class ViscaCamera:
    """One camera. Its verbs are those of `drivers.ports.Camera`."""

    def __init__(self, name: str, host: str, port: int, profile: Profile | None) -> None:
        self.name = name
        self.profile = profile or GENERIC
        self._chosen = profile
        self._host, self._port = host, port
        self._session = Session()
        self._transport: asyncio.DatagramTransport | None = None
        self._waiting: dict[Request, asyncio.Future[Request]] = {}
        self._alarm: asyncio.TimerHandle | None = None
        self._link_error: OSError | None = None
        self._driven: set[Axis] = set()
        """What the last drive moved; an axis that rested before needs no stop."""

    # The port.

    async def open(self) -> None:
        """Make the link, learn who it is, and stop whatever moves.

        Raises:
            DeviceUnreachable: no link, or no answer within about two seconds.
        """
        await self.close()
        self._session, self._link_error = Session(), None
        self._transport = await open_datagrams(self._host, self._port, self._received, self._failed)
        try:
            self._expect(await self._do(self._session.reset()))
            version = await self._version()
            self.profile = self._chosen or profile_for(version)
            await self._stop_moving()
            await self._ask(table.POWER_INQ)
        except BaseException:
            self._let_go()
            raise

    async def close(self) -> None:
        """Stop a moving camera, waiting half a second at most, and let go of the port."""
        if self._transport is not None and self._session.moving:
            with suppress(DriverError, TimeoutError):
                async with asyncio.timeout(CLOSE_WITHIN_S):
                    await self._stop_moving()
        self._let_go()
        await asyncio.sleep(0)  # the transport closes in the loop's next round

    async def check(self) -> Health:
        """Ask power and position, and measure how long an answer takes.

        Raises:
            DeviceUnreachable: no answer.
        """
        began = self._now()
        on = await self._is_on(Lane.POLL)
        round_trip_ms = round((self._now() - began) * 1000, 1)
        measures = [self._power_measure(on), self._round_trip_measure(round_trip_ms)]
        if on:
            at = await self._look(Lane.POLL)
            measures += [
                Measure("pan_deg", at.pan_deg, Verdict.PASS, "deg"),
                Measure("tilt_deg", at.tilt_deg, Verdict.PASS, "deg"),
                Measure("zoom", at.zoom, Verdict.PASS),
            ]
        return judge(tuple(measures))

    async def identify(self) -> Identity:
        """Ask vendor, model and version; codes that we have no name for come as hexadecimal."""
        version = await self._version()
        vendor = VENDORS.get(version.vendor, f"{version.vendor:04X}")
        return Identity(vendor, MODELS.get(version.model, f"{version.model:04X}"), f"{version.rom:04X}")

    async def power(self, on: bool) -> Result:
        """Switch on or to standby and return once the camera says it is there.

        Raises:
            OutcomeUnknown: it did not get there within a minute.
        """
        began = self._now()
        if await self._is_on() is on:
            return self._result(Outcome.COMPLETED, began, on=on)
        request = await self._command(table.POWER_ON if on else table.POWER_STANDBY)
        if request.outcome is not Outcome.UNKNOWN:
            self._expect(request)
        try:
            async with asyncio.timeout(START_UP_WITHIN_S):
                await self._until_power(on)
        except TimeoutError as error:
            wanted = "on" if on else "in standby"
            raise OutcomeUnknown(
                self._reason("camera.power_not_reached", f"wanted {wanted} within {START_UP_WITHIN_S:g} s", on=on)
            ) from error
        settled = request.outcome is Outcome.UNKNOWN
        return self._result(Outcome.SETTLED if settled else Outcome.COMPLETED, began, on=on)

    async def recall(self, memory: int) -> Result:
        """Move to a stored position and return once the move has ended.

        Raises:
            ValueError: the profile has no such memory.
        """
        self._check_memory(memory)

        async def there(_: Position) -> bool:
            return (await self._ask(table.MEMORY_INQ))[0] == memory

        return await self._move(table.RECALL, memory, within_s=self.profile.longest_travel_s, there=there)

    async def store(self, memory: int) -> Result:
        """Store where the camera looks now.

        Raises:
            ValueError: the profile has no such memory.
        """
        self._check_memory(memory)
        began = self._now()
        self._expect(await self._command(table.STORE, memory))
        return self._result(Outcome.COMPLETED, began, memory=memory)

    async def position(self) -> Position:
        """Ask where the camera looks."""
        return await self._look()

    async def move_to(self, pan_deg: float, tilt_deg: float, zoom: float | None = None) -> Result:
        """Move to a position, pan and tilt first, and return once the move has ended.

        Raises:
            ValueError: outside the profile's range.
        """
        profile, began = self.profile, self._now()
        self._check_range("pan", pan_deg, *profile.pan_deg)
        self._check_range("tilt", tilt_deg, *profile.tilt_deg)
        if zoom is not None:
            self._check_range("zoom", zoom, 0.0, 1.0)

        async def pointed(at: Position) -> bool:
            return max(abs(at.pan_deg - pan_deg), abs(at.tilt_deg - tilt_deg)) <= TOLERANCE_DEG

        start = await self._look()
        way_deg = max(abs(start.pan_deg - pan_deg), abs(start.tilt_deg - tilt_deg))
        tilt_speed = 0 if profile.one_speed else profile.tilt_speed_max
        result = await self._move(
            table.PAN_TILT_ABSOLUTE,
            profile.pan_speed_max,
            tilt_speed,
            profile.steps(pan_deg),
            profile.steps(tilt_deg),
            within_s=way_deg / profile.pan_deg_per_s,
            there=pointed,
        )
        if zoom is None:
            return result
        zoomed = await self._zoom_to(zoom)
        read_back = Outcome.SETTLED in {result.outcome, zoomed.outcome}
        outcome = Outcome.SETTLED if read_back else Outcome.COMPLETED
        return Result(outcome, timedelta(seconds=self._now() - began), zoomed.read_back)

    async def drive(self, pan: float, tilt: float, zoom: float, *, lease: timedelta) -> None:
        """Move with speeds from -1 to 1 for at most `lease`; call again to go on, newest wins.

        Raises:
            ValueError: a speed outside -1 to 1, or a lease that is no time.
            DeviceUnreachable: the camera is not open.
        """
        for name, speed in (("pan", pan), ("tilt", tilt), ("zoom", zoom)):
            self._check_range(f"{name} speed", speed, -1.0, 1.0)
        if lease <= timedelta(0):
            raise ValueError(f"a lease must be longer than nothing, got {lease}")
        if self._transport is None:
            raise DeviceUnreachable(self._reason("camera.not_open", "wanted a move, found no link"))
        wanted = {axis for axis, moves in ((Axis.PAN_TILT, pan or tilt), (Axis.ZOOM, zoom)) if moves}
        for axis, order in ((Axis.PAN_TILT, self._pan_tilt_drive(pan, tilt)), (Axis.ZOOM, self._zoom_drive(zoom))):
            if axis in wanted | self._driven or not wanted:
                self._session.request(order)
        self._driven = wanted
        if wanted:
            self._session.lease(self._now() + lease.total_seconds(), STOPS)
        self._pump()

    async def stop(self) -> Result:
        """Stop pan, tilt and zoom ahead of everything queued; returns once acknowledged."""
        began = self._now()
        await self._stop_moving()
        return self._result(Outcome.COMPLETED, began)

    # Moves.

    async def _move(
        self, row: Row, *values: int, within_s: float, there: Callable[[Position], Awaitable[bool]]
    ) -> Result:
        """Move; where the camera ran it and its completion was lost, look whether it rests `there`.

        Raises:
            DriverError: it did not get there, or nobody knows.
        """
        began = self._now()
        self._session.release()
        request = await self._command(row, *values, within_s=within_s + SLACK_S)
        outcome = Outcome.COMPLETED
        if request.outcome is Outcome.UNKNOWN and request.ran:
            at = await self._still()
            if not await there(at) or await self._look() != at:
                self._expect(request)
            outcome = Outcome.SETTLED
        else:
            self._expect(request)
            at = await self._look()
        return self._result(outcome, began, **self._read_back(at))

    async def _zoom_to(self, zoom: float) -> Result:
        async def zoomed(at: Position) -> bool:
            return abs(at.zoom - zoom) <= TOLERANCE_ZOOM

        steps = round(zoom * self.profile.zoom_end)
        return await self._move(table.ZOOM_DIRECT, steps, within_s=self.profile.zoom_through_s, there=zoomed)

    async def _still(self) -> Position:
        """Return where the camera looks a moment from now; it rests if it still does afterwards."""
        await asyncio.sleep(STILL_AFTER_S)
        at = await self._look()
        await asyncio.sleep(STILL_AFTER_S)
        return at

    def _pan_tilt_drive(self, pan: float, tilt: float) -> Order:
        if not pan and not tilt:
            return STOPS[0]
        across = Direction.STOP if not pan else Direction.RIGHT if pan > 0 else Direction.LEFT
        along = Direction.STOP if not tilt else Direction.UP if tilt > 0 else Direction.DOWN
        pan_speed = max(1, round(abs(pan) * self.profile.pan_speed_max))
        tilt_speed = max(1, round(abs(tilt) * self.profile.tilt_speed_max))
        return _order(table.PAN_TILT_DRIVE, pan_speed, tilt_speed, across, along)

    @staticmethod
    def _zoom_drive(zoom: float) -> Order:
        if not zoom:
            return STOPS[1]
        return _order(table.ZOOM_DRIVE, (0x20 if zoom > 0 else 0x30) + round(abs(zoom) * 7))

    async def _stop_moving(self) -> None:
        """Stop all axes; a camera in standby refuses, and stands still.

        Raises:
            DriverError: a stop was not acknowledged.
        """
        for request in await asyncio.gather(*(self._do(self._session.request(stop)) for stop in STOPS)):
            if request.code != ErrorCode.NOT_EXECUTABLE:
                self._expect(request)

    # Inquiries.

    async def _ask(self, row: Row, lane: Lane = Lane.USER) -> bytes:
        """Return the answer to an inquiry.

        Raises:
            DriverError: no answer, or a refusal.
            ProtocolViolation: an answer of the wrong length.
        """
        request = await self._do(self._session.request(_order(row, lane=lane)))
        self._expect(request, await self._code_of(request) if row is not table.POWER_INQ else "")
        if len(request.answer) != row.answer_bytes:
            found = f"{row.name} wanted {row.answer_bytes} bytes, found {request.answer.hex(' ') or 'none'}"
            raise ProtocolViolation(self._reason("camera.malformed_answer", found))
        return request.answer

    async def _version(self) -> Version:
        return Version.parse(await self._ask(table.VERSION_INQ))

    async def _is_on(self, lane: Lane = Lane.USER) -> bool:
        return (await self._ask(table.POWER_INQ, lane))[0] == 2

    async def _until_power(self, on: bool) -> None:
        """Return once power is as wanted; a camera that starts may be silent or refuse."""
        while True:
            with suppress(DriverError):
                if await self._is_on(Lane.POLL) is on:
                    return
            await asyncio.sleep(POWER_ASKED_EVERY_S)

    async def _look(self, lane: Lane = Lane.USER) -> Position:
        at = await self._ask(table.POSITION_INQ, lane)
        zoom = from_nibbles(await self._ask(table.ZOOM_INQ, lane))
        return Position(
            self.profile.degrees(from_nibbles(at[:4], signed=True)),
            self.profile.degrees(from_nibbles(at[4:], signed=True)),
            round(zoom / self.profile.zoom_end, 4),
        )

    # Requests and their ends.

    async def _command(self, row: Row, *values: int, within_s: float = 2.0) -> Request:
        """Return the ended request; for a refusal its reason is learnt here, while the camera is asked anyway."""
        request = await self._do(self._session.request(_order(row, *values, within_s=within_s)))
        if request.outcome is Outcome.REFUSED:
            self._expect(request, await self._code_of(request))
        return request

    async def _code_of(self, request: Request) -> str:
        """Return the code of a refusal, asking whether standby is why."""
        if request.code != ErrorCode.NOT_EXECUTABLE:
            return ""
        with suppress(DeviceUnreachable, ProtocolViolation):
            return "camera.not_executable" if await self._is_on() else "camera.in_standby"
        return "camera.not_executable"

    async def _do(self, request: Request) -> Request:
        """Wait for `request` to end; a caller that gives up takes it back if it was not sent.

        Raises:
            DeviceUnreachable: the camera is not open.
        """
        if self._transport is None:
            self._session.drop()
            raise DeviceUnreachable(self._reason("camera.not_open", f"wanted {request.order.name}, found no link"))
        self._waiting[request] = asyncio.get_running_loop().create_future()
        self._pump()
        try:
            return await self._waiting[request]
        finally:
            self._waiting.pop(request, None)
            self._session.abandon(request)
            self._pump()

    def _expect(self, request: Request, refusal: str = "") -> None:
        """Return if `request` completed.

        Raises:
            DeviceRefused: the camera declined.
            CommandCancelled: a stop or a newer motion took it back.
            CommandSuperseded: a newer motion took its place before it was sent.
            OutcomeUnknown: sent, and it may or may not have run to its end.
            DeviceUnreachable: no link or no answer.
        """
        what = f"wanted {request.order.name}"
        match request.outcome:
            case Outcome.COMPLETED:
                return
            case Outcome.REFUSED:
                raise DeviceRefused(self._refusal(request, refusal))
            case Outcome.CANCELLED:
                raise CommandCancelled(self._reason("camera.cancelled", f"{what}, found it taken back"))
            case Outcome.SUPERSEDED:
                raise CommandSuperseded(self._reason("camera.superseded", f"{what}, found a newer command"))
            case Outcome.UNKNOWN if request.ran:
                detail = f"{what}, the camera acknowledged it and never said that it was done"
                raise OutcomeUnknown(self._reason("camera.no_completion", detail))
            case Outcome.UNKNOWN:
                raise OutcomeUnknown(self._reason("camera.no_acknowledgement", f"{what}, found no answer"))
            case _:
                raise DeviceUnreachable(self._reason("camera.no_answer", f"{what}, {self._silence()}"))

    def _silence(self) -> str:
        if self._link_error is None:
            return "found no answer; check address, power and cable"
        return f"found no answer; {broken('network', self._link_error).detail}"

    def _refusal(self, request: Request, code: str) -> Reason:
        error = request.code if request.code is not None else 0
        codes = {
            ErrorCode.NOT_EXECUTABLE: "camera.not_executable",
            ErrorCode.BUFFER_FULL: "camera.busy",
            ErrorCode.SYNTAX: "camera.syntax",
            ErrorCode.MESSAGE_LENGTH: "camera.syntax",
        }
        detail = f"wanted {request.order.name}, found error {error:02X}"
        if code == "camera.in_standby":
            detail += ": it is in standby, switch it on first"
        return self._reason(
            code or {int(k): v for k, v in codes.items()}.get(error, "camera.refused"), detail, error=error
        )

    def _reason(self, code: str, detail: str, **values: Scalar) -> Reason:
        where = f"{self._host}:{self._port}"
        return Reason(code, f"{self.name} at {where}: {detail}", {"device": self.name, "address": where, **values})

    def _result(self, outcome: Outcome, began: float, **read_back: Scalar) -> Result:
        return Result(outcome, timedelta(seconds=self._now() - began), read_back)

    @staticmethod
    def _read_back(at: Position) -> dict[str, Scalar]:
        return {"pan_deg": at.pan_deg, "tilt_deg": at.tilt_deg, "zoom": at.zoom}

    # Ranges and measures.

    def _check_range(self, what: str, value: float, low: float, high: float) -> None:
        """Return if `value` is allowed.

        Raises:
            ValueError: names range and profile.
        """
        if not low <= value <= high:
            raise ValueError(f"{self.name}: {what} must be {low:g} to {high:g} ({self.profile.name}), got {value:g}")

    def _check_memory(self, memory: int) -> None:
        memories = self.profile.memories
        self._check_range("memory", memory, memories[0], memories[-1])

    def _power_measure(self, on: bool) -> Measure:
        if on:
            return Measure("power", "on", Verdict.PASS, limit="on")
        reason = self._reason("camera.in_standby", "wanted it on, found it in standby")
        return Measure("power", "standby", Verdict.WARN, limit="on", reason=reason)

    def _round_trip_measure(self, took_ms: float) -> Measure:
        limit = f"<= {ROUND_TRIP_LIMIT_MS} ms"
        if took_ms <= ROUND_TRIP_LIMIT_MS:
            return Measure("rtt_ms", took_ms, Verdict.PASS, "ms", limit)
        reason = self._reason("camera.slow", f"wanted an answer {limit}, found {took_ms:g} ms", rtt_ms=took_ms)
        return Measure("rtt_ms", took_ms, Verdict.WARN, "ms", limit, reason)

    # The link.

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()

    def _received(self, data: bytes) -> None:
        self._session.received(data, self._now())
        self._pump()

    def _failed(self, error: OSError) -> None:
        """Keep why nothing comes; a camera that starts up refuses too, so the resends go on."""
        self._link_error = error

    def _pump(self) -> None:
        """Let the session send what is due, tell who waits, and come back at its next deadline."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        step = self._session.tick(self._now())
        for request in step.finished:
            self._finished(request)
        if self._transport is None:
            return
        for datagram in step.send:
            self._transport.sendto(datagram)
        if step.wake_at is not None:
            self._alarm = asyncio.get_running_loop().call_at(step.wake_at, self._pump)

    def _finished(self, request: Request) -> None:
        waiter = self._waiting.get(request)
        if waiter is not None and not waiter.done():
            waiter.set_result(request)
        elif waiter is None and request.outcome in {Outcome.UNKNOWN, Outcome.REFUSED}:
            log.warning(
                "camera did not do it",
                extra={"action": "failed", "device": self.name, "order": request.order.name, "code": request.code},
            )

    def _let_go(self) -> None:
        transport, self._transport = self._transport, None
        self._session.drop()
        self._pump()
        if transport is not None:
            transport.close()
