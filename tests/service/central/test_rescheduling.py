"""Moving a confirmed session: one deed, verified anew, told to everybody, and never upon another session."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from central.db import tables as t
from central.domain.findings import Code, Verdict
from central.domain.resources import Need
from central.domain.sop import State
from central.errors import Forbidden, Invalid, NotFound, Refused
from central.model import Request, Reschedule
from central.publisher import Publisher
from central.services import Services
from contract import CurrentSession, PlannedSession, Readiness, RoomState, SessionStatus
from tests.service.central.office import (
    APPLICANT,
    NOW,
    STARTS,
    STRANGER,
    VERIFIER,
    approval,
    disposed,
    draft,
    office,
)

DAY = timedelta(days=1)
LATER = STARTS + timedelta(days=3)  # a Monday
WHY = "Ruang dipakai tamu negara"


@pytest.fixture
def clock() -> list[datetime]:
    return [NOW]


@pytest.fixture
def here(tmp_path: Path, database: str | None, clock: list[datetime]) -> Iterator[Services]:
    with office(tmp_path, database, now=lambda: clock[0]) as services:
        yield services


def confirmed(here: Services, title: str = "Bimtek", *, starts: datetime = STARTS, operator: str = "rina") -> Request:
    request = disposed(here.desk, draft(title, starts=starts))
    return here.desk.decide(request.id, approval(operator), VERIFIER)


def plan(here: Services, room_id: str) -> dict[str, PlannedSession]:
    """Return what a room is told, by title."""
    schedule = Publisher(here.store, here.desk.now, ahead=timedelta(days=30)).snapshot(room_id).schedule
    return {one.title: one for one in schedule.sessions}


def held(here: Services) -> set[tuple[str, str, datetime]]:
    """Return what is taken: kind, unit and from when."""
    a = t.alloc.c
    with here.store.reading() as connection:
        return {tuple(row) for row in connection.execute(sa.select(a.unit_kind, a.unit_id, a.starts).where(a.live))}


def test_another_time_moves_everything_at_once(here: Services) -> None:
    request = confirmed(here)
    before = plan(here, "praja-1")["Bimtek"]
    moved = here.rescheduling.apply(request.id, Reschedule(WHY, starts=LATER), VERIFIER, version=request.version)
    assert (moved.state, moved.version, moved.session_id) == (State.APPROVED, request.version + 1, request.session_id)
    assert (moved.starts, moved.ends) == (LATER, LATER + timedelta(hours=2))  # the length stays
    after = plan(here, "praja-1")["Bimtek"]
    assert (after.id, after.rev, after.status) == (before.id, before.rev + 1, SessionStatus.UPDATED)
    assert (after.start, after.prepare_at) == (LATER, LATER - (before.start - before.prepare_at))
    assert {(kind, unit) for kind, unit, _ in held(here)} == {("room", "praja-1"), ("operator", "rina")}
    assert {starts for *_, starts in held(here)} == {LATER - before.setup}
    (change,) = here.desk.changes(moved)
    assert (change.actor, set(change.fields)) == (VERIFIER.name, {"starts", "ends"})
    assert moved.moves[-1].reason == WHY
    with here.store.reading() as connection:
        assert connection.scalar(sa.select(t.audit.c.action).order_by(t.audit.c.id.desc()).limit(1)) == (
            "request.reschedule"
        )
    confirmed(here, "Rapat lain")  # the old time is free again


def test_a_room_that_is_left_is_told_for_as_long_as_it_might_hold_the_session(
    here: Services, clock: list[datetime]
) -> None:
    request = confirmed(here)
    here.rescheduling.apply(request.id, Reschedule(WHY, room_id="praja-2"), VERIFIER)
    left, there = plan(here, "praja-1")["Bimtek"], plan(here, "praja-2")["Bimtek"]
    assert (left.id, left.status) == (there.id, SessionStatus.CANCELLED)
    assert there.status is SessionStatus.UPDATED
    assert left.rev == there.rev == 2
    with here.store.reading() as connection:
        told = set(connection.scalars(sa.select(t.outbox.c.room_id).where(t.outbox.c.cause.startswith("resched"))))
    assert told == {"praja-1", "praja-2"}
    here.rescheduling.apply(request.id, Reschedule(WHY, room_id="praja-1"), VERIFIER)
    assert plan(here, "praja-1")["Bimtek"].status is SessionStatus.UPDATED  # it came back
    assert plan(here, "praja-2")["Bimtek"].status is SessionStatus.CANCELLED
    clock[0] = STARTS + timedelta(hours=27)
    assert plan(here, "praja-2") == {}


def test_all_findings_are_computed_anew_and_a_failing_one_wants_a_reason(here: Services) -> None:
    request = confirmed(here)
    at_night = Reschedule(WHY, starts=STARTS + timedelta(hours=8))
    moved, found = here.rescheduling.verify(request.id, at_night, VERIFIER)
    assert moved.starts == at_night.starts
    assert Code.HOURS_OUTSIDE in {finding.code for finding in found.findings if finding.verdict is Verdict.FAIL}
    with pytest.raises(Refused) as refused:
        here.rescheduling.apply(request.id, at_night, VERIFIER)
    assert refused.value.code == "override.wanted"
    assert here.desk.get(request.id, VERIFIER).version == request.version
    done = here.rescheduling.apply(request.id, replace(at_night, override_reason="Permintaan Gubernur"), VERIFIER)
    assert done.moves[-1].reason == f"{WHY}; Permintaan Gubernur"


def test_what_is_taken_cannot_be_taken_and_its_own_time_is_not_in_its_way(here: Services) -> None:
    request, _ = confirmed(here), confirmed(here, "Rapat lain", starts=LATER, operator="yoga")
    with pytest.raises(Refused) as refused:
        here.rescheduling.apply(request.id, Reschedule(WHY, starts=LATER, override_reason="ya"), VERIFIER)
    assert refused.value.code == "booking.taken"
    assert {finding.code for finding in refused.value.findings} >= {Code.ROOM_TAKEN}
    assert plan(here, "praja-1")["Bimtek"].rev == 1
    half_an_hour = Reschedule(WHY, starts=STARTS + timedelta(minutes=30))
    assert here.rescheduling.apply(request.id, half_an_hour, VERIFIER).starts == half_an_hour.starts


def test_equipment_and_accounts_move_along(here: Services) -> None:
    with here.store.writing() as connection:
        connection.execute(t.equipment.insert(), {"id": "mic", "name": "Mikrofon", "count": 2})
        account = {"id": "zoom-1", "name": "Zoom 1", "platform": "zoom", "concurrency": 1, "active": True}
        connection.execute(t.account.insert(), account)
    wanted = replace(draft(), needs=(Need("mic", 2),))
    request = here.desk.decide(disposed(here.desk, wanted).id, approval(), VERIFIER)
    units = {(kind, unit) for kind, unit, _ in held(here)}
    assert len(units) == 5
    here.rescheduling.apply(request.id, Reschedule(WHY, starts=LATER, operator_id="yoga"), VERIFIER)
    moved = {(kind, unit) for kind, unit, _ in held(here)}
    assert moved == units - {("operator", "rina")} | {("operator", "yoga")}
    assert all(starts > STARTS + DAY for *_, starts in held(here))
    assert plan(here, "praja-1")[wanted.title].operators == ("Yoga Pratama",)


def test_only_a_confirmed_session_that_has_not_begun_is_moved(here: Services, clock: list[datetime]) -> None:
    waiting = disposed(here.desk)
    with pytest.raises(Refused) as refused:
        here.rescheduling.apply(waiting.id, Reschedule(WHY, starts=LATER), VERIFIER)
    assert refused.value.code == "request.state"
    request = confirmed(here, "Rapat")
    state = RoomState(
        boot="b", readiness=Readiness.BUSY, session=CurrentSession(id=str(request.session_id), rev=1, phase="live")
    )
    with here.store.writing() as connection:
        row = {"room_id": "praja-1", "body": state.model_dump_json(), "at": NOW, "seen_at": NOW}
        connection.execute(t.room_state.insert(), row)
    with pytest.raises(Refused) as begun_by_hand:
        here.rescheduling.apply(request.id, Reschedule(WHY, starts=LATER), VERIFIER)
    with here.store.writing() as connection:
        connection.execute(t.room_state.delete())
    clock[0] = STARTS
    with pytest.raises(Refused) as begun:
        here.rescheduling.apply(request.id, Reschedule(WHY, starts=LATER), VERIFIER)
    assert begun.value.code == begun_by_hand.value.code == "session.begun"


@pytest.mark.parametrize(
    ("wanted", "field", "code"),
    [
        (Reschedule("", starts=LATER), "reason", "reason.wanted"),
        (Reschedule(WHY), "starts", "session.same"),
        (Reschedule(WHY, starts=STARTS), "starts", "session.same"),
        (Reschedule(WHY, starts=NOW - DAY), "starts", "time.past"),
        (Reschedule(WHY, starts=LATER, ends=LATER), "ends", "time.order"),
        (Reschedule(WHY, starts=LATER.replace(tzinfo=None)), "starts", "time.naive"),
        (Reschedule(WHY, ends=STARTS + 40 * DAY), "ends", "time.too_long"),
    ],
)
def test_what_cannot_be_is_named_at_its_field(here: Services, wanted: Reschedule, field: str, code: str) -> None:
    request = confirmed(here)
    with pytest.raises(Invalid) as invalid:
        here.rescheduling.apply(request.id, wanted, VERIFIER)
    assert [(wrong.field, wrong.code) for wrong in invalid.value.wrongs] == [(field, code)]


def test_nobody_moves_what_changed_meanwhile_what_is_his_own_or_what_he_may_not_see(here: Services) -> None:
    request, wanted = confirmed(here), Reschedule(WHY, starts=LATER)
    with pytest.raises(Refused, match="stale"):
        here.rescheduling.apply(request.id, wanted, VERIFIER, version=request.version - 1)
    with pytest.raises(Forbidden):
        here.rescheduling.apply(request.id, wanted, replace(VERIFIER, id=APPLICANT.id))
    with pytest.raises(NotFound):
        here.rescheduling.apply(request.id, wanted, STRANGER)
    with pytest.raises(NotFound):
        here.rescheduling.apply(request.id, replace(wanted, room_id="nowhere"), VERIFIER)


def test_a_session_that_was_moved_can_be_called_off_and_frees_all(here: Services) -> None:
    request = confirmed(here)
    here.rescheduling.apply(request.id, Reschedule(WHY, starts=LATER, room_id="praja-2"), VERIFIER)
    here.desk.withdraw(request.id, "batal", APPLICANT)
    assert held(here) == set()
    assert {one.status for room in ("praja-1", "praja-2") for one in plan(here, room).values()} == {
        SessionStatus.CANCELLED
    }
