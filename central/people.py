"""Who is logged in: opaque sessions that can be listed and revoked.

A browser holds 256 random bits; the database holds their hash. A log-in ends when nobody
used it for half an hour, after twelve hours, and at once when it is revoked, when the
password or the roles change, or when the same browser logs in anew. A stranger's name
costs the same time and gives the same answer as a wrong password.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from central.db import locks
from central.db import tables as t
from central.db.store import Store
from central.db.writes import retried
from central.domain.words import Role
from central.errors import Forbidden, Invalid, NotFound, Wrong
from central.model import Agency, LogIn, Person
from central.moves import utc_now
from central.passwords import Passwords, check_new
from central.throttle import Bucket, Throttle
from contract import new_id

IDLE: Final = timedelta(minutes=30)
ABSOLUTE: Final = timedelta(hours=12)
SEEN_EVERY: Final = timedelta(minutes=1)
"""How exact `seen_at` is: not every request is worth a write."""
BROWSER_AT_MOST: Final = 200
LOCAL: Final = "local"
"""The provider of accounts with a password here."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Where a log-in comes from; `token` is the one that the browser held before."""

    address: str = ""
    browser: str = ""
    token: str | None = None


HERE: Final = Caller()


class People:
    """Accounts and their log-ins."""

    def __init__(
        self, store: Store, *, now: Callable[[], datetime] = utc_now, passwords: Passwords | None = None
    ) -> None:
        self._store = store
        self._now = now
        self._passwords = passwords or Passwords()
        self._throttle = Throttle(store, now=now)

    def add(self, login: str, name: str, password: str, roles: frozenset[Role], *, agency_id: str | None = None) -> str:
        """Add an account, or give the one with this login this name, password and roles; return its id.

        Raises:
            TooMany: too many passwords are being hashed.
        """
        digest = self._passwords.hash(password) if password else ""
        with self._store.writing() as connection:
            locks.alone(connection, f"login {login}")
            known = connection.scalar(sa.select(t.person.c.id).where(t.person.c.login == login))
            ident = known or new_id()
            row = {"name": name, "password_hash": digest, "agency_id": agency_id, "active": True}
            if known:
                connection.execute(t.person.update().where(t.person.c.id == ident).values(row))
                connection.execute(t.login_session.delete().where(t.login_session.c.person_id == ident))
            else:
                connection.execute(t.person.insert(), row | {"id": ident, "login": login})
            give_roles(connection, ident, roles)
        return ident

    def log_in(self, login: str, password: str, caller: Caller = HERE) -> tuple[Person, str]:
        """Return the person and a fresh token for the cookie.

        Raises:
            Forbidden: wrong name or password; it does not say which.
            TooMany: this account, this address, or everybody, has to wait.
        """
        account = Bucket.account(login)
        buckets = (account, Bucket.address(caller.address)) if caller.address else (account,)
        self._throttle.check(buckets)
        with self._store.reading() as connection:
            row = connection.execute(t.person.select().where(t.person.c.login == login)).mappings().first()
        right = self._passwords.fits(password, row["password_hash"] if row is not None else None)
        if row is None or not right or not row["active"]:
            self._throttle.failed(buckets)
            raise Forbidden("login.wrong", "wrong name or password")
        self._throttle.passed(account)
        return self.begin(row["id"], caller)

    @retried
    def begin(self, person_id: str, caller: Caller, provider: str = LOCAL) -> tuple[Person, str]:
        """Begin a log-in of somebody who proved who it is; the one that the browser held before ends."""
        now, token = self._now(), secrets.token_urlsafe(32)
        row = {"token_hash": _hash(token), "person_id": person_id, "seen_at": now, "ends_at": now + ABSOLUTE}
        row |= {"id": new_id(), "began_at": now, "address": caller.address, "provider": provider}
        held = t.login_session.c
        with self._store.writing() as connection:
            connection.execute(t.login_session.delete().where(held.ends_at < now))
            if caller.token:
                connection.execute(t.login_session.delete().where(held.token_hash == _hash(caller.token)))
            connection.execute(t.login_session.insert(), row | {"browser": caller.browser[:BROWSER_AT_MOST]})
            person = person_with(connection, person_id, now)
        return person, token

    def who(self, token: str | None) -> Person | None:
        """Return whose token it is; None when nobody's, or when it has ended."""
        if not token:
            return None
        now = self._now()
        same = t.login_session.c.token_hash == _hash(token)
        active = sa.select(t.login_session).join(t.person).where(same, t.person.c.active)
        with self._store.reading() as connection:
            row = connection.execute(active).mappings().first()
            if row is None or now >= row["ends_at"] or now >= row["seen_at"] + IDLE:
                return None
            person = person_with(connection, row["person_id"], now)
        if now - row["seen_at"] >= SEEN_EVERY:
            with self._store.writing() as connection:
                connection.execute(t.login_session.update().where(same).values(seen_at=now))
        return person

    def log_ins(self, person_id: str, token: str | None = None) -> tuple[LogIn, ...]:
        """Return a person's log-ins that have not ended, newest first; the one of `token` is `here`."""
        now, held = self._now(), t.login_session.c
        mine = (held.person_id == person_id, held.ends_at > now, held.seen_at > now - IDLE)
        with self._store.reading() as connection:
            found = connection.execute(t.login_session.select().where(*mine).order_by(held.id.desc())).mappings().all()
        own = _hash(token) if token else ""
        return tuple(_log_in(row, here=row["token_hash"] == own) for row in found)

    def log_out(self, token: str) -> str:
        """End the log-in that `token` belongs to; return which provider it came from, empty for none."""
        same = t.login_session.c.token_hash == _hash(token)
        with self._store.writing() as connection:
            provider = connection.scalar(sa.select(t.login_session.c.provider).where(same))
            connection.execute(t.login_session.delete().where(same))
        return provider or ""

    def revoke(self, person_id: str, log_in: str | None = None, *, by: Person | None = None) -> None:
        """End one log-in of a person, or every one.

        Raises:
            NotFound: the person has no such log-in.
        """
        which = [t.login_session.c.person_id == person_id]
        which += [t.login_session.c.id == log_in] if log_in is not None else []
        with self._store.writing() as connection:
            ended = connection.execute(t.login_session.delete().where(*which)).rowcount
            if log_in is not None and not ended:
                raise NotFound("login", log_in)
            audit = {"at": self._now(), "actor": by.login if by else "", "action": "login.revoke", "subject": person_id}
            connection.execute(t.audit.insert(), audit)

    def change_password(self, by: Person, old: str, new: str, caller: Caller = HERE) -> str:
        """Give oneself a new password; every log-in ends, and a fresh token is returned for this one.

        Raises:
            Invalid: the old one is wrong, or the new one will not do.
            TooMany: too many wrong ones.
        """
        bucket = Bucket.account(by.login)
        self._throttle.check((bucket,))
        check_new(new, by.login)
        of_person = t.person.c.id == by.id
        with self._store.reading() as connection:
            digest = connection.scalar(sa.select(t.person.c.password_hash).where(of_person))
        if not self._passwords.fits(old, digest):
            self._throttle.failed((bucket,))
            raise Invalid(Wrong("old", "password.wrong", "this is not the password"))
        self.set_password(by.id, new, by)
        return self.begin(by.id, caller)[1]

    def set_password(self, person_id: str, new: str, by: Person) -> None:
        """Give an account a password and end its log-ins.

        Raises:
            NotFound: there is no such account.
            Invalid: the new one will not do.
            TooMany: too many are being hashed.
        """
        with self._store.reading() as connection:
            login = connection.scalar(sa.select(t.person.c.login).where(t.person.c.id == person_id))
        if login is None:
            raise NotFound("person", person_id)
        check_new(new, login)
        digest = self._passwords.hash(new)
        with self._store.writing() as connection:
            connection.execute(t.person.update().where(t.person.c.id == person_id).values(password_hash=digest))
            connection.execute(t.login_session.delete().where(t.login_session.c.person_id == person_id))
            audit = {"at": self._now(), "actor": by.login, "action": "person.password", "subject": person_id}
            connection.execute(t.audit.insert(), audit)


