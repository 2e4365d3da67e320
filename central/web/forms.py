"""The request form: what was typed, as a draft or as mistakes at their fields.

A field that cannot be read is a mistake of ours; what the office's rules say about a
readable draft comes from `central.checks`. Both are shown at once, with all that was typed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Final

from central.domain.recurrence import Every, Recurrence
from central.domain.resources import Need
from central.domain.words import Leader
from central.errors import Wrong
from central.model import Contact, Draft, Request
from contract import new_id
from webui.i18n import N_

_NO_DAY: Final = date(1970, 1, 1)
"""Stands in for a date that could not be read, so that the other fields are checked all the same."""

MISTAKES: Final[Mapping[str, str]] = {
    "text.wanted": N_("Please fill in this field."),
    "text.too_long": N_("This is too long."),
    "number.range": N_("A number of at least 1 is wanted."),
    "number.unreadable": N_("A whole number is wanted, such as 25."),
    "date.unreadable": N_("A date is wanted."),
    "time.unreadable": N_("A time of day is wanted, such as 09.00."),
    "time.order": N_("The end must be after the start."),
    "time.far": N_("This day is too far away."),
    "time.too_long": N_("The event lasts too long."),
    "login.unreadable": N_("Small letters, digits, dots and hyphens are wanted."),
    "login.taken": N_("Somebody has this user name already."),
    "roles.wanted": N_("Choose one role or more."),
    "agency.wanted": N_("An applicant belongs to an agency."),
    "password.length": N_("12 to 256 characters are wanted."),
    "password.plain": N_("This password is too easy to guess."),
    "password.wrong": N_("This is not the password."),
    "password.unlike": N_("Both must be the same."),
    "letter.wanted": N_("Please attach the letter."),
    "letter.size": N_("The file is empty or too large."),
    "letter.kind": N_("The file is neither PDF nor a JPEG or PNG picture."),
    "letter.number": N_("A letter number is wanted, such as 555/467/Diskominfo-D."),
    "needs.unreadable": N_("A whole number of pieces is wanted."),
    "needs.twice": N_("One kind of equipment stands there twice."),
    "room.not_found": N_("Please choose a room."),
    "period.too_long": N_("A period lasts 92 days at most."),
    "repeat.until": N_("Say until when it recurs, a day after the first."),
    "repeat.too_many": N_("These are too many times, 60 are the limit."),
    "repeat.overlaps": N_("It lasts until it would begin again."),
    "repeat.interval": N_("A whole number is wanted, such as 25."),
    "time.past": N_("This is over already."),
    "person.no_head": N_("Choose a head of the office."),
    "person.not_of_office": N_("Choose somebody else of the office."),
    "note.wanted": N_("Say why it goes back; the applicant reads this."),
    "reason.wanted": N_("A reason is wanted; the other side reads this."),
    "person.no_officer": N_("Choose somebody of the division."),
    "address.unreadable": N_("This is no address that can be written to."),
    "drafts.too_many": N_("There are 20 drafts already; delete one first."),
    "operator.wanted": N_("Choose the technician."),
    "override.wanted": N_("A finding fails: give a reason for approving all the same."),
}
"""By the code of a wrong field."""
SITE: Final = "site:"
"""Before a site's name, where any room there will do."""
OTHERWISE: Final = N_("This is not right.")

_SHOWN_AT: Final[Mapping[str, str]] = {"starts": "start", "ends": "end", "room_id": "room", "operator_id": "operator"}
"""Fields of a draft that have another name on the form."""


@dataclass(slots=True)
class RequestForm:
    """What an applicant typed, as it was typed."""

    letter_number: str = ""
    letter_date: str = ""
    letter_subject: str = ""
    contact_name: str = ""
    contact_phone: str = ""
    title: str = ""
    agenda: str = ""
    date: str = ""
    start: str = ""
    end: str = ""
    room: str = ""
    participants: str = ""
    platform: str = ""
    leader: str = Leader.NONE.value
    recording: str = ""
    streaming: str = ""
    own_account: str = ""
    own_equipment: str = ""
    own_people: str = ""
    repeat: str = ""
    repeat_until: str = ""
    repeat_on_free_days: str = ""
    needs: dict[str, str] = field(default_factory=dict)
    """How many pieces, by the equipment's id."""
    key: str = field(default_factory=new_id)
    """Sent once with every page: the same page sent twice makes one request."""

    def values(self) -> dict[str, object]:
        """Return all fields for showing them again."""
        return asdict(self)


NAMES: Final = tuple(one.name for one in fields(RequestForm) if one.name != "needs")


