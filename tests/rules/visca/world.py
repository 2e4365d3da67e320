"""A model camera, a bad network and virtual time, for tests of the session.

The camera is written from the makers' documents (SRG-HD1 and SRG-300H technical manuals:
sockets, errors, sequence numbers; EVI-D70: one command a picture), not from our codec.

Which mishaps are possible depends on the carrier:

* `SONY`: loss, duplicates, late and reordered datagrams. Numbers tell everything apart.
* `LIES`: the same without duplicates, and the camera answers under number 1 throughout.
* `RAW_UDP`: loss, late and reordered datagrams. No duplicates: two equal answers to one
  question cannot be told from answers to two questions by order alone.
* `TCP`: nothing is lost and nothing overtakes; the camera may be slow.
* `SERIAL`: frames are lost to noise, noise comes in between, nothing overtakes, bytes take time.

A late datagram is at most 0.1 s late each way, which is within the session's time for strays.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from random import Random

from drivers.outcomes import Outcome
from drivers.visca import table
from drivers.visca.codec import Kind
from drivers.visca.line import Framing
from drivers.visca.session import Lane, Order, Quirks, Request, Session, State, Step, Timing
from drivers.visca.table import Axis, Row

V_S = 1 / 60
LATE_S = 0.1
SLOW_S = 0.06
LONGEST_S = 60.0
BOUND_S = 1.0
"""A healed line stops the camera within this after a lease has ended."""


@dataclass(frozen=True)
class Carrier:
    """What a way to the camera is like."""

    name: str
    framing: Framing
    loses: bool = True
    duplicates: bool = False
    delays: bool = True
    noisy: bool = False
    byte_s: float = 0.0
    lies: bool = False

    @property
    def in_order(self) -> bool:
        return not self.delays

    def session(self, make: Callable[..., Session], quirks: Quirks) -> Session:
        timing = Timing(byte_s=self.byte_s, in_order=self.in_order)
        return make(self.framing, timing, quirks)


SONY = Carrier("sony", Framing.SONY, duplicates=True)
LIES = Carrier("lies", Framing.SONY, lies=True)
RAW_UDP = Carrier("raw udp", Framing.RAW)
TCP = Carrier("tcp", Framing.RAW, loses=False, delays=False)
SERIAL = Carrier("serial", Framing.RAW, delays=False, noisy=True, byte_s=10 / 9600)
CARRIERS = (SONY, LIES, RAW_UDP, TCP, SERIAL)


@dataclass(frozen=True)
class Faults:
    """Chances of mishap, and habits of the camera."""

    loss: float = 0.0
    duplicate: float = 0.0
    late: float = 0.0
    refuses: float = 0.0
    """41, with a socket's number and before any acknowledgement."""
    no_completion: float = 0.0
    one_socket: bool = False
    """Every command is acknowledged into socket 1."""
    no_ack: bool = False
    slow: bool = False
    """The camera looks at a message every picture like others, and thinks about it for longer."""


