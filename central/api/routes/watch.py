"""What is looked at afterwards: the audit, and the messages to people and programs."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query
from starlette.responses import Response

from central.api.answers import Page, Part, gives, page
from central.api.guard import CurrentServices, paced, requires
from central.api.routes.base import api_router
from central.api.shapes import Number
from central.audit import AuditRow
from central.model import Person
from central.notices.mailbox import MessageRow
from central.pace import Kind
from central.permissions import Action

router = api_router()


@router.get("/audit", responses=gives(Page[AuditRow], "deeds, newest first"))
def audit(
    services: CurrentServices, by: Annotated[Person, Depends(requires(Action.SEE_AUDIT))], wanted: Part
) -> Response:
    """Return who did what, newest first."""
    del by
    rows = services.audit.rows(before=wanted.after_number("audit"), limit=wanted.limit + 1)
    return page("audit", rows, wanted.limit, lambda row: (row.id,))


@router.get("/messages", responses=gives(Page[MessageRow], "messages, newest first"))
def messages(
    services: CurrentServices,
    by: Annotated[Person, Depends(requires(Action.SEE_MESSAGES))],
    wanted: Part,
    state: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    """Return the newest messages to people and programs."""
    del by
    before = wanted.after_number("messages")
    found = services.mailbox.messages(state=state, before=before, limit=wanted.limit + 1)
    return page("messages", found, wanted.limit, lambda row: (row.id,))


@router.post("/messages/{number}/again", status_code=204, dependencies=[paced(Kind.AGAIN)])
def send_again(
    number: Number, services: CurrentServices, by: Annotated[Person, Depends(requires(Action.SEND_AGAIN))]
) -> Response:
    """Send a message again that was not taken."""
    services.mailbox.again(number, by)
    return Response(status_code=204)
