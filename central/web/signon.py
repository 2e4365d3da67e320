"""The way out to single sign-on and back. Whatever goes wrong ends at the log-in page, which says what to do."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from central.api.guard import attempt_cookie, caller_of, paced, public, set_cookie
from central.errors import CentralError, Forbidden, Invalid, NotFound, TooMany
from central.pace import Kind
from central.services import RETURN_PATH
from central.signon.desk import ATTEMPT_LASTS, SignOnDesk
from central.signon.provider import ProviderDown
from central.web.access import Ask, Parts
from central.web.front import log_in_form
from central.web.site import back_to, see_other
from webui.i18n import N_

router = APIRouter(include_in_schema=False)
log = logging.getLogger(__name__)

SAID: Final[Mapping[str, str]] = {
    "signon.down": N_(
        "Single sign-on does not answer just now. Try again in a moment, or log in with a local account."
    ),
    "signon.busy": N_("Very many people log in just now. Please try again in a moment."),
    "signon.refused": N_("Single sign-on did not let you in."),
    "signon.expired": N_("That took too long, or the page was opened twice. Please begin again."),
    "signon.foreign": N_("This log-in was begun in another browser. Please begin again here."),
    "signon.not_allowed": N_("Your account is known, but no role here belongs to it. Ask the office for one."),
    "signon.no_agency": N_("Your account names no agency, and applicants need one. Ask the office."),
    "fields.invalid": N_("Your account names an agency that is not known here. Ask the office to add it."),
    "signon.closed": N_("Your account was closed here. Ask the office if that is a mistake."),
}
_OTHERWISE: Final = N_("Single sign-on gave an answer that cannot be trusted. Nothing was done; tell the office.")


@router.get("/login/sso", dependencies=[Depends(public), paced(Kind.DOOR)])
def leave(request: Request, parts: Ask) -> Response:
    """Send the browser to the provider."""
    desk = _desk(parts)
    following = back_to(request.query_params.get("next", "/"))
    try:
        begun = desk.begin(following)
    except CentralError as error:
        return _failed(request, parts, error)
    answer = RedirectResponse(begun.address, status_code=303)
    secure = parts.services.settings.secure
    lasts = int(ATTEMPT_LASTS.total_seconds())
    name = attempt_cookie(parts.services)
    answer.set_cookie(name, begun.keepsake, max_age=lasts, path="/", secure=secure, httponly=True, samesite="lax")
    return answer


@router.get(RETURN_PATH, dependencies=[Depends(public), paced(Kind.DOOR)])
def come_back(request: Request, parts: Ask) -> Response:
    """Let in whom the provider vouches for."""
    desk, query = _desk(parts), request.query_params
    keepsake = request.cookies.get(attempt_cookie(parts.services), "")
    try:
        code = "" if "error" in query else query.get("code", "")
        _, token, following = desk.finish(query.get("state", ""), code, keepsake, caller_of(request))
    except CentralError as error:
        return _failed(request, parts, error)
    answer = see_other(back_to(following))
    set_cookie(answer, parts.services, token)
    answer.delete_cookie(attempt_cookie(parts.services), path="/", secure=parts.services.settings.secure, httponly=True)
    return answer


def _desk(parts: Parts) -> SignOnDesk:
    """Return single sign-on.

    Raises:
        NotFound: the office has none.
    """
    if parts.services.sign_on is None:
        raise NotFound("page", "sso")
    return parts.services.sign_on


def _failed(request: Request, parts: Parts, error: CentralError) -> Response:
    said = {"action": "signon_failed", "code": error.code, "reason": str(error)}
    log.warning("single sign-on failed", extra=said)
    kinds = ((ProviderDown, 502), (TooMany, 429), (Invalid, 403), (Forbidden, 403))
    status = next((status for kind, status in kinds if isinstance(error, kind)), 500)
    return log_in_form(request, parts, status=status, problem=SAID.get(error.code, _OTHERWISE))
