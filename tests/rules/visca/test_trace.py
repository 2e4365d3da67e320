"""A conversation is recorded, written, read back and held against a session again."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from time import perf_counter_ns

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.visca import table
from drivers.visca.codec import Kind, pack
from drivers.visca.line import Framing
from drivers.visca.session import Lane, Order, Session
from drivers.visca.table import Row
from drivers.visca.trace import OPENED, RING_FRAMES, Diverged, Trace, Way, replay

NOON_S = 1_795_003_200.0


class World:
    """A session, a camera that answers at once, and a network that loses; time is a number."""

    def __init__(self, loss: float, seed: int) -> None:
        self.now = 100.0
        self.session = Session()
        self.trace = Trace(Framing.SONY, name="camera-1", wall_s=NOON_S)
        self.trace.remark(self.now, OPENED)
        self._loss, self._dice = loss, random.Random(seed)
        self._coming: list[tuple[float, int, bytes]] = []
        self._seen: set[int] = set()
        self._wake_at: float | None = None
        self._count = 0

    def ask(self, row: Row, *values: int, lane: Lane = Lane.USER) -> None:
        self.session.request(Order(row.name, row.kind, row.encode(*values), lane, row.axes))
        self._tick()

    def pass_time(self, seconds: float) -> None:
        until = self.now + seconds
        while True:
            arrives = self._coming[0][0] if self._coming else until
            wakes = self._wake_at if self._wake_at is not None else until
            if min(arrives, wakes) >= until:
                break
            self.now = max(self.now, min(arrives, wakes))
            if arrives <= wakes:
                message = heapq.heappop(self._coming)[2]
                self.trace.note(self.now, False, message)
                self.session.received(message, self.now)
            self._tick()
        self.now = until

    def _tick(self) -> None:
        step = self.session.tick(self.now)
        self._wake_at = step.wake_at
        for message in step.send:
            self.trace.note(self.now, True, message)
            if self._dice.random() >= self._loss:
                self._camera(message)

    def _camera(self, message: bytes) -> None:
        number = int.from_bytes(message[4:8])
        if number in self._seen:
            self._answer(0.016, pack(Kind.CONTROL_REPLY, number, b"\x0f\x01"))
        elif message[1] == 0x10:
            self._answer(0.016, pack(Kind.REPLY, number, bytes.fromhex("905002ff")))
        else:
            self._answer(0.016, pack(Kind.REPLY, number, bytes.fromhex("9041ff")))
            self._answer(0.3, pack(Kind.REPLY, number, bytes.fromhex("9051ff")))
        self._seen.add(number)

    def _answer(self, after_s: float, message: bytes) -> None:
        self._count += 1
        if self._dice.random() >= self._loss:
            heapq.heappush(self._coming, (self.now + after_s, self._count, message))


def talk(loss: float = 0.0, seed: int = 1) -> Trace:
    world = World(loss, seed)
    for memory in range(4):
        world.ask(table.POWER_INQ)
        world.ask(table.PAN_TILT_DRIVE, 5, 5, 1, 3)
        world.pass_time(0.2)
        world.ask(table.PAN_TILT_STOP, lane=Lane.STOP)
        world.ask(table.RECALL, memory)
        world.pass_time(1.5)
    world.pass_time(5.0)
    return world.trace


def test_line_holds_time_direction_bytes_and_meaning() -> None:
    trace = Trace(Framing.SONY, name="camera-1", wall_s=NOON_S)
    trace.note(0.123456, True, pack(Kind.COMMAND, 1, table.RECALL.encode(3)))
    trace.note(0.131002, False, pack(Kind.REPLY, 1, bytes.fromhex("9041ff")))
    trace.note(0.9, False, pack(Kind.REPLY, 1, bytes.fromhex("906141ff")))
    trace.remark(1.0, "link lost:\n no answer")
    title, command, acknowledged, refused, remark = trace.text().splitlines()
    at = "2026-11-18T12:00:0"
    assert title == "# VISCA trace, framing sony, camera-1"
    assert command.startswith(f"{at}0.123456Z > 0100 0007 00000001  81 01 04 3F 02 03 FF  CAM_Memory Recall")
    assert acknowledged == f"{at}0.131002Z < 0111 0003 00000001  90 41 FF  ACK socket 1"
    assert refused.endswith("90 61 41 FF  Refused 41 not executable, socket 1")
    assert remark == f"{at}1.000000Z = link lost: no answer"


def test_answer_is_read_by_its_question() -> None:
    trace = Trace(Framing.SONY)
    trace.note(0.0, True, pack(Kind.INQUIRY, 7, table.POWER_INQ.encode()))
    trace.note(0.0, True, pack(Kind.INQUIRY, 8, table.POSITION_INQ.encode()))
    trace.note(0.1, False, pack(Kind.REPLY, 8, bytes.fromhex("9050 0001 0203 0f0f 0f0f ff")))
    trace.note(0.1, False, pack(Kind.REPLY, 7, bytes.fromhex("905003ff")))
    position, power = trace.lines(last=2)
    assert "Answer to Pan-tiltPosInq: " in position
    assert "291" in position
    assert "-1" in position
    assert "Answer to CAM_PowerInq: " in power


def test_bare_stream_is_written_as_it_came() -> None:
    trace = Trace(Framing.RAW)
    trace.note(0.0, True, table.POWER_INQ.encode())
    trace.note(0.1, False, b"\x90\x50")
    trace.note(0.1, False, b"\x02\xff\x90")
    question, part, answer = trace.lines()
    assert question.endswith(" > 81 09 04 00 FF  CAM_PowerInq")
    assert part.endswith("< 90 50  the beginning of a frame")
    assert "Answer to CAM_PowerInq" in answer
    assert [e.message for e in Trace.parse(trace.text())] == [e.message for e in trace]


def test_ring_holds_the_last_frames_and_says_how_many_are_gone() -> None:
    trace = Trace(Framing.RAW, frames=3)
    for number in range(10):
        trace.note(float(number), True, bytes((number,)))
    assert [entry.message for entry in trace] == [b"\x07", b"\x08", b"\x09"]
    assert trace.text().startswith("# VISCA trace, framing raw, camera, 7 earlier forgotten\n")
    assert [entry.message for entry in Trace.parse(trace.text())] == [b"\x07", b"\x08", b"\x09"]


def test_noise_costs_no_memory() -> None:
    trace = Trace(Framing.RAW)
    trace.note(0.0, False, bytes(60_000))
    assert len(next(iter(trace)).message) == 256


@given(
    framing=st.sampled_from(Framing),
    messages=st.lists(st.tuples(st.floats(0, 9e8), st.booleans(), st.binary(max_size=40)), max_size=20),
)
def test_any_trace_reads_back_what_was_written(framing: Framing, messages: list[tuple[float, bool, bytes]]) -> None:
    trace = Trace(framing, name="any")
    for at_s, outgoing, message in messages:
        trace.note(at_s, outgoing, message)
    again = Trace.parse(trace.text())
    assert (again.framing, again.name) == (framing, "any")
    assert [(e.way, e.message) for e in again] == [(e.way, e.message) for e in trace]
    assert [e.at_s for e in again] == pytest.approx([e.at_s for e in trace], abs=1e-6)


@given(text=st.text(max_size=60))
def test_remark_stays_one_line(text: str) -> None:
    trace = Trace(Framing.RAW)
    trace.remark(0.0, text)
    assert len(trace.text().splitlines()) == 2
    assert [entry.way for entry in Trace.parse(trace.text())] == [Way.REMARK]


@pytest.mark.parametrize("line", ["what is this", "2026-11-23T10:00:00Z > 8", "yesterday > 81 FF"])
def test_line_that_is_none_is_named(line: str) -> None:
    with pytest.raises(ValueError, match=r"line 2|isoformat"):
        Trace.parse("# VISCA trace, framing raw, c\n" + line)


@pytest.mark.parametrize("loss", [0.0, 0.1, 0.3])
@pytest.mark.parametrize("seed", range(5))
def test_recorded_conversation_draws_the_same_bytes_again(loss: float, seed: int) -> None:
    trace = talk(loss, seed)
    sent = sum(entry.way is Way.OUT for entry in trace)
    assert sent >= 16
    assert replay(Trace.parse(trace.text()), Session) == sent


def _changed(trace: Trace, change: Callable[[bytes], bytes | None], way: Way) -> Trace:
    """Return the trace with the last message of `way` changed, or left out."""
    entries = list(trace)
    last = max(n for n, entry in enumerate(entries) if entry.way is way)
    changed = Trace(trace.framing)
    for n, entry in enumerate(entries):
        message = change(entry.message) if n == last else entry.message
        if entry.way is Way.REMARK:
            changed.remark(entry.at_s, entry.message.decode())
        elif message is not None:
            changed.note(entry.at_s, entry.way is Way.OUT, message)
    return changed


def test_number_that_was_never_given_diverges() -> None:
    other = _changed(talk(), lambda message: message[:7] + b"\x63" + message[8:], Way.OUT)
    with pytest.raises(Diverged, match="entry"):
        replay(other, Session)


def test_missing_resend_diverges() -> None:
    lost = _changed(talk(), lambda message: None, Way.IN)
    lost.note(NOON_S, True, b"late")
    with pytest.raises(Diverged):
        replay(lost, Session)


def test_note_is_cheap() -> None:
    trace = Trace(Framing.SONY)
    message = pack(Kind.INQUIRY, 1, table.POWER_INQ.encode())
    best_ns = min(_ns(trace, message) for _ in range(20))
    assert best_ns < 5_000, "a frame's note belongs to the cost of every inquiry"
    assert len(trace) == RING_FRAMES


def _ns(trace: Trace, message: bytes) -> float:
    began = perf_counter_ns()
    for _ in range(1000):
        trace.note(1.0, True, message)
    return (perf_counter_ns() - began) / 1000
