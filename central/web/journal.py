"""A room's journal entries and its report as lines for the session's page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Final

from pydantic import JsonValue, ValidationError

from central.evidence import Evidence
from central.web import words
from contract import Entry, EntryKind, ExecutionReport, Fault
from contract.report import CertifiedDevice
from webui.charts import health_chart, level_chart
from webui.env import angka, durasi, jam
from webui.i18n import N_, current_language
from webui.limits import value_text
from webui.reasons import Translate, device_name, measure_name, sentence

_UNSHOWN: Final = frozenset({EntryKind.STEP_INTENT, EntryKind.LEVELS})
"""Half-steps and figures: they stand in the journal, on a page they are noise."""

EXTENDED: Final = "session.extended"
_KINDS: Final[Mapping[str, str]] = {
    EntryKind.AGENT_STARTED: N_("The room's agent started"),
    EntryKind.AGENT_STOPPED: N_("The room's agent stopped"),
    EntryKind.SCHEDULE_APPLIED: N_("The room holds the schedule"),
    EntryKind.PRESET_STARTED: N_("Preset “%(name)s” started"),
    EntryKind.PRESET_ENDED: N_("Preset “%(name)s” ended"),
    EntryKind.DEVICE_CHANGED: N_("Device changed"),
    EntryKind.DEVICE_ALARM: N_("Alarm at a device"),
    EntryKind.PLACES_FORGOTTEN: N_("Another camera: its stored positions are not known"),
    EntryKind.READINESS: N_("Readiness certified"),
    EntryKind.RECORDED: N_("A recording was closed"),
    EntryKind.RECORDING_CHECKED: N_("A recording was examined"),
    EntryKind.PICTURE: N_("A picture was kept for the report"),
    EntryKind.JOURNAL_GAP: N_("Entries are missing: the disk would not write for too long"),
    EntryKind.JOURNAL_MENDED: N_("The journal was damaged; what could be read goes on"),
    EntryKind.JOURNAL_CHAINED: N_("The journal is sealed entry by entry from here on"),
    EntryKind.JOURNAL_FORKED: N_("The journal goes on anew: the room's copy and central's did not fit"),
    EntryKind.JOURNAL_PRUNED: N_("Old entries that central holds were let go"),
    EntryKind.PICTURE_DROPPED: N_("A picture was dropped before central had it: the disk is full"),
    EntryKind.CHECKLIST: N_("Checklist"),
    EntryKind.NOTE: N_("Note"),
    EntryKind.COMMAND: N_("Command from central"),
    EntryKind.REPORT: N_("Report written"),
    EntryKind.AGENT_FAULT: N_("The room's agent ended by a fault of its program"),
    EntryKind.MODE: N_("The room changed between by hand and automatic"),
    EXTENDED: N_("Session extended"),
    "session.over_run": N_("Session goes on over its time"),
}
CAUSES: Final[Mapping[str, str]] = {
    "schedule": N_("by schedule"),
    "tablet": N_("from the tablet"),
    "command": N_("by order of central"),
    "agent": N_("by itself"),
}
"""What brought something about."""
_VERDICTS: Final[Mapping[str, tuple[str, str]]] = {
    "pass": (N_("In order"), "ready"),
    "warn": (N_("Take note"), "degraded"),
    "fail": (N_("Not in order"), "fault"),
    "unproven": (N_("Not proven"), "unconfirmed"),
}


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One entry of the timeline."""

    at: datetime
    tone: str
    title: str
    note: str
    text: str


@dataclass(frozen=True, slots=True)
class DeviceLine:
    """One device of the readiness certificate."""

    name: str
    required: bool
    tone: str
    word: str
    measures: tuple[str, ...]
    reason: str


def lines(
    entries: Iterable[Entry], translate: Translate, report: ExecutionReport | None = None
) -> Iterator[JournalLine]:
    """Yield the timeline of a session, oldest first; an unknown kind is shown as it is.

    The report, once there is one, knows what the items of the checklist are called.
    """
    items = {tick.id: tick.label for tick in report.checklist} if report is not None else {}
    names: dict[str, str] = {}
    for entry in entries:
        if entry.kind == EntryKind.PRESET_STARTED and entry.run:
            names[entry.run] = _preset(entry.body)
        if entry.kind not in _UNSHOWN:
            title = _title(entry, names, translate)
            yield JournalLine(entry.at, _tone(entry), title, _note(entry, translate), _text(entry, items, translate))


