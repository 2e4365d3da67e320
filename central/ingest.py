"""Takes in what rooms send: presence, state, alerts, replies, journal entries, reports.

Every message may come twice, late, or out of order; the second time changes nothing. The
number that is acknowledged is read from the database after the commit, so an agent forgets
only what central cannot lose any more. A gap is never acknowledged: the agent sends again
from there.
"""

from __future__ import annotations

import itertools
import json
import logging
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from pydantic import ValidationError

from central.chain import Taker
from central.commands import take_reply
from central.db import locks
from central.db import tables as t
from central.db.store import Store
from central.db.writes import insert_many, retried
from central.domain.sop import Event, IllegalTransition, State, advance
from central.notices.post import News, Post
from contract import (
    Ack,
    Alert,
    Entry,
    EntryBatch,
    EntryKind,
    ExecutionReport,
    Message,
    MessageError,
    Presence,
    Reply,
    RoomPresence,
    RoomState,
)

log = logging.getLogger(__name__)

Row = dict[str, object]

STATE_HOLDS = timedelta(seconds=180)
"""A room speaks every minute; what it said longer ago says nothing about now."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a room sent to `up/BRANCH`."""

    room_id: str
    branch: str
    payload: bytes


Taken = Ack | MessageError | None
"""What became of a message: stored (entries give what to acknowledge), or no message at all."""


class Ingest:
    """Writes what rooms send into the database."""

    def __init__(
        self, store: Store, now: Callable[[], datetime] = lambda: datetime.now(UTC), post: Post | None = None
    ) -> None:
        self._store = store
        self._now = now
        self._post = post

    def take(self, room_id: str, branch: str, payload: bytes) -> Ack | None:
        """Store the message that `room_id` sent to `up/BRANCH`; entries give what to acknowledge.

        Raises:
            MessageError: not a message of that branch, or of a room that central does not know.
        """
        (taken,) = self.take_all([Said(room_id, branch, payload)])
        if isinstance(taken, MessageError):
            raise taken
        return taken

    @retried
    def take_all(self, said: Sequence[Said]) -> list[Taken]:
        """Store messages in order, in one transaction: what is synced to disk once is paid for once.

        One that the database does not take (a number that is too large) is as if it were none,
        and the others are stored without it.
        """
        try:
            with self._store.writing() as connection:
                locks.alone(connection, *(f"from {one.room_id}" for one in said))
                rooms = set(connection.scalars(sa.select(t.room.c.id)))
                return [self._taken(connection, one, rooms) for one in said]
        except (sa.exc.DataError, sa.exc.IntegrityError, OverflowError) as error:
            if len(said) == 1:
                return [MessageError(f"the database does not take it: {error}")]
        return [taken for one in said for taken in self.take_all([one])]

    def _taken(self, connection: sa.Connection, said: Said, rooms: AbstractSet[str]) -> Taken:
        """Store one message; what is none is found out before anything of it is written."""
        if said.room_id not in rooms:
            return MessageError(f"a message for room {said.room_id!r}, which central does not have")
        try:
            return self._store_one(connection, said.room_id, said.branch, said.payload)
        except MessageError as error:
            return error

    def _store_one(self, connection: sa.Connection, room_id: str, branch: str, payload: bytes) -> Ack | None:
        """Store one message.

        Raises:
            MessageError: not a message of that branch.
        """
        match branch.split("/"):
            case ["presence"]:
                self._presence(connection, room_id, RoomPresence.decode(payload))
            case ["state"]:
                self._state(connection, room_id, payload)
            case ["alert", alert]:
                _alert(connection, room_id, alert, payload)
            case ["reply"]:
                _reply(connection, room_id, Reply.decode(payload), self._now())
            case ["ev"]:
                return self._entries(connection, room_id, EntryBatch.decode(payload), payload)
            case _:
                raise MessageError(f"{room_id} sent to up/{branch}, which is no topic of a room")
        return None

    def _presence(self, connection: sa.Connection, room_id: str, presence: RoomPresence) -> None:
        where: Row = {"room_id": room_id}
        held = connection.execute(_by(t.room_presence, where)).mappings().first()
        if held is not None and _outdated(presence, str(held["boot"]), int(held["conn"])):
            log.info("a late will is ignored", extra={"room": room_id, "conn": presence.conn})
            return
        if held is not None and _is_again(presence, str(held["body"])):
            return
        values: Row = {"boot": presence.boot, "conn": presence.conn, "seen_at": self._now()}
        _put(connection, t.room_presence, where, values | {"body": presence.model_dump_json()})

    def _state(self, connection: sa.Connection, room_id: str, payload: bytes) -> None:
        state = RoomState.decode(payload)
        held = connection.execute(_by(t.room_state, {"room_id": room_id})).mappings().first()
        if held is not None and _is_again(state, str(held["body"])):
            return
        now = self._now()
        # A room whose clock was set back must not be mute until it has caught up with its own past.
        if held is None or held["at"] <= state.at or now - held["seen_at"] > STATE_HOLDS:
            values: Row = {"body": state.model_dump_json(), "at": state.at, "seen_at": now}
            _put(connection, t.room_state, {"room_id": room_id}, values)

    def _entries(self, connection: sa.Connection, room_id: str, batch: EntryBatch, payload: bytes) -> Ack:
        """Store the entries that are new.

        Raises:
            MessageError: the batch is another room's.
        """
        if batch.room != room_id:
            raise MessageError(f"entries of room {batch.room!r} on the topic of {room_id!r}")
        key, now = t.journal_entry.c, self._now()
        found = connection.execute(
            sa.select(key.seq, key.hash).where(
                key.room_id == room_id,
                key.stream == batch.stream,
                key.seq.between(batch.entries[0].seq, batch.entries[-1].seq),
            )
        )
        stored = {row.seq: str(row.hash) for row in found}
        fresh = [entry for entry in batch.entries if entry.seq not in stored]
        insert_many(connection, t.journal_entry, [_entry_row(room_id, batch.stream, entry, now) for entry in fresh])
        taker = Taker(connection, room_id, batch.stream, now)
        sent = json.loads(payload)["entries"]  # as it was sent: a newer agent's hash covers fields unknown here
        taker.check_fresh(fields for fields in sent if fields["seq"] not in stored)
        taker.check_again((fields for fields in sent if fields["seq"] in stored), stored)
        for entry in fresh:
            if entry.kind == EntryKind.REPORT:
                _report(connection, room_id, entry, now, self._post)
        upto, head = _advance_position(connection, room_id, batch.stream, taker)
        return Ack(stream=batch.stream, upto=upto, head=head)


