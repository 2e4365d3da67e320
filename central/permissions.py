"""Who may do what: one table, nothing allowed that does not stand in it.

Routes name their action (`requires(Action.DECIDE)`); a route that names none keeps the
application from starting. What a person may see of a single thing is at the end.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from central.domain.words import Role
from central.model import Person, Request


class Action(StrEnum):
    """Something a person does here."""

    PUBLIC = "public"
    """Also without log-in: the log-in page, health, the wall's styles."""
    BE_LOGGED_IN = "be_logged_in"
    SUBMIT = "request.submit"
    SEE_REQUESTS = "request.see"
    DISPOSE = "request.dispose"
    VERIFY = "request.verify"
    DECIDE = "request.decide"
    RESCHEDULE = "request.reschedule"
    PROPOSE_DISPLACEMENT = "displacement.propose"
    DISPLACE = "displacement.decide"
    WITHDRAW = "request.withdraw"
    SEE_SESSIONS = "session.see"
    SEE_ROOMS = "room.see"
    COMMAND_ROOM = "room.command"
    STOP_ALL = "room.stop_all"
    SEE_REPORTS = "report.see"
    DELEGATE = "delegation.make"
    SEE_FIGURES = "figures.see"
    EXPLAIN_BREACH = "breach.explain"
    SEE_AUDIT = "audit.see"
    SEE_MESSAGES = "message.see"
    SEND_AGAIN = "message.again"
    MANAGE_STOCK = "stock.manage"
    MANAGE_PEOPLE = "person.manage"


_ALL: Final = frozenset(Role)
_OFFICE: Final = _ALL - {Role.APPLICANT}

PERMISSIONS: Final[dict[Action, frozenset[Role]]] = {
    Action.PUBLIC: _ALL,
    Action.BE_LOGGED_IN: _ALL,
    Action.SUBMIT: frozenset({Role.APPLICANT}),
    Action.SEE_REQUESTS: _ALL,
    Action.DISPOSE: frozenset({Role.HEAD}),
    Action.VERIFY: frozenset({Role.VERIFIER, Role.SCHEDULER, Role.HEAD, Role.AUDITOR}),
    Action.DECIDE: frozenset({Role.VERIFIER}),
    Action.RESCHEDULE: frozenset({Role.VERIFIER}),
    Action.PROPOSE_DISPLACEMENT: frozenset({Role.VERIFIER, Role.SCHEDULER}),
    Action.DISPLACE: frozenset({Role.HEAD}),
    Action.WITHDRAW: frozenset({Role.APPLICANT, Role.VERIFIER}),
    Action.SEE_SESSIONS: _OFFICE,
    Action.SEE_ROOMS: _OFFICE,
    Action.COMMAND_ROOM: frozenset({Role.VERIFIER, Role.TECHNICIAN, Role.ADMIN}),
    Action.STOP_ALL: frozenset({Role.HEAD, Role.VERIFIER, Role.TECHNICIAN, Role.ADMIN}),
    Action.SEE_REPORTS: _ALL,
    Action.DELEGATE: frozenset({Role.HEAD, Role.ADMIN}),
    Action.SEE_FIGURES: _OFFICE,
    Action.EXPLAIN_BREACH: frozenset({Role.HEAD, Role.VERIFIER, Role.SCHEDULER, Role.TECHNICIAN}),
    Action.SEE_AUDIT: frozenset({Role.AUDITOR, Role.ADMIN}),
    Action.SEE_MESSAGES: frozenset({Role.VERIFIER, Role.SCHEDULER, Role.ADMIN, Role.AUDITOR}),
    Action.SEND_AGAIN: frozenset({Role.VERIFIER, Role.ADMIN}),
    Action.MANAGE_STOCK: frozenset({Role.VERIFIER, Role.SCHEDULER, Role.ADMIN}),
    Action.MANAGE_PEOPLE: frozenset({Role.ADMIN}),
}


def may(person: Person, action: Action) -> bool:
    """Return whether one of the person's roles allows `action`."""
    return bool(PERMISSIONS[action] & person.roles)


def sees_all_agencies(person: Person) -> bool:
    """Return whether the person works in the office; applicants see their own agency only."""
    return bool(_OFFICE & person.roles)


def may_see(person: Person, request: Request) -> bool:
    """Return whether the person may know of `request`."""
    return sees_all_agencies(person) or (person.agency is not None and person.agency.id == request.agency.id)
