"""Lets people in whom the provider vouches for: attempts on their way, accounts linked by issuer and subject.

An account that is not linked yet is made anew; a local account of the same name is never
taken over. Roles and agency are those of the token, at each log-in.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Final

import sqlalchemy as sa

from central.db import locks
from central.db import tables as t
from central.db.store import Store
from central.db.writes import retried
from central.domain.words import Role
from central.errors import Forbidden, Invalid, Wrong
from central.model import Person
from central.people import Caller, People, give_roles
from central.settings import SignOn
from central.signon.claims import Guest, guest_of
from central.signon.provider import Attempt, Provider
from contract import new_id

ATTEMPT_LASTS: Final = timedelta(minutes=10)
CODE_AT_MOST: Final = 4096
NEXT_AT_MOST: Final = 1000


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the browser goes, and what it keeps so that nobody else can come back in its place."""

    address: str
    keepsake: str


class SignOnDesk:
    """Single sign-on as a whole."""

    def __init__(
        self, store: Store, people: People, rules: SignOn, provider: Provider, *, now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._people = people
        self._rules = rules
        self._provider = provider
        self._now = now

    @property
    def label(self) -> str:
        """What the provider is called on the log-in page; empty for no name."""
        return self._rules.label

    def begin(self, following: str) -> Begun:
        """Begin a log-in that leads to the page `following` in the end.

        Raises:
            ProviderDown: it does not answer.
            TooMany: too many ask at once.
        """
        attempt = Attempt(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48))
        address, keepsake, now = self._provider.address(attempt), secrets.token_urlsafe(32), self._now()
        row = {"state_hash": _hash(attempt.state), "keepsake_hash": _hash(keepsake), "nonce": attempt.nonce}
        row |= {"verifier": attempt.verifier, "following": following[:NEXT_AT_MOST]}
        a = t.sign_on_attempt
        with self._store.writing() as connection:
            connection.execute(a.delete().where(a.c.until < now))
            connection.execute(a.insert(), row | {"until": now + ATTEMPT_LASTS})
        return Begun(address, keepsake)

    def finish(self, state: str, code: str, keepsake: str, caller: Caller) -> tuple[Person, str, str]:
        """Return who came back, a fresh token for the cookie, and the page to go on to.

        Raises:
            Forbidden: not an attempt of this browser, one that was used or is too old, or not one to let in.
            ProviderDown: it does not answer.
            Invalid: the token names an agency that is not here.
            TooMany: too many ask at once.
        """
        attempt, following = self._taken(state, keepsake)
        if not 0 < len(code) <= CODE_AT_MOST:
            raise Forbidden("signon.refused", "the provider gave no code")
        now = self._now()
        guest = guest_of(self._provider.claims(code, attempt, now), self._rules)
        person, token = self._people.begin(self._account(guest, now), caller, guest.issuer)
        return person, token, following

    def farewell(self, back_to: str) -> str | None:
        """Return where a browser ends its log-in at the provider too."""
        return self._provider.farewell(back_to)

    def is_of(self, provider: str) -> bool:
        """Return whether a log-in came from here."""
        return provider == self._rules.issuer

    def _taken(self, state: str, keepsake: str) -> tuple[Attempt, str]:
        """Return an attempt, which is used up by that.

        Raises:
            Forbidden: there is none of this browser, or not any more.
        """
        a = t.sign_on_attempt
        with self._store.writing() as connection:
            same = a.c.state_hash == _hash(state)
            row = connection.execute(a.delete().where(same).returning(*a.c)).mappings().first()
        if row is None or row["until"] < self._now():
            raise Forbidden("signon.expired", "no such attempt, or not any more: begin again")
        if not secrets.compare_digest(row["keepsake_hash"], _hash(keepsake)):
            raise Forbidden("signon.foreign", "another browser began this attempt")
        return Attempt(state, row["nonce"], row["verifier"]), row["following"]

    @retried
    def _account(self, guest: Guest, now: datetime) -> str:
        """Return the account of a guest as the token has it now, made when there is none.

        Raises:
            Forbidden: it was closed here.
            Invalid: the token names an agency that is not here.
        """
        with self._store.writing() as connection:
            locks.alone(connection, f"identity {guest.issuer} {guest.subject}")
            _check_agency(connection, guest)
            known = _linked(connection, guest)
            if known is None:
                ident = _made(connection, guest, now)
                _note(connection, "person.signon", ident, guest, now)
                return ident
            row = connection.execute(t.person.select().where(t.person.c.id == known)).mappings().one()
            if not row["active"]:
                raise Forbidden("signon.closed", f"the account {row['login']} was closed")
            if _update(connection, known, guest, row["agency_id"]):
                _note(connection, "person.signon_roles", known, guest, now)
            return known


def _linked(connection: sa.Connection, guest: Guest) -> str | None:
    i = t.identity.c
    query = sa.select(i.person_id).where(i.issuer == guest.issuer, i.subject == guest.subject)
    return connection.scalar(query)


def _check_agency(connection: sa.Connection, guest: Guest) -> None:
    """Return when the guest's agency is one of ours.

    Raises:
        Invalid: it is not.
    """
    if guest.agency is None:
        return
    if connection.scalar(sa.select(t.agency.c.id).where(t.agency.c.id == guest.agency)) is None:
        raise Invalid(Wrong("agency_id", "agency.not_found", f"there is no agency {guest.agency!r}"))


def _made(connection: sa.Connection, guest: Guest, now: datetime) -> str:
    """Make an account that only the provider opens, and link it."""
    ident = new_id()
    free = replace(guest, login=_free(connection, guest.login))
    row = {"id": ident, "login": free.login, "name": guest.name, "agency_id": guest.agency, "active": True}
    connection.execute(t.person.insert(), row | {"password_hash": ""})
    link = {"issuer": guest.issuer, "subject": guest.subject, "person_id": ident, "linked_at": now}
    connection.execute(t.identity.insert(), link)
    give_roles(connection, ident, guest.roles)
    return ident


def _free(connection: sa.Connection, login: str) -> str:
    """Return the name, or the next one with a number: a local account is not taken over by its name."""
    wishes = (login if number == 1 else f"{login}-{number}" for number in count(1))
    return next(wished for wished in wishes if _is_free(connection, wished))


def _is_free(connection: sa.Connection, login: str) -> bool:
    locks.alone(connection, f"login {login}")
    return connection.scalar(sa.select(t.person.c.id).where(t.person.c.login == login)) is None


def _update(connection: sa.Connection, ident: str, guest: Guest, agency: str | None) -> bool:
    """Give an account the token's name, agency and roles; return whether its rights changed, which ends its log-ins."""
    held = connection.scalars(sa.select(t.person_role.c.role).where(t.person_role.c.person_id == ident))
    changed = frozenset(Role(role) for role in held) != guest.roles or agency != guest.agency
    row = {"name": guest.name, "agency_id": guest.agency}
    connection.execute(t.person.update().where(t.person.c.id == ident).values(row))
    if changed:
        give_roles(connection, ident, guest.roles)
        connection.execute(t.login_session.delete().where(t.login_session.c.person_id == ident))
    return changed


def _note(connection: sa.Connection, action: str, ident: str, guest: Guest, now: datetime) -> None:
    detail = json.dumps({"issuer": guest.issuer, "roles": sorted(guest.roles), "agency": guest.agency})
    row = {"at": now, "actor": guest.login, "action": action, "subject": ident, "detail": detail}
    connection.execute(t.audit.insert(), row)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
