"""A report's revisions and what its journal is worth, on a session's page and on paper."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from central.ingest import Ingest
from contract import Entry, EntryBatch, EntryKind, ExecutionReport
from contract.chain import START, hash_of
from contract.report import Change
from tests.service.pages.office import Office, application, busy, office_in, visitor

pytestmark = pytest.mark.timeout(240)


def text_of(paper: bytes) -> str:
    if shutil.which("pdftotext") is None:
        pytest.skip("poppler-utils is not installed")
    done = subprocess.run(["pdftotext", "-", "-"], input=paper, capture_output=True, check=True, timeout=20)
    return done.stdout.decode()


def revise(office: Office, session: str, *, harmed: bool = False) -> ExecutionReport:
    """Let the room send a second revision, chained, or with an entry that somebody edited."""
    first = office.services.board.report(session, office.person("bidang"))
    note = Change(rev=2, kind=EntryKind.NOTE, at=first.at + timedelta(hours=1), who="Rina", text="Mikrofon dipinjam")
    report = first.model_copy(update={"id": "second", "report_rev": 2, "changes": (note,), "head_seq": 1})
    entries, before = [], START
    for seq, (kind, body) in enumerate(
        ((EntryKind.NOTE, {"text": note.text}), (EntryKind.REPORT, report.model_dump(mode="json"))), 1
    ):
        entry = Entry(
            seq=seq, id=f"r{seq}", kind=kind, at=note.at, mono_ms=seq, boot="b2", session=session, body=body,
            before=before, who="Rina",
        )  # fmt: skip
        before = hash_of("s2", json.loads(entry.model_dump_json()))
        entries.append(entry.model_copy(update={"hash": before, "who": "Ani" if harmed and seq == 1 else "Rina"}))
    ingest = Ingest(office.services.store, lambda: office.clock[0])
    ingest.take(first.room, "ev", EntryBatch(room=first.room, stream="s2", entries=tuple(entries)).encode())
    return report


async def test_every_revision_stays_and_the_page_says_what_changed_and_by_whom(tmp_path: Path) -> None:
    with office_in(tmp_path) as office:
        session, _ = busy(office)
        revise(office, session)
        async with visitor(application(office), office, "bidang") as officer:
            page = (await officer.get(f"/sesi/{session}")).text
            for wanted in ("laporan.pdf?rev=1", "laporan.pdf?rev=2", "Mikrofon dipinjam", "Rina", "Revisi 2"):
                assert wanted in page, wanted
            for rev, changes in ((1, 0), (2, 1)):
                told = (await officer.get(f"/api/v1/reports/{session}?rev={rev}")).json()
                assert (told["report_rev"], len(told["changes"])) == (rev, changes)
                assert (await officer.get(f"/sesi/{session}/laporan.pdf?rev={rev}")).content.startswith(b"%PDF")
            assert (await officer.get(f"/api/v1/reports/{session}")).json()["report_rev"] == 2
            assert (await officer.get(f"/sesi/{session}/laporan.pdf?rev=3")).status_code == 404
            worth = (await officer.get(f"/api/v1/reports/{session}/evidence")).json()
            assert (worth["revisions"], worth["faults"]) == ([1, 2], [])


async def test_evidence_that_does_not_fit_is_said_on_page_and_paper(tmp_path: Path) -> None:
    with office_in(tmp_path) as office:
        session, _ = busy(office)
        revise(office, session, harmed=True)
        async with visitor(application(office), office, "bidang") as officer:
            page = (await officer.get(f"/sesi/{session}")).text
            assert "Tidak cocok" in page
            assert "isinya tidak sesuai dengan sidik jarinya" in page
            paper = (await officer.get(f"/sesi/{session}/laporan.pdf")).content
    assert "TIDAK COCOK" in text_of(paper)


async def test_what_devices_were_worth_is_drawn_with_its_figures_beside_it(tmp_path: Path) -> None:
    with office_in(tmp_path) as office:
        session, _ = busy(office)
        async with visitor(application(office), office, "bidang") as officer:
            page = (await officer.get(f"/sesi/{session}")).text
            assert f"/sesi/{session}/perangkat.svg" in page
            drawn = await officer.get(f"/sesi/{session}/perangkat.svg")
            assert drawn.headers["content-type"] == "image/svg+xml"
            assert "Keadaan perangkat" in drawn.text
