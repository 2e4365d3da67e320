"""A request that recurs: one letter, one direction, a decision for each time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from central.domain.recurrence import Every, Recurrence
from central.domain.sop import State
from central.errors import Invalid, NotFound, Refused
from central.model import Decision, Direction, Request
from central.services import Services
from tests.service.central.office import APPLICANT, HEAD, PDF, STARTS, STRANGER, VERIFIER, draft, office

WEEK = timedelta(days=7)
WEEKLY = Recurrence(Every.WEEK, date(2026, 11, 27))


@pytest.fixture
def here(tmp_path: Path, database: str | None) -> Iterator[Services]:
    with office(tmp_path, database) as services:
        yield services


def sent(here: Services, rule: Recurrence = WEEKLY, key: str | None = None) -> tuple[Request, ...]:
    first = here.desk.submit(replace(draft(), repeat=rule), PDF, APPLICANT, key=key)
    return here.desk.series(str(first.series_id), APPLICANT)


def test_each_time_is_a_request_of_its_own_with_the_same_letter(here: Services) -> None:
    found = sent(here)
    assert [one.starts for one in found] == [STARTS + n * WEEK for n in range(4)]
    assert len({one.receipt for one in found}) == 4
    assert {one.letter.file for one in found} == {found[0].letter.file}
    assert {one.series_id for one in found} == {found[0].id}
    assert len({one.tracking for one in found}) == 4


def test_holidays_are_left_out(here: Services) -> None:
    daily = Recurrence(Every.DAY, date(2026, 11, 10))
    assert [one.starts.day for one in sent(here, daily)] == [6, 9, 10]


def test_a_double_click_makes_one_series(here: Services) -> None:
    first, second = sent(here, key="k"), sent(here, key="k")
    assert first == second
    assert len(here.desk.requests(VERIFIER)) == 4


def test_one_direction_for_all_that_wait_and_a_decision_for_each(here: Services) -> None:
    found = sent(here)
    here.desk.withdraw(found[3].id, "batal", APPLICANT)
    disposed = here.desk.dispose_series(found[0].id, Direction(accept=True, note="Tindak lanjuti"), HEAD)
    assert [one.state for one in disposed] == [State.DISPOSED] * 3 + [State.WITHDRAWN]
    here.desk.decide(found[0].id, Decision(approve=True, operator_id="rina"), VERIFIER)
    here.desk.decide(found[1].id, Decision(approve=False, reason="ruang dipakai"), VERIFIER)
    states = [one.state for one in here.desk.series(found[0].id, VERIFIER)]
    assert states == [State.APPROVED, State.REFUSED, State.DISPOSED, State.WITHDRAWN]
    with pytest.raises(Refused):
        here.desk.dispose_series(found[0].id, Direction(accept=True), HEAD)


def test_a_return_of_all_wants_a_note_and_a_stranger_sees_nothing(here: Services) -> None:
    found = sent(here)
    with pytest.raises(Invalid):
        here.desk.dispose_series(found[0].id, Direction(accept=False), HEAD)
    with pytest.raises(NotFound):
        here.desk.series(found[0].id, STRANGER)


def test_a_rule_that_cannot_be_is_a_mistake_of_the_form(here: Services) -> None:
    with pytest.raises(Invalid) as invalid:
        sent(here, Recurrence(Every.DAY, date(2028, 1, 1)))
    assert [(wrong.field, wrong.code) for wrong in invalid.value.wrongs] == [("repeat_until", "repeat.too_many")]
