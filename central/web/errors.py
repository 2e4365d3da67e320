"""Errors as pages in the reader's language, never as a stack trace."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from central.api.guard import person_of
from central.errors import Away, CentralError, Erased, Forbidden, Invalid, NotFound, NotLoggedIn, Refused, TooMany
from central.web.access import parts_of
from central.web.site import here_of, see_other
from contract import new_id
from webui.i18n import N_
from webui.security import SAFE_METHODS

log = logging.getLogger(__name__)

_STATUS: Final[Mapping[type[CentralError], int]] = {
    Erased: 410,
    NotFound: 404,
    Forbidden: 403,
    Invalid: 422,
    Refused: 409,
    TooMany: 429,
    Away: 503,
}
_SAID: Final[Mapping[int, tuple[str, str]]] = {
    400: (N_("Not understood"), N_("What was sent could not be read. Go back, reload the page and try once more.")),
    403: (N_("Not for you"), N_("Your role does not allow this. If it should, ask an administrator.")),
    404: (N_("Not found"), N_("There is nothing at this address, or it is not for you.")),
    405: (N_("Not possible"), N_("This address takes no such request. Go back and use the buttons of the page.")),
    409: (N_("It has changed"), N_("What you wanted is not possible any more. Go back and reload.")),
    410: (N_("Erased"), N_("This was erased at the end of its time, as the office's rules say.")),
    413: (N_("Too large"), N_("What was sent is too large. Go back and choose a smaller file.")),
    422: (N_("Not understood"), N_("Something in the form could not be read. Go back and check what you typed.")),
    429: (N_("Too often"), N_("Please wait a little and try again.")),
    500: (N_("Something went wrong"), N_("Nothing you typed was the reason. Please try again in a moment.")),
    503: (
        N_("Not reachable just now"),
        N_(
            "The office's database does not answer. Rooms go on by themselves. Wait a moment, reload, and look "
            "whether what you sent was taken."
        ),
    ),
}


async def answer(request: Request, error: Exception) -> Response:
    """Return the page for `error`; who is not logged in is sent to the door first."""
    if isinstance(error, NotLoggedIn):
        lost = "" if request.method in SAFE_METHODS else "&kata=log-masuk-habis"
        return see_other(f"/login?next={quote(here_of(request))}{lost}")
    status = _status(error)
    reference = ""
    if status == 500:
        reference = new_id()[-12:]
        log.error("a page failed", exc_info=error, extra={"path": request.url.path, "reference": reference})
    page = await run_in_threadpool(_page, request, status, reference)
    if isinstance(error, (TooMany, Away)):
        page.headers["retry-after"] = f"{max(error.after.total_seconds(), 1):.0f}"
    return page


def _status(error: Exception) -> int:
    if isinstance(error, HTTPException):
        return error.status_code
    if isinstance(error, RequestValidationError):
        return 422
    return next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 500)


def _page(request: Request, status: int, reference: str) -> Response:
    parts = parts_of(request)
    heading, advice = _SAID.get(status) or _SAID[500 if status >= 500 else 400]
    # a page about a broken database must not ask the database who is there
    person = person_of(request) if status < 500 else None
    say = parts.site.say
    return parts.site.page(
        request,
        "error.html",
        person,
        status=status,
        heading=say(request, heading),
        advice=say(request, advice),
        reference=reference,
        path="/",
    )
