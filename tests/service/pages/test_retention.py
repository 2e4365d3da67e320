"""Pages, paper and API about what was erased at the end of its time."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from central.retention.eraser import Eraser
from tests.service.pages.office import NOW, application, busy, office_in, photo, visitor

YEARS = timedelta(days=6 * 366)


async def test_what_went_is_said_where_it_was(tmp_path: Path) -> None:
    name, _ = photo()
    with office_in(tmp_path) as office:
        session, _ = busy(office)
        for request in office.services.desk.requests(office.person("pemohon")):
            if request.state != "reported":
                office.services.desk.withdraw(request.id, "Batal", office.person("pemohon"))
        over = next(one for one in office.services.desk.requests(office.person("pemohon")) if one.session_id == session)
        came = (NOW.timestamp(), NOW.timestamp())
        os.utime(office.services.settings.folder / "evidence" / "praja-1" / name, came)
        app = application(office)
        async with visitor(app, office, "auditor") as auditor:
            assert "belum pernah dihapus" in (await auditor.get("/audit")).text
        async with visitor(app, office, "pemohon") as applicant:
            assert "/surat" in (await applicant.get(f"/permohonan/{over.id}")).text
        settings = office.services.settings
        stay = settings.policy.retention.model_copy(update={"log_ins": None})  # those of the visitors below
        later = replace(settings, policy=settings.policy.model_copy(update={"retention": stay}))
        letters, evidence = office.services.desk._letters, office.services.evidence
        Eraser(office.services.store, later, letters, evidence, now=lambda: NOW + YEARS).make()
        async with visitor(app, office, "auditor") as auditor:
            page = (await auditor.get("/audit")).text
            assert "karena lewat masa simpannya (surat: 1, gambar tayangan: 1" in page
            assert "1825 hari" in page
            assert "selamanya" in page
        async with visitor(app, office, "pemohon") as applicant:
            page = (await applicant.get(f"/permohonan/{over.id}")).text
            assert "berkasnya dihapus pada" in page
            assert "/surat" not in page
            assert "0812-0000-0000" not in page
            gone = await applicant.get(f"/permohonan/{over.id}/surat")
            assert gone.status_code == 410
            assert "sudah dihapus pada akhir masa simpannya" in gone.text
            api = await applicant.get(f"/api/v1/requests/{over.id}/letter")
            assert (api.status_code, api.json()["code"]) == (410, "letter.erased")
            assert (await applicant.get(f"/api/v1/requests/{over.id}")).json()["letter"]["file"]["erased_at"]
        async with visitor(app, office, "bidang") as officer:
            page = (await officer.get(f"/sesi/{session}")).text
            assert f"/gambar/{name}" not in page
            assert "pada akhir masa simpannya" in page
            assert (await officer.get(f"/sesi/{session}/gambar/{name}")).status_code == 410
            assert (await officer.get(f"/sesi/{session}/laporan.pdf")).content.startswith(b"%PDF")
