"""What an end leaves on for the next session, and how late a phase begins."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from agent.course import Course
from agent.handover import kept_for
from agent.plan import LATE_FROM, Deed, Rhythm, due, end_of, lateness, run_on_until
from agent.presets import Preset, Step
from contract.words import Phase, SessionStatus
from drivers.ports import Camera, Display, Power, Sound, Switcher
from drivers.verbs import VERBS, Arguments, Memory, OnOff, Outlet, PortMute
from tests.rules.agent.test_plan import END, MINUTE, RHYTHM, START, planned

LEAD = RHYTHM.lead
BY_HAND = frozenset({Phase.LIVE, Phase.ENDING})


def step(place: str, port: type, verb: str, arguments: Arguments, device: str = "d") -> Step:
    return Step(place, device, VERBS[port][verb], arguments, timedelta(seconds=5))


def preset(*steps: Step) -> Preset:
    return Preset("p", {}, tuple((one,) for one in steps))


def test_only_what_takes_its_time_and_is_needed_again_stays_on() -> None:
    end = preset(
        step("1", Display, "power", OnOff(on=False), "projector"),
        step("2", Power, "switch", Outlet(outlet=1, on=False), "power"),
        step("3", Power, "switch", Outlet(outlet=2, on=False), "power"),
        step("4", Sound, "mute", PortMute(port="microphone", on=True), "sound"),
        step("5", Switcher, "record", OnOff(on=False), "obs"),
        step("6", Camera, "power", OnOff(on=False), "camera-2"),
    )
    following = preset(
        step("1", Display, "power", OnOff(on=True), "projector"),
        step("2", Power, "switch", Outlet(outlet=2, on=True), "power"),
        step("3", Sound, "mute", PortMute(port="microphone", on=False), "sound"),
        step("4", Switcher, "record", OnOff(on=True), "obs"),
        step("5", Camera, "recall", Memory(memory=1), "camera-2"),
    )
    assert [kept.id for kept in kept_for([following], end)] == ["1", "3"]
    assert kept_for([], end) == ()


@pytest.mark.parametrize(
    ("phase", "course", "moment"),
    [
        ("prepare", Course(phase=Phase.PREPARING), START - LEAD),
        ("live", Course(phase=Phase.LIVE, started_at=START + 9 * MINUTE), START),
        ("live", Course(phase=Phase.LIVE, started_at=START + 9 * MINUTE, by_hand=BY_HAND), START + 9 * MINUTE),
        ("live", Course(phase=Phase.LIVE, clock_set_by=60 * MINUTE), START + 60 * MINUTE),
        ("end", Course(phase=Phase.ENDING, ending_at=END), END),
        ("end", Course(phase=Phase.ENDING, extended_to=END + 15 * MINUTE), END + 15 * MINUTE),
        ("end", Course(phase=Phase.ENDING, ending_at=END - 20 * MINUTE, by_hand=BY_HAND), END - 20 * MINUTE),
    ],
)  # fmt: skip
def test_a_phase_is_late_from_two_minutes_after_its_moment(phase: str, course: Course, moment: datetime) -> None:
    plan = planned()
    for seconds in (-600, 0, 119):
        assert lateness(plan, course, phase, moment + timedelta(seconds=seconds), LEAD) is None
    assert lateness(plan, course, phase, moment + LATE_FROM, LEAD) == LATE_FROM


def test_what_began_in_time_before_is_not_late_when_it_is_tried_again() -> None:
    course = Course(phase=Phase.PREPARING, on_time=frozenset({"prepare"}))
    assert lateness(planned(), course, "prepare", START - MINUTE, LEAD) is None
    assert lateness(planned(), Course(phase=Phase.PREPARING), "prepare", START - MINUTE, LEAD) == 29 * MINUTE
    assert lateness(planned(), Course(phase=Phase.CANCELLED), "end", START, LEAD) is None


def test_a_session_runs_on_until_the_next_one_needs_the_room() -> None:
    generous = Rhythm(LEAD, RHYTHM.certify, RHYTHM.since, over_run=20 * MINUTE)
    live = Course(phase=Phase.LIVE, is_set_live=True)
    assert run_on_until(planned(), live, None, generous) == END + 20 * MINUTE
    following = planned("s-2", END + 45 * MINUTE)
    assert run_on_until(planned(), live, following, generous) == END + 15 * MINUTE
    assert run_on_until(planned(teardown=10 * MINUTE), live, following, generous) == END + 5 * MINUTE
    assert run_on_until(planned(), live, planned("s-2", END), generous) == END
    assert run_on_until(planned(), live, None, RHYTHM) == END
    at_end = due(END, [planned()], {"s-1": live}, generous)
    assert [action.deed for action in at_end.actions] == [Deed.RUN_ON]
    told = Course(phase=Phase.LIVE, is_set_live=True, over_run=True)
    assert due(END + MINUTE, [planned()], {"s-1": told}, generous).wake == END + 20 * MINUTE
    ended = due(END + 20 * MINUTE, [planned()], {"s-1": told}, generous)
    assert [action.deed for action in ended.actions] == [Deed.END]


def test_a_live_session_that_is_moved_away_ends_when_it_was_to_end() -> None:
    live = Course(phase=Phase.LIVE, is_set_live=True, aimed_end=END)
    assert end_of(planned(start=START + 24 * 60 * MINUTE), live) == END
    longer = planned(end=END + 30 * MINUTE)
    assert end_of(longer, live) == END + 30 * MINUTE


def test_a_preparation_that_a_person_cancelled_waits_for_a_person_but_the_session_starts() -> None:
    held = Course(phase=Phase.PREPARING, held_back=True, attempts=1, attempted_at=START - 20 * MINUTE)
    deeds = [a.deed for a in due(START - 19 * MINUTE, [planned()], {"s-1": held}, RHYTHM).actions]
    assert Deed.PREPARE not in deeds
    assert Deed.START in [a.deed for a in due(START, [planned()], {"s-1": held}, RHYTHM).actions]
    cancelled = planned(status=SessionStatus.CANCELLED)
    assert [a.deed for a in due(START, [cancelled], {"s-1": held}, RHYTHM).actions] == [Deed.CANCEL]
