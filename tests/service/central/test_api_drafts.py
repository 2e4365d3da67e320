"""Drafts over the API: the same ones as on the page, nobody else's, and one request each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from tests.service.central.test_uploads import WRONG
from tests.service.pages.office import PDF, Office, application, office_in, visitor
from tests.service.pages.test_forms import TYPED

FIELDS = {name: text for name, text in TYPED.items() if name != "key"} | {"need-laptop": "1"}
LETTER = {"letter": ("surat.pdf", PDF, "application/pdf")}
DRAFTS = "/api/v1/drafts"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with office_in(tmp_path) as office:
        yield office


@pytest.fixture
async def applicant(office: Office) -> AsyncIterator[httpx.AsyncClient]:
    async with visitor(application(office), office, "pemohon") as client:
        yield client


async def test_a_draft_goes_from_half_a_form_to_a_request(office: Office, applicant: httpx.AsyncClient) -> None:
    made = await applicant.post(DRAFTS, json={"fields": {"title": "Rapat nanti", "start": "soon"}})
    where = f"{DRAFTS}/{made.json()['id']}"
    assert (made.status_code, made.json()["fields"]) == (201, {"title": "Rapat nanti", "start": "soon"})
    assert "Rapat nanti" in (await applicant.get(f"/permohonan/baru?konsep={made.json()['id']}")).text
    tag = {"if-match": made.headers["etag"]}
    half = await applicant.post(f"{where}/submission", files=LETTER, headers=tag)
    assert half.status_code == 422
    assert {"starts", "letter_number", "room_id"} <= {wrong["field"] for wrong in half.json()["wrongs"]}
    assert (await applicant.put(where, json={"fields": FIELDS})).status_code == 428
    changed = await applicant.put(where, json={"fields": FIELDS}, headers=tag)
    assert changed.json()["fields"] == FIELDS
    stale = await applicant.post(f"{where}/submission", files=LETTER, headers=tag)
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition.failed")
    tag = {"if-match": changed.headers["etag"]}
    sent = await applicant.post(f"{where}/submission", files=LETTER, headers=tag | {"idempotency-key": "k"})
    assert (sent.status_code, sent.json()["title"]) == (201, TYPED["title"])
    assert sent.json()["needs"] == [{"equipment": "laptop", "count": 1}]
    again = await applicant.post(f"{where}/submission", files=LETTER, headers=tag | {"idempotency-key": "k"})
    assert (again.json()["id"], again.headers["idempotency-replayed"]) == (sent.json()["id"], "true")
    assert (await applicant.get(where)).status_code == 404
    assert len(office.services.desk.requests(office.person("pemohon"))) == 1


async def test_a_draft_of_the_page_is_one_of_the_api(applicant: httpx.AsyncClient) -> None:
    await applicant.post("/permohonan/baru", data={"title": "Dari halaman", "need-laptop": "2", "save": "yes"})
    (one,) = (await applicant.get(DRAFTS)).json()["items"]
    assert one["fields"]["title"] == "Dari halaman"
    assert one["fields"]["need-laptop"] == "2"
    assert (await applicant.delete(f"{DRAFTS}/{one['id']}")).status_code == 204
    assert (await applicant.get(DRAFTS)).json()["items"] == []
    assert (await applicant.delete(f"{DRAFTS}/{one['id']}")).status_code == 204


async def test_what_is_no_field_or_too_much_is_refused(applicant: httpx.AsyncClient) -> None:
    strange = await applicant.post(DRAFTS, json={"fields": {"titel": "x", "key": "y"}})
    assert (strange.status_code, {wrong["field"] for wrong in strange.json()["wrongs"]}) == (422, {"titel", "key"})
    many = {f"need-{number}": "x" * 3000 for number in range(30)}
    assert (await applicant.post(DRAFTS, json={"fields": many})).status_code in {413, 422}
    for number in range(20):
        assert (await applicant.post(DRAFTS, json={"fields": {"title": str(number)}})).status_code == 201
    full = await applicant.post(DRAFTS, json={"fields": {"title": "one too many"}})
    assert {wrong["code"] for wrong in full.json()["wrongs"]} == {"drafts.too_many"}


@pytest.mark.parametrize("what", WRONG)
async def test_a_letter_is_looked_at_as_any_other(office: Office, applicant: httpx.AsyncClient, what: str) -> None:
    made = await applicant.post(DRAFTS, json={"fields": FIELDS})
    files = {"letter": ("surat.pdf", WRONG[what], "application/pdf")}
    headers = {"if-match": made.headers["etag"]}
    answer = await applicant.post(f"{DRAFTS}/{made.json()['id']}/submission", files=files, headers=headers)
    assert (answer.status_code, {wrong["field"] for wrong in answer.json()["wrongs"]}) == (422, {"letter"})
    assert office.services.desk.requests(office.person("pemohon")) == ()
    assert len((await applicant.get(DRAFTS)).json()["items"]) == 1  # it can be sent in with another letter


async def test_a_huge_letter_is_refused_before_it_is_read(applicant: httpx.AsyncClient) -> None:
    made = await applicant.post(DRAFTS, json={"fields": FIELDS})
    headers = {"content-length": str(12 * 1024 * 1024), "if-match": made.headers["etag"]}
    where = f"{DRAFTS}/{made.json()['id']}/submission"
    assert (await applicant.post(where, content=b"x", headers=headers)).status_code == 413


async def test_a_draft_is_nobody_elses(office: Office, applicant: httpx.AsyncClient) -> None:
    made = await applicant.post(DRAFTS, json={"fields": FIELDS})
    roles = office.person("pemohon").roles
    office.services.people.add("lain", "Orang Lain", "a long example phrase", roles, agency_id="dinkes")
    _, token = office.services.people.log_in("lain", "a long example phrase")
    office.tokens = {**office.tokens, "lain": token}
    async with visitor(application(office), office, "lain") as stranger:
        where = f"{DRAFTS}/{made.json()['id']}"
        assert (await stranger.get(where)).status_code == 404
        seen = {"if-match": "*"}
        assert (await stranger.put(where, json={"fields": {}}, headers=seen)).status_code == 404
        assert (await stranger.post(f"{where}/submission", files=LETTER, headers=seen)).status_code == 404
        await stranger.delete(where)
    assert (await applicant.get(where)).status_code == 200
