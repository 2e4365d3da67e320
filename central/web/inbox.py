"""What the head and the division do: direction, verification, decision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from central.api.guard import requires
from central.domain.sop import State
from central.errors import Invalid, Refused
from central.model import Decision, Direction, Inbox, Person, Verification
from central.model import Request as Record
from central.permissions import Action, may
from central.web.access import Ask, Parts, Typed, number, text
from central.web.alternatives import note
from central.web.forms import MISTAKES, mistakes
from central.web.requests import CHANGED, CLOSED, equipment_names
from central.web.site import see_other
from central.web.verifying import DIFFERENT, codes, read_seen, verified
from webui.i18n import N_

router = APIRouter(include_in_schema=False)

Officer = Annotated[Person, Depends(requires(Action.VERIFY))]

_REFUSED: Final[Mapping[str, str]] = {
    "request.changed": CHANGED,
    "booking.taken": N_("The room or the technician is taken at that time; choose another one. Nothing was done."),
    "offer.gone": N_(
        "That is not possible any more; what could be done instead is shown as it is now. Nothing was done."
    ),
}
"""By the code of a refusal; any other means that the step is over."""


@router.get("/kotak-masuk")
def inbox(request: Request, parts: Ask, person: Officer) -> Response:
    """Show what waits, with the most urgent request opened."""
    waiting = parts.desk.inbox(person)
    record = waiting.items[0].request if waiting.items and "kata" not in request.query_params else None
    return _desk(request, parts, person, record, waiting=waiting)


@router.get("/kotak-masuk/{ident}")
def opened(request: Request, parts: Ask, person: Officer, ident: str) -> Response:
    """Show one request with what can be done; `room` and `operator` try another choice."""
    query = request.query_params
    typed = {name: query.get(name, "") for name in ("room", "operator", "override_reason")}
    return _desk(request, parts, person, parts.desk.get(ident, person), typed=typed)


@router.post("/kotak-masuk/{ident}/disposisi")
def dispose(
    request: Request, parts: Ask, person: Annotated[Person, Depends(requires(Action.DISPOSE))], ident: str, form: Typed
) -> Response:
    """Forward the request, or send it back with a note."""
    direction = Direction(text(form, "accept") == "yes", text(form, "note"), text(form, "to") or None)
    try:
        parts.desk.dispose(ident, direction, person, version=number(form, "version"))
    except (Invalid, Refused) as error:
        return _not_done(
            request,
            parts,
            person,
            parts.desk.get(ident, person),
            error=error,
            typed={"note": direction.note, "to": text(form, "to")},
        )
    return see_other(f"/kotak-masuk?kata={'diteruskan' if direction.accept else 'dikembalikan'}")


@router.post("/kotak-masuk/{ident}/putusan")
def decide(
    request: Request, parts: Ask, person: Annotated[Person, Depends(requires(Action.DECIDE))], ident: str, form: Typed
) -> Response:
    """Approve or refuse; not when the findings are other ones than the officer saw."""
    typed = {name: text(form, name) for name in ("room", "operator", "override_reason", "reason")}
    approve = text(form, "decision") == "approve"
    decision = Decision(
        approve=approve,
        reason=typed["reason"],
        room_id=typed["room"] or None,
        operator_id=typed["operator"] or None,
        override_reason=typed["override_reason"],
    )
    seen = read_seen(text(form, "seen"))
    record = parts.desk.get(ident, person)
    if approve and record.state is State.DISPOSED and decision.operator_id:
        found = parts.desk.verify(record, room_id=decision.room_id, operator_id=decision.operator_id)
        if codes(found.findings) != seen:
            said = parts.site.note(request, "degraded", DIFFERENT)
            return _desk(request, parts, person, record, status=409, typed=typed, before=seen, said=said)
    try:
        parts.desk.decide(ident, decision, person, version=number(form, "version"))
    except (Invalid, Refused) as error:
        if isinstance(error, Refused):
            request.app.state.metrics.refused(error)
        return _not_done(request, parts, person, parts.desk.get(ident, person), error=error, typed=typed)
    return see_other(f"/kotak-masuk?kata={'disetujui' if approve else 'ditolak'}")


@router.post("/kotak-masuk/{ident}/tawaran")
def offer(
    request: Request, parts: Ask, person: Annotated[Person, Depends(requires(Action.DECIDE))], ident: str, form: Typed
) -> Response:
    """Send the request back with one of the alternatives that the page showed."""
    room = text(form, "room") or None
    translate = parts.site.locales.gettext
    try:
        parts.offering.offer(
            ident,
            text(form, "offer"),
            person,
            say=lambda chosen: note(chosen, parts.site.zone, translate),
            room_id=room,
            version=number(form, "version"),
        )
    except Refused as error:
        return _not_done(request, parts, person, parts.desk.get(ident, person), error=error, typed={"room": room or ""})
    return see_other("/kotak-masuk?kata=ditawarkan")


def _not_done(
    request: Request,
    parts: Parts,
    person: Person,
    record: Record,
    *,
    error: Invalid | Refused,
    typed: Mapping[str, str],
) -> Response:
    """Show the request as it is now, with why nothing was done and all that was typed."""
    if isinstance(error, Invalid):
        found = {name: parts.site.say(request, message) for name, message in mistakes(error.wrongs).items()}
        return _desk(request, parts, person, record, status=422, typed=typed, mistakes=found)
    if error.code == "override.wanted":
        found = {"override_reason": parts.site.say(request, MISTAKES[error.code])}
        return _desk(request, parts, person, record, status=422, typed=typed, mistakes=found)
    message = _REFUSED.get(error.code, CLOSED)
    said = parts.site.note(request, "degraded", message)
    return _desk(request, parts, person, record, status=409, typed=typed, said=said)


def _desk(
    request: Request,
    parts: Parts,
    person: Person,
    record: Record | None,
    *,
    status: int = 200,
    typed: Mapping[str, str] | None = None,
    before: Mapping[str, str] | None = None,
    waiting: Inbox | None = None,
    **more: object,
) -> Response:
    """Return the inbox (`waiting`, when it was read) with `record` opened; `before` are findings to differ from."""
    waiting = waiting or parts.desk.inbox(person)
    filled = {"note": "", "to": "", "room": "", "operator": "", "override_reason": "", "reason": ""} | dict(typed or {})
    context: dict[str, object] = {
        "inbox": waiting,
        "waiting_for_me": len(waiting.items),
        "record": record,
        "typed": filled,
        "officers": [("", parts.site.say(request, N_("Everybody in the division"))), *parts.desk.officers()],
        "findings": [],
        "equipment_names": equipment_names(parts, record),
        "proposals": len(parts.displacing.proposals(person)),
        "alternatives": [],
        "can_direct": _waits(record, State.SUBMITTED, person, Action.DISPOSE),
        "can_decide": _waits(record, State.DISPOSED, person, Action.DECIDE),
    }
    if record is not None and record.state is State.DISPOSED and may(person, Action.VERIFY):
        found = _verified(parts, record, filled)
        context |= verified(request, parts, record, found, typed=filled, before=before)
    return parts.site.page(request, "inbox.html", person, context | more, status=status)


def _waits(record: Record | None, state: State, person: Person, action: Action) -> bool:
    return record is not None and record.state is state and may(person, action) and record.applicant_id != person.id


def _verified(parts: Parts, record: Record, typed: Mapping[str, str]) -> Verification:
    """Return the findings for what was chosen; at first the wished room and whoever is free."""
    if typed["operator"]:
        return parts.desk.verify(record, room_id=typed["room"] or None, operator_id=typed["operator"])
    anybody = parts.desk.verify(record, room_id=typed["room"] or None)
    if not anybody.free_operators:
        return anybody
    return parts.desk.verify(record, room_id=anybody.room.id, operator_id=anybody.free_operators[0].id)
