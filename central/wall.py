"""What everybody looks at: rooms with their state, sessions, reports."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from pydantic import ValidationError

from central import rows
from central.chain import Worth, worth_of
from central.db import tables as t
from central.db.store import Store
from central.domain.clocks import Standards
from central.domain.sop import State
from central.errors import NotFound
from central.ingest import STATE_HOLDS
from central.model import Person, ReportRow, Room, RoomCard, RoomNow, SessionRow, Wall
from central.moves import utc_now
from central.permissions import sees_all_agencies
from contract import (
    Alert,
    Condition,
    Entry,
    EntryKind,
    ExecutionReport,
    Phase,
    Presence,
    Readiness,
    RoomPresence,
    RoomState,
    SessionStatus,
)
from contract.levels import levels_of

Key = tuple[object, ...]
"""Where a list goes on: what it is ordered by, of the last row that was seen."""
_PHASES_SHOWN = {Phase.PREPARING: "preparing", Phase.LIVE: "busy", Phase.ENDING: "busy"}
NEXT_WITHIN = timedelta(days=14)
MOST_BLOCKS = 5_000
"""Levels come in minutes: three days and more of a session."""


class Board:
    """Reads for the wall, the schedule and the reports."""

    def __init__(
        self, store: Store, zone: ZoneInfo, standards: Standards, *, now: Callable[[], datetime] = utc_now
    ) -> None:
        self._store = store
        self._zone = zone
        self._standards = standards
        self._now = now

    def day(self, moment: datetime) -> tuple[datetime, datetime]:
        """Return the local day around `moment`, as [start, end)."""
        first = datetime.combine(moment.astimezone(self._zone).date(), time(), self._zone)
        return first, first + timedelta(days=1)

    def wall(self) -> Wall:
        """Return all rooms, today's sessions and what still waits for a decision today."""
        now = self._now()
        first, last = self.day(now)
        waiting = t.request.c.state.in_([State.SUBMITTED, State.DISPOSED])
        with self._store.reading() as connection:
            return Wall(
                at=now,
                cards=self._cards(connection, now),
                sessions=rows.sessions(connection, *rows.touching(t.session.c, first, last)),
                waiting=rows.requests(connection, self._standards, waiting, *rows.touching(t.request.c, first, last)),
            )

    def silent(self) -> frozenset[str]:
        """Return the rooms whose last word about themselves is too old to say anything of now."""
        query = sa.select(t.room_state.c.room_id).where(t.room_state.c.seen_at < self._now() - STATE_HOLDS)
        with self._store.reading() as connection:
            return frozenset(connection.scalars(query))

    def room(self, room_id: str) -> RoomNow:
        """Return one room in full.

        Raises:
            NotFound: there is none.
        """
        with self._store.reading() as connection:
            card = next((one for one in self._cards(connection, self._now()) if one.room.id == room_id), None)
            if card is None:
                raise NotFound("room", room_id)
            told = connection.scalar(sa.select(t.room_state.c.body).where(t.room_state.c.room_id == room_id))
            said = connection.scalar(sa.select(t.room_presence.c.body).where(t.room_presence.c.room_id == room_id))
            alerts = connection.scalars(sa.select(t.room_alert.c.body).where(t.room_alert.c.room_id == room_id)).all()
            rev = connection.scalar(sa.select(t.room_revision.c.rev).where(t.room_revision.c.room_id == room_id))
        return RoomNow(
            card=card,
            state=RoomState.model_validate_json(told) if told is not None and card.readiness is not None else None,
            presets=() if said is None else RoomPresence.model_validate_json(said).presets,
            alerts=tuple(sorted(map(Alert.model_validate_json, alerts), key=lambda alert: alert.raised_at)),
            schedule_rev=rev,
        )

    def rooms(self) -> tuple[RoomCard, ...]:
        """Return every room with its state."""
        with self._store.reading() as connection:
            return self._cards(connection, self._now())

    def sessions(
        self,
        starts: datetime,
        ends: datetime,
        *,
        room_id: str | None = None,
        after: Key | None = None,
        limit: int = 500,
    ) -> tuple[SessionRow, ...]:
        """Return the sessions that touch [starts, ends), also cancelled ones; `after` is start and id of the last."""
        where: list[sa.ColumnElement[bool]] = [*rows.touching(t.session.c, starts, ends)]
        if after is not None:
            where.append(sa.tuple_(t.session.c.starts, t.session.c.id) > after)
        if room_id is not None:
            where.append(t.session.c.room_id == room_id)
        with self._store.reading() as connection:
            return rows.sessions(connection, *where, limit=limit)

    def session(self, ident: str) -> SessionRow:
        """Return one session.

        Raises:
            NotFound: there is none.
        """
        with self._store.reading() as connection:
            return rows.session(connection, ident)

    def journal(self, session_id: str, *, limit: int = 1000) -> tuple[Entry, ...]:
        """Return what its room wrote down about a session, oldest first; what cannot be read is left out.

        What a room wrote that it was moved away from tells of its going only.
        """
        j, s = t.journal_entry.c, t.session.c
        its_room = sa.select(s.room_id).where(s.id == session_id).scalar_subquery()
        query = sa.select(j.body).where(j.session_id == session_id, j.room_id == its_room)
        query = query.order_by(j.at, j.seq).limit(limit)
        with self._store.reading() as connection:
            return tuple(_readable(connection.scalars(query)))

    def room_journal(self, room_id: str, *, after: int = 0, limit: int = 1000) -> tuple[Entry, ...]:
        """Return the newest stream of a room's journal, from the entry after `after` on.

        Raises:
            NotFound: there is no such room.
        """
        j, p = t.journal_entry.c, t.stream_position.c
        last = (j.room_id == p.room_id, j.stream == p.stream, j.seq == p.upto)
        newest = sa.select(p.stream).join_from(t.stream_position, t.journal_entry, sa.and_(*last))
        newest = newest.where(p.room_id == room_id).order_by(j.received_at.desc()).limit(1)
        mine = (j.room_id == room_id, j.stream == newest.scalar_subquery(), j.seq > after)
        with self._store.reading() as connection:
            if connection.scalar(sa.select(t.room.c.id).where(t.room.c.id == room_id)) is None:
                raise NotFound("room", room_id)
            bodies = connection.scalars(sa.select(j.body).where(*mine).order_by(j.seq).limit(limit))
            return tuple(_readable(bodies))

    def reports(self, by: Person, *, limit: int = 200, after: Key | None = None) -> tuple[ReportRow, ...]:
        """Return the newest report of every session that `by` may see, newest first.

        `after` is arrival and session of the last one that was seen.
        """
        newest = sa.select(sa.func.max(t.report.c.report_rev)).where(t.report.c.session_id == _r.c.session_id)
        joined = _r.outerjoin(t.room, t.room.c.id == _r.c.room_id)
        query = sa.select(_r, t.room.c.name.label("room_name")).select_from(joined)
        query = query.where(_r.c.report_rev == newest.scalar_subquery(), *_own(by))
        if after is not None:
            query = query.where(sa.tuple_(_r.c.received_at, _r.c.session_id) < after)
        newest_first = query.order_by(_r.c.received_at.desc(), _r.c.session_id.desc()).limit(limit)
        with self._store.reading() as connection:
            found = connection.execute(newest_first).mappings()
            return tuple(_report_row(row) for row in found)

    def report(self, session_id: str, by: Person, *, rev: int | None = None) -> ExecutionReport:
        """Return a session's report, the newest revision when none is named.

        Raises:
            NotFound: none came yet, there is no such revision, or it is not for this person.
        """
        query = sa.select(_r.c.body).where(_r.c.session_id == session_id, *_own(by))
        if rev is not None:
            query = query.where(_r.c.report_rev == rev)
        with self._store.reading() as connection:
            body = connection.scalar(query.order_by(_r.c.report_rev.desc()).limit(1))
        if body is None:
            raise NotFound("report", session_id)
        return ExecutionReport.model_validate_json(body)

    def revisions(self, session_id: str, by: Person) -> tuple[int, ...]:
        """Return which revisions of a session's report there are, the oldest first."""
        query = sa.select(_r.c.report_rev).where(_r.c.session_id == session_id, *_own(by)).order_by(_r.c.report_rev)
        with self._store.reading() as connection:
            return tuple(connection.scalars(query))

    def worth(self, session_id: str) -> Worth:
        """Return what the journal entries of a session are worth as evidence."""
        with self._store.reading() as connection:
            return worth_of(connection, session_id)

    def whole(self, report: ExecutionReport) -> ExecutionReport:
        """Return `report` with every second of levels that the room's journal holds; it carries some of them only."""
        j = t.journal_entry.c
        mine = (j.session_id == report.session, j.room_id == report.room, j.kind == EntryKind.LEVELS)
        query = sa.select(j.body).where(*mine).order_by(j.at, j.seq).limit(MOST_BLOCKS)
        with self._store.reading() as connection:
            levels = levels_of(_readable(connection.scalars(query)))
        return report.model_copy(update={"levels": tuple(levels)}) if len(levels) > len(report.levels) else report

    def _cards(self, connection: sa.Connection, now: datetime) -> tuple[RoomCard, ...]:
        presence = {
            row["room_id"]: (RoomPresence.model_validate_json(row["body"]), row["seen_at"])
            for row in connection.execute(t.room_presence.select()).mappings()
        }
        states = {
            row["room_id"]: (RoomState.model_validate_json(row["body"]), row["seen_at"])
            for row in connection.execute(t.room_state.select()).mappings()
        }
        revisions = {row["room_id"]: row["rev"] for row in connection.execute(t.room_revision.select()).mappings()}
        coming = rows.sessions(
            connection,
            *rows.touching(t.session.c, now, now + NEXT_WITHIN),
            t.session.c.status != SessionStatus.CANCELLED,
            ~sa.exists().where(t.report.c.session_id == t.session.c.id),  # ended by a person before its time
        )
        return tuple(
            _card(
                room,
                _Heard(presence.get(room.id), states.get(room.id), revisions.get(room.id)),
                tuple(session for session in coming if session.room.id == room.id),
                now,
            )
            for room in rows.rooms(connection)
        )


