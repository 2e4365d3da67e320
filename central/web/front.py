"""The door: log-in, log-out, language and theme, and where each role begins."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from central.api.guard import caller_of, clear_cookie, public, requires, set_cookie, token_of
from central.errors import Forbidden, TooMany
from central.model import Person
from central.permissions import Action, may
from central.web.access import Ask, Parts, Typed, Visitor, text
from central.web.site import back_to, choose, see_other
from webui.i18n import N_

router = APIRouter(include_in_schema=False)

Somebody = Annotated[Person, Depends(requires(Action.BE_LOGGED_IN))]
_WRONG: Final = N_("User name or password is wrong.")
WAIT: Final = N_("Too many tries. Please try again in %(seconds)s seconds.")
LEFT_SIGN_ON: Final = "keluar-sso"


@router.get("/")
def home(person: Somebody) -> Response:
    """Go to where this person's work is."""
    if may(person, Action.DISPOSE) or may(person, Action.DECIDE):
        return see_other("/kotak-masuk")
    return see_other("/permohonan" if may(person, Action.SUBMIT) else "/jadwal")


@router.get("/login", dependencies=[Depends(public)])
def login_page(request: Request, parts: Ask, person: Visitor) -> Response:
    """Show the form; who is logged in already is sent on."""
    following = back_to(request.query_params.get("next", "/"))
    if person is not None:
        return see_other(following)
    return log_in_form(request, parts, following=following)


@router.post("/login", dependencies=[Depends(public)])
def log_in(request: Request, parts: Ask, form: Typed) -> Response:
    """Log in, or show the form again; it never says whether the name exists."""
    name, following = text(form, "username").strip(), back_to(text(form, "next"))
    try:
        _, token = parts.people.log_in(name, text(form, "password"), caller_of(request))
    except (Forbidden, TooMany) as error:
        return _refused(request, parts, error, name, following)
    answer = see_other(following)
    set_cookie(answer, parts.services, token)
    return answer


def _refused(request: Request, parts: Parts, error: Forbidden | TooMany, name: str, following: str) -> Response:
    site = parts.site
    if isinstance(error, TooMany):
        seconds = max(1, round(error.after.total_seconds()))
        status, problem = 429, site.say(request, WAIT, seconds=seconds)
    else:
        status, problem = 403, site.say(request, _WRONG)
    return log_in_form(request, parts, status=status, problem=problem, name=name, following=following)


def log_in_form(
    request: Request, parts: Parts, *, status: int = 200, problem: str = "", name: str = "", following: str = "/"
) -> Response:
    """Return the form, with what went wrong."""
    desk = parts.services.sign_on
    farewell = desk.farewell(f"{parts.services.settings.file.public_url}/login") if desk and _left(request) else None
    return parts.site.page(
        request,
        "login.html",
        None,
        status=status,
        next=following,
        username=name,
        problem=parts.site.say(request, problem) if problem else "",
        sign_on=desk,
        farewell=farewell,
        path="/login",
    )


def _left(request: Request) -> bool:
    """Return whether somebody just logged out who had come through single sign-on."""
    return request.query_params.get("kata") == LEFT_SIGN_ON


@router.post("/logout", dependencies=[Depends(public)])
def log_out(request: Request, parts: Ask) -> Response:
    """End this log-in."""
    token, desk = token_of(request), parts.services.sign_on
    provider = parts.people.log_out(token) if token else ""
    answer = see_other(f"/login?kata={LEFT_SIGN_ON}" if desk and desk.is_of(provider) else "/login")
    clear_cookie(answer, parts.services)
    return answer


@router.post("/bahasa", dependencies=[Depends(public)])
def choose_language(request: Request, form: Typed) -> Response:
    """Keep the language of the pages."""
    return choose(request, text(form, "language"), "", text(form, "next"))


@router.post("/tema", dependencies=[Depends(public)])
def choose_theme(request: Request, form: Typed) -> Response:
    """Keep the theme of the pages."""
    return choose(request, "", text(form, "theme"), text(form, "next"))
