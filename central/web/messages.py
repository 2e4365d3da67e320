"""The page of messages: what was sent to whom, what waits, what was given up and can be sent again."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from central.api.guard import paced, requires
from central.domain.sop import Event
from central.errors import Refused
from central.model import Person
from central.pace import Kind
from central.permissions import Action
from central.web import words
from central.web.access import Ask, Parts, RowNumber
from central.web.site import see_other
from webui.i18n import N_

router = APIRouter(include_in_schema=False)

Reader = Annotated[Person, Depends(requires(Action.SEE_MESSAGES))]
_TAKEN = N_("This message was sent in the meantime.")
_EVENTS: Final = {"submit": words.ARRIVAL[0]} | {event.value: words.EVENTS[event][0] for event in Event}


@router.get("/pesan")
def messages(request: Request, parts: Ask, person: Reader) -> Response:
    """List the newest messages, only those of one state when asked for."""
    return _page(request, parts, person)


@router.post("/pesan/{number}/lagi", dependencies=[paced(Kind.AGAIN)])
def again(
    request: Request, parts: Ask, person: Annotated[Person, Depends(requires(Action.SEND_AGAIN))], number: RowNumber
) -> Response:
    """Send one again, at once."""
    try:
        parts.services.mailbox.again(number, person)
    except Refused:
        return _page(request, parts, person, status=409, said=parts.site.note(request, "degraded", _TAKEN))
    return see_other("/pesan?kata=dikirim-lagi")


def _page(request: Request, parts: Parts, person: Person, *, status: int = 200, **more: object) -> Response:
    chosen = request.query_params.get("keadaan", "")
    mailbox = parts.services.mailbox
    context: dict[str, object] = {
        "rows": mailbox.messages(state=chosen if chosen in words.MESSAGES else ""),
        "counts": mailbox.counts(),
        "states": words.MESSAGES,
        "events": _EVENTS,
        "channels": words.CHANNELS,
        "configured": mailbox.configured,
        "chosen": chosen,
    }
    return parts.site.page(request, "messages.html", person, context | more, status=status)
