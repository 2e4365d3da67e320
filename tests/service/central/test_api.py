"""The JSON API: who may call what, as a full matrix, and what a stranger gets."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from fastapi import APIRouter, FastAPI

from central.api.guard import actions_of, all_routes, check_guarded
from central.api.routes import router
from central.app import create_app
from central.domain.words import Role
from central.permissions import PERMISSIONS, Action
from central.services import Services
from central.web import pages
from tests.service.central.office import PEOPLE, STARTS, office

PASSWORD = "rahasia sekali"


@pytest.fixture
def here(tmp_path: Path, database: str | None) -> Iterator[Services]:
    with office(tmp_path, database) as services:
        yield services


@pytest.fixture
async def client(here: Services) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(here), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as client:
        yield client


def guarded() -> list[tuple[str, str, Action]]:
    return [
        (method, route.path, action)
        for route in all_routes([*router.routes, *pages.router.routes])
        for method in route.methods or ()
        for action in actions_of(route) - {Action.PUBLIC}
    ]


def test_a_route_without_an_action_keeps_the_application_from_starting() -> None:
    bare = APIRouter()
    bare.get("/open")(lambda: None)
    app = FastAPI()
    app.include_router(bare)
    with pytest.raises(RuntimeError, match="/open"):
        check_guarded(app.routes)


def test_the_whole_application_names_an_action_everywhere(here: Services) -> None:
    found = {route.path for route in all_routes(create_app(here).routes)}
    assert {"/login", "/healthz", "/api/v1/requests", "/kotak-masuk/{ident}/putusan"} <= found


def test_every_action_has_its_roles() -> None:
    assert set(PERMISSIONS) == set(Action)
    assert all(PERMISSIONS.values())


async def ask(client: httpx.AsyncClient, method: str, path: str) -> int:
    """Ask with a body that fits no route, so that only the guard can be what answers 401 or 403."""
    concrete = re.sub(r"\{\w+\}", "nothing", path)
    if concrete.startswith("/api/"):
        return (await client.request(method, concrete, json={} if method == "POST" else None)).status_code
    return (await client.request(method, concrete, data={} if method == "POST" else None)).status_code


async def test_nobody_gets_anything_without_log_in(client: httpx.AsyncClient) -> None:
    api = [one for one in guarded() if one[1].startswith("/api/")]
    shown = [one for one in guarded() if one not in api]
    assert {await ask(client, method, path) for method, path, _ in api} == {401}
    assert {await ask(client, method, path) for method, path, _ in shown} == {303}  # to the log-in page
    assert len(shown) > 40


@pytest.mark.parametrize("role", list(Role))
async def test_each_role_may_call_what_the_table_says_and_no_more(
    client: httpx.AsyncClient, here: Services, role: Role
) -> None:
    person = PEOPLE[role]
    agency = person.agency.id if person.agency else None
    here.people.add(person.login, person.name, PASSWORD, person.roles, agency_id=agency)
    _, token = here.people.log_in(person.login, PASSWORD)
    for method, path, action in guarded():
        if path == "/api/v1/logout":
            continue  # asked last: it ends the log-in
        client.cookies.set("sid", token)
        refused = await ask(client, method, path) == 403
        assert refused is (role not in PERMISSIONS[action]), f"{role}: {method} {path}"
    assert await ask(client, "POST", "/api/v1/logout") == 204
    assert here.people.who(token) is None


async def test_errors_are_problems_with_a_stable_code(client: httpx.AsyncClient, here: Services) -> None:
    here.people.add("verifier", "Rina", PASSWORD, frozenset({Role.VERIFIER}))
    wrong = await client.post("/api/v1/login", json={"login": "verifier", "password": "x"})
    assert (wrong.status_code, wrong.json()["code"]) == (403, "login.wrong")
    await client.post("/api/v1/login", json={"login": "verifier", "password": PASSWORD})
    missing = await client.get("/api/v1/requests/none")
    assert (missing.status_code, missing.json()["code"]) == (404, "request.not_found")
    assert missing.headers["content-type"] == "application/problem+json"
    typo = await client.post("/api/v1/requests/none/decision", json={"aprove": True})
    assert {wrong["field"] for wrong in typo.json()["wrongs"]} == {"approve", "aprove"}


async def test_a_page_of_another_site_and_a_huge_body_are_refused(client: httpx.AsyncClient) -> None:
    foreign = await client.post("/api/v1/login", json={}, headers={"origin": "https://elsewhere.example"})
    assert (foreign.status_code, foreign.json()["code"]) == (403, "origin.foreign")
    huge = await client.post("/api/v1/requests", content=b"x", headers={"content-length": str(12 * 1024 * 1024)})
    assert huge.status_code == 413


async def test_an_applicant_sends_a_request_and_its_letter_comes_back_as_a_download(
    client: httpx.AsyncClient, here: Services
) -> None:
    here.people.add("applicant", "Budi", PASSWORD, frozenset({Role.APPLICANT}), agency_id="dinsos")
    await client.post("/api/v1/login", json={"login": "applicant", "password": PASSWORD})
    fields = {
        "agency_id": "dinsos",
        "letter_number": "005/881/Dinsos",
        "letter_date": "2026-11-01",
        "letter_subject": "Permohonan",
        "contact_name": "Budi",
        "contact_phone": "0812",
        "title": "Bimtek",
        "starts": STARTS.isoformat(),
        "ends": (STARTS + timedelta(hours=1)).isoformat(),
        "room_id": "praja-1",
        "participants": "20",
        "platform": "zoom",
    }
    files = {"letter": ("../surat.pdf", b"%PDF-1.7 x", "text/html")}
    made = await client.post("/api/v1/requests", data=fields, files=files, headers={"idempotency-key": "k"})
    again = await client.post("/api/v1/requests", data=fields, files=files, headers={"idempotency-key": "k"})
    assert (made.status_code, made.json()["id"]) == (201, again.json()["id"])
    letter = await client.get(f"/api/v1/requests/{made.json()['id']}/letter")
    assert letter.content == b"%PDF-1.7 x"
    assert letter.headers["content-type"] == "application/pdf"
    assert letter.headers["content-disposition"].startswith("attachment")
    assert letter.headers["x-content-type-options"] == "nosniff"
