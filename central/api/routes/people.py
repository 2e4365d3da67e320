"""Accounts of people, for administrators."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import Response

from central.accounts import AccountForm
from central.api.answers import Page, Part, expect, gives, one, part_of
from central.api.guard import CurrentServices
from central.api.routes.base import Administrator, Ident, api_router
from central.api.shapes import AccountChangeIn, AccountIn, NewPasswordIn
from central.model import Account, LogIn

router = api_router()


@router.get("/people", responses=gives(Page[Account], "accounts"))
def people(services: CurrentServices, by: Administrator, wanted: Part) -> Response:
    """Return every account."""
    del by
    return part_of("people", services.accounts.all(), wanted, lambda account: account.id)


@router.post("/people", status_code=201, responses=gives(Account, "the account", status=201))
def add(request: Request, body: AccountIn, services: CurrentServices, by: Administrator) -> Response:
    """Add an account; without a password only single sign-on opens it."""
    form = AccountForm(body.login, body.name, body.roles, body.agency_id, body.active)
    return one(request, services.accounts.add(form, by, body.password), status=201)


@router.get("/people/{ident}", responses=gives(Account, "the account"))
def account(request: Request, ident: Ident, services: CurrentServices, by: Administrator) -> Response:
    """Return one account."""
    del by
    return one(request, services.accounts.get(ident))


@router.put("/people/{ident}", responses=gives(Account, "the account as it is now"))
def change(
    request: Request, ident: Ident, body: AccountChangeIn, services: CurrentServices, by: Administrator
) -> Response:
    """Change an account; when roles, agency or state change, its log-ins end."""
    held = services.accounts.get(ident)
    expect(request, held)
    form = AccountForm(held.login, body.name, body.roles, body.agency_id, body.active)
    return one(request, services.accounts.change(ident, form, by))


@router.post("/people/{ident}/password", status_code=204)
def set_password(ident: Ident, body: NewPasswordIn, services: CurrentServices, by: Administrator) -> Response:
    """Give an account a password; its log-ins end."""
    services.people.set_password(ident, body.new, by)
    return Response(status_code=204)


@router.get("/people/{ident}/logins", responses=gives(Page[LogIn], "where it is logged in"))
def log_ins(ident: Ident, services: CurrentServices, by: Administrator, wanted: Part) -> Response:
    """Return where an account is logged in."""
    del by
    held = services.accounts.get(ident)
    return part_of("logins", services.people.log_ins(held.id), wanted, lambda log_in: log_in.id, newest_first=True)


@router.delete("/people/{ident}/logins", status_code=204)
def end_log_ins(ident: Ident, services: CurrentServices, by: Administrator) -> Response:
    """End every log-in of an account."""
    services.people.revoke(services.accounts.get(ident).id, by=by)
    return Response(status_code=204)
