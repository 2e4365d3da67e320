"""What the JSON API takes, and what it gives that is no value of the model.

An unknown field is refused, so a typo is found.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import date, datetime, time
from typing import Annotated, Final, Literal

from fastapi import File, Form, UploadFile
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from central.chain import Harm, Stretch, Worth
from central.commands import Order
from central.domain.alternatives import Alternative, Change, Kind
from central.domain.calendar import Gap
from central.domain.findings import Finding, Verdict
from central.domain.recurrence import Every, Recurrence
from central.domain.resources import Need
from central.domain.servable import LeftOut
from central.domain.words import Leader, Role, UnitKind
from central.errors import Invalid, Wrong
from central.ical import Unread
from central.model import Contact, Decision, Direction, Draft, Operator, Reschedule, Room, Upload, Verification
from central.offering import key_for
from central.planner import ServableDay

NEED_AT_MOST = 1000
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2199, 12, 31)
"""Days that a calendar can be computed around; what lies outside is a slip of the pen."""
OfficeDay = Annotated[date, Field(ge=FIRST_DAY, le=LAST_DAY)]


def _within(moment: datetime) -> datetime:
    """Check that a moment lies in the years of `OfficeDay`.

    Raises:
        ValueError: it does not.
    """
    if not FIRST_DAY.year <= moment.year <= LAST_DAY.year:
        raise ValueError(f"a year from {FIRST_DAY.year} to {LAST_DAY.year} is wanted")
    return moment


Moment = Annotated[AwareDatetime, AfterValidator(_within)]
Number = Annotated[int, Field(ge=0, le=2**53)]
"""Of a row or an entry; what is larger fits no database."""


class Body(BaseModel):
    """Base of what comes in."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LoginIn(Body):
    """Name and password."""

    login: Annotated[str, Field(min_length=1, max_length=100)]
    password: Annotated[str, Field(min_length=1, max_length=256)]


class PasswordIn(Body):
    """One's own new password."""

    old: Annotated[str, Field(min_length=1, max_length=256)]
    new: Annotated[str, Field(min_length=1, max_length=256)]


class NewPasswordIn(Body):
    """A new password for somebody else."""

    new: Annotated[str, Field(min_length=1, max_length=256)]


class AccountChangeIn(Body):
    """What can be changed of an account."""

    name: Annotated[str, Field(max_length=200)]
    roles: frozenset[Role]
    agency_id: str | None = None
    active: bool = True


class AccountIn(AccountChangeIn):
    """A new account; without a password only single sign-on opens it."""

    login: Annotated[str, Field(max_length=100)]
    password: Annotated[str, Field(max_length=256)] = ""


class DirectionIn(Body):
    """The head's word."""

    accept: bool
    note: Annotated[str, Field(max_length=2000)] = ""
    to: str | None = None
    version: Number | None = None

    def value(self) -> Direction:
        """Return it as the desk takes it."""
        return Direction(self.accept, self.note, self.to)


class OfferIn(Body):
    """One of the alternatives of a verification (in `for_room`, when it was made for another room than the wished one).

    `note` is what the applicant reads.
    """

    kind: Kind
    room_id: Annotated[str, Field(max_length=200)]
    starts: Moment
    changes: Annotated[tuple[Change, ...], Field(max_length=len(Change))] = ()
    note: Annotated[str, Field(max_length=2000)]
    for_room: str | None = None
    version: Number | None = None

    @property
    def key(self) -> str:
        """What tells the alternative from others."""
        return key_for(self.kind, self.room_id, self.starts, self.changes)


class DecisionIn(Body):
    """The division's word."""

    approve: bool
    reason: Annotated[str, Field(max_length=2000)] = ""
    room_id: str | None = None
    operator_id: str | None = None
    override_reason: Annotated[str, Field(max_length=2000)] = ""
    version: Number | None = None

    def value(self) -> Decision:
        """Return it as the desk takes it."""
        return Decision(self.approve, self.reason, self.room_id, self.operator_id, self.override_reason)


class RescheduleIn(Body):
    """When, where and with whom a confirmed session is to be instead; what is not named stays."""

    reason: Annotated[str, Field(max_length=2000)]
    starts: Moment | None = None
    ends: Moment | None = None
    room_id: str | None = None
    operator_id: str | None = None
    override_reason: Annotated[str, Field(max_length=2000)] = ""
    version: Number | None = None

    def value(self) -> Reschedule:
        """Return it as the office takes it."""
        return Reschedule(**self.model_dump(exclude={"version"}))


