"""The agent's database: one SQLite file that survives the process and the power.

WAL with `synchronous=FULL`: a commit that returned is on the disk (NORMAL lost acknowledged
entries in a third of simulated power cuts). A commit takes about 0.3 ms on a PC's disk,
so callers run it in the event loop; every function here is a single short transaction for
that reason. On an SD card, put `data` on an SSD.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from contract.ids import new_id

FILE = "siaga.db"
LOCK = "siaga.lock"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS journal (
    seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, session TEXT, at TEXT NOT NULL, entry TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS journal_session ON journal (session, seq);
CREATE TABLE IF NOT EXISTS plans (session TEXT PRIMARY KEY, plan TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS places (
    camera TEXT NOT NULL, memory INTEGER NOT NULL, pan_deg REAL NOT NULL, tilt_deg REAL NOT NULL, zoom REAL NOT NULL,
    kept_at TEXT NOT NULL, PRIMARY KEY (camera, memory)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS commands (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, reply TEXT);
"""


class StoreUnfit(Exception):
    """The data folder cannot be used: another agent has it, or it is damaged or not ours to write."""


class Store:
    """One open database file. Not for use from several threads."""

    def __init__(self, folder: Path) -> None:
        """Open the file in `folder` and keep every other agent out of it.

        Raises:
            StoreUnfit: the folder is in use, damaged, or cannot be written.
        """
        self.path = folder / FILE
        with contextlib.ExitStack() as opened:
            self._lock = _locked(folder)
            opened.callback(self._lock.close)
            try:
                self._database = sqlite3.connect(self.path, isolation_level=None)
                opened.callback(self._database.close)
                self._set_up()
            except (sqlite3.DatabaseError, ValueError) as error:
                raise StoreUnfit(f"{self.path}: wanted a journal that can be written, found: {error}") from error
            opened.pop_all()

    def _set_up(self) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=2000"):
            self._database.execute(f"PRAGMA {pragma}")
        self._database.executescript(_SCHEMA)
        self.stream = self._once("stream", new_id())
        """Names this life of the file: sequence numbers count within it."""
        self.born_at = datetime.fromisoformat(self._once("born_at", datetime.now(UTC).isoformat()))

    def close(self) -> None:
        """Let go of the file; may be called twice."""
        self._database.close()
        self._lock.close()

    def fact(self, name: str) -> str | None:
        """Return the value kept under `name`."""
        row = self._database.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def keep_fact(self, name: str, value: str) -> None:
        """Keep `value` under `name`."""
        self._database.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def _once(self, name: str, value: str) -> str:
        self._database.execute("INSERT OR IGNORE INTO facts VALUES (?, ?)", (name, value))
        return self.fact(name) or value

    # The journal.

    def last_seq(self) -> int:
        """Return the number of the last entry, 0 when there is none."""
        return int(self._database.execute("SELECT COALESCE(MAX(seq), 0) FROM journal").fetchone()[0])

    def add_entry(self, seq: int, kind: str, session: str | None, at: datetime, entry: str) -> None:
        """Commit one entry."""
        row = (seq, kind, session, at.isoformat(), entry)
        self._database.execute("INSERT INTO journal VALUES (?, ?, ?, ?, ?)", row)

    def entries_from(self, seq: int, limit: int) -> list[str]:
        """Return at most `limit` entries from number `seq` on."""
        query = "SELECT entry FROM journal WHERE seq >= ? ORDER BY seq LIMIT ?"
        return [row[0] for row in self._database.execute(query, (seq, limit))]

    def entries_of(self, session: str) -> list[str]:
        """Return the entries of one session, oldest first."""
        query = "SELECT entry FROM journal WHERE session = ? ORDER BY seq"
        return [row[0] for row in self._database.execute(query, (session,))]

    def entries_of_kind(self, kind: str, first: int, last: int) -> list[str]:
        """Return the entries of one kind between two numbers, oldest first."""
        query = "SELECT entry FROM journal WHERE kind = ? AND seq BETWEEN ? AND ? ORDER BY seq"
        return [row[0] for row in self._database.execute(query, (kind, first, last))]

    def time_of(self, seq: int) -> datetime | None:
        """Return when the entry with number `seq` was made."""
        row = self._database.execute("SELECT at FROM journal WHERE seq = ?", (seq,)).fetchone()
        return None if row is None else datetime.fromisoformat(row[0])

    # The plan.

    def keep_schedule(self, schedule: str, plans: dict[str, str], forgotten: list[str]) -> None:
        """Commit a snapshot with its sessions; what is `forgotten` goes."""
        with self._database:
            self._database.execute("BEGIN")
            self._database.execute("INSERT OR REPLACE INTO facts VALUES ('schedule', ?)", (schedule,))
            self._database.executemany("INSERT OR REPLACE INTO plans VALUES (?, ?)", plans.items())
            self._database.executemany("DELETE FROM plans WHERE session = ?", [(name,) for name in forgotten])

    def plans(self) -> list[str]:
        """Return every session that is held."""
        return [row[0] for row in self._database.execute("SELECT plan FROM plans")]

    # Where cameras' memories are.

    def place(self, camera: str, memory: int) -> tuple[float, float, float] | None:
        """Return pan and tilt in degrees and the zoom of a camera's memory, where it is known."""
        query = "SELECT pan_deg, tilt_deg, zoom FROM places WHERE camera = ? AND memory = ?"
        row = self._database.execute(query, (camera, memory)).fetchone()
        return None if row is None else (float(row[0]), float(row[1]), float(row[2]))

    def places(self, camera: str) -> dict[int, datetime]:
        """Return the memories of a camera whose places are known, and since when."""
        query = "SELECT memory, kept_at FROM places WHERE camera = ? ORDER BY memory"
        rows = self._database.execute(query, (camera,))
        return {int(memory): datetime.fromisoformat(kept_at) for memory, kept_at in rows}

    def keep_place(self, camera: str, memory: int, place: tuple[float, float, float], at: datetime) -> None:
        """Commit where a memory is."""
        row = (camera, memory, *place, at.isoformat())
        self._database.execute("INSERT OR REPLACE INTO places VALUES (?, ?, ?, ?, ?, ?)", row)

    def forget_place(self, camera: str, memory: int) -> bool:
        """Commit that nobody knows where a memory is; false when nobody knew before."""
        query = "DELETE FROM places WHERE camera = ? AND memory = ?"
        return self._database.execute(query, (camera, memory)).rowcount == 1

    def change_camera(self, camera: str, fact: str, value: str) -> None:
        """Commit who a camera is, and forget its places."""
        with self._database:
            self._database.execute("BEGIN")
            self._database.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (fact, value))
            self._database.execute("DELETE FROM places WHERE camera = ?", (camera,))

    # Commands.

    def take_command(self, command: str, *, keep: int) -> bool:
        """Commit that `command` came; false when it had come before. The newest `keep` are remembered."""
        with self._database:
            self._database.execute("BEGIN")
            new = self._database.execute("INSERT OR IGNORE INTO commands (id) VALUES (?)", (command,)).rowcount == 1
            oldest = "SELECT MAX(number) - ? FROM commands"
            self._database.execute(f"DELETE FROM commands WHERE number <= ({oldest})", (keep,))  # noqa: S608 - no input
        return new

    def keep_reply(self, command: str, reply: str) -> None:
        """Keep the last reply to a command."""
        self._database.execute("UPDATE commands SET reply = ? WHERE id = ?", (reply, command))

    def reply_to(self, command: str) -> str | None:
        """Return the last reply to a command."""
        row = self._database.execute("SELECT reply FROM commands WHERE id = ?", (command,)).fetchone()
        return None if row is None else row[0]


def _locked(folder: Path) -> IO[str]:
    """Return the open lock file of `folder`; the kernel frees it when the process ends, however it ends.

    Raises:
        StoreUnfit: another agent holds it, or the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / LOCK).open("a+")
    except OSError as error:
        raise StoreUnfit(f"{folder}: wanted a folder that can be written, found: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.seek(0)
        holder = lock.read().strip()
        lock.close()
        raise StoreUnfit(f"{folder}: another agent (process {holder or 'unknown'}) uses this data folder") from error
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock
