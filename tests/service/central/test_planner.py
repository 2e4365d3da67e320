"""The best set of a day out of the database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from central.domain.findings import Code
from central.domain.servable import Because
from central.domain.words import Leader
from central.model import Decision, Direction
from central.services import Services
from tests.service.central.office import APPLICANT, HEAD, PDF, STARTS, VERIFIER, draft, office

FRIDAY = date(2026, 11, 6)
HOUR = timedelta(hours=1)


@pytest.fixture
def here(tmp_path: Path, database: str | None) -> Iterator[Services]:
    with office(tmp_path, database) as services:
        yield services


def test_two_short_requests_are_served_rather_than_one_long_one(here: Services) -> None:
    early = here.desk.submit(draft("Pagi", starts=STARTS - 3 * HOUR), PDF, APPLICANT)
    late = here.desk.submit(draft("Siang", starts=STARTS), PDF, APPLICANT)
    wanted = draft("Sehari", starts=STARTS - 3 * HOUR)
    long = here.desk.submit(replace(wanted, ends=STARTS + 2 * HOUR), PDF, APPLICANT)
    other = here.desk.submit(draft("Besok", starts=STARTS + 24 * HOUR), PDF, APPLICANT)
    found = here.planner.servable(FRIDAY)
    assert set(found.best.served) == {early.id, late.id}
    (left,) = found.best.left_out
    assert (left.id, left.because) == (long.id, Because.NUMBER)
    assert other.id not in {request.id for request in found.candidates}


def test_a_leader_comes_before_the_number(here: Services) -> None:
    here.desk.submit(draft("Pagi", starts=STARTS - 3 * HOUR), PDF, APPLICANT)
    here.desk.submit(draft("Siang", starts=STARTS), PDF, APPLICANT)
    wanted = replace(draft("Sehari", starts=STARTS - 3 * HOUR), ends=STARTS + 2 * HOUR, leader=Leader.GOVERNOR)
    led = here.desk.submit(wanted, PDF, APPLICANT)
    found = here.planner.servable(FRIDAY)
    assert set(found.best.served) == {led.id}
    assert {left.because for left in found.best.left_out} == {Because.PRIORITY}


def test_what_a_booking_holds_is_not_served_twice(here: Services) -> None:
    booked = here.desk.submit(draft("Sudah"), PDF, APPLICANT)
    here.desk.dispose(booked.id, Direction(accept=True), HEAD)
    here.desk.decide(booked.id, Decision(approve=True, operator_id="rina"), VERIFIER)
    clash = here.desk.submit(draft("Bentrok"), PDF, APPLICANT)
    beside = here.desk.submit(draft("Lain", room_id="praja-2"), PDF, APPLICANT)
    found = here.planner.servable(FRIDAY)
    assert [(request.id, [f.code for f in codes]) for request, codes in found.impossible] == [
        (clash.id, [Code.ROOM_TAKEN])
    ]
    assert set(found.best.served) == {beside.id}
    assert ("operator", "rina") not in found.best.served[beside.id]


def test_an_empty_day_is_empty(here: Services) -> None:
    found = here.planner.servable(FRIDAY)
    assert (found.candidates, found.best.served, found.impossible) == ((), {}, ())
