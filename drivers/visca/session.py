"""One conversation with one camera: what to send when, and how each request ended.

No input or output here: time is an argument, datagrams come in through `received` and go
out through `tick`. A request is

    QUEUED ──> SENT ──> RUNNING ──> ENDED      with exactly one `Outcome`

*Sent* means that no answer came yet; *running* that the camera acknowledged and its
completion is awaited. Inquiries go from sent to ended.

The rules, and why:

* One message at a time waits for its first answer; Sony asks for it. STOP alone overtakes.
* A message is resent under the **same** number. A camera that got it before says `0F 01`
  and does not run it twice; so `0F 01` means that the command *ran* and its
  acknowledgement was lost. An inquiry is asked again under a new number.
* Newest wins: a motion takes the place of queued motions on its axes (superseded) and takes
  back sent and running ones (cancelled, whatever the camera says of them afterwards).
* A camera has two sockets. Of motions that do not displace each other only one is started
  at a time, so that a socket stays free for STOP.
* A motion that was sent and not yet acknowledged when STOP went out may arrive after it.
  It is not resent, and STOP is sent once more when its fate is known or `STRAY_S` is over;
  only that second STOP ends the request.
* A drive is a lease: when it ends unrenewed, the session queues STOP by itself.
* Buffer full (another controller is busy): back off and try again under the same number,
  because a resent copy may have been accepted while the error was on its way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from math import inf

from drivers.outcomes import Outcome
from drivers.visca.codec import (
    RESET,
    SEQUENCE_LIMIT,
    Ack,
    Answer,
    BadMessage,
    BadSequence,
    Completion,
    ErrorCode,
    Kind,
    Refused,
    Reply,
    ResetDone,
    pack,
    unpack,
)
from drivers.visca.table import Axis

V_PERIOD_S = 0.02
"""A camera looks at one command per picture; 20 ms where mains has 50 Hz."""
RESEND_S = 0.04
RESEND_GROWS = 1.5
RESEND_AT_MOST_S = 0.3
GIVE_UP_S = 2.0
"""A camera that says nothing for so long to a message and its resends is not there."""
STRAY_S = 0.25
"""A datagram older than this is taken for lost."""
BUSY_S, BUSY_AT_MOST_S = 0.04, 0.32
BUSY_TRIES = 20
STOP_BUSY_TRIES = 50
SOCKETS = 2


class Lane(IntEnum):
    """Who goes first."""

    STOP = 0
    USER = 1
    POLL = 2


class State(Enum):
    """How far a request is."""

    QUEUED = "queued"
    SENT = "sent"
    RUNNING = "running"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Order:
    """What to ask of the camera."""

    name: str
    kind: Kind
    payload: bytes
    lane: Lane = Lane.USER
    axes: frozenset[Axis] = field(default=frozenset())
    """What it moves or stops."""
    within_s: float = 2.0
    """How long after its acknowledgement a command may take to complete."""


@dataclass(slots=True, eq=False)
class Request:
    """An order on its way; read `outcome` once the session reports it as finished."""

    order: Order
    state: State = State.QUEUED
    outcome: Outcome | None = None
    answer: bytes = b""
    code: int | None = None
    """The camera's error, if it refused."""
    ran: bool = False
    """The camera acknowledged it."""
    taken_back: bool = False
    sequence: int = -1
    tries: int = 0
    refusals: int = 0
    first_sent_at: float = 0.0
    last_sent_at: float = 0.0
    due_at: float = 0.0
    """Queued: not sent before. Sent: resent at. Running: given up at."""
    strays: tuple[Request, ...] = ()
    """STOP only: motions whose datagram may still arrive after it."""

    @property
    def is_stop(self) -> bool:
        """Whether it goes before everything else."""
        return self.order.lane is Lane.STOP

    @property
    def is_motion(self) -> bool:
        """Whether it makes the camera move."""
        return bool(self.order.axes) and not self.is_stop


@dataclass(frozen=True, slots=True)
class Step:
    """What a tick brought."""

    send: tuple[bytes, ...]
    finished: tuple[Request, ...]
    wake_at: float | None
    """When to tick again at the latest; none while nothing is alive."""