class DisplacementIn(Body):
    """Where and with whom a leader's session is to be."""

    room_id: str | None = None
    operator_id: str | None = None


class DisplacementDecisionIn(Body):
    """The head's word on a proposal."""

    apply: bool
    reason: Annotated[str, Field(max_length=2000)]


class DelegationIn(Body):
    """Who acts for a head, when, and by which letter."""

    holder_id: str
    acting_id: str
    starts: Moment
    ends: Moment
    letter: Annotated[str, Field(min_length=1, max_length=200)]


class ReasonIn(Body):
    """Why something took longer."""

    reason: Annotated[str, Field(min_length=1, max_length=2000)]


class WithdrawIn(Body):
    """Why it is taken back."""

    reason: Annotated[str, Field(max_length=2000)]
    version: Number | None = None


class RequestIn(Body):
    """What a request says, as a multipart form."""

    letter_number: str
    letter_date: OfficeDay
    letter_subject: str
    contact_name: str
    contact_phone: str
    title: str
    starts: Moment
    ends: Moment
    room_id: str = ""
    site: str = ""
    participants: Annotated[int, Field(ge=-(2**53), le=2**53)]
    platform: str
    agenda: str = ""
    leader: Leader = Leader.NONE
    recording: bool = False
    own_account: bool = False
    own_equipment: str = ""
    own_people: str = ""
    streaming: bool = False
    needs: Annotated[list[str], Field(max_length=30)] = []

    def draft(self, agency_id: str) -> Draft:
        """Return it as the desk takes it."""
        typed = self.model_dump(include=_AS_TYPED)
        needs = tuple(read_need(text) for text in self.needs)
        return Draft(agency_id=agency_id, contact=Contact(self.contact_name, self.contact_phone), needs=needs, **typed)


_AS_TYPED: Final = set(RequestIn.model_fields) - {"contact_name", "contact_phone", "needs"}


class DraftIn(RequestIn):
    """A new request with its letter, once or recurring."""

    agency_id: str
    repeat: Every | None = None
    repeat_until: OfficeDay | None = None
    repeat_interval: Annotated[int, Field(ge=1, le=52)] = 1
    repeat_on_free_days: bool = False
    letter: Annotated[UploadFile, File()]

    def value(self) -> Draft:
        """Return it as the desk takes it."""
        return replace(self.draft(self.agency_id), repeat=self._recurrence())

    def _recurrence(self) -> Recurrence | None:
        """Return how it recurs.

        Raises:
            Invalid: it recurs without an end.
        """
        if self.repeat is None:
            return None
        if self.repeat_until is None:
            raise Invalid(Wrong("repeat_until", "repeat.until", "say until when it recurs"))
        return Recurrence(self.repeat, self.repeat_until, self.repeat_interval, not self.repeat_on_free_days)

    async def upload(self, at_most_bytes: int) -> Upload:
        """Read the letter, one byte more than allowed at most."""
        return await _read(self.letter, at_most_bytes)


class DraftFieldsIn(Body):
    """What is kept of a request that is not sent in yet, as it was typed."""

    fields: Annotated[
        dict[Annotated[str, Field(max_length=60)], Annotated[str, Field(max_length=4000)]],
        Field(max_length=80, description="by the names of the page's form; a kind of equipment is `need-ID`"),
    ]


class SendIn(Body):
    """The letter that a draft is sent in with."""

    letter: Annotated[UploadFile, File()]

    async def upload(self, at_most_bytes: int) -> Upload:
        """Read the letter, one byte more than allowed at most."""
        return await _read(self.letter, at_most_bytes)


class AgainIn(RequestIn):
    """A returned request, changed; without a letter it keeps its own."""

    letter: Annotated[UploadFile | None, File()] = None

    async def upload(self, at_most_bytes: int) -> Upload | None:
        """Read the letter if there is one, one byte more than allowed at most."""
        return None if self.letter is None else await _read(self.letter, at_most_bytes)


async def _read(letter: UploadFile, at_most_bytes: int) -> Upload:
    return Upload(letter.filename or "", await letter.read(at_most_bytes + 1))


@dataclass(frozen=True, slots=True)
class Findings:
    """A verification with its verdict, and with alternatives when a finding fails."""

    request_id: str
    room: Room
    operator: Operator | None
    findings: tuple[Finding, ...]
    rooms: tuple[Room, ...]
    operators: tuple[Operator, ...]
    free_operators: tuple[Operator, ...]
    computed_at: datetime
    verdict: Verdict
    alternatives: tuple[Alternative, ...]

    @classmethod
    def of(cls, found: Verification, alternatives: tuple[Alternative, ...]) -> Findings:
        """Return it as it is answered."""
        same = {field.name: getattr(found, field.name) for field in fields(found)}
        return cls(**same, verdict=found.verdict, alternatives=alternatives)


