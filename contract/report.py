"""The execution report (laporan pelaksanaan): what happened, with evidence.

It travels as the body of the journal entry `report.final`, so it shares the journal's
order, its delivery and its acknowledgement.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, ClassVar

from pydantic import Field

from contract.base import JsonScalar, Message, Moment, Part, RoomId, Text, Word
from contract.evidence import Picture
from contract.messages import Fault, Label, Measured
from contract.words import Condition, Readiness, StepOutcome, Verdict


class CertifiedDevice(Part):
    """One device in the readiness certificate."""

    name: Word
    kind: Word
    required: bool
    condition: Condition
    measures: tuple[Measured, ...] = ()
    reason: Fault | None = None


class Certificate(Part):
    """What was measured before the session, frozen."""

    at: Moment
    readiness: Readiness
    reasons: tuple[Fault, ...] = ()
    blocking: tuple[Fault, ...] = ()
    """Those of the reasons without whose end the room was not ready."""
    minutes_to_start: float | None = None
    devices: tuple[CertifiedDevice, ...]


class ReportedStep(Part):
    """One step of a preset run; `entries` point into the journal."""

    device: Word
    verb: Word
    arguments: dict[str, JsonScalar] = Field(default_factory=dict)
    outcome: StepOutcome
    duration: timedelta | None = None
    read_back: dict[str, JsonScalar] = Field(default_factory=dict)
    reason: Fault | None = None
    entries: tuple[int, ...] = ()


class ReportedRun(Part):
    """One run of a preset."""

    run: str
    preset: Word
    label: Label = Field(default_factory=dict)
    cause: Word
    who: Text = ""
    started_at: Moment
    ended_at: Moment | None = None
    steps: tuple[ReportedStep, ...] = ()
    good: bool = False
    values: dict[str, JsonScalar] = Field(default_factory=dict)
    """What the preset was told, by the names of its parameters."""


class Moved(Part):
    """A phase the session came into."""

    phase: Word
    at: Moment
    cause: Word
    who: Text = ""


class Incident(Part):
    """Something that was not as planned: a device lost, a step that failed, a note by a person."""

    at: Moment
    kind: Word
    device: Word | None = None
    fault: Fault | None = None
    text: Text = ""
    who: Text = ""
    resolved_at: Moment | None = None


class Tick(Part):
    """A checklist item and whether a person ticked it."""

    id: Word
    label: Label
    ticked_at: Moment | None = None
    who: Text = ""


class LevelPoint(Part):
    """How loud the microphone was over one interval."""

    at: Moment
    rms_dbfs: float
    peak_dbfs: float


class RecordedFile(Part):
    """One recording: where it lies, and what was found in it once it was closed."""

    at: Moment
    device: Word
    path: Text
    verdict: Verdict = Verdict.UNPROVEN
    """The worst finding; unproven while, or because, nobody looked into the file."""
    lasted: timedelta | None = None
    """From its start to its end as they were observed, without pauses."""
    length: timedelta | None = None
    """What the file says of itself."""
    size_bytes: int | None = Field(default=None, ge=0)
    sha256: Annotated[str, Field(pattern="^([0-9a-f]{64})?$")] = ""
    measures: tuple[Measured, ...] = ()


class Deviation(Part):
    """Plan and fact that differ."""

    code: Word
    planned: Text
    actual: Text


class HealthSpan(Part):
    """From when on a device was in a condition."""

    at: Moment
    condition: Word


class DeviceHistory(Part):
    """What a device was worth over the session: every change, oldest first."""

    device: Word
    spans: tuple[HealthSpan, ...]


class Change(Part):
    """What a revision of a report says that the one before it did not, and by whom."""

    rev: int = Field(ge=2)
    kind: Word
    at: Moment
    who: Text = ""
    text: Text = ""


class ExecutionReport(Message):
    """The report of one session, made from journal entries only."""

    VERSION: ClassVar[int] = 6

    room: RoomId
    room_name: Text
    time_zone: Word
    session: str
    session_rev: int
    report_rev: int = Field(default=1, ge=1)
    title: Text
    agency: Text
    leader: Word | None = None
    letter: Text = ""
    platform: Text = ""
    operators: tuple[Text, ...] = ()
    planned_start: Moment
    planned_end: Moment
    prepared_at: Moment | None = None
    started_at: Moment | None = None
    ended_at: Moment | None = None
    carried_out: bool
    moves: tuple[Moved, ...] = ()
    certificate: Certificate | None = None
    runs: tuple[ReportedRun, ...] = ()
    incidents: tuple[Incident, ...] = ()
    checklist: tuple[Tick, ...] = ()
    levels: tuple[LevelPoint, ...] = ()
    recordings: tuple[RecordedFile, ...] = ()
    health: tuple[DeviceHistory, ...] = ()
    deviations: tuple[Deviation, ...] = ()
    pictures: tuple[Picture, ...] = ()
    """What was on air; the files themselves are at central as soon as they could be sent."""
    changes: tuple[Change, ...] = ()
    """Why there are revisions, oldest first; empty in the first."""
    stream: str
    first_seq: int = Field(ge=1)
    last_seq: int = Field(ge=1)
    """The journal entries that the report is made from."""
    head_seq: int | None = None
    head: Annotated[str, Field(max_length=64)] = ""
    """Number and hash of the journal's newest entry when the report was made: nothing up to there can be cut off."""