class ModelCamera:
    """What a camera does with a message: bodies in, bodies out, each without header byte and FF."""

    def __init__(self, dice: Random, faults: Faults, *, counts: bool) -> None:
        self.faults = faults
        self.ran: list[bytes] = []
        self.driving: set[str] = set()
        self.sockets: dict[int, int | None] = {}
        """Taken sockets, with the job that holds each; None is another controller's."""
        self.axes: dict[int, frozenset[str]] = {}
        self.seen: set[int] = set()
        self.never: dict[bytes, bool] = {}
        self._counts = counts
        self._dice = dice
        self._jobs = count(1)

    def look_at(self, kind: int, number: int, body: bytes) -> tuple[list[tuple[int, bytes]], float | None, int]:
        """Return replies as (type, body), when the command it began ends, and which job that is."""
        if kind == 0x0200:
            self.seen.clear()
            return [(0x0201, b"\x01")], None, 0
        if self._counts and number in self.seen:
            return [(0x0201, b"\x0f\x01")], None, 0
        if body[0] == 0x09:
            self.seen.add(number)
            return [(0x0111, b"\x50" + self.answer(body))], None, 0
        stops = body in {b"\x01\x06\x01\x01\x01\x03\x03", b"\x01\x04\x07\x00"}
        if not stops and self._refuses(body):
            return [(0x0111, b"\x61\x41")], None, 0
        if len(self.sockets) >= 2:
            return [(0x0111, b"\x60\x03")], None, 0
        self.seen.add(number)
        return self._accept(body)

    def _refuses(self, body: bytes) -> bool:
        """Whether it will never do this; it does not change its mind between two copies."""
        return self.never.setdefault(body, self._dice.random() < self.faults.refuses)

    @staticmethod
    def answer(body: bytes) -> bytes:
        """Return what only this inquiry is answered with, at the length of its list entry."""
        size = {b"\x09\x04\x00": 1, b"\x09\x04\x3f": 1, b"\x09\x04\x47": 4, b"\x09\x06\x12": 8}[body]
        return bytes([body[1] << 1 & 0xF | body[2] & 1] * size)

    def _accept(self, body: bytes) -> tuple[list[tuple[int, bytes]], float | None, int]:
        self.ran.append(body)
        job = next(self._jobs)
        axes, lasts_s = self._effect(body)
        replies = self._displace(axes)
        slot = 1 if 1 not in self.sockets else 2
        self.sockets[slot] = job
        self.axes[job] = axes
        if not self.faults.no_ack:
            replies.append((0x0111, bytes((0x40 | self.named(slot),))))
        return replies, lasts_s, job

    def named(self, slot: int) -> int:
        """Return the number that the camera gives to a socket."""
        if self.faults.no_ack:
            return 0
        return 1 if self.faults.one_socket else slot

    def _effect(self, body: bytes) -> tuple[frozenset[str], float]:
        """Move, and return which axes a command takes for how long."""
        head = body[1:3]
        if head == b"\x06\x01":
            self._drive("pan-tilt", body[5:7] != b"\x03\x03")
            return frozenset({"pan-tilt"}), V_S
        if head == b"\x04\x07":
            self._drive("zoom", body[3] != 0)
            return frozenset({"zoom"}), V_S
        if head == b"\x06\x03":
            self.driving.discard("pan-tilt")
            return frozenset({"pan-tilt"}), 0.3
        if body[1:4] == b"\x04\x3f\x02":
            self.driving.clear()
            return frozenset({"pan-tilt", "zoom"}), 0.5
        return frozenset(), V_S

    def _drive(self, axis: str, on: bool) -> None:
        if on:
            self.driving.add(axis)
        else:
            self.driving.discard(axis)

    def _displace(self, axes: frozenset[str]) -> list[tuple[int, bytes]]:
        """End what ran on `axes`; its own message's number is not kept here, so the error goes without."""
        gone = [(slot, job) for slot, job in self.sockets.items() if job is not None and self.axes[job] & axes]
        for slot, _ in gone:
            del self.sockets[slot]
        return [(job, bytes((0x60 | self.named(slot), 0x04))) for slot, job in gone]

    def end(self, job: int) -> bytes | None:
        """Return the completion of `job`, if it still runs."""
        for slot, holder in self.sockets.items():
            if holder == job:
                del self.sockets[slot]
                return None if self._dice.random() < self.faults.no_completion else bytes((0x50 | self.named(slot),))
        return None


def order(row: Row, *values: int, lane: Lane = Lane.USER, within_s: float = 1.0, drive: bool = False) -> Order:
    lengths = row.answer_lengths if row.kind is Kind.INQUIRY else frozenset[int]()
    return Order(
        row.name, row.kind, row.encode(*values), lane, row.axes, within_s, row.idempotent, drive, answer_bytes=lengths
    )


PAN_TILT_STOP = order(table.PAN_TILT_STOP, lane=Lane.STOP)
ZOOM_STOP = order(table.ZOOM_STOP, lane=Lane.STOP)
INQUIRIES = (table.POWER_INQ, table.MEMORY_INQ, table.ZOOM_INQ, table.POSITION_INQ)


@dataclass(order=True)
class Event:
    at: float
    ticket: int
    happens: Callable[[], None] = field(compare=False)


