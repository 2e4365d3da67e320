"""Equipment, accounts and people of the database: verified, taken with the booking, offered otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from central import rows
from central.db import tables as t
from central.domain.alternatives import Change, Kind
from central.domain.findings import Code, Verdict
from central.domain.resources import LASTS_AT_MOST, Need
from central.domain.words import UnitKind
from central.errors import Refused
from central.model import Decision, Direction, Draft, Request
from central.seed import seed
from central.services import Services
from tests.service.central.office import APPLICANT, HEAD, PDF, STARTS, VERIFIER, draft, office


@pytest.fixture
def here(tmp_path: Path, database: str | None) -> Iterator[Services]:
    with office(tmp_path, database) as services:
        with services.store.writing() as connection:
            connection.execute(
                t.equipment.insert(), {"id": "mic", "name": "Mikrofon", "count": 2, "setup_s": 7200.0, "teardown_s": 0}
            )
            account = {"id": "zoom-1", "name": "Zoom 1", "platform": "zoom", "concurrency": 1, "active": True}
            connection.execute(t.account.insert(), account)
        yield services


def disposed(here: Services, wanted: Draft) -> Request:
    request = here.desk.submit(wanted, PDF, APPLICANT)
    return here.desk.dispose(request.id, Direction(accept=True), HEAD)


def approved(here: Services, wanted: Draft, operator: str = "rina") -> Request:
    return here.desk.decide(disposed(here, wanted).id, Decision(approve=True, operator_id=operator), VERIFIER)


def verdicts(here: Services, request: Request, operator: str = "yoga") -> dict[str, Code]:
    found = here.desk.verify(request, operator_id=operator).findings
    return {finding.rule: finding.code for finding in found}


def taken(here: Services) -> dict[tuple[str, str], tuple[object, object]]:
    with here.store.reading() as connection:
        found = connection.execute(sa.select(t.alloc).where(t.alloc.c.live)).mappings()
        return {(row["unit_kind"], row["unit_id"]): (row["starts"], row["ends"]) for row in found}


def test_a_session_takes_pieces_and_an_account_each_with_its_own_buffers(here: Services) -> None:
    approved(here, replace(draft(), needs=(Need("mic", 2),)))
    held = taken(here)
    minutes, ends = timedelta(minutes=1), STARTS + timedelta(hours=2)
    assert held[UnitKind.ROOM, "praja-1"] == (STARTS - 30 * minutes, ends + 15 * minutes)
    assert held[UnitKind.EQUIPMENT, "mic#1"] == held[UnitKind.EQUIPMENT, "mic#2"] == (STARTS - 120 * minutes, ends)
    assert (UnitKind.ACCOUNT, "zoom-1#1") in held
    assert len(held) == 5


def test_what_another_session_holds_is_a_finding_and_the_account_cannot_be_overridden(here: Services) -> None:
    approved(here, replace(draft(), needs=(Need("mic", 1),)))
    second = disposed(here, replace(draft("Kedua", room_id="praja-2"), needs=(Need("mic", 2),)))
    codes = verdicts(here, second)
    assert codes["equipment:mic"] is Code.EQUIPMENT_SHORT
    assert codes["account-free"] is Code.ACCOUNT_TAKEN
    decision = Decision(approve=True, operator_id="yoga", override_reason="mendesak")
    with pytest.raises(Refused) as refused:
        here.desk.decide(second.id, decision, VERIFIER)
    assert [finding.code for finding in refused.value.findings] == [Code.ACCOUNT_TAKEN]
    (kit, *_) = here.planner.alternatives(second)
    assert (kit.kind, kit.needs) == (Kind.KIT, (Need("mic", 1),))
    assert set(kit.changes) == {Change.OWN_ACCOUNT, Change.LESS_EQUIPMENT}


def test_a_session_that_is_called_off_gives_everything_back(here: Services) -> None:
    first = approved(here, replace(draft(), needs=(Need("mic", 2),)))
    here.desk.withdraw(first.id, "batal", APPLICANT)
    assert taken(here) == {}
    assert verdicts(here, disposed(here, replace(draft(), needs=(Need("mic", 2),))))["account-free"]


def test_short_equipment_may_be_lent_as_far_as_it_goes_with_a_reason(here: Services) -> None:
    request = disposed(here, replace(draft(), needs=(Need("mic", 3),)))
    decision = Decision(approve=True, operator_id="rina", override_reason="dua cukup")
    here.desk.decide(request.id, decision, VERIFIER)
    assert {unit for kind, unit in taken(here) if kind == UnitKind.EQUIPMENT} == {"mic#1", "mic#2"}


def test_shifts_leave_and_skills_stand_in_the_database(here: Services) -> None:
    with here.store.writing() as connection:
        shift = {"operator_id": "rina", "weekday": 4, "opens": "07:00", "closes": "12:00"}
        connection.execute(t.operator_shift.insert(), shift)
        leave = {"operator_id": "yoga", "starts": STARTS, "ends": STARTS + timedelta(hours=1), "reason": "Cuti"}
        connection.execute(t.operator_leave.insert(), leave)
        connection.execute(t.operator_skill.insert(), {"operator_id": "dewi", "skill": "obs"})
    request = disposed(here, draft())
    assert verdicts(here, request, "rina")["staff-duty"] is Code.DUTY_OFF
    assert verdicts(here, request, "yoga")["staff-duty"] is Code.DUTY_LEAVE
    found = here.desk.verify(request)
    assert [one.id for one in found.free_operators] == ["dewi", "hendra", "rina", "yoga"]


def test_the_example_data_has_equipment_and_accounts(here: Services) -> None:
    seed(here.store, "a long example phrase")
    seed(here.store, "a long example phrase")
    assert {one.id for one in here.desk.choices().equipment} >= {"laptop", "mikrofon-nirkabel"}
    request = disposed(here, replace(draft(), needs=(Need("laptop", 2),)))
    assert here.desk.verify(request).verdict is not Verdict.FAIL


def test_the_longest_event_is_found_at_its_last_hour(here: Services) -> None:
    long = replace(draft("Pameran"), ends=STARTS + LASTS_AT_MOST)
    decision = Decision(approve=True, operator_id="rina", override_reason="pameran")
    here.desk.decide(disposed(here, long).id, decision, VERIFIER)
    last_hour, clearing = (long.ends - timedelta(hours=1), long.ends), (long.ends, long.ends + timedelta(minutes=1))
    with here.store.reading() as connection:
        held = rows.occupied(connection, *last_hour)
        near = rows.occupied_near(connection, clearing, last_hour)
    assert {(one.kind, one.unit) for one in held} >= {(UnitKind.ROOM, "praja-1"), (UnitKind.OPERATOR, "rina")}
    assert UnitKind.ROOM in {one.kind for one in near}
    assert len(here.board.sessions(long.ends - timedelta(hours=1), long.ends)) == 1