def _tone(entry: Entry) -> str:
    if entry.kind == EntryKind.DEVICE_ALARM:
        return "fault" if entry.body.get("raised") else "ready"
    if entry.kind == EntryKind.PHASE_CHANGED:
        return words.PHASES.get(str(entry.body.get("phase")), ("", "offline"))[1]
    if entry.kind == EntryKind.READINESS:
        return words.ROOMS.get(str(entry.outcome), ("", "offline"))[1]
    if entry.outcome:
        return words.OUTCOMES.get(entry.outcome, ("", "offline"))[1]
    return "degraded" if entry.kind == EntryKind.NOTE else "offline"


def _title(entry: Entry, names: Mapping[str, str], translate: Translate) -> str:
    if entry.kind == EntryKind.PHASE_CHANGED:
        phase = str(entry.body.get("phase"))
        return translate(words.PHASES.get(phase, (phase, ""))[0])
    if entry.kind == EntryKind.STEP_ENDED:
        verb = str(entry.body.get("verb"))
        told = f"{translate(words.VERBS.get(verb, verb))} {_values(entry.body.get('args'), translate)}"
        return f"{device_name(entry.device or '', translate)}: {told}".rstrip()
    if entry.kind == EntryKind.DEVICE_ALARM and not entry.body.get("raised"):
        return translate(N_("Alarm at a device ended"))
    known = _KINDS.get(entry.kind)
    return translate(known) % {"name": names.get(entry.run or "") or _preset(entry.body)} if known else entry.kind


def _preset(body: Mapping[str, JsonValue]) -> str:
    label = body.get("label")
    told = label.get(current_language()) or label.get("id") if isinstance(label, dict) else None
    name, values = str(told or body.get("preset", "")), body.get("values")
    if not isinstance(values, dict) or not values:
        return name
    return f"{name} ({', '.join(f'{which}={value}' for which, value in values.items())})"


def _note(entry: Entry, translate: Translate) -> str:
    """Return outcome, duration and cause on one line."""
    outcome = ""
    if entry.kind == EntryKind.READINESS:
        outcome = translate(words.ROOMS.get(str(entry.outcome), (str(entry.outcome), ""))[0])
    elif entry.outcome:
        outcome = translate(words.OUTCOMES.get(entry.outcome, (entry.outcome, ""))[0])
    took = milliseconds(entry.duration_ms) if entry.duration_ms is not None else ""
    cause = entry.who or translate(CAUSES.get(entry.cause, entry.cause))
    named = entry.device if entry.kind != EntryKind.STEP_ENDED else None
    device = device_name(named, translate) if named else ""
    return " · ".join(part for part in (device, outcome, took, cause) if part)


def milliseconds(value: float) -> str:
    """Return how long something took, as short as it can be said."""
    if value < 1000:
        return f"{value:.0f} ms"
    return f"{angka(round(value / 1000, 1))} s" if value < 60_000 else durasi(timedelta(milliseconds=value))


def _text(entry: Entry, items: Mapping[str, Mapping[str, str]], translate: Translate) -> str:
    reason = _fault(entry.body.get("reason"))
    if reason is not None and not entry.kind.startswith("preset."):
        return sentence(reason, translate)
    if entry.kind == EXTENDED:
        return translate(N_("until %(time)s")) % {"time": jam(datetime.fromisoformat(str(entry.body.get("end"))))}
    if entry.kind == EntryKind.CHECKLIST:
        return _item(str(entry.body.get("item", "")), items)
    return str(entry.body.get("text") or "")


def _item(ident: str, items: Mapping[str, Mapping[str, str]]) -> str:
    label = items.get(ident, {})
    return label.get(current_language()) or label.get("id") or ident


def _fault(found: JsonValue) -> Fault | None:
    try:
        return Fault.model_validate(found) if isinstance(found, dict) else None
    except ValidationError:
        return None


def _values(found: JsonValue, translate: Translate) -> str:
    """Return a step's arguments as people say them, without those that say nothing."""
    if not isinstance(found, dict):
        return ""
    return ", ".join(_value(value, translate) for value in found.values() if value is not None)


def _value(value: JsonValue, translate: Translate) -> str:
    if isinstance(value, bool):
        return translate(N_("on") if value else N_("off"))
    return translate(words.PORTS[value]) if isinstance(value, str) and value in words.PORTS else str(value)


