"""Answers kept for orders that are sent twice: the same key is carried out once and answered the same.

A row stands from before the order is carried out. Who comes second waits for the first
one's answer; if the first one's program died, a second try may be made after a while.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from central.db import tables as t
from central.db.store import Store
from central.db.writes import retried
from central.errors import KeyReused

KEPT_FOR: Final = timedelta(hours=24)
DIES_AFTER: Final = timedelta(minutes=1)
"""After so long without an answer whoever carried it out is taken for dead."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it was given."""

    status: int
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True, slots=True)
class Order:
    """Whose order it is, under which key, and what it is."""

    person_id: str
    key: str
    fingerprint: str


class Answered:
    """The table of answers."""

    def __init__(self, store: Store, *, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    def claim(self, order: Order) -> bool:
        """Return whether the order is to be carried out now; it is not when somebody does or did."""
        a, now = t.answered.c, self._now()
        row = {"person_id": order.person_id, "key": order.key, "fingerprint": order.fingerprint, "at": now}
        dead = sa.and_(*_same(order), a.status.is_(None), a.at < now - DIES_AFTER)
        try:
            self._insert(row, sa.or_(a.at < now - KEPT_FOR, dead))
        except sa.exc.IntegrityError:
            return False
        return True

    @retried
    def _insert(self, row: Mapping[str, object], without: sa.ColumnElement[bool]) -> None:
        with self._store.writing() as connection:
            connection.execute(t.answered.delete().where(without))
            connection.execute(t.answered.insert(), row)

    def kept(self, order: Order) -> Kept | None:
        """Return the answer; none while it is not there yet.

        Raises:
            KeyReused: the key stands for another order.
        """
        with self._store.reading() as connection:
            row = connection.execute(t.answered.select().where(*_same(order))).mappings().first()
        if row is None:
            return None
        if row["fingerprint"] != order.fingerprint:
            raise KeyReused(order.key)
        return None if row["status"] is None else Kept(row["status"], json.loads(row["headers"]), row["body"])

    def keep(self, order: Order, answer: Kept) -> None:
        """Keep the answer for everybody who sends the order again."""
        values = {"status": answer.status, "headers": json.dumps(dict(answer.headers)), "body": answer.body}
        with self._store.writing() as connection:
            connection.execute(t.answered.update().where(*_same(order)).values(values))

    def release(self, order: Order) -> None:
        """Let the key be used anew: nothing was done that a second try would do twice."""
        with self._store.writing() as connection:
            connection.execute(t.answered.delete().where(*_same(order)))


def _same(order: Order) -> tuple[sa.ColumnElement[bool], ...]:
    return (t.answered.c.person_id == order.person_id, t.answered.c.key == order.key)
