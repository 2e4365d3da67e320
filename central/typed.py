"""A request as somebody typed it, and what can be read of it.

A field that cannot be read is a mistake of ours; what the office's rules say about a
readable draft comes from `central.checks`. Both are told at once, with all that was typed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Final

from central.domain.alternatives import Change
from central.domain.recurrence import Every, Recurrence
from central.domain.resources import Need
from central.domain.words import Leader
from central.errors import Invalid, Wrong
from central.model import Contact, Draft, Offered, Request
from contract import new_id

_NO_DAY: Final = date(1970, 1, 1)
"""Stands in for a date that could not be read, so that the other fields are checked all the same."""

SITE: Final = "site:"
"""Before a site's name, where any room there will do."""
PIECES: Final = "need-"
"""Before a kind of equipment, where its number of pieces is typed."""


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


def form_from(typed: Mapping[str, str]) -> RequestForm:
    """Return the form with what was typed, by the names of its fields; a field that is missing is empty."""
    known = {name: typed[name] for name in NAMES if typed.get(name)}
    needs = {name.removeprefix(PIECES): text for name, text in typed.items() if name.startswith(PIECES)}
    return RequestForm(**known, needs=needs)


def fields_of(form: RequestForm) -> dict[str, str]:
    """Return what was typed by the names of its fields, as a draft keeps it."""
    kept = {name: getattr(form, name) for name in NAMES if name != "key"}
    return kept | {f"{PIECES}{ident}": text for ident, text in form.needs.items()}


def check_names(typed: Mapping[str, str]) -> None:
    """Return when every field is one of the form's.

    Raises:
        Invalid: these are not.
    """
    known = set(NAMES) - {"key"}
    strange = sorted(name for name in typed if name not in known and not name.startswith(PIECES))
    if strange:
        raise Invalid(*(Wrong(name, "field.unknown", f"wanted one of {', '.join(sorted(known))}") for name in strange))


def draft_of(form: RequestForm, agency_id: str, zone: tzinfo) -> tuple[Draft, tuple[Wrong, ...]]:
    """Return what can be read of `form`, and what cannot; times are those of `zone`."""
    wrongs: list[Wrong] = []
    letter_date = _date(form.letter_date, "letter_date", wrongs)
    day = _date(form.date, "date", wrongs)
    starts, ends = _times(form.start, form.end, day or _NO_DAY, zone, wrongs)
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


def over(draft: Draft, now: datetime) -> tuple[Wrong, ...]:
    """Return that an event is over already: somebody typed last year."""
    return (Wrong("date", "time.past", f"ended {draft.ends}"),) if draft.starts < draft.ends <= now else ()


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


def with_offer(form: RequestForm, offered: Offered, zone: tzinfo) -> RequestForm:
    """Return the form with what the division offers filled in."""
    starts, ends = offered.starts.astimezone(zone), offered.ends.astimezone(zone)
    return replace(
        form,
        date=starts.date().isoformat(),
        start=f"{starts:%H:%M}",
        end=f"{ends:%H:%M}",
        room=offered.room_id,
        recording="" if Change.NO_RECORDING in offered.changes else form.recording,
        streaming="" if Change.NO_STREAMING in offered.changes else form.streaming,
        own_account="on" if Change.OWN_ACCOUNT in offered.changes else form.own_account,
        needs={need.equipment: str(need.count) for need in offered.needs},
    )


def _date(text: str, name: str, wrongs: list[Wrong]) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        wrongs.append(Wrong(name, "date.unreadable", f"wanted a date, got {text[:40]!r}"))
        return None


def times_of(day: str, start: str, end: str, zone: tzinfo) -> tuple[datetime, datetime]:
    """Return a time that was typed as a day of `zone` with start and end.

    Raises:
        Invalid: some of it cannot be read.
    """
    wrongs: list[Wrong] = []
    read = _date(day, "date", wrongs)
    times = _times(start, end, read or _NO_DAY, zone, wrongs)
    if wrongs:
        raise Invalid(*wrongs)
    return times


def _times(start_typed: str, end_typed: str, day: date, zone: tzinfo, wrongs: list[Wrong]) -> tuple[datetime, datetime]:
    """Return start and end; one that cannot be read is put an hour from the other, where it is no mistake twice."""
    start, end = _time(start_typed, "starts", wrongs), _time(end_typed, "ends", wrongs)
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
