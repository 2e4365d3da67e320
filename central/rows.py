"""Reading: rows of the database as the values of `central.model`.

Every function takes a connection, so that a service decides what is one transaction. The
number of queries never grows with the number of rows.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, Final

import sqlalchemy as sa

from central.db import tables as t
from central.domain.calendar import Span
from central.domain.clocks import Standards, clocks
from central.domain.findings import Rival
from central.domain.resources import BUFFER_AT_MOST, LASTS_AT_MOST, Need, Occupied, RoomFacts
from central.domain.sop import Event, State
from central.domain.words import Leader, UnitKind
from central.errors import NotFound
from central.model import Agency, Contact, Letter, LetterFile, Move, Operator, Request, Room, SessionRow
from central.planned import planned

HELD_AT_MOST: Final = LASTS_AT_MOST + 2 * BUFFER_AT_MOST
"""So long a unit is held at most, setting up and clearing away included."""
NEWEST: Final = (t.request.c.submitted_at.desc(), t.request.c.id.desc())
Row = sa.RowMapping
"""A row by its columns' names; what stands in it is as the table says."""


def rooms(connection: sa.Connection) -> tuple[Room, ...]:
    """Return all rooms by name."""
    return tuple(_room(row) for row in connection.execute(t.room.select().order_by(t.room.c.name)).mappings())


def operators(connection: sa.Connection) -> tuple[Operator, ...]:
    """Return the division's people who are there, by name."""
    query = t.operator.select().where(t.operator.c.active).order_by(t.operator.c.name)
    return tuple(Operator(row["id"], row["name"], row["active"]) for row in connection.execute(query).mappings())


def agencies(connection: sa.Connection) -> tuple[Agency, ...]:
    """Return all agencies by name."""
    return tuple(Agency(**row) for row in connection.execute(t.agency.select().order_by(t.agency.c.name)).mappings())


def request(connection: sa.Connection, ident: str, standards: Standards) -> Request:
    """Return one request.

    Raises:
        NotFound: there is none.
    """
    found = requests(connection, standards, t.request.c.id == ident)
    if not found:
        raise NotFound("request", ident)
    return found[0]


def requests(
    connection: sa.Connection,
    standards: Standards,
    *where: sa.ColumnElement[bool],
    limit: int = 200,
    order: Sequence[sa.ColumnElement[Any]] = NEWEST,
) -> tuple[Request, ...]:
    """Return the first requests that fit `where`, the newest unless another `order` is given, with their history."""
    query = _REQUESTS.where(*where)
    found = connection.execute(query.order_by(*order).limit(limit)).mappings().all()
    moves = _moves(connection, [row["q_id"] for row in found])
    return tuple(_request(row, moves[row["q_id"]], standards) for row in found)


def urgent(leaders: Sequence[Leader]) -> tuple[sa.ColumnElement[Any], ...]:
    """Return the order in which leaders come first, then whoever waits longest."""
    return t.request.c.leader.not_in(leaders), t.request.c.submitted_at, t.request.c.id


def _named(table: sa.Table, prefix: str) -> list[sa.Label[Any]]:
    return [column.label(f"{prefix}_{column.name}") for column in table.c]


def _requests() -> sa.Select[Any]:
    officer = t.person.alias("officer")
    columns = [*_named(t.request, "q"), *_named(t.agency, "a"), *_named(t.room, "r"), *_named(t.letter, "l")]
    joined = t.request.join(t.agency).join(t.room).outerjoin(t.letter)
    joined = joined.join(t.person, t.person.c.id == t.request.c.applicant_id)
    joined = joined.outerjoin(t.session, t.session.c.request_id == t.request.c.id)
    joined = joined.outerjoin(officer, officer.c.id == t.request.c.forwarded_to)
    more = [
        t.person.c.name.label("applicant"),
        officer.c.name.label("officer"),
        t.session.c.id.label("session"),
        t.session.c.ends.label("session_ends"),
    ]
    return sa.select(*columns, *more).select_from(joined)


