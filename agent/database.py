"""The file of the store, and what takes its place while the disk will not write.

On a full, failing or read-only disk the room goes on: what would have been committed is kept
in memory, in temporary tables that hide those of the file, so that every question is answered
as if it had been. When the disk writes again, all of it is committed at once. What only the
memory holds is not on the disk, so nobody outside is told of it before.

A damaged file is put aside under a name that says when, and what can be read of it goes on
in a new one.
"""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from drivers.outcomes import Reason

log = logging.getLogger(__name__)

SCHEMA_VERSION = 2
"""2: entries are chained; an older agent would break the chain."""
_SCHEMA = """
CREATE {temp} TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE {temp} TABLE IF NOT EXISTS journal (
    seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, session TEXT, at TEXT NOT NULL, entry TEXT NOT NULL
);
CREATE {temp} TABLE IF NOT EXISTS plans (session TEXT PRIMARY KEY, plan TEXT NOT NULL) WITHOUT ROWID;
CREATE {temp} TABLE IF NOT EXISTS places (
    camera TEXT NOT NULL, memory INTEGER NOT NULL, pan_deg REAL NOT NULL, tilt_deg REAL NOT NULL, zoom REAL NOT NULL,
    kept_at TEXT NOT NULL, PRIMARY KEY (camera, memory)
) WITHOUT ROWID;
CREATE {temp} TABLE IF NOT EXISTS commands (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, reply TEXT);
"""
_INDEX = "CREATE INDEX IF NOT EXISTS main.journal_session ON journal (session, seq);"
_ENTRIES = "CREATE TEMP VIEW entries AS SELECT * FROM main.journal"
_ENTRIES_SHELTERED = "CREATE TEMP VIEW entries AS SELECT * FROM main.journal UNION ALL SELECT * FROM temp.journal"

KEYED = {"facts": 2, "plans": 2, "places": 6, "commands": 3}
"""Small tables whose rows are replaced, and how many columns each has."""
JOURNAL_COLUMNS = 5
MENDED_FROM = "mended_from"
"""The fact that names the damaged file which this one took the place of."""
_SUFFIXES = ("-wal", "-shm", "")
"""The log first: a new file must never find an old one's."""

Row = tuple[object, ...]
Statement = tuple[str, Sequence[object]]

_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}
_FULL = {errno.ENOSPC, errno.EDQUOT}
_FAULTS_OF_DISK = _READ_ONLY | _FULL | {errno.EIO, errno.EFBIG}


class StoreUnfit(Exception):
    """The data folder cannot be used: another agent has it, or it is none, or a newer agent made it."""


@dataclass(slots=True)
class Salvaged:
    """What could be read of a file."""

    journal: list[Row] = field(default_factory=list)
    keyed: dict[str, list[Row]] = field(default_factory=lambda: {name: [] for name in KEYED})

    @property
    def facts(self) -> dict[str, str]:
        """The facts by name."""
        return {str(name): str(value) for name, value in self.keyed["facts"]}


@dataclass(frozen=True, slots=True)
class Mended:
    """A file that was damaged: under which name it lies, and what was read of it."""

    aside: Path
    found: str
    salvaged: Salvaged


def is_damage(error: sqlite3.DatabaseError) -> bool:
    """Return whether the file's content is wrong, and not the disk or the program."""
    return _code(error) in _DAMAGED


def _code(error: sqlite3.DatabaseError) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def storage_reason(error: Exception, folder: Path) -> Reason | None:
    """Return what an error says of the disk, or none when it is no fault of the disk."""
    values: dict[str, str] = {"folder": str(folder)}
    if isinstance(error, OSError):
        if error.errno not in _FAULTS_OF_DISK:
            return None
        code = "full" if error.errno in _FULL else "read_only" if error.errno in _READ_ONLY else "failing"
        return Reason(f"storage.{code}", f"{folder}: {error.strerror}", values)
    if not isinstance(error, sqlite3.DatabaseError) or isinstance(error, sqlite3.IntegrityError):
        return None
    if is_damage(error):
        return Reason("storage.damaged", f"{folder}: {error}", values)
    if not isinstance(error, sqlite3.OperationalError) or _code(error) in {sqlite3.SQLITE_ERROR, 0}:
        return None  # a wrong statement is a bug
    codes = {sqlite3.SQLITE_FULL: "full", sqlite3.SQLITE_READONLY: "read_only"}
    return Reason(f"storage.{codes.get(_code(error), 'failing')}", f"{folder}: {error}", values)


