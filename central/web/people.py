"""The pages of accounts: who may log in, with which roles, and from where each is logged in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from central.accounts import AccountForm
from central.api.guard import requires
from central.domain.words import Role
from central.errors import Invalid, Refused
from central.model import Account, Person
from central.permissions import Action
from central.web import words
from central.web.access import Ask, Parts, Typed, text
from central.web.forms import mistakes
from central.web.site import see_other
from webui.i18n import N_

router = APIRouter(include_in_schema=False)

Administrator = Annotated[Person, Depends(requires(Action.MANAGE_PEOPLE))]
_LAST = N_("Somebody has to be left who manages people. Nothing was changed.")


@router.get("/pengguna")
def people(request: Request, parts: Ask, person: Administrator) -> Response:
    """List the accounts, with a form for another one."""
    return _list(request, parts, person)


@router.post("/pengguna")
def add(request: Request, parts: Ask, person: Administrator, form: Typed) -> Response:
    """Add an account."""
    try:
        made = parts.services.accounts.add(_form(form, text(form, "login").strip()), person, text(form, "new"))
    except Invalid as error:
        found = _said(request, parts, error)
        return _list(request, parts, person, status=422, mistakes=found, typed=_typed(form))
    return see_other(f"/pengguna/{made.id}?kata=akun-tersimpan")


@router.get("/pengguna/{ident}")
def account(request: Request, parts: Ask, person: Administrator, ident: str) -> Response:
    """Show one account."""
    return _one(request, parts, person, parts.services.accounts.get(ident))


@router.post("/pengguna/{ident}")
def change(request: Request, parts: Ask, person: Administrator, ident: str, form: Typed) -> Response:
    """Change name, roles, agency, and whether the account is open."""
    held = parts.services.accounts.get(ident)
    try:
        parts.services.accounts.change(ident, _form(form, held.login), person)
    except Invalid as error:
        found = _said(request, parts, error)
        return _one(request, parts, person, held, status=422, mistakes=found, typed=_typed(form))
    except Refused:
        said = parts.site.note(request, "degraded", _LAST)
        return _one(request, parts, person, held, status=409, said=said)
    return see_other(f"/pengguna/{ident}?kata=akun-tersimpan")


@router.post("/pengguna/{ident}/sandi")
def set_password(request: Request, parts: Ask, person: Administrator, ident: str, form: Typed) -> Response:
    """Give an account a new password."""
    try:
        parts.people.set_password(ident, text(form, "new"), person)
    except Invalid as error:
        held = parts.services.accounts.get(ident)
        return _one(request, parts, person, held, status=422, mistakes=_said(request, parts, error))
    return see_other(f"/pengguna/{ident}?kata=akun-tersimpan")


@router.post("/pengguna/{ident}/log-masuk/akhiri")
def end_log_ins(parts: Ask, person: Administrator, ident: str, form: Typed) -> Response:
    """End one log-in of somebody, or every one."""
    parts.people.revoke(ident, text(form, "log_in") or None, by=person)
    return see_other(f"/pengguna/{ident}?kata=log-masuk-berakhir")


def _form(form: FormData, login: str) -> AccountForm:
    roles = frozenset(role for role in Role if text(form, f"role-{role}") == "on")
    return AccountForm(
        login=login,
        name=text(form, "name"),
        roles=roles,
        agency_id=text(form, "agency") or None,
        active=text(form, "active") == "on",
    )


def _typed(form: FormData) -> dict[str, str]:
    return {name: value for name, value in form.items() if isinstance(value, str) and name != "new"}


def _said(request: Request, parts: Parts, error: Invalid) -> dict[str, str]:
    shown = {"agency_id": "agency"}
    return {shown.get(name, name): parts.site.say(request, said) for name, said in mistakes(error.wrongs).items()}


def _choices(request: Request, parts: Parts) -> dict[str, object]:
    none = ("", parts.site.say(request, N_("None")))
    return {
        "roles": [(role.value, words.ROLES[role]) for role in Role],
        "agencies": [none, *((agency.id, agency.name) for agency in parts.desk.choices().agencies)],
    }


def _list(request: Request, parts: Parts, person: Person, *, status: int = 200, **more: object) -> Response:
    names = {agency.id: agency.short for agency in parts.desk.choices().agencies}
    context = _choices(request, parts) | {"accounts": parts.services.accounts.all(), "typed": {"active": "on"}}
    return parts.site.page(
        request, "people.html", person, context | {"agency_names": names} | more, status=status, path="/pengguna"
    )


def _one(
    request: Request,
    parts: Parts,
    person: Person,
    account: Account,
    *,
    status: int = 200,
    typed: Mapping[str, str] | None = None,
    **more: object,
) -> Response:
    held = {f"role-{role}": "on" for role in account.roles} | {"name": account.name, "agency": account.agency_id or ""}
    held |= {"active": "on"} if account.active else {}
    context = _choices(request, parts) | {
        "account": account,
        "typed": held if typed is None else typed,
        "log_ins": parts.people.log_ins(account.id),
    }
    return parts.site.page(request, "person.html", person, context | more, status=status)
