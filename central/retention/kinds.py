"""The kinds of what central keeps for a time, in the database: which rows are due, and how a batch of them goes.

What is due is looked up outside the transaction that erases, so that nobody who books waits
for the search; the conditions are asked again inside it, of those rows alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

import sqlalchemy as sa

from central.db import tables as t
from central.domain.sop import State
from central.notices.post import WAITING

BATCH: Final = 200
"""So much goes in one transaction: a few milliseconds, between which bookings have their turn."""
OVER: Final = (State.REPORTED, State.REFUSED, State.WITHDRAWN, State.CANCELLED)
"""States of requests that nobody owes anything any more; an approved one still owes its report."""
CONTACTS: Final = ("contact_name", "contact_phone", "own_people")
"""Where a request names people; applicants write names and telephones into the last of them too."""

Key = tuple[Any, ...]
Conditions = tuple[sa.ColumnElement[bool], ...]


@dataclass(frozen=True, slots=True)
class Gone:
    """How much of a kind went, or would go: rows or files, and how large the files were."""

    count: int = 0
    bytes: int = 0

    def __add__(self, other: Gone) -> Gone:
        return Gone(self.count + other.count, self.bytes + other.bytes)


class Kind(Protocol):
    """One kind of things that are kept for a time."""

    name: str
    """As the policy file calls it."""

    def count(self, connection: sa.Connection, before: datetime) -> Gone:
        """Return how much of it is due: its time began before `before`."""

    def due(self, connection: sa.Connection, before: datetime) -> Sequence[Key]:
        """Return the first things that are due, as many as one transaction takes."""

    def erase(self, connection: sa.Connection, due: Sequence[Key], before: datetime, now: datetime) -> Gone:
        """Erase of `due` what still is, in the caller's transaction, and return how much went."""


class Rows:
    """Rows of some tables that are deleted whole."""

    def __init__(self, name: str, *of: tuple[sa.Table, Callable[[datetime], Conditions]]) -> None:
        self.name = name
        self._of = of

    def count(self, connection: sa.Connection, before: datetime) -> Gone:
        """Return how many rows are due."""
        queries = (sa.select(sa.func.count()).select_from(table).where(*where(before)) for table, where in self._of)
        return Gone(sum(connection.scalar(query) or 0 for query in queries))

    def due(self, connection: sa.Connection, before: datetime) -> Sequence[Key]:
        """Return the first rows of the first table that has some, each by the table's number and its own key."""
        for number, (table, where) in enumerate(self._of):
            found = connection.execute(sa.select(*table.primary_key).where(*where(before)).limit(BATCH)).all()
            if found:
                return [(number, *row) for row in found]
        return ()

    def erase(self, connection: sa.Connection, due: Sequence[Key], before: datetime, now: datetime) -> Gone:
        """Delete them."""
        del now
        table, where = self._of[due[0][0]]
        mine = sa.tuple_(*table.primary_key).in_([row[1:] for row in due])
        return Gone(connection.execute(table.delete().where(mine, *where(before))).rowcount)


def is_over(before: datetime) -> Conditions:
    """Return what holds for a request that is over, whose event ended before `before`."""
    q = t.request.c
    return q.state.in_(OVER), q.ends < before, q.submitted_at < before


def _of_one_thatis_over(request_id: sa.Column[Any], before: datetime) -> sa.ColumnElement[bool]:
    return sa.exists().where(t.request.c.id == request_id, *is_over(before))


def _messages(before: datetime) -> Conditions:
    m = t.message.c
    return m.created_at < before, m.state != WAITING, _of_one_thatis_over(m.request_id, before)


def _notices(before: datetime) -> Conditions:
    return t.notice.c.created_at < before, _of_one_thatis_over(t.notice.c.request_id, before)


MESSAGES: Final = Rows("messages", (t.message, _messages), (t.notice, _notices))
LOG_INS: Final = Rows(
    "log_ins",
    (t.login_session, lambda before: (t.login_session.c.ends_at < before,)),
    (t.sign_on_attempt, lambda before: (t.sign_on_attempt.c.until < before,)),
    (t.throttle, lambda before: (t.throttle.c.until < before,)),
)
KEYS: Final = Rows(
    "keys",
    (t.answered, lambda before: (t.answered.c.at < before,)),
    (t.request_key, lambda before: (_of_one_thatis_over(t.request_key.c.request_id, before),)),
)
DRAFTS: Final = Rows("drafts", (t.request_draft, lambda before: (t.request_draft.c.saved_at < before,)))


class Contacts:
    """Whom to call: blanked in the request and in what was written down of its changes."""

    name = "contacts"

    def count(self, connection: sa.Connection, before: datetime) -> Gone:
        """Return in how many requests somebody is named."""
        return Gone(connection.scalar(sa.select(sa.func.count()).where(*_names_somebody(before))) or 0)

    def due(self, connection: sa.Connection, before: datetime) -> Sequence[Key]:
        """Return the first requests in which somebody is named."""
        return [tuple(row) for row in connection.execute(_FIRST.where(*_names_somebody(before)))]

    def erase(self, connection: sa.Connection, due: Sequence[Key], before: datetime, now: datetime) -> Gone:
        """Blank them; whoever holds an older version of the request is told that it changed."""
        del now
        idents = [ident for (ident,) in due]
        blank = dict.fromkeys(CONTACTS, "") | {"version": t.request.c.version + 1}
        mine = t.request.update().where(t.request.c.id.in_(idents), *_names_somebody(before))
        gone = connection.execute(mine.values(blank)).rowcount
        changes = t.request_change.select().where(t.request_change.c.request_id.in_(idents))
        for row in connection.execute(changes).mappings().all():
            fields = json.loads(row["changes"])
            left = {name: change for name, change in fields.items() if name not in CONTACTS}
            if left != fields:
                same = t.request_change.c.id == row["id"]
                connection.execute(t.request_change.update().where(same).values(changes=json.dumps(left)))
        return Gone(gone)


_FIRST: Final = sa.select(t.request.c.id).limit(BATCH)


def _names_somebody(before: datetime) -> Conditions:
    named = sa.or_(*(t.request.c[name] != "" for name in CONTACTS))
    return *is_over(before), named
