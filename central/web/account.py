"""One's own account: where messages go, the password, and where one is logged in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from central.api.guard import caller_of, requires, set_cookie, token_of
from central.errors import Invalid, TooMany, Wrong
from central.model import Person
from central.people import LOCAL
from central.permissions import Action
from central.web import words
from central.web.access import Ask, Parts, Typed, text
from central.web.forms import mistakes
from central.web.front import WAIT
from central.web.site import see_other

router = APIRouter(include_in_schema=False)

Somebody = Annotated[Person, Depends(requires(Action.BE_LOGGED_IN))]


@router.get("/akun")
def account(request: Request, parts: Ask, person: Somebody) -> Response:
    """Show who is logged in, and where messages go."""
    return _page(request, parts, person)


@router.post("/akun/pesan")
def reach(request: Request, parts: Ask, person: Somebody, form: Typed) -> Response:
    """Keep where this person wants to be told, and in which language."""
    typed = {name: text(form, name) for name in ("language", *parts.services.mailbox.personal)}
    try:
        parts.services.mailbox.reach(person, typed["language"], typed)
    except Invalid as error:
        return _page(request, parts, person, typed, status=422, mistakes=_said(request, parts, error.wrongs))
    return see_other("/akun?kata=dapat-dihubungi")


@router.post("/akun/sandi")
def change_password(request: Request, parts: Ask, person: Somebody, form: Typed) -> Response:
    """Take a new password; the cookie changes with it."""
    old, new = text(form, "old"), text(form, "new")
    try:
        _same(new, text(form, "again"))
        token = parts.people.change_password(person, old, new, caller_of(request))
    except Invalid as error:
        return _page(request, parts, person, status=422, mistakes=_said(request, parts, error.wrongs))
    except TooMany as error:
        seconds = max(1, round(error.after.total_seconds()))
        found = {"old": parts.site.say(request, WAIT, seconds=seconds)}
        return _page(request, parts, person, status=429, mistakes=found)
    answer = see_other("/akun?kata=sandi-baru")
    set_cookie(answer, parts.services, token)
    return answer


@router.post("/akun/log-masuk/{ident}/akhiri")
def end_log_in(parts: Ask, person: Somebody, ident: str) -> Response:
    """End one of one's own log-ins."""
    parts.people.revoke(person.id, ident, by=person)
    return see_other("/akun?kata=log-masuk-berakhir")


def _same(new: str, again: str) -> None:
    """Return when both are the same.

    Raises:
        Invalid: they are not.
    """
    if new != again:
        raise Invalid(Wrong("again", "password.unlike", "both must be the same"))


def _said(request: Request, parts: Parts, wrongs: tuple[Wrong, ...]) -> dict[str, str]:
    return {name: parts.site.say(request, message) for name, message in mistakes(wrongs).items()}


def _page(
    request: Request,
    parts: Parts,
    person: Person,
    typed: Mapping[str, str] | None = None,
    *,
    status: int = 200,
    **more: object,
) -> Response:
    language, addresses = parts.services.mailbox.addresses(person.id)
    log_ins = parts.people.log_ins(person.id, token_of(request))
    context: dict[str, object] = {
        "roles": [words.ROLES[role] for role in sorted(person.roles)],
        "typed": {"language": language} | addresses if typed is None else typed,
        "languages": [("id", "Bahasa Indonesia"), ("en", "English")],
        "channels": [(name, words.CHANNELS.get(name, name)) for name in parts.services.mailbox.personal],
        "log_ins": log_ins,
        "has_password": any(one.here and one.provider == LOCAL for one in log_ins),
        "path": "/akun",
    }
    return parts.site.page(request, "account.html", person, context | more, status=status)
