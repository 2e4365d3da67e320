from __future__ import annotations

import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from central.report.content import Clock, content, summary, timeline
from central.report.pdf import render
from central.report.words import fault
from central.settings import Office
from contract.evidence import Picture
from contract.messages import Fault
from contract.report import ExecutionReport
from tests.rules.report.samples import NINE, RUN, missed, rich

needs_pdftotext = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler-utils is not installed")


def text_of(report: ExecutionReport, folder: Path, office: Office | None = None) -> str:
    file = folder / "laporan.pdf"
    file.write_bytes(render(report, office=office))
    done = subprocess.run(["pdftotext", "-layout", file, "-"], capture_output=True, check=True, timeout=20)
    return " ".join(done.stdout.decode().split())


def said(report: ExecutionReport) -> str:
    return " ".join(summary(report, Clock.of(report.time_zone)))


def test_summary_tells_punctuality_readiness_steps_and_incidents() -> None:
    told = said(rich())
    assert "dimulai pukul 09.04 WIB (4 menit lebih lambat dari rencana)" in told
    assert "selesai pukul 10.30 (sesuai rencana), berlangsung 1 jam 26 menit" in told
    assert "siap dengan catatan: 1 dari 3 perangkat baik" in told
    assert "1 dari 2 langkah" in told
    assert "tidak ada gangguan yang tersisa" in told


def test_summary_of_a_missed_session_claims_nothing() -> None:
    told = said(missed())
    assert "tidak dilaksanakan" in told
    assert "tidak diukur" in told
    assert "telah dilaksanakan" not in told


@pytest.mark.parametrize(
    ("zone", "name", "time"),
    [("Asia/Pontianak", "WIB", "09.00"), ("Asia/Makassar", "WITA", "10.00"), ("Asia/Jayapura", "WIT", "11.00")],
)
def test_moments_are_shown_in_the_rooms_zone(zone: str, name: str, time: str) -> None:
    clock = Clock.of(zone)
    assert (clock.name(NINE), clock.time(NINE)) == (name, time)


def test_reasons_are_indonesian_and_unknown_ones_keep_their_detail() -> None:
    assert fault(Fault(code="camera.no_answer", detail="x")) != "x"
    assert fault(Fault(code="new.code", detail="plain English")) == "plain English"


def test_every_verdict_has_a_word_and_a_shape() -> None:
    certificate = content(rich())["certificate"]
    assert isinstance(certificate, dict)
    verdicts = [row[3] for device in certificate["devices"] for row in device["measures"]]
    limits = [row[2] for device in certificate["devices"] for row in device["measures"]]
    assert limits[2] == "kemiripan dengan yang diputar ≥ 0,15"
    assert verdicts == ["● memenuhi", "▲ perhatian", "○ belum terbukti"]


def test_a_preset_is_named_with_what_it_was_told(tmp_path: Path) -> None:
    told = RUN.model_copy(update={"label": {"id": "Podium"}, "values": {"meja": 2, "lambat": True}})
    report = rich().model_copy(update={"runs": (told,)})
    clock = Clock.of(report.time_zone)
    assert any("Podium (meja=2, lambat=ya)" in row[1] for row in timeline(report, clock))
    if shutil.which("pdftotext") is not None:
        assert "Podium (meja=2, lambat=ya) — pukul" in text_of(report, tmp_path)


def test_the_same_report_gives_the_same_bytes() -> None:
    assert render(rich()) == render(rich())


@needs_pdftotext
def test_a_picture_that_was_erased_is_said_with_its_hash(tmp_path: Path) -> None:
    shown = Picture(at=NINE, moment="start", device="obs", scene="Kamera", sha256="ab" * 32, size_bytes=9)
    report = rich().model_copy(update={"pictures": (shown,)})
    file = tmp_path / "laporan.pdf"
    file.write_bytes(render(report, gone={shown.sha256: NINE + timedelta(days=731)}))
    done = subprocess.run(["pdftotext", "-layout", file, "-"], capture_output=True, check=True, timeout=20)
    text = " ".join(done.stdout.decode().split())
    assert "Gambar dihapus pada" in text
    assert "pada akhir masa simpannya" in text
    assert "ab" * 32 in "".join(c for c in text if c.isalnum())
    assert "Gambar dihapus" not in text_of(report, tmp_path)


@needs_pdftotext
def test_paper_holds_the_facts(tmp_path: Path) -> None:
    text = text_of(rich(), tmp_path, Office(address=("Jalan Contoh 1",)))
    for fact in (
        "PEMERINTAH PROVINSI KALIMANTAN BARAT",
        "Jalan Contoh 1",
        "FASILITASI VIDEO CONFERENCE",
        "555/467/Diskominfo-D",
        "Selasa, 3 November 2026",
        "09.00\N{EN DASH}10.30 WIB",
        "Gubernur",
        "12,25 ms",
        "≤ 200 ms",
        "selesai dan terbukti",
        "Papan nama terpasang",
        "Jurnal praja-1-a nomor 12\N{EN DASH}240",
        "Halaman 1 dari",
        "Mengetahui",
    ):
        assert fact in text


@needs_pdftotext
def test_the_letterhead_is_the_offices(tmp_path: Path) -> None:
    office = Office(government="Pemerintah Kota Contoh", name="Dinas Contoh", place="Contoh", approver="Kepala Dinas")
    text = text_of(rich(), tmp_path, office)
    for told in ("PEMERINTAH KOTA CONTOH", "DINAS CONTOH", "Contoh, ", "Kepala Dinas"):
        assert told in text
    assert "KALIMANTAN" not in text


@needs_pdftotext
def test_paper_of_a_missed_session_says_so(tmp_path: Path) -> None:
    text = text_of(missed(), tmp_path)
    assert "tidak dilaksanakan" in text
    assert "Pemeriksaan kesiapan tidak dilakukan" in text
    assert "Grafik" not in text


@needs_pdftotext
@pytest.mark.parametrize(
    "title",
    ['#panic("x") $x^2$ *b* @a <l> \\ ', '#read("/etc/passwd")', "rapat 😀 penting", "شريط \u202egnitar"],
)
def test_titles_are_text_never_markup(title: str, tmp_path: Path) -> None:
    text = text_of(rich(title=title, agency=title), tmp_path)
    assert "root:" not in text
    assert title.split(maxsplit=1)[0] in text or not title.isascii()


def test_the_longest_title_still_makes_a_report() -> None:
    assert render(rich(title="W" * 2000, agency="rapat " * 333)).startswith(b"%PDF")
