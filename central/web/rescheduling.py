"""An officer moves a confirmed session: the findings first, then the deed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from central.api.guard import requires
from central.errors import Invalid, Refused
from central.model import Person, Reschedule, SessionRow
from central.model import Request as Record
from central.permissions import Action
from central.typed import times_of
from central.web.access import Ask, Parts, Typed, number, text
from central.web.forms import MISTAKES, mistakes
from central.web.requests import CHANGED
from central.web.site import see_other
from central.web.verifying import DIFFERENT, codes, read_seen, verified
from webui.i18n import N_

router = APIRouter(include_in_schema=False)

Mover = Annotated[Person, Depends(requires(Action.RESCHEDULE))]
NAMES: Final = ("date", "start", "end", "room", "operator", "reason", "override_reason")
LOOK: Final = N_("These are the findings for the new plan. Nothing was done yet: press once more to move the session.")
_SAID: Final[Mapping[str, str]] = {
    "request.changed": CHANGED,
    "booking.taken": N_("The room or the technician is taken at that time; choose another one. Nothing was done."),
}


@router.get("/permohonan/{ident}/pindah")
def form(request: Request, parts: Ask, person: Mover, ident: str) -> Response:
    """Show the plan as a form, with the findings for what was chosen on it."""
    record = parts.desk.get(ident, person)
    typed = {name: request.query_params.get(name, "") for name in NAMES}
    try:
        return _page(request, parts, person, record, typed=typed, checked="check" in request.query_params)
    except Invalid as error:
        return _wrong(request, parts, person, record, typed=typed, error=error)
    except Refused:
        return see_other(f"/permohonan/{ident}")


@router.post("/permohonan/{ident}/pindah")
def move(request: Request, parts: Ask, person: Mover, ident: str, sent: Typed) -> Response:
    """Move the session; not before the officer saw the findings for exactly this plan."""
    record = parts.desk.get(ident, person)
    typed = {name: text(sent, name) for name in NAMES}
    try:
        wanted = _wanted(parts, typed)
        _, found = parts.services.rescheduling.verify(ident, wanted, person)
        seen = read_seen(text(sent, "seen"))
        if codes(found.findings) != seen or text(sent, "plan") != _plan(typed):
            said = parts.site.note(request, "degraded", DIFFERENT if text(sent, "plan") == _plan(typed) else LOOK)
            return _page(request, parts, person, record, typed=typed, checked=True, before=seen, status=409, said=said)
        parts.services.rescheduling.apply(ident, wanted, person, version=number(sent, "version"))
    except Invalid as error:
        return _wrong(request, parts, person, record, typed=typed, error=error)
    except Refused as error:
        return _refused(request, parts, person, record, typed=typed, error=error)
    return see_other(f"/permohonan/{ident}?kata=dipindahkan")


def _wanted(parts: Parts, typed: Mapping[str, str]) -> Reschedule:
    """Return what was chosen.

    Raises:
        Invalid: a day or a time cannot be read.
    """
    starts, ends = times_of(typed["date"], typed["start"], typed["end"], parts.site.zone)
    return Reschedule(
        reason=typed["reason"],
        starts=starts,
        ends=ends,
        room_id=typed["room"] or None,
        operator_id=typed["operator"] or None,
        override_reason=typed["override_reason"],
    )


def _plan(typed: Mapping[str, str]) -> str:
    """Return which plan findings are of."""
    return "|".join(typed[name] for name in ("date", "start", "end", "room", "operator"))


def _wrong(
    request: Request, parts: Parts, person: Person, record: Record, *, typed: Mapping[str, str], error: Invalid
) -> Response:
    """Show the form with every mistake."""
    found = {name: parts.site.say(request, message) for name, message in mistakes(error.wrongs).items()}
    return _page(request, parts, person, record, typed=typed, status=422, mistakes=found)


def _refused(
    request: Request, parts: Parts, person: Person, record: Record, *, typed: Mapping[str, str], error: Refused
) -> Response:
    """Show why nothing was done: a reason is wanted, something is taken, or there is nothing to move any more."""
    request.app.state.metrics.refused(error)
    if error.code == "override.wanted":
        found = {"override_reason": parts.site.say(request, MISTAKES[error.code])}
        return _page(request, parts, person, record, typed=typed, checked=True, status=422, mistakes=found)
    if error.code not in _SAID:
        return see_other(f"/permohonan/{record.id}")
    said = parts.site.note(request, "degraded", _SAID[error.code])
    record = parts.desk.get(record.id, person)
    return _page(request, parts, person, record, typed=typed, checked=True, status=409, said=said)


def _page(
    request: Request,
    parts: Parts,
    person: Person,
    record: Record,
    *,
    typed: Mapping[str, str],
    checked: bool = False,
    before: Mapping[str, str] | None = None,
    status: int = 200,
    **more: object,
) -> Response:
    """Return the form, with the findings when they were asked for.

    Raises:
        Invalid: a day or a time cannot be read, or cannot be.
        Refused: there is nothing that could be moved.
    """
    services = parts.services
    _, there = services.rescheduling.verify(record.id, Reschedule(), person)
    row = services.board.session(record.session_id or "")
    filled = _as_planned(row, parts) | {name: value for name, value in typed.items() if value}
    shown = verified(request, parts, record, there, typed=filled) | {"typed": filled, "findings": [], "seen": ""}
    if checked:
        moved, found = services.rescheduling.verify(record.id, _wanted(parts, filled), person)
        shown = verified(request, parts, moved, found, typed=filled, before=before or None)
    context = shown | {"record": record, "row": row, "plan": _plan(filled) if checked else ""}
    return parts.site.page(request, "reschedule.html", person, context | more, status=status)


def _as_planned(row: SessionRow, parts: Parts) -> dict[str, str]:
    """Return the session as the form that would plan it."""
    starts, ends = row.planned.start.astimezone(parts.site.zone), row.planned.end.astimezone(parts.site.zone)
    return {
        "date": starts.date().isoformat(),
        "start": f"{starts:%H:%M}",
        "end": f"{ends:%H:%M}",
        "room": row.room.id,
        "operator": row.operator.id,
        "reason": "",
        "override_reason": "",
    }
