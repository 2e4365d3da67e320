"""How long the next try has to wait: doubling after each wrong one, for an account and for an address, never for good.

A lock would let anybody keep the head of the office out. The counts are in the database,
so that a restart, or a second central, forgives nothing.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from central.db import tables as t
from central.db.store import Store
from central.db.writes import insert_new, retried
from central.errors import TooMany

DELAY_AT_MOST: Final = timedelta(minutes=15)
FORGOTTEN_AFTER: Final = timedelta(hours=1)
"""Without a wrong try for so long beyond the wait, the count begins anew."""
ACCOUNT_TRIES: Final = 3
ADDRESS_TRIES: Final = 10
"""Tries without a wait; an office's people may share one address."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """What wrong tries are counted for."""

    key: str
    free: int

    @classmethod
    def account(cls, login: str) -> Bucket:
        """Return the bucket of a name as it was typed, also when nobody has it: it must not tell."""
        digest = hashlib.sha256(login.strip().lower().encode()).hexdigest()
        return cls(f"account:{digest[:40]}", ACCOUNT_TRIES)

    @classmethod
    def address(cls, address: str) -> Bucket:
        """Return the bucket of where a try comes from; of IPv6 a house has a whole network."""
        return cls(f"address:{network(address)}", ADDRESS_TRIES)


def network(address: str) -> str:
    """Return an address as limits count it: IPv4 as it is, IPv6 as its /64, anything else as `unknown`."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def delay(failures: int, free: int = ACCOUNT_TRIES) -> timedelta:
    """Return how long the next try has to wait after so many wrong ones: 1 s, 2 s, 4 s, up to a quarter of an hour."""
    if failures < free:
        return timedelta(0)
    return min(timedelta(seconds=2 ** min(failures - free, 20)), DELAY_AT_MOST)


class Throttle:
    """Counts of wrong tries."""

    def __init__(self, store: Store, *, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    def check(self, buckets: Iterable[Bucket]) -> None:
        """Return when a try may be made now.

        Raises:
            TooMany: one of the buckets has to wait.
        """
        keys = [bucket.key for bucket in buckets]
        with self._store.reading() as connection:
            until = connection.scalar(sa.select(sa.func.max(t.throttle.c.until)).where(t.throttle.c.key.in_(keys)))
        now = self._now()
        if until is not None and until > now:
            raise TooMany("login.wait", until - now)

    @retried
    def failed(self, buckets: Iterable[Bucket]) -> None:
        """Count a wrong try for each of the buckets."""
        now = self._now()
        with self._store.writing() as connection:
            connection.execute(t.throttle.delete().where(t.throttle.c.until < now - FORGOTTEN_AFTER))
            for bucket in sorted(buckets, key=lambda one: one.key):
                self._count(connection, bucket, now)

    def _count(self, connection: sa.Connection, bucket: Bucket, now: datetime) -> None:
        same = t.throttle.c.key == bucket.key
        insert_new(connection, t.throttle, [{"key": bucket.key, "failures": 0, "until": now}])
        step = t.throttle.update().where(same).values(failures=t.throttle.c.failures + 1)
        failures = connection.scalar(step.returning(t.throttle.c.failures)) or 1
        until = now + delay(failures, bucket.free)
        connection.execute(t.throttle.update().where(same).values(until=until))

    def passed(self, bucket: Bucket) -> None:
        """Forget the wrong tries of an account: its owner is here."""
        with self._store.writing() as connection:
            connection.execute(t.throttle.delete().where(t.throttle.c.key == bucket.key))
