"""PostgreSQL as central uses it: writers side by side, each with locks on what it decides about.

READ COMMITTED for writers: a statement after a lock sees what was committed while it was
waited for, which a snapshot of the whole transaction would not. Readers get one snapshot
and may not write. Every wait has a limit, set when a connection is made.
"""

from __future__ import annotations

from typing import Any, Final

import psycopg
import sqlalchemy as sa
from psycopg.types.string import StrDumperUnknown

from central.errors import Unfit

NAME: Final = "postgresql"
OLDEST: Final = 15
CONNECT_WITHIN_S: Final = 5
SILENT_AT_MOST_MS: Final = 4000
"""How long a server's machine may leave what was sent to it unacknowledged."""
LIMITS: Final = {
    "statement_timeout": "30s",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "60s",
}
READER: Final = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
"""What a connection for reading is told: one consistent state, and no writing."""
_KEEPALIVE: Final = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3} | {
    "tcp_user_timeout": SILENT_AT_MOST_MS
}
_PASSING: Final = frozenset({"40001", "40P01"})
"""Broken off because of another transaction: serialization failure, deadlock."""
_AWAY: Final = ("08", "53", "57P", "58")
"""Classes of what a server says that cannot work just now: connection, resources, shutting down or starting, disk."""
_CREATE: Final = 'as a superuser: CREATE EXTENSION btree_gist (Debian: package "postgresql-contrib" or "postgresql")'


def make_engine(url: sa.URL) -> sa.Engine:
    """Return an engine; nothing is connected yet."""
    options = " ".join(f"-c {name}={value}" for name, value in LIMITS.items())
    arguments = {"connect_timeout": CONNECT_WITHIN_S, "application_name": "siaga", "options": options} | _KEEPALIVE
    engine = sa.create_engine(url, pool_size=8, max_overflow=32, pool_pre_ping=True, connect_args=arguments)
    sa.event.listen(engine, "connect", _prepare)
    return engine


class _TextDumper(StrDumperUnknown):
    """Text as PostgreSQL takes it: the character NUL, which it refuses, is replaced as unreadable bytes are."""

    def dump(self, obj: str) -> Any:
        return super().dump(obj.replace("\0", "\N{REPLACEMENT CHARACTER}") if "\0" in obj else obj)


def _prepare(connection: psycopg.Connection[Any], _record: object) -> None:
    connection.adapters.register_dumper(str, _TextDumper)


def check(connection: sa.Connection) -> None:
    """Look whether the server is one that central can be served from.

    Raises:
        Unfit: too old, another encoding, or a standby that takes no writes.
    """
    number = int(connection.exec_driver_sql("SHOW server_version_num").scalar_one())
    if number // 10_000 < OLDEST:
        raise Unfit("database.too_old", f"wanted PostgreSQL {OLDEST} or newer, found {number // 10_000}")
    encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
    if encoding != "UTF8":
        raise Unfit("database.encoding", f"wanted a database in UTF8, found {encoding}: create it with ENCODING 'UTF8'")
    if connection.exec_driver_sql("SELECT pg_is_in_recovery()").scalar_one():
        raise Unfit("database.standby", "this server is a standby that takes no writes: name the primary")


def take_time(connection: sa.Connection) -> None:
    """Let this transaction last as long as it must: an index over many years, a copy of everything."""
    for limit in LIMITS:
        connection.exec_driver_sql(f"SET LOCAL {limit} = 0")


def check_rights(connection: sa.Connection) -> None:
    """Try whether central can make its guard and its tables here, and take everything back."""
    with connection.begin_nested() as trial:
        connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS btree_gist")
        connection.exec_driver_sql("CREATE TABLE siaga_trial (id integer)")
        trial.rollback()


def unfit(error: sa.exc.DatabaseError) -> Unfit:
    """Return what is wrong with the database, and what to do about it."""
    said, state = str(error.orig).strip().replace("\n", "; "), getattr(error.orig, "sqlstate", None)
    if "btree_gist" in said:
        return Unfit("database.extension", f"the extension btree_gist cannot be created: {said}; {_CREATE}")
    if state == "42501":
        return Unfit("database.rights", f"central's role lacks a right: {said}; let it own the database and its tables")
    if state is None or state.startswith(("08", "28", "3D", "57")):
        hint = "is PostgreSQL running, and are host, database, role and password (PGPASSFILE) right?"
        return Unfit("database.unreachable", f"cannot be reached: {said}; {hint}")
    return Unfit("database.unusable", f"cannot be used: {said}")


def passes(error: sa.exc.DBAPIError) -> bool:
    """Return whether the same statements may well succeed a moment later."""
    return getattr(error.orig, "sqlstate", None) in _PASSING


def away(error: sa.exc.DBAPIError) -> bool:
    """Return whether there is no server to speak to, or one that cannot work just now."""
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return str(state).startswith(_AWAY)
    return error.connection_invalidated or isinstance(error, sa.exc.OperationalError)