_REQUESTS: Final = _requests()
"""Put together once: that takes longer than asking the question."""


def _moves(connection: sa.Connection, idents: list[str]) -> dict[str, tuple[Move, ...]]:
    query = t.request_move.select().where(t.request_move.c.request_id.in_(idents)).order_by(t.request_move.c.id)
    found: dict[str, list[Move]] = defaultdict(list)
    for row in connection.execute(query).mappings():
        event = Event(row["event"]) if row["event"] else None
        found[row["request_id"]].append(Move(row["at"], event, State(row["state"]), row["actor"], row["reason"]))
    return defaultdict(tuple, {ident: tuple(moves) for ident, moves in found.items()})


def _request(row: Row, moves: tuple[Move, ...], standards: Standards) -> Request:
    return Request(
        id=row["q_id"],
        receipt=row["q_receipt"],
        agency=Agency(row["a_id"], row["a_name"], row["a_short"]),
        letter=_letter(row),
        contact=Contact(row["q_contact_name"], row["q_contact_phone"]),
        title=row["q_title"],
        agenda=row["q_agenda"],
        starts=row["q_starts"],
        ends=row["q_ends"],
        room=_room(row, "r_"),
        participants=row["q_participants"],
        platform=row["q_platform"],
        leader=Leader(row["q_leader"]),
        recording=row["q_recording"],
        own_account=row["q_own_account"],
        own_equipment=row["q_own_equipment"],
        own_people=row["q_own_people"],
        state=State(row["q_state"]),
        version=row["q_version"],
        submitted_at=row["q_submitted_at"],
        applicant=row["applicant"],
        applicant_id=row["q_applicant_id"],
        moves=moves,
        clocks=clocks(((move.event, move.at) for move in moves), standards, row["session_ends"]),
        session_id=row["session"],
        streaming=row["q_streaming"],
        needs=tuple(Need(name, count) for name, count in json.loads(row["q_needs"] or "{}").items()),
        series_id=row["q_series_id"],
        replaces_id=row["q_replaces_id"],
        tracking=row["q_tracking"],
        site=row["q_site"],
        forwarded_to=row["q_forwarded_to"],
        forwarded_name=row["officer"] or "",
    )


def _letter(row: Row) -> Letter:
    file = None
    if row["l_sha256"] is not None:
        kept = (row["l_media_type"], row["l_size_bytes"], row["l_erased_at"])
        file = LetterFile(row["l_sha256"], row["q_letter_name"], *kept)
    day = date.fromisoformat(row["q_letter_date"])
    return Letter(row["q_letter_number"], day, row["q_letter_subject"], file)


def _room(row: Row, prefix: str = "") -> Room:
    names = ("id", "name", "site", "capacity", "can_record", "open", "time_zone")
    return Room(**{name: row[prefix + name] for name in names})


def room_facts(room: Room) -> RoomFacts:
    """Return what rules look at."""
    return RoomFacts(room.id, room.name, room.capacity, room.can_record, room.open, room.site)


