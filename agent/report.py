"""The execution report, made from the session's journal entries and its plan. Pure.

What is not in the journal did not happen. The report travels as one journal entry, so it
is kept below `MAX_BYTES`: the level series is thinned first, then the oldest runs go, and
the report says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import log10

from agent.course import AMENDING, EXTENDED, course_of
from agent.healthline import SPANS_AT_LEAST, history_of, thinned
from agent.soundwatch import SoundAlarm
from contract.base import JsonScalar
from contract.evidence import Picture
from contract.levels import levels_of
from contract.messages import ChecklistItem, Entry, Fault, PlannedSession
from contract.report import (
    Certificate,
    Change,
    Deviation,
    ExecutionReport,
    Incident,
    LevelPoint,
    Moved,
    RecordedFile,
    ReportedRun,
    ReportedStep,
    Tick,
)
from contract.words import EntryKind, Phase, StepOutcome

MAX_BYTES = 58_000
LATE = timedelta(seconds=60)
"""What the clock may differ from the plan before it is a deviation."""
_RECORDED = frozenset({EntryKind.RECORDED, EntryKind.RECORDING_CHECKED})
GONE = frozenset({"absent", "fault"})


@dataclass(frozen=True, slots=True)
class RoomFacts:
    """What the report says of the room."""

    room: str
    name: str
    time_zone: str
    stream: str
    checklist: tuple[ChecklistItem, ...] = ()
    head_seq: int | None = None
    head: str = ""
    """Number and hash of the journal's newest entry."""


def report_of(facts: RoomFacts, plan: PlannedSession, entries: Sequence[Entry], at: datetime) -> ExecutionReport:
    """Return the report of `plan` from its `entries`, which are in order and at least one."""
    own = [entry for entry in entries if entry.session == plan.id]
    course = course_of(own)
    report = ExecutionReport(
        at=at,
        room=facts.room,
        room_name=facts.name,
        time_zone=facts.time_zone,
        session=plan.id,
        session_rev=plan.rev,
        report_rev=course.report_rev + 1,
        title=plan.title,
        agency=plan.agency,
        leader=plan.leader,
        letter=plan.letter,
        platform=plan.platform,
        operators=plan.operators,
        planned_start=plan.start,
        planned_end=plan.end,
        prepared_at=_reached(own, Phase.READY),
        started_at=course.started_at,
        ended_at=_reached(own, Phase.ENDING),
        carried_out=course.started_at is not None,
        moves=tuple(_moves(own)),
        certificate=_certificate(own),
        runs=tuple(_runs(own)),
        incidents=tuple(_incidents(entries)),
        checklist=tuple(_checklist(facts, plan, own)),
        levels=tuple(levels_of(own)),
        recordings=tuple(_recordings(own)),
        health=history_of(entries),
        deviations=tuple(_deviations(plan, own)),
        pictures=tuple(_pictures(own)),
        changes=tuple(_changes(own)),
        stream=facts.stream,
        first_seq=own[0].seq,
        last_seq=own[-1].seq,
        head_seq=facts.head_seq,
        head=facts.head,
    )
    return _fitted(report)


def _reached(entries: Iterable[Entry], phase: Phase) -> datetime | None:
    """Return when the session first came into `phase`."""
    return next((e.at for e in entries if e.kind == EntryKind.PHASE_CHANGED and e.body.get("phase") == phase), None)


def _moves(entries: Iterable[Entry]) -> Iterator[Moved]:
    for entry in entries:
        if entry.kind == EntryKind.PHASE_CHANGED:
            yield Moved(phase=str(entry.body["phase"]), at=entry.at, cause=entry.cause, who=entry.who)


def _certificate(entries: Iterable[Entry]) -> Certificate | None:
    found = [entry for entry in entries if entry.kind == EntryKind.READINESS]
    return Certificate.model_validate(found[-1].body) if found else None


def _runs(entries: Iterable[Entry]) -> Iterator[ReportedRun]:
    by_run: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.run is not None:
            by_run.setdefault(entry.run, []).append(entry)
    for run, own in by_run.items():
        if own[0].kind == EntryKind.PRESET_STARTED:
            yield _run(run, own)


def _run(run: str, entries: list[Entry]) -> ReportedRun:
    first = entries[0]
    end = next((entry for entry in entries if entry.kind == EntryKind.PRESET_ENDED), None)
    return ReportedRun(
        run=run,
        preset=str(first.body["preset"]),
        label=_label(first),
        cause=first.cause,
        who=first.who,
        started_at=first.at,
        ended_at=None if end is None else end.at,
        steps=tuple(_steps(entries)),
        good=end is not None and end.outcome == StepOutcome.DONE,
        values=_told(first),
    )