def _is_again(message: Message, held: str) -> bool:
    """Tell whether the broker only hands on again what it kept: that says nothing of now."""
    return bool(json.loads(held).get("id") == message.id)


def _outdated(presence: RoomPresence, boot: str, conn: int) -> bool:
    """Tell whether a newer life or connection of the agent has spoken already."""
    if presence.boot != boot:
        return presence.state is not Presence.ONLINE
    return presence.conn < conn


def _by(table: sa.Table, where: Row) -> sa.Select[tuple[object, ...]]:
    return sa.select(table).where(*(table.c[name] == value for name, value in where.items()))


def _put(connection: sa.Connection, table: sa.Table, where: Row, values: Row) -> None:
    """Write the one row at `where`, whether it is there or not (what a room says is taken in one by one)."""
    known = connection.execute(
        table.update().where(*(table.c[name] == value for name, value in where.items())).values(values)
    )
    if not known.rowcount:
        connection.execute(table.insert(), where | values)


def _alert(connection: sa.Connection, room_id: str, alert: str, payload: bytes) -> None:
    where: Row = {"room_id": room_id, "alert": alert}
    if payload:
        _put(connection, t.room_alert, where, {"body": Alert.decode(payload).model_dump_json()})
        return
    connection.execute(t.room_alert.delete().where(t.room_alert.c.room_id == room_id, t.room_alert.c.alert == alert))


def _reply(connection: sa.Connection, room_id: str, reply: Reply, now: datetime) -> None:
    if not take_reply(connection, room_id, reply, now):
        log.info("an answer that says nothing new", extra={"room": room_id, "command": reply.command})