class Play:
    """One session with one camera over one carrier; `now` moves only here, properties hold throughout."""

    def __init__(self, seed: int, carrier: Carrier, faults: Faults, make: Callable[..., Session] = Session) -> None:
        self.dice = Random(seed)
        self.carrier = carrier
        self.faults = faults
        self.make = make
        self.quirks = Quirks(seq_lies=carrier.lies, no_ack=faults.no_ack)
        self.camera = ModelCamera(self.dice, faults, counts=carrier is SONY)
        self.now = 0.0
        self.requests: list[Request] = []
        self.ended: list[Request] = []
        self.healed = False
        self.post: list[Event] = []
        self.inbox: list[tuple[int, int, bytes]] = []
        self.jobs: dict[int, int] = {}
        """Under which number each running job came."""
        self.looks_at = 0.0
        self.wire_free_at = 0.0
        self.arrives_at = {"camera": 0.0, "session": 0.0}
        self.tickets = count()
        self.values = count(1)
        self.sends: list[tuple[float, bytes]] = []
        self._begin()

    # What a person does.

    def ask(self, wanted: Order) -> Request:
        request = self.session.request(wanted)
        self.requests.append(request)
        return request

    def step(self) -> Request:
        """A relative move, told from all others by its way; never to be run twice."""
        value = next(self.values)
        return self.ask(order(table.PAN_TILT_RELATIVE, 1, 1, value & 0x0FFF, value >> 12))

    def store(self) -> Request:
        return self.ask(order(table.STORE, next(self.values) % 250))

    def drive(self, speed: int) -> Request:
        return self.ask(order(table.PAN_TILT_DRIVE, speed, 1, 2, 3, drive=True))

    def lease(self, ttl_s: float) -> None:
        self.session.lease(self.now + ttl_s, (PAN_TILT_STOP, ZOOM_STOP))

    def cut(self) -> None:
        """Lose the link with all that is under way, and begin anew."""
        self.session.drop()
        self.pump()
        self.post = [event for event in self.post if event.ticket < 0]
        self.inbox.clear()
        self.camera.sockets.clear()
        self._begin()

    def _begin(self) -> None:
        """Begin a link as a driver does: with Sony's header nothing else until the camera counts from 0."""
        self.session = self.carrier.session(self.make, self.quirks)
        while self.carrier.framing is Framing.SONY:
            reset = self.session.reset()
            self.requests.append(reset)
            while reset.outcome is None:
                self.run(0.01)
            if reset.outcome is Outcome.COMPLETED:
                return

    def other_controller(self, *, comes: bool) -> None:
        self.camera.sockets = {slot: job for slot, job in self.camera.sockets.items() if job is not None}
        if comes and len(self.camera.sockets) < 2:
            self.camera.sockets[2 if 1 in self.camera.sockets else 1] = None

    # Time.

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while True:
            wake_at = self.pump()
            coming = [end, *([wake_at] if wake_at is not None else []), *([self.post[0].at] if self.post else [])]
            if self.wire_free_at > self.now:
                coming.append(self.wire_free_at)
            self.now = max(self.now, min(coming))
            while self.post and self.post[0].at <= self.now:
                heapq.heappop(self.post).happens()
            if self.now >= end:
                self.pump()
                return

    def settle(self) -> None:
        limit = self.now + LONGEST_S
        while any(r.outcome is None for r in self.requests):
            assert self.now < limit, "a request never ended"
            self.run(0.1)
        self.run(2 * self.session.timing.stray_s)

    def pump(self) -> float | None:
        """Tick as a line of this kind has room for it."""
        unsent_stops = [r for r in self.requests if r.is_stop and r.outcome is None and not r.tries]
        if not self.carrier.byte_s:
            step = self.session.tick(self.now)
            self._sent(step, unsent_stops)
        else:
            step = self.session.tick(self.now, room=0)
            assert not step.send
            self._sent(step, unsent_stops)
            if step.wants is not None and self.now >= self.wire_free_at:
                step = self.session.tick(self.now, room=1)
                self._sent(step, unsent_stops)
        self._promises(step)
        return step.wake_at

    def _sent(self, step: Step, unsent_stops: list[Request]) -> None:
        self.ended += step.finished
        for request in step.finished:
            self._judge(request)
        for message in step.send:
            body = message[8:] if self.carrier.framing is Framing.SONY else message
            is_stop = body in {PAN_TILT_STOP.payload, ZOOM_STOP.payload}
            assert is_stop or not unsent_stops, "something went out before STOP"
            self.sends.append((self.now, message))
            self.wire_free_at = self.now + len(message) * self.carrier.byte_s
            self._mail("camera", message, self._at_camera)

    # Promises that hold at every moment.

    def _promises(self, step: Step) -> None:
        live = [r for r in self.requests if r.outcome is None]
        assert sum(r.state is State.SENT and not r.is_stop for r in live) <= 1, "two wait for their first answer"
        assert sum(r.state is State.RUNNING for r in live) <= 2, "three commands run"
        if live and step.wants is None:
            assert step.wake_at is not None, "no timer while something is alive"
        if step.wake_at is not None:
            assert step.wake_at > self.now, "a timer in the past"
            due = [r.ends_at for r in live if r.state in {State.SENT, State.RUNNING}]
            assert all(step.wake_at <= at for at in due), "a timer later than a deadline"

    def _judge(self, request: Request) -> None:
        """Hold an ended request against what the camera did."""
        wanted, outcome = request.order, request.outcome
        assert outcome is not None
        if wanted.kind is Kind.INQUIRY and outcome is Outcome.COMPLETED:
            assert request.answer == self.camera.answer(wanted.payload[1:-1]), "the answer is another's"
        if wanted.name in {table.PAN_TILT_RELATIVE.name, table.STORE.name}:
            self._judge_runs(request, self.camera.ran.count(wanted.payload[1:-1]))
        if request.is_stop and outcome is Outcome.COMPLETED:
            self._judge_stop(request)

    def _judge_runs(self, request: Request, runs: int) -> None:
        once_at_most = self.carrier is SONY or not request.order.idempotent
        assert not once_at_most or runs <= 1, f"{request.order.name} ran {runs} times"
        if request.outcome is Outcome.COMPLETED:
            assert runs >= 1, f"{request.order.name} never ran"
        if request.outcome in {Outcome.DISCONNECTED, Outcome.SUPERSEDED}:
            assert runs == 0, f"{request.order.name} ran although it was never sent"
        if request.outcome is Outcome.REFUSED and once_at_most:
            assert runs == 0, f"{request.order.name} ran although it was refused"

    def _judge_stop(self, stop: Request) -> None:
        newer = self.requests[self.requests.index(stop) + 1 :] if stop in self.requests else []
        moved_since = any(r.is_motion and (r.tries or r.skipped) for r in newer)
        still = {axis.value for axis in stop.order.axes}
        assert moved_since or not self.camera.driving & still, "moving after STOP had completed"

    def finish(self) -> None:
        """Heal the line; then everything ends, once, and the end of a lease stops the camera."""
        self.other_controller(comes=False)
        self.heal()
        self.settle()
        alive = [r for r in self.ended if r in self.requests]
        assert len(alive) == len(set(alive)) == len(self.requests), "a request ended twice or never"
        for request in self.requests:
            if request.order.name in {table.PAN_TILT_RELATIVE.name, table.STORE.name}:
                self._judge_runs(request, self.camera.ran.count(request.order.payload[1:-1]))
        self._newest_last()
        self.drive(9)
        self.lease(0.4)
        self.run(0.4 + BOUND_S)
        assert not self.camera.driving, "moving after the lease had ended"
        self.run(2.0)
        assert self.pump() is None, "a timer although nothing is alive"

    def heal(self) -> None:
        self.healed = True

    def _newest_last(self) -> None:
        """Motions of one axis and lane are first sent in the order in which they were asked for."""
        for axis in Axis:
            for lane in Lane:
                sent = [
                    r.first_sent_at
                    for r in self.requests
                    if r.is_motion and r.order.lane is lane and axis in r.order.axes and r.tries and not r.refusals
                ]
                assert sent == sorted(sent), "an older motion was sent after a newer one"

    # The network.

    def _happens(self, chance: float) -> bool:
        return not self.healed and self.dice.random() < chance

    def _mail(self, to: str, message: bytes, deliver: Callable[[bytes], None]) -> None:
        for _ in range(2 if self.carrier.duplicates and self._happens(self.faults.duplicate) else 1):
            if self.carrier.loses and self._happens(self.faults.loss):
                continue
            if self.carrier.delays:
                delay_s = LATE_S if self._happens(self.faults.late) else self.dice.uniform(0.0005, 0.002)
                at = self.now + delay_s
            else:
                at = max(self.now, self.arrives_at[to]) + len(message) * self.carrier.byte_s + 0.0005
                self.arrives_at[to] = at
            self._later(at, lambda: deliver(message))

    def _later(self, at: float, happens: Callable[[], None]) -> None:
        heapq.heappush(self.post, Event(at, next(self.tickets), happens))

    def _at_camera(self, message: bytes) -> None:
        if self.carrier.framing is Framing.SONY:
            kind, number, frame = int.from_bytes(message[:2]), int.from_bytes(message[4:8]), message[8:]
        else:
            kind, number, frame = 0x0100, 0, message
        body = frame[1:-1] if kind != 0x0200 else frame
        self.looks_at = max(self.now, self.looks_at) + V_S
        acts_at = self.looks_at + (SLOW_S if self.faults.slow else 0.0)
        self._later(acts_at, lambda: self._camera_acts(kind, number, body))

    def _camera_acts(self, kind: int, number: int, body: bytes) -> None:
        replies, lasts_s, job = self.camera.look_at(kind, number, body)
        for about, reply in replies:
            if about in {0x0111, 0x0201}:
                self._reply(about, number, reply)
            else:
                self._reply(0x0111, self.jobs.get(about, number), reply)
        if lasts_s is not None:
            self.jobs[job] = number
            self._later(self.now + lasts_s, lambda: self._job_ends(job))

    def _job_ends(self, job: int) -> None:
        completion = self.camera.end(job)
        if completion is not None:
            self._reply(0x0111, self.jobs[job], completion)

    def _reply(self, kind: int, number: int, body: bytes) -> None:
        frame = body if kind == 0x0201 else b"\x90" + body + b"\xff"
        if self.carrier.framing is Framing.SONY:
            told = 1 if self.carrier.lies else number
            frame = kind.to_bytes(2) + len(frame).to_bytes(2) + told.to_bytes(4) + frame
        elif self.carrier.noisy and self._happens(0.05):
            frame = bytes((self.dice.randrange(0x80),)) + frame
        self._mail("session", frame, lambda data: self.session.received(data, self.now))


