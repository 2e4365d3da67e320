"""The execution report on paper: facts to a PDF that an office can file.

Texts reach typst as JSON beside the template and are set as text, never read as markup. The fonts are
typst's own and the one that comes with matplotlib, so that every machine makes the same bytes.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from datetime import datetime
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

import typst

from central.chain import Worth
from central.report import words
from central.report.content import Clock, chain, content
from central.settings import Office
from contract.evidence import Picture
from contract.report import ExecutionReport, LevelPoint, ReportedStep
from webui.charts import Bar, bar_chart, health_chart, level_chart

MOST_BARS = 8
TONES = {"ok": "ready", "degraded": "degraded", "fault": "fault", "absent": "fault"}
PHOTO_SIZE = 640, 360

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")

_LONG = re.compile(r"\S{30}(?=\S)")
MAY_BREAK = "\u200b"
"""Set into words without an end, which would run off the paper."""


def render(
    report: ExecutionReport,
    photos: Mapping[str, bytes] = MappingProxyType({}),
    *,
    gone: Mapping[str, datetime] = MappingProxyType({}),
    office: Office | None = None,
    worth: Worth | None = None,
) -> bytes:
    """Return `report` as a tagged PDF in Indonesian; the same report gives the same bytes.

    `photos` are those of the report's pictures that have arrived, JPEG by their SHA-256,
    `gone` those that were erased, and when. `worth` says what its journal entries are worth.

    Raises:
        ModuleNotFoundError: the font's package is not installed.
    """
    pictures, taken = _pictures(report), _photos(report, photos)
    facts = content(report) | {
        "title": report.title,
        "office": (office or Office()).model_dump(),
        "pictures": [{"file": name, "says": says} for name, says, _ in pictures],
        "photos": [{"file": name, "says": says} for name, says, _ in taken],
        "gone": _erased(report, gone),
        "footer": f"Laporan {report.id} rev. {report.report_rev}",
        "chain": chain(report, worth),
        "journal": f"Jurnal {report.stream} nomor {report.first_seq}\N{EN DASH}{report.last_seq}",
    }
    inputs = {name: svg for name, _, svg in (*pictures, *taken)}
    inputs["laporan"] = json.dumps(_printable(facts), ensure_ascii=False)
    return typst.compile(
        (files("central.report") / "laporan.typ").read_bytes(),
        format="pdf",
        font_paths=typst.Fonts(include_system_fonts=False, font_paths=[_matplotlib_fonts()]),
        sys_inputs=inputs,
        pdf_standards="ua-1",
        timestamp=int(report.at.timestamp()),
    )


def _printable(part: object) -> object:
    """Return `part` without control and direction marks, which no paper shows and which could reorder a line."""
    if isinstance(part, str):
        return _LONG.sub(r"\g<0>" + MAY_BREAK, _UNPRINTABLE.sub(" ", part))
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
    if report.health:
        made.append(("perangkat.svg", _troubled(report), _health(report, clock)))
    if bars := _bars(report):
        svg = bar_chart(bars, title="Lama langkah otomatis", unit="detik")
        made.append(("langkah.svg", f"Lama {len(bars)} langkah otomatis yang terpanjang.", svg))
    return made


def _photos(report: ExecutionReport, photos: Mapping[str, bytes]) -> list[tuple[str, str, str]]:
    """Return what was on air, as `_pictures` does; what has not arrived is not shown."""
    clock = Clock.of(report.time_zone)
    return [
        (f"{one.moment}.svg", _on_air(one, clock), _framed(photos[one.sha256]))
        for one in report.pictures
        if one.sha256 in photos
    ]


def _erased(report: ExecutionReport, gone: Mapping[str, datetime]) -> list[str]:
    """Return what is said in place of pictures that were erased; their hashes are still known."""
    clock = Clock.of(report.time_zone)
    return [
        f"{_on_air(one, clock)} Gambar dihapus pada {clock.day(gone[one.sha256])}, pada akhir masa simpannya. "
        f"SHA-256: {one.sha256}"
        for one in report.pictures
        if one.sha256 in gone
    ]


def _on_air(one: Picture, clock: Clock) -> str:
    moment = words.MOMENTS.get(one.moment, one.moment)
    return f"{moment}, pukul {clock.time(one.at, seconds=True)} {clock.name(one.at)}: {one.scene}."


def _framed(jpeg: bytes) -> str:
    """Return a photo as SVG, which reaches typst as text; one that cannot be read leaves an empty frame."""
    width, height = PHOTO_SIZE
    link = f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">'
        f'<rect width="{width}" height="{height}" fill="#e8e8e8"/>'
        f'<image width="{width}" height="{height}" href="{link}"/></svg>'
    )


def _levels(levels: tuple[LevelPoint, ...], clock: Clock) -> str:
    lines = {
        "puncak": [(point.at, point.peak_dbfs) for point in levels],
        "rata-rata": [(point.at, point.rms_dbfs) for point in levels],
    }
    return level_chart(lines, title="Kadar mikrofon", unit="dBFS", zone=clock.zone)


def _health(report: ExecutionReport, clock: Clock) -> str:
    lanes = {
        words.device(one.device)[:24]: [(span.at, TONES.get(span.condition, "offline")) for span in one.spans]
        for one in report.health
    }
    return health_chart(lanes, until=report.ended_at or report.planned_end, title="Keadaan perangkat", zone=clock.zone)


def _troubled(report: ExecutionReport) -> str:
    """Return the health picture in words: which devices were not well, and how often."""
    counts = {one.device: sum(span.condition != "ok" for span in one.spans) for one in report.health}
    told = ", ".join(f"{words.device(name)} {count} kali" for name, count in counts.items() if count)
    found = f"terganggu: {told}" if told else "tanpa gangguan"
    return f"Keadaan {len(counts)} perangkat selama sesi, {found} (hijau baik, kuning terbatas, merah gangguan)."


def _loudness(levels: tuple[LevelPoint, ...]) -> str:
    loudest = words.value(round(max(point.peak_dbfs for point in levels), 1))
    return f"Kadar mikrofon selama sesi; puncak tertinggi {loudest} dBFS dari {len(levels)} pengukuran."


def _bars(report: ExecutionReport) -> list[Bar]:
    """Return how long each step took, the longest ones only: more would not be readable."""
    steps = [step for run in report.runs for step in run.steps if step.duration is not None]
    longest = sorted(steps, key=_seconds, reverse=True)[:MOST_BARS]
    return [
        Bar(
            f"{words.device(step.device)[:24]}: {words.VERBS.get(step.verb, step.verb)}",
            round(_seconds(step), 2),
            "ready" if step.outcome.good else "fault",
        )
        for step in longest
    ]


def _seconds(step: ReportedStep) -> float:
    return step.duration.total_seconds() if step.duration is not None else 0.0
