"""The JSON API under generated requests: no answer is a fault of ours, none has a status the document does not name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from central.app import create_app
from central.domain.words import Role
from central.services import Services
from tests.service.central.office import disposed, office

PASSWORD = "rahasia sekali"
EXAMPLES = 8
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
SKIPPED = {
    "/api/v1/logout", "/api/v1/login", "/api/v1/me/password", "/api/v1/me/logins/{ident}", "/api/v1/people",
    "/api/v1/people/{ident}/password", "/api/v1/people/{ident}/logins",
}  # fmt: skip
"""Some end the log-in that the others need; the others take a quarter of a second on purpose."""


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with office(tmp_path_factory.mktemp("fuzz")) as services:
        disposed(services.desk)
        yield services


@pytest.fixture(scope="module")
def schema(here: Services) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_asgi("/api/openapi.json", create_app(here))


@pytest.fixture(scope="module")
def cookies(here: Services) -> dict[str, str]:
    """Somebody who may do everything, so that every operation is reached."""
    here.people.add("everybody", "Semua", PASSWORD, frozenset(Role), agency_id="dinsos")
    return {"sid": here.people.log_in("everybody", PASSWORD)[1]}


def operations() -> list[str]:
    from fastapi import FastAPI

    from central.api.routes import router

    app = FastAPI()
    app.include_router(router)
    return [
        f"{method.upper()} {path}"
        for path, methods in app.openapi()["paths"].items()
        for method in methods
        if path not in SKIPPED
    ]


@pytest.mark.parametrize("operation", operations())
def test_any_request_is_answered_as_documented(
    schema: schemathesis.BaseSchema, cookies: dict[str, str], operation: str
) -> None:
    method, path = operation.split(" ")

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(case=schema[path][method.lower()].as_strategy())
    def check(case: schemathesis.Case[Any]) -> None:
        case.call_and_validate(cookies=cookies, checks=CHECKS)

    check()


FAR = (
    "servable?day=9999-12-31",
    "availability?day=0001-01-01",
    "calendar?first=0001-01-01&last=9999-12-31",
    "sessions?starts=9999-12-31T00:00:00Z",
    "punctuality?since=0001-01-01T00:00:00Z",
    "audit?cursor=WyJhdWRpdCIsOTk5OTk5OTk5OTk5OTk5OTk5OTldXQ",
    "rooms/praja-1/journal?after=99999999999999999999999",
)


async def test_days_and_numbers_out_of_this_world_are_wrong_fields(here: Services, cookies: dict[str, str]) -> None:
    transport = httpx.ASGITransport(create_app(here))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080", cookies=cookies) as client:
        for path in FAR:
            assert (await client.get(f"/api/v1/{path}")).status_code == 422, path
        assert (await client.post("/api/v1/messages/99999999999999999999999/again")).status_code == 422
        assert (await client.get("/jadwal?hari=9999-12-31")).status_code == 200
