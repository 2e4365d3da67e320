"""What holds for all of the API: pages that miss nothing, orders carried out once, changes only to what was seen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from central.answered import DIES_AFTER, KEPT_FOR, Answered, Kept, Order
from central.errors import KeyReused
from central.model import Direction
from tests.service.pages.office import PDF, Office, application, busy, office_in, visitor

FORM = {
    "agency_id": "dinsos", "letter_number": "005/882/Dinsos", "letter_date": "2026-11-02", "letter_subject": "Rapat",
    "contact_name": "Budi", "contact_phone": "0812", "title": "Sosialisasi", "starts": "2026-11-10T02:00:00Z",
    "ends": "2026-11-10T04:00:00Z", "room_id": "praja-2", "participants": "40", "platform": "zoom",
}  # fmt: skip


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with office_in(tmp_path) as office:
        yield office


@pytest.fixture
async def everybody(office: Office) -> AsyncIterator[dict[str, httpx.AsyncClient]]:
    app = application(office)
    async with (
        visitor(app, office, "pemohon") as pemohon,
        visitor(app, office, "kadis") as kadis,
        visitor(app, office, "bidang") as bidang,
        visitor(app, office, "admin") as admin,
        visitor(app, office) as stranger,
    ):
        yield {"pemohon": pemohon, "kadis": kadis, "bidang": bidang, "admin": admin, "stranger": stranger}


Clients = dict[str, httpx.AsyncClient]


async def pages(client: httpx.AsyncClient, path: str, **query: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = (await client.get(path, params={**query, **cursor})).json()
        items += answer["items"]
        if answer["next"] is None:
            return items
        cursor = {"cursor": answer["next"]}


async def test_pages_together_are_the_list(office: Office, everybody: Clients) -> None:
    busy(office)
    office.request("Satu", day=date(2026, 11, 9))
    office.services.audit.seal()
    for path, query in {
        "requests": {}, "sessions": {"starts": "2026-11-01T00:00:00Z"}, "reports": {}, "rooms": {}, "staff": {},
        "equipment": {}, "agencies": {}, "accounts": {}, "feeds": {}, "rooms/praja-1/journal": {},
        "calendar": {"first": "2026-11-01", "last": "2026-11-09"}, "availability": {"day": "2026-11-09"},
    }.items():  # fmt: skip
        whole = (await everybody["bidang"].get(f"/api/v1/{path}", params=query)).json()
        assert whole["next"] is None, path
        assert len(whole["items"]) > 1 or path == "reports", path
        assert await pages(everybody["bidang"], f"/api/v1/{path}", limit=1, **query) == whole["items"], path


async def test_what_is_added_meanwhile_moves_nothing(office: Office, everybody: Clients) -> None:
    old = [office.request(f"Lama {n}", day=date(2026, 11, 10 + n)).id for n in range(4)]
    first = (await everybody["pemohon"].get("/api/v1/requests?limit=2")).json()
    office.later(timedelta(seconds=1))
    office.request("Baru", day=date(2026, 11, 20))
    rest = (await everybody["pemohon"].get(f"/api/v1/requests?limit=50&cursor={first['next']}")).json()
    assert [one["id"] for one in (*first["items"], *rest["items"])] == old[::-1]


@pytest.mark.parametrize("cursor", ["x", "W10", "WyJyb29tcyIsInByYWphLTEiXQ", "WyJyZXF1ZXN0cyIsMSwyXQ", "a" * 500])
async def test_a_cursor_of_another_list_is_a_wrong_field(everybody: Clients, cursor: str) -> None:
    answer = await everybody["pemohon"].get("/api/v1/requests", params={"cursor": cursor})
    assert answer.status_code == 422
    assert {wrong["field"] for wrong in answer.json()["wrongs"]} == {"cursor"}
    for limit in ("0", "501", "x"):
        assert (await everybody["pemohon"].get(f"/api/v1/requests?limit={limit}")).status_code == 422


async def send(client: httpx.AsyncClient, key: str, **changed: str) -> httpx.Response:
    files = {"letter": ("surat.pdf", PDF, "application/pdf")}
    return await client.post("/api/v1/requests", data=FORM | changed, files=files, headers={"idempotency-key": key})


async def test_the_same_key_makes_one_request_and_answers_the_same(office: Office, everybody: Clients) -> None:
    first, again = await send(everybody["pemohon"], "k1"), await send(everybody["pemohon"], "k1")
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert (first.headers["etag"], again.headers["idempotency-replayed"]) == (again.headers["etag"], "true")
    other = await send(everybody["pemohon"], "k1", title="Lain")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency.reused")
    assert (await send(everybody["pemohon"], "k2", title="Lain")).json()["id"] != first.json()["id"]
    assert len(office.services.desk.requests(office.person("pemohon"))) == 2
    assert (await send(everybody["pemohon"], "two words")).status_code == 422


async def test_a_crowd_with_one_key_makes_one_request(office: Office, everybody: Clients) -> None:
    answers = await asyncio.gather(*(send(everybody["pemohon"], "crowd") for _ in range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 7
    assert len(office.services.desk.requests(office.person("pemohon"))) == 1


async def test_a_refusal_is_answered_again_and_not_tried_again(office: Office, everybody: Clients) -> None:
    record = office.request()
    path, headers = f"/api/v1/requests/{record.id}/disposition", {"if-match": "*", "idempotency-key": "d"}
    word = {"accept": False, "note": ""}
    assert (await everybody["kadis"].post(path, json=word, headers=headers)).status_code == 422
    again = await everybody["kadis"].post(path, json=word, headers=headers)
    assert (again.status_code, again.headers["idempotency-replayed"]) == (422, "true")
    assert again.headers["content-type"] == "application/problem+json"
    keys = {"if-match": "*", "idempotency-key": "e"}
    assert (await everybody["bidang"].post(path, json=word, headers=keys)).status_code == 403
    later = await everybody["bidang"].post(path, json=word, headers=keys)
    assert "idempotency-replayed" not in later.headers  # a role that was missing may be given


async def test_keys_are_ones_own(everybody: Clients, office: Office) -> None:
    mine = office.request("Satu"), office.request("Dua", start=time(14))
    for client, record in zip((everybody["kadis"], everybody["admin"]), mine, strict=True):
        path, headers = f"/api/v1/requests/{record.id}/disposition", {"if-match": "*", "idempotency-key": "same"}
        answer = await client.post(path, json={"accept": True}, headers=headers)
        assert answer.status_code in {200, 403}
        assert "idempotency-replayed" not in answer.headers
    assert (await everybody["stranger"].post("/api/v1/logout", headers={"idempotency-key": "x"})).status_code == 401


def test_an_answer_is_kept_for_a_day_and_a_dead_order_can_be_taken_over(office: Office) -> None:
    answered = Answered(office.services.store, now=lambda: office.clock[0])
    order = Order(office.person("kadis").id, "k", "f")
    assert answered.claim(order)
    assert not answered.claim(order)
    assert answered.kept(order) is None
    office.later(DIES_AFTER + timedelta(seconds=1))
    assert answered.claim(order)
    answered.keep(order, Kept(200, {"etag": '"1"'}, "{}"))
    office.later(DIES_AFTER + timedelta(seconds=1))
    assert not answered.claim(order)
    assert answered.kept(order) == Kept(200, {"etag": '"1"'}, "{}")
    with pytest.raises(KeyReused):
        answered.kept(Order(order.person_id, "k", "other"))
    office.later(KEPT_FOR)
    assert answered.claim(order)


async def test_a_change_says_to_what_and_what_changed_meanwhile_stops_it(office: Office, everybody: Clients) -> None:
    record = office.request()
    path = f"/api/v1/requests/{record.id}"
    seen = await everybody["kadis"].get(path)
    word = {"accept": True, "note": "Tindak lanjuti"}
    bare = await everybody["kadis"].post(f"{path}/disposition", json=word)
    assert (bare.status_code, bare.json()["code"]) == (428, "precondition.wanted")
    for wrong in ('"99.x"', "nonsense", '"0"'):
        stale = await everybody["kadis"].post(f"{path}/disposition", json=word, headers={"if-match": wrong})
        assert (stale.status_code, stale.json()["code"]) == (412, "precondition.failed")
    done = await everybody["kadis"].post(f"{path}/disposition", json=word, headers={"if-match": seen.headers["etag"]})
    assert done.status_code == 200
    assert done.headers["etag"] != seen.headers["etag"]
    old = await everybody["bidang"].post(
        f"{path}/decision", json={"approve": False, "reason": "x"}, headers={"if-match": seen.headers["etag"]}
    )
    assert old.status_code == 412
    in_body = await everybody["bidang"].post(f"{path}/decision", json={"approve": False, "reason": "x", "version": 1})
    assert (in_body.status_code, in_body.json()["code"]) == (409, "request.changed")
    right = await everybody["bidang"].post(
        f"{path}/decision", json={"approve": False, "reason": "x"}, headers={"if-match": done.headers["etag"]}
    )
    assert right.json()["state"] == "refused"


async def test_a_returned_request_is_changed_and_sent_again_to_what_was_seen(
    office: Office, everybody: Clients
) -> None:
    record, applicant = office.request(), everybody["pemohon"]
    path = f"/api/v1/requests/{record.id}"
    form = {name: text for name, text in FORM.items() if name != "agency_id"} | {"title": "Sosialisasi SPBE"}
    early = await applicant.post(f"{path}/resubmission", data=form, headers={"if-match": "*"})
    assert (early.status_code, early.json()["code"]) == (409, "request.state")
    office.services.desk.dispose(record.id, Direction(accept=False, note="Judul"), office.person("kadis"))
    assert (await applicant.post(f"{path}/resubmission", data=form)).status_code == 428
    stale = await applicant.post(f"{path}/resubmission", data=form, headers={"if-match": '"1"'})
    assert stale.status_code == 412
    seen = {"if-match": (await applicant.get(path)).headers["etag"]}
    blank = await applicant.post(f"{path}/resubmission", data=form | {"title": " "}, headers=seen)
    assert blank.status_code == 422
    done = await applicant.post(f"{path}/resubmission", data=form, headers=seen)
    assert (done.json()["state"], done.json()["title"]) == ("submitted", "Sosialisasi SPBE")
    assert done.json()["letter"] == (await applicant.get(path)).json()["letter"]
    changes = (await applicant.get(f"{path}/changes")).json()["items"]
    assert len(changes) == 1
    with_letter = await applicant.post(
        f"{path}/resubmission", data=form, files={"letter": ("x.pdf", b"MZ")}, headers={"if-match": "*"}
    )
    assert with_letter.status_code == 422


async def test_single_things_are_not_sent_twice(office: Office, everybody: Clients) -> None:
    record = office.request()
    paths = (f"requests/{record.id}", "equipment/laptop", "accounts/zoom-1", "staff/rina", "agencies/dinsos", "me")
    for path in paths:
        first = await everybody["kadis"].get(f"/api/v1/{path}")
        assert first.status_code == 200, path
        same = await everybody["kadis"].get(
            f"/api/v1/{path}", headers={"if-none-match": f'"x", W/{first.headers["etag"]}'}
        )
        assert (same.status_code, same.content) == (304, b""), path
    for path in ("equipment", "accounts", "staff", "agencies", "rooms", "delegations", "displacements", "sessions"):
        assert (await everybody["kadis"].get(f"/api/v1/{path}/nothing")).status_code == 404, path


async def test_a_table_changes_only_when_it_is_the_one_that_was_read(everybody: Clients) -> None:
    path = "/api/v1/register/equipment.csv"
    shown = await everybody["bidang"].get(path)
    for headers, status in (({}, 428), ({"if-match": '"x"'}, 412), ({"if-match": shown.headers["etag"]}, 200)):
        sent = await everybody["bidang"].put(path, content=shown.text, headers={"content-type": "text/csv"} | headers)
        assert sent.status_code == status


async def test_an_account_is_kept_over_the_api(office: Office, everybody: Clients) -> None:
    admin = everybody["admin"]
    account = {"login": "kasi", "name": "Tuti", "roles": ["scheduler"], "password": "a long first phrase"}
    made = await admin.post("/api/v1/people", json=account)
    path = f"/api/v1/people/{made.json()['id']}"
    _, token = office.services.people.log_in("kasi", "a long first phrase")
    assert len((await admin.get(f"{path}/logins")).json()["items"]) == 1
    change = {"name": "Tuti", "roles": ["technician"]}
    assert (await admin.put(path, json=change)).status_code == 428
    headers = {"if-match": made.headers["etag"]}
    assert (await admin.put(path, json=change, headers=headers)).json()["roles"] == ["technician"]
    assert (await admin.put(path, json=change, headers=headers)).status_code == 412
    assert office.services.people.who(token) is None
    smuggled = await admin.post("/api/v1/people", json=account | {"login": "x", "id": "admin"})
    assert smuggled.status_code == 422
