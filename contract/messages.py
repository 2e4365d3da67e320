"""Every message of the exchange between central and the rooms, but the report.

`down/` messages come from central, `up/` messages from a room's agent. Central's snapshot
is the whole truth of a room's coming days: it replaces what the agent held, unless its
`epoch` and `rev` say that it is older. An agent's entries form one sequence per `stream`
(one life of its journal file); central answers with the number up to which its database
holds them without a gap, and only that lets the agent forget them.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, JsonValue, model_validator

from contract.base import PROTOCOL_MAJOR, JsonScalar, Message, Moment, Part, RoomId, Text, Word
from contract.words import Condition, Presence, Readiness, SessionStatus, Verdict

Label = dict[Annotated[str, Field(pattern="^(id|en)$")], Text]
"""A text of the room in its languages."""


class CentralState(Message):
    """Central is there (retained), or was: the same message with `state: lost` is its will."""

    VERSION: ClassVar[int] = 2

    state: Presence
    boot: str
    epoch: str
    """Changes when the database was restored from a back-up: revisions start anew."""
    time: Moment
    proto: tuple[int, ...] = (PROTOCOL_MAJOR,)
    url: Annotated[str, Field(max_length=200)] = ""
    """Where central is reached over HTTP; empty: nowhere."""


class Broadcast(Message):
    """A word to all rooms."""

    kind: Literal["rebirth", "emergency_stop"]
    reason: Text = ""


class ChecklistItem(Part):
    """A tick that a person must make."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,64}$")]
    label: Label


class PlannedSession(Part):
    """One confirmed session as its room must carry it out.

    `start` and `end` are the event; preparation begins at `prepare_at`, and `setup` and
    `teardown` are the minutes around the event that belong to it.
    """

    id: str
    rev: int = Field(ge=1)
    status: SessionStatus
    title: Text
    agency: Text
    leader: Word | None = None
    """Which leader takes part, for example `governor`; none for others."""
    start: Moment
    end: Moment
    prepare_at: Moment
    setup: timedelta = timedelta(0)
    teardown: timedelta = timedelta(0)
    phases: dict[str, str] = Field(default_factory=dict)
    """Overrides of the room file's phases: phase to preset."""
    checklist: tuple[ChecklistItem, ...] = ()
    recording: bool = False
    """Whether the session may be recorded."""
    operators: tuple[Text, ...] = ()
    letter: Text = ""
    """Number of the request's letter, for the report."""
    platform: Text = ""
    join_ref: Word | None = None
    """Where to fetch the meeting's password shortly before; never the password itself."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.prepare_at <= self.start < self.end:
            raise ValueError("prepare_at <= start < end is wanted")
        return self


class Schedule(Message):
    """All sessions of a room in its coming days (retained)."""

    epoch: str
    rev: int = Field(ge=1)
    window: tuple[Moment, Moment]
    count: int = Field(ge=0)
    cleared: bool = False
    """Whether an empty list is meant; without it an agent keeps what it holds."""
    sessions: tuple[PlannedSession, ...] = Field(default=(), max_length=200)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.count != len(self.sessions):
            raise ValueError(f"count says {self.count} sessions, found {len(self.sessions)}")
        return self


class RoomConfig(Message):
    """What central manages of a room (retained); `sha256` is of `settings` as canonical JSON."""

    epoch: str
    rev: int = Field(ge=1)
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    settings: dict[str, JsonValue]


class CommandGuard(Part):
    """What must hold at the agent for a command to run."""

    schedule_rev: int | None = None


class Command(Message):
    """An order to a room; carried out at most once, refused after `expires_at`."""

    VERSION: ClassVar[int] = 2

    kind: Literal["prepare", "run_preset", "recheck", "cancel"]
    session: str | None = None
    preset: str | None = None
    values: dict[str, JsonScalar] = Field(default_factory=dict)
    """For the preset's parameters; the others keep their defaults."""
    run: str | None = None
    issued_at: Moment
    expires_at: Moment
    by: Text
    guard: CommandGuard = CommandGuard()


class Fault(Part):
    """Why something did not happen or is not well: a stable code, its values, plain English."""

    code: Word
    detail: Text
    values: dict[str, JsonScalar] = Field(default_factory=dict)


class Reply(Message):
    """Progress or result of the command named by `command`."""

    command: str
    status: Literal["accepted", "progress", "ok", "failed", "expired", "duplicate", "rejected"]
    result: dict[str, JsonValue] = Field(default_factory=dict)
    error: Fault | None = None
    received_at: Moment
    done_at: Moment | None = None


class Ack(Message):
    """Central's database holds the entries of `stream` up to `upto`, without a gap."""

    VERSION: ClassVar[int] = 2

    stream: str
    upto: int = Field(ge=0)
    head: Annotated[str, Field(max_length=64)] = ""
    """The hash of entry `upto` as it stands there; empty where it has none."""