def _told(entry: Entry) -> dict[str, JsonScalar]:
    """Return what a preset was told."""
    told = entry.body.get("values")
    return (
        {name: one for name, one in told.items() if not isinstance(one, dict | list)} if isinstance(told, dict) else {}
    )


def _label(entry: Entry) -> dict[str, str]:
    label = entry.body.get("label")
    return {name: str(text) for name, text in label.items()} if isinstance(label, dict) else {}


def _steps(entries: Iterable[Entry]) -> Iterator[ReportedStep]:
    intents: dict[object, int] = {}
    for entry in entries:
        step = entry.body.get("step")
        if entry.kind == EntryKind.STEP_INTENT:
            intents[step] = entry.seq
        elif entry.kind == EntryKind.STEP_ENDED:
            known = intents.pop(step, None)
            yield _step(entry, (entry.seq,) if known is None else (known, entry.seq))


def _step(entry: Entry, entries: tuple[int, ...]) -> ReportedStep:
    reason = entry.body.get("reason")
    return ReportedStep.model_validate(
        {
            "device": entry.device or "",
            "verb": entry.body.get("verb", ""),
            "arguments": _scalars(entry.body.get("args")),
            "outcome": entry.outcome or StepOutcome.UNKNOWN,
            "duration": None if entry.duration_ms is None else timedelta(milliseconds=entry.duration_ms),
            "read_back": _scalars(entry.body.get("read_back")),
            "reason": reason,
            "entries": entries,
        }
    )


def _scalars(value: object) -> dict[str, object]:
    return {k: v for k, v in value.items() if not isinstance(v, dict | list)} if isinstance(value, dict) else {}


def _incidents(entries: Sequence[Entry]) -> Iterator[Incident]:
    for number, entry in enumerate(entries):
        if entry.kind == EntryKind.NOTE:
            yield Incident(at=entry.at, kind=entry.kind, text=str(entry.body.get("text", "")), who=entry.who)
        elif entry.kind == EntryKind.PICTURE_DROPPED:
            yield Incident(at=entry.at, kind=entry.kind, text=str(entry.body.get("moment", "")))
        elif entry.kind == EntryKind.DEVICE_CHANGED and entry.body.get("condition") in GONE:
            yield Incident(
                at=entry.at,
                kind=entry.kind,
                device=entry.device,
                fault=_fault(entry),
                resolved_at=_resolved(entry, entries[number + 1 :]),
            )
        elif entry.kind == EntryKind.DEVICE_ALARM and _is_own_incident(entry):
            yield Incident(
                at=entry.at,
                kind=entry.kind,
                device=entry.device,
                fault=_fault(entry),
                resolved_at=_ended(entry, entries[number + 1 :]),
            )
        elif entry.kind == EntryKind.STEP_ENDED and _is_failure(entry):
            yield Incident(at=entry.at, kind=entry.kind, device=entry.device, fault=_fault(entry))


def _is_own_incident(alarm: Entry) -> bool:
    """Whether an alarm began that the device's own change does not tell: one of the sound may be over by then."""
    is_told_elsewhere = alarm.body.get("critical") and alarm.body.get("alarm") not in set(SoundAlarm)
    return bool(alarm.body.get("raised")) and not is_told_elsewhere


def _is_failure(entry: Entry) -> bool:
    outcome = StepOutcome(entry.outcome or StepOutcome.UNKNOWN)
    return not outcome.good and outcome not in {StepOutcome.SKIPPED, StepOutcome.UNDONE}


def _fault(entry: Entry) -> Fault | None:
    reason = entry.body.get("reason")
    return None if reason is None else Fault.model_validate(reason)


def _resolved(lost: Entry, later: Iterable[Entry]) -> datetime | None:
    for entry in later:
        same = entry.kind == EntryKind.DEVICE_CHANGED and entry.device == lost.device
        if same and entry.body.get("condition") not in GONE:
            return entry.at
    return None


def _ended(alarm: Entry, later: Iterable[Entry]) -> datetime | None:
    """Return when an alarm ended; one that is raised again meanwhile is another occurrence."""
    for entry in later:
        same = entry.kind == EntryKind.DEVICE_ALARM and entry.device == alarm.device
        if same and entry.body.get("alarm") == alarm.body.get("alarm"):
            return entry.at
    return None


def _checklist(facts: RoomFacts, plan: PlannedSession, entries: Iterable[Entry]) -> Iterator[Tick]:
    ticks = course_of(entries).ticks
    for item in {item.id: item for item in (*facts.checklist, *plan.checklist)}.values():
        tick = ticks.get(item.id)
        yield Tick(
            id=item.id,
            label=item.label,
            ticked_at=None if tick is None else tick.at,
            who="" if tick is None else tick.who,
        )


