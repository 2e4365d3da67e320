"""A province's bookings of many years, written by the database itself into the real schema.

Fifty rooms hold four of five possible sessions on every working day, so 1,000,000 bookings
are nineteen years. Each has a room, a person, a meeting account and, every second time, a
piece of equipment; each with its request, letter, history, report and audit row. What is
here is free of overlaps because the database would not take it otherwise: SQLite looks at
each row that goes in, PostgreSQL at all of them at the end.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import sqlalchemy as sa

from central.db import tables as t
from central.db.store import Store

NOW: Final = datetime(2026, 11, 3, 2, 17, tzinfo=UTC)
"""The office's clock: 09.17 on a Tuesday."""
ROOMS: Final = 50
SLOTS: Final = 5
A_DAY: Final = ROOMS * (SLOTS - 1)
OPERATORS: Final = 60
AGENCIES: Final = 40
ACCOUNTS: Final = 25
POOLS: Final = 10
PIECES: Final = 10
SITES: Final = 5
WEEKS_AHEAD: Final = 60
WAITING: Final = 200
"""Requests without a decision; every second one has been directed to the division."""

_MINUTE: Final = 60_000_000
_FIRST_SETUP: Final = timedelta(minutes=30)
"""07.30 in Pontianak, as time of day in UTC."""


@dataclass(frozen=True, slots=True)
class Volume:
    """What was written."""

    bookings: int
    first_day: datetime

    @property
    def years(self) -> float:
        """So long a time they fill."""
        return self.bookings / (5 * A_DAY) / 52


