"""Single sign-on against a provider over real HTTP: who comes in, with which rights, and everything that is refused."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import sqlalchemy as sa

from central.app import create_app
from central.db import tables as t
from central.domain.words import Role
from central.errors import Unfit
from central.moves import utc_now
from central.services import Services, make_services
from central.settings import SignOn
from tests.service.central.office import DINSOS, settings_in
from tests.service.central.openid import CLIENT, SECRET, Faults, OpenIdProvider, openid_provider

HERE = "http://127.0.0.1:8080"
RULES = {
    "client_id": CLIENT, "secret_env": "TEST_SSO_SECRET", "label": "SSO Pemprov", "agency_claim": "opd",
    "roles": {"kadis": ("head",), "opd": ("applicant",), "siaga-admin": ("admin",)},
    "agencies": {"Dinas Sosial": "dinsos"}, "within": "1s",
}  # fmt: skip


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenIdProvider]:
    monkeypatch.setenv("TEST_SSO_SECRET", SECRET)
    with openid_provider() as provider:
        provider.claims["groups"] = ["kadis", "unknown"]
        yield provider


def services_with(folder: Path, provider: OpenIdProvider, database: str | None = None, **changed: object) -> Services:
    settings = settings_in(folder, database)
    rules = SignOn.model_validate(RULES | {"issuer": provider.url} | changed)
    services = make_services(replace(settings, file=settings.file.model_copy(update={"sign_on": rules})), now=utc_now)
    with services.store.writing() as connection:
        connection.execute(t.agency.insert(), {"id": DINSOS.id, "name": DINSOS.name, "short": DINSOS.short})
    return services


@pytest.fixture
def here(tmp_path: Path, provider: OpenIdProvider) -> Iterator[Services]:
    services = services_with(tmp_path, provider)
    try:
        yield services
    finally:
        services.store.close()


def browser(services: Services) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(create_app(services)), base_url=HERE)


@pytest.fixture
async def visitor(here: Services) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(here) as client:
        yield client


async def way_back(client: httpx.AsyncClient, following: str = "/akun") -> str:
    """Leave for the provider, and return where it sends the browser back to."""
    left = await client.get("/login/sso", params={"next": following})
    assert left.status_code == 303, left.text
    async with httpx.AsyncClient() as outside:
        return str((await outside.get(left.headers["location"])).headers["location"])


async def come(client: httpx.AsyncClient, following: str = "/akun") -> httpx.Response:
    return await client.get(await way_back(client, following))


async def test_somebody_comes_in_with_the_roles_of_the_groups(
    visitor: httpx.AsyncClient, here: Services, provider: OpenIdProvider
) -> None:
    page = (await visitor.get("/login")).text
    assert "Masuk dengan SSO" in page
    assert "SSO Pemprov" in page
    back = await come(visitor)
    assert (back.status_code, back.headers["location"]) == (303, "/akun")
    me = (await visitor.get("/api/v1/me")).json()
    assert (me["login"], me["name"], me["roles"]) == ("sri", "Sri Wahyuni", ["head"])
    (account,) = here.accounts.all()
    assert (account.has_password, account.providers) == (False, (provider.url,))


async def test_roles_are_those_of_each_log_in_and_what_was_lost_ends_older_ones(
    visitor: httpx.AsyncClient, here: Services, provider: OpenIdProvider
) -> None:
    await come(visitor)
    older = visitor.cookies["sid"]
    visitor.cookies.clear()
    await come(visitor)
    assert here.people.who(older) is not None
    provider.claims |= {"groups": ["opd"], "opd": "Dinas Sosial", "name": "Sri W."}
    visitor.cookies.clear()
    await come(visitor)
    me = (await visitor.get("/api/v1/me")).json()
    assert (me["roles"], me["agency"]["id"], me["name"]) == (["applicant"], "dinsos", "Sri W.")
    assert here.people.who(older) is None
    assert len(here.accounts.all()) == 1


async def test_a_local_account_of_the_same_name_is_not_taken_over(
    visitor: httpx.AsyncClient, here: Services, provider: OpenIdProvider
) -> None:
    here.people.add("sri", "Sri the administrator", "a long phrase here", frozenset({Role.ADMIN}))
    await come(visitor)
    assert (await visitor.get("/api/v1/me")).json()["login"] == "sri-2"
    person, _ = here.people.log_in("sri", "a long phrase here")
    assert person.roles == {Role.ADMIN}
    provider.claims |= {"sub": "s-2"}
    visitor.cookies.clear()
    await come(visitor)
    assert (await visitor.get("/api/v1/me")).json()["login"] == "sri-3"


BAD = {
    "wrong nonce": Faults(nonce=True),
    "expired": Faults(expired=True),
    "from the future": Faults(future=True),
    "wrong audience": Faults(audience="another"),
    "two audiences and no party": Faults(two_audiences=True),
    "a foreign key": Faults(foreign_key=True),
    "unsigned": Faults(algorithm="none"),
    "signed with the public key": Faults(algorithm="HS256"),
    "no token": Faults(no_token=True),
    "no nonce": Faults(leave_out=("nonce",)),
    "no end": Faults(leave_out=("exp",)),
    "no subject": Faults(leave_out=("sub",)),
}


@pytest.mark.parametrize("fault", list(BAD))
async def test_a_token_that_is_not_good_lets_nobody_in(
    visitor: httpx.AsyncClient, here: Services, provider: OpenIdProvider, fault: str
) -> None:
    provider.faults = BAD[fault]
    back = await come(visitor)
    assert back.status_code == 403
    assert "tidak dapat dipercaya" in back.text
    assert "sid" not in visitor.cookies
    assert here.accounts.all() == ()


DOWN = {
    "slow": Faults(slow_s=3),
    "byte by byte": Faults(dribble=True),
    "no JSON": Faults(broken=True),
    "too large": Faults(huge=True),
    "sent elsewhere": Faults(redirect=True),
    "another issuer": Faults(issuer="https://elsewhere.example"),
    "places without TLS": Faults(plain_places=True),
}


@pytest.mark.parametrize("fault", list(DOWN))
async def test_a_provider_that_does_not_answer_is_said_within_the_limit(
    visitor: httpx.AsyncClient, provider: OpenIdProvider, fault: str
) -> None:
    provider.faults = DOWN[fault]
    before = time.monotonic()
    answer = await visitor.get("/login/sso")
    assert answer.status_code == 502
    assert "SSO sedang tidak menjawab" in answer.text
    assert "Kata sandi" in answer.text  # the local door stays open
    assert time.monotonic() - before < 20
    assert "/elsewhere" not in provider.asked


async def test_a_provider_that_is_gone_is_said_too(tmp_path: Path, provider: OpenIdProvider) -> None:
    services = services_with(tmp_path, provider, issuer="http://127.0.0.1:9")
    try:
        async with browser(services) as client:
            assert (await client.get("/login/sso")).status_code == 502
            services.people.add("agus", "Agus", "a long phrase here", frozenset({Role.ADMIN}))
            local = await client.post("/login", data={"username": "agus", "password": "a long phrase here"})
            assert local.status_code == 303
    finally:
        services.store.close()


async def test_a_refusal_at_the_provider_is_said(visitor: httpx.AsyncClient, provider: OpenIdProvider) -> None:
    provider.faults.denied = True
    back = await come(visitor)
    assert (back.status_code, "SSO tidak mengizinkan" in back.text) == (403, True)


async def test_an_attempt_counts_once_in_its_own_browser_and_for_ten_minutes(
    visitor: httpx.AsyncClient, here: Services
) -> None:
    address = await way_back(visitor)
    async with browser(here) as another:
        assert "peramban lain" in (await another.get(address)).text
    assert "mulai lagi" in (await visitor.get(address)).text  # used up by the foreign try
    address = await way_back(visitor)
    assert (await visitor.get(address)).status_code == 303
    visitor.cookies.delete("sid")
    assert (await visitor.get(address)).status_code == 403
    address = await way_back(visitor)
    with here.store.writing() as connection:
        connection.execute(t.sign_on_attempt.update().values(until=utc_now() - timedelta(seconds=1)))
    assert (await visitor.get(address)).status_code == 403
    for state in ("", "x", "made up"):
        assert (await visitor.get("/login/sso/kembali", params={"state": state, "code": "c"})).status_code == 403


async def test_a_stolen_code_is_worth_nothing_without_its_verifier(
    visitor: httpx.AsyncClient, here: Services, provider: OpenIdProvider
) -> None:
    stolen = parse_qs(urlsplit(await way_back(visitor)).query)["code"][0]
    async with browser(here) as thief:
        own = urlsplit(await way_back(thief))
        state = parse_qs(own.query)["state"][0]
        used = await thief.get("/login/sso/kembali", params={"state": state, "code": stolen})
    assert used.status_code == 403
    assert here.accounts.all() == ()
    assert provider.asked.count("/token") == 1


async def test_who_is_in_no_group_or_closed_or_of_no_agency_does_not_come_in(
    visitor: httpx.AsyncClient, here: Services, provider: OpenIdProvider
) -> None:
    for claims, word in (
        ({"groups": ["unknown"]}, "belum memiliki peran"),
        ({"groups": "not a list"}, "belum memiliki peran"),
        ({"groups": ["opd"]}, "tidak menyebut perangkat daerah"),
        ({"groups": ["opd"], "opd": "Dinas Entah"}, "tidak dikenal di sini"),
    ):
        provider.claims |= claims
        back = await come(visitor)
        assert (back.status_code, word in back.text) == (403, True), claims
    provider.claims |= {"groups": ["kadis"], "opd": "", "roles": ["admin"], "role": "admin"}
    await come(visitor)
    assert (await visitor.get("/api/v1/me")).json()["roles"] == ["head"]
    with here.store.writing() as connection:
        connection.execute(t.person.update().values(active=False))
    assert "ditutup" in (await come(visitor)).text


async def test_only_allowed_groups_come_in(tmp_path: Path, provider: OpenIdProvider) -> None:
    services = services_with(tmp_path, provider, allowed=("siaga",))
    try:
        async with browser(services) as client:
            assert (await come(client)).status_code == 403
            provider.claims["groups"] = ["kadis", "siaga"]
            assert (await come(client)).status_code == 303
    finally:
        services.store.close()


async def test_new_keys_are_found_and_a_secret_in_the_form_is_sent(
    visitor: httpx.AsyncClient, here: Services, provider: OpenIdProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("central.signon.provider.KEYS_AGAIN_AFTER_S", 0.0)
    assert (await come(visitor)).status_code == 303
    provider.rotate()
    visitor.cookies.clear()
    assert (await come(visitor)).status_code == 303
    assert provider.asked.count("/keys") == 2


async def test_a_client_secret_is_sent_in_the_form_where_only_that_is_taken(
    tmp_path: Path, provider: OpenIdProvider
) -> None:
    provider.faults.secret_in_form = True
    services = services_with(tmp_path, provider)
    try:
        async with browser(services) as client:
            assert (await come(client)).status_code == 303
    finally:
        services.store.close()


async def test_logging_out_shows_the_way_to_log_out_there_too(
    visitor: httpx.AsyncClient, provider: OpenIdProvider
) -> None:
    await come(visitor)
    left = await visitor.post("/logout")
    page = await visitor.get(left.headers["location"])
    assert f"{provider.url}/logout?client_id={CLIENT}" in page.text
    assert (await visitor.get("/api/v1/me")).status_code == 401
    assert "/logout?" not in (await visitor.get("/login")).text


async def test_nobody_is_sent_to_a_foreign_page_in_the_end(visitor: httpx.AsyncClient) -> None:
    for target in ("https://evil.example", "//evil.example", "/\\evil.example"):
        back = await come(visitor, target)
        assert back.headers["location"] == "/"
        visitor.cookies.clear()


async def test_an_office_without_it_has_no_such_door(tmp_path: Path) -> None:
    services = make_services(settings_in(tmp_path))
    try:
        async with browser(services) as client:
            assert (await client.get("/login/sso")).status_code == 404
            assert "SSO" not in (await client.get("/login")).text
    finally:
        services.store.close()


def test_a_missing_secret_and_an_issuer_without_tls_are_said_at_the_start(
    tmp_path: Path, provider: OpenIdProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TEST_SSO_SECRET")
    with pytest.raises(Unfit, match="TEST_SSO_SECRET"):
        services_with(tmp_path, provider)
    with pytest.raises(ValueError, match="issuer like https"):
        SignOn.model_validate(RULES | {"issuer": "http://sso.example"})


async def test_who_comes_twice_is_one_person_with_the_newest_groups_on_both_databases(
    tmp_path: Path, provider: OpenIdProvider, database: str | None
) -> None:
    services = services_with(tmp_path, provider, database)
    try:
        async with browser(services) as first, browser(services) as second:
            assert (await come(first)).status_code == 303
            provider.claims["groups"] = ["siaga-admin"]
            back = await way_back(second)
            assert (await second.get(back)).status_code == 303
            me = (await second.get("/api/v1/me")).json()
            assert (me["login"], me["roles"]) == ("sri", ["admin"])
            assert (await second.get(back)).status_code != 303  # a way back is gone once
            with services.store.reading() as connection:
                assert connection.scalar(sa.select(sa.func.count()).select_from(t.person)) == 1
    finally:
        services.store.close()
