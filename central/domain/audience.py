"""Who is told of what happens to a request.

The applicant hears of everything but his own second thoughts; an office's role hears of
what it has to do next, and of what changes a session it prepares for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from central.domain.sop import Event
from central.domain.words import Role

ARRIVED: Final = "submit"
"""Stands for the letter's arrival, which is no event of the table."""


@dataclass(frozen=True, slots=True)
class Audience:
    """Who hears of an event."""

    applicant: bool
    roles: frozenset[Role]


_ROOM: Final = frozenset({Role.VERIFIER, Role.SCHEDULER, Role.TECHNICIAN})

AUDIENCES: Final[dict[str, Audience]] = {
    ARRIVED: Audience(applicant=True, roles=frozenset({Role.HEAD})),
    Event.RESUBMIT: Audience(applicant=True, roles=frozenset({Role.HEAD})),
    Event.ACCEPT: Audience(applicant=True, roles=frozenset({Role.VERIFIER})),
    Event.RETURN: Audience(applicant=True, roles=frozenset()),
    Event.OFFER: Audience(applicant=True, roles=frozenset()),
    Event.APPROVE: Audience(applicant=True, roles=frozenset({Role.SCHEDULER, Role.TECHNICIAN})),
    Event.REFUSE: Audience(applicant=True, roles=frozenset({Role.HEAD})),
    Event.WITHDRAW: Audience(applicant=True, roles=frozenset({Role.VERIFIER})),
    Event.RESCHEDULE: Audience(applicant=True, roles=_ROOM),
    Event.CANCEL: Audience(applicant=True, roles=_ROOM),
    Event.REPORT: Audience(applicant=True, roles=frozenset({Role.HEAD})),
}


def audience(event: str) -> Audience:
    """Return who hears of `event`; nobody of one that is not in the table."""
    return AUDIENCES.get(event, Audience(applicant=False, roles=frozenset()))
