"""The engine and the two ways to use it: many readers, one writer at a time.

SQLite lets one connection write; whoever waits for it in SQLite's own busy handler may
wait for seconds behind luckier ones. So writers queue here, first come, first served, and
start their transaction as a writer at once: nothing they read can change under them.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from central.db import guard
from central.db.tables import meta
from central.errors import Unfit
from contract import new_id

BUSY_WITHIN_S = 10


MEND = "put the newest copy in its place, and keep the damaged file"
"""What whoever starts central can do about a damaged database."""


class FairLock:
    """A lock that is given in the order in which it was asked for."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._held = False
        self._waiting: deque[threading.Lock] = deque()

    def __enter__(self) -> None:
        with self._guard:
            if not self._held:
                self._held = True
                return
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        turn.acquire()  # released by the one before, which hands the lock over

    def __exit__(self, *_: object) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._held = False


def make_engine(url: str) -> sa.Engine:
    """Return an engine on `url` that syncs every commit to disk.

    Raises:
        Unfit: not SQLite.
    """
    if not url.startswith("sqlite:///"):
        raise Unfit("database.kind", f"this version serves sqlite:/// only, got {sa.make_url(url).drivername}")
    engine = sa.create_engine(url, pool_size=8, max_overflow=32)
    sa.event.listen(engine, "connect", _prepare)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _record: object) -> None:
    """Set up one sqlite3 connection (its type is the driver's own)."""
    connection.isolation_level = None  # we say BEGIN ourselves, see _begin
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_WITHIN_S}000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


class Store:
    """The database, checked and ready to serve."""

    def __init__(self, url: str) -> None:
        self.engine = make_engine(url)
        self._writer = self.engine.execution_options(writes=True)
        self._turn = FairLock()

    def open(self) -> None:
        """Bring the schema up to date and prove that overlaps are refused.

        Raises:
            Unfit: damaged, unusable, newer than this version, or overlaps are accepted.
        """
        try:
            self._open()
        except sa.exc.OperationalError as error:
            text = (
                f"{self._where}: cannot be used: {error.orig}; is it on a full or read-only disk, or held by another?"
            )
            raise Unfit("database.unusable", text) from error
        except sa.exc.DatabaseError as error:
            raise Unfit("database.damaged", f"{self._where}: wanted a database, found: {error.orig}; {MEND}") from error

    def _open(self) -> None:
        """Do what `open` says.

        Raises:
            Unfit: as there.
        """
        with self.reading() as connection:
            found = str(connection.exec_driver_sql("PRAGMA quick_check(1)").scalar())
        if found != "ok":
            raise Unfit("database.damaged", f"{self._where}: wanted a sound database, found: {found}; {MEND}")
        with self.writing() as connection:
            upgrade(connection)
        with self.writing() as connection:
            guard.prove(connection)
            connection.execute(meta.insert().prefix_with("OR IGNORE"), {"key": "epoch", "value": new_id()})

    @property
    def _where(self) -> str:
        return self.engine.url.database or str(self.engine.url)

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Give a connection that sees one consistent state; it must not write."""
        with self.engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Give the one writing connection; what is inside is committed together or not at all."""
        with self._turn, self._writer.begin() as connection:
            yield connection

    @property
    def epoch(self) -> str:
        """The life of this database; another one after a restore."""
        with self.reading() as connection:
            return str(connection.scalar(sa.select(meta.c.value).where(meta.c.key == "epoch")))


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def upgrade(connection: sa.Connection) -> None:
    """Run the migrations that this database does not have yet, in the caller's transaction.

    Raises:
        Unfit: it has one that this version does not know.
    """
    config = _config()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    present = set(MigrationContext.configure(connection).get_current_heads())
    if present - known:
        newer = ", ".join(sorted(present - known))
        raise Unfit("database.newer", f"the database was made by a newer version of Siaga (schema {newer})")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