def touching(columns: Any, starts: datetime, ends: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the conditions for what touches [starts, ends).

    An index holds beginnings only. As nothing lasts longer than `HELD_AT_MOST`, what began
    before that is over, and years that are past need not be looked through. For the same
    reason nothing ends much later, which finds nothing else: it tells PostgreSQL's planner,
    who takes the two times for independent, that few rows are meant, so that it looks them up
    one by one instead of reading every session there is.
    """
    lately = columns.starts > starts - HELD_AT_MOST, columns.ends > starts
    return columns.starts < ends, *lately, columns.ends < ends + HELD_AT_MOST


def _taken() -> sa.Select[Any]:
    a, s = t.alloc.c, t.session.c
    times = (sa.type_coerce(a.starts, sa.BigInteger), sa.type_coerce(a.ends, sa.BigInteger))
    columns = (a.unit_kind, a.unit_id, a.session_id, s.title, s.agency, *times, t.room.c.site)
    joined = t.alloc.join(t.session).join(t.room)
    return sa.select(*columns).select_from(joined).where(a.live).order_by(a.starts)


_OCCUPIED: Final = _taken()


def occupied(connection: sa.Connection, starts: datetime, ends: datetime) -> tuple[Occupied, ...]:
    """Return every live allocation that touches [starts, ends)."""
    return occupied_in(connection, ((starts, ends),))


def occupied_in(connection: sa.Connection, spans: Sequence[Span]) -> tuple[Occupied, ...]:
    """Return every live allocation that touches one of `spans`, in one query.

    What lies about all of them is named too: an index is of no help with a choice alone.
    """
    of_spans = (sa.and_(*touching(t.alloc.c, starts, ends)) for starts, ends in spans)
    whole = touching(t.alloc.c, min(starts for starts, _ in spans), max(ends for _, ends in spans))
    return _occupied(connection, sa.and_(*whole, sa.or_(sa.false(), *of_spans)))


def occupied_near(connection: sa.Connection, near: Span, people: Span) -> tuple[Occupied, ...]:
    """Return the live allocations that touch `near`, and those of people that touch the longer `people`."""
    inside = sa.and_(t.alloc.c.starts < near[1], t.alloc.c.ends > near[0])
    whose = sa.or_(t.alloc.c.unit_kind == UnitKind.OPERATOR, inside)
    return _occupied(connection, sa.and_(*touching(t.alloc.c, *people), whose))


def _occupied(connection: sa.Connection, where: sa.ColumnElement[bool]) -> tuple[Occupied, ...]:
    """Return what is taken; there may be thousands, so what a session's units share is made once."""
    found, rivals = [], dict[tuple[str, int, int], Rival]()
    for kind, unit, session_id, title, agency, starts, ends, site in connection.execute(_OCCUPIED.where(where)).all():
        rival = rivals.get((session_id, starts, ends))
        if rival is None:
            rival = Rival(session_id, title, agency, t.moment(starts), t.moment(ends))
            rivals[session_id, starts, ends] = rival
        found.append(Occupied(_KINDS[kind], unit, rival, site))
    return tuple(found)


_KINDS: Final = {kind.value: kind for kind in UnitKind}


def _sessions() -> sa.Select[Any]:
    joined = t.session.join(t.room).join(t.operator).join(t.request, t.request.c.id == t.session.c.request_id)
    reported = sa.exists().where(t.report.c.session_id == t.session.c.id).label("reported")
    columns = [*_named(t.session, "s"), *_named(t.room, "r"), *_named(t.operator, "o"), t.request.c.receipt, reported]
    return sa.select(*columns).select_from(joined)


_SESSIONS: Final = _sessions()


def sessions(connection: sa.Connection, *where: sa.ColumnElement[bool], limit: int = 500) -> tuple[SessionRow, ...]:
    """Return the sessions that fit `where`, earliest first."""
    query = _SESSIONS.where(*where).order_by(t.session.c.starts, t.session.c.id).limit(limit)
    return tuple(_session(row) for row in connection.execute(query).mappings())


def session(connection: sa.Connection, ident: str) -> SessionRow:
    """Return one session.

    Raises:
        NotFound: there is none.
    """
    found = sessions(connection, t.session.c.id == ident)
    if not found:
        raise NotFound("session", ident)
    return found[0]


def _session(row: Row) -> SessionRow:
    return SessionRow(
        planned=planned(row, "s_", operator_name="o_name"),
        room=_room(row, "r_"),
        request_id=row["s_request_id"],
        receipt=row["receipt"],
        operator=Operator(row["o_id"], row["o_name"], row["o_active"]),
        leader=Leader(row["s_leader"]),
        has_report=bool(row["reported"]),
    )


def chosen(operators_there: Iterable[Operator], ident: str | None) -> Operator | None:
    """Return the operator with this id, or none when none is named.

    Raises:
        NotFound: nobody has it.
    """
    if ident is None:
        return None
    found = next((operator for operator in operators_there if operator.id == ident), None)
    if found is None:
        raise NotFound("operator", ident)
    return found
