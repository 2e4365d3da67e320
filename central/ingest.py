"""Takes in what rooms send: presence, state, alerts, replies, journal entries, reports.

Every message may come twice, late, or out of order; the second time changes nothing. The
number that is acknowledged is read from the database after the commit, so an agent forgets
only what central cannot lose any more. A gap is never acknowledged: the agent sends again
from there.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from pydantic import ValidationError

from central.db import tables as t
from central.db.store import Store
from central.domain.sop import Event, IllegalTransition, State, advance
from central.notices.post import News, Post
from contract import (
    Ack,
    Alert,
    Entry,
    EntryBatch,
    EntryKind,
    ExecutionReport,
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


class Ingest:
    """Writes what rooms send into the database; every method is one transaction."""

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
        with self._store.writing() as connection:
            if connection.scalar(sa.select(t.room.c.id).where(t.room.c.id == room_id)) is None:
                raise MessageError(f"a message for room {room_id!r}, which central does not have")
            match branch.split("/"):
                case ["presence"]:
                    self._presence(connection, room_id, RoomPresence.decode(payload))
                case ["state"]:
                    self._state(connection, room_id, payload)
                case ["alert", alert]:
                    _alert(connection, room_id, alert, payload)
                case ["reply"]:
                    _reply(connection, room_id, Reply.decode(payload))
                case ["ev"]:
                    return self._entries(connection, room_id, EntryBatch.decode(payload))
                case _:
                    raise MessageError(f"{room_id} sent to up/{branch}, which is no topic of a room")
        return None

    def _presence(self, connection: sa.Connection, room_id: str, presence: RoomPresence) -> None:
        where: Row = {"room_id": room_id}
        held = connection.execute(_by(t.room_presence, where)).mappings().first()
        if held is not None and _outdated(presence, str(held["boot"]), int(held["conn"])):
            log.info("a late will is ignored", extra={"room": room_id, "conn": presence.conn})
            return
        values: Row = {"boot": presence.boot, "conn": presence.conn, "seen_at": self._now()}
        _put(connection, t.room_presence, where, values | {"body": presence.model_dump_json()})

    def _state(self, connection: sa.Connection, room_id: str, payload: bytes) -> None:
        state = RoomState.decode(payload)
        held = connection.execute(_by(t.room_state, {"room_id": room_id})).mappings().first()
        now = self._now()
        # A room whose clock was set back must not be mute until it has caught up with its own past.
        if held is None or held["at"] <= state.at or now - held["seen_at"] > STATE_HOLDS:
            values: Row = {"body": state.model_dump_json(), "at": state.at, "seen_at": now}
            _put(connection, t.room_state, {"room_id": room_id}, values)

    def _entries(self, connection: sa.Connection, room_id: str, batch: EntryBatch) -> Ack:
        """Store the entries that are new.

        Raises:
            MessageError: the batch is another room's.
        """
        if batch.room != room_id:
            raise MessageError(f"entries of room {batch.room!r} on the topic of {room_id!r}")
        key = t.journal_entry.c
        stored = set(
            connection.scalars(
                sa.select(key.seq).where(
                    key.room_id == room_id,
                    key.stream == batch.stream,
                    key.seq.between(batch.entries[0].seq, batch.entries[-1].seq),
                )
            )
        )
        fresh = [entry for entry in batch.entries if entry.seq not in stored]
        now = self._now()
        if fresh:
            connection.execute(t.journal_entry.insert(), [_entry_row(room_id, batch.stream, e, now) for e in fresh])
        for entry in fresh:
            if entry.kind == EntryKind.REPORT:
                _report(connection, room_id, entry, now, self._post)
        return Ack(stream=batch.stream, upto=_advance_position(connection, room_id, batch.stream))


def _outdated(presence: RoomPresence, boot: str, conn: int) -> bool:
    """Tell whether a newer life or connection of the agent has spoken already."""
    if presence.boot != boot:
        return presence.state is not Presence.ONLINE
    return presence.conn < conn


def _by(table: sa.Table, where: Row) -> sa.Select[tuple[object, ...]]:
    return sa.select(table).where(*(table.c[name] == value for name, value in where.items()))


def _put(connection: sa.Connection, table: sa.Table, where: Row, values: Row) -> None:
    """Write the one row at `where`, whether it is there or not (we are the only writer)."""
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


def _reply(connection: sa.Connection, room_id: str, reply: Reply) -> None:
    values: Row = {"room_id": room_id, "command": reply.command, "status": reply.status}
    _put(connection, t.command_reply, {"id": reply.id}, values | {"body": reply.model_dump_json()})


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
    }


def _advance_position(connection: sa.Connection, room_id: str, stream: str) -> int:
    """Return up to which number the stream is held without a gap, and remember it."""
    where: Row = {"room_id": room_id, "stream": stream}
    position = t.stream_position.c
    upto = before = (
        connection.scalar(sa.select(position.upto).where(position.room_id == room_id, position.stream == stream)) or 0
    )
    key = t.journal_entry.c
    later = connection.scalars(
        sa.select(key.seq).where(key.room_id == room_id, key.stream == stream, key.seq > before).order_by(key.seq)
    )
    for seq in later:
        if seq != upto + 1:
            break
        upto = seq
    if upto != before:
        _put(connection, t.stream_position, where, {"upto": upto})
    return upto


def _report(connection: sa.Connection, room_id: str, entry: Entry, now: datetime, post: Post | None) -> None:
    """Keep the report inside `entry`; one that cannot be read stays in the journal and is said."""
    try:
        report = ExecutionReport.decode(json.dumps(entry.body).encode())
    except (MessageError, ValidationError) as error:
        log.warning("a report that cannot be read", extra={"room": room_id, "seq": entry.seq, "found": str(error)})
        return
    where: Row = {"session_id": report.session, "report_rev": report.report_rev}
    values: Row = {
        "room_id": room_id,
        "title": report.title,
        "agency": report.agency,
        "planned_start": report.planned_start,
        "carried_out": report.carried_out,
        "body": report.model_dump_json(),
        "received_at": now,
    }
    _put(connection, t.report, where, values)
    _close_request(connection, room_id, report.session, now, post)


def _close_request(connection: sa.Connection, room_id: str, session_id: str, now: datetime, post: Post | None) -> None:
    """Move the session's request on, as the fifth step of the SOP; said in its history and the audit."""
    found = connection.execute(
        sa.select(t.request.c.id, t.request.c.state)
        .join_from(t.session, t.request)
        .where(t.session.c.id == session_id, t.session.c.room_id == room_id)
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
