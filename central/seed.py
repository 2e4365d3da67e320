"""Example data: agencies, people for each role, rooms and technicians, for the demo and for trying things out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

import sqlalchemy as sa

from central.db import tables as t
from central.db.store import Store
from central.db.writes import insert_new
from central.domain.words import Role
from central.model import Room
from central.people import People

AGENCIES: Final = (
    ("bappeda", "Badan Perencanaan Pembangunan Daerah", "Bappeda"),
    ("bkd", "Badan Kepegawaian Daerah", "BKD"),
    ("bpkad", "Badan Pengelolaan Keuangan dan Aset Daerah", "BPKAD"),
    ("dinkes", "Dinas Kesehatan", "Dinkes"),
    ("dinsos", "Dinas Sosial", "Dinsos"),
    ("disdikbud", "Dinas Pendidikan dan Kebudayaan", "Disdikbud"),
    ("dishub", "Dinas Perhubungan", "Dishub"),
    ("biro-adpim", "Biro Administrasi Pimpinan", "Biro Adpim"),
)
ROOMS: Final = (
    Room("praja-1", "Ruang Rapat Praja I", "Kantor Gubernur", 80, True, True, "Asia/Pontianak"),
    Room("praja-2", "Ruang Rapat Praja II", "Kantor Gubernur", 40, True, True, "Asia/Pontianak"),
    Room("audio-visual", "Ruang Audio Visual", "Dinas Kominfo", 30, True, True, "Asia/Pontianak"),
)
OPERATORS: Final = (
    ("rina", "Rina Marlina"),
    ("yoga", "Yoga Pratama"),
    ("dewi", "Dewi Lestari"),
    ("hendra", "Hendra Gunawan"),
)
EQUIPMENT: Final = (
    ("mikrofon-nirkabel", "Mikrofon nirkabel", 4, 0),
    ("kamera-ptz", "Kamera PTZ bergerak", 2, 0),
    ("laptop", "Laptop presentasi", 3, 1),
)
"""Id, name, how many, how many of them are out of order."""
ACCOUNTS: Final = (
    ("zoom-1", "Zoom Diskominfo 1", "zoom", 1, 300),
    ("zoom-2", "Zoom Diskominfo 2", "zoom", 1, 300),
    ("zoom-3", "Zoom Diskominfo 3", "zoom", 1, 300),
)
"""Id, name, platform, meetings at once, participants at most."""
PEOPLE: Final = (
    ("pemohon", "Budi Santoso", Role.APPLICANT, "dinsos"),
    ("kadis", "Sri Wahyuni", Role.HEAD, None),
    ("bidang", "Rina Marlina", Role.VERIFIER, None),
    ("penjadwal", "Dewi Lestari", Role.SCHEDULER, None),
    ("teknisi", "Yoga Pratama", Role.TECHNICIAN, None),
    ("admin", "Agus Setiawan", Role.ADMIN, None),
    ("auditor", "Maria Ulfa", Role.AUDITOR, None),
)
"""Log-in, name, role, agency."""


_PIECE: Final = ("id", "name", "count", "faulty")
_ACCOUNT: Final = ("id", "name", "platform", "concurrency", "participants_at_most")


def example_room(ident: str) -> Room:
    """Return the example room of this id; an unknown id becomes a plain room of that name."""
    known = {room.id: room for room in ROOMS}
    return known.get(ident) or replace(ROOMS[-1], id=ident, name=ident.replace("-", " ").title())


def seed(store: Store, passwords: str | Mapping[str, str], *, rooms: Iterable[str] = ()) -> None:
    """Write the example data; twice changes nothing but passwords.

    `passwords` is everybody's, or one per log-in of `PEOPLE`; `rooms` are ids, `ROOMS` when empty.
    """
    wanted = tuple(example_room(ident) for ident in rooms) or ROOMS
    with store.writing() as connection:
        insert_new(
            connection, t.agency, [{"id": ident, "name": name, "short": short} for ident, name, short in AGENCIES]
        )
        add_rooms(connection, wanted)
        insert_new(connection, t.operator, [{"id": ident, "name": name, "active": True} for ident, name in OPERATORS])
        insert_new(connection, t.equipment, [dict(zip(_PIECE, one, strict=True)) for one in EQUIPMENT])
        insert_new(
            connection, t.account, [dict(zip(_ACCOUNT, one, strict=True)) | {"active": True} for one in ACCOUNTS]
        )
    people = People(store)
    for login, name, role, agency in PEOPLE:
        password = passwords if isinstance(passwords, str) else passwords[login]
        people.add(login, name, password, frozenset({role}), agency_id=agency)


def add_rooms(connection: sa.Connection, rooms: Iterable[Room]) -> None:
    """Write rooms that are not there yet."""
    names = ("id", "name", "site", "capacity", "can_record", "open", "time_zone")
    insert_new(connection, t.room, [{name: getattr(room, name) for name in names} for room in rooms])