def open_file(path: Path) -> sqlite3.Connection:
    """Open the file on the disk, ready to write, and see that it is whole.

    Raises:
        StoreUnfit: a newer agent made it.
        DatabaseError: the disk will not write, or the file is damaged.
    """
    connection = sqlite3.connect(path, isolation_level=None)
    with contextlib.ExitStack() as opened:
        opened.callback(connection.close)
        for pragma in ("temp_store=MEMORY", "journal_mode=WAL", "synchronous=FULL", "busy_timeout=2000"):
            connection.execute(f"PRAGMA {pragma}")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise StoreUnfit(f"{path}: wanted a journal of version {SCHEMA_VERSION} at most, found {version}")
        if (found := connection.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
            error = sqlite3.DatabaseError(str(found))
            error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            raise error
        connection.executescript(_SCHEMA.format(temp="") + _INDEX)
        if version < SCHEMA_VERSION:
            connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        connection.execute(_ENTRIES)
        opened.pop_all()
    return connection


def open_memory(salvaged: Salvaged) -> sqlite3.Connection:
    """Return a file that is none, with what could be read of the one on the disk."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.executescript(_SCHEMA.format(temp="") + _INDEX)
    connection.execute(_ENTRIES)
    with transaction(connection):
        fill(connection, salvaged)
    return connection


def fill(connection: sqlite3.Connection, salvaged: Salvaged) -> None:
    """Put rows into the file: those with a key take the place of all that stood there."""
    for name, rows in salvaged.keyed.items():
        connection.execute(f"DELETE FROM main.{name}")  # noqa: S608 - a name of ours
        _insert(connection, name, KEYED[name], rows)
    _insert(connection, "journal", JOURNAL_COLUMNS, salvaged.journal)


def _insert(connection: sqlite3.Connection, name: str, columns: int, rows: list[Row]) -> None:
    marks = ", ".join("?" * columns)
    connection.executemany(f"INSERT INTO main.{name} VALUES ({marks})", rows)  # noqa: S608 - a name of ours


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit what is done meanwhile, all or nothing."""
    connection.execute("BEGIN")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite has taken some back by itself
            connection.execute("ROLLBACK")
        raise


# Shelter.


def take_shelter(connection: sqlite3.Connection) -> None:
    """Have everything from now on written to memory; what is in the file is still seen."""
    connection.executescript(_SCHEMA.format(temp="TEMP"))
    for name in KEYED:
        connection.execute(f"INSERT INTO temp.{name} SELECT * FROM main.{name}")  # noqa: S608 - a name of ours
    connection.execute("DROP VIEW temp.entries")
    connection.execute(_ENTRIES_SHELTERED)


def leave_shelter(connection: sqlite3.Connection) -> None:
    """Write to the file again."""
    connection.execute("DROP VIEW temp.entries")
    for name in (*KEYED, "journal"):
        connection.execute(f"DROP TABLE temp.{name}")
    connection.execute(_ENTRIES)


def sheltered(connection: sqlite3.Connection) -> Salvaged:
    """Return what only the memory holds."""
    return _read(connection, "temp")


# Reading what can be read.


def complaint(path: Path) -> str:
    """Return what is wrong with a file as a database, nothing for one that is whole.

    Raises:
        DatabaseError: it is none, or cannot be read.
    """
    try:
        return _checked(_as_it_is, path)
    except sqlite3.OperationalError:  # a log that nobody has read since a cut wants to be written to
        return _checked(_copied, path)


def _checked(reader: Callable[[Path], AbstractContextManager[sqlite3.Connection]], path: Path) -> str:
    with reader(path) as connection:
        found = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
        connection.execute("SELECT COUNT(*) FROM journal").fetchone()
        return "" if found == "ok" else found


def read_out(path: Path) -> Salvaged:
    """Return what can be read of a file, whatever is wrong with it or its disk; never raises for either."""
    for reader in (_as_it_is, _copied, _as_it_lies):
        with contextlib.suppress(sqlite3.DatabaseError, OSError), reader(path) as connection:
            connection.execute("SELECT COUNT(*) FROM sqlite_schema").fetchone()
            return _read(connection, "main")
    return Salvaged()


@contextlib.contextmanager
def _as_it_is(path: Path) -> Iterator[sqlite3.Connection]:
    """Read beside the write-ahead log; on a read-only disk SQLite may be unable to."""
    with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        yield connection


@contextlib.contextmanager
def _copied(path: Path) -> Iterator[sqlite3.Connection]:
    """Read a copy of file and log at a place that can be written."""
    with tempfile.TemporaryDirectory(prefix="siaga-") as folder:
        for name in (path.name, f"{path.name}-wal"):
            if path.with_name(name).exists():
                shutil.copyfile(path.with_name(name), Path(folder) / name)
        with contextlib.closing(sqlite3.connect(Path(folder) / path.name)) as connection:
            yield connection


@contextlib.contextmanager
def _as_it_lies(path: Path) -> Iterator[sqlite3.Connection]:
    """Read the file alone, without its log."""
    with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True)) as connection:
        yield connection


