"""The audit: every way to change it behind the program's back is found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from central.db import tables as t
from central.domain.words import Role
from central.services import Services
from siaga.admin import app as admin
from tests.service.central.office import APPLICANT, NOW, PDF, PEOPLE, disposed, draft, office
from tests.service.pages.office import settings_in

A, S = t.audit.c, t.audit_seal.c


@pytest.fixture
def here(tmp_path: Path, database: str | None) -> Iterator[Services]:
    with office(tmp_path, database) as services:
        for number in range(4):
            services.desk.submit(draft(f"Rapat {number}"), PDF, APPLICANT)
        services.audit.seal()
        yield services


def row_of(seq: int) -> sa.ScalarSelect[int]:
    return sa.select(S.audit_id).where(S.seq == seq).scalar_subquery()


def test_what_was_done_is_sealed_and_holds(here: Services) -> None:
    found = here.audit.verify()
    assert (found.holds, found.sealed, found.unsealed, found.anchors) == (True, 4, 0, 1)
    disposed(here.desk)
    assert here.audit.verify().unsealed == 2
    assert here.audit.seal() == 2
    assert here.audit.seal() == 0
    again = here.audit.verify()
    assert (again.holds, again.sealed, again.anchors) == (True, 6, 1)
    assert again.head != found.head
    assert [row.action for row in here.audit.rows(limit=2)] == ["request.accept", "request.submit"]
    assert here.audit.rows(before=here.audit.rows(limit=1)[0].id)[0].action == "request.submit"


TAMPERING: dict[str, tuple[Callable[[sa.Connection], object], str]] = {
    "edited": (lambda c: c.execute(t.audit.update().where(A.id == row_of(2)).values(actor="other")), "was changed"),
    "redated": (lambda c: c.execute(t.audit.update().where(A.id == row_of(2)).values(at=NOW)), "was changed"),
    "deleted": (lambda c: c.execute(t.audit.delete().where(A.id == row_of(2))), "was deleted"),
    "seal deleted": (lambda c: c.execute(t.audit_seal.delete().where(S.seq == 2)), "missing"),
    "seal edited": (lambda c: c.execute(t.audit_seal.update().where(S.seq == 2).values(hash="0" * 64)), "was changed"),
}


@pytest.mark.parametrize("how", list(TAMPERING))
def test_tampering_is_found_where_it_was_done(here: Services, how: str) -> None:
    change, said = TAMPERING[how]
    if how == "redated":
        with here.store.writing() as connection:
            connection.execute(t.audit.insert(), {"at": NOW + timedelta(hours=1), "actor": "x", "action": "y"})
        here.audit.seal()
        change = lambda c: c.execute(t.audit.update().where(A.id == row_of(5)).values(at=NOW))  # noqa: E731 - one of a table
    with here.store.writing() as connection:
        change(connection)
    found = here.audit.verify()
    assert not found.holds
    assert any(said in fault.what for fault in found.faults)


def test_a_row_put_in_later_under_an_old_date_is_found(here: Services) -> None:
    with here.store.writing() as connection:
        row = {"at": NOW - timedelta(days=3), "actor": "kadis", "action": "request.accept", "subject": "x"}
        connection.execute(t.audit.insert(), row)
    here.audit.seal()
    assert "put in later" in here.audit.verify().faults[0].what


def test_a_tail_that_was_cut_off_is_found_by_the_anchor(here: Services) -> None:
    with here.store.writing() as connection:
        last = connection.scalar(sa.select(S.audit_id).where(S.seq == 4))
        connection.execute(t.audit_seal.delete().where(S.seq == 4))
        connection.execute(t.audit.delete().where(A.id == last))
    (fault,) = here.audit.verify().faults
    assert "anchor" in fault.what


def test_the_command_says_yes_or_where_it_is_broken(tmp_path: Path) -> None:
    settings_in(tmp_path)
    config = str(tmp_path / "central.yaml")
    run = CliRunner()
    assert run.invoke(admin, ["migrate", "--config", config]).exit_code == 0
    assert run.invoke(admin, ["audit", "verify", "--config", config]).exit_code == 0
    (tmp_path / "data" / "audit-anchors.jsonl").write_text('{"day": "2026-11-03", "seq": 7, "hash": "ab"}\n')
    said = run.invoke(admin, ["audit", "verify", "--json", "--config", config])
    assert said.exit_code == 1
    assert '"holds": false' in said.output
    assert PEOPLE[Role.AUDITOR].login == "auditor"
