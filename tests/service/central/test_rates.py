"""Doors that anybody may knock at, and orders that cost something, have a rate; the answer says when to come again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from central.pace import Kind, Pace, Rate
from tests.service.pages.office import Office, application, office_in, visitor

BURST = 5


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with office_in(tmp_path) as office:
        for kind in Kind:  # the clock stands, so that a slow machine changes nothing
            office.services.paces[kind] = Pace(Rate(BURST, 60), clock=lambda: 0.0)
        yield office


async def test_links_and_calendars_are_not_guessed_quickly(office: Office) -> None:
    record = office.request()
    async with visitor(application(office), office) as anybody:
        for right, wrong in (
            (f"/lacak/{record.tracking}", "/lacak/made-up"),
            (office.services.feeds.all(office.person("bidang"))[0].path, "/ical/room/praja-1/x/y.ics"),
        ):
            codes = [(await anybody.get(wrong)).status_code for _ in range(BURST - 1)]
            assert set(codes) == {404}
            assert (await anybody.get(right)).status_code == 200
            late = await anybody.get(right)
            assert late.status_code == 429


async def test_an_upload_too_many_says_when_to_come_again(office: Office) -> None:
    async with visitor(application(office), office, "pemohon") as applicant:
        for _ in range(BURST):
            assert (await applicant.post("/api/v1/requests")).status_code == 422
        late = await applicant.post("/api/v1/requests")
        assert (late.status_code, late.json()["code"]) == (429, "rate.wait")
        assert 1 <= int(late.headers["retry-after"]) <= 6
        assert (await applicant.get("/api/v1/requests")).status_code == 200
