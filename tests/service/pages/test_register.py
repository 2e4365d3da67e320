"""The pages of what the office has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.pages.office import Office, application, office_in, visitor


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with office_in(tmp_path) as office:
        yield office


CSV = {"content-type": "text/csv", "if-match": "*"}


async def test_each_table_is_shown_changed_and_saved(office: Office) -> None:
    async with visitor(application(office), office, "admin") as admin:
        overview = (await admin.get("/kelola")).text
        for name in ("rooms", "agencies", "equipment", "accounts", "staff", "shifts", "leave"):
            assert f"/kelola/{name}" in overview
            assert (await admin.get(f"/kelola/{name}")).status_code == 200
            assert (await admin.get(f"/kelola/{name}.csv")).content.startswith(b"\xef\xbb\xbf")
        form = (await admin.get("/kelola/equipment?ubah=laptop")).text
        assert 'value="Laptop presentasi"' in form
        wrong = await admin.post("/kelola/equipment", data={"id": "laptop-2", "name": "", "count": "x", "faulty": "0"})
        assert wrong.status_code == 422
        assert "seharusnya bilangan bulat dari 0 sampai 10000" in wrong.text
        right = {"id": "laptop", "name": "Laptop baru", "count": "5", "faulty": "0"}
        assert "Id ini sudah ada" in (await admin.post("/kelola/equipment", data=right)).text
        assert "Laptop baru" not in (await admin.get("/kelola/equipment")).text
        right |= {"editing": "yes"}
        assert (await admin.post("/kelola/equipment", data=right)).status_code == 303
        assert "Laptop baru" in (await admin.get("/kelola/equipment")).text
        assert (await admin.get("/kelola/nothing")).status_code == 404
        shift = {"operator_id": "rina", "weekday": "monday", "opens": "07:00", "closes": "15:00"}
        assert (await admin.post("/kelola/shifts", data=shift)).status_code == 303
        assert (await admin.post("/kelola/shifts/1/hapus")).status_code == 303
        assert office.services.register.counts()["shifts"] == 0


async def test_a_bad_file_is_answered_with_every_bad_cell_and_nothing_is_taken(office: Office) -> None:
    before = office.services.register.export("rooms")
    async with visitor(application(office), office, "bidang") as officer:
        content = "id,name,site,capacity,can_record,open,time_zone\npraja-1,Satu,,0,maybe,yes,Mars/Phobos\n"
        answer = await officer.post("/kelola/rooms/berkas", files={"file": ("rooms.csv", content, "text/csv")})
        assert answer.status_code == 422
        for shown in ("Baris 2, capacity", "Baris 2, can_record", "tertulis “Mars/Phobos”"):
            assert shown in answer.text
        assert office.services.register.export("rooms") == before
        api = await officer.put("/api/v1/register/rooms.csv", content=content, headers=CSV)
        assert api.status_code == 422
        assert {cell["column"] for cell in api.json()["cells"]} == {"capacity", "can_record", "time_zone"}
        good = before.replace("Ruang Rapat Praja I,", "Ruang Praja Satu,")
        api = await officer.put("/api/v1/register/rooms.csv", content=good, headers=CSV)
        assert (api.status_code, api.json()) == (200, {"taken": 3})
        assert "Ruang Praja Satu" in (await officer.get("/api/v1/register/rooms.csv")).text
    async with visitor(application(office), office, "pemohon") as applicant:
        assert (await applicant.get("/kelola/staff.csv")).status_code == 403


async def test_words_of_a_file_are_words_of_the_page_and_a_mistake_keeps_the_row_open(office: Office) -> None:
    async with visitor(application(office), office, "admin") as admin:
        page = (await admin.get("/kelola/rooms?ubah=praja-1")).text
        assert '<option value="yes" selected>Ya</option>' in page
        assert ">yes<" not in page
        wrong = {"id": "praja-1", "name": "", "capacity": "80", "can_record": "no", "open": "yes", "editing": "yes"}
        answer = await admin.post("/kelola/rooms", data=wrong)
        assert answer.status_code == 422
        assert "Ubah baris" in answer.text
        assert '<option value="no" selected>Tidak</option>' in answer.text
        assert '<option value="rina">Rina Marlina</option>' in (await admin.get("/kelola/shifts")).text
