"""Whole sessions of the real engine in virtual time: any moment of starting, any zone, any disturbance, a whole day."""

from __future__ import annotations

import asyncio
import gc
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agent.course import CLOCK_DISTURBED
from agent.outbox import Outbox
from contract.link import Link, NotConnected
from contract.messages import Ack, EntryBatch
from contract.words import EntryKind, Phase, StepOutcome
from tests.service.agent.virtual import DAWN, MINUTE, VirtualRoom, busy_day, planned

START = DAWN + timedelta(hours=2)
END = START + 60 * MINUTE
SETTLED = timedelta(seconds=40)
"""A camera takes 4 s, a certificate with its tone up to half a minute."""


@pytest.fixture(autouse=True, scope="module")
def seldom() -> Iterator[None]:
    """Have the plan asked every five seconds, and when something is due, as ever: a virtual day is long."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("agent.pulse.ASK_EVERY_S", 5.0)
        yield


@contextmanager
def room(zone: str = "Asia/Pontianak") -> Iterator[VirtualRoom]:
    with tempfile.TemporaryDirectory() as folder:
        virtual = VirtualRoom(Path(folder), zone=zone)
        try:
            yield virtual
        finally:
            virtual.close()


def until(virtual: VirtualRoom, moment: datetime) -> None:
    virtual.wait(moment - virtual.clock.now())


def started_at(virtual: VirtualRoom, moment: datetime) -> None:
    """Have the agent come up for the first time at `moment`, with the plan at hand."""
    virtual.run(_sleep(moment - virtual.clock.now()))
    virtual.start()
    virtual.publish([planned(0, START)])


async def _sleep(time: timedelta) -> None:
    await asyncio.sleep(time.total_seconds())


@settings(max_examples=8, deadline=None)
@given(st.integers(-30 * 60, 60 * 60).map(lambda seconds: timedelta(seconds=seconds)))
def test_an_agent_that_comes_up_at_any_moment_is_in_the_right_phase(offset: timedelta) -> None:
    with room() as virtual:
        began = START + offset
        started_at(virtual, began)
        virtual.wait(SETTLED)
        now = virtual.clock.now()
        if now < START:
            assert virtual.phase() is Phase.READY
        elif now < END:
            assert virtual.phase() in {Phase.LIVE, Phase.READY}
            virtual.wait(SETTLED)
            assert virtual.phase() is (Phase.LIVE if virtual.clock.now() < END else Phase.REPORTED)
            assert not virtual.sound.muted["microphone"] or virtual.phase() is Phase.REPORTED
        until(virtual, END + 2 * MINUTE)
        assert virtual.phase() is Phase.REPORTED
        assert len(virtual.entries(EntryKind.REPORT)) == 1


@settings(max_examples=6, deadline=None)
@given(st.integers(-30 * 60, 60 * 60).map(lambda seconds: timedelta(seconds=seconds)))
def test_an_agent_that_is_killed_at_any_moment_goes_on_where_it_was(offset: timedelta) -> None:
    with room() as virtual:
        started_at(virtual, START - 40 * MINUTE)
        until(virtual, START + offset)
        virtual.kill()
        virtual.run(_sleep(timedelta(seconds=3)))
        virtual.start()
        virtual.publish([planned(0, START)])
        until(virtual, END + 2 * MINUTE)
        assert virtual.phase() is Phase.REPORTED
        kinds = Counter(entry.kind for entry in virtual.entries())
        assert kinds[EntryKind.REPORT] == 1
        assert [entry.seq for entry in virtual.entries()] == list(range(1, virtual.journal.last + 1))
        assert virtual.reached("s-0", Phase.LIVE)[0] <= START + timedelta(seconds=70)


@pytest.mark.parametrize(
    ("zone", "start"),
    [
        ("Asia/Pontianak", datetime(2026, 11, 23, 9, 0)),  # noqa: DTZ001  # put into its zone below
        ("Europe/Berlin", datetime(2027, 3, 28, 1, 30)),  # noqa: DTZ001  # the night that has no 02:30
        ("Europe/Berlin", datetime(2027, 10, 31, 2, 30)),  # noqa: DTZ001  # the night that has it twice
        ("Australia/Lord_Howe", datetime(2027, 4, 4, 1, 45)),  # noqa: DTZ001  # half an hour twice
    ],
)
def test_a_session_lasts_as_long_in_a_zone_whose_clock_is_changed(zone: str, start: datetime) -> None:
    begins = start.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    with room(zone=zone) as virtual:
        virtual.clock.set_by = begins - 40 * MINUTE - DAWN
        virtual.start()
        virtual.publish([planned(0, begins)])
        until(virtual, begins + timedelta(hours=1, minutes=2))
        (live,), (ending,) = virtual.reached("s-0", Phase.LIVE), virtual.reached("s-0", Phase.ENDING)
        assert live == begins
        assert ending - live == timedelta(hours=1)


def test_a_machine_that_slept_through_the_start_goes_live_at_once_and_says_so() -> None:
    with room() as virtual:
        started_at(virtual, START - 40 * MINUTE)
        until(virtual, START - 10 * MINUTE)
        virtual.clock.slept = 15 * MINUTE
        virtual.wait(SETTLED)
        assert virtual.phase() is Phase.LIVE
        disturbed = [entry for entry in virtual.entries() if entry.kind == CLOCK_DISTURBED]
        assert [entry.body["slept_s"] for entry in disturbed] == [pytest.approx(900, abs=1)]
        live = [e for e in virtual.entries(EntryKind.PRESET_STARTED) if e.body["phase"] == "live"]
        assert live[0].body["late_s"] == pytest.approx(300, abs=10)
        until(virtual, END + 2 * MINUTE)
        assert virtual.phase() is Phase.REPORTED


@pytest.mark.parametrize("minutes", [-25, -10, 10, 25])
def test_a_session_that_is_cancelled_or_moved_at_any_moment_leaves_a_room_for_the_next(minutes: int) -> None:
    with room() as virtual:
        started_at(virtual, START - 40 * MINUTE)
        until(virtual, START + minutes * MINUTE)
        following = planned(1, END + 40 * MINUTE)
        virtual.publish([planned(0, START, status="cancelled"), following])
        virtual.wait(SETTLED)
        assert virtual.phase() is (Phase.CANCELLED if minutes < 0 else Phase.REPORTED)
        until(virtual, following.start + MINUTE)
        assert virtual.phase("s-1") is Phase.LIVE


@settings(max_examples=8, deadline=None)
@given(
    st.integers(-29 * 60, 59 * 60).map(lambda seconds: timedelta(seconds=seconds)),
    st.integers(-20, 90).map(lambda minutes: minutes * MINUTE),
)
@example(timedelta(0), 60 * MINUTE)
@example(20 * MINUTE, 59 * MINUTE)
def test_a_session_that_is_moved_at_any_moment_is_carried_out_once_and_ends_by_its_new_plan(
    offset: timedelta, by: timedelta
) -> None:
    with room() as virtual:
        started_at(virtual, START - 40 * MINUTE)
        told_at = START + offset
        until(virtual, told_at)
        was_live = bool(virtual.reached("s-0", Phase.LIVE))
        virtual.publish([planned(0, START + by, rev=2)])
        is_moved_away = was_live and START + by >= END  # then it ends when it was to end
        begins, ends = max(START + by, told_at), max(END if is_moved_away else END + by, told_at)
        until(virtual, ends + 3 * MINUTE)
        assert virtual.phase() is Phase.REPORTED
        (live,), (ending,) = virtual.reached("s-0", Phase.LIVE), virtual.reached("s-0", Phase.ENDING)
        assert was_live or timedelta(0) <= live - begins <= timedelta(seconds=70)
        assert timedelta(0) <= ending - ends <= SETTLED
        assert len(virtual.entries(EntryKind.REPORT)) == 1
        assert virtual.sound.muted["microphone"]


class Way:
    """The way to central, and a central that keeps what comes and acknowledges it; both can be away."""

    def __init__(self, virtual: VirtualRoom) -> None:
        self.is_up = True
        self.sent: list[int] = []
        self.outbox = Outbox(virtual.journal, cast("Link", self), room="praja-1", topic="events")
        virtual.beside(self.outbox.run())

    async def publish(self, _: str, payload: bytes) -> None:
        if not self.is_up:
            raise NotConnected("the broker is away")
        batch = EntryBatch.decode(payload)
        self.sent += [entry.seq for entry in batch.entries]
        last = batch.entries[-1]
        self.outbox.acknowledge(Ack(stream=batch.stream, upto=last.seq, head=last.hash))

    def come_back(self) -> None:
        self.is_up = True
        self.outbox.wake()


def test_an_hour_without_a_broker_in_mid_session_changes_nothing_and_is_told_once_afterwards() -> None:
    with room() as virtual:
        started_at(virtual, START - 40 * MINUTE)
        way = Way(virtual)
        until(virtual, START + 30 * MINUTE)
        known, way.is_up = len(way.sent), False
        virtual.engine.steering.extend(15 * MINUTE, who="tablet")
        until(virtual, START + 90 * MINUTE)
        assert len(way.sent) == known
        assert virtual.phase() is Phase.REPORTED
        assert virtual.reached("s-0", Phase.ENDING) == [END + 15 * MINUTE]
        assert virtual.journal.pending == virtual.journal.last - known > 0
        way.come_back()
        virtual.wait(timedelta(seconds=10))
        assert way.sent == list(range(1, virtual.journal.last + 1))
        assert virtual.journal.pending == 0


@pytest.mark.timeout(240)
def test_a_busy_day_keeps_its_times_and_its_size() -> None:
    """Every session goes live and ends at its exact moment, and nothing grows but what is kept of each session."""
    plans = busy_day()
    sizes: list[int] = []
    with room() as virtual:
        virtual.start()
        virtual.publish(plans)
        for hour in (3, 6, 12, 18, 24):
            until(virtual, DAWN + timedelta(hours=hour))
            gc.collect()
            sizes.append(len(gc.get_objects()))
        for plan in plans:
            assert virtual.phase(plan.id) is Phase.REPORTED
            assert virtual.reached(plan.id, Phase.LIVE) == [plan.start]
            assert virtual.reached(plan.id, Phase.ENDING) == [plan.end]
            assert len(virtual.reached(plan.id, Phase.REPORTED)) == 1
        ends = Counter(entry.outcome for entry in virtual.entries(EntryKind.STEP_ENDED))
        assert set(ends) <= {StepOutcome.DONE, StepOutcome.VERIFIED}
        order = [(e.at, e.session, e.body["phase"]) for e in virtual.entries(EntryKind.PHASE_CHANGED)]
        occupied = [session for _, session, phase in order if phase in {Phase.PREPARING, Phase.LIVE, Phase.ENDING}]
        assert all(int(a[2:]) <= int(b[2:]) for a, b in pairwise(map(str, occupied)))
    assert max(sizes) <= sizes[0] * 1.05, sizes
