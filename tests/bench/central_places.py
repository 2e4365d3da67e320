"""Both databases for central's figures: SQLite in a folder, a private PostgreSQL; both sync every commit to disk."""

from __future__ import annotations

import contextlib
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from central.db.store import Store
from siaga.bench import Figure
from tests.bench.common import percentile
from tests.postgres import Cluster, cluster


@dataclass(frozen=True, slots=True)
class Place:
    """One kind of database, and fresh ones of it."""

    name: str
    _cluster: Cluster | None = None

    @contextlib.contextmanager
    def fresh(self) -> Iterator[tuple[Path, str | None]]:
        """Give a folder and the address of an empty database; None for SQLite in that folder."""
        with tempfile.TemporaryDirectory(prefix="siaga-bench-") as folder, contextlib.ExitStack() as stack:
            yield Path(folder), stack.enter_context(self._cluster.database()) if self._cluster else None

    def figure(
        self, figure: str, value: float, unit: str, at_most: float | None = None, *, floor: float | None = None
    ) -> Figure:
        """Return a figure of this place that should not exceed `at_most`."""
        goal = "-" if at_most is None else f"<= {at_most:g}"
        return Figure(
            "central", f"{figure}, {self.name}", value, unit, goal, at_most is None or value <= at_most, floor
        )

    def rate(self, figure: str, value: float, at_least: float | None = None, *, floor: float | None = None) -> Figure:
        """Return a rate of this place that should not fall below `at_least`."""
        goal = "-" if at_least is None else f">= {at_least:g}"
        holds = at_least is None or value >= at_least
        return Figure("central", f"{figure}, {self.name}", value, "/s", goal, holds, floor)


@contextlib.contextmanager
def places() -> Iterator[tuple[Place, ...]]:
    """Give both while inside."""
    with cluster(durable=True) as server:
        yield Place("SQLite"), Place("PostgreSQL", server)


def milliseconds(deeds: list[Callable[[], object]]) -> list[float]:
    """Return how long each of `deeds` takes."""
    taken = []
    for deed in deeds:
        began = time.perf_counter()
        deed()
        taken.append((time.perf_counter() - began) * 1000)
    return taken


def p95(taken: list[float]) -> float:
    """Return what 95 of 100 do not exceed."""
    return percentile(taken, 0.95)


class Run:
    """Carries out statements with the driver alone; `?` stands for a value."""

    def __init__(self, cursor: Any, *, is_postgres: bool) -> None:
        self._cursor = cursor
        self._mark = "%s" if is_postgres else "?"
        self.needs_begin = not is_postgres
        """SQLite's driver begins nothing by itself, as central sets it up."""

    def __call__(self, statement: str, values: tuple[object, ...] = ()) -> Any:
        """Carry out one statement and return its rows."""
        self._cursor.execute(statement.replace("?", self._mark), values)
        return self._cursor.fetchall() if self._cursor.description else None


@contextlib.contextmanager
def bare(store: Store) -> Iterator[Run]:
    """Give the driver alone, on a connection set up as central's: what a statement costs without our layers."""
    connection = store.engine.raw_connection()
    cursor = connection.cursor()
    run = Run(cursor, is_postgres=store.is_postgres)
    try:
        yield run
    finally:
        cursor.close()
        connection.close()


def bare_rows(store: Store, count: int, *, each: int = 1) -> list[float]:
    """Return the milliseconds of `count` transactions that write `each` bare rows with the driver alone."""
    table = bare_table(store)
    with bare(store) as run:
        return milliseconds([lambda: write_rows(run, table, each)] * count)


def bare_table(store: Store) -> str:
    """Make a table of bare rows and return its name."""
    table = f"bench_{secrets.token_hex(4)}"
    with store.writing() as connection:
        connection.exec_driver_sql(f"CREATE TABLE {table} (n BIGINT, said TEXT)")
    return table


def write_rows(run: Run, table: str, count: int) -> None:
    """Write `count` rows of 200 bytes in one transaction."""
    if run.needs_begin:
        run("BEGIN IMMEDIATE")
    for n in range(count):
        run(f"INSERT INTO {table} VALUES (?, ?)", (n, "x" * 200))
    run("COMMIT")


def scalar(store: Store, query: sa.Select[Any]) -> Any:
    """Return the one value that `query` asks for."""
    with store.reading() as connection:
        return connection.scalar(query)
