"""One session over one line: bytes go out when the wire is free, waiters hear how theirs ended.

The session decides what goes out next, the line whether it may go now; in between stands
`_pump`, which is called after everything that happens. It never queues a message: what is
sent is decided at the moment the wire is free, so that a STOP never stands behind stale drives.

A conversation is

    DOWN ──> PROBING ──> UP        and DOWN again when the line is lost or closed

*Probing* from the open line until the camera said who it is. When the line is lost, whoever
waits is told at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import Enum
from math import inf

from drivers.errors import (
    CommandCancelled,
    CommandSuperseded,
    DeviceRefused,
    DeviceUnreachable,
    OutcomeUnknown,
)
from drivers.outcomes import Outcome, Reason, Scalar
from drivers.visca.codec import ErrorCode
from drivers.visca.deadman import Guard
from drivers.visca.line import Ears, Framing, Line
from drivers.visca.session import Lane, Order, Quirks, Request, Session

log = logging.getLogger(__name__)

CLEARED_WITHIN_S = 0.5
SPARSE_S = 0.1
"""Requests that follow each other sooner than about this leave the alarm as it is."""
WATCHED_S = 0.5
"""A loop that waits for a STOP's answer looks after it at least so often."""

Observer = Callable[[float, bool, bytes], None]
"""Hears of every message: seconds on the loop's monotonic clock, whether it goes out, its bytes."""


class Link(Enum):
    """How far the link to a camera is."""

    DOWN = "down"
    PROBING = "probing"
    UP = "up"


_REFUSALS = {
    int(ErrorCode.NOT_EXECUTABLE): "camera.not_executable",
    int(ErrorCode.BUFFER_FULL): "camera.busy",
    int(ErrorCode.SYNTAX): "camera.syntax",
    int(ErrorCode.MESSAGE_LENGTH): "camera.syntax",
}