class Session:
    """The conversation's state. After `request`, `received`, `lease` or `drop`, call `tick`."""

    def __init__(self) -> None:
        self.round_trip_s = 0.0
        """Smoothed time from a message to its first answer; 0 before the first."""
        self._sequence = 0
        self._live: list[Request] = []
        self._finished: list[Request] = []
        self._lease_until = inf
        self._lease_stops: tuple[Order, ...] = ()

    @property
    def moving(self) -> bool:
        """Whether the camera may be moving for us."""
        return self._lease_until < inf or any(r.is_motion and r.state is not State.QUEUED for r in self._live)

    def reset(self) -> Request:
        """Ask the camera to count from 0 again; to be the first request of a link."""
        return self.request(Order("RESET", Kind.CONTROL, RESET))

    def request(self, order: Order) -> Request:
        """Queue `order`, taking the place of older motions on its axes."""
        request = Request(order)
        if order.axes:
            self._displace(request)
        self._live.append(request)
        return request

    def lease(self, until: float, stops: Sequence[Order]) -> None:
        """Queue `stops` at the first tick after `until` unless a later lease comes before."""
        self._lease_until = until
        self._lease_stops = tuple(stops)

    def release(self) -> None:
        """End the lease without a stop: the caller stops, or moves to a position."""
        self._lease_until = inf

    def abandon(self, request: Request) -> None:
        """Forget a request that nobody waits for any more: unsent it is cancelled, else it runs out."""
        if request.state is State.QUEUED:
            self._end(request, Outcome.CANCELLED)

    def drop(self) -> None:
        """End everything because the link is gone; what was sent may or may not have run."""
        self.release()
        for request in list(self._live):
            sent = request.state is not State.QUEUED and request.order.kind is Kind.COMMAND
            self._end(request, Outcome.UNKNOWN if sent else Outcome.DISCONNECTED)

    def received(self, data: bytes, now: float) -> None:
        """Take a datagram; what does not belong to a request is ignored."""
        datagram = unpack(data)
        for reply in datagram.replies:
            request = self._find(datagram.sequence)
            if request is not None:
                self._measure(request, now)
                self._answered(request, reply, now)

    def tick(self, now: float) -> Step:
        """Do what is due at `now`."""
        if now >= self._lease_until:
            self.release()
            for order in self._lease_stops:
                self.request(order)
        send = [frame for request in list(self._live) for frame in self._overdue(request, now)]
        while (request := self._next(now)) is not None:
            send.append(self._send(request, now))
        finished, self._finished = tuple(self._finished), []
        return Step(tuple(send), finished, self._wake_at())

    # What comes in.

    def _find(self, sequence: int) -> Request | None:
        """Return whose number it is; one that backs off after an error may still be answered."""
        awaited = (r for r in self._live if r.sequence == sequence)
        found = next(awaited, None)
        waits_to_stop_again = found is not None and found.is_stop and found.ran
        return None if waits_to_stop_again else found

    def _measure(self, request: Request, now: float) -> None:
        if request.state is State.SENT and request.tries == 1:
            took_s = now - request.first_sent_at
            self.round_trip_s = took_s if not self.round_trip_s else 0.8 * self.round_trip_s + 0.2 * took_s

    def _answered(self, request: Request, reply: Reply, now: float) -> None:
        match reply:
            case Ack() if request.order.kind is Kind.COMMAND:
                self._acknowledged(request, now)
            case Completion() if request.order.kind is Kind.COMMAND:
                self._completed(request, now)
            case Answer(content) if request.order.kind is Kind.INQUIRY:
                request.answer = content
                self._end(request, Outcome.COMPLETED)
            case ResetDone() if request.order.kind is Kind.CONTROL:
                self._sequence = 0
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
            request.state = State.RUNNING
            request.due_at = now + request.order.within_s
        self._hasten_stops(now)

    def _completed(self, request: Request, now: float) -> None:
        request.ran = True
        if request.is_stop:
            self._stopped(request, now)
        else:
            self._end(request, Outcome.COMPLETED)
        self._hasten_stops(now)

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
            if older.state is State.QUEUED and (newer.is_stop or older.order.axes <= newer.order.axes):
                self._end(older, Outcome.SUPERSEDED)
            elif newer.is_stop:
                older.taken_back = True
        if newer.is_stop:
            newer.strays = tuple(
                r for r in self._live if r.is_motion and r.state is State.SENT and r.order.axes & newer.order.axes
            )

    def _stopped(self, stop: Request, now: float) -> None:
        """End `stop`, or send it again where a motion may have arrived after it."""
        if not stop.strays:
            self._end(stop, Outcome.COMPLETED)
            return
        waits = any(stray.state is State.SENT for stray in stop.strays)
        self._again(stop, now + STRAY_S if waits else now)

    def _hasten_stops(self, now: float) -> None:
        """Send a waiting second STOP at once where the fate of all its strays is known."""
        for stop in self._live:
            known = all(stray.state is not State.SENT for stray in stop.strays)
            if stop.strays and stop.ran and stop.state is State.QUEUED and known:
                stop.due_at = now

    # What goes out.

    def _overdue(self, request: Request, now: float) -> list[bytes]:
        """Return the resend of `request` if it is due, or end it."""
        if now < request.due_at or request.state not in {State.SENT, State.RUNNING}:
            return []
        if request.state is State.RUNNING:
            self._end(request, Outcome.UNKNOWN)
            return []
        ends_at = request.last_sent_at + STRAY_S if request.taken_back else request.first_sent_at + GIVE_UP_S
        if now >= ends_at:
            self._give_up(request, now)
            return []
        if request.taken_back:  # a STOP went out since: once more, and the camera might move after it
            request.due_at = ends_at
            return []
        request.tries += 1
        request.last_sent_at = now
        request.due_at = min(now + self._patience_s(request), ends_at)
        return [pack(request.order.kind, request.sequence, request.order.payload)]

    def _give_up(self, request: Request, now: float) -> None:
        command = request.order.kind is Kind.COMMAND
        self._end(request, Outcome.UNKNOWN if command else Outcome.DISCONNECTED)
        self._hasten_stops(now)

    def _patience_s(self, request: Request) -> float:
        first_s = max(RESEND_S, 2 * self.round_trip_s + V_PERIOD_S)
        if request.is_stop:
            return RESEND_S
        return float(min(first_s * RESEND_GROWS ** (request.tries - 1), RESEND_AT_MOST_S))

    def _next(self, now: float) -> Request | None:
        """Return the request to send now, STOP first."""
        waiting = [r for r in self._live if r.state is State.QUEUED and r.due_at <= now and self._may_go(r)]
        return min(waiting, key=lambda r: r.order.lane, default=None)

    def _may_go(self, request: Request) -> bool:
        if request.is_stop:
            return True
        if any(r.state is State.SENT or r.is_stop for r in self._live):
            return False
        return request.order.kind is not Kind.COMMAND or self._has_turn(request)

    def _has_turn(self, command: Request) -> bool:
        """Whether `command` is the oldest one and finds a socket without taking STOP's."""
        commands = [r for r in self._live if r.order.kind is Kind.COMMAND]
        running = [r for r in commands if r.state is State.RUNNING]
        beside = [r for r in running if r.is_motion and not r.order.axes & command.order.axes]
        oldest = next(r for r in commands if r.state is State.QUEUED)
        return command is oldest and len(running) < SOCKETS and not (command.is_motion and beside)

    def _send(self, request: Request, now: float) -> bytes:
        if request.is_motion:
            self._take_back(request)
        same = request.order.kind is Kind.COMMAND and request.sequence >= 0 and not request.ran
        if not same:
            self._number(request)
        request.state = State.SENT
        request.tries = 2 if same else 1
        request.first_sent_at = request.last_sent_at = now
        request.due_at = now + self._patience_s(request)
        return pack(request.order.kind, request.sequence, request.order.payload)

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
        request.due_at = at

    def _end(self, request: Request, outcome: Outcome) -> None:
        """End `request`, once."""
        if request.state is State.ENDED:
            return
        taken_back = request.taken_back and outcome in {Outcome.COMPLETED, Outcome.UNKNOWN}
        request.outcome = Outcome.CANCELLED if taken_back else outcome
        request.state = State.ENDED
        self._live.remove(request)
        self._finished.append(request)

    def _wake_at(self) -> float | None:
        """Return the nearest deadline; a request that waits for another leaves it to that one's."""
        due = (r.due_at for r in self._live if r.state is not State.QUEUED or self._may_go(r))
        at = min((*due, self._lease_until))
        return None if at == inf else at
