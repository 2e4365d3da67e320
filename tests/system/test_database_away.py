"""PostgreSQL goes away under a running central and comes back: central stays, says so, and goes on by itself."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from central.db import tables as t
from central.domain.words import Role
from central.services import Services
from contract import CENTRAL_BROADCAST, Ack, Broadcast, Schedule
from contract.link import Delivery
from tests.broker import PrivateBroker
from tests.postgres import Cluster, cluster
from tests.service.central.office import APPLICANT, PDF, approval, disposed, draft, office
from tests.service.central.office import VERIFIER as OFFICER
from tests.service.contract.test_link import Side
from tests.system.test_killed_central import PRAJA, STREAM, batch, central
from tests.until import until

pytestmark = pytest.mark.timeout(240)
POLICY = Path(__file__).parents[2] / "configs" / "policy.yaml"
PASSWORD = "rahasia sekali"
BACK_WITHIN_S = 30.0


class Room(Side):
    """A room that hears everything it may."""

    def __init__(self, url: str) -> None:
        super().__init__(url, "praja-1", PRAJA.ack, PRAJA.schedule, CENTRAL_BROADCAST)
        self.acked = 0
        self.asked: list[str] = []
        self.planned: tuple[str, ...] = ()

    async def _received(self, delivery: Delivery) -> None:
        if delivery.topic == PRAJA.ack:
            self.acked = max(self.acked, Ack.decode(delivery.payload).upto)
        elif delivery.topic == CENTRAL_BROADCAST:
            self.asked.append(Broadcast.decode(delivery.payload).reason)
        else:
            self.planned = tuple(one.title for one in Schedule.decode(delivery.payload).sessions)


@pytest.fixture
def server() -> Iterator[Cluster]:
    with cluster(durable=True) as made:
        yield made


@pytest.fixture
def services(tmp_path: Path, server: Cluster) -> Iterator[Services]:
    """An office in the database, with somebody who can log in."""
    now = datetime.now(UTC)
    with server.database() as url, office(tmp_path / "office", url, now=lambda: now) as services:
        services.people.add("kasi", "Kasi", PASSWORD, frozenset({Role.VERIFIER, Role.AUDITOR}))
        yield services


@pytest.fixture
def config(tmp_path: Path, services: Services, broker: PrivateBroker) -> Path:
    path = tmp_path / "central.yaml"
    database = services.store.engine.url.render_as_string(hide_password=False)
    settings = {
        "listen": "127.0.0.1:0", "data": "data", "policy": str(POLICY), "broker": {"at": broker.url},
        "database": database,
    }  # fmt: skip
    path.write_text(json.dumps(settings))  # JSON is YAML
    return path


@asynccontextmanager
async def listening(url: str) -> AsyncIterator[Room]:
    room = Room(url)
    running = asyncio.create_task(room.link.run())
    try:
        await until(lambda: room.link.is_up)
        yield room
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def book(services: Services, title: str, *, days: int) -> None:
    """Book a session on a working day that is soon enough for the room to be told of."""
    starts = datetime.now(UTC).replace(hour=3, minute=0, second=0, microsecond=0) + timedelta(days=days)
    request = disposed(services.desk, draft(title, starts=starts))
    services.desk.decide(request.id, approval(override_reason="uji"), OFFICER)


def stored(services: Services) -> list[int]:
    key = t.journal_entry.c
    with services.store.reading() as connection:
        return list(connection.scalars(sa.select(key.seq).where(key.stream == STREAM).order_by(key.seq)))


async def logged_in(url: str) -> httpx.AsyncClient:
    client = httpx.AsyncClient(base_url=url, timeout=20)
    answer = await client.post("/api/v1/login", json={"login": "kasi", "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return client


async def says_that_it_is_away(client: httpx.AsyncClient) -> None:
    """Hold what central answers without its database against what it promises."""
    for path in ("/api/v1/me", "/api/v1/requests", "/api/v1/rooms"):
        answer = await client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (503, "database.away"), answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert int(answer.headers["retry-after"]) >= 1
    order = {"accept": True, "note": "", "version": 1}
    ordered = await client.post("/api/v1/requests/x/disposition", json=order, headers={"idempotency-key": "k"})
    assert ordered.status_code == 503
    page = await client.get("/permohonan", headers={"accept-language": "id"})
    assert page.status_code == 503
    assert "Basis data kantor tidak menjawab" in page.text
    assert int(page.headers["retry-after"]) >= 1
    assert (await client.get("/healthz")).status_code == 200
    ready = await client.get("/readyz")
    assert (ready.status_code, ready.json()["database"]) == (503, False)
    figures = (await client.get("/metrics")).text
    assert "siaga_database_up 0.0" in figures
    assert "siaga_broker_up 1.0" in figures


async def answers(client: httpx.AsyncClient) -> bool:
    return (await client.get("/api/v1/me")).status_code == 200


async def test_central_outlives_its_database_and_acknowledges_nothing_meanwhile(
    config: Path, services: Services, server: Cluster, broker: PrivateBroker
) -> None:
    await asyncio.to_thread(book, services, "Sebelum", days=1)
    async with central(config) as running, listening(broker.url) as room:
        client = await logged_in(running.url)
        await until(lambda: room.planned == ("Sebelum",))
        await room.link.publish(PRAJA.events, batch(1))
        await until(lambda: room.acked == 20)

        server.stop(signal.SIGQUIT)
        await says_that_it_is_away(client)
        await asyncio.gather(*(room.link.publish(PRAJA.events, batch(n)) for n in (21, 41, 21)))
        await asyncio.sleep(12)  # longer than a watchdog's proofs of life may be old
        assert room.acked == 20
        assert running.process.returncode is None
        await says_that_it_is_away(client)

        server.start()
        await until(lambda: room.acked == 60, within_s=BACK_WITHIN_S)
        assert await asyncio.to_thread(stored, services) == [*range(1, 61)]
        await until(lambda: "the database was away" in room.asked)
        await until(lambda: answers(client), within_s=BACK_WITHIN_S)
        await asyncio.to_thread(book, services, "Sesudah", days=2)
        await until(lambda: room.planned == ("Sebelum", "Sesudah"), within_s=BACK_WITHIN_S)
        assert running.process.returncode is None
        await client.aclose()


async def test_a_letter_sent_while_the_database_dies_is_there_once_or_not_at_all(
    config: Path, services: Services, server: Cluster
) -> None:
    """The same key until it is answered: one request each, whatever was interrupted."""
    services.people.add("pemohon", "Budi", PASSWORD, frozenset({Role.APPLICANT}), agency_id="dinsos")
    async with central(config) as running:
        async with httpx.AsyncClient(base_url=running.url, timeout=30) as client:
            login = {"login": "pemohon", "password": PASSWORD}
            assert (await client.post("/api/v1/login", json=login)).status_code == 200
            sending = [asyncio.create_task(sent(client, number)) for number in range(12)]
            await until(lambda: any(task.done() for task in sending), within_s=BACK_WITHIN_S)
            server.stop(signal.SIGQUIT)
            await asyncio.sleep(1)
            server.start()
            receipts = await asyncio.gather(*sending)
        assert len(set(receipts)) == 12
    found = services.desk.requests(OFFICER)
    assert sorted(one.receipt for one in found) == sorted(receipts)


async def sent(client: httpx.AsyncClient, number: int) -> str:
    """Send one letter, again with its key as long as central says that it could not, and return its receipt number."""
    await asyncio.sleep(0.1 * number)
    wanted = draft(f"Rapat {number}", starts=datetime.now(UTC).replace(microsecond=0) + timedelta(days=20))
    fields = {
        "agency_id": "dinsos", "letter_number": wanted.letter_number, "letter_date": "2026-11-01",
        "title": wanted.title, "letter_subject": wanted.letter_subject, "contact_name": "Budi", "contact_phone": "0812",
        "starts": wanted.starts.isoformat(), "ends": wanted.ends.isoformat(), "room_id": "praja-1",
        "participants": "20", "platform": "zoom",
    }  # fmt: skip
    files = {"letter": ("surat.pdf", PDF.content, "application/pdf")}
    async with asyncio.timeout(120):
        while True:
            answer = await client.post(
                "/api/v1/requests", data=fields, files=files, headers={"idempotency-key": f"{APPLICANT.id}-{number}"}
            )
            if answer.status_code == 201:
                return str(answer.json()["receipt"])
            assert answer.status_code in {503, 409}, answer.text
            await asyncio.sleep(float(answer.headers.get("retry-after", 1)))
