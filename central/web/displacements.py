"""Making room for a leader: the division proposes, the head applies it or not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from central.api.guard import requires
from central.errors import Forbidden, Invalid, Refused
from central.model import Displacement, Person, ProposalState
from central.permissions import Action, may
from central.web.access import Ask, Parts, Typed, text
from central.web.forms import mistakes
from central.web.site import see_other
from webui.i18n import N_

router = APIRouter(include_in_schema=False)

Officer = Annotated[Person, Depends(requires(Action.VERIFY))]
Proposer = Annotated[Person, Depends(requires(Action.PROPOSE_DISPLACEMENT))]
Decider = Annotated[Person, Depends(requires(Action.DISPLACE))]

STATES: Final[Mapping[ProposalState, tuple[str, str]]] = {
    ProposalState.PROPOSED: (N_("Waits for the head of the office"), "busy"),
    ProposalState.APPLIED: (N_("Applied"), "ready"),
    ProposalState.REFUSED: (N_("Not applied"), "offline"),
}
REFUSALS: Final[Mapping[str, str]] = {
    "displacement.useless": N_("Nobody's making room would help, or nobody has to. Nothing was proposed."),
    "displacement.no_leader": N_("No leader takes part in this request: nobody makes room for it."),
    "displacement.changed": N_(
        "The schedule is not what it was when this was proposed. Nothing was done: propose again."
    ),
    "displacement.decided": N_("This proposal was decided before."),
    "displacement.own": N_("Nobody applies a proposal of his own."),
    "booking.taken": N_("The room or the technician is taken at that time; choose another one. Nothing was done."),
}
OTHERWISE: Final = N_("This step is not possible any more: the request is shown as it is now.")


@router.post("/kotak-masuk/{ident}/penggeseran")
def propose(request: Request, parts: Ask, person: Proposer, ident: str, form: Typed) -> Response:
    """Write a proposal down and show it."""
    try:
        made = parts.displacing.propose(
            ident, person, room_id=text(form, "room") or None, operator_id=text(form, "operator") or None
        )
    except Refused as error:
        return _list(request, parts, person, status=409, problem=REFUSALS.get(error.code, OTHERWISE))
    return see_other(f"/penggeseran/{made.id}")


@router.get("/penggeseran")
def proposals(request: Request, parts: Ask, person: Officer) -> Response:
    """List the proposals that wait."""
    return _list(request, parts, person)


def _list(request: Request, parts: Parts, person: Person, *, status: int = 200, problem: str = "") -> Response:
    more = {"said": parts.site.note(request, "degraded", problem)} if problem else {}
    found = parts.displacing.proposals(person)
    return parts.site.page(request, "displacements.html", person, more, status=status, proposals=found)


@router.get("/penggeseran/{ident}")
def proposal(request: Request, parts: Ask, person: Officer, ident: str) -> Response:
    """Show one proposal: who would go, what they could have, what they would read."""
    return _show(request, parts, person, parts.displacing.get(ident))


@router.post("/penggeseran/{ident}")
def decide(request: Request, parts: Ask, person: Decider, ident: str, form: Typed) -> Response:
    """Apply it, or let everything be as it is."""
    reason, step = text(form, "reason"), parts.displacing.refuse
    if text(form, "apply") == "yes":
        step = parts.displacing.apply
    try:
        step(ident, reason, person)
    except Invalid as error:
        found = {name: parts.site.say(request, message) for name, message in mistakes(error.wrongs).items()}
        return _show(request, parts, person, parts.displacing.get(ident), status=422, mistakes=found)
    except (Refused, Forbidden) as error:
        said = parts.site.note(request, "degraded", REFUSALS.get(error.code, OTHERWISE))
        return _show(request, parts, person, parts.displacing.get(ident), status=409, said=said, reason=reason)
    return see_other(f"/penggeseran/{ident}")


def _show(
    request: Request, parts: Parts, person: Person, found: Displacement, *, status: int = 200, **more: object
) -> Response:
    word, tone = STATES[found.state]
    waits = found.state is ProposalState.PROPOSED and may(person, Action.DISPLACE)
    context: dict[str, object] = {
        "proposal": found,
        "state": parts.site.say(request, word),
        "tone": tone,
        "can_decide": waits and found.proposed_by_id != person.id,
        "reason": "",
    }
    return parts.site.page(request, "displacement.html", person, context | more, status=status)
