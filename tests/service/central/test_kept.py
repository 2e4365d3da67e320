"""What log-ins, waits, answers and pages keep in the database is kept the same on both."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pytest

from central.answered import DIES_AFTER, Answered, Kept, Order
from central.domain.words import Role
from central.errors import Forbidden, TooMany
from central.people import Caller
from central.services import Services
from central.throttle import ACCOUNT_TRIES
from tests.service.central.office import APPLICANT, NOW, PDF, draft, office

PASSWORD = "rahasia sekali"
AT_ONCE = 8


@pytest.fixture
def here(tmp_path: Path, database: str | None) -> Iterator[Services]:
    with office(tmp_path, database) as services:
        yield services


def test_log_ins_waits_answers_and_pages(here: Services) -> None:
    ident = here.people.add("kadis", "Sri", PASSWORD, frozenset({Role.HEAD}))
    _, first = here.people.log_in("kadis", PASSWORD, Caller("192.0.2.7", "Firefox"))
    _, second = here.people.log_in("kadis", PASSWORD, Caller("192.0.2.7", "Firefox", first))
    assert [one.address for one in here.people.log_ins(ident, second)] == ["192.0.2.7"]
    for _ in range(ACCOUNT_TRIES):
        with pytest.raises(Forbidden):
            here.people.log_in("kadis", "salah", Caller("192.0.2.7"))
    with pytest.raises(TooMany):
        here.people.log_in("kadis", PASSWORD)
    answered, order = Answered(here.store, now=lambda: NOW), Order(ident, "k", "f")
    assert [answered.claim(order), answered.claim(order)] == [True, False]
    answered.keep(order, Kept(200, {}, "{}"))
    assert answered.kept(order) == Kept(200, {}, "{}")
    for number in range(3):
        here.desk.submit(draft(starts=NOW + timedelta(days=5 + number)), PDF, APPLICANT)
    whole = here.desk.requests(APPLICANT)
    rest = here.desk.requests(APPLICANT, after=(whole[0].submitted_at, whole[0].id))
    assert rest == whole[1:]
    assert here.board.sessions(NOW, NOW + timedelta(days=9), after=(NOW, "x")) == ()
    assert here.board.reports(APPLICANT, after=(NOW, "x")) == ()


def test_of_many_who_send_one_order_at_once_one_carries_it_out(here: Services) -> None:
    ident = here.people.add("kadis", "Sri", PASSWORD, frozenset({Role.HEAD}))
    answered, at_once = Answered(here.store, now=lambda: NOW), Barrier(AT_ONCE)

    def claim(key: str) -> bool:
        at_once.wait(timeout=10)
        return answered.claim(Order(ident, key, "f"))

    with ThreadPoolExecutor(AT_ONCE) as hands:
        for turn in range(5):
            assert sum(hands.map(claim, [f"key-{turn}"] * AT_ONCE, timeout=30)) == 1
        answered = Answered(here.store, now=lambda: NOW + 2 * DIES_AFTER)  # whoever had it is taken for dead
        assert sum(hands.map(claim, ["key-0"] * AT_ONCE, timeout=30)) == 1