LETTERS = "dddszzrcxxiiiiqlakow"
"""What `play` may do; letters that stand more than once come more often."""


_ACTS: dict[str, Callable[[Play], object]] = {
    "d": lambda play: play.drive(play.dice.randint(2, 20)),
    "s": lambda play: play.ask(play.dice.choice((PAN_TILT_STOP, ZOOM_STOP))),
    "z": lambda play: play.ask(order(table.ZOOM_DRIVE, play.dice.choice((0x22, 0x35)), drive=True)),
    "r": lambda play: play.ask(order(table.RECALL, 1, lane=play.dice.choice((Lane.USER, Lane.AUTOMATION)))),
    "c": lambda play: play.store(),
    "x": lambda play: play.step(),
    "i": lambda play: play.ask(order(play.dice.choice(INQUIRIES), lane=play.dice.choice((Lane.USER, Lane.POLL)))),
    "q": lambda play: (play.ask(PAN_TILT_STOP), play.ask(ZOOM_STOP)),
    "l": lambda play: play.lease(0.4),
    "a": lambda play: play.session.abandon(play.dice.choice(play.requests or [play.step()])),
    "k": lambda play: play.cut(),
    "o": lambda play: play.other_controller(comes=play.dice.random() < 0.7),
    "w": lambda play: play.run(0.5),
}


def act(play: Play, letter: str) -> None:
    """Do what `letter` stands for."""
    _ACTS[letter](play)


MILD = (0.0, 0.1, 0.3)
HARSH = (0.1, 0.3)
"""Chances of each mishap."""


def chance_world(
    seed: int,
    make: Callable[..., Session] = Session,
    carrier: Carrier | None = None,
    chances: Sequence[float] = MILD,
) -> Play:
    """Return a played world: everything in it follows from `seed`."""
    dice = Random(seed)
    faults = Faults(
        loss=dice.choice(chances),
        duplicate=dice.choice(chances),
        late=dice.choice(chances),
        refuses=dice.choice((0.0, 0.0, 0.2)),
        no_completion=dice.choice((0.0, 0.0, 0.2)),
        one_socket=dice.random() < 0.2,
        no_ack=dice.random() < 0.15,
        slow=dice.random() < 0.15,
    )
    play = Play(seed, carrier or dice.choice(CARRIERS), faults, make)
    for _ in range(dice.randint(3, 25) if chances is MILD else 40):
        act(play, dice.choice(LETTERS))
        play.run(dice.choice((0.0, 0.01, 0.05, 0.2)))
    play.finish()
    return play
