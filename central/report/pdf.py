"""The execution report on paper: facts to a PDF that an office can file.

Texts reach typst as a JSON file and are set as text, never read as markup. The fonts are
typst's own and the one that comes with matplotlib, so that every machine makes the same bytes.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import typst

from central.report import words
from central.report.content import Clock, content
from contract.report import ExecutionReport, LevelPoint
from webui.charts import Stretch, level_chart, timing_chart

LEAST_SHOWN = timedelta(milliseconds=200)
"""A shorter stretch would vanish from the picture of a session."""

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


@dataclass(frozen=True, slots=True)
class Office:
    """Who files the report: the letterhead and the line above the signatures."""

    government: str = "Pemerintah Provinsi Kalimantan Barat"
    name: str = "Dinas Komunikasi dan Informatika"
    address: tuple[str, ...] = ()
    place: str = "Pontianak"
    approver: str = "Kepala Bidang Pelaksana"


def render(report: ExecutionReport, *, office: Office | None = None) -> bytes:
    """Return `report` as a tagged PDF in Indonesian; the same report gives the same bytes.

    Raises:
        TypeError: typst gave something else than one document.
        ModuleNotFoundError: the font's package is not installed.
    """
    pictures = _pictures(report)
    facts = content(report) | {
        "title": report.title,
        "office": asdict(office or Office()),
        "pictures": [{"file": name, "says": says} for name, says, _ in pictures],
        "footer": f"Laporan {report.id} rev. {report.report_rev}",
        "journal": f"Jurnal {report.stream} nomor {report.first_seq}\N{EN DASH}{report.last_seq}",
    }
    sources = {name: svg.encode() for name, _, svg in pictures}
    sources["main"] = (files("central.report") / "laporan.typ").read_bytes()
    sources["laporan.json"] = json.dumps(_printable(facts), ensure_ascii=False).encode()
    made = typst.compile(
        sources,
        format="pdf",
        font_paths=[_matplotlib_fonts()],
        ignore_system_fonts=True,
        pdf_standards=["ua-1"],
        timestamp=int(report.at.timestamp()),
    )
    if not isinstance(made, bytes):
        raise TypeError(f"typst: wanted one PDF, got {type(made).__name__}")
    return made


def _printable(part: object) -> object:
    """Return `part` without control and direction marks, which no paper shows and which could reorder a line."""
    if isinstance(part, str):
        return _UNPRINTABLE.sub(" ", part)
    if isinstance(part, dict):
        return {name: _printable(inner) for name, inner in part.items()}
    if isinstance(part, list | tuple):
        return [_printable(inner) for inner in part]
    return part


def _matplotlib_fonts() -> str:
    """Return where DejaVu Sans lies, without the second that importing matplotlib takes.

    Raises:
        ModuleNotFoundError: matplotlib is not installed.
    """
    spec = find_spec("matplotlib")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("matplotlib is wanted for the report's font, install siaga[central]")
    return str(Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf")


def _pictures(report: ExecutionReport) -> list[tuple[str, str, str]]:
    """Return the report's pictures: file name, what it shows in words, SVG."""
    clock = Clock.of(report.time_zone)
    made: list[tuple[str, str, str]] = []
    if len(report.levels) > 1:
        made.append(("kadar.svg", _loudness(report.levels), _levels(report.levels, clock)))
    if stretches := _stretches(report):
        svg = timing_chart(stretches, title="Waktu kerja perangkat", zone=clock.zone)
        made.append(("langkah.svg", "Kapan setiap prasetel berjalan dan bagaimana hasilnya.", svg))
    return made


def _levels(levels: tuple[LevelPoint, ...], clock: Clock) -> str:
    lines = {
        "puncak": [(point.at, point.peak_dbfs) for point in levels],
        "rata-rata": [(point.at, point.rms_dbfs) for point in levels],
    }
    return level_chart(lines, title="Kadar mikrofon", unit="dBFS", zone=clock.zone)


def _loudness(levels: tuple[LevelPoint, ...]) -> str:
    loudest = words.value(round(max(point.peak_dbfs for point in levels), 1))
    return f"Kadar mikrofon selama sesi; puncak tertinggi {loudest} dBFS dari {len(levels)} pengukuran."


def _stretches(report: ExecutionReport) -> list[Stretch]:
    drawn = [
        Stretch(
            words.label(run.label, run.preset),
            run.started_at,
            _end(run.started_at, run.ended_at),
            tone="ready" if run.good else "fault",
        )
        for run in report.runs
        if run.ended_at
    ]
    if drawn and report.started_at and report.ended_at:
        drawn.append(Stretch("Acara", report.started_at, _end(report.started_at, report.ended_at)))
    return drawn


def _end(start: datetime, end: datetime | None) -> datetime:
    return max(end or start, start + LEAST_SHOWN)