def _recordings(entries: Iterable[Entry]) -> Iterator[RecordedFile]:
    """Yield each file once: as it was examined, or as it was closed while nobody looked into it."""
    closed = {(e.device, e.body.get("path")): e for e in entries if e.kind in _RECORDED}
    for entry in closed.values():
        body = entry.body
        yield RecordedFile.model_validate(
            {
                "at": entry.at,
                "device": entry.device or "",
                "path": body.get("path") or "",
                "lasted": body.get("lasted_s"),
                "length": body.get("length_s"),
                **{name: body[name] for name in ("verdict", "size_bytes", "sha256", "measures") if name in body},
            }
        )


def _pictures(entries: Sequence[Entry]) -> Iterator[Picture]:
    """Yield the first picture of the start and the last of the end: after a restart there are more."""
    gone = {entry.body.get("sha256") for entry in entries if entry.kind == EntryKind.PICTURE_DROPPED}
    kept = (e for e in entries if e.kind == EntryKind.PICTURE and e.body.get("sha256") not in gone)
    taken = [Picture.model_validate(entry.body) for entry in kept]
    yield from [one for one in taken if one.moment == "start"][:1]
    yield from [one for one in taken if one.moment == "end"][-1:]


def _deviations(plan: PlannedSession, entries: Sequence[Entry]) -> Iterator[Deviation]:
    course = course_of(entries)
    if course.started_at is None:
        yield Deviation(code="session.not_carried_out", planned=_moment(plan.start), actual="")
        return
    if abs(course.started_at - plan.start) > LATE:
        early = course.started_at < plan.start
        code = "session.started_early" if early else "session.started_late"
        yield Deviation(code=code, planned=_moment(plan.start), actual=_moment(course.started_at))
    ended = _reached(entries, Phase.ENDING)
    if ended is not None and abs(ended - plan.end) > LATE:
        code = "session.ended_early" if ended < plan.end else "session.ended_late"
        yield Deviation(code=code, planned=_moment(plan.end), actual=_moment(ended))
    for entry in entries:
        if entry.kind == EXTENDED:
            yield Deviation(code="session.extended", planned=_moment(plan.end), actual=str(entry.body["end"]))
    if _reached(entries, Phase.READY) is None:
        yield Deviation(code="session.never_ready", planned=_moment(plan.prepare_at), actual="")


def _changes(entries: Iterable[Entry]) -> Iterator[Change]:
    """Yield what came after each report, and so makes the next revision."""
    reports = 0
    for entry in entries:
        if entry.kind == EntryKind.REPORT:
            reports += 1
        elif reports and entry.kind in AMENDING:
            text = str(entry.body.get("text") or entry.body.get("item") or entry.body.get("path") or "")
            yield Change(rev=reports + 1, kind=entry.kind, at=entry.at, who=entry.who, text=text)


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _fitted(report: ExecutionReport) -> ExecutionReport:
    """Return `report` small enough for one entry."""
    while len(report.model_dump_json()) > MAX_BYTES and report.levels:
        report = report.model_copy(update={"levels": _halved(report.levels)})
    while len(report.model_dump_json()) > MAX_BYTES and any(len(one.spans) > SPANS_AT_LEAST for one in report.health):
        report = report.model_copy(update={"health": tuple(map(thinned, report.health))})
    whole = report.runs
    while len(report.model_dump_json()) > MAX_BYTES and len(report.runs) > 1:
        report = report.model_copy(update={"runs": report.runs[len(report.runs) // 8 + 1 :]})
    if report.runs != whole:
        cut = Deviation(code="report.runs_left_out", planned=str(len(whole)), actual=str(len(report.runs)))
        report = report.model_copy(update={"deviations": (*report.deviations, cut)})
    while len(report.model_dump_json()) > MAX_BYTES and report.incidents:
        report = report.model_copy(update={"incidents": report.incidents[: len(report.incidents) // 2]})
    return report


def _halved(levels: Sequence[LevelPoint]) -> tuple[LevelPoint, ...]:
    """Return half as many points, each the mean power and the highest peak of two; the journal keeps them all."""
    if len(levels) < 4:
        return ()
    return tuple(_joined(levels[i : i + 2]) for i in range(0, len(levels), 2))


def _joined(points: Sequence[LevelPoint]) -> LevelPoint:
    power = sum(10 ** (point.rms_dbfs / 10) for point in points) / len(points)
    peak = max(point.peak_dbfs for point in points)
    return points[0].model_copy(update={"rms_dbfs": round(10 * log10(power), 1), "peak_dbfs": peak})
