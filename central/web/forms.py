"""What a form says of a field that is wrong, in the form's order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from central.errors import Wrong
from central.typed import NAMES
from webui.i18n import N_

MISTAKES: Final[Mapping[str, str]] = {
    "text.wanted": N_("Please fill in this field."),
    "text.too_long": N_("This is too long."),
    "number.range": N_("A number from 1 to 100,000 is wanted."),
    "number.unreadable": N_("A whole number is wanted, such as 25."),
    "date.unreadable": N_("A date is wanted."),
    "time.unreadable": N_("A time of day is wanted, such as 09.00."),
    "time.order": N_("The end must be after the start."),
    "time.far": N_("This day is too far away."),
    "time.too_long": N_("The event lasts too long."),
    "days.order": N_("The last day must not be before the first."),
    "days.too_many": N_("Words and rooms are looked for in 366 days at most. Choose fewer days."),
    "login.unreadable": N_("Small letters, digits, dots and hyphens are wanted."),
    "login.taken": N_("Somebody has this user name already."),
    "roles.wanted": N_("Choose one role or more."),
    "agency.wanted": N_("An applicant belongs to an agency."),
    "password.length": N_("12 to 256 characters are wanted."),
    "password.plain": N_("This password is too easy to guess."),
    "password.wrong": N_("This is not the password."),
    "password.unlike": N_("Both must be the same."),
    "leader.not_counted": N_("This position does not count as a leader here."),
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
    "session.same": N_("Choose another time, room or technician."),
    "override.wanted": N_("A finding fails: give a reason for approving all the same."),
}
"""By the code of a wrong field."""
OTHERWISE: Final = N_("This is not right.")

_SHOWN_AT: Final[Mapping[str, str]] = {"starts": "start", "ends": "end", "room_id": "room", "operator_id": "operator"}
"""Fields of a draft that have another name on the form."""


def mistakes(wrongs: tuple[Wrong, ...]) -> dict[str, str]:
    """Return English message ids by the form's field, in the form's order; the first at a field counts."""
    found: dict[str, str] = {}
    for wrong in wrongs:
        found.setdefault(_SHOWN_AT.get(wrong.field, wrong.field), MISTAKES.get(wrong.code, OTHERWISE))
    order = (*NAMES[:3], "letter", *NAMES[3:])
    return {name: found[name] for name in (*order, *found) if name in found}