_r = t.report.alias("r")


def _own(by: Person) -> tuple[sa.ColumnElement[bool], ...]:
    if sees_all_agencies(by):
        return ()
    held = t.session.join(t.request, t.request.c.id == t.session.c.request_id)
    mine = sa.select(t.session.c.id).select_from(held)
    return (_r.c.session_id.in_(mine.where(t.request.c.agency_id == (by.agency.id if by.agency else ""))),)


@dataclass(frozen=True, slots=True)
class _Heard:
    """What a room said, with when, and which schedule it should hold."""

    presence: tuple[RoomPresence, datetime] | None
    state: tuple[RoomState, datetime] | None
    rev: int | None


def _card(room: Room, heard: _Heard, sessions: tuple[SessionRow, ...], now: datetime) -> RoomCard:
    presence, state, rev = heard.presence, heard.state, heard.rev
    there = presence is not None and presence[0].state is Presence.ONLINE
    # Without a broker nobody publishes a room's will: silence has to say it.
    told = state[0] if state is not None and there and now - state[1] <= STATE_HOLDS else None
    phase = told.session.phase if told is not None and told.session is not None else ""
    seen = [found[1] for found in (presence, state) if found is not None]
    devices = told.devices.values() if told is not None else ()
    return RoomCard(
        room=room,
        shown=_shown(told, phase),
        presence=_present(presence, told),
        readiness=told.readiness if told is not None else None,
        last_seen=max(seen, default=None),
        reasons=told.reasons if told is not None else (),
        phase=phase,
        now=next((s for s in sessions if s.planned.start <= now < s.planned.end), None),
        next=next((s for s in sessions if s.planned.start > now), None),
        devices_ok=sum(device.condition is Condition.OK for device in devices),
        devices_all=len(devices),
        schedule_held=told is not None and rev is not None and told.applied.schedule_rev == rev,
    )


