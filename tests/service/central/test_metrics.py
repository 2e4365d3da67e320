"""Figures for whoever watches, and whether central says itself that it cannot take bookings."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import time
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from prometheus_client.parser import text_string_to_metric_families

from central.domain.words import Leader
from tests.service.pages.office import Office, application, busy, office_in, visitor


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with office_in(tmp_path) as office:
        yield office


@pytest.fixture
async def officer(office: Office) -> AsyncIterator[httpx.AsyncClient]:
    async with visitor(application(office), office, "bidang") as client:
        yield client


async def figures(client: httpx.AsyncClient) -> dict[str, float]:
    answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        f"{sample.name}{{{','.join(sample.labels.values())}}}": sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def test_what_waits_and_who_is_there_is_counted(office: Office, officer: httpx.AsyncClient) -> None:
    busy(office)
    found = await figures(officer)
    assert found["siaga_requests{submitted}"] == 2
    assert found["siaga_requests{disposed}"] == 2
    assert found["siaga_requests{refused}"] == 0
    assert found["siaga_outbox{plans}"] == 3
    assert found["siaga_outbox_oldest_seconds{plans}"] == 0
    assert found["siaga_rooms{busy}"] == 1
    assert found["siaga_rooms{degraded}"] == 1
    assert found["siaga_journal_entries_total{}"] == 6
    assert found["siaga_broker_up{}"] == 0


async def test_refused_bookings_are_counted_by_reason(office: Office, officer: httpx.AsyncClient) -> None:
    office.approved(office.request("Satu"), "rina")
    record = office.forwarded(office.request("Dua", start=time(9)))
    word = {"approve": True, "operator_id": "rina", "version": record.version}
    assert (await officer.post(f"/api/v1/requests/{record.id}/decision", json=word)).status_code == 409
    found = await figures(officer)
    assert found["siaga_bookings_refused_total{room.taken}"] == 1
    assert found["siaga_bookings_refused_total{operator.taken}"] == 1


async def test_answers_are_counted_by_route_and_hold_no_ids_and_no_names(
    office: Office, officer: httpx.AsyncClient
) -> None:
    record = office.request("Rapat Rahasia", leader=Leader.GOVERNOR)
    await officer.get(f"/permohonan/{record.id}")
    await officer.get("/no/such/page")
    text = (await officer.get("/metrics")).text
    assert 'siaga_http_seconds_count{method="GET",route="/permohonan/{ident}",status="2xx"} 1.0' in text
    assert 'route="other",status="4xx"' in text
    for told in (record.id, record.title, record.contact.name, "pemohon", "bidang"):
        assert told not in text


async def test_figures_are_for_the_addresses_in_the_file_only(office: Office) -> None:
    transport = httpx.ASGITransport(application(office), client=("192.0.2.5", 5))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as stranger:
        assert (await stranger.get("/metrics")).status_code == 404
        assert (await stranger.get("/healthz")).json() == {"state": "ok"}


async def test_it_is_ready_only_with_database_schema_and_broker(office: Office, officer: httpx.AsyncClient) -> None:
    alone = await officer.get("/readyz")
    assert (alone.status_code, alone.json()) == (503, {"database": True, "migrations": True, "broker": False})
    office.services.watch_broker(lambda: True)
    assert (await officer.get("/readyz")).status_code == 200
    with office.services.store.writing() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0003'"))
    assert (await officer.get("/readyz")).json() == {"database": True, "migrations": False, "broker": True}
    with office.services.store.writing() as connection:
        connection.execute(sa.text("DROP TABLE alembic_version"))
    assert (await officer.get("/readyz")).status_code == 503
