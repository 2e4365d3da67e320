"""Every state of a request against every event, and the clocks that follow its moves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from central.domain.clocks import Standards, Step, clocks, running
from central.domain.sop import TRANSITIONS, Event, IllegalTransition, State, advance, possible

T0 = datetime(2026, 11, 3, 1, 0, tzinfo=UTC)
CLOSED = {State.REFUSED, State.WITHDRAWN}


@pytest.mark.parametrize(("state", "event"), list(product(State, Event)))
def test_an_event_leads_where_the_table_says_or_nowhere(state: State, event: Event) -> None:
    if (state, event) in TRANSITIONS:
        assert advance(state, event) is TRANSITIONS[state, event]
        assert event in possible(state)
    else:
        with pytest.raises(IllegalTransition, match=f"{state} takes no {event}"):
            advance(state, event)
        assert event not in possible(state)


def test_only_an_officers_decision_approves_and_only_after_disposition() -> None:
    ways = [(before, event) for (before, event), after in TRANSITIONS.items() if after is State.APPROVED]
    assert ways == [(State.DISPOSED, Event.APPROVE), (State.APPROVED, Event.RESCHEDULE)]


def test_closed_requests_move_no_more() -> None:
    assert all(not possible(state) for state in CLOSED)


def test_every_state_can_be_reached() -> None:
    reached = {State.SUBMITTED}
    while more := {after for (before, _), after in TRANSITIONS.items() if before in reached} - reached:
        reached |= more
    assert reached == set(State)


def minutes(count: float) -> datetime:
    return T0 + timedelta(minutes=count)


def test_the_head_has_ten_minutes_and_the_division_a_day() -> None:
    first, second = clocks([(None, T0), (Event.ACCEPT, minutes(7))], Standards())
    assert (first.step, first.due, first.done_at) == (Step.DISPOSITION, minutes(10), minutes(7))
    assert not first.late(minutes(60))
    assert (second.step, second.due, second.done_at) == (Step.VERIFICATION, minutes(7) + timedelta(days=1), None)
    assert running((first, second)) == second


def test_an_offer_ends_the_verification_and_a_new_version_begins_with_the_head() -> None:
    moves = [(None, T0), (Event.ACCEPT, minutes(7)), (Event.OFFER, minutes(30)), (Event.RESUBMIT, minutes(90))]
    verified = next(one for one in clocks(moves[:3], Standards()) if one.step is Step.VERIFICATION)
    assert verified.done_at == minutes(30)
    assert running(clocks(moves[:3], Standards())) is None
    again = running(clocks(moves, Standards()))
    assert again is not None
    assert (again.step, again.started_at) == (Step.DISPOSITION, minutes(90))


def test_a_session_that_is_moved_owes_its_report_after_its_new_end() -> None:
    moves = [(None, T0), (Event.ACCEPT, minutes(1)), (Event.APPROVE, minutes(2)), (Event.RESCHEDULE, minutes(3))]
    report = clocks(moves, Standards(), minutes(500))[-1]
    assert (report.step, report.started_at, report.done_at) == (Step.REPORT, minutes(500), None)
    report = clocks([*moves, (Event.REPORT, minutes(504))], Standards(), minutes(500))[-1]
    assert (report.done_at, report.late(minutes(600))) == (minutes(504), False)


def test_a_clock_that_ran_out_is_late_and_still_runs() -> None:
    (clock,) = clocks([(None, T0)], Standards())
    assert not clock.late(minutes(10))
    assert clock.late(minutes(10.01))
    assert clock.remaining(minutes(12)) == timedelta(minutes=-2)


def test_a_request_sent_again_starts_the_heads_clock_anew() -> None:
    moves = [(None, T0), (Event.RETURN, minutes(5)), (Event.RESUBMIT, minutes(100))]
    (clock,) = clocks(moves, Standards())
    assert (clock.started_at, clock.done_at) == (minutes(100), None)


def test_the_report_has_five_minutes_from_the_sessions_end() -> None:
    moves = [(None, T0), (Event.ACCEPT, minutes(1)), (Event.APPROVE, minutes(2))]
    waiting = running(clocks(moves, Standards(), minutes(500)))
    assert waiting is not None
    assert (waiting.step, waiting.due) == (Step.REPORT, minutes(505))
    done = clocks([*moves, (Event.REPORT, minutes(506))], Standards(), minutes(500))[-1]
    assert done.done_at == minutes(506)
    assert done.late(minutes(600))


def test_nothing_runs_after_a_withdrawal() -> None:
    moves = [(None, T0), (Event.ACCEPT, minutes(1)), (Event.WITHDRAW, minutes(2))]
    assert running(clocks(moves, Standards(), None)) is None


def test_a_cancelled_session_owes_no_report() -> None:
    moves = [(None, T0), (Event.ACCEPT, minutes(1)), (Event.APPROVE, minutes(2)), (Event.CANCEL, minutes(3))]
    assert running(clocks(moves, Standards(), minutes(500))) is None