def _present(presence: tuple[RoomPresence, datetime] | None, told: RoomState | None) -> Presence | None:
    """Return what the room's presence is worth: online without a fresh state is no more than lost."""
    if presence is None:
        return None
    said = presence[0].state
    return Presence.LOST if said is Presence.ONLINE and told is None else said


def _shown(told: RoomState | None, phase: str) -> str:
    if told is None:
        return "offline"
    if phase in _PHASES_SHOWN:
        return _PHASES_SHOWN[Phase(phase)]
    return told.readiness.value if told.readiness is not Readiness.BUSY else "busy"


def _readable(bodies: Iterable[str]) -> Iterator[Entry]:
    """Yield entries, each once: a room whose journal was mended tells some a second time, in a new stream."""
    told: set[str] = set()
    for body in bodies:
        with contextlib.suppress(ValidationError):  # written by a newer agent: the page shows the rest
            entry = Entry.model_validate_json(body)
            if entry.id not in told:
                told.add(entry.id)
                yield entry


def _report_row(row: rows.Row) -> ReportRow:
    return ReportRow(
        session_id=row["session_id"],
        room_id=row["room_id"],
        room_name=row["room_name"] or row["room_id"],
        title=row["title"],
        agency=row["agency"],
        report_rev=row["report_rev"],
        planned_start=row["planned_start"],
        carried_out=row["carried_out"],
        received_at=row["received_at"],
    )
