"""The agent's database: one SQLite file that survives the process and the power.

WAL with `synchronous=FULL`: a commit that returned is on the disk (NORMAL lost acknowledged
entries in a third of simulated power cuts). A commit takes about 0.3 ms on a PC's disk,
so callers run it in the event loop; every function here is a single short transaction for
that reason. On an SD card, put `data` on an SSD.

A disk that will not write stops nothing: see `agent.database`.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from agent import database
from agent.database import Mended, Row, Salvaged, Statement, StoreUnfit
from contract.ids import new_id
from drivers.outcomes import Reason

log = logging.getLogger(__name__)

__all__ = ["FILE", "Store", "StoreUnfit"]

FILE = "siaga.db"
LOCK = "siaga.lock"
_ADD_ENTRY = "INSERT INTO journal VALUES (?, ?, ?, ?, ?)"
SHELTER_BYTES = 16_000_000
"""How much of the journal the memory holds while the disk will not write."""


class Store:
    """One open database file. Not for use from several threads."""

    def __init__(self, folder: Path) -> None:
        """Open the file in `folder` and keep every other agent out of it.

        A disk that will not write is `trouble`, a file that was damaged is `mended`; neither
        is an error.

        Raises:
            StoreUnfit: the folder is in use, is none, or a newer agent made it.
        """
        self.path = folder / FILE
        self.trouble: Reason | None = None
        """Why nothing is written to the disk now."""
        self.mended: Mended | None = None
        """The file was damaged when it was opened."""
        self._sheltered_bytes = 0
        self._is_on_disk = True
        with contextlib.ExitStack() as opened:
            self._lock = self._keep_out_others(folder)
            if self._lock is not None:
                opened.callback(self._lock.close)
            try:
                self._connection = self._open()
            except (sqlite3.DatabaseError, ValueError) as error:
                raise StoreUnfit(f"{self.path}: wanted a journal that can be written, found: {error}") from error
            opened.callback(self._connection.close)
            self._set_up()
            opened.pop_all()

    def _keep_out_others(self, folder: Path) -> IO[str] | None:
        """Return the lock; without one on a disk that will not write, where no other agent can write either.

        Raises:
            StoreUnfit: another agent has the folder, or it is none.
        """
        try:
            return _locked(folder)
        except OSError as error:
            self.trouble = database.storage_reason(error, folder)
            if self.trouble is None:
                raise StoreUnfit(f"{folder}: wanted a folder that can be written, found: {error.strerror}") from error
            return None

    def _open(self) -> sqlite3.Connection:
        """Return the file, or what takes its place.

        Raises:
            DatabaseError: neither the disk's fault nor damage.
        """
        if self.trouble is None:
            try:
                if (begun := database.begun_mending(self.path)) is not None:
                    return self._go_on(begun)
                return database.open_file(self.path)
            except sqlite3.DatabaseError as error:
                if database.is_damage(error):
                    return self._mend(error)
                self.trouble = database.storage_reason(error, self.path.parent)
                if self.trouble is None:
                    raise
        return self._open_without_disk()

    def _mend(self, error: sqlite3.DatabaseError) -> sqlite3.Connection:
        """Put the damaged file aside and go on in a new one; its journal is a stream of its own.

        How far the old stream had come is not known for certain, and a number must never
        be given twice: what central may lack is written anew by `Journal`.
        """
        try:
            return self._go_on(database.put_aside(self.path, str(error)))
        except OSError as fault:
            self.trouble = database.storage_reason(fault, self.path.parent)
            return self._open_without_disk()

    def _go_on(self, mended: Mended) -> sqlite3.Connection:
        """Return a new file with what could be read of the one that was put aside, but its journal."""
        self.mended = mended
        connection = database.open_file(self.path)
        kept = {"facts": [row for row in mended.salvaged.keyed["facts"] if row[0] not in {"stream", "acked"}]}
        with database.transaction(connection):
            database.fill(connection, Salvaged(keyed=mended.salvaged.keyed | kept))
        return connection

    def finish_mending(self, rows: list[Row]) -> None:
        """Commit what the new file's journal begins with; a start that finds less begins the mending anew."""
        if self.mended is None:
            return
        mark = ("INSERT OR REPLACE INTO facts VALUES (?, ?)", (database.MENDED_FROM, self.mended.aside.name))
        self._commit(mark, *((_ADD_ENTRY, row) for row in rows))
        if self.trouble is None:
            database.end_mending(self.path)

    def _open_without_disk(self) -> sqlite3.Connection:
        self._is_on_disk = False
        connection = database.open_memory(database.read_out(self.path))
        database.take_shelter(connection)
        return connection

    def _set_up(self) -> None:
        self.stream = self._once("stream", new_id())
        """Names this life of the file: sequence numbers count within it."""
        self.born_at = datetime.fromisoformat(self._once("born_at", datetime.now(UTC).isoformat()))

    def close(self) -> None:
        """Let go of the file, after a last try to write down what only the memory holds; may be called twice."""
        with contextlib.suppress(sqlite3.ProgrammingError):  # closed already
            self.settle()
        self._connection.close()
        if self._lock is not None:
            self._lock.close()

    # A disk that will not write.

    def _commit(self, *statements: Statement) -> int:
        """Do `statements` in one transaction and return how many rows the first one changed.

        Raises:
            DatabaseError: not the disk's fault: a statement is wrong.
        """
        try:
            return self._transact(statements)
        except sqlite3.DatabaseError as error:
            reason = database.storage_reason(error, self.path.parent)
            if self.trouble is not None or reason is None:
                raise
            self.trouble = reason
            database.take_shelter(self._connection)
            return self._transact(statements)

    def _transact(self, statements: tuple[Statement, ...]) -> int:
        with database.transaction(self._connection):
            changed = [self._connection.execute(*statement).rowcount for statement in statements]
        return changed[0]

    def settle(self) -> bool:
        """Write down what only the memory holds; true when the disk took it and there was trouble."""
        if self.trouble is None:
            return False
        try:
            self._write_down(database.sheltered(self._connection))
        except (sqlite3.DatabaseError, OSError, StoreUnfit) as error:
            self.trouble = database.storage_reason(error, self.path.parent) or self.trouble
            return False
        self.trouble, self._sheltered_bytes = None, 0
        return True

    def _write_down(self, kept: Salvaged) -> None:
        if self._is_on_disk:
            with database.transaction(self._connection):
                database.fill(self._connection, kept)
            database.leave_shelter(self._connection)
            return
        lock = self._lock or _locked(self.path.parent)
        try:
            connection = self._opened_again(kept)
        except BaseException:
            if self._lock is None:
                lock.close()
            raise
        self._connection.close()
        self._connection, self._lock, self._is_on_disk = connection, lock, True

    def _opened_again(self, kept: Salvaged) -> sqlite3.Connection:
        """Return the file on the disk with what was `kept`.

        Raises:
            StoreUnfit: it is another life of the file than the one that was read.
        """
        connection = database.open_file(self.path)
        try:
            self._refuse_another_life(connection)
            with database.transaction(connection):
                database.fill(connection, kept)
        except BaseException:
            connection.close()
            raise
        return connection

    def _refuse_another_life(self, connection: sqlite3.Connection) -> None:
        """See that the file is the one that was read.

        Raises:
            StoreUnfit: it is not.
        """
        found = connection.execute("SELECT value FROM facts WHERE name = 'stream'").fetchone()
        if found is not None and found[0] != self.stream:
            raise StoreUnfit(f"{self.path}: wanted stream {self.stream}, found {found[0]}")

    # Facts.

    def fact(self, name: str) -> str | None:
        """Return the value kept under `name`."""
        row = self._connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def keep_fact(self, name: str, value: str) -> None:
        """Keep `value` under `name`."""
        self._commit(("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value)))

    def _once(self, name: str, value: str) -> str:
        self._commit(("INSERT OR IGNORE INTO facts VALUES (?, ?)", (name, value)))
        return self.fact(name) or value

    # The journal.

    def last_seq(self) -> int:
        """Return the number of the last entry, 0 when there is none."""
        return int(self._connection.execute("SELECT COALESCE(MAX(seq), 0) FROM entries").fetchone()[0])

    def last_on_disk(self) -> int:
        """Return the number of the last entry that is committed to the disk, 0 when there is none."""
        return int(self._connection.execute("SELECT COALESCE(MAX(seq), 0) FROM main.journal").fetchone()[0])

    def add_entries(self, rows: list[Row], *, is_vital: bool = True) -> bool:
        """Commit entries, all or none; false when the disk will not write and the memory kept for that is full.

        For vital ones there is twice as much.
        """
        size = sum(len(str(row[-1])) for row in rows)
        limit = SHELTER_BYTES * (2 if is_vital else 1)
        if self.trouble is not None and self._sheltered_bytes + size > limit:
            return False
        if rows:
            self._commit(*((_ADD_ENTRY, row) for row in rows))
        self._sheltered_bytes += 0 if self.trouble is None else size
        return True

    def entries_upto(self, seq: int) -> Iterator[str]:
        """Yield the entries up to number `seq`, oldest first."""
        for row in self._connection.execute("SELECT entry FROM entries WHERE seq <= ? ORDER BY seq", (seq,)):
            yield row[0]

    def entries_from(self, seq: int, limit: int) -> list[str]:
        """Return at most `limit` entries from number `seq` on."""
        query = "SELECT entry FROM entries WHERE seq >= ? ORDER BY seq LIMIT ?"
        return [row[0] for row in self._connection.execute(query, (seq, limit))]

    def entries_of(self, session: str) -> list[str]:
        """Return the entries of one session, oldest first."""
        query = "SELECT entry FROM entries WHERE session = ? ORDER BY seq"
        return [row[0] for row in self._connection.execute(query, (session,))]

    def entries_of_kind(self, kind: str, first: int, last: int) -> list[str]:
        """Return the entries of one kind between two numbers, oldest first."""
        query = "SELECT entry FROM entries WHERE kind = ? AND seq BETWEEN ? AND ? ORDER BY seq"
        return [row[0] for row in self._connection.execute(query, (kind, first, last))]

    def time_of(self, seq: int) -> datetime | None:
        """Return when the entry with number `seq` was made."""
        row = self._connection.execute("SELECT at FROM entries WHERE seq = ?", (seq,)).fetchone()
        return None if row is None else datetime.fromisoformat(row[0])

    def first_seq(self) -> int:
        """Return the number of the first entry that is kept, 0 when there is none."""
        return int(self._connection.execute("SELECT COALESCE(MIN(seq), 0) FROM main.journal").fetchone()[0])

    def last_before(self, moment: datetime) -> int:
        """Return the last entry that was made before `moment` with all entries before it."""
        query = "SELECT MIN(seq) - 1 FROM main.journal WHERE at >= ?"
        found = self._connection.execute(query, (moment.astimezone(UTC).isoformat(),)).fetchone()[0]
        return self.last_on_disk() if found is None else int(found)

    def first_needed(self) -> int | None:
        """Return the first entry of a session that is held."""
        query = "SELECT MIN(seq) FROM main.journal WHERE session IN (SELECT session FROM plans)"
        found = self._connection.execute(query).fetchone()[0]
        return None if found is None else int(found)

    def first_of_kind(self, kind: str) -> int | None:
        """Return the first entry of one kind."""
        found = self._connection.execute("SELECT MIN(seq) FROM main.journal WHERE kind = ?", (kind,)).fetchone()[0]
        return None if found is None else int(found)

    def content_bytes(self) -> int:
        """Return how large the file's content is; space that was freed is used again before the file grows."""
        pages, free, size = (
            int(self._connection.execute(f"PRAGMA main.{name}").fetchone()[0])
            for name in ("page_count", "freelist_count", "page_size")
        )
        return (pages - free) * size

    def held_sessions(self) -> set[str]:
        """Return the sessions that are held."""
        return {str(row[0]) for row in self._connection.execute("SELECT session FROM plans")}

    def copy_aside(self) -> str:
        """Copy the file under a name that says when, and return that name; empty where there is no room for it."""
        aside = self.path.with_name(f"{self.path.name}.before-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}")
        try:
            self._connection.execute("VACUUM main INTO ?", (str(aside),))
        except sqlite3.OperationalError as error:
            log.warning("the journal as it was could not be kept: %s", error, extra={"action": "forked"})
            aside.unlink(missing_ok=True)
            return ""
        return aside.name

    def begin_anew(self, stream: str, rows: list[Row]) -> None:
        """Give the file a new stream with `rows` for its journal, in one transaction."""
        self._commit(
            ("DELETE FROM journal", ()),
            ("INSERT OR REPLACE INTO facts VALUES ('stream', ?)", (stream,)),
            ("INSERT OR REPLACE INTO facts VALUES ('acked', '0')", ()),
            *((_ADD_ENTRY, row) for row in rows),
        )
        self.stream = stream

    def prune(self, upto: int, row: Row) -> None:
        """Take away the entries up to number `upto`, and add one that says so, in one transaction."""
        self._commit(("DELETE FROM journal WHERE seq <= ?", (upto,)), (_ADD_ENTRY, row))

    # The plan.

    def keep_schedule(self, schedule: str, plans: dict[str, str], forgotten: list[str]) -> None:
        """Commit a snapshot with its sessions; what is `forgotten` goes."""
        self._commit(
            ("INSERT OR REPLACE INTO facts VALUES ('schedule', ?)", (schedule,)),
            *(("INSERT OR REPLACE INTO plans VALUES (?, ?)", plan) for plan in plans.items()),
            *(("DELETE FROM plans WHERE session = ?", (name,)) for name in forgotten),
        )

    def plans(self) -> list[str]:
        """Return every session that is held."""
        return [row[0] for row in self._connection.execute("SELECT plan FROM plans")]

    # Where cameras' memories are.

    def place(self, camera: str, memory: int) -> tuple[float, float, float] | None:
        """Return pan and tilt in degrees and the zoom of a camera's memory, where it is known."""
        query = "SELECT pan_deg, tilt_deg, zoom FROM places WHERE camera = ? AND memory = ?"
        row = self._connection.execute(query, (camera, memory)).fetchone()
        return None if row is None else (float(row[0]), float(row[1]), float(row[2]))

    def places(self, camera: str) -> dict[int, datetime]:
        """Return the memories of a camera whose places are known, and since when."""
        query = "SELECT memory, kept_at FROM places WHERE camera = ? ORDER BY memory"
        rows = self._connection.execute(query, (camera,))
        return {int(memory): datetime.fromisoformat(kept_at) for memory, kept_at in rows}

    def keep_place(self, camera: str, memory: int, place: tuple[float, float, float], at: datetime) -> None:
        """Commit where a memory is."""
        row = (camera, memory, *place, at.isoformat())
        self._commit(("INSERT OR REPLACE INTO places VALUES (?, ?, ?, ?, ?, ?)", row))

    def forget_place(self, camera: str, memory: int) -> bool:
        """Commit that nobody knows where a memory is; false when nobody knew before."""
        return self._commit(("DELETE FROM places WHERE camera = ? AND memory = ?", (camera, memory))) == 1

    def change_camera(self, camera: str, fact: str, value: str) -> None:
        """Commit who a camera is, and forget its places."""
        self._commit(
            ("INSERT OR REPLACE INTO facts VALUES (?, ?)", (fact, value)),
            ("DELETE FROM places WHERE camera = ?", (camera,)),
        )

    # Commands.

    def take_command(self, command: str, *, keep: int) -> bool:
        """Commit that `command` came; false when it had come before. The newest `keep` are remembered."""
        oldest = "SELECT MAX(number) - ? FROM commands"
        return bool(
            self._commit(
                ("INSERT OR IGNORE INTO commands (id) VALUES (?)", (command,)),
                (f"DELETE FROM commands WHERE number <= ({oldest})", (keep,)),  # noqa: S608 - no input
            )
        )

    def keep_reply(self, command: str, reply: str) -> None:
        """Keep the last reply to a command."""
        self._commit(("UPDATE commands SET reply = ? WHERE id = ?", (reply, command)))

    def reply_to(self, command: str) -> str | None:
        """Return the last reply to a command."""
        row = self._connection.execute("SELECT reply FROM commands WHERE id = ?", (command,)).fetchone()
        return None if row is None else row[0]


def _locked(folder: Path) -> IO[str]:
    """Return the open lock file of `folder`; the kernel frees it when the process ends, however it ends.

    Raises:
        StoreUnfit: another agent holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as opened:
        lock = opened.enter_context((folder / LOCK).open("a+"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            raise StoreUnfit(f"{folder}: another agent (process {holder}) uses this data folder") from error
        with contextlib.suppress(OSError):  # on a full disk nobody learns who holds it
            lock.truncate(0)
            lock.write(f"{os.getpid()}\n")
            lock.flush()
        opened.pop_all()
    return lock
