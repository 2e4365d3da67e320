"""Figures of the time standards: percentiles by nearest rank, in working time."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from central.domain.clocks import SopClock, Standards, Step, clocks
from central.domain.punctuality import figures, lead, percentile
from central.domain.sop import Event
from tests.rules.central.test_calendar import MINUTE, SETTINGS, at

STANDARDS = Standards(calendar=lambda moment: SETTINGS.policy.calendar(SETTINGS.zone, moment.year))


def test_direction_and_verification_run_in_working_time_and_the_report_does_not() -> None:
    friday = at(11, 6, 16, 25)
    moves = [(None, friday), (Event.ACCEPT, at(11, 9, 7, 34))]
    first, second = clocks(moves, STANDARDS, at(11, 14, 20))[:2]
    assert (first.due, first.late(first.due)) == (at(11, 9, 7, 35), False)
    assert STANDARDS.took(first) == 9 * MINUTE
    assert STANDARDS.left(first, at(12, 1, 8)) == MINUTE  # it was done; nothing runs on
    assert second.due == at(11, 10, 7, 34)
    report = clocks([*moves, (Event.APPROVE, at(11, 9, 8))], STANDARDS, at(11, 14, 20))[-1]
    assert (report.step, report.due) == (Step.REPORT, at(11, 14, 20, 5))  # a Saturday night


def test_a_running_clock_is_late_by_working_time() -> None:
    (clock,) = clocks([(None, at(11, 6, 16, 25))], STANDARDS)
    assert STANDARDS.left(clock, at(11, 7, 12)) == 5 * MINUTE  # nobody works on Saturday
    assert STANDARDS.left(clock, at(11, 9, 8)) == -25 * MINUTE
    assert STANDARDS.allowed(clock) == 10 * MINUTE


def test_an_old_clock_runs_in_the_calendar_of_its_own_year() -> None:
    before_the_feast = at(4, 5, 10, year=2024)  # joint leave until the 15th
    _, verification = clocks([(None, before_the_feast), (Event.ACCEPT, before_the_feast)], STANDARDS)
    assert verification.due == at(4, 16, 10, year=2024)
    assert STANDARDS.left(verification, at(4, 16, 9, 30, year=2024)) == 30 * MINUTE


def done(minutes: int) -> SopClock:
    start = at(11, 3, 8)
    return SopClock(Step.DISPOSITION, start, start + 10 * MINUTE, start + minutes * MINUTE)


def test_figures_count_what_is_done_and_what_was_in_time() -> None:
    running = SopClock(Step.VERIFICATION, at(11, 3, 8), at(11, 4, 8))
    (line,) = figures([*(done(minutes) for minutes in (2, 4, 10, 11)), running], STANDARDS)
    assert (line.step, line.done, line.in_time) == (Step.DISPOSITION, 4, 3)
    assert (line.median, line.p90, line.longest) == (4 * MINUTE, 11 * MINUTE, 11 * MINUTE)


def test_the_lead_time_has_its_own_line() -> None:
    assert lead([], lambda starts: starts) is None
    day = timedelta(days=1)
    found = lead([(at(11, 3, 8), at(11, 3, 8) + n * day) for n in (1, 3, 5)], lambda starts: starts - 3 * day)
    assert found is not None
    assert (found.sent, found.in_time, found.median, found.shortest) == (3, 2, 3 * day, day)


@given(st.lists(st.integers(0, 1000), min_size=1), st.integers(1, 100))
def test_a_percentile_is_one_of_the_values_and_enough_are_not_above(values: list[int], percent: int) -> None:
    ordered = sorted(timedelta(seconds=value) for value in values)
    found = percentile(ordered, percent)
    assert found in ordered
    assert sum(value <= found for value in ordered) * 100 >= percent * len(ordered)
    assert sum(value < found for value in ordered) * 100 < percent * len(ordered)
