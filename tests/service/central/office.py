"""An office on a fresh database: people without log-in, two rooms, two technicians, a clock that is set."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from central.db import tables as t
from central.db.store import Store
from central.desk import Desk
from central.domain.words import Role
from central.model import Agency, Contact, Decision, Direction, Draft, Person, Request, Upload
from central.seed import AGENCIES, OPERATORS, add_rooms, example_room
from central.services import Services, make_services
from central.settings import BrokerSettings, CentralFile, CentralSettings, load

CONFIGS = Path(__file__).parents[3] / "configs"
NOW = datetime(2026, 11, 2, 2, tzinfo=UTC)
STARTS = datetime(2026, 11, 6, 6, tzinfo=UTC)  # Friday 13.00 in Pontianak
PDF = Upload("surat.pdf", b"%PDF-1.7\nletter")
DINSOS = Agency("dinsos", "Dinas Sosial", "Dinsos")
PEOPLE = {
    role: Person(
        role.value, role.value, role.value.title(), frozenset({role}), DINSOS if role is Role.APPLICANT else None
    )
    for role in Role
}
APPLICANT, HEAD, VERIFIER = PEOPLE[Role.APPLICANT], PEOPLE[Role.HEAD], PEOPLE[Role.VERIFIER]
STRANGER = replace(APPLICANT, id="stranger", login="stranger", agency=Agency("dinkes", "Dinas Kesehatan", "Dinkes"))


def settings_in(folder: Path, database: str | None = None) -> CentralSettings:
    """Return the shipped policy with everything else in `folder`, the database too when none is named."""
    file = CentralFile(
        listen="127.0.0.1:0",
        data=folder,
        database=database,
        policy=Path("policy.yaml"),
        broker=BrokerSettings(listen="127.0.0.1:0"),
    )
    return CentralSettings(folder, file, load(CONFIGS / "central.yaml").policy)


@contextmanager
def office(
    folder: Path, database: str | None = None, *, now: Callable[[], datetime] = lambda: NOW
) -> Iterator[Services]:
    """Open a filled office; its clock stands at `NOW`."""
    services = make_services(settings_in(folder, database), now=now)
    with services.store.writing() as connection:
        connection.execute(t.agency.insert(), [{"id": i, "name": n, "short": s} for i, n, s in AGENCIES])
        add_rooms(connection, (example_room("praja-1"), example_room("praja-2")))
        connection.execute(t.operator.insert(), [{"id": i, "name": n, "active": True} for i, n in OPERATORS])
        for person in (*PEOPLE.values(), STRANGER):
            agency = person.agency.id if person.agency else None
            row = {"id": person.id, "login": person.login, "name": person.name, "agency_id": agency, "active": True}
            connection.execute(t.person.insert(), row)
    try:
        yield services
    finally:
        services.store.close()


def drop_guard(store: Store) -> None:
    """Take away what makes double bookings impossible, as a migration with a fault would."""
    on_sqlite = ("DROP TRIGGER alloc_no_overlap_insert", "DROP TRIGGER alloc_no_overlap_update")
    with store.writing() as connection:
        for statement in ("ALTER TABLE alloc DROP CONSTRAINT alloc_overlap",) if store.is_postgres else on_sqlite:
            connection.exec_driver_sql(statement)


def draft(title: str = "Bimtek SP4N-LAPOR", *, starts: datetime = STARTS, room_id: str = "praja-1") -> Draft:
    """Return a draft in order."""
    return Draft(
        agency_id="dinsos",
        letter_number="005/881/Dinsos",
        letter_date=date(2026, 11, 1),
        letter_subject="Permohonan",
        contact=Contact("Budi", "0812"),
        title=title,
        starts=starts,
        ends=starts + timedelta(hours=2),
        room_id=room_id,
        participants=30,
        platform="zoom",
        own_equipment="Laptop",
        own_people="Budi",
    )


def disposed(desk: Desk, wanted: Draft | None = None) -> Request:
    """Return a request that waits for the division."""
    request = desk.submit(wanted or draft(), PDF, APPLICANT)
    return desk.dispose(request.id, Direction(accept=True), HEAD)


def approval(operator_id: str = "rina", **more: str) -> Decision:
    """Return an approval."""
    return Decision(approve=True, operator_id=operator_id, **more)
