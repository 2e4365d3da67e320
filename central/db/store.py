"""The database and the two ways to use it: reading one state, and writing all or nothing.

SQLite lets one connection write; whoever waits for it in SQLite's own busy handler may
wait for seconds behind luckier ones. So its writers queue here, first come, first served,
and start their transaction as a writer at once: nothing they read can change under them.
On PostgreSQL writers run side by side and lock what they decide about (`central.db.locks`).
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from central.db import guard, locks, postgres, sqlite
from central.db.tables import meta
from central.db.writes import insert_new
from central.errors import Away, Unfit
from contract import new_id

log = logging.getLogger(__name__)


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
    """Return an engine on `url`.

    Raises:
        Unfit: a kind of database that this version does not know.
    """
    wanted = sa.make_url(url)
    if wanted.drivername == sqlite.NAME:
        return sqlite.make_engine(wanted)
    if wanted.drivername == f"{postgres.NAME}+psycopg":
        return postgres.make_engine(wanted)
    raise Unfit("database.kind", f"wanted sqlite:/// or postgresql+psycopg://, got {wanted.drivername}")


class Store:
    """The database, checked and ready to serve."""

    def __init__(self, url: str) -> None:
        self.engine = make_engine(url)
        self.is_postgres = self.engine.dialect.name == postgres.NAME
        self._kind = postgres if self.is_postgres else sqlite
        self._reader = self.engine.execution_options(**postgres.READER) if self.is_postgres else self.engine
        self._writer = self.engine if self.is_postgres else self.engine.execution_options(writes=True)
        self._turn: AbstractContextManager[object] = nullcontext() if self.is_postgres else FairLock()
        self._is_closed = False
        sa.event.listen(self.engine, "checkin", self._given_back)

    def open(self) -> None:
        """Bring the schema up to date and prove that overlaps are refused.

        Raises:
            Unfit: out of reach, damaged, unusable, newer than this version, or overlaps are accepted.
        """
        self._is_closed = False
        with self._named_errors():
            self._open()

    def look(self) -> str:
        """Return in one line what is there, and change nothing.

        Raises:
            Unfit: central cannot be served from it; it says what to do.
        """
        with self._named_errors():
            with self.reading() as connection:
                self._kind.check(connection)
                missing = pending(connection)
            with self.writing() as connection:
                self._kind.check_rights(connection)
        return f"{self.where}: {f'{len(missing)} migrations to come' if missing else 'up to date'}"

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        """Say which database it is, what is wrong with it, and what to do.

        Raises:
            Unfit: whatever the database said.
        """
        try:
            yield
        except sa.exc.DatabaseError as error:
            raise self._unfit(error) from error
        except Away as error:
            if isinstance(error.__cause__, sa.exc.DatabaseError):
                raise self._unfit(error.__cause__) from error
            raise Unfit(error.code, f"{self.where}: {error}") from error
        except Unfit as error:
            raise Unfit(error.code, f"{self.where}: {error}") from error

    def _unfit(self, error: sa.exc.DatabaseError) -> Unfit:
        found = self._kind.unfit(error)
        return Unfit(found.code, f"{self.where}: {found}")

    def _open(self) -> None:
        """Do what `open` says.

        Raises:
            Unfit: as there.
        """
        with self.reading() as connection:
            self._kind.check(connection)
            wanted = pending(connection)
        self._keep_before(wanted)
        with self.writing() as connection:
            self._kind.take_time(connection)
            locks.alone(connection, "migrations")
            upgrade(connection)
            guard.prove(connection)
            insert_new(connection, meta, [{"key": "epoch", "value": new_id()}])

    def _keep_before(self, wanted: Sequence[str]) -> None:
        """Copy a SQLite database that will be brought up to date, beside itself; a new one has nothing to keep."""
        file = Path(self.engine.url.database or "")
        if self.is_postgres or not wanted or wanted == pending(None):
            return
        kept = file.with_name(f"{file.name}.before-{wanted[-1]}")
        if not kept.exists():
            sqlite.copy(self.engine, kept)
            kept.chmod(0o600)
            log.info("copied before the upgrade", extra={"file": str(kept), "to": wanted[-1]})

    @property
    def where(self) -> str:
        """The database as people call it, without a password."""
        url = self.engine.url
        return url.render_as_string(hide_password=True) if self.is_postgres else url.database or str(url)

    def close(self) -> None:
        """Give all connections back, those that a thread still works with as soon as it is done."""
        self._is_closed = True
        self.engine.dispose()

    def _given_back(self, _connection: object, record: sa.pool.ConnectionPoolEntry) -> None:
        if self._is_closed:  # the pool that it goes to is nobody's any more
            record.close()

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Give a connection that sees one consistent state; it must not write."""
        with self._there(), self._reader.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Give a connection that may write; what is inside is committed together or not at all.

        On SQLite it is the only one.
        """
        with self._there(), self._turn, self._writer.begin() as connection:
            yield connection

    @contextmanager
    def _there(self) -> Iterator[None]:
        """Tell a database that is away from a statement that is wrong.

        Raises:
            Away: it is away, or so many wait for it that there is no connection left.
            DBAPIError: whatever else it said.
        """
        try:
            yield
        except sa.exc.TimeoutError as error:
            raise Away(str(error)) from error
        except sa.exc.DBAPIError as error:
            if not self._kind.away(error):
                raise
            raise Away(str(error.orig).strip()) from error

    @property
    def epoch(self) -> str:
        """The life of this database; another one after a restore."""
        with self.reading() as connection:
            return epoch_in(connection)


def epoch_in(connection: sa.Connection) -> str:
    """Return the life of this database, asked in the caller's transaction."""
    return str(connection.scalar(_EPOCH))


_EPOCH = sa.select(meta.c.value).where(meta.c.key == "epoch")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def look(url: str) -> str:
    """Return in one line what is at `url`, and change nothing.

    Raises:
        Unfit: central cannot be served from it; it says what to do.
    """
    engine = make_engine(url)
    if engine.dialect.name == sqlite.NAME and not Path(engine.url.database or "").exists():
        return "a new SQLite file, made at the first start"
    store = Store(url)
    try:
        return store.look()
    finally:
        store.close()


def known_revisions() -> frozenset[str]:
    """Return the schemas that this version can bring up to date."""
    return frozenset(pending(None))


def pending(connection: sa.Connection | None) -> list[str]:
    """Return the migrations that a database does not have yet, oldest first; all of them for one that is not there.

    Raises:
        Unfit: it has one that this version does not know.
    """
    scripts = ScriptDirectory.from_config(_config())
    order = [script.revision for script in scripts.walk_revisions()][::-1]
    present = set() if connection is None else set(MigrationContext.configure(connection).get_current_heads())
    if present - set(order):
        newer = ", ".join(sorted(present - set(order)))
        text = (
            f"the database was made by a newer version of Siaga (schema {newer}) and cannot be taken back: install it"
        )
        raise Unfit("database.newer", f"{text}, or restore the copy made before the upgrade")
    done = max((order.index(revision) + 1 for revision in present), default=0)
    return order[done:]


def upgrade(connection: sa.Connection) -> None:
    """Run the migrations that this database does not have yet, in the caller's transaction.

    After each of them an overlap is tried: one that loses the guard is not committed.

    Raises:
        Unfit: the database has a migration that this version does not know, or lost its guard by one.
    """
    config = _config()
    config.attributes["connection"] = connection
    for revision in pending(connection):
        command.upgrade(config, revision)
        guard.prove(connection)


def newest() -> set[str]:
    """Return the newest revision of the schema that this version knows."""
    return set(ScriptDirectory.from_config(_config()).get_heads())
