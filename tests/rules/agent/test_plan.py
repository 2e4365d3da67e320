"""The timeline in virtual time: whenever the agent looks, the session is in the right phase."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.course import Course
from agent.plan import PATIENCE, Action, Deed, Due, Rhythm, due, retry_at, stage_due
from agent.session import Event, advance
from contract.messages import PlannedSession
from contract.words import Phase, SessionStatus

START = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
END = START + timedelta(hours=1)
RHYTHM = Rhythm(timedelta(minutes=30), timedelta(minutes=5), START - timedelta(days=1))
MINUTE = timedelta(minutes=1)


def planned(name: str = "s-1", start: datetime = START, **more: object) -> PlannedSession:
    return PlannedSession.model_validate({
        "id": name, "rev": 1, "status": SessionStatus.CONFIRMED, "title": "Rapat", "agency": "Dinkes", "start": start,
        "end": start + timedelta(hours=1), "prepare_at": start - timedelta(minutes=30),
    } | more)  # fmt: skip


class World:
    """Runs the plan: every deed takes its time, nothing fails unless told to."""

    def __init__(
        self, *plans: PlannedSession, courses: Mapping[str, Course] | None = None, takes: timedelta = MINUTE
    ) -> None:
        self.plans = plans
        self.courses = dict(courses or {})
        self.takes = takes
        self.camera_works = True
        self.log: list[tuple[datetime, Deed, str]] = []

    def course(self, name: str = "s-1") -> Course:
        return self.courses.get(name, Course())

    def ask(self, now: datetime) -> Due:
        """Let runs end, then do what is due until nothing is."""
        for _ in range(20):  # far more than any chain of deeds at one moment
            for name in self.courses:
                self._end_run(name, now)
            answer = due(now, self.plans, self.courses, RHYTHM)
            if not answer.actions:
                return answer
            for action in answer.actions:
                self.log.append((now, action.deed, action.session))
                self._do(action, now)
        raise AssertionError(f"the plan does not come to rest: {self.log[-5:]}")

    def pass_time(self, since: datetime, until: datetime) -> None:
        now = since
        while now <= until:
            answer = self.ask(now)
            later = [now + MINUTE, *([answer.wake] if answer.wake else [])]
            now = max(min(later), now + timedelta(seconds=1))

    def deeds(self, name: str = "s-1") -> list[Deed]:
        return [deed for _, deed, session in self.log if session == name]

    def _do(self, action: Action, now: datetime) -> None:
        course = self.course(action.session)
        moves = {
            Deed.PREPARE: Event.PREPARE, Deed.START: Event.START, Deed.END: Event.END, Deed.MISS: Event.MISS,
            Deed.CANCEL: Event.CANCEL, Deed.REPORT: Event.REPORT,
        }  # fmt: skip
        runs = {Deed.PREPARE: "prepare", Deed.SET_LIVE: "live", Deed.PUT_AWAY: "end"}
        if action.deed in moves:
            course = replace(course, phase=advance(course.phase, moves[action.deed]))
        if action.deed in runs:
            course = replace(course, open_run="r", open_phase=runs[action.deed], open_since=now)
        if action.deed is Deed.CERTIFY:
            plan = next(plan for plan in self.plans if plan.id == action.session)
            stage = stage_due(plan, now, RHYTHM)
            course = replace(course, certified=True, certified_for=plan.start, certified_before=stage)
        if action.deed is Deed.START:
            course = replace(course, open_run=None, open_phase=None, open_since=None, started_at=now)
        self.courses[action.session] = course

    def _end_run(self, name: str, now: datetime) -> None:
        course = self.courses[name]
        if course.open_since is None or now < course.open_since + self.takes:
            return
        ended = replace(course, open_run=None, open_phase=None, open_since=None)
        if course.open_phase == "prepare":
            phase = advance(ended.phase, Event.PREPARED) if self.camera_works else ended.phase
            ended = replace(ended, phase=phase, attempts=ended.attempts + 1, attempted_at=now)
        elif course.open_phase == "live":
            ended = replace(ended, is_set_live=True)
        else:
            ended = replace(ended, phase=advance(ended.phase, Event.PUT_AWAY))
        self.courses[name] = ended


def test_a_session_runs_through_its_phases_at_the_agreed_times() -> None:
    world = World(planned())
    world.pass_time(START - timedelta(hours=2), END + 5 * MINUTE)
    first = {deed: at for at, deed, _ in reversed(world.log)}
    assert first[Deed.PREPARE] == START - timedelta(minutes=30)
    certified = [at for at, deed, _ in world.log if deed is Deed.CERTIFY]
    assert certified == [START - 29 * MINUTE, START - 15 * MINUTE, START - 5 * MINUTE]
    assert first[Deed.START] == START
    assert first[Deed.END] == END
    assert world.course().phase is Phase.REPORTED
    others = [deed for deed in world.deeds() if deed is not Deed.CERTIFY]
    assert sorted(others) == sorted(set(others))


@pytest.mark.parametrize("offset_s", range(-30 * 60, 60 * 60 + 60, 97))
def test_an_agent_that_comes_up_at_any_moment_finds_the_right_phase(offset_s: int) -> None:
    world, now = World(planned(), takes=timedelta(0)), START + timedelta(seconds=offset_s)
    world.ask(now)
    world.ask(now)
    if now < START:
        assert world.course().phase is Phase.READY
    elif now < END:
        assert world.course().phase is Phase.LIVE
        assert world.course().is_set_live
        assert world.course().certified
    else:
        assert world.deeds() == [Deed.MISS, Deed.REPORT]


@pytest.mark.parametrize("phase", [Phase.PREPARING, Phase.READY])
@pytest.mark.parametrize("offset_s", range(-30 * 60, 60 * 60, 301))
def test_an_agent_that_restarts_after_preparing_goes_on(phase: Phase, offset_s: int) -> None:
    now = START + timedelta(seconds=offset_s)
    world = World(planned(), courses={"s-1": Course(phase=phase)}, takes=timedelta(0))
    world.ask(now)
    world.ask(now)
    assert world.course().phase is (Phase.READY if now < START else Phase.LIVE)


def test_a_live_session_whose_agent_was_down_at_its_end_is_ended_and_reported() -> None:
    world = World(planned(), courses={"s-1": Course(phase=Phase.LIVE, is_set_live=True)})
    world.pass_time(END + 20 * MINUTE, END + 25 * MINUTE)
    assert world.deeds() == [Deed.END, Deed.PUT_AWAY, Deed.REPORT]


def test_a_kill_in_the_live_preset_sets_it_again_and_in_the_end_preset_too() -> None:
    live = World(planned(), courses={"s-1": Course(phase=Phase.LIVE, certified=True)})
    live.ask(START + MINUTE)
    assert live.deeds() == [Deed.SET_LIVE]
    ending = World(planned(), courses={"s-1": Course(phase=Phase.ENDING)})
    ending.ask(END)
    assert ending.deeds() == [Deed.PUT_AWAY]


def test_a_preparation_that_fails_is_tried_again_more_and_more_seldom_and_people_start_anyway() -> None:
    world = World(planned(), takes=timedelta(seconds=5))
    world.camera_works = False
    world.pass_time(START - 30 * MINUTE, START + MINUTE)
    times = [at for at, deed, _ in world.log if deed is Deed.PREPARE]
    gaps = [b - a for a, b in pairwise(times)]
    assert gaps == sorted(gaps)
    assert len(times) < 15
    assert world.course().phase is Phase.LIVE


def test_a_preparation_still_running_at_the_start_is_waited_for_only_so_long() -> None:
    began = START - timedelta(seconds=10)
    course = Course(phase=Phase.PREPARING, open_run="r", open_phase="prepare", open_since=began)
    assert due(START, [planned()], {"s-1": course}, RHYTHM) == Due((), began + PATIENCE)
    assert due(began + PATIENCE, [planned()], {"s-1": course}, RHYTHM).actions == (Action(Deed.START, "s-1"),)


def test_a_next_session_waits_until_the_room_is_free() -> None:
    second = planned("s-2", END)
    world = World(planned(), second)
    world.pass_time(START - 40 * MINUTE, END + 70 * MINUTE)
    prepared = next(at for at, deed, name in world.log if deed is Deed.PREPARE and name == "s-2")
    ended = next(at for at, deed, name in world.log if deed is Deed.REPORT and name == "s-1")
    assert prepared == ended
    assert [world.course(name).phase for name in ("s-1", "s-2")] == [Phase.REPORTED, Phase.REPORTED]


@given(
    gaps_min=st.lists(st.integers(0, 50), min_size=4, max_size=12),
    takes_s=st.integers(0, 90),
    broken_h=st.sets(st.integers(0, 23), max_size=6),
)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_busy_room_has_every_session_of_a_day_once_and_one_at_a_time(
    gaps_min: list[int], takes_s: int, broken_h: set[int]
) -> None:
    start, plans = START, []
    for number, gap in enumerate(gaps_min):
        start += gap * MINUTE
        plans.append(planned(f"s-{number}", start))
        start += timedelta(hours=1)
    world = World(*plans, takes=timedelta(seconds=takes_s))
    for hour in range(25):
        world.camera_works = hour not in broken_h
        begin = START + timedelta(hours=hour - 1)
        world.pass_time(begin, begin + timedelta(hours=1))
    live: list[str] = []
    for _, deed, name in world.log:
        if deed is Deed.START:
            live.append(name)
            assert len(live) == 1
        elif deed is Deed.REPORT:
            live.remove(name)
    for plan in plans:
        assert world.course(plan.id).phase is Phase.REPORTED
        deeds = world.deeds(plan.id)
        assert [deeds.count(deed) for deed in (Deed.START, Deed.SET_LIVE, Deed.END, Deed.PUT_AWAY, Deed.REPORT)] == [
            1
        ] * 5


def test_an_extension_moves_the_end() -> None:
    course = Course(phase=Phase.LIVE, is_set_live=True, extended_to=END + 15 * MINUTE)
    assert due(END, [planned()], {"s-1": course}, RHYTHM) == Due((), END + 15 * MINUTE)


def test_a_cancelled_session_lets_go_of_the_room_and_a_live_one_ends() -> None:
    cancelled = planned(status=SessionStatus.CANCELLED)
    ready, live = Course(phase=Phase.READY), Course(phase=Phase.LIVE, is_set_live=True)
    assert due(START, [cancelled], {"s-1": ready}, RHYTHM).actions == (Action(Deed.CANCEL, "s-1"),)
    assert due(START, [cancelled], {"s-1": live}, RHYTHM).actions == (Action(Deed.END, "s-1"),)


def test_what_ended_before_the_journal_began_is_not_missed() -> None:
    young = Rhythm(RHYTHM.lead, RHYTHM.certify, END + MINUTE)
    assert due(END + 2 * MINUTE, [planned()], {}, young) == Due()


def test_the_rooms_lead_is_used_when_central_gives_no_time_of_its_own() -> None:
    assert due(START - timedelta(hours=1), [planned(prepare_at=START)], {}, RHYTHM).wake == START - RHYTHM.lead


def test_retries_have_a_limit() -> None:
    course = Course(attempts=500, attempted_at=START)
    assert retry_at(course) == START + timedelta(minutes=5)
