"""Sentences for the findings of a verification: what was found, with whom it clashes, what helps."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from central.domain.findings import Code, Finding, Fix, Rival, Value
from central.domain.words import platform_name
from webui.env import durasi, jam, tanggal_pendek, waktu
from webui.i18n import N_
from webui.reasons import Translate

_DAY_H: Final = 24.0
_DAYS_FROM_H: Final = 96.0
"""From here on days say enough."""

SENTENCES: Final[Mapping[Code, str]] = {
    Code.APPLICANT_EQUIPMENT_DECLARED: N_("Stated in the form: %(declared)s."),
    Code.APPLICANT_EQUIPMENT_NONE: N_("The form states no own equipment and no own account."),
    Code.APPLICANT_PEOPLE_DECLARED: N_("Stated in the form: %(people)s."),
    Code.APPLICANT_PEOPLE_NONE: N_("The form states nobody who comes along."),
    Code.KIT_COMPLETE: N_("%(room)s has what is asked for; platform %(platform)s."),
    Code.KIT_NO_RECORDING: N_("Recording is asked for, and %(room)s cannot record."),
    Code.KIT_NO_ACCOUNT: N_("No account for %(platform)s. The division has: %(platforms)s."),
    Code.KIT_NO_STREAMING: N_("Streaming is asked for, and %(room)s cannot stream."),
    Code.ACCOUNT_FREE: N_("%(free_count)s of %(all_count)s meetings on %(platform)s are free: %(accounts)s."),
    Code.ACCOUNT_TAKEN: N_("All %(all_count)s meetings that the accounts for %(platform)s allow at once are taken."),
    Code.ACCOUNT_PLAN_FITS: N_("The plan of %(account)s allows it."),
    Code.ACCOUNT_TOO_SMALL: N_("%(participants)s are expected; the accounts for %(platform)s allow %(at_most)s."),
    Code.ACCOUNT_TOO_SHORT: N_("The accounts for %(platform)s allow meetings of %(minutes)s minutes at most."),
    Code.EQUIPMENT_FREE: N_("%(equipment)s: %(wanted)s wanted, %(free_count)s of %(all_count)s free."),
    Code.EQUIPMENT_SHORT: N_(
        "%(equipment)s: %(wanted)s wanted, %(free_count)s of %(all_count)s free, %(faulty)s out of order."
    ),
    Code.EQUIPMENT_ELSEWHERE: N_("%(equipment)s stays at %(site)s."),
    Code.EQUIPMENT_UNKNOWN: N_("The division has no “%(equipment)s”."),
    Code.DUTY_ON: N_("%(name)s is on duty from preparation to clearing away."),
    Code.DUTY_OFF: N_("%(name)s is not on duty all the time from %(from)s to %(until)s."),
    Code.DUTY_OFF_LEADER: N_("%(name)s is not on duty all the time from %(from)s to %(until)s; a leader takes part."),
    Code.DUTY_LEAVE: N_("%(name)s is away from %(from)s to %(until)s: %(reason)s."),
    Code.SKILLS_THERE: N_("%(name)s can do what is wanted."),
    Code.SKILLS_MISSING: N_("%(name)s has not learnt: %(missing)s."),
    Code.TRAVEL_ENOUGH: N_("%(name)s has time enough for the way."),
    Code.TRAVEL_SHORT: N_("%(name)s would be at another site within %(minutes)s minutes of %(site)s."),
    Code.WORK_WITHIN: N_("%(name)s has %(count)s other sessions that day."),
    Code.WORK_HIGH: N_("%(name)s has %(count)s other sessions that day already, %(limit)s are the limit."),
    Code.OPERATOR_FREE: N_("%(free_count)s of %(all_count)s free: %(free)s."),
    Code.OPERATOR_TAKEN: N_("%(name)s is taken. Free: %(free)s."),
    Code.OPERATORS_NONE_FREE: N_(
        "None of the %(all_count)s technicians can come. Taken: %(taken)s. Off duty, away or not trained: %(others)s."
    ),
    Code.LOAD_WITHIN: N_("%(at_once)s at the same time, the limit is %(limit)s."),
    Code.LOAD_FULL: N_("Already %(at_once)s at the same time, the limit is %(limit)s."),
    Code.ROOM_FREE: N_("%(room)s is free."),
    Code.ROOM_TAKEN: N_("%(room)s is taken."),
    Code.ROOM_LARGE_ENOUGH: N_("%(room)s holds %(capacity)s, %(participants)s are expected."),
    Code.ROOM_TOO_SMALL: N_("%(room)s holds %(capacity)s, %(participants)s are expected."),
    Code.ROOM_CLOSED: N_("%(room)s is closed."),
    Code.LEAD_KEPT: N_("Received %(given)s before the event, at least %(wanted)s are wanted."),
    Code.LEAD_SHORT: N_("Received only %(given)s before the event, %(wanted)s are wanted."),
    Code.LEAD_SHORT_WORKING: N_(
        "Received too late: %(wanted_days)s working days are wanted, so by %(latest)s at the latest."
    ),
    Code.LEAD_SHORT_LEADER: N_("Received only %(given)s before the event; a leader takes part."),
    Code.HOURS_INSIDE: N_("Within working hours."),
    Code.HOURS_LEADER: N_("Outside working hours; a leader takes part."),
    Code.HOURS_OUTSIDE: N_("Outside working hours, %(opens)s to %(closes)s."),
    Code.HOURS_FREE_DAY: N_("Not a working day."),
    Code.HOURS_HOLIDAY: N_("A holiday: %(holiday)s."),
    Code.HOURS_SEVERAL_DAYS: N_("Goes on past the end of the day."),
    Code.HOURS_NO_DECREE: N_(
        "Within the usual hours; the decree on holidays and joint leave of %(year)s is not in the office's rules yet."
    ),
    Code.HOURS_NO_RAMADAN: N_(
        "Within the usual hours; the day lies in Ramadan, whose hours of %(year)s are not in the office's rules yet."
    ),
}
FIXES: Final[Mapping[Fix, str]] = {
    Fix.OTHER_TIME_OR_ROOM: N_("Choose another time or another room."),
    Fix.OTHER_ROOM: N_("Choose another room."),
    Fix.OTHER_OPERATOR: N_("Choose another technician."),
    Fix.OTHER_TIME: N_("Choose another time."),
    Fix.OWN_ACCOUNT: N_("The applicant may bring an own account."),
    Fix.NO_RECORDING: N_("Do without recording, or choose another room."),
    Fix.LESS_EQUIPMENT: N_("Do with less equipment, or choose another time."),
    Fix.DECLARE: N_("Ask the applicant if it matters."),
    Fix.OVERRIDE: N_("May be approved with a reason."),
    Fix.CALENDAR: N_("Look the day up before deciding; the administrator adds it to the policy file."),
}


def sentences(finding: Finding, translate: Translate) -> tuple[str, ...]:
    """Return what `finding` says in the current language: the sentence, then each rival with its hours."""
    pattern = SENTENCES[finding.code]
    values = _Worded({name: _said(name, value) for name, value in finding.values.items()})
    if "given_hours" in finding.values:
        values["given"] = span(_hours(finding.values["given_hours"]), translate)
        values["wanted"] = span(_hours(finding.values["wanted_hours"]), translate)
    if finding.code is Code.APPLICANT_EQUIPMENT_DECLARED:
        values["declared"] = _declared(finding, translate)
    return (translate(pattern) % values, *(_rival(rival) for rival in finding.rivals))


def fix(finding: Finding, translate: Translate) -> str:
    """Return what helps, or nothing."""
    return translate(FIXES[finding.fix]) if finding.fix is not Fix.NONE else ""


class _Worded(dict[str, str]):
    """Values of a sentence; a rule that gives one less than the sentence wants shows a dash, not an error."""

    def __missing__(self, key: str) -> str:
        return "—"


def _said(name: str, value: Value) -> str:
    """Return a value as people say it; platforms as their makers write them."""
    if name == "platform":
        return platform_name(str(value))
    if name == "platforms" and isinstance(value, tuple):
        return _word(tuple(platform_name(one) for one in value))
    return _word(value)


def _word(value: Value) -> str:
    if isinstance(value, tuple):
        return ", ".join(value) or "—"
    if isinstance(value, datetime):
        return waktu(value)
    return str(value)


def span(length: timedelta, translate: Translate) -> str:
    """Return a length of time, in days once that says enough."""
    hours = length / timedelta(hours=1)
    if hours >= _DAYS_FROM_H or (hours >= 2 * _DAY_H and hours % _DAY_H == 0):
        return translate(N_("%(days)s days")) % {"days": int(hours // _DAY_H)}
    return durasi(length) if hours > 0 else translate(N_("nothing"))


def _hours(value: Value) -> timedelta:
    return timedelta(hours=float(value)) if isinstance(value, int | float) else timedelta(0)


def _declared(finding: Finding, translate: Translate) -> str:
    parts = [str(finding.values.get("equipment", ""))]
    if finding.values.get("own_account"):
        parts.append(translate(N_("own account")))
    return ", ".join(part for part in parts if part)


def _rival(rival: Rival) -> str:
    hours = f"{tanggal_pendek(rival.starts)} {jam(rival.starts)}\N{EN DASH}{jam(rival.ends)}"
    return f"“{rival.title}” ({rival.agency}) {hours}"
