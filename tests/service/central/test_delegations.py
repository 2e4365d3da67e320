"""An acting head: the role for a period, signed as acting, passed on to nobody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from central.db import tables as t
from central.delegations import Delegations, Mandate
from central.domain.words import Role
from central.errors import Forbidden, Invalid, Refused
from central.model import Direction, Person
from central.people import acting_now
from central.services import Services
from tests.service.central.office import APPLICANT, HEAD, NOW, PDF, PEOPLE, VERIFIER, draft, office

DAY = timedelta(days=1)
ADMIN = PEOPLE[Role.ADMIN]


@pytest.fixture
def here(tmp_path: Path, database: str | None) -> Iterator[Services]:
    with office(tmp_path, database) as services:
        with services.store.writing() as connection:
            roles = [{"person_id": person.id, "role": role} for role, person in PEOPLE.items()]
            connection.execute(t.person_role.insert(), roles)
        yield services


def mandate(acting: Person = VERIFIER, *, first: int = 0, days: int = 2, holder: Person = HEAD) -> Mandate:
    return Mandate(holder.id, acting.id, NOW + first * DAY, NOW + (first + days) * DAY, "800/12/Diskominfo")


def acts(here: Services, moment: datetime, person: Person = VERIFIER) -> str:
    with here.store.reading() as connection:
        return acting_now(connection, person.id, moment)


def test_the_role_lasts_as_long_as_the_period(here: Services) -> None:
    made = here.delegations.make(mandate(), HEAD)
    assert made.active
    microsecond = timedelta(microseconds=1)
    moments = (NOW - microsecond, NOW, NOW + 2 * DAY - microsecond, NOW + 2 * DAY)
    assert [acts(here, moment) for moment in moments] == ["", HEAD.name, HEAD.name, ""]
    assert acts(here, NOW, PEOPLE[Role.TECHNICIAN]) == ""


def test_a_period_that_is_ended_gives_nothing_more(here: Services) -> None:
    made = here.delegations.make(mandate(), HEAD)
    ended = here.delegations.end(made.id, HEAD)
    assert (ended.ended_at, ended.active) == (NOW, False)
    assert acts(here, NOW) == ""
    assert here.delegations.end(made.id, ADMIN).ended_at == NOW
    assert here.delegations.make(mandate(PEOPLE[Role.TECHNICIAN]), HEAD).active


def test_one_acts_for_a_head_at_a_time(here: Services) -> None:
    here.delegations.make(mandate(), HEAD)
    with pytest.raises(Refused, match="already"):
        here.delegations.make(mandate(PEOPLE[Role.TECHNICIAN], first=1), HEAD)
    assert (
        here.delegations.make(mandate(PEOPLE[Role.TECHNICIAN], first=2), HEAD).acting_id == PEOPLE[Role.TECHNICIAN].id
    )


def test_an_acting_head_names_nobody_and_no_head_names_for_another(here: Services) -> None:
    acting = replace(VERIFIER, roles=VERIFIER.roles | {Role.HEAD}, acting_for=HEAD.name)
    with pytest.raises(Forbidden):
        here.delegations.make(mandate(PEOPLE[Role.TECHNICIAN], holder=VERIFIER), acting)
    with pytest.raises(Forbidden):
        here.delegations.make(mandate(), replace(HEAD, id="another"))
    made = here.delegations.make(mandate(), ADMIN)
    with pytest.raises(Forbidden):
        here.delegations.end(made.id, acting)


@pytest.mark.parametrize(
    ("wrong", "fields"),
    [
        (mandate(HEAD), {"acting"}),
        (mandate(APPLICANT), {"acting"}),
        (mandate(PEOPLE[Role.AUDITOR]), {"acting"}),
        (mandate(days=0), {"ends"}),
        (mandate(days=93), {"ends"}),
        (mandate(first=-3), {"ends"}),
        (replace(mandate(APPLICANT), letter=" "), {"letter", "acting"}),
    ],
)
def test_every_mistake_is_named(here: Services, wrong: Mandate, fields: set[str]) -> None:
    with pytest.raises(Invalid) as invalid:
        here.delegations.make(wrong, HEAD)
    assert {one.field for one in invalid.value.wrongs} == fields
    with pytest.raises(Invalid) as invalid:
        here.delegations.make(replace(mandate(), holder_id=VERIFIER.id, acting_id=HEAD.id), ADMIN)
    assert {one.field for one in invalid.value.wrongs} == {"holder"}


def test_an_acting_head_signs_as_one(here: Services) -> None:
    request = here.desk.submit(draft(), PDF, APPLICANT)
    acting = replace(VERIFIER, roles=VERIFIER.roles | {Role.HEAD}, acting_for=HEAD.name)
    disposed = here.desk.dispose(request.id, Direction(accept=True), acting)
    assert disposed.moves[-1].actor == f"{VERIFIER.name} (Plh. {HEAD.name})"


def test_periods_are_listed_newest_first(here: Services) -> None:
    first = here.delegations.make(mandate(), HEAD)
    later = here.delegations.make(mandate(first=5), HEAD)
    found = Delegations(here.store, now=lambda: NOW + 6 * DAY).all()
    assert [(one.id, one.active) for one in found] == [(later.id, True), (first.id, False)]