def _read(connection: sqlite3.Connection, place: str) -> Salvaged:
    keyed = {name: _rows(connection, f"SELECT * FROM {place}.{name}") for name in KEYED}  # noqa: S608 - names of ours
    return Salvaged(_journal(connection, place), keyed)


def _journal(connection: sqlite3.Connection, place: str) -> list[Row]:
    """Return the journal's rows: up to the first damage, and from the end back to the last."""
    query = f"SELECT * FROM {place}.journal ORDER BY seq"  # noqa: S608 - a name of ours
    rows = {row[0]: row for row in _rows(connection, query)}
    rows |= {row[0]: row for row in _rows(connection, f"{query} DESC")} if place == "main" else {}
    return [rows[seq] for seq in sorted(seq for seq in rows if isinstance(seq, int))]


def _rows(connection: sqlite3.Connection, query: str) -> list[Row]:
    """Return the rows up to where reading fails."""
    rows: list[Row] = []
    with contextlib.suppress(sqlite3.DatabaseError):
        for row in connection.execute(query):
            rows.append(row)  # noqa: PERF402 - those before the damage are kept
    return rows


def put_aside(path: Path, found: str) -> Mended:
    """Give a damaged file a name that says when, and return what could be read of it.

    A note beside the file says so until the new one holds what it should: a power cut in
    between costs nothing.
    """
    aside = path.with_name(f"{path.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}")
    log.error("journal damaged, put aside: %s", found, extra={"action": "mended", "aside": str(aside)})
    with _note(path).open("w", encoding="utf-8") as file:
        json.dump({"aside": aside.name, "found": found}, file)
        file.flush()
        os.fsync(file.fileno())
    return _moved(path, aside, found)


def begun_mending(path: Path) -> Mended | None:
    """Return the mending that an earlier process began and did not end, from its beginning."""
    note = _note(path)
    try:
        told = json.loads(note.read_text(encoding="utf-8"))
        aside, found = path.with_name(str(told["aside"])), str(told["found"])
    except (OSError, ValueError, KeyError, TypeError):  # none, or none that was written to its end
        return None
    if _holds_what_it_should(path, aside):
        end_mending(path)
        return None
    if aside.exists():  # what stands in its place was never finished
        for suffix in _SUFFIXES:
            Path(f"{path}{suffix}").unlink(missing_ok=True)
    return _moved(path, aside, found)


def end_mending(path: Path) -> None:
    """Take away the note: the new file holds what it should."""
    with contextlib.suppress(OSError):  # the new file says so as well
        _note(path).unlink()


def _note(path: Path) -> Path:
    return path.with_name(f"{path.name}.mending")


def _holds_what_it_should(path: Path, aside: Path) -> bool:
    query = "SELECT value FROM facts WHERE name = ?"
    with contextlib.suppress(sqlite3.DatabaseError), _as_it_is(path) as connection:
        return bool(connection.execute(query, (MENDED_FROM,)).fetchone() == (aside.name,))
    return False


def _moved(path: Path, aside: Path, found: str) -> Mended:
    for suffix in _SUFFIXES:
        with contextlib.suppress(FileNotFoundError):
            Path(f"{path}{suffix}").replace(f"{aside}{suffix}")
    return Mended(aside, found, read_out(aside))
