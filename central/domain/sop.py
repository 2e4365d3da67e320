"""The way of a request through the SOP.

An applicant's letter arrives (`SUBMITTED`). The head of the office gives direction: the
request goes to the division (`DISPOSED`) or back to the applicant (`RETURNED`), who may
send it again. The division's officer decides (`APPROVED` or `REFUSED`), or sends it back with
an offer: another time or room, or less kit, with which it can be served; taking that up is
the applicant's new version, which goes the whole way again. Nothing but the decision ever
approves, neither a default nor the passing of time. An officer may move a confirmed
session to another time or room; it stays approved, by a verification of its own. An applicant may take a request back
before the decision (`WITHDRAWN`); after it, a confirmed session is called off
(`CANCELLED`). The room's report closes the case (`REPORTED`); a refusal needs no session
and is closed by its own report, the decision with its findings.
"""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a request stands."""

    SUBMITTED = "submitted"
    RETURNED = "returned"
    DISPOSED = "disposed"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    CANCELLED = "cancelled"
    REPORTED = "reported"


class Event(StrEnum):
    """What moves a request."""

    ACCEPT = "accept"
    RETURN = "return"
    RESUBMIT = "resubmit"
    OFFER = "offer"
    APPROVE = "approve"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"
    RESCHEDULE = "reschedule"
    CANCEL = "cancel"
    REPORT = "report"


TRANSITIONS: dict[tuple[State, Event], State] = {
    (State.SUBMITTED, Event.ACCEPT): State.DISPOSED,
    (State.SUBMITTED, Event.RETURN): State.RETURNED,
    (State.SUBMITTED, Event.WITHDRAW): State.WITHDRAWN,
    (State.RETURNED, Event.RESUBMIT): State.SUBMITTED,
    (State.RETURNED, Event.WITHDRAW): State.WITHDRAWN,
    (State.DISPOSED, Event.APPROVE): State.APPROVED,
    (State.DISPOSED, Event.OFFER): State.RETURNED,
    (State.DISPOSED, Event.REFUSE): State.REFUSED,
    (State.DISPOSED, Event.WITHDRAW): State.WITHDRAWN,
    (State.APPROVED, Event.RESCHEDULE): State.APPROVED,
    (State.APPROVED, Event.CANCEL): State.CANCELLED,
    (State.APPROVED, Event.REPORT): State.REPORTED,
    (State.CANCELLED, Event.REPORT): State.CANCELLED,  # a session called off while it ran still reports
    (State.REPORTED, Event.REPORT): State.REPORTED,  # a later, more complete report
}

OPEN = frozenset({State.SUBMITTED, State.RETURNED, State.DISPOSED})
"""States in which somebody still owes a step before the decision."""


class IllegalTransition(ValueError):
    """An event that means nothing in the state the request is in."""

    def __init__(self, state: State, event: Event) -> None:
        super().__init__(f"a request that is {state} takes no {event}")
        self.state = state
        self.event = event


def advance(state: State, event: Event) -> State:
    """Return the state that `event` leads to.

    Raises:
        IllegalTransition: `event` means nothing in `state`.
    """
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise IllegalTransition(state, event) from None


def possible(state: State) -> frozenset[Event]:
    """Return the events that `state` takes, for the buttons of a page."""
    return frozenset(event for before, event in TRANSITIONS if before is state)