def _entry_row(room_id: str, stream: str, entry: Entry, now: datetime) -> Row:
    return {
        "room_id": room_id,
        "stream": stream,
        "seq": entry.seq,
        "kind": entry.kind,
        "at": entry.at,
        "session_id": entry.session,
        "body": entry.model_dump_json(),
        "received_at": now,
        "hash_before": entry.before,
        "hash": entry.hash,
    }


def _advance_position(connection: sa.Connection, room_id: str, stream: str, taker: Taker) -> tuple[int, str]:
    """Return up to which number the stream is held without a gap, with that entry's hash, and remember both."""
    where: Row = {"room_id": room_id, "stream": stream}
    position, key = t.stream_position.c, t.journal_entry.c
    held = connection.execute(
        sa.select(position.upto, position.head).where(position.room_id == room_id, position.stream == stream)
    ).first()
    before, head = (held.upto, held.head) if held is not None else (0, "")
    later = connection.execute(
        sa.select(key.seq, key.hash_before, key.hash)
        .where(key.room_id == room_id, key.stream == stream, key.seq > before)
        .order_by(key.seq)
    )
    rows = zip(later, itertools.count(before + 1), strict=False)
    whole = [(row.seq, row.hash_before, row.hash) for row, seq in rows if row.seq == seq]
    if whole:
        head = taker.follow(whole, head)
        _put(connection, t.stream_position, where, {"upto": before + len(whole), "head": head})
    return before + len(whole), head


def _report(connection: sa.Connection, room_id: str, entry: Entry, now: datetime, post: Post | None) -> None:
    """Keep the report inside `entry`; one that cannot be read stays in the journal and is said."""
    try:
        report = ExecutionReport.decode(json.dumps(entry.body).encode())
    except (MessageError, ValidationError) as error:
        log.warning("a report that cannot be read", extra={"room": room_id, "seq": entry.seq, "found": str(error)})
        return
    held = _reports(connection, report.session)
    if report.id in held.values():
        return
    if report.report_rev in held:  # the room's journal was lost in between, so it counts from one again
        report = report.model_copy(update={"report_rev": max(held) + 1})
    values: Row = {
        "session_id": report.session,
        "report_rev": report.report_rev,
        "room_id": room_id,
        "title": report.title,
        "agency": report.agency,
        "planned_start": report.planned_start,
        "carried_out": report.carried_out,
        "body": report.model_dump_json(),
        "received_at": now,
    }
    connection.execute(t.report.insert(), values)
    _close_request(connection, room_id, report.session, now, post)


def _reports(connection: sa.Connection, session_id: str) -> dict[int, str]:
    """Return the revisions that are held of a session's report, each with the id of its message."""
    query = sa.select(t.report.c.report_rev, t.report.c.body).where(t.report.c.session_id == session_id)
    return {row.report_rev: ExecutionReport.model_validate_json(row.body).id for row in connection.execute(query)}


def _close_request(connection: sa.Connection, room_id: str, session_id: str, now: datetime, post: Post | None) -> None:
    """Move the session's request on, as the fifth step of the SOP; said in its history and the audit."""
    found = connection.execute(
        sa.select(t.request.c.id, t.request.c.state)
        .join_from(t.session, t.request)
        .where(t.session.c.id == session_id, t.session.c.room_id == room_id)
        .with_for_update(of=t.request)
    ).first()
    if found is None:
        log.warning("a report of a session that central does not have", extra={"room": room_id, "session": session_id})
        return
    try:
        state = advance(State(found.state), Event.REPORT)
    except IllegalTransition as error:
        log.warning("a report in the wrong state: %s", error)
        return
    if state != found.state:
        connection.execute(
            t.request.update().where(t.request.c.id == found.id).values(state=state, version=t.request.c.version + 1)
        )
        move: Row = {"request_id": found.id, "at": now, "event": Event.REPORT, "state": state, "actor": room_id}
        connection.execute(t.request_move.insert(), move | {"reason": ""})
        if post is not None:
            post.tell(connection, found.id, News(Event.REPORT, room_id, f"room:{room_id}"), now)
    noted: Row = {"at": now, "actor": f"room:{room_id}", "action": "report.received", "subject": session_id}
    connection.execute(t.audit.insert(), noted | {"detail": ""})
