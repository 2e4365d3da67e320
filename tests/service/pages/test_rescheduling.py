"""An officer moves a confirmed session on the page and over the API: findings first, then the deed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import httpx
import pytest

from central.model import Reschedule
from tests.service.pages.office import Office, application, office_in, visitor
from tests.service.pages.test_forms import hidden

NEW = {"date": "2026-11-10", "start": "13:00", "end": "15:00", "room": "praja-2", "operator": "rina"}
STARTS = datetime(2026, 11, 10, 6, tzinfo=UTC)
REASON = "Ruang dipakai tamu negara"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with office_in(tmp_path) as office:
        yield office


def kept(page: str) -> dict[str, str]:
    return {name: hidden(page, name) for name in ("version", "seen", "plan")}


async def test_the_officer_sees_the_findings_of_the_new_plan_before_it_holds(office: Office) -> None:
    request = office.approved(office.request())
    path = f"/permohonan/{request.id}/pindah"
    async with visitor(application(office), office, "bidang") as officer:
        assert f'href="{path}"' in (await officer.get(f"/permohonan/{request.id}")).text
        form = (await officer.get(path)).text
        assert 'value="2026-11-09"' in form
        assert "Temuan" not in form
        unseen = await officer.post(path, data=NEW | kept(form) | {"reason": REASON})
        assert unseen.status_code == 409
        assert "Belum ada yang diubah" in unseen.text
        assert REASON in unseen.text
        checked = await officer.get(path, params=NEW | {"check": "1"})
        assert 'value="praja-2" selected' in checked.text
        office.approved(office.request("Rapat lain", day=date(2026, 11, 10), start=time(14), room="audio-visual"))
        sent = await officer.post(path, data=NEW | kept(checked.text) | {"reason": REASON, "override_reason": "ya"})
        assert sent.status_code == 409  # the technician was taken meanwhile
        assert "berubah" in sent.text
        free = NEW | {"operator": "yoga"}
        checked = await officer.get(path, params=free | {"check": "1"})
        sent = await officer.post(path, data=free | kept(checked.text) | {"reason": REASON, "override_reason": "ya"})
        assert sent.headers["location"] == f"/permohonan/{request.id}?kata=dipindahkan"
        page = (await officer.get(sent.headers["location"])).text
        for said in ("Dipindahkan", REASON, "Yoga Pratama", "Ruang Rapat Praja II"):
            assert said in page
    moved = office.services.desk.get(request.id, office.person("bidang"))
    assert (moved.starts, moved.room.id) == (STARTS, "praja-2")


async def test_mistakes_stay_at_their_fields_and_what_begun_is_not_offered(office: Office) -> None:
    request = office.approved(office.request())
    path = f"/permohonan/{request.id}/pindah"
    async with visitor(application(office), office, "bidang") as officer:
        wrong = await officer.post(path, data=NEW | {"start": "soon", "end": "", "reason": ""})
        assert wrong.status_code == 422
        assert 'value="soon"' in wrong.text
        assert wrong.text.count('class="error"') == 2
        form = (await officer.get(path, params={"check": "1"})).text
        same = await officer.post(path, data={**planned(form), **kept(form), "reason": REASON, "override_reason": "x"})
        assert same.status_code == 422
        begun = office.approved(office.request("Rapat", day=date(2026, 11, 3), start=time(9, 30)), "yoga")
        path = f"/permohonan/{begun.id}/pindah"
        assert path in (await officer.get(f"/permohonan/{begun.id}")).text
        office.later(timedelta(minutes=13))
        assert path not in (await officer.get(f"/permohonan/{begun.id}")).text
        assert (await officer.get(path)).headers["location"] == f"/permohonan/{begun.id}"
    async with visitor(application(office), office, "pemohon") as applicant:
        assert (await applicant.get(path)).status_code == 403


def planned(form: str) -> dict[str, str]:
    date_, start, end, room, operator = hidden(form, "plan").split("|")
    return {"date": date_, "start": start, "end": end, "room": room, "operator": operator}


async def test_the_api_says_what_speaks_against_another_plan_and_moves_to_what_was_seen(office: Office) -> None:
    request = office.approved(office.request())
    path = f"/api/v1/requests/{request.id}/reschedule"
    async with visitor(application(office), office, "bidang") as officer:
        night = {"starts": "2026-11-10T14:00:00Z"}
        looked = (await officer.get(path, params=night)).json()
        assert looked["verdict"] == "fail"
        assert looked["alternatives"]
        word = night | {"reason": REASON}
        assert (await officer.post(path, json=word)).status_code == 428
        tag = {"if-match": (await officer.get(f"/api/v1/requests/{request.id}")).headers["etag"]}
        refused = await officer.post(path, json=word, headers=tag)
        assert (refused.status_code, refused.json()["code"]) == (409, "override.wanted")
        assert refused.json()["findings"]
        done = await officer.post(path, json=word | {"override_reason": "Arahan"}, headers=tag)
        assert (done.status_code, done.json()["starts"][:16]) == (200, "2026-11-10T14:00")
        again = await officer.post(path, json=word | {"override_reason": "Arahan"}, headers=tag)
        assert (again.status_code, again.json()["code"]) == (412, "precondition.failed")
        session = (await officer.get(f"/api/v1/sessions/{request.session_id}")).json()
        assert (session["planned"]["rev"], session["planned"]["status"]) == (2, "updated")


async def test_the_old_room_is_free_and_the_calendar_of_the_new_one_has_the_session(office: Office) -> None:
    request = office.approved(office.request())
    wanted = Reschedule(REASON, room_id="praja-2", override_reason="ya")
    office.services.rescheduling.apply(request.id, wanted, office.person("bidang"))
    async with visitor(application(office), office, "bidang") as officer:
        rooms = (await officer.get("/api/v1/availability?day=2026-11-09")).json()["items"]
        assert {room["room_id"]: bool(room["taken"]) for room in rooms} == {
            "audio-visual": False, "praja-1": False, "praja-2": True,
        }  # fmt: skip
        assert await entry(officer, office, "praja-1") == ""
        assert "SEQUENCE:2" in await entry(officer, office, "praja-2")


async def entry(client: httpx.AsyncClient, office: Office, room: str) -> str:
    """Return the one event of a room's calendar, nothing when it has none."""
    feeds = {(one.of.value, one.id): one.path for one in office.services.feeds.all(office.person("bidang"))}
    _, begins, rest = (await client.get(feeds["room", room])).text.partition("BEGIN:VEVENT")
    return begins and rest
