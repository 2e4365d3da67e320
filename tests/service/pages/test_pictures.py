"""What was on air, on a session's page: what has arrived, and only for whom the report is."""

from __future__ import annotations

from pathlib import Path

from tests.service.pages.office import application, busy, office_in, photo, visitor


async def test_a_picture_that_has_arrived_is_shown_and_one_that_has_not_is_said(tmp_path: Path) -> None:
    name, content = photo()
    with office_in(tmp_path) as office:
        session, _ = busy(office)
        app = application(office)
        async with visitor(app, office, "bidang") as officer:
            page = (await officer.get(f"/sesi/{session}")).text
            assert f"/sesi/{session}/gambar/{name}" in page
            assert f"/sesi/{session}/gambar/{'cd' * 32}" not in page
            assert "dikirim begitu ada jaringan" in page
            picture = await officer.get(f"/sesi/{session}/gambar/{name}")
            assert (picture.content, picture.headers["content-type"]) == (content, "image/jpeg")
            assert (await officer.get(f"/sesi/{session}/gambar/{'cd' * 32}")).status_code == 404
            assert (await officer.get(f"/sesi/{session}/gambar/{'ef' * 32}")).status_code == 404
            paper = (await officer.get(f"/sesi/{session}/laporan.pdf")).content
            assert paper.startswith(b"%PDF")
        async with visitor(app, office) as stranger:
            assert (await stranger.get(f"/sesi/{session}/gambar/{name}")).status_code in {303, 401}
