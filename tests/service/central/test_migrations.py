"""Every older schema, filled, brought up to date: nothing of it is lost, and neither is what guards it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command

from central.db import guard, store
from central.db.store import Store, pending
from central.errors import Unfit
from tests.postgres import Cluster

OLDER = pending(None)[:-1]
EMPTIED = {"login_session"}
"""What migrations empty on purpose: everybody has to log in again since 0007."""
GUARDS = Path(__file__).parent / "guards"
"""What neither tables nor Alembic's comparison speak of: triggers, checks, exclusions (one file per database)."""


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A database without any table."""
    if request.param == "sqlite":
        made = Store(f"sqlite:///{tmp_path}/central.db")
        yield made
        made.close()
        return
    cluster: Cluster = request.getfixturevalue("cluster")
    with cluster.database("template0") as url:
        made = Store(url)
        yield made
        made.close()


def bring_to(empty: Store, revision: str) -> None:
    with empty.writing() as connection:
        config = store._config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def value(column: sa.Column[object], number: int) -> object:
    """Something for a column, other for each row, that its checks and references take."""
    for key in column.foreign_keys:
        return value(key.column, number)
    if isinstance(column.type, sa.Boolean):
        return number == 1
    if isinstance(column.type, sa.Text):
        return f"{column.table.name} {column.name} {number}: Ruang “Praja” é"
    return number * 1000 + (500 if column.name == "ends" else 0)


def fill(connection: sa.Connection) -> None:
    """Put two rows into every table that there is."""
    there = sa.MetaData()
    there.reflect(connection)
    for table in there.sorted_tables:
        if table.name != "alembic_version":
            rows = [{column.name: value(column, number) for column in table.c} for number in (1, 2)]
            connection.execute(table.insert(), rows)


def held(connection: sa.Connection, columns: dict[str, list[str]]) -> dict[str, list[str]]:
    """All rows of the named columns, as text."""
    found: dict[str, list[str]] = {}
    for name, of in columns.items():
        wanted: list[sa.ColumnElement[object]] = [sa.column(column) for column in of]
        rows = connection.execute(sa.select(*wanted).select_from(sa.table(name)))
        found[name] = sorted(repr(tuple(row)) for row in rows)
    return found


def columns_there(connection: sa.Connection) -> dict[str, list[str]]:
    found = sa.inspect(connection)
    names = [name for name in found.get_table_names() if name not in {"alembic_version", "meta"}]
    return {name: [column["name"] for column in found.get_columns(name)] for name in names}


def guards(connection: sa.Connection) -> str:
    """What the database itself refuses or does, one a line."""
    if connection.dialect.name == "sqlite":
        found = connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name")
        lines = [row[0] for row in found]
        inspected = sa.inspect(connection)
        for name in sorted(inspected.get_table_names()):
            lines += [f"{name}: CHECK {one['sqltext']}" for one in inspected.get_check_constraints(name)]
    else:
        found = connection.exec_driver_sql(
            "SELECT conrelid::regclass || ': ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE contype IN ('c', 'x') AND conrelid <> 0 "
            "UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1"
        )
        lines = [row[0] for row in found]
    return "".join(line + "\n" for line in lines)


def checked_in(connection: sa.Connection) -> str:
    return (GUARDS / f"{connection.dialect.name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("revision", OLDER)
def test_an_older_database_keeps_everything_and_is_guarded_as_a_new_one(empty: Store, revision: str) -> None:
    bring_to(empty, revision)
    with empty.writing() as connection:
        fill(connection)
        columns = columns_there(connection)
        before = held(connection, columns)
    assert all(len(rows) == 2 for rows in before.values())
    empty.open()
    with empty.reading() as connection:
        kept = held(connection, columns)
        assert {name: rows for name, rows in kept.items() if name not in EMPTIED} == {
            name: rows for name, rows in before.items() if name not in EMPTIED
        }
        assert guards(connection) == checked_in(connection)
    file = Path(empty.engine.url.database or "")
    if not empty.is_postgres:  # and as it was it lies beside
        with sa.create_engine(f"sqlite:///{file}.before-{pending(None)[-1]}").connect() as connection:
            assert held(connection, columns) == before


def test_a_new_database_is_guarded_as_is_written_down(empty: Store, tmp_path: Path) -> None:
    empty.open()
    with empty.reading() as connection:
        assert guards(connection) == checked_in(connection)
    assert not list(tmp_path.glob("*before*"))


def test_a_migration_that_loses_the_guard_is_taken_back_whole(empty: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    bring_to(empty, OLDER[-1])
    with empty.writing() as connection:
        fill(connection)

    def lost(_: sa.Connection) -> None:
        raise Unfit("database.overlap_accepted", "the database accepted two bookings of one unit at the same time")

    monkeypatch.setattr(guard, "prove", lost)
    with pytest.raises(Unfit, match="two bookings"):
        empty.open()
    with empty.reading() as connection:
        assert pending(connection) == pending(None)[-1:]


def test_a_newer_database_is_refused_with_what_to_do(empty: Store) -> None:
    empty.open()
    with empty.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Unfit, match=r"schema 9999.*restore the copy"):
        empty.open()
