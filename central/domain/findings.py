"""What a rule of the verification answers: a verdict, a code with values, rivals and a way out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

Value = str | int | float | bool | datetime | tuple[str, ...]


class Verdict(StrEnum):
    """What a finding says."""

    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"


class Consideration(StrEnum):
    """Which check of the SOP a finding belongs to."""

    APPLICANT_EQUIPMENT = "1"
    APPLICANT_PEOPLE = "2"
    DIVISION_EQUIPMENT = "3"
    DIVISION_PEOPLE = "4"
    SERVABLE = "5"
    ROOM = "room"
    LEAD_TIME = "lead_time"
    HOURS = "hours"


class Code(StrEnum):
    """Every answer a rule can give; pages have a sentence for each."""

    APPLICANT_EQUIPMENT_DECLARED = "applicant.equipment_declared"
    APPLICANT_EQUIPMENT_NONE = "applicant.equipment_none"
    APPLICANT_PEOPLE_DECLARED = "applicant.people_declared"
    APPLICANT_PEOPLE_NONE = "applicant.people_none"
    KIT_COMPLETE = "kit.complete"
    KIT_NO_RECORDING = "kit.no_recording"
    KIT_NO_STREAMING = "kit.no_streaming"
    KIT_NO_ACCOUNT = "kit.no_account"
    ACCOUNT_FREE = "account.free"
    ACCOUNT_TAKEN = "account.taken"
    ACCOUNT_PLAN_FITS = "account.plan_fits"
    ACCOUNT_TOO_SMALL = "account.too_small"
    ACCOUNT_TOO_SHORT = "account.too_short"
    EQUIPMENT_FREE = "equipment.free"
    EQUIPMENT_SHORT = "equipment.short"
    EQUIPMENT_ELSEWHERE = "equipment.elsewhere"
    EQUIPMENT_UNKNOWN = "equipment.unknown"
    OPERATOR_FREE = "operator.free"
    OPERATOR_TAKEN = "operator.taken"
    OPERATORS_NONE_FREE = "operator.none_free"
    DUTY_ON = "duty.on"
    DUTY_OFF = "duty.off"
    DUTY_OFF_LEADER = "duty.off_leader"
    DUTY_LEAVE = "duty.leave"
    SKILLS_THERE = "skills.there"
    SKILLS_MISSING = "skills.missing"
    TRAVEL_ENOUGH = "travel.enough"
    TRAVEL_SHORT = "travel.short"
    WORK_WITHIN = "work.within"
    WORK_HIGH = "work.high"
    LOAD_WITHIN = "load.within"
    LOAD_FULL = "load.full"
    ROOM_FREE = "room.free"
    ROOM_TAKEN = "room.taken"
    ROOM_LARGE_ENOUGH = "room.large_enough"
    ROOM_TOO_SMALL = "room.too_small"
    ROOM_CLOSED = "room.closed"
    LEAD_KEPT = "lead.kept"
    LEAD_SHORT = "lead.short"
    LEAD_SHORT_WORKING = "lead.short_working"
    LEAD_SHORT_LEADER = "lead.short_leader"
    HOURS_INSIDE = "hours.inside"
    HOURS_LEADER = "hours.leader"
    HOURS_OUTSIDE = "hours.outside"
    HOURS_FREE_DAY = "hours.free_day"
    HOURS_HOLIDAY = "hours.holiday"
    HOURS_SEVERAL_DAYS = "hours.several_days"
    HOURS_NO_DECREE = "hours.no_decree"
    HOURS_NO_RAMADAN = "hours.no_ramadan"


class Fix(StrEnum):
    """How a finding can be put right."""

    NONE = ""
    OTHER_TIME_OR_ROOM = "other_time_or_room"
    OTHER_ROOM = "other_room"
    OTHER_OPERATOR = "other_operator"
    OTHER_TIME = "other_time"
    OWN_ACCOUNT = "own_account"
    NO_RECORDING = "no_recording"
    LESS_EQUIPMENT = "less_equipment"
    DECLARE = "declare"
    OVERRIDE = "override"
    CALENDAR = "calendar"


@dataclass(frozen=True, slots=True)
class Rival:
    """A session that holds what this one wants; the times are with its buffers."""

    session: str
    title: str
    agency: str
    starts: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule's answer with its evidence."""

    rule: str
    consideration: Consideration
    verdict: Verdict
    code: Code
    values: Mapping[str, Value] = field(default_factory=dict)
    rivals: tuple[Rival, ...] = ()
    fix: Fix = Fix.NONE


def worst(findings: tuple[Finding, ...]) -> Verdict:
    """Return the worst verdict among `findings`."""
    return max((finding.verdict for finding in findings), key=_BADNESS.index, default=Verdict.PASS)


_BADNESS: Final = (Verdict.PASS, Verdict.WARN, Verdict.FAIL)
