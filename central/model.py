"""What central's pages and its API read and write: frozen values, no rows.

Moments are aware. `Draft`, `Direction` and `Decision` come in; everything else goes out.
Rules, states and findings are in `central.domain`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from central.domain.alternatives import Change, Kind
from central.domain.clocks import SopClock
from central.domain.findings import Finding, Verdict, worst
from central.domain.recurrence import Recurrence
from central.domain.resources import EquipmentFacts, Need
from central.domain.sop import Event, State
from central.domain.words import Leader, Role
from contract import Alert, Fault, PlannedSession, Presence, Readiness, RoomState, SessionStatus
from contract.messages import OfferedPreset

Day = date
"""The type under a name that no field has: who reads annotations at run time would find the field."""


@dataclass(frozen=True, slots=True)
class Agency:
    """A provincial agency (perangkat daerah)."""

    id: str
    name: str
    short: str


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can log in."""

    id: str
    login: str
    name: str
    roles: frozenset[Role]
    agency: Agency | None = None
    acting_for: str = ""
    """The head of the office whom this person stands in for just now; the role comes from there."""

    @property
    def signature(self) -> str:
        """The name under a direction: an acting head signs as one."""
        return f"{self.name} (Plh. {self.acting_for})" if self.acting_for else self.name


@dataclass(frozen=True, slots=True)
class LogIn:
    """One log-in of a person; `here` is the one that asks."""

    id: str
    began_at: datetime
    seen_at: datetime
    address: str
    browser: str
    provider: str
    here: bool


@dataclass(frozen=True, slots=True)
class Account:
    """An account as administrators see it. `providers` are the sign-on services it is linked to."""

    id: str
    login: str
    name: str
    roles: frozenset[Role]
    agency_id: str | None
    active: bool
    has_password: bool
    providers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Delegation:
    """A period in which somebody acts for a head of the office."""

    id: str
    holder_id: str
    holder: str
    acting_id: str
    acting: str
    starts: datetime
    ends: datetime
    letter: str
    made_by: str
    ended_at: datetime | None
    active: bool


@dataclass(frozen=True, slots=True)
class Operator:
    """One of the division's technicians, as a session's unit."""

    id: str
    name: str
    active: bool = True


@dataclass(frozen=True, slots=True)
class Room:
    """A room that can be booked."""

    id: str
    name: str
    site: str
    capacity: int
    can_record: bool
    open: bool
    time_zone: str


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom to call about a request."""

    name: str
    phone: str


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as somebody sent it."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class LetterFile:
    """A letter as it is kept; its type was read from its first bytes. What was erased is known by its hash."""

    sha256: str
    name: str
    media_type: str
    size_bytes: int
    erased_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """The request letter (surat permohonan)."""

    number: str
    date: Day
    subject: str
    file: LetterFile | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """What an applicant sends in. `own_equipment` and `own_people` are their own words, empty for none."""

    agency_id: str
    letter_number: str
    letter_date: date
    letter_subject: str
    contact: Contact
    title: str
    starts: datetime
    ends: datetime
    room_id: str
    participants: int
    platform: str
    agenda: str = ""
    leader: Leader = Leader.NONE
    recording: bool = False
    own_account: bool = False
    own_equipment: str = ""
    own_people: str = ""
    streaming: bool = False
    needs: tuple[Need, ...] = ()
    repeat: Recurrence | None = None
    site: str = ""
    """Any room there will do; then `room_id` is empty."""


@dataclass(frozen=True, slots=True)
class Direction:
    """The head's word on a request: `accept` sends it to the division, else it goes back with the note."""

    accept: bool
    note: str = ""
    to: str | None = None
    """An officer of the division, when it is not for all of them."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The division's word. An approval names the operator, and the room when it is another one.

    `override_reason` is wanted when a finding fails; a taken room or operator cannot be overridden.
    """

    approve: bool
    reason: str = ""
    room_id: str | None = None
    operator_id: str | None = None
    override_reason: str = ""


@dataclass(frozen=True, slots=True)
class Reschedule:
    """What is to be other about a confirmed session; what is not named stays, and without an end the length does.

    `override_reason` is wanted when a finding fails, as for a decision.
    """

    reason: str = ""
    starts: datetime | None = None
    ends: datetime | None = None
    room_id: str | None = None
    operator_id: str | None = None
    override_reason: str = ""


@dataclass(frozen=True, slots=True)
class Move:
    """One step of a request's way; the first has no event: the letter's arrival."""

    at: datetime
    event: Event | None
    state: State
    actor: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """A request (permohonan) with its history. `receipt` is the number an applicant quotes."""

    id: str
    receipt: str
    agency: Agency
    letter: Letter
    contact: Contact
    title: str
    agenda: str
    starts: datetime
    ends: datetime
    room: Room
    participants: int
    platform: str
    leader: Leader
    recording: bool
    own_account: bool
    own_equipment: str
    own_people: str
    state: State
    version: int
    submitted_at: datetime
    applicant: str
    applicant_id: str
    moves: tuple[Move, ...] = ()
    clocks: tuple[SopClock, ...] = ()
    session_id: str | None = None
    streaming: bool = False
    needs: tuple[Need, ...] = ()
    series_id: str | None = None
    replaces_id: str | None = None
    tracking: str = ""
    site: str = ""
    """Any room there will do; `room` is the one that was put down for it."""
    forwarded_to: str | None = None
    forwarded_name: str = ""


