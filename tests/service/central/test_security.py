"""Headers on every answer, cookies over TLS, other sites' pages, and codes that stand in the documents."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from central.app import create_app
from central.domain.words import Role
from central.services import Services
from tests.service.central.office import office

ROOT = Path(__file__).parents[3]
HTTPS = "https://siaga.example"
PASSWORD = "a long example phrase"
NAMED = {"Refused": 0, "Forbidden": 0, "TooMany": 0, "Wrong": 1}
"""Errors of ours, and which of their arguments is the code."""


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Services]:
    with office(tmp_path) as services:
        yield services


def secured(here: Services) -> Services:
    file = here.settings.file.model_copy(update={"public_url": HTTPS})
    return replace(here, settings=replace(here.settings, file=file))


def browser(services: Services) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(create_app(services)), base_url=HTTPS)


@pytest.mark.parametrize("path", ["/login", "/healthz", "/no/such/page", "/api/v1/me", "/api/docs", "/lacak/x"])
async def test_every_answer_keeps_scripts_frames_and_sniffing_out(here: Services, path: str) -> None:
    async with browser(here) as client:
        headers = (await client.get(path)).headers
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert (headers["x-content-type-options"], headers["x-frame-options"]) == ("nosniff", "DENY")
    assert headers["referrer-policy"] == "same-origin"


async def test_over_tls_the_cookie_is_bound_to_this_host(here: Services) -> None:
    here.people.add("sri", "Sri", PASSWORD, frozenset({Role.HEAD}))
    async with browser(secured(here)) as client:
        answer = await client.post("/login", data={"username": "sri", "password": PASSWORD, "next": "/"})
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-sid=")
        for wanted in ("HttpOnly", "Secure", "SameSite=lax", "Path=/"):
            assert wanted in cookie
        assert "domain" not in cookie.lower()
        first = client.cookies["__Host-sid"]
        await client.post("/login", data={"username": "sri", "password": PASSWORD, "next": "/"})
        assert client.cookies["__Host-sid"] != first  # what was there before the log-in is worth nothing after it
        assert here.people.who(first) is None


FOREIGN = (
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
)


@pytest.mark.parametrize("headers", FOREIGN)
async def test_what_another_sites_page_sends_is_refused(here: Services, headers: dict[str, str]) -> None:
    async with browser(secured(here)) as client:
        for path in ("/login", "/logout", "/api/v1/login", "/permohonan/baru"):
            assert (await client.post(path, headers=headers)).status_code == 403, path
        assert (await client.get("/login", headers=headers)).status_code == 200


def codes() -> set[str]:
    found = set()
    for path in (ROOT / "central").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in NAMED:
                place = NAMED[node.func.id]
                argument = node.args[place] if len(node.args) > place else None
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    found.add(argument.value)
    return found


def test_every_code_stands_in_the_documents() -> None:
    text = (ROOT / "docs" / "api.md").read_text()
    found = codes()
    assert "booking.taken" in found
    assert "letter.kind" in found
    assert sorted(code for code in found if f"`{code}`" not in text) == []


def test_every_test_that_a_promise_names_is_there() -> None:
    text = (ROOT / "docs" / "security.md").read_text()
    named = set(re.findall(r"test_\w+\.py", text))
    assert len(named) > 10
    assert named - {path.name for path in (ROOT / "tests").rglob("test_*.py")} == set()
