"""Four processes with four threads each want the same rooms, people and things, on both databases."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.races import doubles, faults, office_for_a_race, race
from tests.service.central.office import drop_guard

pytestmark = pytest.mark.timeout(300)
DEEDS = ("book", "withdraw", "displace")


def test_nothing_is_booked_twice_lost_or_half_done_and_every_refusal_is_explained(
    tmp_path: Path, database: str | None
) -> None:
    with office_for_a_race(tmp_path, database, requests=40) as course:
        attempts = race(course, attempts=320)
        assert faults(course, attempts) == []
    done = Counter(one.deed for one in attempts if one.outcome == "done")
    assert len(attempts) == 320
    assert all(done[deed] for deed in DEEDS), done
    assert {one.outcome for one in attempts} >= {"done", "booking.taken", "request.state"}


def test_the_checker_finds_what_a_careless_program_books_without_the_guard(
    tmp_path: Path, database: str | None
) -> None:
    with office_for_a_race(tmp_path, database, requests=8) as course:
        race(course, attempts=80, processes=2, careless=True, at_the_start=lambda: drop_guard(course.services.store))
        with course.services.store.reading() as connection:
            assert doubles(connection) != []
