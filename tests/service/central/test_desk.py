"""The desk on a real database: one transaction per deed, no room twice, nothing without a person."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from central.db import guard
from central.db import tables as t
from central.db.store import Store, make_engine
from central.domain.findings import Code, Verdict
from central.domain.sop import State
from central.domain.words import Leader
from central.errors import Forbidden, Invalid, NotFound, Refused, Unfit
from central.model import Decision, Direction, Upload
from central.services import Services
from tests.service.central.office import (
    APPLICANT,
    HEAD,
    PDF,
    STARTS,
    STRANGER,
    VERIFIER,
    approval,
    disposed,
    draft,
    drop_guard,
    office,
)


@pytest.fixture
def here(tmp_path: Path, database: str | None) -> Iterator[Services]:
    with office(tmp_path, database) as services:
        yield services


def count(services: Services, table: sa.Table) -> int:
    with services.store.reading() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def test_the_whole_way_of_a_request(here: Services) -> None:
    request = disposed(here.desk)
    assert (request.receipt, request.state) == ("2026-0001", State.DISPOSED)
    assert here.desk.verify(request).verdict is Verdict.PASS
    approved = here.desk.decide(request.id, approval(), VERIFIER)
    assert approved.state is State.APPROVED
    session = here.board.session(approved.session_id or "")
    assert (session.planned.title, session.planned.operators) == (request.title, ("Rina Marlina",))
    assert [move.state for move in approved.moves] == [State.SUBMITTED, State.DISPOSED, State.APPROVED]


def test_an_approval_writes_session_allocations_outbox_and_audit_together(here: Services) -> None:
    here.desk.decide(disposed(here.desk).id, approval(), VERIFIER)
    assert [count(here, table) for table in (t.session, t.alloc, t.outbox, t.audit)] == [1, 2, 1, 3]


def test_an_approval_that_fails_half_way_leaves_nothing(here: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    request = disposed(here.desk)

    def fail(*_: object) -> None:
        raise RuntimeError("power cut")

    monkeypatch.setattr(here.desk.moves, "_tell_room", fail)
    with pytest.raises(RuntimeError, match="power cut"):
        here.desk.decide(request.id, approval(), VERIFIER)
    assert [count(here, table) for table in (t.session, t.alloc, t.outbox)] == [0, 0, 0]
    assert here.desk.get(request.id, VERIFIER).state is State.DISPOSED


def test_a_taken_room_cannot_be_overridden_and_the_rival_is_named(here: Services) -> None:
    here.desk.decide(disposed(here.desk).id, approval(), VERIFIER)
    second = disposed(here.desk, draft("Forum", starts=STARTS + timedelta(hours=1)))
    with pytest.raises(Refused) as refused:
        here.desk.decide(second.id, approval("yoga", override_reason="penting"), VERIFIER)
    assert refused.value.code == "booking.taken"
    assert refused.value.findings[0].rivals[0].title == "Bimtek SP4N-LAPOR"
    other_room = here.desk.decide(second.id, approval("yoga", room_id="praja-2"), VERIFIER)
    assert other_room.state is State.APPROVED


def test_a_failing_finding_wants_a_reason_and_the_reason_is_kept(here: Services) -> None:
    request = disposed(here.desk, draft(starts=STARTS - timedelta(days=3)))
    with pytest.raises(Refused) as refused:
        here.desk.decide(request.id, approval(), VERIFIER)
    assert [finding.code for finding in refused.value.findings] == [Code.LEAD_SHORT]
    approved = here.desk.decide(request.id, approval(override_reason="Arahan Sekda"), VERIFIER)
    assert approved.moves[-1].reason == "Arahan Sekda"


def test_a_cancelled_session_frees_room_and_operator_and_tells_the_room(here: Services) -> None:
    approved = here.desk.decide(disposed(here.desk).id, approval(), VERIFIER)
    here.desk.withdraw(approved.id, "batal", APPLICANT)
    assert count(here, t.outbox) == 2
    assert here.board.session(approved.session_id or "").planned.rev == 2
    again = here.desk.decide(disposed(here.desk).id, approval(), VERIFIER)
    assert again.state is State.APPROVED


def test_the_same_key_makes_one_request(here: Services) -> None:
    first = here.desk.submit(draft(), PDF, APPLICANT, key="k1")
    second = here.desk.submit(draft(), PDF, APPLICANT, key="k1")
    assert first.id == second.id
    assert here.desk.submit(draft(), PDF, APPLICANT, key="k2").receipt == "2026-0002"


def test_a_stale_version_and_a_second_decision_are_refused(here: Services) -> None:
    request = disposed(here.desk)
    with pytest.raises(Refused, match="stale"):
        here.desk.decide(request.id, approval(), VERIFIER, version=request.version - 1)
    here.desk.decide(request.id, Decision(approve=False, reason="tidak bisa"), VERIFIER)
    with pytest.raises(Refused) as refused:
        here.desk.decide(request.id, approval(), VERIFIER)
    assert refused.value.code == "request.state"


def test_what_needs_a_reason_gets_none_without(here: Services) -> None:
    request = here.desk.submit(draft(), PDF, APPLICANT)
    with pytest.raises(Invalid):
        here.desk.dispose(request.id, Direction(accept=False), HEAD)
    with pytest.raises(Invalid):
        here.desk.withdraw(request.id, " ", APPLICANT)


def test_a_returned_request_is_sent_again(here: Services) -> None:
    request = here.desk.submit(draft(), PDF, APPLICANT)
    here.desk.dispose(request.id, Direction(accept=False, note="nomor surat"), HEAD)
    again = here.desk.resubmit(request.id, replace(draft(), title="Diperbaiki"), None, APPLICANT)
    assert (again.state, again.title, again.letter.file) == (State.SUBMITTED, "Diperbaiki", request.letter.file)


def test_nobody_decides_on_his_own_request_and_agencies_see_their_own(here: Services) -> None:
    request = here.desk.submit(draft(), PDF, APPLICANT)
    both = replace(APPLICANT, roles=APPLICANT.roles | HEAD.roles)
    with pytest.raises(Forbidden):
        here.desk.dispose(request.id, Direction(accept=True), both)
    with pytest.raises(NotFound):
        here.desk.get(request.id, STRANGER)
    with pytest.raises(Forbidden):
        here.desk.submit(draft(), PDF, STRANGER)
    assert here.desk.requests(STRANGER) == ()


def test_every_mistake_of_a_draft_is_named(here: Services) -> None:
    bad = replace(draft(), title="", participants=0, ends=STARTS, letter_number="tanpa nomor")
    with pytest.raises(Invalid) as invalid:
        here.desk.submit(bad, None, APPLICANT)
    assert {w.field for w in invalid.value.wrongs} == {"title", "participants", "ends", "letter_number", "letter"}


@pytest.mark.parametrize(
    "content", [b"", b"<svg onload=x>", b"PK\x03\x04", b"MZ%PDF-", b"%PDF-" + bytes(11 * 1024 * 1024)]
)
def test_what_is_no_letter_is_not_kept(here: Services, content: bytes, tmp_path: Path) -> None:
    with pytest.raises(Invalid) as invalid:
        here.desk.submit(draft(), Upload("surat.pdf", content), APPLICANT)
    assert [wrong.field for wrong in invalid.value.wrongs] == ["letter"]
    assert not (tmp_path / "letters").exists()


def test_a_letters_name_goes_nowhere_near_the_disk(here: Services, tmp_path: Path) -> None:
    upload = Upload("../../etc/pass\nwd.pdf", PDF.content)
    file = here.desk.submit(draft(), upload, APPLICANT).letter.file
    assert file is not None
    assert file.name == "passwd.pdf"
    assert [path.name for path in (tmp_path / "letters").rglob("*") if path.is_file()] == [file.sha256]


def test_leaders_stand_first_in_the_inbox(here: Services) -> None:
    disposed(here.desk)
    disposed(here.desk, replace(draft("Arahan", starts=STARTS + timedelta(days=3)), leader=Leader.GOVERNOR))
    items = here.desk.inbox(VERIFIER).items
    assert [item.request.title for item in items] == ["Arahan", "Bimtek SP4N-LAPOR"]
    assert items[0].remaining == timedelta(hours=7.5)  # a working day


def test_eight_officers_at_once_book_the_room_once(here: Services) -> None:
    waiting = [disposed(here.desk, draft(f"Rapat {n}")) for n in range(8)]
    operators = ("rina", "yoga", "dewi", "hendra") * 2
    together = threading.Barrier(8)

    def decide(number: int) -> bool:
        together.wait(5)
        try:
            here.desk.decide(waiting[number].id, approval(operators[number]), VERIFIER)
        except Refused as refused:
            return refused.code != "booking.taken"
        return True

    with ThreadPoolExecutor(8) as pool:
        booked = list(pool.map(decide, range(8)))
    assert booked.count(True) == 1
    assert [count(here, table) for table in (t.session, t.alloc, t.outbox)] == [1, 2, 1]


def held_at_once(store: Store) -> int:
    """Let eight threads look first and write then, each on its own, as programs with the bug do."""
    together = threading.Barrier(8)
    span = {"starts": STARTS, "ends": STARTS + timedelta(hours=1)}

    def look_then_write(_: int) -> bool:
        with store.reading() as connection:
            free = connection.scalar(sa.select(t.alloc.c.id).where(t.alloc.c.unit_id == "praja-1")) is None
        together.wait(5)
        try:
            with store.writing() as connection:
                connection.execute(t.alloc.insert(), {"unit_kind": "room", "unit_id": "praja-1", "live": free} | span)
        except sa.exc.DBAPIError as error:
            return not guard.is_overlap(error)
        return free

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(look_then_write, range(8))).count(True)


def test_the_guard_stops_even_a_program_that_looks_first_and_writes_then(here: Services) -> None:
    assert held_at_once(here.store) == 1


def test_without_the_guard_that_program_books_twice(here: Services) -> None:
    drop_guard(here.store)
    assert held_at_once(here.store) == 8  # the positive control: the race is real


def test_a_database_without_its_guard_is_not_served(here: Services) -> None:
    drop_guard(here.store)
    with pytest.raises(Unfit, match="two bookings"):
        here.store.open()


def test_a_moved_allocation_is_refused_too_and_touching_ones_are_not(here: Services) -> None:
    hour = timedelta(hours=1)
    unit = {"unit_kind": "room", "unit_id": "praja-1", "live": True}
    with here.store.writing() as connection:
        connection.execute(t.alloc.insert(), unit | {"starts": STARTS, "ends": STARTS + hour})
        connection.execute(t.alloc.insert(), unit | {"starts": STARTS + hour, "ends": STARTS + 2 * hour})
    with pytest.raises(sa.exc.DBAPIError, match=guard.OVERLAP), here.store.writing() as connection:
        connection.execute(t.alloc.update().where(t.alloc.c.starts == STARTS).values(ends=STARTS + 2 * hour))


def test_migrations_make_exactly_the_tables_of_the_code(here: Services) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    with here.store.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, t.metadata) == []


def test_a_newer_schema_is_not_touched(here: Services) -> None:
    with here.store.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Unfit, match="newer"):
        here.store.open()


def wholly_other(path: Path) -> None:
    path.write_bytes(b"not a database, however long " * 200)


def one_page_lost(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * 4096)


@pytest.mark.parametrize("damage", [wholly_other, one_page_lost])
def test_a_damaged_database_is_not_served(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    path = tmp_path / "central.db"
    store = Store(f"sqlite:///{path}")
    store.open()
    store.close()
    damage(path)
    with pytest.raises(Unfit, match=r"central\.db") as refused:
        store.open()
    store.close()
    assert refused.value.code == "database.damaged"


def test_a_database_that_cannot_be_written_says_what_to_look_at(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/not-there/central.db")
    with pytest.raises(Unfit, match="unable to open") as refused:
        store.open()
    store.close()
    assert refused.value.code == "database.unusable"


def test_a_database_that_this_version_does_not_know_is_refused() -> None:
    with pytest.raises(Unfit, match="sqlite"):
        make_engine("mysql://localhost/siaga")
