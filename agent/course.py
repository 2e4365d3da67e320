"""What the journal says of one session: its phase, its runs, its ticks. Pure.

The agent keeps no other state of a session. After a restart the same entries give the same
course, so the plan goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from contract.messages import Entry, Fault
from contract.words import EntryKind, Phase, StepOutcome

EXTENDED = "session.extended"
"""A journal kind of the agent alone: the end moved, body `{"end": ...}`."""
OVER_RUN = "session.over_run"
"""A journal kind of the agent alone: its end came and nobody ended it."""
DECIDED = "step.decided"
"""A journal kind of the agent alone: a person said whether a late step is done; body `do`, and the step."""
CLOCK_DISTURBED = "clock.disturbed"
"""A journal kind of the agent alone: the wall clock was set, or the machine slept; body `jumped_s`,
`slept_s`, and `refused_s` where the machine's wall clock was not followed."""


AMENDING = frozenset({EntryKind.NOTE, EntryKind.CHECKLIST, EntryKind.PICTURE_DROPPED, EntryKind.RECORDING_CHECKED})
"""What belongs into the report also when it comes after it: then there is a new revision."""


@dataclass(frozen=True, slots=True)
class Ticked:
    """Who ticked a checklist item, and when."""

    who: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Course:
    """One session so far."""

    phase: Phase = Phase.PLANNED
    open_run: str | None = None
    open_phase: str | None = None
    """Which phase's preset runs: `prepare`, `live` or `end`."""
    open_since: datetime | None = None
    open_is_late: bool = False
    on_time: frozenset[str] = frozenset()
    """Phases whose preset ran to an end and had begun in time."""
    held_back: bool = False
    """A person cancelled the phase's preset: it does not begin again by itself."""
    attempts: int = 0
    """Preparations that ended since the room was last thought well."""
    attempted_at: datetime | None = None
    certified: bool = False
    certified_at: datetime | None = None
    certificate_worst: Fault | None = None
    """The worst finding of the newest certificate; none: the room was ready."""
    certificate_blocks: bool = False
    """Whether that finding keeps the room from being ready."""
    stale_since: datetime | None = None
    """Something changed after the newest certificate."""
    aimed_at: datetime | None = None
    """The start that the room was last moved for."""
    certified_for: datetime | None = None
    """The start that the newest certificate was made for; a session that was moved has none."""
    certified_before: timedelta | None = None
    """Which of its certificates it was: how long before the start."""
    is_set_live: bool = False
    """The live preset ran to an end, good or not."""
    started_at: datetime | None = None
    aimed_end: datetime | None = None
    """The end that was planned when it began."""
    ending_at: datetime | None = None
    by_hand: frozenset[Phase] = frozenset()
    """Phases that a person brought about, at the moment of their choice."""
    over_run: bool = False
    """Its end has come, and it goes on."""
    ended_at: datetime | None = None
    extended_to: datetime | None = None
    clock_set_by: timedelta = timedelta(0)
    """How far the wall clock was set while the session was live: its end moves with it."""
    ticks: Mapping[str, Ticked] = field(default_factory=dict)
    incidents: int = 0
    report_seq: int | None = None
    report_rev: int = 0
    """How many reports were written: the newest one's revision."""
    is_amended: bool = False
    """Something was written down since that belongs into the report."""


def follow(course: Course, entry: Entry) -> Course:
    """Return the course after `entry`, which belongs to the same session."""
    step = _STEPS.get(entry.kind)
    course = course if step is None else step(course, entry)
    amends = entry.kind in AMENDING and course.report_seq is not None
    return replace(course, is_amended=True) if amends else course


def course_of(entries: Iterable[Entry]) -> Course:
    """Return the course that `entries` tell."""
    course = Course()
    for entry in entries:
        course = follow(course, entry)
    return course


def _moved(course: Course, entry: Entry) -> Course:
    phase, before = Phase(str(entry.body["phase"])), course.phase
    start = entry.body.get("start")
    course = replace(course, aimed_at=datetime.fromisoformat(start) if isinstance(start, str) else None)
    if entry.cause != "schedule":
        course = replace(course, by_hand=course.by_hand | {phase})
    if phase in {Phase.LIVE, Phase.ENDING}:
        course = replace(course, held_back=False)
    if phase is Phase.LIVE:
        end = entry.body.get("end")
        aimed_end = datetime.fromisoformat(end) if isinstance(end, str) else None
        return replace(course, phase=phase, started_at=entry.at, aimed_end=aimed_end)
    if phase is Phase.ENDING:
        return replace(course, phase=phase, ending_at=entry.at)
    if phase in {Phase.ENDED, Phase.MISSED}:
        return replace(course, phase=phase, ended_at=entry.at if phase is Phase.ENDED else None)
    if phase is Phase.PLANNED or (phase is Phase.PREPARING and before is Phase.READY):
        course = replace(course, attempts=0, attempted_at=None, certified=False)
    if phase is Phase.PLANNED:
        course = replace(course, on_time=frozenset(), by_hand=frozenset(), held_back=False, stale_since=None)
    return replace(course, phase=phase)


