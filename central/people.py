"""Who is logged in: local accounts, argon2id, opaque sessions that can be revoked.

A browser holds 256 random bits; the database holds their hash. A wrong password delays
the next try of that account, each time twice as long, and never locks it for good:
a lock would let anybody keep the head of the office out. A stranger's name costs the same
time and gives the same answer as a wrong password.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from pwdlib import PasswordHash

from central.db import locks
from central.db import tables as t
from central.db.store import Store
from central.db.writes import retried
from central.domain.words import Role
from central.errors import Forbidden, TooMany
from central.model import Agency, Person
from central.moves import utc_now
from contract import new_id

IDLE: Final = timedelta(minutes=30)
ABSOLUTE: Final = timedelta(hours=12)
SEEN_EVERY: Final = timedelta(minutes=1)
"""How exact `seen_at` is: not every request is worth a write."""
FREE_TRIES: Final = 3
DELAY_AT_MOST: Final = timedelta(minutes=15)
HASHES_AT_ONCE: Final = 2
HASHES_QUEUED: Final = 20
PASSWORD_AT_MOST: Final = 256


class People:
    """Accounts and their log-ins."""

    def __init__(self, store: Store, *, now: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._now = now
        self._hasher = PasswordHash.recommended()
        self._nobody = self._hasher.hash(secrets.token_urlsafe())
        self._hashing = threading.Semaphore(HASHES_AT_ONCE)
        self._queue = threading.Semaphore(HASHES_QUEUED)

    def add(self, login: str, name: str, password: str, roles: frozenset[Role], *, agency_id: str | None = None) -> str:
        """Add an account, or give the one with this login this name, password and roles; return its id."""
        digest = self._hasher.hash(password)
        with self._store.writing() as connection:
            locks.alone(connection, f"login {login}")
            known = connection.scalar(sa.select(t.person.c.id).where(t.person.c.login == login))
            ident = known or new_id()
            row = {"name": name, "password_hash": digest, "agency_id": agency_id, "active": True}
            if known:
                connection.execute(t.person.update().where(t.person.c.id == ident).values(row))
                connection.execute(t.login_session.delete().where(t.login_session.c.person_id == ident))
                connection.execute(t.person_role.delete().where(t.person_role.c.person_id == ident))
            else:
                connection.execute(t.person.insert(), row | {"id": ident, "login": login})
            connection.execute(t.person_role.insert(), [{"person_id": ident, "role": role} for role in roles])
        return ident

    def log_in(self, login: str, password: str) -> tuple[Person, str]:
        """Return the person and a fresh token for the cookie.

        Raises:
            Forbidden: wrong name or password; it does not say which.
            TooMany: this account, or everybody, has to wait.
        """
        now = self._now()
        with self._store.reading() as connection:
            row = connection.execute(t.person.select().where(t.person.c.login == login)).mappings().first()
        if row is not None and row["locked_until"] is not None and row["locked_until"] > now:
            raise TooMany("login.wait", row["locked_until"] - now)
        right = self._verify(password, row["password_hash"] if row is not None else self._nobody)
        if row is None or not right or not row["active"]:
            if row is not None:
                self._failed(row["id"], now)
            raise Forbidden("login.wrong", "wrong name or password")
        return self._begin(row["id"], now)

    def _verify(self, password: str, digest: str) -> bool:
        """Compare, a few at a time: each costs a quarter of a second and 64 MiB.

        Raises:
            TooMany: too many wait already.
        """
        if len(password) > PASSWORD_AT_MOST:
            return False
        if not self._queue.acquire(blocking=False):
            raise TooMany("login.busy", timedelta(seconds=5))
        try:
            with self._hashing:
                return self._hasher.verify(password, digest)
        finally:
            self._queue.release()

    def _failed(self, person_id: str, now: datetime) -> None:
        with self._store.writing() as connection:
            of_person = t.person.c.id == person_id
            step = t.person.update().where(of_person).values(failures=t.person.c.failures + 1)
            failures = connection.scalar(step.returning(t.person.c.failures)) or 0
            if failures >= FREE_TRIES:
                until = now + delay(failures)
                connection.execute(t.person.update().where(of_person).values(locked_until=until))

    @retried
    def _begin(self, person_id: str, now: datetime) -> tuple[Person, str]:
        token = secrets.token_urlsafe(32)
        row = {"token_hash": _hash(token), "person_id": person_id, "seen_at": now, "ends_at": now + ABSOLUTE}
        with self._store.writing() as connection:
            connection.execute(t.login_session.delete().where(t.login_session.c.ends_at < now))
            connection.execute(t.login_session.insert(), row)
            reset = t.person.update().where(t.person.c.id == person_id)
            connection.execute(reset.values(failures=0, locked_until=None))
            person = _person(connection, person_id, now)
        return person, token

    def who(self, token: str | None) -> Person | None:
        """Return whose token it is; None when nobody's, or when it has ended."""
        if not token:
            return None
        now = self._now()
        same = t.login_session.c.token_hash == _hash(token)
        with self._store.reading() as connection:
            row = connection.execute(t.login_session.select().where(same)).mappings().first()
            if row is None or now >= row["ends_at"] or now >= row["seen_at"] + IDLE:
                return None
            person = _person(connection, row["person_id"], now)
        if now - row["seen_at"] >= SEEN_EVERY:
            with self._store.writing() as connection:
                connection.execute(t.login_session.update().where(same).values(seen_at=now))
        return person

    def log_out(self, token: str) -> None:
        """End the log-in that `token` belongs to."""
        with self._store.writing() as connection:
            connection.execute(t.login_session.delete().where(t.login_session.c.token_hash == _hash(token)))

    def revoke(self, person_id: str) -> None:
        """End every log-in of a person."""
        with self._store.writing() as connection:
            connection.execute(t.login_session.delete().where(t.login_session.c.person_id == person_id))


def delay(failures: int) -> timedelta:
    """Return how long the next try has to wait after so many wrong ones in a row."""
    if failures < FREE_TRIES:
        return timedelta(0)
    return min(timedelta(seconds=2 ** min(failures - FREE_TRIES, 20)), DELAY_AT_MOST)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _person(connection: sa.Connection, ident: str, now: datetime) -> Person:
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
