"""Who may log in: accounts as administrators keep them.

Whatever takes something from an account (a role, the account itself) also ends its
log-ins, so that nothing goes on with rights that are gone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from central.db import locks
from central.db import tables as t
from central.db.store import Store
from central.domain.words import Role
from central.errors import Invalid, NotFound, Refused, Wrong
from central.model import Account, Person
from central.passwords import check_new
from central.people import People, give_roles
from contract import new_id

LOGIN: Final = re.compile(r"[a-z0-9][a-z0-9._@-]{0,98}")
NAME_AT_MOST: Final = 200
ACCOUNTS: Final = "accounts"
"""What who writes here asks for alone: one name once, and an administrator is always left."""


@dataclass(frozen=True, slots=True)
class AccountForm:
    """What an administrator says about an account; applicants belong to an agency."""

    login: str
    name: str
    roles: frozenset[Role] = field(default_factory=frozenset)
    agency_id: str | None = None
    active: bool = True


class Accounts:
    """All accounts."""

    def __init__(self, store: Store, people: People, *, now: Callable[[], datetime]) -> None:
        self._store = store
        self._people = people
        self._now = now

    def all(self) -> tuple[Account, ...]:
        """Return every account by its name for logging in."""
        with self._store.reading() as connection:
            return _accounts(connection)

    def get(self, ident: str) -> Account:
        """Return one account.

        Raises:
            NotFound: there is none.
        """
        with self._store.reading() as connection:
            return _one(connection, ident)

    def add(self, form: AccountForm, by: Person, password: str = "", *, must_open: bool = False) -> Account:
        """Add an account; without a password only a sign-on service can open it, unless it `must_open`.

        Raises:
            Invalid: fields that are wrong, the name is taken, or the password will not do.
            TooMany: too many passwords are being hashed.
        """
        weak = _weak(password, form.login) if password or must_open else ()
        ident = new_id()
        with self._store.writing() as connection:
            locks.alone(connection, ACCOUNTS)
            _check(connection, form, also=weak)
            row = {"id": ident, "login": form.login, "name": form.name.strip(), "agency_id": form.agency_id}
            connection.execute(t.person.insert(), row | {"active": form.active, "password_hash": ""})
            give_roles(connection, ident, form.roles)
            self._note(connection, by, "person.add", ident, _told(form))
        if password:
            self._people.set_password(ident, password, by)
        return self.get(ident)

    def change(self, ident: str, form: AccountForm, by: Person) -> Account:
        """Change an account; the name for logging in stays.

        Raises:
            NotFound: there is none.
            Invalid: fields that are wrong.
            Refused: nobody would be left who manages people.
        """
        with self._store.writing() as connection:
            locks.alone(connection, ACCOUNTS)
            before = _one(connection, ident)
            _check(connection, form, before)
            row = {"name": form.name.strip(), "agency_id": form.agency_id, "active": form.active}
            connection.execute(t.person.update().where(t.person.c.id == ident).values(row))
            give_roles(connection, ident, form.roles)
            if not _administrators(connection):
                raise Refused("admin.last", "somebody has to be left who manages people")
            if (form.roles, form.active, form.agency_id) != (before.roles, before.active, before.agency_id):
                connection.execute(t.login_session.delete().where(t.login_session.c.person_id == ident))
            self._note(connection, by, "person.change", ident, {"before": _said(before), "now": _told(form)})
            return _one(connection, ident)

    def _note(
        self, connection: sa.Connection, by: Person, action: str, ident: str, detail: Mapping[str, object]
    ) -> None:
        row = {"at": self._now(), "actor": by.login, "action": action, "subject": ident, "detail": json.dumps(detail)}
        connection.execute(t.audit.insert(), row)


def _told(form: AccountForm) -> dict[str, object]:
    return {"roles": sorted(form.roles), "agency": form.agency_id, "active": form.active}


def _said(account: Account) -> dict[str, object]:
    return {"roles": sorted(account.roles), "agency": account.agency_id, "active": account.active}


def _weak(password: str, login: str) -> tuple[Wrong, ...]:
    """Return why a first password will not do."""
    try:
        check_new(password, login)
    except Invalid as error:
        return error.wrongs
    return ()


def _check(
    connection: sa.Connection, form: AccountForm, before: Account | None = None, *, also: tuple[Wrong, ...] = ()
) -> None:
    """Return when an account is in order.

    Raises:
        Invalid: every field that is wrong.
    """
    wrongs = [*also]
    if before is None and not LOGIN.fullmatch(form.login):
        wrongs.append(Wrong("login", "login.unreadable", "wanted small letters, digits, dots and hyphens"))
    taken = sa.select(t.person.c.id).where(t.person.c.login == form.login)
    if before is None and connection.scalar(taken) is not None:
        wrongs.append(Wrong("login", "login.taken", "somebody has this name"))
    if not 0 < len(form.name.strip()) <= NAME_AT_MOST:
        wrongs.append(Wrong("name", "text.wanted", f"wanted 1 to {NAME_AT_MOST} characters"))
    if not form.roles:
        wrongs.append(Wrong("roles", "roles.wanted", "wanted one role or more"))
    known = sa.select(t.agency.c.id).where(t.agency.c.id == form.agency_id)
    if form.agency_id is not None and connection.scalar(known) is None:
        wrongs.append(Wrong("agency_id", "agency.not_found", f"there is no agency {form.agency_id!r}"))
    if Role.APPLICANT in form.roles and form.agency_id is None:
        wrongs.append(Wrong("agency_id", "agency.wanted", "an applicant belongs to an agency"))
    if wrongs:
        raise Invalid(*wrongs)


def _administrators(connection: sa.Connection) -> int:
    """Return how many active accounts manage people."""
    joined = t.person.join(t.person_role, t.person_role.c.person_id == t.person.c.id)
    query = sa.select(sa.func.count()).select_from(joined)
    return connection.scalar(query.where(t.person.c.active, t.person_role.c.role == Role.ADMIN)) or 0


def _accounts(connection: sa.Connection, *where: sa.ColumnElement[bool]) -> tuple[Account, ...]:
    people = connection.execute(t.person.select().where(*where).order_by(t.person.c.login)).mappings().all()
    idents = [row["id"] for row in people]
    roles = _by_person(connection, t.person_role.c.person_id, t.person_role.c.role, idents)
    issuers = _by_person(connection, t.identity.c.person_id, t.identity.c.issuer, idents)
    return tuple(
        Account(
            id=row["id"],
            login=row["login"],
            name=row["name"],
            roles=frozenset(Role(role) for role in roles.get(row["id"], ())),
            agency_id=row["agency_id"],
            active=row["active"],
            has_password=bool(row["password_hash"]),
            providers=tuple(issuers.get(row["id"], ())),
        )
        for row in people
    )


def _one(connection: sa.Connection, ident: str) -> Account:
    """Return one account.

    Raises:
        NotFound: there is none.
    """
    found = _accounts(connection, t.person.c.id == ident)
    if not found:
        raise NotFound("person", ident)
    return found[0]


def _by_person(
    connection: sa.Connection, person: sa.Column[str], value: sa.Column[str], idents: list[str]
) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for ident, one in connection.execute(sa.select(person, value).where(person.in_(idents)).order_by(value)):
        found.setdefault(ident, []).append(one)
    return found
