"""What a session's page and paper say of the presets that ran: their values, their steps and how each ended."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.service.pages.office import application, busy, office_in, visitor
from tests.service.pages.test_revisions import text_of

SAID = {
    "id": (
        "Podium",
        "posisi: 3",
        "terang: hidup",
        "Rina",
        "terbukti",
        "1,5 s",
        "1 dari 2 langkah baik",
        "tidak tuntas",
    ),
    "en": ("Lectern", "posisi: 3", "terang: on", "Rina", "verified", "1.5 s", "1 of 2 steps good", "not completed"),
}


@pytest.mark.parametrize("language", ["id", "en"])
async def test_the_page_says_what_presets_were_told_and_how_each_step_ended(tmp_path: Path, language: str) -> None:
    with office_in(tmp_path) as office:
        session, _ = busy(office)
        async with visitor(application(office), office, "bidang") as officer:
            page = (await officer.get(f"/sesi/{session}?lang={language}")).text
    for wanted in SAID[language]:
        assert wanted in page, wanted
    (why,) = re.findall(r"<span class=.evidence.>[^<]*<br>([^<]+)</span>", page)
    assert "6 dB" in why


async def test_the_paper_says_the_same(tmp_path: Path) -> None:
    with office_in(tmp_path) as office:
        session, _ = busy(office)
        async with visitor(application(office), office, "bidang") as officer:
            paper = text_of((await officer.get(f"/sesi/{session}/laporan.pdf")).content)
    for wanted in ("Podium (posisi=3, terang=ya)", "selesai dan terbukti", "ditolak perangkat"):
        assert wanted in paper, wanted
