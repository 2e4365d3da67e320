"""No list asks the database more often when it is longer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, time
from pathlib import Path

import pytest
import sqlalchemy as sa

from central.domain.findings import Verdict
from tests.service.pages.office import Office, application, held, office_in, visitor

LISTS = {
    "bidang": ("/kotak-masuk?kata=disetujui", "/permohonan", "/permohonan?cari=a&dari=2026-11-01",
               "/jadwal?hari=2026-11-09", "/dinding", "/ruang", "/laporan", "/pesan",
               "/jadwal/terlayani?hari=2026-11-09", "/api/v1/requests", "/api/v1/sessions", "/api/v1/requests?q=a",
               "/api/v1/rooms", "/api/v1/reports", "/api/v1/messages", "/api/v1/staff", "/api/v1/equipment",
               "/api/v1/accounts", "/api/v1/agencies", "/api/v1/displacements", "/api/v1/inbox", "/api/v1/feeds",
               "/api/v1/rooms/praja-1/journal", "/api/v1/availability?day=2026-11-09",
               "/api/v1/servable?day=2026-11-09", "/api/v1/calendar?first=2026-11-01&last=2026-11-30"),
    "kadis": ("/kotak-masuk?kata=diteruskan", "/waktu", "/penggeseran", "/pendelegasian", "/api/v1/delegations",
              "/api/v1/punctuality?since=2026-11-01T00:00:00Z", "/api/v1/inbox"),
    "admin": ("/kelola/rooms", "/kelola/staff", "/kalender", "/audit", "/api/v1/audit", "/api/v1/people",
              "/api/v1/me/logins", "/api/v1/rooms/praja-1/commands"),
    "pemohon": ("/permohonan", "/api/v1/requests", "/api/v1/drafts"),
}  # fmt: skip


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with office_in(tmp_path) as office:
        yield office


@contextmanager
def counted(office: Office) -> Iterator[list[str]]:
    said: list[str] = []

    def count(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        said.append(statement)

    engine = office.services.store.engine
    sa.event.listen(engine, "before_cursor_execute", count)
    try:
        yield said
    finally:
        sa.event.remove(engine, "before_cursor_execute", count)


async def cost(office: Office, login: str) -> dict[str, int]:
    found = {}
    async with visitor(application(office), office, login) as client:
        for path in LISTS[login]:
            with counted(office) as said:
                assert (await client.get(path)).status_code == 200, path
            found[path] = len(said)
    return found


def more(office: Office, number: int) -> None:
    day = date(2026, 11, 9 + number)
    office.request(f"Menunggu {number}", day=day)
    office.forwarded(office.request(f"Diteruskan {number}", day=day, start=time(13)))
    ready = office.approved(office.request(f"Disetujui {number}", day=day, room="praja-2"), "rina")
    assert ready.session_id is not None
    held(office, ready.session_id)


@pytest.mark.parametrize("login", list(LISTS))
async def test_a_longer_list_asks_no_more(office: Office, login: str) -> None:
    more(office, 0)
    await cost(office, login)  # what is read once and kept
    few = await cost(office, login)
    for number in range(1, 5):
        more(office, number)
    assert await cost(office, login) == few


def test_the_inbox_says_the_same_as_each_verification(office: Office) -> None:
    office.approved(office.request("Rapat", start=time(9)), "rina")
    for start, room in ((time(9), "praja-1"), (time(14), "praja-1"), (time(9), "praja-2"), (time(20), "praja-2")):
        office.forwarded(office.request(f"{room} {start}", start=start, room=room))
    items = office.services.desk.inbox(office.person("bidang")).items
    single = {item.request.id: office.services.desk.verify(item.request).verdict for item in items}
    assert {item.request.id: item.verdict for item in items} == single
    assert Verdict.FAIL in single.values()
    assert len(set(single.values())) > 1