class Conversation:
    """The way to ask one camera something and learn how it ended."""

    def __init__(
        self,
        name: str,
        line: Line,
        fresh: Callable[[], Session],
        *,
        guard: Guard | None = None,
        observer: Observer | None = None,
        ended: Callable[[Request], None] | None = None,
        cut_off: Callable[[Reason], None] | None = None,
    ) -> None:
        """Make a conversation that is not open yet.

        Args:
            name: what the room calls the camera.
            line: the way to it.
            fresh: makes the session of a new link.
            guard: is told how long a drive may last, and that this loop is alive when it ends.
            observer: hears of every message.
            ended: hears of requests that nobody waits for.
            cut_off: hears that the line was lost while the camera was driven or not yet known to be stopped.
        """
        self.name = name
        self.line = line
        self.link = Link.DOWN
        self._fresh = fresh
        self._guard = guard
        self._observer = observer
        self._unwaited = ended
        self._cut_off = cut_off
        self._session = fresh()
        self._clock: Callable[[], float] = lambda: asyncio.get_running_loop().time()
        """The loop's clock; once open the loop's own function, for it is read at every message."""
        self._waiting: dict[Request, asyncio.Future[Request]] = {}
        self._alarm: asyncio.TimerHandle | None = None
        self._lease_until = inf
        self._is_sparse = False
        """The last alarm rang for nothing: requests come so seldom that calling it off costs less."""
        self._idle_since = -inf
        self._is_watched = False
        """The watchdog waits for this loop: a drive lasts, or what ends it is not acknowledged yet."""
        self._gap_s = 0.0
        self._quiet_until = 0.0
        self._trouble: Reason | None = None
        self._pumping = self._pump_again = False

    # The link.

    async def open(self) -> None:
        """Open the line and begin anew: no request of an earlier link lives on.

        Raises:
            DeviceUnreachable: no such host, port or device.
        """
        await self.close()
        self._session, self._trouble = self._fresh(), None
        self._clock = asyncio.get_running_loop().time
        self.link = Link.PROBING
        try:
            await self.line.open(Ears(self._received, self._failed, self._lost, self._pump))
        except BaseException:
            self.link = Link.DOWN
            raise

    async def reset(self) -> None:
        """Have the camera begin anew: count from 0 again, or empty its sockets.

        A chain was cleared when its bus was opened. Over other bare lines a camera that does
        not answer to that is none the worse.

        Raises:
            DriverError: no answer, over Sony's header.
        """
        if self.line.byte_s:
            return
        self._must_be_open("RESET")
        request = self._session.reset()
        if self.line.framing is Framing.SONY:
            self.expect(await self._ended(request))
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(CLEARED_WITHIN_S):
                await self._ended(request)

    def adopt(self, quirks: Quirks) -> None:
        """Allow for where the camera leaves the protocol."""
        self._session.quirks = quirks

    def is_up(self, *, gap_s: float = 0.0) -> None:
        """Say that the camera is known; from now on messages go out at least `gap_s` apart, STOP excepted."""
        self.link = Link.UP
        self._gap_s = gap_s

    def forget_motion(self) -> None:
        """Take nothing for granted of what the camera does: somebody else has stopped it."""
        self._session.forget_motion()

    async def close(self) -> None:
        """End everything and let go of the line."""
        self._end_all()
        await self.line.close()  # also one that was lost: it may hold more than its stream

    def _end_all(self) -> None:
        self.link = Link.DOWN
        self._gap_s = 0.0
        self.release()
        self._session.drop()
        self._unwatch()
        self._pump()
        self._calm()

    # Requests.

    @property
    def moving(self) -> bool:
        """Whether the camera may be moving for us."""
        return self._session.moving

    def post(self, order: Order) -> Request:
        """Queue `order` for nobody to wait for.

        Raises:
            DeviceUnreachable: there is no link.
        """
        self._must_be_open(order.name)
        if order.lane is Lane.STOP:
            self._lease_until = inf
        request = self._session.request(order)
        self._pump()
        return request

    async def ask(self, order: Order, *, within_s: float | None = None) -> Request:
        """Return the ended request; a caller that gives up takes it back if it was not sent.

        Raises:
            DeviceUnreachable: there is no link, or no end within `within_s`.
        """
        self._must_be_open(order.name)
        if order.lane is Lane.STOP:
            self._lease_until = inf
        request = self._session.request(order)
        if within_s is None:
            return await self._ended(request)
        try:
            async with asyncio.timeout(within_s):
                return await self._ended(request)
        except TimeoutError as error:
            raise DeviceUnreachable(self._silence(order.name)) from error

    async def _ended(self, request: Request) -> Request:
        waiter: asyncio.Future[Request] = asyncio.get_running_loop().create_future()
        self._waiting[request] = waiter
        self._pump()
        try:
            return await waiter
        finally:
            del self._waiting[request]
            if request.outcome is None:
                self._session.abandon(request)
                self._pump()

    def is_leased(self, now: float) -> bool:
        """Whether a drive is under way that ends by itself."""
        return now < self._lease_until < inf

    def lease(self, orders: Sequence[Order], until: float, stops: Sequence[Order]) -> None:
        """Queue `orders`; unless renewed, `stops` follow at `until`, from another thread if need be.

        Raises:
            DeviceUnreachable: there is no link.
        """
        self._must_be_open("a move")
        for order in orders:
            self._session.request(order)
        self._session.lease(until, stops)
        self._lease_until = until
        self._watch_until(until)
        self._pump()

    def release(self) -> None:
        """End the lease without a stop: the caller moves to a position next."""
        self._session.release()
        self._lease_until = inf

    def _watch_until(self, until: float) -> None:
        if self._guard is not None:
            self._is_watched = True
            self._guard.arm(until)

    def _unwatch(self) -> None:
        if self._is_watched and self._guard is not None:
            self._is_watched = False
            self._guard.disarm()

    def _watch_the_end(self, now: float, wake_at: float | None) -> float | None:
        """Return when to come back: until what ends a drive is acknowledged, the watchdog waits for this loop.

        A message that went out may be lost, and only a loop that lives sends it again.
        """
        if not self._session.stopping:
            self._unwatch()
            return wake_at
        wake_at = min(now + WATCHED_S, inf if wake_at is None else wake_at)
        self._watch_until(wake_at)
        return wake_at

    def _must_be_open(self, what: str) -> None:
        """Return if there is a link.

        Raises:
            DeviceUnreachable: there is none.
        """
        if self.link is Link.DOWN:
            why = "found no link" if self._trouble is None else f"found no link: {self._trouble.detail}"
            raise DeviceUnreachable(self.reason("camera.not_open", f"wanted {what}, {why}"))

    # How they ended.

    def expect(self, request: Request, refusal: str = "") -> None:
        """Return if `request` completed; `refusal` is a better code for why it was refused.

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
                raise CommandCancelled(self.reason("camera.cancelled", f"{what}, found it taken back"))
            case Outcome.SUPERSEDED:
                raise CommandSuperseded(self.reason("camera.superseded", f"{what}, found a newer command"))
            case Outcome.UNKNOWN if request.ran:
                detail = f"{what}, the camera acknowledged it and never said that it was done"
                raise OutcomeUnknown(self.reason("camera.no_completion", detail))
            case Outcome.UNKNOWN:
                raise OutcomeUnknown(self.reason("camera.no_acknowledgement", f"{what}, found no answer"))
            case _:
                raise DeviceUnreachable(self._silence(request.order.name))

    def reason(self, code: str, detail: str, **values: Scalar) -> Reason:
        """Return a reason that names camera and line."""
        where = self.line.where
        return Reason(code, f"{self.name} at {where}: {detail}", {"device": self.name, "address": where, **values})

    def _silence(self, what: str) -> Reason:
        why = "check address, power and cable" if self._trouble is None else self._trouble.detail
        return self.reason("camera.no_answer", f"wanted {what}, found no answer; {why}")

    def _refusal(self, request: Request, code: str) -> Reason:
        error = request.code if request.code is not None else 0
        detail = f"wanted {request.order.name}, found error {error:02X}"
        if code == "camera.in_standby":
            detail += ": it is in standby, switch it on first"
        return self.reason(code or _REFUSALS.get(error, "camera.refused"), detail, error=error)

    # What the line says.

    def _received(self, data: bytes) -> None:
        now = self._clock()
        if self._observer is not None:
            self._observer(now, False, data)
        self._session.received(data, now)
        if self._session.rests and not self._is_watched:
            self._tell(self._session.take_finished())
            if self._is_sparse and self._session.is_idle:
                self._calm()
                self._idle_since = now
        else:
            self._pump(now)

    def _failed(self, reason: Reason) -> None:
        """Keep why nothing comes; a camera that starts up refuses too, so the resends go on."""
        self._trouble = reason

    def _lost(self, reason: Reason) -> None:
        """Tell everybody who waits that the line is gone."""
        if self.link is Link.DOWN:
            return
        log.info("link lost", extra={"action": "link_lost", "device": self.name, "detail": reason.detail})
        self._trouble = reason
        goes_on = self._lease_until < inf or self._session.stopping
        self._end_all()
        if goes_on and self._cut_off is not None:
            self._cut_off(reason)

    # The pump.

    def _pump(self, now: float | None = None) -> None:
        """Let the session send what is due and the line takes, tell who waits, come back in time."""
        if self._pumping:  # the line had something to say while it sent
            self._pump_again = True
            return
        self._pumping = True
        try:
            self._turn(self._clock() if now is None else now)
            while self._pump_again:
                self._pump_again = False
                self._turn(self._clock())
        finally:
            self._pumping = self._pump_again = False

    def _turn(self, now: float) -> None:
        if now >= self._lease_until:
            self._lease_until = inf  # the session's own stops go out below: this loop lives
        down, line = self.link is Link.DOWN, self.line
        everything = not self._gap_s and not line.byte_s and not down and line.has_room(stop=True)
        send, finished, wake_at, wants = self._session.tick(now, room=None if everything else 0)
        if send or finished:
            self._take(send, finished, now)
        while wants is not None and not down and self._is_free(wants, now):
            send, finished, wake_at, wants = self._session.tick(now, room=1)
            self._take(send, finished, now)
            if self.link is Link.DOWN:  # lost while it was sent
                return
        if wants is not None and now < self._quiet_until:
            wake_at = min(self._quiet_until, inf if wake_at is None else wake_at)
        if self._is_watched and self._lease_until == inf:
            wake_at = self._watch_the_end(now, wake_at)
        if wake_at is not None and not down and (self._alarm is None or wake_at < self._alarm.when()):
            self._wake_by(wake_at)

    def _is_free(self, lane: Lane, now: float) -> bool:
        stop = lane is Lane.STOP
        return (stop or now >= self._quiet_until) and self.line.has_room(stop=stop)

    def _take(self, send: Sequence[bytes], finished: Sequence[Request], now: float) -> None:
        for message in send:
            if self.link is Link.DOWN:
                break
            self._quiet_until = now + self._gap_s
            self.line.send(message)
            if self._observer is not None:  # while the camera thinks
                self._observer(now, True, message)
        self._tell(finished)

    def _tell(self, finished: Sequence[Request]) -> None:
        for request in finished:
            waiter = self._waiting.get(request)
            if waiter is None:
                if self._unwaited is not None:
                    self._unwaited(request)
            elif not waiter.done():
                waiter.set_result(request)

    def _wake_by(self, at: float) -> None:
        """Come back at `at`; an alarm that rings earlier stays, for setting it anew costs more than ringing."""
        if at - self._idle_since < SPARSE_S:
            self._is_sparse = False
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = asyncio.get_running_loop().call_at(at, self._rung)

    def _calm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _rung(self) -> None:
        self._alarm = None
        self._is_sparse = self._session.is_idle
        self._pump()
