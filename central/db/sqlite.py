"""SQLite as central uses it: every commit on disk before it counts, and a writer is one from its first statement."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from central.errors import Unfit

NAME: Final = "sqlite"
BUSY_WITHIN_S: Final = 20
"""How long a writer waits for one of another process; those of our own queue fairly before that."""
BUSY: Final = 5
"""SQLite's own number for: another process writes, and did not stop in time."""
_AWAY: Final = frozenset({7, 8, 10, 13, 14})
"""SQLite's own numbers for: no memory, read-only, disk error, disk full, cannot be opened."""
MEND: Final = "put the newest copy in its place (`siaga admin restore`), and keep the damaged file"
"""What whoever starts central can do about a damaged database."""


def make_engine(url: sa.URL) -> sa.Engine:
    """Return an engine that syncs every commit to disk."""
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


def check(connection: sa.Connection) -> None:
    """Look for damage.

    Raises:
        Unfit: there is some.
    """
    found = str(connection.exec_driver_sql("PRAGMA quick_check(1)").scalar())
    if found != "ok":
        raise Unfit("database.damaged", f"wanted a sound database, found: {found}; {MEND}")


def take_time(connection: sa.Connection) -> None:
    """A transaction here may last as long as it must."""
    del connection


def check_rights(connection: sa.Connection) -> None:
    """A file that could be opened for writing can take everything."""
    del connection


def copy(engine: sa.Engine, target: Path) -> None:
    """Write one moment's state to the new file `target`, while others write."""
    pooled = engine.raw_connection()
    try:
        pooled.cursor().execute("VACUUM INTO ?", (str(target),))
    finally:
        pooled.close()


def unfit(error: sa.exc.DatabaseError) -> Unfit:
    """Return what is wrong with the database, and what to do about it."""
    if isinstance(error, sa.exc.OperationalError):
        text = f"cannot be used: {error.orig}; is it on a full or read-only disk, or held by another?"
        return Unfit("database.unusable", text)
    return Unfit("database.damaged", f"wanted a database, found: {error.orig}; {MEND}")


def passes(error: sa.exc.DBAPIError) -> bool:
    """Return whether the same statements may well succeed a moment later."""
    return getattr(error.orig, "sqlite_errorcode", None) == BUSY


def away(error: sa.exc.DBAPIError) -> bool:
    """Return whether the file cannot be used just now, by no fault of the statement's."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _AWAY
