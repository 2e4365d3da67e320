"""Who must wait for whom on PostgreSQL, where writers run side by side.

A deed locks what it decides about before it reads it, and holds it to its end. On SQLite
nothing is to be done: its one writer is alone anyway.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa

from central.db import postgres
from central.domain.calendar import Span

_ONE_BY_ONE = sa.text("SELECT pg_advisory_xact_lock(key) FROM unnest(CAST(:keys AS bigint[])) AS key")


def alone(connection: sa.Connection, *names: str) -> None:
    """Keep out everybody else who asks for one of `names`, until the transaction ends.

    They are taken in one order, so that two who ask for several never wait for each other.
    """
    if connection.dialect.name == postgres.NAME:
        connection.execute(_ONE_BY_ONE, {"keys": sorted({_key(name) for name in names})})


def alone_in(connection: sa.Connection, *spans: Span) -> None:
    """Keep out whoever books on one of the days that `spans` touch."""
    alone(connection, *(f"day {day}" for span in spans for day in _days(*span)))


def _days(starts: datetime, ends: datetime) -> Iterator[date]:
    first, last = starts.astimezone(UTC).date(), ends.astimezone(UTC).date()
    yield from (first + timedelta(days=n) for n in range((last - first).days + 1))


def hold(connection: sa.Connection, table: sa.Table, idents: Iterable[str]) -> None:
    """Keep others from changing these rows until the transaction ends."""
    wanted = table.c.id.in_(sorted(idents))
    connection.execute(sa.select(table.c.id).where(wanted).order_by(table.c.id).with_for_update()).all()


def _key(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
