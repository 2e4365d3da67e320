"""Looking for requests: what is found, in which time, and with which index."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from central import rows
from central.db import tables as t
from central.domain.sop import State
from central.errors import Invalid
from central.services import Services
from central.sought import A_YEAR, Sought
from tests.service.central.office import APPLICANT, NOW, PDF, STARTS, STRANGER, VERIFIER, disposed, draft, office

YEARS_LATER = NOW + timedelta(days=800)


@pytest.fixture
def clock() -> list[datetime]:
    return [NOW]


@pytest.fixture
def here(tmp_path: Path, database: str | None, clock: list[datetime]) -> Iterator[Services]:
    with office(tmp_path, database, now=lambda: clock[0]) as services:
        yield services


@pytest.fixture
def filled(here: Services) -> Services:
    here.desk.submit(draft("Bimtek SP4N-LAPOR"), PDF, APPLICANT)
    here.desk.submit(replace(draft("Rapat 100% daring", room_id="praja-2"), letter_number="027/12/X_Y"), PDF, APPLICANT)
    disposed(here.desk, draft("Rapat Anggaran", starts=STARTS + timedelta(days=7)))
    foreign = replace(draft("Rapat Posyandu", starts=STARTS + timedelta(days=14)), agency_id="dinkes")
    here.desk.submit(foreign, PDF, STRANGER)
    return here


def found(here: Services, words: str = "", **more: object) -> list[str]:
    return [one.title for one in here.desk.requests(VERIFIER, sought=Sought(words, **more))]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("words", "titles"),
    [
        ("bimtek", ["Bimtek SP4N-LAPOR"]),
        ("RAPAT anggar", ["Rapat Anggaran"]),
        ("anggaran posyandu", []),
        ("dinas kesehatan", ["Rapat Posyandu"]),
        ("dinkes", ["Rapat Posyandu"]),
        ("027/12", ["Rapat 100% daring"]),
        ("x_y", ["Rapat 100% daring"]),
        ("0% d", ["Rapat 100% daring"]),
        ("2026-3", ["Rapat Anggaran"]),
        ("2026-0003", ["Rapat Anggaran"]),
        ("2026-", ["Rapat Posyandu", "Rapat Anggaran", "Rapat 100% daring", "Bimtek SP4N-LAPOR"]),
        ("%", ["Rapat 100% daring"]),
        ("_", ["Rapat 100% daring"]),
        ("\0 bimtek", ["Bimtek SP4N-LAPOR"]),
        ("   ", ["Rapat Posyandu", "Rapat Anggaran", "Rapat 100% daring", "Bimtek SP4N-LAPOR"]),
    ],
)
def test_words_are_found_as_they_were_typed(filled: Services, words: str, titles: list[str]) -> None:
    assert found(filled, words) == titles


def test_each_filter_counts_with_the_others(filled: Services) -> None:
    assert found(filled, room="praja-2") == ["Rapat 100% daring"]
    assert found(filled, agency="dinkes") == ["Rapat Posyandu"]
    assert found(filled, "rapat", agency="dinsos", room="praja-1") == ["Rapat Anggaran"]
    assert found(filled, first=date(2026, 11, 13), last=date(2026, 11, 13)) == ["Rapat Anggaran"]
    assert found(filled, first=date(2026, 11, 14)) == ["Rapat Posyandu"]
    assert found(filled, last=date(2026, 11, 6)) == ["Rapat 100% daring", "Bimtek SP4N-LAPOR"]
    waiting = filled.desk.requests(VERIFIER, states=frozenset({State.DISPOSED}), sought=Sought("rapat"))
    assert [one.title for one in waiting] == ["Rapat Anggaran"]


def test_nobody_finds_what_is_not_for_him(filled: Services) -> None:
    assert [one.title for one in filled.desk.requests(STRANGER, sought=Sought("rapat"))] == ["Rapat Posyandu"]
    assert filled.desk.requests(STRANGER, sought=Sought("2026-0001")) == ()
    assert filled.desk.requests(STRANGER, sought=Sought(agency="dinsos")) == ()


def test_pages_go_on_in_the_same_order(filled: Services) -> None:
    whole = filled.desk.requests(VERIFIER, sought=Sought("rapat"))
    first = filled.desk.requests(VERIFIER, sought=Sought("rapat"), limit=1)
    after = (first[0].submitted_at, first[0].id)
    assert (*first, *filled.desk.requests(VERIFIER, sought=Sought("rapat"), after=after)) == whole


def test_words_look_back_a_year_unless_days_or_the_whole_number_are_named(
    filled: Services, clock: list[datetime]
) -> None:
    clock[0] = YEARS_LATER
    assert found(filled, "bimtek") == []
    assert found(filled, room="praja-2") == []
    assert found(filled, "2026-0001") == ["Bimtek SP4N-LAPOR"]
    assert found(filled, "bimtek", first=date(2026, 11, 6)) == ["Bimtek SP4N-LAPOR"]
    assert found(filled, "bimtek", last=date(2026, 12, 31)) == ["Bimtek SP4N-LAPOR"]
    assert found(filled, "bimtek", last=date(2028, 12, 31)) == []
    assert len(found(filled)) == 4, "without words nothing is left out"
    assert len(found(filled, agency="dinsos")) == 3


@pytest.mark.parametrize(
    ("sought", "field", "code"),
    [
        (Sought(first=date(2026, 11, 7), last=date(2026, 11, 6)), "until", "days.order"),
        (Sought("x", first=date(2024, 1, 1), last=date(2026, 1, 1)), "until", "days.too_many"),
        (Sought(room="x", first=date(2024, 1, 1), last=date(2026, 1, 1)), "until", "days.too_many"),
        (Sought(first=date.min), "from", "time.far"),
        (Sought("x", last=date.max), "until", "time.far"),
    ],
)
def test_what_cannot_be_looked_for_is_said(here: Services, sought: Sought, field: str, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        here.desk.requests(VERIFIER, sought=sought)
    assert [(wrong.field, wrong.code) for wrong in caught.value.wrongs] == [(field, code)]


def test_many_years_may_be_asked_for_without_words(filled: Services) -> None:
    assert len(found(filled, first=date(1980, 1, 1), last=date(2199, 12, 31))) == 4


@pytest.mark.parametrize(
    ("sought", "index"),
    [
        (Sought("bimtek"), "request_newest"),
        (Sought(room="praja-1"), "request_newest"),
        (Sought("bimtek", first=date(2026, 1, 1)), "request_newest"),
        (Sought(agency="dinsos"), "request_of_agency"),
        (Sought("2026-0001"), "sqlite_autoindex_request"),
    ],
)
def test_an_index_leads_there(tmp_path: Path, sought: Sought, index: str) -> None:
    with office(tmp_path) as here:
        where = tuple(sought.conditions(NOW, here.settings.zone))
        query = sa.select(t.request.c.id).where(*where).order_by(*rows.NEWEST).limit(51)
        text = str(query.compile(here.store.engine, compile_kwargs={"literal_binds": True}))
        with here.store.reading() as connection:
            plan = "\n".join(row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}"))
    assert index in plan, plan
    assert "TEMP B-TREE" not in plan or index.startswith("sqlite"), plan


def test_a_year_is_told_where_one_is_meant() -> None:
    day = date(2026, 6, 1)
    assert Sought("x", first=day).days == (day, day + A_YEAR)
    assert Sought("x", last=day).days == (day - A_YEAR, day)
    assert Sought(first=day).days == (day, None)
    assert Sought("2026-1", first=day).days == (day, None)
    assert Sought("x").arrived_since(NOW) == NOW - A_YEAR
    assert Sought().arrived_since(NOW) is None
    assert Sought("2026-1").arrived_since(NOW) is None
