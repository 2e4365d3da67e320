"""The SOP through plain forms, without a network and without a script."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from central.domain.findings import Code, Consideration, Fix, Verdict
from central.domain.sop import State
from central.domain.words import Leader
from central.model import Direction
from central.web import findings, words
from contract import Phase, StepOutcome
from tests.service.pages.office import PASSWORD, PDF, Office, application, busy, office_in, visitor

TYPED = {
    "letter_number": "005/881/Dinsos",
    "letter_date": "2026-11-02",
    "letter_subject": "Permohonan fasilitasi",
    "contact_name": "Budi Santoso",
    "contact_phone": "0812-0000-0000",
    "title": "Bimtek <b>SP4N</b>",
    "date": "2026-11-09",
    "start": "09:00",
    "end": "11:00",
    "room": "praja-1",
    "participants": "40",
    "platform": "zoom",
    "leader": "none",
    "own_account": "on",
    "own_people": "Budi Santoso",
    "key": "k-1",
}
LETTER = {"letter": ("surat.pdf", PDF, "application/pdf")}


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with office_in(tmp_path) as office:
        yield office


@pytest.fixture
async def applicant(office: Office) -> AsyncIterator[httpx.AsyncClient]:
    async with visitor(application(office), office, "pemohon") as client:
        yield client


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, name
    return found[1]


def newest(office: Office) -> str:
    return office.services.desk.requests(office.person("bidang"))[0].id


async def test_a_request_goes_through_every_step(office: Office, applicant: httpx.AsyncClient) -> None:
    sent = await applicant.post("/permohonan/baru", data=TYPED, files=LETTER)
    assert sent.status_code == 303
    page = (await applicant.get(sent.headers["location"])).text
    assert "Permohonan diterima" in page
    assert "Bimtek &lt;b&gt;SP4N&lt;/b&gt;" in page
    ident = newest(office)
    app = application(office)
    async with visitor(app, office, "kadis") as head:
        page = (await head.get(f"/kotak-masuk/{ident}")).text
        form = {"version": hidden(page, "version"), "accept": "yes", "note": "Tindak lanjuti"}
        assert (await head.post(f"/kotak-masuk/{ident}/disposisi", data=form)).status_code == 303
    async with visitor(app, office, "bidang") as officer:
        page = (await officer.get(f"/kotak-masuk/{ident}")).text
        assert page.count('class="pill" data-state="ready">Sesuai') >= 8
        form = {
            "version": hidden(page, "version"),
            "seen": hidden(page, "seen"),
            "room": "praja-1",
            "operator": "dewi",
            "decision": "approve",
        }
        assert (
            (await officer.post(f"/kotak-masuk/{ident}/putusan", data=form)).headers["location"].endswith("disetujui")
        )
        record = office.services.desk.get(ident, office.person("bidang"))
        assert record.state is State.APPROVED
        assert "Dewi Lestari" in (await officer.get(f"/sesi/{record.session_id}")).text


async def test_every_mistake_is_shown_and_nothing_typed_is_lost(applicant: httpx.AsyncClient) -> None:
    wrong = TYPED | {"letter_number": "x", "participants": "many", "end": "08:00", "room": "", "contact_phone": ""}
    answer = await applicant.post("/permohonan/baru", data=wrong)
    assert answer.status_code == 422
    marked = set(re.findall(r'id="(\w+)" name="\w+"[^>]*aria-invalid="true"', answer.text))
    assert marked == {"letter_number", "letter", "contact_phone", "end", "room", "participants"}
    assert 'value="many"' in answer.text
    assert hidden(answer.text, "key") == "k-1"


async def test_an_unreadable_time_is_one_mistake_only(applicant: httpx.AsyncClient) -> None:
    answer = await applicant.post("/permohonan/baru", data=TYPED | {"start": "soon"}, files=LETTER)
    assert set(re.findall(r'id="(\w+)" name="\w+"[^>]*aria-invalid', answer.text)) == {"start"}


async def test_a_letter_that_is_no_letter_is_refused(applicant: httpx.AsyncClient) -> None:
    files = {"letter": ("surat.pdf", b"<html>", "application/pdf")}
    answer = await applicant.post("/permohonan/baru", data=TYPED, files=files)
    assert answer.status_code == 422
    assert "Berkas bukan PDF" in answer.text


async def test_an_impatient_double_click_makes_one_request(office: Office, applicant: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(applicant.post("/permohonan/baru", data=TYPED, files=LETTER) for _ in range(2)))
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert len(office.services.desk.requests(office.person("bidang"))) == 1


async def test_the_letter_comes_as_a_file_to_keep(office: Office, applicant: httpx.AsyncClient) -> None:
    answer = await applicant.get(f"/permohonan/{office.request().id}/surat")
    assert answer.content == PDF
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_decision_on_a_changed_record_is_not_carried_out(office: Office) -> None:
    record = office.request()
    async with visitor(application(office), office, "kadis") as head:
        page = (await head.get(f"/kotak-masuk/{record.id}")).text
        office.forwarded(record)
        form = {"version": hidden(page, "version"), "accept": "no", "note": "kurang lengkap"}
        answer = await head.post(f"/kotak-masuk/{record.id}/disposisi", data=form)
    assert answer.status_code == 409
    assert "berubah selagi Anda melihatnya" in answer.text
    assert office.services.desk.get(record.id, office.person("kadis")).state is State.DISPOSED


async def test_findings_that_changed_meanwhile_are_marked_and_nothing_is_decided(office: Office) -> None:
    record = office.forwarded(office.request())
    async with visitor(application(office), office, "bidang") as officer:
        page = (await officer.get(f"/kotak-masuk/{record.id}")).text
        form = {
            "version": hidden(page, "version"),
            "seen": hidden(page, "seen"),
            "room": "praja-1",
            "operator": "rina",
            "decision": "approve",
        }
        office.approved(office.request("Forum Satu Data"), "yoga")
        answer = await officer.post(f"/kotak-masuk/{record.id}/putusan", data=form)
    assert answer.status_code == 409
    assert "Forum Satu Data" in answer.text
    assert '<strong class="evidence">berubah</strong>' in answer.text
    assert office.services.desk.get(record.id, office.person("bidang")).state is State.DISPOSED


async def test_a_failing_finding_wants_a_reason(office: Office) -> None:
    record = office.forwarded(office.request(hours=9))
    async with visitor(application(office), office, "bidang") as officer:
        page = (await officer.get(f"/kotak-masuk/{record.id}")).text
        form = {name: hidden(page, name) for name in ("version", "seen")}
        form |= {"room": "praja-1", "operator": "dewi", "decision": "approve"}
        assert (await officer.post(f"/kotak-masuk/{record.id}/putusan", data=form)).status_code == 422
        form["override_reason"] = "disetujui kepala dinas"
        assert (await officer.post(f"/kotak-masuk/{record.id}/putusan", data=form)).status_code == 303


async def test_a_refusal_and_a_return_want_a_reason(office: Office) -> None:
    app, first, second = application(office), office.request("A"), office.forwarded(office.request("B"))
    async with visitor(app, office, "kadis") as head:
        form = {"version": "1", "accept": "no", "note": " "}
        assert (await head.post(f"/kotak-masuk/{first.id}/disposisi", data=form)).status_code == 422
    async with visitor(app, office, "bidang") as officer:
        form = {"version": str(second.version), "decision": "refuse", "reason": ""}
        assert (await officer.post(f"/kotak-masuk/{second.id}/putusan", data=form)).status_code == 422
        form["reason"] = "tidak ada petugas"
        assert (await officer.post(f"/kotak-masuk/{second.id}/putusan", data=form)).status_code == 303
    async with visitor(app, office, "pemohon") as applicant:
        assert "tidak ada petugas" in (await applicant.get(f"/permohonan/{second.id}")).text


async def test_an_applicant_takes_a_request_back(office: Office, applicant: httpx.AsyncClient) -> None:
    record = office.request()
    answer = await applicant.post(f"/permohonan/{record.id}/tarik", data={"version": "1", "reason": "batal"})
    assert answer.status_code == 303
    assert office.services.desk.get(record.id, office.person("pemohon")).state is State.WITHDRAWN


@pytest.mark.parametrize(
    ("login", "allowed"),
    [
        ("pemohon", {"/permohonan", "/permohonan/baru", "/laporan", "/akun"}),
        ("kadis", {"/permohonan", "/laporan", "/akun", "/kotak-masuk", "/dinding", "/jadwal", "/ruang"}),
        ("teknisi", {"/permohonan", "/laporan", "/akun", "/dinding", "/jadwal", "/ruang"}),
    ],
)
async def test_each_role_sees_its_pages_only(office: Office, login: str, allowed: set[str]) -> None:
    every = {"/permohonan", "/permohonan/baru", "/laporan", "/akun", "/kotak-masuk", "/dinding", "/jadwal", "/ruang"}
    async with visitor(application(office), office, login) as client:
        answers = {path: (await client.get(path)).status_code for path in every}
    assert answers == {path: 200 if path in allowed else 403 for path in every}


async def test_nobody_gets_in_without_logging_in(office: Office) -> None:
    async with visitor(application(office), office) as client:
        answer = await client.get("/dinding")
        assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=/dinding")
        wrong = await client.post("/login", data={"username": "kadis", "password": "no"})
        assert "Nama pengguna atau kata sandi salah" in wrong.text
        form = {"username": "kadis", "password": PASSWORD, "next": "//elsewhere.example/"}
        assert (await client.post("/login", data=form)).headers["location"] == "/"
        assert (await client.get("/")).headers["location"] == "/kotak-masuk"
        await client.post("/logout")
        assert (await client.get("/")).headers["location"].startswith("/login")


async def test_a_form_of_another_site_is_refused(office: Office, applicant: httpx.AsyncClient) -> None:
    record = office.request()
    foreign = {"origin": "http://elsewhere.example"}
    answer = await applicant.post(f"/permohonan/{record.id}/tarik", data={"reason": "x"}, headers=foreign)
    assert answer.status_code == 403
    assert office.services.desk.get(record.id, office.person("pemohon")).state is State.SUBMITTED


async def test_an_unknown_page_says_so_in_the_readers_language(applicant: httpx.AsyncClient) -> None:
    assert "Tidak ditemukan" in (await applicant.get("/nowhere")).text
    await applicant.post("/bahasa", data={"language": "en", "next": "/akun"})
    assert "Not found" in (await applicant.get("/permohonan/none")).text


async def test_a_broken_page_shows_no_trace(office: Office) -> None:
    app = application(office)
    office.services.store.engine.dispose()
    with office.services.store.writing() as connection:
        connection.exec_driver_sql("DROP TABLE room_state")
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    cookies = {"sid": office.token("kadis")}
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", cookies=cookies) as client:
        answer = await client.get("/dinding")
    assert answer.status_code == 500
    assert "Terjadi gangguan" in answer.text
    assert "Traceback" not in answer.text
    assert "room_state" not in answer.text


async def test_a_session_shows_journal_certificate_report_and_picture(office: Office) -> None:
    session, _ = busy(office)
    async with visitor(application(office), office, "bidang") as client:
        page = (await client.get(f"/sesi/{session}")).text
        assert "Suara jernih" in page
        assert "Kamera 1" in page
        assert "/rekaman/Siaga - Rapat.mkv" in page
        assert "Rekaman gelap" in page
        assert f"SHA-256 {'ab' * 32}" in page
        report = await client.get(f"/sesi/{session}/laporan.pdf")
        assert report.content.startswith(b"%PDF-")
        picture = await client.get(f"/sesi/{session}/grafik.svg")
        assert picture.text.startswith("<svg")
        assert "Rapat Forum Satu Data" in (await client.get("/laporan")).text


async def test_a_late_clock_says_terlambat(office: Office) -> None:
    record = office.request()
    office.later(timedelta(minutes=12))
    async with visitor(application(office), office, "kadis") as head:
        page = (await head.get(f"/kotak-masuk/{record.id}")).text
    assert "disposisi terlambat 2 menit" in page
    assert 'data-step="late"' in page


def test_every_word_of_the_code_has_one_on_screen() -> None:
    assert set(findings.SENTENCES) == set(Code)
    assert set(findings.FIXES) == set(Fix) - {Fix.NONE}
    assert set(words.CONSIDERATIONS) == set(Consideration)
    assert set(words.VERDICTS) == set(Verdict)
    assert set(words.STATES) == set(State)
    assert set(words.PHASES) == set(Phase)
    assert set(words.OUTCOMES) == set(StepOutcome)


async def test_the_best_set_of_a_day_is_shown_in_both_languages(office: Office) -> None:
    for title, hours in (("Pagi", 2), ("Sehari", 7)):
        office.forwarded(office.request(title, hours=hours))
    async with visitor(application(office), office, "bidang") as officer:
        page = (await officer.get("/jadwal/terlayani?hari=2026-11-09")).text
        assert "Dapat dilayani bersama · 1" in page
        assert "Ruang dipakai oleh: “Pagi”." in page
        officer.cookies.set("siaga_bahasa", "en")
        answer = (await officer.get("/api/v1/servable?day=2026-11-09")).json()
        assert answer["left_out"][0]["because"] == "earlier"
        assert answer["proven"]
    async with visitor(application(office), office, "pemohon") as applicant:
        assert (await applicant.get("/jadwal/terlayani")).status_code == 403


async def test_making_room_is_proposed_by_the_division_and_applied_by_the_head(office: Office) -> None:
    booked = office.approved(office.request("Rapat biasa"))
    led = office.forwarded(office.request("Rakor Gubernur", leader=Leader.GOVERNOR))
    app = application(office)
    async with visitor(app, office, "bidang") as officer:
        assert "Usulkan penggeseran" in (await officer.get(f"/kotak-masuk/{led.id}")).text
        sent = await officer.post(f"/kotak-masuk/{led.id}/penggeseran", data={"room": "praja-1"})
        where = sent.headers["location"]
        page = (await officer.get(where)).text
        assert "Rapat biasa" in page
        assert "Terapkan" not in page
        assert (await officer.post(where, data={"apply": "yes", "reason": "x"})).status_code == 403
    async with visitor(app, office, "kadis") as head:
        assert "Rakor Gubernur" in (await head.get("/penggeseran")).text
        assert (await head.post(where, data={"apply": "yes", "reason": ""})).status_code == 422
        assert (await head.post(where, data={"apply": "yes", "reason": "Arahan Gubernur"})).status_code == 303
        assert "Diterapkan" in (await head.get(where)).text
        assert (await head.post(where, data={"apply": "no", "reason": "lagi"})).status_code == 409
    async with visitor(app, office, "pemohon") as applicant:
        page = (await applicant.get(f"/permohonan/{booked.id}")).text
        assert "Sesi ini digeser untuk pimpinan: Arahan Gubernur" in page


async def test_late_steps_are_shown_and_explained(office: Office) -> None:
    request = office.request("Lambat")
    office.later(timedelta(minutes=25))
    app = application(office)
    async with visitor(app, office, "kadis") as head:
        page = (await head.get("/waktu")).text
        assert "Lambat" in page
        assert "15 menit" in page
        form = {"step": "disposition", "reason": "Rapat paripurna"}
        assert (await head.post(f"/waktu/{request.id}", data=form | {"reason": ""})).status_code == 422
        assert (await head.post(f"/waktu/{request.id}", data=form | {"step": "x"})).status_code == 404
        assert (await head.post(f"/waktu/{request.id}", data=form)).status_code == 303
        assert "Rapat paripurna" in (await head.get("/waktu?hari=90")).text
        since = {"since": "2026-11-01T00:00:00Z"}
        assert (await head.get("/api/v1/punctuality", params=since)).json()["breaches"][0]["reason"]


async def test_who_acts_for_the_head_gives_direction_until_the_period_ends(office: Office) -> None:
    request = office.request()
    app = application(office)
    typed = {"first": "2026-11-03", "last": "2026-11-04", "letter": "800/12/Diskominfo"}
    async with visitor(app, office, "bidang") as officer, visitor(app, office, "kadis") as head:
        where, form = f"/kotak-masuk/{request.id}/disposisi", {"accept": "yes", "version": "1"}
        assert (await officer.post(where, data=form)).status_code == 403
        page = (await head.get("/pendelegasian")).text
        found = re.search(r'value="([^"]+)"[^>]*>Rina Marlina', page)
        assert found
        assert (await head.post("/pendelegasian", data=typed | {"acting": found[1], "last": ""})).status_code == 422
        assert (await head.post("/pendelegasian", data=typed | {"acting": found[1]})).status_code == 303
        assert (await head.post("/pendelegasian", data=typed | {"acting": found[1]})).status_code == 409
        assert "Plh kepala dinas" in (await officer.get("/akun")).text
        assert (await officer.post(where, data=form)).status_code == 303
        assert "Rina Marlina (Plh. Sri Wahyuni)" in (await head.get(f"/permohonan/{request.id}")).text
        (period,) = (await head.get("/api/v1/delegations")).json()["items"]
        assert (await head.post(f"/pendelegasian/{period['id']}/akhiri")).status_code == 303
        assert "Plh kepala dinas" not in (await officer.get("/akun")).text


async def test_a_request_that_recurs_is_sent_directed_and_seen_as_one(
    office: Office, applicant: httpx.AsyncClient
) -> None:
    typed = TYPED | {"repeat": "week", "repeat_until": "2026-11-23"}
    assert (
        await applicant.post("/permohonan/baru", data=typed | {"repeat_until": ""}, files=LETTER)
    ).status_code == 422
    sent = await applicant.post("/permohonan/baru", data=typed, files=LETTER)
    page = (await applicant.get(sent.headers["location"])).text
    series = re.search(r'href="(/permohonan/seri/[^"]+)"', page)
    assert series
    async with visitor(application(office), office, "kadis") as head:
        assert "Waktu · 3" in (await head.get(series[1])).text
        assert (await head.post(f"{series[1]}/disposisi", data={"accept": "no"})).status_code == 422
        assert (await head.post(f"{series[1]}/disposisi", data={"accept": "yes"})).status_code == 303
        assert (await head.post(f"{series[1]}/disposisi", data={"accept": "yes"})).status_code == 409
        ident = series[1].rsplit("/", 1)[1]
        assert len((await head.get(f"/api/v1/series/{ident}")).json()["items"]) == 3


async def test_whoever_has_the_link_sees_how_it_goes_on_and_nobodys_name(office: Office) -> None:
    request = office.request("Rapat terbuka")
    office.services.desk.dispose(request.id, Direction(accept=False, note="Lengkapi"), office.person("kadis"))
    app = application(office)
    async with visitor(app, office) as anybody:
        page = (await anybody.get(f"/lacak/{request.tracking}")).text
        assert "Rapat terbuka" in page
        assert "Budi" not in page
        assert "Lengkapi" not in page
        assert (await anybody.get("/lacak/nothing")).status_code == 404
    async with visitor(app, office, "pemohon") as applicant:
        assert f"/lacak/{request.tracking}" in (await applicant.get(f"/permohonan/{request.id}")).text
        assert len((await applicant.get("/api/v1/equipment")).json()["items"]) == 3
    async with visitor(app, office, "bidang") as officer:
        assert f"/lacak/{request.tracking}" not in (await officer.get(f"/permohonan/{request.id}")).text
        assert len((await officer.get("/api/v1/accounts")).json()["items"]) == 3
        assert (await officer.get("/api/v1/staff")).json()["items"][0]["name"] == "Dewi Lestari"


async def test_a_returned_request_is_changed_and_sent_again(office: Office, applicant: httpx.AsyncClient) -> None:
    request = office.request("Rapat kurang lengkap")
    where = f"/permohonan/{request.id}"
    assert (await applicant.get(f"{where}/ubah")).status_code == 303  # nothing was returned yet
    office.services.desk.dispose(request.id, Direction(accept=False, note="Lengkapi"), office.person("kadis"))
    assert "Ubah dan kirim ulang" in (await applicant.get(where)).text
    form = (await applicant.get(f"{where}/ubah")).text
    assert "Kirim ulang permohonan" in form
    assert "surat semula tetap berlaku" in form
    assert 'value="Rapat kurang lengkap"' in form
    assert 'name="repeat"' not in form
    wrong = await applicant.post(f"{where}/ubah", data=TYPED | {"start": "soon", "contact_phone": ""})
    assert wrong.status_code == 422
    assert set(re.findall(r'id="(\w+)" name="\w+"[^>]*aria-invalid', wrong.text)) == {"start", "contact_phone"}
    sent = await applicant.post(f"{where}/ubah", data=TYPED | {"title": "Rapat lengkap", "need-laptop": "2"})
    assert sent.status_code == 303
    page = (await applicant.get(where)).text
    assert "<del>Rapat kurang lengkap</del>" in page
    record = office.services.desk.get(request.id, office.person("pemohon"))
    assert (record.state, record.needs[0].count) == (State.SUBMITTED, 2)
    assert (await applicant.post(f"{where}/ubah", data=TYPED)).status_code == 303  # too late, and nothing is changed


async def test_the_language_of_a_form_that_was_not_carried_out_leads_back_to_the_form(office: Office) -> None:
    record = office.forwarded(office.request())
    async with visitor(application(office), office, "bidang") as officer:
        where = {"referer": f"http://127.0.0.1/kotak-masuk/{record.id}?room=praja-2&kata=x"}
        page = await officer.post(f"/kotak-masuk/{record.id}/putusan", data={"decision": "refuse"}, headers=where)
        assert page.status_code == 422
        assert hidden(page.text, "next") == f"/kotak-masuk/{record.id}?room=praja-2&amp;kata=x"
        page = await officer.get("/jadwal?hari=2026-11-09&kata=terkirim")
        assert hidden(page.text, "next") == "/jadwal?hari=2026-11-09"
        foreign = {"referer": "http://elsewhere.example/x"}
        page = await officer.post(f"/kotak-masuk/{record.id}/putusan", data={"decision": "refuse"}, headers=foreign)
        assert hidden(page.text, "next") == "/"


async def test_whoever_sends_a_form_after_the_log_in_ended_is_told_and_comes_back_to_it(office: Office) -> None:
    async with visitor(application(office), office) as nobody:
        where = {"referer": "http://127.0.0.1/permohonan/baru"}
        answer = await nobody.post("/permohonan/baru", data=TYPED, headers=where)
        assert answer.headers["location"] == "/login?next=/permohonan/baru&kata=log-masuk-habis"
        assert "Log masuk Anda sudah berakhir" in (await nobody.get(answer.headers["location"])).text
        answer = await nobody.get("/permohonan/baru?konsep=7")
        assert answer.headers["location"] == "/login?next=/permohonan/baru%3Fkonsep%3D7"


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "yesterday", ""])
async def test_any_day_may_be_asked_for(office: Office, day: str) -> None:
    async with visitor(application(office), office, "bidang") as officer:
        for path in ("/jadwal", "/jadwal/terlayani"):
            assert (await officer.get(path, params={"hari": day})).status_code == 200


async def test_a_letter_that_is_too_large_is_answered_with_a_page(office: Office, applicant: httpx.AsyncClient) -> None:
    letter = {"letter": ("surat.pdf", PDF + b"x" * 11 * 1024 * 1024, "application/pdf")}
    answer = await applicant.post("/permohonan/baru", data=TYPED, files=letter)
    assert answer.status_code == 413
    assert "Terlalu besar" in answer.text
    program = await applicant.post("/api/v1/requests", data=TYPED, files=letter)
    assert (program.status_code, program.json()["code"]) == (413, "body.too_large")
    assert office.services.desk.requests(office.person("bidang")) == ()


async def test_last_year_and_a_wrong_file_are_said_with_all_else(applicant: httpx.AsyncClient) -> None:
    wrong = TYPED | {"date": "2025-11-09", "participants": "100001"}
    answer = await applicant.post("/permohonan/baru", data=wrong, files={"letter": ("a.pdf", b"MZ", "application/pdf")})
    assert set(re.findall(r'id="(\w+)" name="\w+"[^>]*aria-invalid', answer.text)) == {"letter", "date", "participants"}
