"""The list of requests: what is looked for, page after page; and what an officer offers instead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, time, timedelta
from html import unescape
from pathlib import Path

import pytest

from central.domain.sop import State
from central.web.listing import SHOWN
from tests.service.pages.office import Office, application, office_in, visitor
from tests.service.pages.test_forms import TYPED, hidden

RECEIPT = re.compile(r">(2026-\d{4})</a>")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with office_in(tmp_path) as office:
        yield office


def typed(page: str, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]* value="([^"]*)"', page)
    assert found, name
    return found[1]


async def test_requests_are_looked_for_and_the_address_keeps_what_was_typed(office: Office) -> None:
    office.request("Bimtek SP4N")
    office.request("Rapat <Anggaran>", day=date(2026, 11, 10))
    office.forwarded(office.request("Rapat Forum", day=date(2026, 11, 11), room="praja-2"))
    async with visitor(application(office), office, "bidang") as client:
        page = (
            await client.get("/permohonan", params={"cari": "rapat", "ruang": "praja-2", "dari": "2026-11-11"})
        ).text
        assert RECEIPT.findall(page) == ["2026-0003"]
        assert typed(page, "cari") == "rapat"
        assert '<option value="praja-2" selected>' in page
        assert "<details open>" in page
        assert "11 November 2026 sampai" in page, "in which time was looked"
        for query, receipts in (
            ({"cari": "0002"}, ["2026-0002"]),
            ({"cari": "2026-2"}, ["2026-0002"]),
            ({"status": "disposed"}, ["2026-0003"]),
            ({"status": "terbuka", "cari": "bimtek"}, ["2026-0001"]),
            ({"opd": "dinsos", "sampai": "2026-11-10"}, ["2026-0002", "2026-0001"]),
        ):
            assert RECEIPT.findall((await client.get("/permohonan", params=query)).text) == receipts, query
        assert "sejak 2 November 2025" in (await client.get("/permohonan?cari=rapat")).text
        assert "since 2 November 2025" in (await client.get("/permohonan?cari=rapat&lang=en")).text


async def test_nothing_found_says_what_to_do(office: Office) -> None:
    office.request()
    async with visitor(application(office), office, "pemohon") as client:
        page = (await client.get("/permohonan?cari=tidakada")).text
        assert "Tidak ada permohonan yang cocok" in page
        assert 'href="/permohonan">Tampilkan semua' in page
        assert 'name="opd"' not in page, "an applicant sees one agency only"
        assert "Mulailah dengan" not in page


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"dari": "kemarin"}, "Isi dengan tanggal."),
        ({"dari": "2026-11-10", "sampai": "2026-11-09"}, "Hari terakhir tidak boleh sebelum hari pertama"),
        ({"cari": "x", "dari": "2020-01-01", "sampai": "2026-01-01"}, "paling banyak 366 hari"),
        ({"sampai": "9999-12-31"}, "terlalu jauh"),
    ],
)
async def test_days_that_cannot_be_are_told_at_their_field(office: Office, query: dict[str, str], said: str) -> None:
    async with visitor(application(office), office, "bidang") as client:
        answer = await client.get("/permohonan", params=query)
    assert answer.status_code == 422
    assert said in answer.text
    assert 'aria-invalid="true"' in answer.text


async def test_a_long_list_goes_on_with_what_was_looked_for(office: Office) -> None:
    for number in range(SHOWN + 3):
        office.later(timedelta(seconds=1))
        office.request(f"Rapat {number}" if number % 2 else "Bimtek")
    async with visitor(application(office), office, "bidang") as client:
        first = (await client.get("/permohonan")).text
        older = re.search(r'href="(/permohonan\?lanjut=[^"]+)"', first)
        assert older
        second = (await client.get(unescape(older[1]))).text
        assert len({*RECEIPT.findall(first), *RECEIPT.findall(second)}) == SHOWN + 3
        assert RECEIPT.findall(second) == ["2026-0003", "2026-0002", "2026-0001"]
        assert "lanjut" not in (await client.get("/permohonan?cari=rapat")).text
        api = (await client.get("/api/v1/requests?q=rapat&limit=20")).json()
        rest = (await client.get(f"/api/v1/requests?q=rapat&limit=20&cursor={api['next']}")).json()
        assert [one["title"] for one in (*api["items"], *rest["items"])] == [f"Rapat {n}" for n in range(51, 0, -2)]
        assert (await client.get("/permohonan?lanjut=abc")).status_code == 422


async def test_the_api_looks_the_same_way(office: Office) -> None:
    office.request("Bimtek SP4N")
    office.request("Rapat", day=date(2026, 11, 10), room="praja-2")
    async with visitor(application(office), office, "bidang") as client:
        for query, titles in (
            ("q=bimtek", ["Bimtek SP4N"]),
            ("room=praja-2", ["Rapat"]),
            ("agency=dinsos&from=2026-11-10", ["Rapat"]),
            ("until=2026-11-09&state=submitted", ["Bimtek SP4N"]),
            ("q=2026-0002", ["Rapat"]),
        ):
            found = (await client.get(f"/api/v1/requests?{query}")).json()
            assert [one["title"] for one in found["items"]] == titles, query
        wrong = await client.get("/api/v1/requests?q=x&from=2020-01-01&until=2026-01-01")
        assert (wrong.status_code, wrong.json()["wrongs"][0]["code"]) == (422, "days.too_many")


async def test_an_officer_offers_and_the_applicant_takes_it_up(office: Office) -> None:
    office.approved(office.request("Rapat lain"))
    asked = office.forwarded(office.request(participants=30))
    app = application(office)
    async with visitor(app, office, "bidang") as officer:
        page = (await officer.get(f"/kotak-masuk/{asked.id}")).text
        assert "?room=praja-2" in page, "another room at the same time is the officer's to choose"
        keys = re.findall(r'name="offer" value="(time praja-1 [^"]+)"', page)
        form = {"version": hidden(page, "version"), "room": "praja-1", "offer": keys[0]}
        done = await officer.post(f"/kotak-masuk/{asked.id}/tawaran", data=form)
        assert done.headers["location"] == "/kotak-masuk?kata=ditawarkan"
        again = await officer.post(f"/kotak-masuk/{asked.id}/tawaran", data=form)
        assert again.status_code == 409
    async with visitor(app, office, "pemohon") as applicant:
        page = (await applicant.get(f"/permohonan/{asked.id}")).text
        assert "Bidang menawarkan: Ruang sama, waktu lain." in unescape(page)
        assert "Terima tawaran ini" in page
        form_page = (await applicant.get(f"/permohonan/{asked.id}/ubah?tawaran=ya")).text
        filled = {name: typed(form_page, name) for name in ("date", "start", "end")}
        assert filled != {"date": "2026-11-09", "start": "09:00", "end": "11:00"}
        sent = await applicant.post(f"/permohonan/{asked.id}/ubah", data=TYPED | filled | {"room": "praja-1"})
        assert sent.status_code == 303
        assert "Terima tawaran ini" not in (await applicant.get(f"/permohonan/{asked.id}")).text
    record = office.services.desk.get(asked.id, office.person("bidang"))
    assert record.state is State.SUBMITTED
    assert record.starts != asked.starts


async def test_a_program_offers_one_of_the_alternatives_of_the_verification(office: Office) -> None:
    office.approved(office.request("Rapat lain"))
    asked = office.forwarded(office.request(participants=30))
    path = f"/api/v1/requests/{asked.id}"
    async with visitor(application(office), office, "bidang") as client:
        others = (await client.get(f"{path}/verification")).json()["alternatives"]
        chosen = next(one for one in others if one["kind"] == "time_and_room")
        body = {
            "kind": chosen["kind"],
            "room_id": chosen["room"]["id"],
            "starts": chosen["starts"],
            "version": asked.version,
        }
        assert (await client.post(f"{path}/offer", json=body | {"note": " "})).json()["wrongs"][0][
            "code"
        ] == "note.wanted"
        gone = await client.post(f"{path}/offer", json=body | {"note": "x", "room_id": "nowhere"})
        assert (gone.status_code, gone.json()["code"]) == (409, "offer.gone")
        done = (await client.post(f"{path}/offer", json=body | {"note": "Ruang terpakai"})).json()
        assert (done["state"], done["moves"][-1]["reason"]) == ("returned", "Ruang terpakai")
    async with visitor(application(office), office, "pemohon") as applicant:
        assert (await applicant.post(f"{path}/offer", json=body | {"note": "x"})).status_code == 403


async def test_only_who_decides_may_offer_and_old_offers_are_told_to_be_gone(office: Office) -> None:
    office.approved(office.request("Rapat lain"))
    asked = office.forwarded(office.request())
    app = application(office)
    async with visitor(app, office, "kadis") as head:
        assert 'name="offer"' not in (await head.get(f"/kotak-masuk/{asked.id}")).text
        assert (await head.post(f"/kotak-masuk/{asked.id}/tawaran", data={"offer": "x"})).status_code == 403
    async with visitor(app, office, "bidang") as officer:
        answer = await officer.post(
            f"/kotak-masuk/{asked.id}/tawaran", data={"offer": "time praja-1 1", "version": "2"}
        )
        assert answer.status_code == 409
        assert "tidak mungkin lagi" in answer.text
    assert office.services.desk.get(asked.id, office.person("bidang")).state is State.DISPOSED


async def test_what_can_be_served_as_it_is_needs_no_offer(office: Office) -> None:
    asked = office.forwarded(office.request("Siang", start=time(13)))
    async with visitor(application(office), office, "bidang") as officer:
        assert 'name="offer"' not in (await officer.get(f"/kotak-masuk/{asked.id}")).text
