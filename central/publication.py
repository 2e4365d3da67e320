"""What rooms are told: the snapshot of a room's coming days, made from the database.

A snapshot is the whole truth of a room. Its revision rises exactly when its content
differs from the one before: because something was booked or called off, or because time
went on and a session came into the window. So what is retained at the broker can be
published again at any time without any room noticing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from central import rows
from central.db import tables as t
from central.db.store import Store
from central.desk import utc_now
from contract import PlannedSession, Schedule

TOMBSTONES = timedelta(hours=24)
"""How long a session stays in the snapshot after its end."""
AT_MOST = 200


@dataclass(frozen=True, slots=True)
class Publication:
    """A room's snapshot and the outbox rows that it answers."""

    room: str
    schedule: Schedule
    outbox: tuple[int, ...]


class Outbox:
    """Reads what must go out and writes down what went."""

    def __init__(self, store: Store, window: timedelta, *, now: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._window = window
        self._now = now
        self.epoch = store.epoch

    def rooms(self) -> tuple[str, ...]:
        """Return every room's id."""
        with self._store.reading() as connection:
            return tuple(connection.scalars(sa.select(t.room.c.id).order_by(t.room.c.id)))

    def due(self) -> tuple[str, ...]:
        """Return the rooms that something was written for, longest waiting first."""
        query = sa.select(t.outbox.c.room_id).where(t.outbox.c.sent_at.is_(None)).group_by(t.outbox.c.room_id)
        with self._store.reading() as connection:
            return tuple(connection.scalars(query.order_by(sa.func.min(t.outbox.c.id))))

    def rolled(self) -> tuple[str, ...]:
        """Return the rooms whose snapshot is another one by now, because time went on."""
        with self._store.reading() as connection:
            known = {row["room_id"]: row["digest"] for row in connection.execute(t.room_revision.select()).mappings()}
            rooms = connection.scalars(sa.select(t.room.c.id)).all()
            return tuple(room for room in rooms if _digest(self._sessions(connection, room)) != known.get(room))

    def make(self, room: str) -> Publication:
        """Return the room's snapshot of this moment, with a new revision when it changed."""
        with self._store.writing() as connection:
            pending = sa.and_(t.outbox.c.room_id == room, t.outbox.c.sent_at.is_(None))
            answered = tuple(connection.scalars(sa.select(t.outbox.c.id).where(pending)))
            sessions = self._sessions(connection, room)
            rev = _revision(connection, room, _digest(sessions))
        now = self._now()
        schedule = Schedule(
            epoch=self.epoch,
            rev=rev,
            window=(now - TOMBSTONES, now + self._window),
            count=len(sessions),
            cleared=not sessions,
            sessions=sessions,
        )
        return Publication(room, schedule, answered)

    def sent(self, publication: Publication) -> None:
        """Write down that the broker took the snapshot."""
        if publication.outbox:
            with self._store.writing() as connection:
                went = t.outbox.update().where(t.outbox.c.id.in_(publication.outbox))
                connection.execute(went.values(sent_at=self._now()))

    def _sessions(self, connection: sa.Connection, room: str) -> tuple[PlannedSession, ...]:
        now = self._now()
        inside = (t.session.c.ends > now - TOMBSTONES, t.session.c.starts < now + self._window)
        found = rows.sessions(connection, t.session.c.room_id == room, *inside, limit=AT_MOST)
        return tuple(session.planned for session in found)


def _digest(sessions: tuple[PlannedSession, ...]) -> str:
    digest = hashlib.sha256()
    for session in sessions:
        digest.update(session.model_dump_json().encode())
    return digest.hexdigest()


def _revision(connection: sa.Connection, room: str, digest: str) -> int:
    """Return the revision for this content: the same one for the same content, else one more."""
    mine = t.room_revision.c.room_id == room
    known = connection.execute(t.room_revision.select().where(mine)).mappings().first()
    if known is None:
        connection.execute(t.room_revision.insert(), {"room_id": room, "rev": 1, "digest": digest})
        return 1
    rev = int(known["rev"])
    if known["digest"] != digest:
        rev += 1
        connection.execute(t.room_revision.update().where(mine).values(rev=rev, digest=digest))
    return rev
