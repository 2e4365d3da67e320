"""Puts every room's schedule on the broker, and keeps it there.

A booking leaves an outbox row in its own transaction; the publisher turns due rows into one
retained snapshot per room. A snapshot is computed from the database each time, so sending
it once more is harmless, and a broker that lost everything is healed by publishing all of
them again. A room's revision grows by one exactly when what the room must know has changed.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from central.db import locks
from central.db.outage import Outage
from central.db.store import Store, epoch_in
from central.db.tables import outbox, room, room_revision, session, session_left
from central.errors import Away
from central.planned import planned, select_planned
from contract import ROOMS_SCHEDULE, MessageError, PlannedSession, RoomTopics, Schedule, SessionStatus
from contract.link import Link, NotConnected

log = logging.getLogger(__name__)

AHEAD = timedelta(hours=72)
BEHIND = timedelta(hours=24)
"""Ended and cancelled sessions stay this long, so that a room that was away learns of them."""
SWEEP_EVERY_S = 1.0
"""How late a booking by another process may be seen; ours wake the publisher themselves."""
ANSWERED_AT_ONCE = 1000
"""Outbox rows that one snapshot may answer; the rest are due again at once."""
SESSIONS_AT_MOST = 200
RECOUNT_EVERY = timedelta(seconds=60)
"""How often rooms without news are looked at: sessions come into the window by the clock alone."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One room's schedule and the outbox rows that it answers."""

    room_id: str
    schedule: Schedule
    changed: bool
    answers: tuple[int, ...]


def _digest(sessions: tuple[PlannedSession, ...]) -> str:
    whole = "\n".join(one.model_dump_json() for one in sessions)
    return hashlib.sha256(whole.encode()).hexdigest()


def _identity(payload: bytes) -> tuple[str, int, str] | None:
    """Return what tells one schedule from another: the database's life, the revision, and what it says."""
    try:
        schedule = Schedule.decode(payload)
    except MessageError:
        return None
    return schedule.epoch, schedule.rev, _digest(schedule.sessions)


