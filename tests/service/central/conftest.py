"""Both databases: what asks for `database` runs on SQLite and on a private PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.postgres import Cluster
from tests.postgres import cluster as private_cluster


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """One PostgreSQL for the run (for each process of a parallel one)."""
    with private_cluster() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """The address of a fresh database; None for SQLite in the office's own folder."""
    if request.param == "sqlite":
        yield None
        return
    server: Cluster = request.getfixturevalue("cluster")
    with server.database() as url:
        yield url