def give_roles(connection: sa.Connection, person_id: str, roles: frozenset[Role]) -> None:
    """Let a person have these roles and no others."""
    connection.execute(t.person_role.delete().where(t.person_role.c.person_id == person_id))
    if roles:
        connection.execute(t.person_role.insert(), [{"person_id": person_id, "role": role} for role in sorted(roles)])


def _log_in(row: sa.RowMapping, *, here: bool) -> LogIn:
    return LogIn(row["id"], row["began_at"], row["seen_at"], row["address"], row["browser"], row["provider"], here)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def person_with(connection: sa.Connection, ident: str, now: datetime) -> Person:
    """Return an account with roles and agency; it exists, a foreign key says so."""
    joined = t.person.outerjoin(t.agency)
    columns = (t.person, t.agency.c.name.label("agency"), t.agency.c.short)
    row = connection.execute(sa.select(*columns).select_from(joined).where(t.person.c.id == ident)).mappings().one()
    found = connection.scalars(sa.select(t.person_role.c.role).where(t.person_role.c.person_id == ident))
    roles = frozenset(Role(role) for role in found)
    agency = Agency(row["agency_id"], row["agency"], row["short"]) if row["agency_id"] else None
    acting_for = "" if Role.HEAD in roles else acting_now(connection, ident, now)
    own = roles | {Role.HEAD} if acting_for else roles
    return Person(ident, row["login"], row["name"], own, agency, acting_for)


def acting_now(connection: sa.Connection, ident: str, now: datetime) -> str:
    """Return the name of the head whom this person stands in for, empty for nobody."""
    d, holder = t.delegation.c, t.person.alias("holder")
    joined = t.delegation.join(holder, holder.c.id == d.holder_id)
    role = sa.exists().where(t.person_role.c.person_id == holder.c.id, t.person_role.c.role == Role.HEAD)
    lasts = (d.acting_id == ident, d.starts <= now, d.ends > now, d.ended_at.is_(None))
    query = sa.select(holder.c.name).select_from(joined).where(*lasts, role, holder.c.active)
    return connection.scalar(query.order_by(d.starts).limit(1)) or ""
