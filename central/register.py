"""What the office has: rooms, agencies, equipment, accounts, staff, shifts and leave, kept as a whole.

A file is taken in whole or not at all, in one transaction; every bad cell is named. Rows
with an id are added or changed and never deleted: bookings and requests speak of them.
Shifts and leave have no id, so a file replaces all of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo
from typing import Final

import sqlalchemy as sa

from central import bell, registerfile
from central.bell import Bell
from central.db import locks
from central.db import tables as t
from central.db.store import Store
from central.db.writes import retried
from central.errors import CentralError, NotFound
from central.model import Person
from central.registerfile import KINDS, BadCell, Kind, Row

_TABLES: Final[Mapping[str, sa.Table]] = {
    "rooms": t.room,
    "agencies": t.agency,
    "equipment": t.equipment,
    "accounts": t.account,
    "staff": t.operator,
    "shifts": t.operator_shift,
    "leave": t.operator_leave,
}
REGISTER: Final = "register"
"""What who writes here asks for alone: files replace whole tables."""
_COLUMNS: Final = {"setup_minutes": "setup_s", "teardown_minutes": "teardown_s"}
"""Columns of a file that the database calls otherwise."""


class BadFile(CentralError):
    """A file, or a row, that is not taken: everything wrong in it."""

    def __init__(self, *cells: BadCell) -> None:
        text = "; ".join(f"line {cell.line}, {cell.column}: {cell.code} {cell.found}".strip() for cell in cells[:20])
        super().__init__("register.bad", text)
        self.cells = cells


def kind_of(name: str) -> Kind:
    """Return a kind.

    Raises:
        NotFound: there is none of this name.
    """
    if name not in KINDS:
        raise NotFound("register", name)
    return KINDS[name]


class Register:
    """Reads and writes what the office has."""

    def __init__(self, store: Store, zone: tzinfo, rings: Bell, now: Callable[[], datetime]) -> None:
        self._store = store
        self._zone = zone
        self._rings = rings
        self._now = now

    def counts(self) -> dict[str, int]:
        """Return how many rows each kind has."""
        with self._store.reading() as connection:
            tables = _TABLES.items()
            return {n: connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0 for n, table in tables}

    def rows(self, name: str) -> tuple[Row, ...]:
        """Return all rows of a kind, each with the database's own number of it under `row`."""
        kind_of(name)
        with self._store.reading() as connection:
            return tuple(_read(connection, name))

    def table(self, name: str) -> tuple[tuple[Row, list[str]], ...]:
        """Return all rows of a kind beside their cells as text."""
        kind = kind_of(name)
        return tuple((row, registerfile.cells(kind, row, self._zone)) for row in self.rows(name))

    def export(self, name: str) -> str:
        """Return all rows of a kind as a file."""
        return registerfile.write(kind_of(name), self.rows(name), self._zone)

    @retried
    def take(self, name: str, content: bytes, by: Person) -> int:
        """Take a file in, whole or not at all; return how many rows it had.

        Raises:
            NotFound: there is no such kind.
            BadFile: everything wrong in it.
        """
        kind = kind_of(name)
        with self._store.writing() as connection:
            locks.alone(connection, REGISTER)
            rows, bad = registerfile.read(kind, content, self._zone, _known(connection, kind))
            if bad:
                raise BadFile(*bad)
            if not kind.key:
                connection.execute(_TABLES[name].delete())
            self._write(connection, kind, rows, by, "register.import")
        self._rings.ring(bell.ROOMS)
        return len(rows)

    @retried
    def put(self, name: str, cells: Mapping[str, str], by: Person) -> None:
        """Add one row, or change the one with this id.

        Raises:
            NotFound: there is no such kind.
            BadFile: everything wrong in the row.
        """
        kind = kind_of(name)
        with self._store.writing() as connection:
            locks.alone(connection, REGISTER)
            row, bad = registerfile.read_row(kind, cells, self._zone, _known(connection, kind))
            if bad:
                raise BadFile(*bad)
            self._write(connection, kind, [row], by, "register.put")
        self._rings.ring(bell.ROOMS)

    @retried
    def drop(self, name: str, number: int, by: Person) -> None:
        """Delete one shift or one leave; what has an id is never deleted.

        Raises:
            NotFound: there is no such row, or it has an id.
        """
        kind, table = kind_of(name), _TABLES[name]
        with self._store.writing() as connection:
            if kind.key or not connection.execute(table.delete().where(table.c.id == number)).rowcount:
                raise NotFound(name, str(number))
            self._audit(connection, by, "register.drop", name, [str(number)])

    def _write(self, connection: sa.Connection, kind: Kind, rows: list[Row], by: Person, action: str) -> None:
        table = _TABLES[kind.name]
        for row in rows:
            values = {_COLUMNS.get(name, name): value for name, value in row.items() if name != "skills"}
            if kind.key and connection.execute(table.update().where(table.c.id == row["id"]).values(values)).rowcount:
                pass  # it was there
            else:
                connection.execute(table.insert(), values)
            if kind.name == "staff":
                _skills(connection, str(row["id"]), row["skills"])
        self._audit(connection, by, action, kind.name, [str(row.get("id") or row["operator_id"]) for row in rows])

    def _audit(self, connection: sa.Connection, by: Person, action: str, name: str, idents: list[str]) -> None:
        row = {"at": self._now(), "actor": by.login, "action": action, "subject": name}
        connection.execute(t.audit.insert(), row | {"detail": json.dumps(idents)})


def _read(connection: sa.Connection, name: str) -> list[Row]:
    table = _TABLES[name]
    order = (table.c.operator_id, table.c.id) if "operator_id" in table.c else (table.c.id,)
    found = connection.execute(table.select().order_by(*order)).mappings()
    names = {column: name_in_file for name_in_file, column in _COLUMNS.items()}
    rows = [{names.get(column, column): value for column, value in row.items()} | {"row": row["id"]} for row in found]
    if name == "staff":
        held: dict[str, list[str]] = {}
        for row in connection.execute(t.operator_skill.select()).mappings():
            held.setdefault(row["operator_id"], []).append(row["skill"])
        return [row | {"skills": tuple(held.get(str(row["id"]), ()))} for row in rows]
    return rows


def _skills(connection: sa.Connection, operator_id: str, skills: object) -> None:
    own = t.operator_skill.c.operator_id == operator_id
    connection.execute(t.operator_skill.delete().where(own))
    wanted = [{"operator_id": operator_id, "skill": skill} for skill in skills] if isinstance(skills, tuple) else []
    if wanted:
        connection.execute(t.operator_skill.insert(), wanted)


def _known(connection: sa.Connection, kind: Kind) -> dict[str, frozenset[str]]:
    wanted = {column.refers_to for column in kind.columns if column.refers_to}
    return {name: frozenset(connection.scalars(sa.select(_TABLES[name].c.id))) for name in wanted}
