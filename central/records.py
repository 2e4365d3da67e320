"""What rooms say, as it is kept: presence, state, alerts, replies, journal and reports.

Everything may come twice and late, so writing it twice changes nothing. A room's journal
is a gap-free sequence per stream: `append` returns up to where the database holds it, and
only that may be acknowledged.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import sqlalchemy as sa
import structlog
from pydantic import ValidationError

from central import rows
from central.db import tables as t
from central.db.store import Store
from central.desk import Deed, record, utc_now
from central.domain.clocks import Standards
from central.domain.sop import Event, IllegalTransition, advance
from contract import Alert, Entry, EntryBatch, EntryKind, ExecutionReport, Presence, Reply, RoomPresence, RoomState

log = structlog.get_logger(__name__)
REPLACE = "OR REPLACE"
IGNORE = "OR IGNORE"


class Records:
    """Writes what rooms say; every method is one transaction."""

    def __init__(self, store: Store, standards: Standards, *, now: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._standards = standards
        self._now = now

    def knows(self, room: str) -> bool:
        """Return whether there is such a room."""
        with self._store.reading() as connection:
            return connection.scalar(sa.select(t.room.c.id).where(t.room.c.id == room)) is not None

    def presence(self, room: str, message: RoomPresence) -> bool:
        """Keep a presence; return False for one that a newer connection has outlived."""
        mine = t.room_presence.c.room_id == room
        with self._store.writing() as connection:
            known = connection.execute(t.room_presence.select().where(mine)).mappings().first()
            if known is not None and _outlived(message, known["boot"], known["conn"]):
                return False
            row = {"room_id": room, "boot": message.boot, "conn": message.conn, "body": _text(message)}
            connection.execute(t.room_presence.insert().prefix_with(REPLACE), row | {"seen_at": self._now()})
        return True

    def state(self, room: str, message: RoomState) -> bool:
        """Keep a state; return False for one older than what is known."""
        with self._store.writing() as connection:
            known = connection.scalar(sa.select(t.room_state.c.at).where(t.room_state.c.room_id == room))
            if known is not None and known > message.at:
                return False
            row = {"room_id": room, "body": _text(message), "at": message.at, "seen_at": self._now()}
            connection.execute(t.room_state.insert().prefix_with(REPLACE), row)
        return True

    def alert(self, room: str, ident: str, message: Alert | None) -> None:
        """Keep an open problem, or clear it."""
        mine = sa.and_(t.room_alert.c.room_id == room, t.room_alert.c.alert == ident)
        with self._store.writing() as connection:
            connection.execute(t.room_alert.delete().where(mine))
            if message is not None:
                connection.execute(t.room_alert.insert(), {"room_id": room, "alert": ident, "body": _text(message)})

    def reply(self, room: str, message: Reply) -> None:
        """Keep the answer to a command."""
        row = {"id": message.id, "room_id": room, "command": message.command, "status": message.status}
        with self._store.writing() as connection:
            connection.execute(t.command_reply.insert().prefix_with(IGNORE), row | {"body": _text(message)})

    def append(self, room: str, batch: EntryBatch) -> tuple[int, tuple[str, ...]]:
        """Keep journal entries; return up to where the stream is whole, and the sessions with a new report."""
        with self._store.writing() as connection:
            fresh = self._fresh(connection, room, batch)
            if fresh:
                written = [_row(room, batch.stream, entry, self._now()) for entry in fresh]
                connection.execute(t.journal_entry.insert(), written)
            reported = (self._report(connection, room, entry) for entry in fresh if entry.kind == EntryKind.REPORT)
            return self._upto(connection, room, batch.stream), tuple(filter(None, list(reported)))

    def _fresh(self, connection: sa.Connection, room: str, batch: EntryBatch) -> list[Entry]:
        """Return the entries that the database does not hold yet."""
        first, last = batch.entries[0].seq, batch.entries[-1].seq
        j = t.journal_entry.c
        inside = (j.room_id == room, j.stream == batch.stream, j.seq.between(first, last))
        held = set(connection.scalars(sa.select(j.seq).where(*inside)))
        return [entry for entry in batch.entries if entry.seq not in held]

    def _upto(self, connection: sa.Connection, room: str, stream: str) -> int:
        """Go on from the last whole place as far as there is no gap."""
        p, j = t.stream_position.c, t.journal_entry.c
        mine = sa.and_(p.room_id == room, p.stream == stream)
        before = connection.scalar(sa.select(p.upto).where(mine)) or 0
        later = sa.select(j.seq).where(j.room_id == room, j.stream == stream, j.seq > before).order_by(j.seq)
        upto = before
        for seq in connection.scalars(later):
            if seq != upto + 1:
                break
            upto = seq
        if upto != before:
            row = {"room_id": room, "stream": stream, "upto": upto}
            connection.execute(t.stream_position.insert().prefix_with(REPLACE), row)
        return upto

    def _report(self, connection: sa.Connection, room: str, entry: Entry) -> str | None:
        """Keep the report that an entry carries; the entry itself is kept in any case."""
        try:
            report = ExecutionReport.model_validate(entry.body)
        except ValidationError as error:
            log.warning("report not readable", action="report_malformed", room=room, seq=entry.seq, why=str(error))
            return None
        row = {
            "session_id": report.session,
            "report_rev": report.report_rev,
            "room_id": room,
            "title": report.title,
            "agency": report.agency,
            "planned_start": report.planned_start,
            "carried_out": report.carried_out,
            "body": _text(report),
            "received_at": self._now(),
        }
        connection.execute(t.report.insert().prefix_with(REPLACE), row)
        self._close(connection, room, report)
        return report.session

    def _close(self, connection: sa.Connection, room: str, report: ExecutionReport) -> None:
        """Move the request on; a room reports only on its own sessions."""
        mine = sa.and_(t.session.c.id == report.session, t.session.c.room_id == room)
        request_id = connection.scalar(sa.select(t.session.c.request_id).where(mine))
        if request_id is None:
            log.warning("report of an unknown session", action="report_orphan", room=room, session=report.session)
            return
        request = rows.request(connection, request_id, self._standards)
        try:
            state = advance(request.state, Event.REPORT)
        except IllegalTransition as error:
            log.warning("report out of turn", action="report_out_of_turn", request=request_id, why=str(error))
            return
        if state is not request.state:
            change = t.request.update().where(t.request.c.id == request_id)
            connection.execute(change.values(state=state, version=t.request.c.version + 1))
        record(connection, request_id, state, Deed(Event.REPORT, room, f"room:{room}"), self._now())


def _outlived(message: RoomPresence, boot: str, conn: int) -> bool:
    """Return whether a newer birth than the message's is known.

    A will carries the numbers of the connection it belongs to: the broker may deliver it
    after the room is back. Births of one boot count up; another boot is a new life.
    """
    if message.state is Presence.ONLINE:
        return message.boot == boot and message.conn < conn
    return message.boot != boot or message.conn < conn


def _row(room: str, stream: str, entry: Entry, now: datetime) -> dict[str, object]:
    return {
        "room_id": room,
        "stream": stream,
        "seq": entry.seq,
        "kind": entry.kind,
        "at": entry.at,
        "session_id": entry.session,
        "body": entry.model_dump_json(),
        "received_at": now,
    }


def _text(message: RoomPresence | RoomState | Alert | Reply | ExecutionReport) -> str:
    return message.encode().decode()