def draft_of(form: RequestForm, agency_id: str, zone: tzinfo) -> tuple[Draft, tuple[Wrong, ...]]:
    """Return what can be read of `form`, and what cannot; times are those of `zone`."""
    wrongs: list[Wrong] = []
    letter_date = _date(form.letter_date, "letter_date", wrongs)
    day = _date(form.date, "date", wrongs)
    starts, ends = _times(form, day or _NO_DAY, zone, wrongs)
    site = form.room.removeprefix(SITE) if form.room.startswith(SITE) else ""
    if not form.room:
        wrongs.append(Wrong("room_id", "room.not_found", "no room was chosen"))
    draft = Draft(
        agency_id=agency_id,
        letter_number=form.letter_number,
        letter_date=letter_date or _NO_DAY,
        letter_subject=form.letter_subject,
        contact=Contact(form.contact_name, form.contact_phone),
        title=form.title,
        starts=starts,
        ends=ends,
        room_id="" if site else form.room,
        site=site,
        participants=_number(form.participants, "participants", wrongs),
        platform=form.platform,
        agenda=form.agenda,
        leader=Leader(form.leader) if form.leader in set(Leader) else Leader.NONE,
        recording=bool(form.recording),
        own_account=bool(form.own_account),
        own_equipment=form.own_equipment,
        own_people=form.own_people,
        streaming=bool(form.streaming),
        needs=_needs(form.needs, wrongs),
        repeat=_repeat(form, wrongs),
    )
    return draft, tuple(wrongs)


def _repeat(form: RequestForm, wrongs: list[Wrong]) -> Recurrence | None:
    if form.repeat not in set(Every):
        return None
    try:
        until = date.fromisoformat(form.repeat_until.strip())
    except ValueError:
        wrongs.append(Wrong("repeat_until", "repeat.until", "wanted the last day"))
        return None
    return Recurrence(Every(form.repeat), until, skip_free_days=not form.repeat_on_free_days)


def _needs(typed: Mapping[str, str], wrongs: list[Wrong]) -> tuple[Need, ...]:
    """Return the pieces that are wanted; an empty field or a nought is none."""
    wanted = {ident: text.strip() for ident, text in typed.items() if text.strip() not in {"", "0"}}
    if not all(text.isdecimal() and len(text) < 4 for text in wanted.values()):
        wrongs.append(Wrong("needs", "needs.unreadable", f"wanted numbers of pieces, got {wanted}"))
        return ()
    return tuple(Need(ident, int(text)) for ident, text in wanted.items())


def form_of(record: Request, zone: tzinfo) -> RequestForm:
    """Return a request as the form that would make it."""
    starts, ends = record.starts.astimezone(zone), record.ends.astimezone(zone)
    return RequestForm(
        letter_number=record.letter.number,
        letter_date=record.letter.date.isoformat(),
        letter_subject=record.letter.subject,
        contact_name=record.contact.name,
        contact_phone=record.contact.phone,
        title=record.title,
        agenda=record.agenda,
        date=starts.date().isoformat(),
        start=f"{starts:%H:%M}",
        end=f"{ends:%H:%M}",
        room=f"{SITE}{record.site}" if record.site else record.room.id,
        participants=str(record.participants),
        platform=record.platform,
        leader=record.leader.value,
        recording="on" if record.recording else "",
        streaming="on" if record.streaming else "",
        own_account="on" if record.own_account else "",
        own_equipment=record.own_equipment,
        own_people=record.own_people,
        needs={need.equipment: str(need.count) for need in record.needs},
    )


def mistakes(wrongs: tuple[Wrong, ...]) -> dict[str, str]:
    """Return English message ids by the form's field, in the form's order; the first at a field counts."""
    found: dict[str, str] = {}
    for wrong in wrongs:
        found.setdefault(_SHOWN_AT.get(wrong.field, wrong.field), MISTAKES.get(wrong.code, OTHERWISE))
    order = (*NAMES[:3], "letter", *NAMES[3:])
    return {name: found[name] for name in (*order, *found) if name in found}


def _date(text: str, name: str, wrongs: list[Wrong]) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        wrongs.append(Wrong(name, "date.unreadable", f"wanted a date, got {text[:40]!r}"))
        return None


def _times(form: RequestForm, day: date, zone: tzinfo, wrongs: list[Wrong]) -> tuple[datetime, datetime]:
    """Return start and end; one that cannot be read is put an hour from the other, where it is no mistake twice."""
    start, end = _time(form.start, "starts", wrongs), _time(form.end, "ends", wrongs)
    starts = datetime.combine(day, start or end or time(), tzinfo=zone)
    ends = datetime.combine(day, end, tzinfo=zone) if end else starts + timedelta(hours=1)
    return (starts if start else ends - timedelta(hours=1)), ends


def _time(text: str, name: str, wrongs: list[Wrong]) -> time | None:
    try:
        return time.fromisoformat(text.strip().replace(".", ":")).replace(tzinfo=None)
    except ValueError:
        wrongs.append(Wrong(name, "time.unreadable", f"wanted a time of day, got {text[:40]!r}"))
        return None


def _number(text: str, name: str, wrongs: list[Wrong]) -> int:
    try:
        return int(text.strip())
    except ValueError:
        wrongs.append(Wrong(name, "number.unreadable", f"wanted a whole number, got {text[:40]!r}"))
        return 1
