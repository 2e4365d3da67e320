"""Log-in, log-out, one's own log-ins and password."""

from __future__ import annotations

from fastapi import Depends, Request
from starlette.responses import Response

from central.api.answers import Page, Part, gives, one, part_of
from central.api.guard import CurrentServices, caller_of, clear_cookie, public, set_cookie, token_of
from central.api.routes.base import Ident, Somebody, api_router
from central.api.shapes import LoginIn, PasswordIn
from central.model import LogIn, Person

router = api_router()


@router.post("/login", dependencies=[Depends(public)], responses=gives(Person, "who is logged in now"))
def log_in(request: Request, body: LoginIn, services: CurrentServices) -> Response:
    """Log in; the answer sets the session cookie."""
    person, token = services.people.log_in(body.login, body.password, caller_of(request))
    answer = one(request, person)
    set_cookie(answer, services, token)
    return answer


@router.post("/logout", status_code=204)
def log_out(request: Request, services: CurrentServices, by: Somebody) -> Response:
    """Log out."""
    del by
    services.people.log_out(token_of(request) or "")
    response = Response(status_code=204)
    clear_cookie(response, services)
    return response


@router.get("/me", responses=gives(Person, "who is logged in"))
def me(request: Request, by: Somebody) -> Response:
    """Return who is logged in."""
    return one(request, by)


@router.post("/me/password", status_code=204)
def change_password(request: Request, body: PasswordIn, services: CurrentServices, by: Somebody) -> Response:
    """Take a new password: every other log-in ends, and the answer sets another cookie."""
    token = services.people.change_password(by, body.old, body.new, caller_of(request))
    response = Response(status_code=204)
    set_cookie(response, services, token)
    return response


@router.get("/me/logins", responses=gives(Page[LogIn], "one's own log-ins"))
def log_ins(request: Request, services: CurrentServices, by: Somebody, wanted: Part) -> Response:
    """Return where one is logged in."""
    found = services.people.log_ins(by.id, token_of(request))
    return part_of("logins", found, wanted, lambda log_in: log_in.id, newest_first=True)


@router.delete("/me/logins/{ident}", status_code=204)
def end_log_in(ident: Ident, services: CurrentServices, by: Somebody) -> Response:
    """End one of one's own log-ins."""
    services.people.revoke(by.id, ident, by=by)
    return Response(status_code=204)
