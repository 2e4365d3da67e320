"""Both databases for central's figures: SQLite in a folder, a private PostgreSQL; both sync every commit to disk."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

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


class Run(Protocol):
    """Carries out one statement and returns its rows."""

    def __call__(self, statement: str, values: tuple[object, ...] = ()) -> Any: ...


@contextlib.contextmanager
def bare(store: Store) -> Iterator[Run]:
    """Give the driver alone, on a connection set up as central's: what a statement costs without our layers.

    `?` stands for a value.
    """
    connection = store.engine.raw_connection()
    cursor = connection.cursor()
    mark = "%s" if store.is_postgres else "?"

    def run(statement: str, values: tuple[object, ...] = ()) -> Any:
        cursor.execute(statement.replace("?", mark), values)
        return cursor.fetchall() if cursor.description else None

    try:
        yield run
    finally:
        cursor.close()
        connection.close()


def scalar(store: Store, query: sa.Select[Any]) -> Any:
    """Return the one value that `query` asks for."""
    with store.reading() as connection:
        return connection.scalar(query)