class OfferedParameter(Part):
    """A value that a preset may be told; the room itself refuses what is outside."""

    name: Word
    type: Literal["integer", "number", "text", "switch"]
    default: JsonScalar
    lowest: float | None = None
    highest: float | None = None
    choices: Annotated[tuple[JsonScalar, ...], Field(max_length=200)] = ()
    label: Label = Field(default_factory=dict)


class OfferedPreset(Part):
    """A preset that the room can be told to run."""

    name: Word
    label: Label
    parameters: Annotated[tuple[OfferedParameter, ...], Field(max_length=50)] = ()


class RoomPresence(Message):
    """The room's agent is there (retained); with `state: lost` it is the agent's will.

    `conn` counts connections of this `boot`: central ignores a will older than the last birth.
    """

    VERSION: ClassVar[int] = 3

    state: Presence
    boot: str
    conn: int = Field(ge=0)
    proto: tuple[int, ...] = (PROTOCOL_MAJOR,)
    software: Text
    started_at: Moment
    capabilities: tuple[Word, ...] = ()
    presets: Annotated[tuple[OfferedPreset, ...], Field(max_length=200)] = ()


class Measured(Part):
    """One measured value of a device."""

    name: Word
    value: JsonScalar
    unit: Word = ""
    limit: Text = ""
    verdict: Verdict
    reason: Fault | None = None


class DeviceState(Part):
    """One device as last measured."""

    kind: Word
    condition: Condition
    required: bool
    since: Moment
    """When it came into this condition."""
    measured_at: Moment | None = None
    measures: tuple[Measured, ...] = ()
    reason: Fault | None = None


class Applied(Part):
    """What the agent holds of central's revisions."""

    schedule_epoch: str = ""
    schedule_rev: int = 0
    config_rev: int = 0


class CurrentSession(Part):
    """The session the room is busy with, or the next one."""

    id: str
    rev: int
    phase: Word


class Clock(Part):
    """How far the agent's clock is from central's."""

    offset_ms: float = 0.0
    source: Literal["none", "central"] = "none"


class OutboxDepth(Part):
    """What central has not acknowledged yet."""

    pending: int = 0
    oldest_s: float = 0.0
    pictures: int = 0
    """How many pictures still wait to be sent."""
    pictures_dropped: int = 0
    """How many had to go before they were sent since the agent started: the disk is needed for facts."""


class JournalHead(Part):
    """The newest entry that is on the room's disk, and its hash: no tail up to there can be cut off unseen."""

    stream: str
    seq: int
    hash: Annotated[str, Field(max_length=64)]


class RoomState(Message):
    """What the room is worth, measured (retained, expires)."""

    VERSION: ClassVar[int] = 3

    boot: str
    readiness: Readiness
    mode: Literal["automatic", "manual"] = "automatic"
    """`manual`: the room does nothing by itself until a person on the spot says so."""
    reasons: tuple[Fault, ...] = ()
    devices: dict[str, DeviceState] = Field(default_factory=dict)
    applied: Applied = Applied()
    session: CurrentSession | None = None
    clock: Clock = Clock()
    outbox: OutboxDepth = OutboxDepth()
    journal: JournalHead | None = None


class Alert(Message):
    """One open problem (retained; an empty payload clears it)."""

    alert: Word
    severity: Literal["warning", "critical"]
    device: Word | None = None
    fault: Fault
    raised_at: Moment
    session: str | None = None
    """The session it threatens."""
    minutes_to_session: float | None = None


class Entry(Part):
    """One fact of the room's journal.

    `at` is the wall clock, `mono_ms` the monotonic clock of `boot`: order and durations
    hold also when the wall clock jumps.
    """

    seq: int = Field(ge=1)
    id: str
    kind: Word
    at: Moment
    mono_ms: int
    boot: str
    session: str | None = None
    session_rev: int | None = None
    run: str | None = None
    """The preset run it belongs to."""
    cause: Word = "schedule"
    """`schedule`, `tablet`, `command` or `agent`."""
    who: Text = ""
    device: Word | None = None
    outcome: Word | None = None
    duration_ms: float | None = None
    body: dict[str, JsonValue] = Field(default_factory=dict)
    before: Annotated[str, Field(max_length=64)] = ""
    """The hash of the entry before it in the stream; see `contract.chain`."""
    hash: Annotated[str, Field(max_length=64)] = ""
    """Its own hash; empty where an older agent wrote it."""


class EntryBatch(Message):
    """Entries of one room in rising order without a gap inside (at most 64 KB)."""

    VERSION: ClassVar[int] = 2

    room: RoomId
    stream: str
    entries: tuple[Entry, ...] = Field(min_length=1, max_length=200)

    @model_validator(mode="after")
    def _gap_free(self) -> Self:
        numbers = [entry.seq for entry in self.entries]
        if numbers != list(range(numbers[0], numbers[0] + len(numbers))):
            raise ValueError(f"entries must rise by one, got {numbers[:5]}...")
        return self
