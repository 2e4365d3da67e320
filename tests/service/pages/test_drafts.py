"""Drafts, a site in place of a room, direction to one officer, and the page of messages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from central.db import tables as t
from central.domain.findings import Verdict
from central.errors import Invalid
from central.model import Direction
from central.notices.post import FAILED, WAITING
from tests.service.pages.office import NOW, Office, application, office_in, visitor
from tests.service.pages.test_forms import LETTER, TYPED

SITE = "Kantor Gubernur"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with office_in(tmp_path) as office:
        yield office


async def test_a_draft_is_kept_as_typed_and_gone_once_it_is_sent(office: Office) -> None:
    async with visitor(application(office), office, "pemohon") as client:
        half = {"title": "Rapat nanti", "start": "soon", "need-laptop": "2", "save": "yes", "key": "k1"}
        kept = await client.post("/permohonan/baru", data=half)
        where = kept.headers["location"]
        assert re.fullmatch(r"/permohonan/baru\?konsep=[\w-]+&kata=tersimpan", where)
        page = (await client.get(where)).text
        for shown in ('value="Rapat nanti"', 'value="soon"', 'value="2"', "Konsep disimpan"):
            assert shown in page
        ident = where.split("=")[1].split("&")[0]
        await client.post("/permohonan/baru", data=half | {"title": "Rapat lusa", "draft_id": ident})
        assert "Rapat lusa" in (await client.get("/permohonan")).text
        (only,) = office.services.drafts.all(office.person("pemohon"))
        assert only.id == ident
        sent = await client.post("/permohonan/baru", data=TYPED | {"key": "k2", "draft_id": ident}, files=LETTER)
        assert sent.headers["location"].endswith("?kata=terkirim")
        assert office.services.drafts.all(office.person("pemohon")) == ()
        assert (await client.get(where)).status_code == 404


def test_a_draft_is_nobody_elses_and_drafts_are_limited(office: Office) -> None:
    drafts, owner, other = office.services.drafts, office.person("pemohon"), office.person("bidang")
    ident = drafts.save({"title": "Satu"}, owner).id
    assert drafts.save({"title": "Dua"}, other, ident).id != ident
    drafts.drop(ident, other)
    assert drafts.get(ident, owner).fields == {"title": "Satu"}
    with pytest.raises(Invalid):
        drafts.save({"agenda": "x" * 30_000}, owner)
    for number in range(19):
        drafts.save({"title": str(number)}, owner)
    with pytest.raises(Invalid):
        drafts.save({"title": "one too many"}, owner)


async def test_where_any_room_of_a_site_will_do_the_first_that_can_serve_is_offered(office: Office) -> None:
    async with visitor(application(office), office, "pemohon") as client:
        form = (await client.get("/permohonan/baru")).text
        assert f'value="site:{SITE}"' in form
        assert "site:Dinas Kominfo" not in form  # it has one room only
        sent = await client.post(
            "/permohonan/baru", data=TYPED | {"room": f"site:{SITE}", "participants": "30", "key": "s"}, files=LETTER
        )
        assert sent.status_code == 303
        assert f"Ruang mana pun di {SITE}" in (await client.get(sent.headers["location"])).text
    desk = office.services.desk
    request = desk.requests(office.person("bidang"))[0]
    assert (request.site, request.room.id) == (SITE, "praja-2")  # the smallest that holds them
    wish = desk.verify(request)
    day = request.starts.astimezone(office.services.settings.zone).date()
    office.approved(office.request("Rapat lain", day=day, room=request.room.id), "yoga")
    found = desk.verify(request)
    assert (wish.room.id, found.room.id) == ("praja-2", "praja-1")
    assert found.verdict is not Verdict.FAIL
    assert desk.verify(request, room_id="praja-2").verdict is Verdict.FAIL


async def test_direction_can_be_given_to_one_officer(office: Office) -> None:
    people = office.services.people
    other = people.add("dian", "Dian Sari", "another long phrase", office.person("bidang").roles)
    request, plain = office.request("Untuk Dian"), office.request("Untuk semua", room="praja-2")
    async with visitor(application(office), office, "kadis") as head:
        page = (await head.get(f"/kotak-masuk/{request.id}")).text
        assert f'<option value="{other}">Dian Sari</option>' in page
        form = {"accept": "yes", "note": "Mohon ditangani", "to": other, "version": str(request.version)}
        wrong = await head.post(f"/kotak-masuk/{request.id}/disposisi", data=form | {"to": "nobody"})
        assert wrong.status_code == 422
        assert (await head.post(f"/kotak-masuk/{request.id}/disposisi", data=form)).status_code == 303
    office.forwarded(plain)
    assert office.services.desk.get(request.id, office.person("kadis")).forwarded_name == "Dian Sari"
    titles = [item.request.title for item in office.services.desk.inbox(office.person("bidang")).items]
    assert titles == ["Untuk semua", "Untuk Dian"]  # what is another's comes after what is everybody's
    async with visitor(application(office), office, "bidang") as officer:
        assert "untuk Dian Sari" in (await officer.get("/kotak-masuk")).text


def test_a_returned_request_is_nobodys(office: Office) -> None:
    desk, head = office.services.desk, office.person("kadis")
    request = office.request("Kurang lengkap")
    desk.dispose(request.id, Direction(accept=False, note="Lengkapi", to=office.person("bidang").id), head)
    assert desk.get(request.id, head).forwarded_to is None


async def test_a_message_that_was_given_up_is_shown_with_its_reason_and_sent_again(office: Office) -> None:
    request = office.request("Rapat")
    with office.services.store.writing() as connection:
        row = {"created_at": NOW, "event": "submit", "request_id": request.id, "channel": "email", "facts": "{}"}
        row |= {"state": FAILED, "attempts": 10, "next_at": NOW, "error": "451 mailbox <full>", "language": "id"}
        connection.execute(
            t.message.insert(), row | {"person_id": office.person("pemohon").id, "address": "b@x.example"}
        )
    async with visitor(application(office), office, "auditor") as reader:
        page = (await reader.get("/pesan?keadaan=failed")).text
        assert "451 mailbox &lt;full&gt;" in page
        assert "Kirim lagi" not in page
        assert (await reader.post("/pesan/1/lagi")).status_code == 403
    async with visitor(application(office), office, "admin") as admin:
        assert "Kirim lagi" in (await admin.get("/pesan")).text
        assert (await admin.post("/pesan/1/lagi")).status_code == 303
        assert (await admin.post("/pesan/99/lagi")).status_code == 404
    with office.services.store.reading() as connection:
        row = dict(connection.execute(sa.select(t.message)).mappings().one())
        assert (row["state"], row["attempts"]) == (WAITING, 0)
    async with visitor(application(office), office, "pemohon") as client:
        assert (await client.get("/pesan")).status_code == 403