class Publisher:
    """Publishes due schedules through `link` as long as `run` runs."""

    filter = ROOMS_SCHEDULE
    word = "schedule"

    def __init__(
        self, store: Store, now: Callable[[], datetime] = lambda: datetime.now(UTC), *, ahead: timedelta = AHEAD
    ) -> None:
        self._store = store
        self._ahead = ahead
        self._now = now
        self._wanted = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._again = True
        self._wrong: set[str] = set()
        self.looked_at = time.monotonic()
        """When it was last seen to that every room has its plan."""
        self._counted_at = datetime.min.replace(tzinfo=UTC)

    def wake(self) -> None:
        """Say that there is a new outbox row; may be called from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wanted.set)

    def publish_all(self) -> None:
        """Say that the broker may have lost everything."""
        self._again = True
        self._wanted.set()

    def publish_again(self, rooms: Iterable[str]) -> None:
        """Say that the broker holds something else for these rooms than it was given."""
        self._wrong |= set(rooms)
        self._wanted.set()

    async def run(self, link: Link) -> None:
        """Publish until cancelled; what could not be sent stays due."""
        self._loop = asyncio.get_running_loop()
        outage = Outage("publisher")
        while True:
            self._wanted.clear()
            if link.is_up:
                await self._try_to_publish(link, outage)
            self.looked_at = time.monotonic()
            try:
                async with asyncio.timeout(SWEEP_EVERY_S):
                    await self._wanted.wait()
            except TimeoutError:
                continue

    async def _try_to_publish(self, link: Link, outage: Outage) -> None:
        """Publish what is due; all of it is due again when link or database went in the middle."""
        try:
            await self._publish_due(link)
        except NotConnected as error:
            self._again = True
            log.info("schedules wait for the link: %s", error)
        except Away as error:
            self._again = True
            await asyncio.sleep(min(outage.pause_s(error), SWEEP_EVERY_S))
        else:
            outage.over()

    async def _publish_due(self, link: Link) -> None:
        everything, self._again = self._again, False
        wrong, self._wrong = self._wrong, set()
        recount = self._now() - self._counted_at >= RECOUNT_EVERY
        rooms = await asyncio.to_thread(self._rooms_all if everything or recount else self._rooms_due)
        for room_id in (*rooms, *sorted(wrong - set(rooms))):
            snapshot = await asyncio.to_thread(self.snapshot, room_id)
            if everything or room_id in wrong or snapshot.changed or snapshot.answers:
                await self._send(link, snapshot)
        if everything or recount:
            self._counted_at = self._now()

    async def _send(self, link: Link, snapshot: Snapshot) -> None:
        await link.publish(self.topic(snapshot.room_id), snapshot.schedule.encode(), retain=True)
        if snapshot.answers:
            await asyncio.to_thread(self._mark_sent, snapshot)
        log.info(
            "schedule published",
            extra={"room": snapshot.room_id, "rev": snapshot.schedule.rev, "sessions": snapshot.schedule.count},
        )

    def _rooms_all(self) -> list[str]:
        with self._store.reading() as connection:
            return list(connection.scalars(sa.select(room.c.id).order_by(room.c.id)))

    def differs(self, held: Mapping[str, bytes]) -> set[str]:
        """Return the rooms for which the broker holds another schedule than the database's newest revision.

        One that is on its way at this moment differs too; it is only said once more.
        """
        epoch, revision = self._store.epoch, room_revision.c
        with self._store.reading() as connection:
            found = connection.execute(sa.select(room_revision).where(revision.room_id.in_(list(held)))).mappings()
            wanted = {row["room_id"]: (epoch, row["rev"], row["digest"]) for row in found}
        return {room_id for room_id, payload in held.items() if _identity(payload) != wanted.get(room_id)}

    @staticmethod
    def topic(room_id: str) -> str:
        """Return where the broker retains a room's schedule."""
        return RoomTopics(room_id).schedule

    def rooms(self) -> list[str]:
        """Return the rooms that have a schedule."""
        return self._rooms_all()

    def _rooms_due(self) -> list[str]:
        with self._store.reading() as connection:
            due = sa.select(outbox.c.room_id).where(outbox.c.sent_at.is_(None)).distinct().order_by(outbox.c.room_id)
            return list(connection.scalars(due))

    def snapshot(self, room_id: str) -> Snapshot:
        """Return the room's schedule as it must be published now, with its revision."""
        now = self._now()
        window = now - BEHIND, now + self._ahead
        with self._store.writing() as connection:
            locks.alone(connection, f"schedule {room_id}")
            # First the rows, then what they tell of: a row that is read is answered by what is read after it.
            # Exactly these: on PostgreSQL a row with a lower number may be committed later.
            due = sa.select(outbox.c.id).where(outbox.c.room_id == room_id, outbox.c.sent_at.is_(None))
            answers = tuple(connection.scalars(due.order_by(outbox.c.id).limit(ANSWERED_AT_ONCE)))
            sessions = _sessions(connection, room_id, window)
            rev, changed = _revise(connection, room_id, _digest(sessions))
            epoch = epoch_in(connection)
        schedule = Schedule(
            epoch=epoch,
            rev=rev,
            window=window,
            count=len(sessions),
            cleared=not sessions,
            sessions=sessions,
        )
        return Snapshot(room_id, schedule, changed, answers)

    def _mark_sent(self, snapshot: Snapshot) -> None:
        with self._store.writing() as connection:
            answered = outbox.update().where(outbox.c.id.in_(snapshot.answers), outbox.c.sent_at.is_(None))
            connection.execute(answered.values(sent_at=self._now()))


def _sessions(connection: sa.Connection, room_id: str, window: tuple[datetime, datetime]) -> tuple[PlannedSession, ...]:
    """Return the room's sessions that touch `window`, cancelled ones and those that left it too, oldest first.

    A room runs what it once held until it hears otherwise, so what was moved to another room
    stays in its plan, as called off, for as long as it might have held it.
    """
    starts_after, ends_before = window
    here = (session.c.room_id == room_id, session.c.ends > starts_after, session.c.prepare_at < ends_before)
    left = (session_left.c.room_id == room_id, session_left.c.until > starts_after)
    gone = select_planned().join(session_left, session_left.c.session_id == session.c.id).where(*left)
    staying = connection.execute(_first(select_planned().where(*here))).mappings()
    leaving = connection.execute(_first(gone)).mappings()
    plans = [planned(row) for row in staying]
    plans += [planned(row).model_copy(update={"status": SessionStatus.CANCELLED}) for row in leaving]
    return tuple(sorted(plans, key=lambda plan: (plan.start, plan.id))[:SESSIONS_AT_MOST])


def _first(query: sa.Select[tuple[object, ...]]) -> sa.Select[tuple[object, ...]]:
    return query.order_by(session.c.starts, session.c.id).limit(SESSIONS_AT_MOST)


def _revise(connection: sa.Connection, room_id: str, digest: str) -> tuple[int, bool]:
    """Return the revision of the content behind `digest` and whether it is a new one."""
    held = connection.execute(sa.select(room_revision).where(room_revision.c.room_id == room_id)).mappings().first()
    if held is None:
        connection.execute(room_revision.insert(), {"room_id": room_id, "rev": 1, "digest": digest})
        return 1, True
    if held["digest"] == digest:
        return int(held["rev"]), False
    rev = int(held["rev"]) + 1
    connection.execute(room_revision.update().where(room_revision.c.room_id == room_id).values(rev=rev, digest=digest))
    return rev, True
