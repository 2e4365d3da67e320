"""Copies of the database, made while central runs, and what tells whether two hold the same.

SQLite copies itself into a file of its own (`VACUUM INTO`); PostgreSQL's own programs write and
read an archive. Sums are over the rows and not their order, since servers sort differently.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from central.db import postgres, sqlite
from central.db.store import Store
from central.errors import Unfit

DUMP_WITHIN_S: Final = 3600
FETCHED_AT_ONCE: Final = 2000
OURS: Final = "meta"
"""The table that is other after a restore: it holds the epoch."""
_NEW_EPOCH: Final = "\nUPDATE public.meta SET value = :'epoch' WHERE key = 'epoch';\n"
_FUNCTIONS: Final = ("siaga_outbox_filled",)


@dataclass(frozen=True, slots=True)
class Sum:
    """What a table holds: how many rows, and a sum over the hashes of all of them."""

    rows: int
    sha256: str


def sums(connection: sa.Connection) -> dict[str, Sum]:
    """Return what each table holds, by whatever columns it has in this database."""
    found = sa.inspect(connection)
    return {
        name: _sum(connection, name, [c["name"] for c in found.get_columns(name)]) for name in found.get_table_names()
    }


def _sum(connection: sa.Connection, name: str, columns: list[str]) -> Sum:
    wanted: list[sa.ColumnElement[object]] = [sa.column(column) for column in columns]
    query = sa.select(*wanted).select_from(sa.table(name))
    rows, total = 0, 0
    for row in connection.execution_options(yield_per=FETCHED_AT_ONCE).execute(query):
        rows += 1
        said = json.dumps(list(row), ensure_ascii=False, default=str).encode()
        total += int.from_bytes(hashlib.sha256(said).digest())
    return Sum(rows, f"{total % 2**256:064x}")


def dump(store: Store, target: Path) -> dict[str, Sum]:
    """Write a copy of one moment's state to `target`, while others write, and return what it holds.

    Raises:
        Unfit: PostgreSQL's programs are missing or refuse.
    """
    return _dump_postgres(store, target) if store.is_postgres else _dump_sqlite(store, target)


def _dump_sqlite(store: Store, target: Path) -> dict[str, Sum]:
    sqlite.copy(store.engine, target)
    return sums_of_file(target)


def sums_of_file(path: Path) -> dict[str, Sum]:
    """Return what a SQLite file holds, without touching it."""
    engine = sa.create_engine(f"sqlite:///file:{path}?mode=ro&uri=true", poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        return sums(connection)


def _dump_postgres(store: Store, target: Path) -> dict[str, Sum]:
    with store.reading() as connection:
        postgres.take_time(connection)
        snapshot = connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one()
        orders = ["--format=custom", "--no-owner", "--no-privileges", "--no-comments"]
        run_tool(store.engine.url, "pg_dump", *orders, f"--snapshot={snapshot}", f"--file={target}")
        return sums(connection)


def load_postgres(url: sa.URL, archive: Path, *, drop: Mapping[str, Sum], epoch: str) -> None:
    """Put an archive into a database under a new epoch, in place of the tables named in `drop`, in one transaction.

    Raises:
        Unfit: PostgreSQL's programs are missing or refuse.
    """
    script = run_tool(None, "pg_restore", "--no-owner", "--no-privileges", "--file=-", str(archive))
    tables = ", ".join(f'"{name}"' for name in drop)
    before = f"DROP TABLE {tables} CASCADE;\n" if tables else ""
    before += "".join(f"DROP FUNCTION IF EXISTS {name}() CASCADE;\n" for name in _FUNCTIONS)
    orders = ("--quiet", "--no-psqlrc", "--single-transaction", "--set=ON_ERROR_STOP=1", f"--set=epoch={epoch}")
    run_tool(url, "psql", *orders, given=before + script + _NEW_EPOCH)


def run_tool(url: sa.URL | None, name: str, *arguments: str, given: str | None = None) -> str:
    """Run one of PostgreSQL's programs and return what it says; a password never stands among its arguments.

    Raises:
        Unfit: it is missing, refuses, or does not end.
    """
    to, environment = [], dict(os.environ)
    if url is not None:
        plain = url.set(drivername="postgresql", password=None)
        to = [f"--dbname={plain.render_as_string(hide_password=False)}"]
        if url.password:
            environment["PGPASSWORD"] = url.password
    command = [str(tool(name)), *to, *arguments]
    try:
        done = subprocess.run(
            command, env=environment, input=given, capture_output=True, text=True, timeout=DUMP_WITHIN_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unfit("backup.tool", f"{name} did not end well: {error}") from error
    if done.returncode != 0:
        raise Unfit("backup.tool", f"{name} refuses: {done.stderr.strip()[:600]}")
    return done.stdout


def tool(name: str) -> Path:
    """Return where one of PostgreSQL's programs is; the newest, as it reads older servers too.

    Raises:
        Unfit: it is nowhere.
    """
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1]
    if (anywhere := shutil.which(name)) is not None:
        return Path(anywhere)
    raise Unfit("backup.tool", f"the program {name} is not installed (Debian: postgresql-client)")