def _run_started(course: Course, entry: Entry) -> Course:
    phase = entry.body.get("phase")
    if phase is None:
        return course
    course = replace(course, held_back=False)
    is_late = entry.body.get("late_s") is not None
    return replace(course, open_run=entry.run, open_phase=str(phase), open_since=entry.at, open_is_late=is_late)


def _run_ended(course: Course, entry: Entry) -> Course:
    incidents = course.incidents + (entry.outcome == StepOutcome.FAILED)
    course = _stale(course, entry)
    if entry.run is None or entry.run != course.open_run:
        return replace(course, incidents=incidents)
    phase, known = course.open_phase, entry.outcome != StepOutcome.UNKNOWN
    ended = replace(course, open_run=None, open_phase=None, open_since=None, incidents=incidents)
    if phase is not None and known and not course.open_is_late:
        ended = replace(ended, on_time=course.on_time | {phase})
    ended = replace(ended, held_back=entry.body.get("cancelled_by") is not None)
    if phase == "prepare" and known:
        return replace(ended, attempts=course.attempts + 1, attempted_at=entry.at)
    if phase == "live" and known:
        return replace(ended, is_set_live=True)
    return ended


def _ticked(course: Course, entry: Entry) -> Course:
    item = str(entry.body["item"])
    ticks = {name: tick for name, tick in course.ticks.items() if name != item}
    if entry.body.get("on"):
        ticks[item] = Ticked(entry.who, entry.at)
    return replace(course, ticks=ticks)


def _device_changed(course: Course, entry: Entry) -> Course:
    """A device that is back deserves a preparation at once, and a certificate is no longer what it says."""
    course = _stale(course, entry)
    return replace(course, attempts=0, attempted_at=None) if entry.body.get("back") else course


def _stale(course: Course, entry: Entry) -> Course:
    is_stale = course.certified and course.phase in {Phase.PREPARING, Phase.READY}
    return replace(course, stale_since=entry.at) if is_stale else course


def _certified(course: Course, entry: Entry) -> Course:
    start, stage_s = entry.body.get("for_start"), entry.body.get("stage_s")
    reasons, blocking = entry.body.get("reasons"), entry.body.get("blocking")
    return replace(
        course,
        certified=True,
        certified_at=entry.at,
        certificate_worst=Fault.model_validate(reasons[0]) if isinstance(reasons, list) and reasons else None,
        certificate_blocks=bool(blocking),
        stale_since=None,
        certified_for=datetime.fromisoformat(start) if isinstance(start, str) else None,
        certified_before=timedelta(seconds=stage_s) if isinstance(stage_s, int | float) else None,
    )


def _clock_disturbed(course: Course, entry: Entry) -> Course:
    jumped_s = entry.body.get("jumped_s")
    if course.phase is not Phase.LIVE or not isinstance(jumped_s, int | float):
        return course
    return replace(course, clock_set_by=course.clock_set_by + timedelta(seconds=jumped_s))


def is_certified(course: Course, start: datetime, stage: timedelta) -> bool:
    """Return whether the certificate `stage` before a session that begins at `start` was made, or a later one."""
    is_late_enough = course.certified_before is None or course.certified_before <= stage
    return course.certified and course.certified_for in {None, start} and is_late_enough


_STEPS: dict[str, Callable[[Course, Entry], Course]] = {
    EntryKind.PHASE_CHANGED: _moved,
    EntryKind.PRESET_STARTED: _run_started,
    EntryKind.PRESET_ENDED: _run_ended,
    EntryKind.CHECKLIST: _ticked,
    EntryKind.DEVICE_CHANGED: _device_changed,
    EntryKind.READINESS: _certified,
    CLOCK_DISTURBED: _clock_disturbed,
    EntryKind.NOTE: lambda course, _: replace(course, incidents=course.incidents + 1),
    EntryKind.REPORT: lambda course, entry: replace(
        course, report_seq=entry.seq, report_rev=course.report_rev + 1, is_amended=False
    ),
    OVER_RUN: lambda course, _: replace(course, over_run=True),
    EXTENDED: lambda course, entry: replace(
        course, extended_to=datetime.fromisoformat(str(entry.body["end"])), over_run=False
    ),
}
