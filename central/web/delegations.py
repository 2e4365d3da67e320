"""The page where a head names who acts for him, and for how long."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from central.api.guard import requires
from central.delegations import Mandate
from central.domain.words import Role
from central.errors import Invalid, Refused
from central.model import Person
from central.permissions import Action
from central.web.access import Ask, Parts, Typed, text
from central.web.forms import mistakes
from central.web.site import see_other
from webui.i18n import N_

router = APIRouter(include_in_schema=False)

Delegator = Annotated[Person, Depends(requires(Action.DELEGATE))]
_OVERLAP = N_("Somebody acts for this head in that time already. End that period first.")
_NO_DAY = date(1970, 1, 1)
"""Stands in for a day that could not be read; the period is wrong then."""
_NAMES = ("holder", "acting", "first", "last", "letter")


@router.get("/pendelegasian")
def page(request: Request, parts: Ask, person: Delegator) -> Response:
    """Show all periods and the form."""
    return _page(request, parts, person, {"holder": person.id})


@router.post("/pendelegasian")
def make(request: Request, parts: Ask, person: Delegator, form: Typed) -> Response:
    """Name who acts."""
    typed = {name: text(form, name) for name in _NAMES}
    try:
        parts.services.delegations.make(_mandate(typed, person, parts.site.zone), person)
    except Invalid as error:
        shown = {"start": "first", "end": "last"}  # `mistakes` speaks of a request's form
        found = {shown.get(n, n): parts.site.say(request, m) for n, m in mistakes(error.wrongs).items()}
        return _page(request, parts, person, typed, status=422, mistakes=found)
    except Refused:
        return _page(request, parts, person, typed, status=409, said=parts.site.note(request, "degraded", _OVERLAP))
    return see_other("/pendelegasian?kata=plh-ditunjuk")


@router.post("/pendelegasian/{ident}/akhiri")
def end(parts: Ask, person: Delegator, ident: str) -> Response:
    """End a period now."""
    parts.services.delegations.end(ident, person)
    return see_other("/pendelegasian?kata=plh-berakhir")


def _mandate(typed: Mapping[str, str], person: Person, zone: tzinfo) -> Mandate:
    """Return what was typed: from the first day's beginning until the last day's end."""
    first, last = _day(typed["first"]), _day(typed["last"])
    starts = datetime.combine(first or _NO_DAY, time(), zone)
    ends = datetime.combine(last, time(), zone) + timedelta(days=1) if first and last else starts
    holder = typed["holder"] if Role.ADMIN in person.roles and typed["holder"] else person.id
    return Mandate(holder, typed["acting"], starts, ends, typed["letter"])


def _day(text_typed: str) -> date | None:
    try:
        return date.fromisoformat(text_typed.strip())
    except ValueError:
        return None


def _page(
    request: Request, parts: Parts, person: Person, typed: Mapping[str, str], *, status: int = 200, **more: object
) -> Response:
    heads, office = parts.services.delegations.choices()
    periods = parts.services.delegations.all()
    context: dict[str, object] = {
        "typed": dict.fromkeys(_NAMES, "") | dict(typed),
        "heads": heads,
        "people": [("", parts.site.say(request, N_("Choose a person"))), *office],
        "periods": periods,
        "last_days": {one.id: one.ends - timedelta(seconds=1) for one in periods},
        "choose_head": Role.ADMIN in person.roles,
        "can_make": not person.acting_for,
    }
    return parts.site.page(request, "delegations.html", person, context | more, status=status)