def fill(store: Store, bookings: int) -> Volume:
    """Write `bookings` bookings up to sixty weeks ahead of `NOW`, and requests that wait."""
    weeks = bookings // (5 * A_DAY)
    first = datetime(2026, 11, 2, tzinfo=UTC) + timedelta(weeks=min(WEEKS_AHEAD, weeks // 2) - weeks)
    with store.writing() as connection:
        if store.is_postgres:
            _run(connection, "SET LOCAL statement_timeout = 0")
        _stock(connection)
        _numbers(connection, bookings, first)
        with _guard_set_later(connection) if store.is_postgres else contextlib.nullcontext():
            for statement in _STATEMENTS:
                _run(connection, statement)
        _waiting(connection)
        _run(connection, "DROP TABLE bench_n")
        if store.is_postgres:  # as its own housekeeping does; nothing does so on SQLite
            _run(connection, "ANALYZE")
    return Volume(bookings, first)


def _run(connection: sa.Connection, statement: str) -> None:
    connection.execute(sa.text(statement))


@contextlib.contextmanager
def _guard_set_later(connection: sa.Connection) -> Iterator[None]:
    """Have the exclusion constraint checked once over all rows at the end: row by row it takes half an hour."""
    asked = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'alloc_overlap'"
    definition = connection.execute(sa.text(asked)).scalar_one()
    _run(connection, "ALTER TABLE alloc DROP CONSTRAINT alloc_overlap")
    yield
    connection.exec_driver_sql(f"ALTER TABLE alloc ADD CONSTRAINT alloc_overlap {definition}")


def _micros(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _stock(connection: sa.Connection) -> None:
    """Write what the bookings are made of: two ciphers after each name, so that SQL can count."""
    names = [f"{n:02}" for n in range(100)]
    agencies = [{"id": f"opd-{n}", "name": f"Dinas {n}", "short": f"D{n}"} for n in names[:AGENCIES]]
    connection.execute(t.agency.insert(), agencies)
    person = {"name": "Pemohon", "password_hash": "", "active": True}
    people = [person | {"id": f"p-{n}", "login": f"opd-{n}", "agency_id": f"opd-{n}"} for n in names[:AGENCIES]]
    connection.execute(t.person.insert(), people)
    room = {"can_record": True, "open": True, "time_zone": "Asia/Pontianak"}
    rooms = [
        room | {"id": f"r-{n}", "name": f"Ruang {n}", "capacity": 20 + 10 * (int(n) % 9), "site": _site(int(n))}
        for n in names[:ROOMS]
    ]
    connection.execute(t.room.insert(), rooms)
    staff = [{"id": f"o-{n}", "name": f"Teknisi {n}", "active": True} for n in names[:OPERATORS]]
    connection.execute(t.operator.insert(), staff)
    pools = [{"id": f"e-{n}", "name": f"Alat {n}", "count": PIECES, "faulty": 0, "site": ""} for n in names[:POOLS]]
    connection.execute(t.equipment.insert(), pools)
    account = {"platform": "zoom", "concurrency": 2, "participants_at_most": 300, "active": True}
    accounts = [account | {"id": f"a-{n}", "name": f"Zoom {n}"} for n in names[:ACCOUNTS]]
    connection.execute(t.account.insert(), accounts)
    letter = {"sha256": "0" * 64, "media_type": "application/pdf", "size_bytes": 9, "received_at": NOW}
    connection.execute(t.letter.insert(), letter)


def _site(room: int) -> str:
    return f"Gedung {room % SITES}"


def _numbers(connection: sa.Connection, bookings: int, first: datetime) -> None:
    """Number the bookings (i) and say of each: day (d), room (r), slot (s), and when its setting up begins (c)."""
    columns = "i INTEGER PRIMARY KEY, d INTEGER, r INTEGER, s INTEGER, c BIGINT"
    _run(connection, f"CREATE TEMPORARY TABLE bench_n ({columns})")
    begins = (
        f"{_micros(first + _FIRST_SETUP)} + CAST(d / 5 * 7 + d % 5 AS BIGINT) * {1440 * _MINUTE}"
        f" + CAST(s AS BIGINT) * {105 * _MINUTE}"
    )
    _run(
        connection,
        f"WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {bookings - 1}), "
        f"k AS (SELECT i, i / {A_DAY} AS d, i % {A_DAY} / {SLOTS - 1} AS r, i % {SLOTS - 1} AS j FROM n), "
        f"p AS (SELECT i, d, r, (j + (r + d) % {SLOTS}) % {SLOTS} AS s FROM k) "
        f"INSERT INTO bench_n SELECT i, d, r, s, {begins} FROM p",
    )
    _run(connection, "ANALYZE bench_n")


def _into(table: sa.Table, where: str = "1 = 1", **values: str) -> str:
    """Return SQL that writes a row of `table` for each booking that fits `where`."""
    columns, shown = ", ".join(values), ", ".join(values.values())
    return f"INSERT INTO {table.name} ({columns}) SELECT {shown} FROM bench_n WHERE {where} ORDER BY i"


def _two(number: str) -> str:
    """Return SQL for a number as two ciphers."""
    return f"substr(CAST(100 + {number} AS VARCHAR), 2)"


def _ident(letter: str) -> str:
    """Return SQL for an identifier as long as real ones, and ordered like them."""
    return f"'{letter}1900000-0000-7000-8000-' || substr(CAST(1000000000000 + i AS VARCHAR), 2)"


def _minutes(count: str | int) -> str:
    """Return SQL for so many minutes as microseconds."""
    return f"CAST({count} AS BIGINT) * {_MINUTE}"


_STARTS, _ENDS, _FREE = (f"c + {_minutes(n)}" for n in (30, 90, 105))
_SENT: Final = f"c - {_minutes(7 * 1440)}"
_OVER: Final = f"{_ENDS} < {_micros(NOW)}"
_REQUEST, _SESSION = _ident("a"), _ident("b")
_ROOM: Final = f"'r-' || {_two('r')}"
_OPERATOR: Final = f"'o-' || {_two(f'(r + d) % {OPERATORS}')}"
_PERSON: Final = f"'p-' || {_two(f'i % {AGENCIES}')}"
_AGENCY: Final = f"'Dinas ' || {_two(f'i % {AGENCIES}')}"
_TITLE: Final = "'Rapat koordinasi ' || i"
_POOL: Final = f"'e-' || {_two(f'r % {POOLS}')}"
_ACCOUNT: Final = f"'a-' || {_two(f'(r + d) % {2 * ACCOUNTS} / 2')} || '#' || (1 + (r + d) % 2)"
_ASKED: Final = {
    "agency_id": f"'opd-' || {_two(f'i % {AGENCIES}')}",
    "letter_number": "'005/' || (i % 9999) || '/Dinas'",
    "letter_date": "'2026-01-02'",
    "letter_subject": "'Permohonan fasilitasi'",
    "contact_name": "'Budi Santoso'",
    "contact_phone": "'0812-0000-0000'",
    "room_id": _ROOM,
    "platform": "'zoom'",
    "recording": "i % 3 = 0",
    "own_account": "false",
    "applicant_id": _PERSON,
}
"""What all requests have in common."""


def _moved(at: str, event: str, state: str, where: str = "1 = 1") -> str:
    columns = {"request_id": _REQUEST, "at": at, "event": event, "state": f"'{state}'", "actor": "'Rina Marlina'"}
    return _into(t.request_move, where, **columns)


def _held(kind: str, unit: str, where: str = "1 = 1") -> str:
    columns = {"session_id": _SESSION, "unit_kind": f"'{kind}'", "unit_id": unit}
    return _into(t.alloc, where, **columns, starts="c", ends=_FREE, live="true")


_STATEMENTS: Final = (
    _into(
        t.request,
        **_ASKED,
        id=_REQUEST,
        receipt="'B-' || i",
        letter_name="'surat.pdf'",
        letter_sha256=f"'{'0' * 64}'",
        title=_TITLE,
        starts=_STARTS,
        ends=_ENDS,
        participants="10 + i % 90",
        leader="'none'",
        own_equipment="'Laptop'",
        own_people="'Budi'",
        state=f"CASE WHEN {_OVER} THEN 'reported' ELSE 'approved' END",
        version="3",
        submitted_at=_SENT,
        needs=f"CASE WHEN i % 2 = 0 THEN '{{\"' || {_POOL} || '\": 1}}' ELSE '' END",
        tracking="'track-' || i",
    ),
    _moved(_SENT, "NULL", "submitted"),
    _moved(f"{_SENT} + {_minutes('2 + i % 15')}", "'accept'", "disposed"),
    _moved(f"{_SENT} + {_minutes('60 + i % 2000')}", "'approve'", "approved"),
    _moved(f"c + {_minutes(93)}", "'report'", "reported", _OVER),
    _into(
        t.session,
        id=_SESSION,
        request_id=_REQUEST,
        room_id=_ROOM,
        operator_id=_OPERATOR,
        rev="1",
        status="'confirmed'",
        title=_TITLE,
        agency=_AGENCY,
        leader="'none'",
        starts=_STARTS,
        ends=_ENDS,
        prepare_at="c",
        setup_s="1800",
        teardown_s="900",
        recording="i % 3 = 0",
        letter="'005/' || (i % 9999) || '/Dinas'",
        platform="'zoom'",
    ),
    _held("room", _ROOM),
    _held("operator", _OPERATOR),
    _held("account", _ACCOUNT),
    _held("equipment", f"{_POOL} || '#' || (1 + r / {POOLS})", "i % 2 = 0"),
    _into(t.outbox, room_id=_ROOM, cause="'approved B-' || i", created_at=_SENT, sent_at=_SENT),
    _into(
        t.report,
        _OVER,
        session_id=_SESSION,
        report_rev="1",
        room_id=_ROOM,
        title=_TITLE,
        agency=_AGENCY,
        planned_start=_STARTS,
        carried_out="true",
        body="'{}'",
        received_at=f"c + {_minutes(93)}",
    ),
    _into(t.audit, at=_SENT, actor="'bidang'", action="'request.approve'", subject=_REQUEST, detail="'{}'"),
    _into(
        t.message,
        created_at=_SENT,
        event="'approve'",
        request_id=_REQUEST,
        channel="'email'",
        person_id=_PERSON,
        address="'a@example.test'",
        language="'id'",
        facts="'{}'",
        state="'sent'",
        next_at=_SENT,
        sent_at=_SENT,
    ),
    _into(
        t.journal_entry,
        _OVER,
        room_id=_ROOM,
        stream="'s1'",
        seq=f"1 + d * {SLOTS - 1} + i % {SLOTS - 1}",
        kind="'session.phase'",
        at="c",
        session_id=_SESSION,
        body="'{}'",
        received_at="c",
    ),
)


def _waiting(connection: sa.Connection) -> None:
    """Write requests of the coming weeks without a decision, each for a room that is taken then."""
    wanted = f"c > {_micros(NOW + timedelta(days=4))} AND c < {_micros(NOW + timedelta(days=30))} AND i % 17 = 0"
    first = _into(
        t.request,
        wanted,
        **_ASKED,
        id=_ident("c"),
        receipt="'W-' || i",
        title="'Menunggu ' || i",
        starts=_STARTS,
        ends=f"c + {_minutes('60 + i % 2 * 15')}",
        participants="10 + i % 40",
        leader="CASE WHEN i % 50 = 0 THEN 'governor' ELSE 'none' END",
        state="CASE WHEN i % 2 = 0 THEN 'submitted' ELSE 'disposed' END",
        version="1 + i % 2",
        submitted_at=f"{_micros(NOW - timedelta(hours=20))} + i",
        tracking="'wait-' || i",
    )
    _run(connection, f"{first} LIMIT {WAITING}")
    moved = "INSERT INTO request_move (request_id, at, event, state, actor) SELECT id"
    of_those = "FROM request WHERE receipt LIKE 'W-%'"
    _run(connection, f"{moved}, submitted_at, NULL, 'submitted', 'Budi' {of_those} ORDER BY id")
    directed = f"{moved}, submitted_at + {_MINUTE}, 'accept', 'disposed', 'Sri' {of_those} AND state = 'disposed'"
    _run(connection, f"{directed} ORDER BY id")
