"""A database that cannot be used just now is told apart from a statement that is wrong, and is outlasted."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from central.app import create_app
from central.db import outage
from central.db import tables as t
from central.db.outage import outlast, outlasted
from central.db.store import Store
from central.errors import Away, TooMany
from central.services import Services
from tests.postgres import Cluster
from tests.service.central.office import APPLICANT, PDF, draft, office


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Services]:
    with office(tmp_path) as services:
        yield services


def fill(store: Store) -> None:
    """Write into a file that may not grow, as on a full disk."""
    with store.writing() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1")  # SQLite takes it as: no page more than there are
        row = {"key": "x", "value": "x" * 1_000_000}
        connection.execute(t.meta.insert(), row)


def test_a_full_disk_is_no_fault_of_the_statement_and_nothing_is_half_written(here: Services) -> None:
    with pytest.raises(Away, match="full"):
        fill(here.store)
    with here.store.reading() as connection:
        assert connection.scalar(sa.select(t.meta.c.value).where(t.meta.c.key == "x")) is None


def test_a_wrong_statement_is_a_fault_of_ours(here: Services, cluster: Cluster) -> None:
    with pytest.raises(sa.exc.OperationalError), here.store.reading() as connection:
        connection.exec_driver_sql("SELECT * FROM nowhere")
    with cluster.database() as url:
        store = Store(url)
        with pytest.raises(sa.exc.ProgrammingError), store.reading() as connection:
            connection.exec_driver_sql("SELECT * FROM nowhere")
        with pytest.raises(sa.exc.OperationalError, match="statement timeout"):
            dawdle(store)
        store.close()


def dawdle(store: Store) -> None:
    with store.writing() as connection:
        connection.exec_driver_sql("SET LOCAL statement_timeout = 1")
        connection.exec_driver_sql("SELECT pg_sleep(1)")


def test_a_connection_that_is_cut_in_the_middle_is_away_and_the_next_one_serves(cluster: Cluster) -> None:
    with cluster.database() as url:
        store = Store(url)
        with pytest.raises(Away):
            write_while_cut(store, cluster)
        with store.reading() as connection:
            assert connection.scalars(sa.select(t.meta.c.key).where(t.meta.c.key.in_(["x", "y"]))).all() == []
        store.close()


def write_while_cut(store: Store, cluster: Cluster) -> None:
    with store.writing() as connection:
        pid = connection.scalar(sa.text("SELECT pg_backend_pid()"))
        connection.execute(t.meta.insert(), {"key": "x", "value": "x"})
        cluster.execute(f"SELECT pg_terminate_backend({pid})")
        connection.execute(t.meta.insert(), {"key": "y", "value": "y"})


def test_a_server_that_is_not_there_is_away(tmp_path: Path) -> None:
    store = Store(f"postgresql+psycopg://siaga@/siaga?host={tmp_path}")
    with pytest.raises(Away), store.reading():
        pass
    store.close()


async def test_it_is_tried_until_it_is_back_and_said_once_each_way(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(outage, "PAUSE_AT_MOST_S", 0.02)
    monkeypatch.setattr(outage, "FIRST_PAUSE_S", 0.01)
    left = [Away("gone"), TooMany("database.busy", Away.AFTER), Away("still gone")]

    def deed(number: int) -> int:
        if left:
            raise left.pop(0)
        return number

    caplog.set_level(logging.WARNING)
    done, away_s = await outlasted(outage.Outage("test"), deed, 7)
    assert done == 7
    assert away_s > 0
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == [
        "the database is away", "the database is back",
    ]  # fmt: skip
    assert (await outlasted(outage.Outage("test"), deed, 8)) == (8, 0.0)


async def test_what_is_no_outage_is_not_waited_for(here: Services) -> None:
    def wrong() -> None:
        with here.store.reading() as connection:
            connection.exec_driver_sql("SELECT * FROM nowhere")

    with pytest.raises(sa.exc.OperationalError):
        await outlast("test", wrong)


async def test_people_and_programs_are_told_when_the_disk_is_full(
    here: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = here.desk.submit(draft(), PDF, APPLICANT)
    monkeypatch.setattr(here.desk, "tracked", lambda _token: fill(here.store))
    transport = httpx.ASGITransport(create_app(here), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as client:
        page = await client.get(f"/lacak/{request.tracking}")
        assert (page.status_code, page.headers["retry-after"]) == (503, "5")
        assert "Basis data kantor tidak menjawab" in page.text