@dataclass(frozen=True, slots=True)
class Verification:
    """All findings for a request in one room, and who is there to do it."""

    request_id: str
    room: Room
    operator: Operator | None
    findings: tuple[Finding, ...]
    rooms: tuple[Room, ...]
    operators: tuple[Operator, ...]
    free_operators: tuple[Operator, ...]
    computed_at: datetime

    @property
    def verdict(self) -> Verdict:
        """The worst verdict."""
        return worst(self.findings)


@dataclass(frozen=True, slots=True)
class RequestChange:
    """A new version of a request: field to what it was and what it is."""

    at: datetime
    actor: str
    fields: dict[str, tuple[str, str]]


class ProposalState(StrEnum):
    """What became of a proposal."""

    PROPOSED = "proposed"
    APPLIED = "applied"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Offer:
    """A time and room that somebody could have instead."""

    room_id: str
    room_name: str
    starts: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class Offered:
    """What the division offers an applicant instead of the wish; `needs` is what is lent then."""

    kind: Kind
    room_id: str
    room_name: str
    starts: datetime
    ends: datetime
    changes: tuple[Change, ...]
    needs: tuple[Need, ...]


@dataclass(frozen=True, slots=True)
class Displaced:
    """A session that would have to make room for a leader, and what it could have instead."""

    session_id: str
    request_id: str
    receipt: str
    title: str
    agency: str
    starts: datetime
    ends: datetime
    room_name: str
    alternatives: tuple[Offer, ...]


@dataclass(frozen=True, slots=True)
class Displacement:
    """A proposal to make room for a leader's request, and what became of it."""

    id: str
    request_id: str
    title: str
    leader: Leader
    starts: datetime
    ends: datetime
    room_id: str
    room_name: str
    operator_id: str
    operator_name: str
    state: ProposalState
    displaced: tuple[Displaced, ...]
    proposed_by: str
    proposed_by_id: str
    proposed_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class Notice:
    """What an applicant is told: the request `receipt` stands in place of the one that had to make room."""

    kind: str
    at: datetime
    reason: str
    follow_up: str
    receipt: str


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session as the room gets it, with what central knows beside it."""

    planned: PlannedSession
    room: Room
    request_id: str
    receipt: str
    operator: Operator
    leader: Leader
    has_report: bool

    @property
    def status(self) -> SessionStatus:
        """Confirmed, updated or cancelled."""
        return self.planned.status


@dataclass(frozen=True, slots=True)
class RoomCard:
    """A room on the wall.

    `shown` is the one word for it: `offline` (also when it was never heard of), `preparing`,
    `busy` while a session is on, else its readiness (`ready`, `degraded`, `not_ready`, `maintenance`).
    """

    room: Room
    shown: str
    presence: Presence | None
    readiness: Readiness | None
    last_seen: datetime | None
    reasons: tuple[Fault, ...] = ()
    phase: str = ""
    now: SessionRow | None = None
    next: SessionRow | None = None
    devices_ok: int = 0
    devices_all: int = 0
    schedule_held: bool = False
    """Whether the room has confirmed that it holds the newest published schedule."""


@dataclass(frozen=True, slots=True)
class RoomNow:
    """One room in full: its card, what its agent last said of itself, and its open alerts."""

    card: RoomCard
    state: RoomState | None
    """None while the room is not heard."""
    presets: tuple[OfferedPreset, ...] = ()
    alerts: tuple[Alert, ...] = ()
    schedule_rev: int | None = None
    """The newest published schedule."""


@dataclass(frozen=True, slots=True)
class RoomCommand:
    """Something that a person ordered a room to do, and what came of it.

    `status` is `sent`, `offline` (the room was not there) or `unsent` (the broker did not take it), then what
    the room answers: `accepted`, `progress`, and at last `ok`, `failed`, `rejected`, `expired` or `duplicate`.
    One that nobody answers in time is `silent`.
    """

    id: str
    room_id: str
    kind: str
    preset: str | None
    by: str
    issued_at: datetime
    status: str
    step: int = 0
    steps: int = 0
    reason: Fault | None = None
    replied_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Wall:
    """All rooms, the day's sessions and the requests that still wait for a decision."""

    at: datetime
    cards: tuple[RoomCard, ...]
    sessions: tuple[SessionRow, ...]
    waiting: tuple[Request, ...]


@dataclass(frozen=True, slots=True)
class InboxItem:
    """A request that waits for this person, with its running clock and (for the division) its verdict."""

    request: Request
    clock: SopClock | None
    remaining: timedelta | None
    late: bool
    verdict: Verdict | None = None
    allowed: timedelta | None = None
    """The working time that the step had; `remaining` is of it."""


@dataclass(frozen=True, slots=True)
class Inbox:
    """What waits for a person: leaders first, then the most urgent."""

    at: datetime
    items: tuple[InboxItem, ...]


@dataclass(frozen=True, slots=True)
class ReportRow:
    """A report that central's database holds."""

    session_id: str
    room_id: str
    room_name: str
    title: str
    agency: str
    report_rev: int
    planned_start: datetime
    carried_out: bool
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Choices:
    """What forms offer."""

    agencies: tuple[Agency, ...]
    rooms: tuple[Room, ...]
    operators: tuple[Operator, ...]
    platforms: tuple[str, ...]
    leaders: tuple[Leader, ...] = tuple(Leader)
    letter_pattern: str = ""
    lead_time: timedelta = field(default=timedelta(days=3))
    equipment: tuple[EquipmentFacts, ...] = ()
