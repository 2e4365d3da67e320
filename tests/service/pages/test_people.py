"""The pages of accounts: one's own log-ins and password, and everybody's for the administrator."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.pages.office import PASSWORD, Office, application, office_in, visitor


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with office_in(tmp_path) as office:
        yield office


async def test_the_administrator_adds_an_account_and_changes_its_roles(office: Office) -> None:
    async with visitor(application(office), office, "admin") as admin:
        bad = await admin.post("/pengguna", data={"login": "Salah!", "name": "", "active": "on"})
        assert bad.status_code == 422
        assert "Pilih satu peran" in bad.text
        typed = {"login": "kasi", "name": "Tuti", "new": "kata sandi pertama", "role-scheduler": "on", "active": "on"}
        made = await admin.post("/pengguna", data=typed)
        assert made.status_code == 303
        where = made.headers["location"].partition("?")[0]
        person, token = office.services.people.log_in("kasi", "kata sandi pertama")
        assert [role.value for role in person.roles] == ["scheduler"]
        assert "Tuti" in (await admin.get(where)).text
        changed = await admin.post(where, data={"name": "Tuti", "role-technician": "on", "active": "on"})
        assert changed.status_code == 303
        assert office.services.people.who(token) is None
        last = office.person("admin").id
        refused = await admin.post(f"/pengguna/{last}", data={"name": "Agus", "role-auditor": "on", "active": "on"})
        assert refused.status_code == 409


async def test_the_administrator_ends_somebodys_log_ins(office: Office) -> None:
    bidang = office.person("bidang")
    async with visitor(application(office), office, "admin") as admin:
        assert (await admin.post(f"/pengguna/{bidang.id}/log-masuk/akhiri")).status_code == 303
    assert office.services.people.who(office.token("bidang")) is None


async def test_somebody_ends_one_of_the_own_log_ins_and_nobody_elses(office: Office) -> None:
    _, second = office.services.people.log_in("bidang", PASSWORD)
    mine = office.services.people.log_ins(office.person("bidang").id, second)
    theirs = office.services.people.log_ins(office.person("kadis").id)[0]
    async with visitor(application(office), office, "bidang") as me:
        page = (await me.get("/akun")).text
        assert page.count("/akhiri") == 1
        assert (await me.post(f"/akun/log-masuk/{theirs.id}/akhiri")).status_code == 404
        other = next(one for one in mine if one.here)
        assert (await me.post(f"/akun/log-masuk/{other.id}/akhiri")).status_code == 303
    assert office.services.people.who(second) is None
    assert office.services.people.who(office.token("bidang")) is not None


async def test_a_password_is_changed_and_the_cookie_with_it(office: Office) -> None:
    new = "kata sandi yang panjang"
    async with visitor(application(office), office, "bidang") as me:
        unlike = await me.post("/akun/sandi", data={"old": PASSWORD, "new": new, "again": "x"})
        assert "Keduanya harus sama" in unlike.text
        wrong = await me.post("/akun/sandi", data={"old": "x", "new": new, "again": new})
        assert "Kata sandi ini tidak benar" in wrong.text
        changed = await me.post("/akun/sandi", data={"old": PASSWORD, "new": new, "again": new})
        assert changed.status_code == 303
        assert office.services.people.who(office.token("bidang")) is None
        token = changed.cookies["sid"]
    assert office.services.people.who(token) is not None


async def test_the_scheduler_prepares_and_decides_nothing(office: Office) -> None:
    record = office.forwarded(office.request())
    async with visitor(application(office), office, "penjadwal") as scheduler:
        page = (await scheduler.get(f"/kotak-masuk/{record.id}")).text
        assert record.title in page
        assert f"/kotak-masuk/{record.id}/putusan" not in page
        assert (await scheduler.post(f"/kotak-masuk/{record.id}/putusan")).status_code == 403
        for path in ("/kelola/shifts", "/jadwal/terlayani?hari=2026-11-09", "/penggeseran", "/waktu"):
            assert (await scheduler.get(path)).status_code == 200, path
        assert (await scheduler.get("/pengguna")).status_code == 403
