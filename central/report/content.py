"""What stands in a report, as plain text by section; the template only sets it on paper."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.dates import format_date

from central.chain import Worth
from central.domain.words import platform_name
from central.report import words
from contract.messages import Measured
from contract.report import (
    Certificate,
    CertifiedDevice,
    Change,
    ExecutionReport,
    Incident,
    RecordedFile,
    ReportedRun,
    ReportedStep,
)
from webui.limits import DASH

Row = list[str]
Content = dict[str, object]

ZONE_NAMES = {7: "WIB", 8: "WITA", 9: "WIT"}
"""Indonesia's three zones by their hours ahead of UTC."""

PUNCTUAL = timedelta(minutes=1)
"""A start or end this near the plan counts as on time."""

SHAPES = {"pass": "●", "warn": "▲", "fail": "■", "unproven": "○"}
"""A shape beside each verdict: prints are often black and white."""

CONDITION_SHAPES = {"ok": "●", "degraded": "▲", "fault": "■", "absent": "■"}


@dataclass(frozen=True, slots=True)
class Clock:
    """Moments as the room's people read them."""

    zone: tzinfo

    @classmethod
    def of(cls, name: str) -> Clock:
        """Return the clock of a time zone; one that this machine does not know reads as Asia/Pontianak."""
        try:
            return cls(ZoneInfo(name))
        except (ZoneInfoNotFoundError, ValueError):
            return cls(ZoneInfo("Asia/Pontianak"))

    def day(self, at: datetime) -> str:
        """Return `Selasa, 3 November 2026`."""
        return format_date(at.astimezone(self.zone), "EEEE, d MMMM y", locale="id")

    def time(self, at: datetime, *, seconds: bool = False) -> str:
        """Return `09.17` or `09.17.05`."""
        return at.astimezone(self.zone).strftime("%H.%M.%S" if seconds else "%H.%M")

    def name(self, at: datetime) -> str:
        """Return WIB, WITA or WIT, or the offset elsewhere."""
        offset = at.astimezone(self.zone).utcoffset() or timedelta()
        return ZONE_NAMES.get(int(offset.total_seconds() // 3600), at.astimezone(self.zone).strftime("UTC%z"))

    def span(self, start: datetime | None, end: datetime | None) -> str:
        """Return start, end and zone, with a dash for what never was."""
        if start is None:
            return "tidak dilaksanakan"
        short = end is not None and self.time(start) == self.time(end)
        until = self.time(end, seconds=short) if end else "?"
        if end and end.astimezone(self.zone).date() != start.astimezone(self.zone).date():
            until = f"{until} ({self.day(end)})"
        return f"{self.time(start, seconds=short)}\N{EN DASH}{until} {self.name(start)}"


def duration(span: timedelta) -> str:
    """Return a length of time in words: seconds below a minute, else hours and minutes."""
    seconds = abs(span.total_seconds())
    if 0 < seconds < 0.1:
        return "< 0,1 detik"
    if seconds < 60:
        return f"{words.value(round(seconds, 1))} detik"
    hours, minutes = divmod(round(seconds / 60), 60)
    return " ".join(part for part in (f"{hours} jam" if hours else "", f"{minutes} menit" if minutes else "") if part)


def content(report: ExecutionReport) -> Content:
    """Return everything that the template prints of `report`."""
    clock = Clock.of(report.time_zone)
    return {
        "zone": clock.name(report.planned_start),
        "identity": identity(report, clock),
        "summary": summary(report, clock),
        "certificate": _certificate(report.certificate, clock),
        "timeline": timeline(report, clock),
        "runs": [_run(run, clock) for run in report.runs],
        "incidents": [_incident(one, clock) for one in report.incidents],
        "recordings": [_recording(one, clock) for one in report.recordings],
        "checklist": [
            ["●" if tick.ticked_at else "○", words.label(tick.label, tick.id), _ticked(tick.ticked_at, tick.who, clock)]
            for tick in report.checklist
        ],
        "deviations": [
            [words.DEVIATIONS.get(d.code, d.code), _told(d.planned, clock), _told(d.actual, clock)]
            for d in report.deviations
        ],
        "changes": [_change(one, clock) for one in report.changes],
        "made": f"{clock.day(report.at)} pukul {clock.time(report.at)} {clock.name(report.at)}",
        "date": format_date(report.at.astimezone(clock.zone), "d MMMM y", locale="id"),
        "operator": ", ".join(report.operators),
    }


def chain(report: ExecutionReport, worth: Worth | None) -> list[str]:
    """Return what the journal entries behind the report are worth, and the hash that nothing can be cut off before."""
    told = []
    if report.head:
        told.append(f"SHA-256 entri nomor {report.head_seq} saat laporan ini disusun: {report.head}.")
    if worth is None:
        return told
    if worth.faults:
        faults = "; ".join(f"nomor {seq}: {words.CHAIN_HARMS.get(harm, harm)}" for seq, harm in worth.faults)
        return [f"Rantai jurnal TIDAK COCOK di pusat ({faults}).", *told]
    if worth.fits:
        return ["Rantai jurnal utuh: setiap entri diperiksa pusat saat diterima.", *told]
    return ["Rantai jurnal tidak terbukti: sistem ruang versi lama belum membuat sidik jari.", *told]


def _told(text: str, clock: Clock) -> str:
    """Return one side of a deviation: a moment as people here read it, anything else as it is."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text or DASH
    return f"{clock.time(at, seconds=True)} {clock.name(at)}" if at.tzinfo is not None else text


def _change(one: Change, clock: Clock) -> Row:
    what = ". ".join(filter(None, (words.INCIDENTS.get(one.kind, one.kind), one.text)))
    when = f"{format_date(one.at.astimezone(clock.zone), 'd MMMM y', locale='id')} {clock.time(one.at)}"
    return [str(one.rev), when, what, one.who or "sistem ruang"]


def identity(report: ExecutionReport, clock: Clock) -> list[Row]:
    """Return the table at the head: what, who, when, where."""
    return [
        ["Nomor surat", report.letter or DASH],
        ["Acara", report.title],
        ["Perangkat daerah", report.agency],
        ["Hari, tanggal", clock.day(report.planned_start)],
        ["Waktu rencana", clock.span(report.planned_start, report.planned_end)],
        ["Waktu pelaksanaan", clock.span(report.started_at, report.ended_at)],
        ["Ruang", report.room_name],
        ["Platform", platform_name(report.platform) if report.platform else DASH],
        ["Petugas", ", ".join(report.operators) or DASH],
        ["Pimpinan", words.LEADERS.get(report.leader, report.leader) if report.leader else DASH],
    ]


def summary(report: ExecutionReport, clock: Clock) -> list[str]:
    """Return the report in a few sentences, computed from its facts only."""
    return [_carried_out(report, clock), _readiness(report.certificate, clock), _steps(report.runs), _troubles(report)]


def _carried_out(report: ExecutionReport, clock: Clock) -> str:
    event = f"Video conference di {report.room_name} pada {clock.day(report.planned_start)}"
    if not report.carried_out or report.started_at is None:
        return f"{event} tidak dilaksanakan."
    start = f"{event} telah dilaksanakan; dimulai pukul {clock.time(report.started_at)} {clock.name(report.started_at)}"
    start += f" ({_against(report.started_at - report.planned_start)})"
    if report.ended_at is None:
        return f"{start}. Waktu selesai tidak tercatat."
    length = duration(report.ended_at - report.started_at)
    end = f"selesai pukul {clock.time(report.ended_at)} ({_against(report.ended_at - report.planned_end)})"
    return f"{start} dan {end}, berlangsung {length}."


def _against(difference: timedelta) -> str:
    if abs(difference) < PUNCTUAL:
        return "sesuai rencana"
    return f"{duration(difference)} {'lebih lambat' if difference > timedelta() else 'lebih awal'} dari rencana"


def _readiness(certificate: Certificate | None, clock: Clock) -> str:
    if certificate is None:
        return "Kesiapan ruang tidak diukur sebelum acara."
    verdict = words.READINESS.get(certificate.readiness, certificate.readiness)
    good = sum(device.condition == "ok" for device in certificate.devices)
    at = f"pukul {clock.time(certificate.at)} {clock.name(certificate.at)}"
    return f"Pada pemeriksaan {at} ruang dinyatakan {verdict}: {good} dari {len(certificate.devices)} perangkat baik."


def _steps(runs: tuple[ReportedRun, ...]) -> str:
    steps = [step for run in runs for step in run.steps]
    if not steps:
        return "Tidak ada langkah otomatis yang dijalankan."
    good = sum(step.outcome.good for step in steps)
    return f"Sebanyak {good} dari {len(steps)} langkah pada {len(runs)} prasetel berhasil."


def _troubles(report: ExecutionReport) -> str:
    count = len(report.incidents)
    if not count:
        return "Tidak ada insiden yang tercatat."
    open_ones = sum(one.resolved_at is None and one.kind != "note.added" for one in report.incidents)
    rest = f"{open_ones} di antaranya belum teratasi" if open_ones else "tidak ada gangguan yang tersisa"
    return f"Tercatat {count} insiden atau catatan; {rest}."


def _certificate(certificate: Certificate | None, clock: Clock) -> Content | None:
    if certificate is None:
        return None
    return {
        "at": f"{clock.time(certificate.at, seconds=True)} {clock.name(certificate.at)}",
        "verdict": words.READINESS.get(certificate.readiness, certificate.readiness),
        "reasons": [words.fault(reason) for reason in certificate.reasons],
        "devices": [_device(device) for device in certificate.devices],
    }


def _device(device: CertifiedDevice) -> Content:
    return {
        "name": words.device(device.name),
        "kind": words.KINDS.get(device.kind, device.kind),
        "required": "wajib" if device.required else "tambahan",
        "condition": f"{CONDITION_SHAPES[device.condition]} {words.CONDITIONS[device.condition]}",
        "reason": words.fault(device.reason),
        "measures": [_measure(one) for one in device.measures],
    }


def _measure(one: Measured) -> Row:
    return [
        words.measure(one.name),
        words.measured(one.value, one.unit),
        words.limit(one.limit) or DASH,
        f"{SHAPES[one.verdict]} {words.VERDICTS[one.verdict]}",
        words.fault(one.reason),
    ]


def timeline(report: ExecutionReport, clock: Clock) -> list[Row]:
    """Return what happened in order of time: time, what, by what or whom."""
    moments = [(m.at, words.PHASES.get(m.phase, m.phase), _cause(m.cause, m.who)) for m in report.moves]
    for run in report.runs:
        name = f"Prasetel “{_preset(run)}”"
        moments.append((run.started_at, f"{name} dijalankan", _cause(run.cause, run.who)))
        if run.ended_at:
            moments.append((run.ended_at, f"{name} {'selesai' if run.good else 'berakhir dengan kegagalan'}", DASH))
    if report.certificate:
        moments.append((report.certificate.at, "Kesiapan ruang diukur", "sistem ruang"))
    for one in report.incidents:
        name = words.INCIDENTS.get(one.kind, one.kind)
        moments.append(
            (one.at, " \N{EN DASH} ".join(filter(None, (name, words.device(one.device)))), one.who or "sistem ruang")
        )
    return [[clock.time(at, seconds=True), what, who] for at, what, who in sorted(moments, key=lambda m: m[0])]


def _cause(cause: str, who: str) -> str:
    named = words.CAUSES.get(cause, cause)
    return f"{named} ({who})" if who else named


def _preset(run: ReportedRun) -> str:
    """Return a preset's name with what it was told: `Podium (meja=2)`."""
    told = ", ".join(f"{name}={words.value(one)}" for name, one in run.values.items())
    return f"{words.label(run.label, run.preset)} ({told})" if told else words.label(run.label, run.preset)


def _run(run: ReportedRun, clock: Clock) -> Content:
    length = f", {duration(run.ended_at - run.started_at)}" if run.ended_at else ""
    return {
        "title": f"{_preset(run)} — pukul {clock.time(run.started_at, seconds=True)}{length}",
        "cause": _cause(run.cause, run.who),
        "steps": [_step(step) for step in run.steps],
    }


def _step(step: ReportedStep) -> Row:
    shape = "●" if step.outcome.good else "■"
    outcome = f"{shape} {words.OUTCOMES.get(step.outcome, step.outcome)}"
    return [
        words.device(step.device),
        ": ".join(filter(None, (words.VERBS.get(step.verb, step.verb), words.values(step.arguments)))),
        ". ".join(filter(None, (outcome, words.fault(step.reason)))),
        duration(step.duration) if step.duration is not None else DASH,
        words.read_back(step.read_back) or DASH,
    ]


def _incident(one: Incident, clock: Clock) -> Row:
    what = " \N{EN DASH} ".join(filter(None, (words.INCIDENTS.get(one.kind, one.kind), words.device(one.device))))
    told = ". ".join(filter(None, (words.fault(one.fault), one.text))) or DASH
    solved = clock.time(one.resolved_at, seconds=True) if one.resolved_at else DASH
    return [clock.time(one.at, seconds=True), what, told, one.who or DASH, solved]


def _recording(one: RecordedFile, clock: Clock) -> Row:
    """Return a recording: when it was closed, its file, how long and how big, and what was found in it."""
    length = duration(one.length) if one.length is not None else DASH
    size = f"{words.value(round(one.size_bytes / 1e6, 1))} MB" if one.size_bytes is not None else DASH
    reasons = [words.fault(measure.reason) for measure in one.measures if measure.reason is not None]
    shape = SHAPES[one.verdict]
    found = ". ".join(filter(None, (f"{shape} {words.VERDICTS[one.verdict]}", *reasons)))
    checksum = f"SHA-256 {one.sha256}" if one.sha256 else "SHA-256 tidak dihitung"
    return [clock.time(one.at, seconds=True), f"{one.path or DASH}. {checksum}", f"{length}, {size}", found]


def _ticked(at: datetime | None, who: str, clock: Clock) -> str:
    if at is None:
        return "belum dicentang"
    return f"pukul {clock.time(at)}" + (f" oleh {who}" if who else "")
