"""The wall, as somebody reads it who stands before it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time
from pathlib import Path

import pytest

from contract import CurrentSession, Readiness
from tests.service.pages.office import Office, application, heard, held, office_in, visitor

TODAY = date(2026, 11, 3)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with office_in(tmp_path) as office:
        yield office


async def test_a_session_that_ended_before_its_time_is_not_on_any_more(office: Office) -> None:
    done = office.approved(office.request("Rapat singkat", day=TODAY, start=time(9), hours=2))
    assert done.session_id is not None
    async with visitor(application(office), office, "teknisi") as technician:
        assert "Rapat singkat" in (await technician.get("/f/dinding")).text
        held(office, done.session_id)
        assert "Rapat singkat" not in (await technician.get("/f/dinding")).text


async def test_a_session_that_a_person_began_early_is_on(office: Office) -> None:
    office.approved(office.request("Rapat lebih awal", day=TODAY, start=time(9, 30), hours=1))
    heard(office, "praja-1", Readiness.READY)
    async with visitor(application(office), office, "teknisi") as technician:
        assert "09.30 Rapat lebih awal" in (await technician.get("/f/dinding")).text
        heard(office, "praja-1", Readiness.BUSY, session=CurrentSession(id="x", rev=1, phase="live"))
        page = (await technician.get("/f/dinding")).text
        assert "09.30 Rapat lebih awal" not in page
        assert "sisa 1 jam 13 menit" in page
        assert "siap otomatis" not in page
