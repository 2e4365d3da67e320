"""What people see and set of messages: the outbox, sending one again, where each is reached."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from central import bell
from central.bell import Bell
from central.db import locks
from central.db import tables as t
from central.db.store import Store
from central.errors import Invalid, NotFound, Refused, Wrong
from central.model import Person
from central.notices.post import FAILED, SENT, WAITING, WEBHOOK
from central.settings import Notifications

SHOWN: Final = 200
MAIL: Final = "email"
_ADDRESS: Final = re.compile(r"[^\s@/?#&]{1,64}@[^\s@/?#&]{1,190}")
_PLAIN: Final = re.compile(r"[\w.@+-]{1,100}")


@dataclass(frozen=True, slots=True)
class MessageRow:
    """One message as the page lists it."""

    id: int
    created_at: datetime
    event: str
    request_id: str
    receipt: str
    channel: str
    to: str
    state: str
    attempts: int
    next_at: datetime
    sent_at: datetime | None
    error: str


class Mailbox:
    """Reads the outbox of messages and keeps people's addresses."""

    def __init__(self, store: Store, wanted: Notifications, rings: Bell, now: Callable[[], datetime]) -> None:
        self._store = store
        self._wanted = wanted
        self._rings = rings
        self._now = now

    @property
    def personal(self) -> tuple[str, ...]:
        """The channels that a person can have an address on."""
        return tuple(name for name, channel in self._wanted.channels.items() if not channel.roles)

    @property
    def configured(self) -> bool:
        """Whether anything is ever sent."""
        return bool(self._wanted.channels or self._wanted.webhooks)

    def counts(self) -> dict[str, int]:
        """Return how many messages are in which state."""
        m = t.message.c
        with self._store.reading() as connection:
            found = connection.execute(sa.select(m.state, sa.func.count()).group_by(m.state))
            return dict.fromkeys((WAITING, FAILED, SENT), 0) | {state: number for state, number in found}  # noqa: C416 - rows are no pairs to the type checker

    def messages(
        self, *, state: str = "", request_id: str = "", before: int | None = None, limit: int = SHOWN
    ) -> tuple[MessageRow, ...]:
        """Return the newest messages, only those in `state`, of one request or before a number when asked for."""
        m = t.message.c
        where = [m.state == state] if state else []
        where += [m.request_id == request_id] if request_id else []
        where += [m.id < before] if before is not None else []
        joined = t.message.join(t.request).outerjoin(t.person, t.person.c.id == m.person_id)
        query = sa.select(t.message, t.request.c.receipt, t.person.c.name).select_from(joined)
        newest = query.where(*where).order_by(m.id.desc()).limit(limit)
        with self._store.reading() as connection:
            return tuple(_row(row) for row in connection.execute(newest).mappings())

    def again(self, ident: int, by: Person) -> None:
        """Have a message that was given up, or still waits, tried at once with all its tries.

        Raises:
            NotFound: there is none.
            Refused: it was taken.
        """
        m, now = t.message.c, self._now()
        with self._store.writing() as connection:
            state = connection.scalar(sa.select(m.state).where(m.id == ident).with_for_update())
            if state is None:
                raise NotFound("message", str(ident))
            if state == SENT:
                raise Refused("message.sent", "it was taken already")
            change = {"state": WAITING, "attempts": 0, "next_at": now}
            connection.execute(t.message.update().where(m.id == ident).values(change))
            audit = {"at": now, "actor": by.login, "action": "message.again", "subject": str(ident)}
            connection.execute(t.audit.insert(), audit)
        self._rings.ring(bell.MESSAGES)

    def addresses(self, person_id: str) -> tuple[str, dict[str, str]]:
        """Return a person's language and addresses by channel."""
        a = t.person_address.c
        with self._store.reading() as connection:
            language = connection.scalar(sa.select(t.person.c.language).where(t.person.c.id == person_id)) or "id"
            found = connection.execute(sa.select(a.channel, a.address).where(a.person_id == person_id)).mappings()
            return language, {row["channel"]: row["address"] for row in found}

    def reach(self, by: Person, language: str, addresses: Mapping[str, str]) -> None:
        """Keep where a person wants to be reached; an empty address is none.

        Raises:
            Invalid: addresses that are none.
        """
        wanted = {name: addresses.get(name, "").strip() for name in self.personal}
        wrongs = [
            Wrong(name, "address.unreadable", f"wanted an address, got {text[:40]!r}")
            for name, text in wanted.items()
            if text and not (_ADDRESS if name == MAIL else _PLAIN).fullmatch(text)
        ]
        if wrongs:
            raise Invalid(*wrongs)
        rows = [{"person_id": by.id, "channel": name, "address": text} for name, text in wanted.items() if text]
        a = t.person_address.c
        with self._store.writing() as connection:
            locks.hold(connection, t.person, [by.id])
            connection.execute(t.person_address.delete().where(a.person_id == by.id, a.channel.in_(wanted)))
            if rows:
                connection.execute(t.person_address.insert(), rows)
            chosen = t.person.update().where(t.person.c.id == by.id)
            connection.execute(chosen.values(language="en" if language == "en" else "id"))
            audit = {"at": self._now(), "actor": by.login, "action": "person.reach", "subject": by.id}
            connection.execute(t.audit.insert(), audit | {"detail": json.dumps(sorted(r["channel"] for r in rows))})


def _row(row: sa.RowMapping) -> MessageRow:
    names = ("id", "created_at", "event", "request_id", "receipt", "channel", "state", "attempts", "next_at")
    hook = row["channel"].removeprefix(WEBHOOK) if row["channel"].startswith(WEBHOOK) else ""
    return MessageRow(
        **{name: row[name] for name in names},
        to=row["name"] or hook or row["channel"],
        sent_at=row["sent_at"],
        error=row["error"],
    )
