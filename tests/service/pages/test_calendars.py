"""Calendars to subscribe to, leave from a calendar, office days and free times in the API, the audit's page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from central import ical
from central.accounts import AccountForm
from central.db import tables as t
from central.nightly import Nightly
from central.settings import Holidays
from central.web.deeds import DEEDS
from tests.service.pages.office import NOW, Office, application, busy, held, office_in, visitor

ZONE = ZoneInfo("Asia/Pontianak")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with office_in(tmp_path) as office:
        yield office


async def test_a_calendar_has_its_sessions_and_is_reached_by_its_address_alone(office: Office) -> None:
    office.approved(office.request("Rapat satu"), "rina")
    gone = office.approved(office.request("Rapat dua", start=time(13)), "yoga")
    office.services.desk.withdraw(gone.id, "Ditunda", office.person("pemohon"))
    feeds = {(feed.of.value, feed.id): feed.path for feed in office.services.feeds.all(office.person("bidang"))}
    async with visitor(application(office), office) as anybody:
        answer = await anybody.get(feeds["room", "praja-1"])
        assert answer.headers["content-type"].startswith("text/calendar")
        events, unread = ical.read(answer.text, ZONE)
        assert unread == ()
        assert {(one.summary, one.cancelled) for one in events} == {("Rapat satu", False), ("Rapat dua", True)}
        assert [one.summary for one in ical.read((await anybody.get(feeds["staff", "rina"])).text, ZONE)[0]] == [
            "Rapat satu"
        ]
        assert len(ical.read((await anybody.get(feeds["agency", "dinsos"])).text, ZONE)[0]) == 2
        assert ical.read((await anybody.get(feeds["agency", "dinkes"])).text, ZONE)[0] == ()
        stolen = feeds["room", "praja-1"].replace("praja-1", "praja-2")
        for wrong in (stolen, stolen.replace("/room/", "/nothing/"), "/ical/room/praja-1/x.ics"):
            assert (await anybody.get(wrong)).status_code == 404


async def test_an_applicant_is_offered_the_calendar_of_the_own_agency_only(office: Office) -> None:
    async with visitor(application(office), office, "pemohon") as applicant:
        items = (await applicant.get("/api/v1/feeds")).json()["items"]
        assert [(one["of"], one["id"]) for one in items] == [("agency", "dinsos")]
        page = (await applicant.get("/kalender")).text
        assert items[0]["path"] in page
        assert "Cuti dari kalender" not in page


async def test_leave_comes_from_a_calendar_once_and_what_is_unreadable_is_named(office: Office) -> None:
    text = (
        "BEGIN:VEVENT\nDTSTART;VALUE=DATE:20261109\nSUMMARY:Cuti\nEND:VEVENT\nBEGIN:VEVENT\nDTSTART:soon\nEND:VEVENT\n"
    )
    async with visitor(application(office), office, "bidang") as officer:
        for wanted in ("1 baru", "Tidak ada yang baru dalam berkas"):
            sent = await officer.post(
                "/kalender/cuti", data={"operator": "rina"}, files={"file": ("cuti.ics", text, "text/calendar")}
            )
            assert sent.status_code == 200
            assert wanted in sent.text
            assert "Baris 5" in sent.text
        missing = await officer.post(
            "/kalender/cuti", data={"operator": "x"}, files={"file": ("a.ics", text, "text/calendar")}
        )
        assert missing.status_code == 422
        api = await officer.post(
            "/api/v1/staff/yoga/leave.ics", content=text, headers={"content-type": "text/calendar"}
        )
        assert api.json()["taken"] == 1
    request = office.request("Rapat", day=date(2026, 11, 9))
    assert "rina" not in [one.id for one in office.services.desk.verify(request).free_operators][:2]


async def test_days_and_free_times_in_the_api(office: Office) -> None:
    office.approved(office.request("Rapat", day=date(2026, 11, 9)))
    async with visitor(application(office), office, "pemohon") as applicant:
        days = (await applicant.get("/api/v1/calendar?first=2026-12-24&last=2026-12-26")).json()["items"]
        assert [(day["works"], bool(day["holiday"])) for day in days] == [(False, True), (False, True), (False, False)]
        assert (await applicant.get("/api/v1/calendar?first=2026-01-01&last=2099-12-31&limit=500")).json()["items"][
            366:
        ] == []
        rooms = (await applicant.get("/api/v1/availability?day=2026-11-09")).json()["items"]
        taken = {room["room_id"]: room["taken"] for room in rooms}
        assert taken["praja-2"] == []
        assert taken["praja-1"] == [["2026-11-09T01:30:00Z", "2026-11-09T04:15:00Z"]] or taken["praja-1"] == [
            ["2026-11-09T01:30:00+00:00", "2026-11-09T04:15:00+00:00"]
        ]
        assert {room["id"] for room in (await applicant.get("/api/v1/agencies")).json()["items"]} >= {"dinsos"}


async def test_the_auditor_sees_how_the_last_backup_went(office: Office) -> None:
    services = office.services
    nightly = Nightly(services.store, services.settings, lambda: NOW)
    async with visitor(application(office), office, "auditor") as auditor:
        assert "Belum ada cadangan data" in (await auditor.get("/audit")).text
        made = nightly.make()
        assert f"MiB: {made.file}" in (await auditor.get("/audit")).text
        services.settings.backup_folder.rename(services.settings.folder / "elsewhere")
        services.settings.backup_folder.write_text("no folder")
        nightly.make()
        assert "gagal: " in (await auditor.get("/audit")).text


async def test_the_auditor_sees_which_decree_and_which_ramadan_are_missing(office: Office) -> None:
    async with visitor(application(office), office, "auditor") as auditor:
        assert "belum ada dalam aturan" not in (await auditor.get("/audit")).text
    settings = office.services.settings
    own = Holidays(country=None, also={date(2026, 12, 10): "Hari Raya Idul Fitri"})
    policy = settings.policy.model_copy(update={"holidays": own})
    office.services = replace(office.services, settings=replace(settings, policy=policy))
    async with visitor(application(office), office, "auditor") as auditor:
        page = (await auditor.get("/audit")).text
    assert "cuti bersama tahun 2027 belum ada dalam aturan kantor" in page
    assert "belum memiliki jam kerja dalam aturan kantor" in page


async def test_a_day_whose_hours_are_a_guess_says_so_wherever_days_are_shown(office: Office) -> None:
    async with visitor(application(office), office, "bidang") as officer:
        known = (await officer.get("/api/v1/calendar?first=2026-11-09&last=2026-11-09")).json()["items"]
        assert [day["missing"] for day in known] == [None]
        guessed = (await officer.get("/api/v1/calendar?first=2028-01-31&last=2028-02-01")).json()["items"]
        assert [day["missing"] for day in guessed] == ["decree", "decree"]
        assert "masih perkiraan" not in (await officer.get("/jadwal?hari=2026-11-09")).text
        assert "cuti bersama tahun 2028 belum ada" in (await officer.get("/jadwal?hari=2028-01-31")).text
        assert "belum ada dalam aturan" not in (await officer.get("/kalender")).text
    settings = office.services.settings
    own = Holidays(country=None, also={date(2026, 12, 10): "Hari Raya Idul Fitri"})
    policy = settings.policy.model_copy(update={"holidays": own})
    office.services = replace(office.services, settings=replace(settings, policy=policy))
    async with visitor(application(office), office, "pemohon") as applicant:
        assert "cuti bersama tahun 2027 belum ada dalam aturan kantor" in (await applicant.get("/kalender")).text


async def test_the_audit_is_shown_to_the_auditor_page_by_page(office: Office) -> None:
    newest = [office.request(f"Rapat {number}").id for number in range(3)][-1]
    office.services.audit.seal()
    async with visitor(application(office), office, "auditor") as auditor:
        page = (await auditor.get("/audit")).text
        assert "Rantai 3 segel utuh" in page
        assert page.count("Permohonan diajukan") == 3
        assert f'href="/permohonan/{newest}">2026-0003</a>' in page
        first = (await auditor.get("/api/v1/audit?limit=2")).json()
        rest = (await auditor.get(f"/api/v1/audit?limit=2&cursor={first['next']}")).json()
        assert (len(first["items"]), len(rest["items"]), rest["next"]) == (2, 1, None)
    async with visitor(application(office), office, "bidang") as officer:
        assert (await officer.get("/audit")).status_code == 403


async def test_the_audit_names_receipts_where_ids_stand(office: Office) -> None:
    ready = office.approved(office.request())
    assert ready.session_id is not None
    held(office, ready.session_id)
    async with visitor(application(office), office, "auditor") as auditor:
        page = (await auditor.get("/audit")).text
    assert f'href="/sesi/{ready.session_id}">{ready.receipt}</a>' in page
    shown = re.sub(r'href="[^"]*"', "", page)
    assert ready.id not in shown
    assert ready.session_id not in shown


@pytest.mark.parametrize(("language", "said"), [("id", "baris 1 dihapus"), ("en", "row 1 was deleted")])
async def test_the_audit_says_in_the_page_s_language_what_was_changed(office: Office, language: str, said: str) -> None:
    office.request()
    office.services.audit.seal()
    with office.services.store.writing() as connection:
        first = connection.scalar(sa.select(sa.func.min(t.audit.c.id)))
        connection.execute(t.audit.delete().where(t.audit.c.id == first))
    async with visitor(application(office), office, "auditor") as auditor:
        assert said.replace("1", str(first)) in (await auditor.get(f"/audit?lang={language}")).text


@pytest.mark.parametrize("before", ["99999999999999999999999", "-1", "abc"])
async def test_a_row_that_nobody_can_mean_is_not_understood(office: Office, before: str) -> None:
    async with visitor(application(office), office, "admin") as admin:
        assert (await admin.get("/audit", params={"before": before})).status_code == 422
        assert (await admin.post(f"/kelola/shifts/{before}/hapus")).status_code == 422
        assert (await admin.post(f"/pesan/{before}/lagi")).status_code == 422


async def test_every_deed_of_a_busy_office_has_words(office: Office) -> None:
    busy(office)
    admin = office.person("admin")
    office.services.feeds.renew(admin)
    office.services.people.set_password(office.person("teknisi").id, "another long phrase", admin)
    done = {row.action for row in office.services.audit.rows(limit=500)}
    assert len(done) >= 5
    assert done <= set(DEEDS)


async def test_an_address_is_one_persons_and_dies_with_new_ones_or_with_the_right_to_see_it(office: Office) -> None:
    feeds = office.services.feeds
    officers = {(feed.of.value, feed.id): feed.path for feed in feeds.all(office.person("bidang"))}
    applicants = feeds.all(office.person("pemohon"))[0].path
    technicians = {(feed.of.value, feed.id): feed.path for feed in feeds.all(office.person("teknisi"))}
    assert officers["room", "praja-1"] != technicians["room", "praja-1"]
    async with visitor(application(office), office, "bidang") as officer:
        assert (await officer.post("/kalender/baru")).headers["location"] == "/kalender?kata=alamat-baru"
        assert (await officer.get(officers["room", "praja-1"])).status_code == 404
        assert (await officer.get(technicians["room", "praja-1"])).status_code == 200
        assert (await officer.get(feeds.all(office.person("bidang"))[0].path)).status_code == 200
        assert (await officer.get(applicants)).status_code == 200
    admin, pemohon = office.person("admin"), office.services.accounts.get(office.person("pemohon").id)
    form = AccountForm(pemohon.login, pemohon.name, pemohon.roles, "dinkes")
    office.services.accounts.change(pemohon.id, form, admin)
    async with visitor(application(office), office) as anybody:
        assert (await anybody.get(applicants)).status_code == 404  # another agency now
