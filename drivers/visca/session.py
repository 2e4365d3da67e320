"""One conversation with one camera: what to send when, and how each request ended.

No input or output here: time is an argument, bytes come in through `received` and go out
through `tick`. What a request is and how far it can be stands in `drivers.visca.orders`,
whose answer is whose in `drivers.visca.matching`, time limits in `drivers.visca.timing`.

The rules, and why:

* One message at a time waits for its first answer; Sony asks for it. STOP alone overtakes.
* With Sony's header a message is resent under the **same** number. A camera that got it
  before says `0F 01` and does not run it twice; so `0F 01` means that the command *ran* and
  its acknowledgement was lost. An inquiry is asked again under a new number.
* A second copy of RESET may arrive late, and the camera forgets which numbers it saw. So no
  command but STOP follows a RESET within the time of strays: its resend might run again.
* Over a bare line nothing tells a copy from a second command. There a command is resent only
  if running it twice ends where running it once does; any other ends as unknown.
* Newest wins: a motion takes the place of queued motions on its axes (superseded) and takes
  back sent and running ones (cancelled, whatever the camera says of them afterwards). A lane
  takes the place of no lane before it. All this happens when a message can be sent, not before.
* A drive that the camera is already doing is not sent again: it was acknowledged, nothing
  else ran on its axes since, its lease lives, and that is less than `HELD_S` ago.
* A camera has two sockets. Of motions that do not displace each other only one is started
  at a time, so that a socket stays free for STOP.
* A motion that was sent and not yet acknowledged when STOP went out may arrive after it,
  unless the line keeps order. It is not resent, and STOP is sent once more when its fate is
  known or the time of strays is over; only that second STOP ends the request.
* STOP is sent until it is answered or the camera is given up. Several STOPs go out at once
  where numbers tell their answers apart, else one after the other, unless one stays unanswered.
* A drive is a lease: when it ends unrenewed, the session queues STOP by itself.
* Buffer full (another controller is busy): back off and try again, with a number under the
  same one, because a resent copy may have been accepted while the error was on its way.
* A camera that never acknowledges is taken to run what it did not refuse in time, one
  command at a time; completed is only what it says is completed.
* From a camera that says nothing at all nothing is known: commands are sent and end unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from drivers.outcomes import Outcome
from drivers.visca.codec import (
    RESET,
    SEQUENCE_LIMIT,
    Ack,
    AddressSet,
    Answer,
    BadMessage,
    BadSequence,
    Cleared,
    Completion,
    ErrorCode,
    Kind,
    NetworkChange,
    Refused,
    Reply,
    ReplyDecoder,
    ResetDone,
    pack,
    unpack,
)
from drivers.visca.line import Framing
from drivers.visca.matching import ByNumber, ByOrder, Matcher
from drivers.visca.orders import Lane, Order, Request, State, Step
from drivers.visca.row import Axis
from drivers.visca.timing import Quirks, Timing

__all__ = ["Framing", "Lane", "Order", "Quirks", "Request", "Session", "State", "Step", "Timing"]

BUSY_S, BUSY_AT_MOST_S = 0.04, 0.32
BUSY_TRIES = 20
STOP_BUSY_TRIES = 50
SOCKETS = 2
STOPS_ALONE = 3
"""Over a bare line a STOP has so many copies before the next one goes beside it."""
BLIND_STOPS = 3
HELD_S = 1.0
"""A drive is sent again after this, for somebody else may have stopped the camera."""
_TO_ALL = 0x88
_CLEAR = bytes((0x01, 0x00, 0x01, 0xFF))


class Session:
    """The conversation's state. After `request`, `received`, `lease` or `drop`, call `tick`."""

    def __init__(
        self,
        framing: Framing = Framing.SONY,
        timing: Timing | None = None,
        quirks: Quirks | None = None,
        *,
        address: int = 1,
    ) -> None:
        self.framing = framing
        self.timing = timing or Timing()
        self.address = address
        self.round_trip_s = 0.0
        """Smoothed time from a message to its first answer; 0 before the first."""
        self.network_changed = False
        """The chain said that its cameras changed; stays until the caller clears it."""
        self._sequence = 0
        self._counts_anew_until = -inf
        self._live: list[Request] = []
        self._finished: list[Request] = []
        self._lease_until = inf
        self._lease_stops: tuple[Order, ...] = ()
        self._held: dict[Axis, tuple[bytes, float]] = {}
        """What each axis was told last and when, where that was acknowledged."""
        self._decoder = ReplyDecoder()
        self._numbered = framing is Framing.SONY
        self._quirks = quirks or Quirks()
        self._matcher = self._new_matcher()

    @property
    def quirks(self) -> Quirks:
        """Where the camera leaves the protocol; may be set once that is known, between two requests."""
        return self._quirks

    @quirks.setter
    def quirks(self, quirks: Quirks) -> None:
        if quirks != self._quirks:
            self._quirks = quirks
            self._matcher = self._new_matcher()

    @property
    def moving(self) -> bool:
        """Whether the camera may be moving for us: also while a STOP waits for its answer, which may have been lost."""
        return self._lease_until < inf or any(
            r.is_stop or (r.is_motion and r.state is not State.QUEUED) for r in self._live
        )

    @property
    def stopping(self) -> bool:
        """Whether a STOP, or a motion that takes the place of one before, was not acknowledged yet."""
        return any(r.is_stop or (r.is_motion and r.state is not State.RUNNING) for r in self._live)

    @property
    def is_idle(self) -> bool:
        """Whether nothing lives and no lease will end."""
        return not self._live and self._lease_until == inf

    @property
    def rests(self) -> bool:
        """Whether a tick before the moment that the last one named would send nothing: at most one command runs."""
        live = self._live
        if self._lease_until < inf or len(live) > 1:
            return False
        return not live or live[0].state is State.RUNNING

    def take_finished(self) -> tuple[Request, ...]:
        """Return what has ended since the last tick, where no tick is needed for anything else."""
        finished, self._finished = tuple(self._finished), []
        return finished

    def reset(self) -> Request:
        """Ask the camera to forget what was before; to be the first request of a link.

        With Sony's header it counts from 0 again; over a bare line IF_Clear empties its sockets.
        """
        if self.framing is Framing.SONY:
            return self.request(Order("RESET", Kind.CONTROL, RESET))
        return self.request(Order("IF_Clear", Kind.SETTING, bytes((0x80 | self.address,)) + _CLEAR))

    def request(self, order: Order) -> Request:
        """Queue `order`, taking the place of older motions on its axes."""
        request = Request(order)
        if order.axes:
            self._displace(request)
        self._live.append(request)
        if self._quirks.blind and order.kind is Kind.INQUIRY:
            self._end(request, Outcome.DISCONNECTED)
        return request

    def lease(self, until: float, stops: Sequence[Order]) -> None:
        """Queue `stops` at the first tick after `until` unless a later lease comes before."""
        self._lease_until = until
        self._lease_stops = tuple(stops)

    def release(self) -> None:
        """End the lease without a stop: the caller stops, or moves to a position."""
        self._lease_until = inf

    def forget_motion(self) -> None:
        """Take nothing for granted: somebody else may have stopped the camera."""
        self._held.clear()

    def abandon(self, request: Request) -> None:
        """Forget a request that nobody waits for any more: unsent it is cancelled, else it runs out.

        A STOP is not forgotten.
        """
        if request.state is State.QUEUED and not request.is_stop:
            self._end(request, Outcome.UNKNOWN if self._may_have_run(request) else Outcome.CANCELLED)

    def drop(self) -> None:
        """End everything because the link is gone; what was sent may or may not have run."""
        self.release()
        self.forget_motion()
        for request in list(self._live):
            self._end(request, Outcome.UNKNOWN if self._may_have_run(request) else Outcome.DISCONNECTED)
        self._matcher = self._new_matcher()
        self._decoder = ReplyDecoder()

    def received(self, data: bytes, now: float) -> None:
        """Take a datagram, or bytes of a stream; what does not belong to a request is ignored."""
        sequence, replies = unpack(data)[1:] if self._numbered else (0, tuple(self._decoder.feed(data)))
        for reply in replies:
            for request in self._matcher.owners(reply, sequence):
                if request.state is not State.ENDED:
                    self._measure(request, now)
                    self._answered(request, reply, now)
            if type(reply) is NetworkChange:
                self.network_changed = True

    def tick(self, now: float, *, room: int | None = None) -> Step:
        """Do what is due at `now`, sending `room` messages at most; any number if there is no limit."""
        if now >= self._lease_until:
            self.release()
            for order in self._lease_stops:
                self.request(order)
        self._expire(now)
        send: list[bytes] = []
        wants: Lane | None = None
        while self._live and (request := self._next(now)) is not None:
            if room is not None and len(send) >= room:
                wants = request.order.lane
                break
            if request.is_motion and request.state is State.QUEUED and self._is_held(request, now):
                request.skipped = True
                self._end(request, Outcome.COMPLETED)
            else:
                send.append(self._send(request, now))
        finished = self.take_finished() if self._finished else ()
        return Step(tuple(send), finished, self._wake_at(now), wants)

    def _new_matcher(self) -> Matcher:
        self._by_number = self._numbered and not self._quirks.seq_lies
        if self._by_number:
            return ByNumber()
        return ByOrder(self.timing.stray_s, no_ack=self._quirks.no_ack)

    @staticmethod
    def _may_have_run(request: Request) -> bool:
        """Whether a copy of a command is out whose fate nobody knows."""
        sent = request.state is not State.QUEUED or request.tries > 1
        return sent and request.order.kind is Kind.COMMAND

    # What comes in.

    def _measure(self, request: Request, now: float) -> None:
        """Learn how long an answer takes; with two copies out the older one is meant, to err on the slow side."""
        if request.state is State.SENT and request.tries <= 2:
            took_s = now - request.first_sent_at
            self.round_trip_s = took_s if not self.round_trip_s else 0.8 * self.round_trip_s + 0.2 * took_s

    def _answered(self, request: Request, reply: Reply, now: float) -> None:
        kind = request.order.kind
        match reply:
            case Answer(content) if kind is Kind.INQUIRY:
                request.answer = content
                self._end(request, Outcome.COMPLETED)
            case Ack() if kind is Kind.COMMAND:
                self._acknowledged(request, now)
            case Completion() if kind is Kind.COMMAND:
                self._completed(request, now)
            case Completion() | AddressSet() | Cleared() if kind is Kind.SETTING:
                self._set(request, reply)
            case ResetDone() if kind is Kind.CONTROL:
                self._sequence = 0
                self._counts_anew_until = request.last_sent_at + self.timing.stray_s
                self._end(request, Outcome.COMPLETED)
            case BadSequence():
                self._seen_before(request, now)
            case BadMessage():
                self._end(request, Outcome.REFUSED)
            case Refused(code):
                self._refused(request, code, now)
            case _:
                pass  # noise, or an answer that this request cannot have: the resend settles it

    def _acknowledged(self, request: Request, now: float) -> None:
        request.ran = True
        if request.is_stop:
            self._stopped(request, now)
        elif request.state is not State.RUNNING:
            self._run(request, now)
            if request.order.drive and not request.taken_back:
                self._held |= dict.fromkeys(request.order.axes, (request.order.payload, now))
        self._hasten_stops(now)

    def _run(self, request: Request, now: float) -> None:
        request.state = State.RUNNING
        request.due_at = inf
        request.ends_at = now + request.order.within_s

    def _completed(self, request: Request, now: float) -> None:
        request.ran = True
        if request.is_stop:
            self._stopped(request, now)
        else:
            self._end(request, Outcome.COMPLETED)
        self._hasten_stops(now)

    def _set(self, request: Request, reply: Reply) -> None:
        """End a setting of the line; IF_Clear has ended whatever ran."""
        if isinstance(reply, AddressSet):
            request.answer = bytes((reply.cameras,))
        self._end(request, Outcome.COMPLETED)
        if request.order.payload[1:] == _CLEAR:
            self.forget_motion()
            self._matcher.cleared()
            for other in list(self._live):
                if other.state is State.RUNNING:
                    self._end(other, Outcome.CANCELLED)

    def _seen_before(self, request: Request, now: float) -> None:
        if request.order.kind is Kind.COMMAND:
            self._acknowledged(request, now)
        elif request.state is State.SENT and request.order.kind is Kind.INQUIRY:
            request.refusals += 1
            if request.refusals < BUSY_TRIES:
                self._again(request, now)
            else:
                self._end(request, Outcome.DISCONNECTED)

    def _refused(self, request: Request, code: int, now: float) -> None:
        request.code = code
        request.refusals += 1
        if code == ErrorCode.CANCELLED:
            self._end(request, Outcome.CANCELLED)
        elif request.ran and code == ErrorCode.BUFFER_FULL:
            pass  # about an older copy: the camera has accepted it since
        elif code == ErrorCode.BUFFER_FULL and self._tries_again(request):
            pause_s = BUSY_S if request.is_stop else min(BUSY_S * 2 ** (request.refusals - 1), BUSY_AT_MOST_S)
            self._again(request, now + pause_s)
        else:
            self._end(request, Outcome.REFUSED)
        self._hasten_stops(now)

    def _tries_again(self, request: Request) -> bool:
        """Whether a request that met a full buffer still has a turn."""
        turns = STOP_BUSY_TRIES if request.is_stop else BUSY_TRIES
        return request.refusals < turns and not request.taken_back

    # STOP and the motions around it.

    def _displace(self, newer: Request) -> None:
        if newer.is_stop:
            self.release()
        for older in list(self._live):
            if not older.is_motion or not older.order.axes & newer.order.axes:
                continue
            if older.state is State.QUEUED and self._takes_the_place_of(newer, older):
                self._end(older, Outcome.SUPERSEDED)
            elif newer.is_stop:
                self._take_back_for_good(older)
        if newer.is_stop and not self.timing.in_order:
            newer.strays = self._astray(newer.order)

    def _take_back_for_good(self, motion: Request) -> None:
        """Take back what STOP ends; one more copy of it, and the camera might move afterwards."""
        motion.taken_back = True
        if motion.state is State.SENT:
            motion.due_at, motion.ends_at = inf, motion.last_sent_at + self.timing.stray_s

    @staticmethod
    def _takes_the_place_of(newer: Request, older: Request) -> bool:
        """Whether `older`, still unsent, has nothing left to do once `newer` is there."""
        if newer.order.lane is not older.order.lane:
            return newer.order.lane < older.order.lane
        return older.order.axes <= newer.order.axes

    def _astray(self, stop: Order) -> tuple[Request, ...]:
        """Return the motions that may arrive after `stop`."""
        sent = (r for r in self._live if r.is_motion and r.state is State.SENT)
        return tuple(r for r in sent if r.order.axes & stop.axes)

    def _stopped(self, stop: Request, now: float) -> None:
        """End `stop`, or send it again where a motion may have arrived after it."""
        if not stop.strays:
            self._end(stop, Outcome.COMPLETED)
            return
        waits = any(stray.state is State.SENT for stray in stop.strays)
        self._again(stop, max(now + self.timing.stray_s if waits else now, self._matcher.quiet_at()))

    def _hasten_stops(self, now: float) -> None:
        """Send a waiting second STOP at once where the fate of all its strays is known."""
        for stop in self._live:
            if not stop.strays or not stop.ran or stop.state is not State.QUEUED:
                continue
            if all(stray.state is not State.SENT for stray in stop.strays):
                stop.due_at = max(now, self._matcher.quiet_at())

    def _is_held(self, drive: Request, now: float) -> bool:
        """Whether the camera is doing just this, and was told so under a lease that still lives."""
        if not drive.order.drive or self._lease_until == inf or not drive.order.axes:
            return False
        held = (self._held.get(axis) for axis in drive.order.axes)
        return all(h is not None and h[0] == drive.order.payload and now - h[1] < HELD_S for h in held)

    # What runs out.

    def _expire(self, now: float) -> None:
        for request in tuple(self._live):
            if now >= request.ends_at:
                self._run_out(request, now)
            elif now >= request.due_at and request.state is State.SENT and self._is_silently_running(request):
                self._matcher.assume(request)
                self._run(request, now)

    def _is_silently_running(self, request: Request) -> bool:
        return self._quirks.no_ack and request.order.kind is Kind.COMMAND and not request.is_stop

    def _run_out(self, request: Request, now: float) -> None:
        """End a request that waited for long enough; one that was answered oddly says so by its answer."""
        if request.state is State.RUNNING or request.order.kind is Kind.COMMAND:
            self._end(request, Outcome.UNKNOWN)
        else:
            self._end(request, Outcome.COMPLETED if request.answer else Outcome.DISCONNECTED)
        self._hasten_stops(now)

    # What goes out.

    def _next(self, now: float) -> Request | None:
        """Return the request to send or resend now, STOP first."""
        live = self._live
        if len(live) > 1:
            live = sorted(live, key=_lane)
        head_seen = False
        for request in live:
            if request.state is State.SENT:
                if request.due_at <= now and self._may_repeat(request):
                    return request
            elif request.state is State.QUEUED:
                if not request.is_stop and request.order.kind is Kind.COMMAND:
                    if head_seen:
                        continue
                    head_seen = True
                if request.due_at <= now and self._may_go(request, now):
                    return request
        return None

    def _may_repeat(self, request: Request) -> bool:
        """Whether a copy may go out beside what else waits; a STOP must not be doubted for its sake."""
        return request.is_stop or self._by_number or not any(r.is_stop for r in self._live)

    def _may_go(self, request: Request, now: float) -> bool:
        if request.is_stop:
            return self._by_number or self._stop_may_go(request)
        if len(self._live) > 1 and any(other.state is State.SENT or other.is_stop for other in self._live):
            return False
        if self._matcher.clear_at(request.order) > now:
            return False
        return request.order.kind is not Kind.COMMAND or (
            now >= self._counts_anew_until and self._finds_socket(request)
        )

    def _stop_may_go(self, stop: Request) -> bool:
        """Whether no other STOP waits alone for its answer; an equal one answers for `stop` too."""
        others = (r for r in self._live if r.is_stop and r.state is State.SENT)
        return all(r.tries >= STOPS_ALONE and r.order.payload != stop.order.payload for r in others)

    def _finds_socket(self, command: Request) -> bool:
        """Whether `command` finds a socket without taking STOP's."""
        if len(self._live) == 1:
            return True
        running = [r for r in self._live if r.state is State.RUNNING]
        if len(running) >= (1 if self._quirks.no_ack else SOCKETS):
            return False
        return not command.is_motion or all(not r.is_motion or r.order.axes & command.order.axes for r in running)

    def _send(self, request: Request, now: float) -> bytes:
        if request.is_stop:
            self._join(request)
        if request.state is State.SENT:
            request.tries += 1
        else:
            self._begin(request, now)
        request.last_sent_at = now
        self._set_limits(request, now)
        self._matcher.sent(request, now)
        if self._numbered:
            return pack(request.order.kind, request.sequence, request.order.payload)
        return request.order.payload

    def _begin(self, request: Request, now: float) -> None:
        """Make a first copy, or the first one after a pause."""
        if request.is_motion:
            self._take_back(request)
        for axis in request.order.axes:
            self._held.pop(axis, None)
        same = request.order.kind is Kind.COMMAND and request.sequence >= 0 and not request.ran
        if not same:
            self._number(request)
        request.state = State.SENT
        request.tries = 2 if same else 1
        request.first_sent_at = now

    def _set_limits(self, request: Request, now: float) -> None:
        """Say when `request` is sent again, and when it is given up."""
        timing = self.timing
        patience_s = timing.patience_s(request, self.round_trip_s)
        request.due_at, request.ends_at = now + patience_s, request.first_sent_at + timing.give_up_s
        if self._quirks.blind:
            if not request.is_stop or request.tries >= BLIND_STOPS:
                rest_s = 0.0 if request.is_stop else timing.wire_s(request.order) + timing.v_period_s
                request.due_at, request.ends_at = inf, now + max(rest_s, timing.v_period_s)
        elif request.is_stop or self._is_silently_running(request):
            pass
        elif not self._may_run_twice(request):
            request.due_at, request.ends_at = inf, now + max(timing.once_s, patience_s)
        elif request.tries >= timing.tries:
            request.due_at, request.ends_at = inf, min(request.ends_at, request.due_at)

    def _may_run_twice(self, request: Request) -> bool:
        return self._by_number or request.order.idempotent or request.order.kind is not Kind.COMMAND

    def _join(self, stop: Request) -> None:
        """Let this one STOP answer for equal ones that were asked for before a copy of it goes out.

        No motion of ours is sent while it lives, so whichever copy is answered, nothing moved since.
        """
        for other in self._live[:]:
            if other is not stop and other.is_stop and not other.tries and other.order.payload == stop.order.payload:
                self._live.remove(other)
                other.state = State.SENT
                stop.joined += (other,)
                stop.strays = tuple(dict.fromkeys((*stop.strays, *other.strays)))

    def _number(self, request: Request) -> None:
        """Give `request` a number of its own; RESET goes under the last one."""
        if request.order.kind is not Kind.CONTROL:
            self._sequence = (self._sequence + 1) % SEQUENCE_LIMIT
        request.sequence = self._sequence
        if request.ran:  # a second STOP starts afresh: whatever went astray is older now
            request.strays, request.ran = (), False

    def _take_back(self, newer: Request) -> None:
        for older in self._live:
            if older.state is State.RUNNING and older.is_motion and older.order.axes & newer.order.axes:
                older.taken_back = True

    def _again(self, request: Request, at: float) -> None:
        request.state = State.QUEUED
        request.due_at, request.ends_at = at, inf

    def _end(self, request: Request, outcome: Outcome) -> None:
        """End `request`, once, and those that joined it."""
        if request.state is State.ENDED:
            return
        if request.order.drive and outcome in {Outcome.CANCELLED, Outcome.REFUSED}:
            self.forget_motion()
        taken_back = request.taken_back and outcome in {Outcome.COMPLETED, Outcome.UNKNOWN}
        request.outcome = Outcome.CANCELLED if taken_back else outcome
        request.state = State.ENDED
        self._live.remove(request)
        self._matcher.ended(request)
        self._finished.append(request)
        for other in request.joined:
            other.outcome, other.state, other.code, other.ran = outcome, State.ENDED, request.code, request.ran
            self._finished.append(other)

    def _wake_at(self, now: float) -> float | None:
        """Return the nearest moment to come; a request that waits for another leaves it to that one's."""
        at = self._lease_until
        for request in self._live:
            at = min(at, request.ends_at)
            due_at = request.due_at
            if request.state is State.QUEUED and due_at <= now and not request.is_stop:
                due_at = max(self._matcher.clear_at(request.order), self._counts_anew_until)
            if now < due_at < at:
                at = due_at
        return None if at == inf else at


def _lane(request: Request) -> Lane:
    return request.order.lane
