"""The session in virtual time: against a bad network and a camera that keeps Sony's rules."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from itertools import count
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.outcomes import Outcome
from drivers.visca import table
from drivers.visca.codec import Kind
from drivers.visca.session import Lane, Order, Request, Session, Timing
from drivers.visca.table import Axis, Row

V_S = 1 / 60
LONGEST_S = 60.0


def order(row: Row, *values: int, lane: Lane = Lane.USER, within_s: float = 1.0) -> Order:
    return Order(row.name, row.kind, row.encode(*values), lane, row.axes, within_s)


STOP = order(table.PAN_TILT_STOP, lane=Lane.STOP)
ZOOM_STOP = order(table.ZOOM_STOP, lane=Lane.STOP)


def drive(speed: int) -> Order:
    return order(table.PAN_TILT_DRIVE, speed, 1, 2, 3)


@dataclass
class World:
    """A session, a network with chances of mishap, and a camera; `now` moves only here."""

    seed: int = 0
    loss: float = 0.0
    duplicate: float = 0.0
    late: float = 0.0
    move_s: float = 0.3
    session: Session = field(default_factory=Session)
    now: float = 0.0
    ran: list[bytes] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)
    jobs: dict[int, int] = field(default_factory=dict)
    driving: bool = False
    sent: list[tuple[float, bytes]] = field(default_factory=list)
    ended: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dice = Random(self.seed)
        self.post: list[tuple[float, int, str, bytes]] = []
        self.ticket = count()

    def mail(self, to: str, data: bytes) -> None:
        for _ in range(2 if self.dice.random() < self.duplicate else 1):
            if self.dice.random() >= self.loss:
                delay_s = 0.15 if self.dice.random() < self.late else self.dice.uniform(0.0005, 0.002)
                heapq.heappush(self.post, (self.now + delay_s, next(self.ticket), to, data))

    def pump(self) -> float | None:
        step = self.session.tick(self.now)
        self.ended += step.finished
        for data in step.send:
            self.sent.append((self.now, data))
            self.mail("camera", data)
        assert step.wake_at is None or step.wake_at > self.now
        return step.wake_at

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while True:
            wake_at = self.pump()
            at = min(wake_at if wake_at is not None else end, self.post[0][0] if self.post else end, end)
            self.now = max(self.now, at)
            while self.post and self.post[0][0] <= self.now:
                _, _, to, data = heapq.heappop(self.post)
                if to == "camera":
                    self.camera(data)
                elif to == "done":
                    self.complete(int.from_bytes(data, "big"))
                else:
                    self.session.received(data, self.now)
            if self.now >= end:
                self.pump()
                return

    def settle(self, *requests: Request) -> None:
        limit = self.now + LONGEST_S
        while any(r.outcome is None for r in requests):
            assert self.now < limit, "a request never ended"
            self.run(0.05)

    def reply(self, sequence: int, text: str, kind: Kind = Kind.REPLY) -> None:
        self.mail("session", pack_reply(kind, sequence, bytes.fromhex(text)))

    def camera(self, data: bytes) -> None:
        kind, sequence, frame = int.from_bytes(data[:2], "big"), int.from_bytes(data[4:8], "big"), data[8:]
        if kind == Kind.CONTROL:
            self.seen.clear()
            self.reply(sequence, "01", Kind.CONTROL_REPLY)
        elif sequence in self.seen:
            self.reply(sequence, "0F01", Kind.CONTROL_REPLY)
        elif kind == Kind.INQUIRY:
            self.seen.add(sequence)
            self.reply(sequence, "90 50" + sequence.to_bytes(3, "big").hex() + "FF")
        elif len(self.jobs) == 2:
            self.reply(sequence, "90 60 03 FF")
        else:
            self.seen.add(sequence)
            self.accept(sequence, frame)

    def accept(self, sequence: int, frame: bytes) -> None:
        self.ran.append(frame)
        if frame[2:4] == b"\x06\x01":
            self.driving = frame[6:8] != b"\x03\x03"
        socket = 1 if 1 not in self.jobs.values() else 2
        self.jobs[sequence] = socket
        self.reply(sequence, f"90 4{socket} FF")
        lasts_s = self.move_s if frame[2:4] in {b"\x06\x02", b"\x04\x3f"} else V_S
        heapq.heappush(self.post, (self.now + lasts_s, next(self.ticket), "done", sequence.to_bytes(4, "big")))

    def complete(self, sequence: int) -> None:
        self.reply(sequence, f"90 5{self.jobs.pop(sequence)} FF")


def pack_reply(kind: int, sequence: int, payload: bytes) -> bytes:
    return kind.to_bytes(2, "big") + len(payload).to_bytes(2, "big") + sequence.to_bytes(4, "big") + payload


def end_of(request: Request) -> Outcome | None:
    return request.outcome


def numbers(world: World) -> list[int]:
    return [int.from_bytes(data[4:8], "big") for _, data in world.sent]


def test_command_ends_at_its_completion_and_not_before() -> None:
    world = World()
    recall = world.session.request(order(table.RECALL, 1))
    world.run(0.1)
    assert recall.ran
    assert end_of(recall) is None
    world.settle(recall)
    assert recall.outcome is Outcome.COMPLETED


def test_reset_starts_the_numbers_again() -> None:
    world = World()
    world.settle(world.session.request(order(table.POWER_INQ)))
    world.settle(world.session.reset())
    world.settle(world.session.request(order(table.POWER_INQ)))
    assert numbers(world) == [1, 1, 1]


def test_silent_camera_is_given_up_with_the_same_number_throughout() -> None:
    world = World(loss=1.0)
    inquiry = world.session.request(order(table.POWER_INQ))
    world.run(Timing().give_up_s - 0.1)
    assert end_of(inquiry) is None
    world.run(0.2)
    assert inquiry.outcome is Outcome.DISCONNECTED
    assert set(numbers(world)) == {1}
    assert 5 <= len(world.sent) <= Timing().tries


def test_unanswered_command_is_unknown_never_done() -> None:
    world = World(loss=1.0)
    store = world.session.request(order(table.STORE, 1))
    world.run(Timing().give_up_s)
    assert (store.outcome, store.ran) == (Outcome.UNKNOWN, False)


def test_lost_acknowledgement_is_learnt_from_0f01_and_not_run_again() -> None:
    world = World()
    store = world.session.request(order(table.STORE, 1))
    world.pump()
    world.post.clear()
    world.seen.add(1)  # it came through, its answers did not
    world.run(0.1)
    assert (store.ran, end_of(store)) == (True, None)
    world.settle(store)
    assert (store.outcome, world.ran) == (Outcome.UNKNOWN, [])


def test_lost_answer_is_asked_under_a_new_number() -> None:
    world = World()
    inquiry = world.session.request(order(table.POWER_INQ))
    world.seen.add(1)
    world.settle(inquiry)
    assert inquiry.outcome is Outcome.COMPLETED
    assert numbers(world) == [1, 2]


def test_full_buffer_is_retried_under_the_same_number() -> None:
    world = World(jobs={1001: 1, 1002: 2})
    store = world.session.request(order(table.STORE, 1))
    world.run(0.3)
    assert end_of(store) is None
    world.jobs.clear()
    world.settle(store)
    assert store.outcome is Outcome.COMPLETED
    assert set(numbers(world)) == {1}


def test_buffer_that_stays_full_is_refused() -> None:
    world = World(jobs={1001: 1, 1002: 2})
    store = world.session.request(order(table.STORE, 1))
    world.settle(store)
    assert (store.outcome, store.code) == (Outcome.REFUSED, 3)


@pytest.mark.parametrize("code", [0x01, 0x02, 0x41, 0x77])
def test_error_is_a_refusal_with_its_code(code: int) -> None:
    session = Session()
    store = session.request(order(table.STORE, 1))
    session.tick(0.0)
    session.received(pack_reply(Kind.REPLY, 1, bytes((0x90, 0x61, code, 0xFF))), 0.01)
    assert session.tick(0.01).finished == (store,)
    assert (store.outcome, store.code) == (Outcome.REFUSED, code)


def test_newest_drive_wins() -> None:
    world = World()
    drives = [world.session.request(drive(speed)) for speed in (1, 2, 3, 4)]
    world.pump()
    drives += [world.session.request(drive(speed)) for speed in (5, 6, 7)]
    world.settle(*drives)
    assert [frame[4] for frame in world.ran] == [4, 7]
    assert [d.outcome for d in drives].count(Outcome.SUPERSEDED) == 5


def test_stop_overtakes_what_waits() -> None:
    world = World()
    first = world.session.request(order(table.STORE, 1))
    world.pump()
    others = [world.session.request(order(table.STORE, n)) for n in (2, 3)]
    stop = world.session.request(STOP)
    world.settle(first, stop, *others)
    assert [frame[1:4].hex() for frame in world.ran][1] == "010601"


def test_stop_takes_the_running_move_back() -> None:
    world = World(move_s=2.0)
    move = world.session.request(order(table.RECALL, 1, within_s=5.0))
    world.run(0.1)
    stop = world.session.request(STOP)
    world.settle(move, stop)
    assert (stop.outcome, move.outcome) == (Outcome.COMPLETED, Outcome.CANCELLED)


def test_stop_is_proved_against_a_drive_that_comes_after_it() -> None:
    world = World()
    motion = world.session.request(drive(5))
    world.pump()
    (_, ticket, to, data) = world.post.pop()
    world.post.append((0.1, ticket, to, data))  # the drive goes astray for a while
    stop = world.session.request(STOP)
    world.settle(motion, stop)
    assert stop.outcome is Outcome.COMPLETED
    assert not world.driving
    assert [frame[6:8] for frame in world.ran] == [b"\x03\x03", b"\x02\x03", b"\x03\x03"]


def test_lease_that_ends_stops_all_axes() -> None:
    world = World()
    world.session.request(drive(5))
    world.session.lease(0.4, (STOP, ZOOM_STOP))
    world.run(0.39)
    moved = world.driving
    world.run(0.05)
    assert (moved, world.driving) == (True, False)
    assert {data[8:] for at, data in world.sent if at == pytest.approx(0.4)} == {STOP.payload, ZOOM_STOP.payload}


def test_dropped_link_ends_everything_honestly() -> None:
    world = World()
    running = world.session.request(order(table.RECALL, 1))
    world.run(0.05)
    sent = world.session.request(order(table.POWER_INQ))
    world.session.tick(world.now)
    queued = world.session.request(order(table.STORE, 1))
    world.session.drop()
    assert set(world.session.tick(world.now).finished) == {running, sent, queued}
    assert (running.outcome, sent.outcome, queued.outcome) == (
        Outcome.UNKNOWN,
        Outcome.DISCONNECTED,
        Outcome.DISCONNECTED,
    )
    assert world.session.tick(world.now).wake_at is None


def test_abandoned_request_is_not_sent() -> None:
    world = World()
    world.session.request(order(table.STORE, 1))
    world.pump()
    second = world.session.request(order(table.STORE, 2))
    world.session.abandon(second)
    world.run(1.0)
    assert second.outcome is Outcome.CANCELLED
    assert len(world.ran) == 1


@given(st.lists(st.binary(max_size=60), max_size=30))
def test_any_datagram_leaves_the_session_usable(noise: list[bytes]) -> None:
    world = World()
    world.pump()
    for data in noise:
        world.session.received(data, world.now)
    inquiry = world.session.request(order(table.POWER_INQ))
    world.settle(inquiry)
    assert inquiry.outcome is Outcome.COMPLETED


CHANCE = st.sampled_from([0.0, 0.1, 0.3])
LOSS = st.sampled_from([0.0, 0.1, 0.3, 0.7])


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32), LOSS, CHANCE, CHANCE, st.lists(st.sampled_from("dsrciz"), min_size=1, max_size=25))
def test_bad_network_breaks_no_promise(
    seed: int, loss: float, duplicate: float, late: float, script: list[str]
) -> None:
    world = World(seed, loss, duplicate, late)
    requests: list[Request] = []
    stores = count(6)
    for letter in script:
        made = {
            "d": lambda: drive(world.dice.randint(2, 24)),
            "s": lambda: STOP,
            "r": lambda: order(table.RECALL, 1),
            "c": lambda: order(table.STORE, next(stores)),
            "i": lambda: order(table.POSITION_INQ, lane=Lane.POLL),
            "z": lambda: order(table.ZOOM_DRIVE, 0x25),
        }[letter]()
        requests.append(world.session.request(made))
        world.run(world.dice.choice([0.0, 0.01, 0.1]))
    stop = world.session.request(STOP)
    world.settle(stop)
    if stop.outcome is Outcome.COMPLETED:
        assert not world.driving
    world.settle(*requests)
    world.run(Timing().stray_s)
    assert len(world.ended) == len(set(map(id, world.ended))) == len(requests) + 1
    for request in requests:
        if request.order.name == table.STORE.name:
            runs = world.ran.count(request.order.payload)
            assert runs == 1 if request.outcome is Outcome.COMPLETED else runs <= 1
        if request.outcome is Outcome.SUPERSEDED:
            assert request.sequence == -1 or request.order.axes
        if request.order.kind is Kind.INQUIRY and request.outcome is Outcome.COMPLETED:
            assert int.from_bytes(request.answer, "big") == request.sequence
    assert world.session.tick(world.now).wake_at is None


def test_axes_of_a_recall_are_all() -> None:
    assert table.RECALL.axes == set(Axis)