@dataclass(frozen=True, slots=True)
class DayOut:
    """One day of the office; without hours it is free.

    `missing` says what nobody has put into the office's rules yet, so that the day is a guess: the
    year's `decree` on holidays and joint leave, or the hours of its `ramadan`.
    """

    day: date
    works: bool
    opens: time | None
    closes: time | None
    holiday: str
    missing: Gap | None


@dataclass(frozen=True, slots=True)
class ServedOut:
    """A request that can be served, with what it takes."""

    request: str
    units: tuple[tuple[UnitKind, str], ...]


@dataclass(frozen=True, slots=True)
class ImpossibleOut:
    """A request that cannot be served at all, and why."""

    request: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class ServableOut:
    """Which of a day's requests can be served together; `proven` says that no other choice is better."""

    day: date
    proven: bool
    served: tuple[ServedOut, ...]
    left_out: tuple[LeftOut, ...]
    impossible: tuple[ImpossibleOut, ...]

    @classmethod
    def of(cls, found: ServableDay) -> ServableOut:
        """Return it as it is answered."""
        served = tuple(ServedOut(ident, units) for ident, units in sorted(found.best.served.items()))
        impossible = tuple(ImpossibleOut(request.id, findings) for request, findings in found.impossible)
        return cls(found.day, found.best.proven, served, found.best.left_out, impossible)


@dataclass(frozen=True, slots=True)
class FaultOut:
    """An entry of a journal that does not fit, and how."""

    seq: int
    harm: Harm


@dataclass(frozen=True, slots=True)
class EvidenceOut:
    """What the journal entries behind a report are worth, and which revisions of it there are."""

    fits: bool
    unchained: int
    streams: tuple[Stretch, ...]
    faults: tuple[FaultOut, ...]
    revisions: tuple[int, ...]

    @classmethod
    def of(cls, found: Worth, revisions: tuple[int, ...]) -> EvidenceOut:
        """Return it as it is answered."""
        faults = tuple(FaultOut(seq, harm) for seq, harm in found.faults)
        return cls(found.fits, found.unchained, found.stretches, faults, revisions)


@dataclass(frozen=True, slots=True)
class TakenOut:
    """How many rows of a file were taken."""

    taken: int


@dataclass(frozen=True, slots=True)
class LeaveOut:
    """How many events of a calendar were new, and what could not be read of it."""

    taken: int
    unread: tuple[Unread, ...]


def read_need(text: str) -> Need:
    """Return `mic:2` as so many pieces; without a number it is one.

    Raises:
        Invalid: the number is none, or there is no name.
    """
    name, colon, number = text.partition(":")
    if not name or (colon and not (number.isdecimal() and 1 <= int(number[:9]) <= NEED_AT_MOST)):
        raise Invalid(Wrong("needs", "needs.unreadable", f"wanted like mic:2, got {text[:40]!r}"))
    return Need(name, int(number or "1"))


DraftForm = Annotated[DraftIn, Form(media_type="multipart/form-data")]
SendForm = Annotated[SendIn, Form(media_type="multipart/form-data")]
AgainForm = Annotated[AgainIn, Form(media_type="multipart/form-data")]


class CommandIn(Body):
    """An order to a room."""

    kind: Literal["prepare", "run_preset", "recheck", "cancel"]
    preset: Annotated[str | None, Field(max_length=64)] = None
    values: Annotated[dict[str, bool | int | float | str | None], Field(max_length=50)] = {}
    run: Annotated[str | None, Field(max_length=64)] = None
    schedule_rev: Number | None = None
    id: Annotated[str, Field(max_length=64, pattern="^[A-Za-z0-9-]*$")] = ""

    def value(self) -> Order:
        """Return it as central takes it."""
        return Order(self.kind, self.preset, self.values, self.run, self.schedule_rev, self.id)


class StopAllIn(Body):
    """The stop of all rooms; `confirm` is there so that nobody sends it by a slip."""

    confirm: Literal["stop"]
    reason: Annotated[str, Field(min_length=1, max_length=300)]
    id: Annotated[str, Field(max_length=64, pattern="^[A-Za-z0-9-]*$")] = ""