def devices(report: ExecutionReport, translate: Translate) -> Iterator[DeviceLine]:
    """Yield what the readiness certificate says of each device."""
    for device in report.certificate.devices if report.certificate else ():
        word, tone = words.CONDITIONS[device.condition]
        yield DeviceLine(
            name=device.name,
            required=device.required,
            tone=tone,
            word=translate(word),
            measures=tuple(_measures(device, translate)),
            reason=sentence(device.reason, translate) if device.reason else "",
        )


@dataclass(frozen=True, slots=True)
class RecordingLine:
    """One recorded file and what was found in it."""

    at: datetime
    path: str
    length: str
    sha256: str
    tone: str
    word: str
    reasons: tuple[str, ...]


def recordings(report: ExecutionReport, translate: Translate) -> Iterator[RecordingLine]:
    """Yield the session's recordings."""
    for one in report.recordings:
        word, tone = _VERDICTS[one.verdict]
        minutes = "" if one.length is None else f"{angka(round(one.length.total_seconds() / 60, 1))} min"
        reasons = tuple(sentence(measure.reason, translate) for measure in one.measures if measure.reason)
        yield RecordingLine(one.at, one.path or "—", minutes or "—", one.sha256, tone, translate(word), reasons)


@dataclass(frozen=True, slots=True)
class PictureLine:
    """One picture of what was on air."""

    at: datetime
    title: str
    scene: str
    sha256: str
    is_here: bool
    """Whether the room could send it yet."""
    erased_at: datetime | None = None


_MOMENTS: Mapping[str, str] = {"start": N_("On air when it began"), "end": N_("On air shortly before it ended")}


def pictures(report: ExecutionReport, evidence: Evidence, translate: Translate) -> Iterator[PictureLine]:
    """Yield the session's pictures."""
    for one in report.pictures:
        title = translate(_MOMENTS.get(one.moment, one.moment))
        is_here, erased = evidence.has(report.room, one.sha256), evidence.erased(report.room, one.sha256)
        yield PictureLine(one.at, title, one.scene, one.sha256, is_here, erased)


def _measures(device: CertifiedDevice, translate: Translate) -> Iterator[str]:
    for one in device.measures:
        text = f"{measure_name(one.name, translate)}: {value_text(one.value, one.unit, translate)}"
        verdict, tone = _VERDICTS[one.verdict]
        yield text if tone == "ready" else f"{text} ({translate(verdict).lower()})"


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One stretch in which a device was in a condition."""

    at: datetime
    device: str
    tone: str
    word: str


def history(report: ExecutionReport, translate: Translate) -> Iterator[HistoryLine]:
    """Yield every change of every device, oldest first: the figures behind `device_chart`."""
    spans = [(span.at, one.device, span.condition) for one in report.health for span in one.spans]
    for at, device, condition in sorted(spans):
        word, tone = words.CONDITIONS.get(condition, (condition, "offline"))
        yield HistoryLine(at, device_name(device, translate), tone, translate(word))


def device_chart(report: ExecutionReport, zone: tzinfo, translate: Translate) -> str:
    """Return what each device was worth over the session as SVG."""
    lanes = {
        device_name(one.device, translate): [(s.at, _tone_of(s.condition)) for s in one.spans] for one in report.health
    }
    return health_chart(
        lanes, until=report.ended_at or report.planned_end, title=translate(N_("State of the devices")), zone=zone
    )


def _tone_of(condition: str) -> str:
    return words.CONDITIONS.get(condition, ("", "offline"))[1]


def change_kind(kind: str, translate: Translate) -> str:
    """Return what a revision of a report came of."""
    return translate(_KINDS.get(kind, kind))


HARMS: Final[Mapping[str, str]] = {
    "edited": N_("its content is not what its hash says"),
    "unlinked": N_("it was not written after the entry before it"),
    "forked": N_("the room told of two entries under this number"),
    "unchained": N_("it has no hash, and those before it have"),
}


def chart(report: ExecutionReport, zone: tzinfo, translate: Translate) -> str:
    """Return the microphone's level over the session as SVG; without levels an empty frame that says so."""
    peak = [(point.at, point.peak_dbfs) for point in report.levels]
    mean = [(point.at, point.rms_dbfs) for point in report.levels]
    series = {translate(N_("peak")): peak, translate(N_("mean")): mean}
    return level_chart(series, title=translate(N_("Microphone level")), unit="dBFS", zone=zone)
