"""A private PostgreSQL for tests: its own cluster in a temporary folder, reached over a socket there only.

It fails where PostgreSQL is not installed: central promises to run on it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psutil
import psycopg

from central.db.store import Store

OLDEST = 15
START_WITHIN_S = 30
STOP_WITHIN_S = 20.0
OWNER = "postgres"
"""The server refuses to run as root; its files and processes are this user's then."""
TEMPLATE = "siaga_template"
PREFIX = "siaga-pg-"
QUICK = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
"""For databases that nobody misses: a power cut may take all of it."""


def programs() -> Path:
    """Return the folder of the newest server's programs.

    Raises:
        RuntimeError: none is installed.
    """
    found = {
        int(path.parent.name): path for path in Path("/usr/lib/postgresql").glob("*/bin") if (path / "initdb").exists()
    }
    if not found or max(found) < OLDEST:
        raise RuntimeError(
            f"PostgreSQL {OLDEST} or newer is wanted for tests, found {sorted(found)}: apt install postgresql"
        )
    return found[max(found)]


def _clear_away() -> None:
    """End and delete what test processes left that were killed: each folder's name holds the process it belongs to."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*-*"):
        if not psutil.pid_exists(int(folder.name.removeprefix(PREFIX).split("-")[0])):
            with contextlib.suppress(OSError, ValueError):
                _end(folder / "data", signal.SIGQUIT)
            shutil.rmtree(folder, ignore_errors=True)


def _end(data: Path, how: signal.Signals) -> None:
    """End the server of a folder by its process number and return once it is gone."""
    pid = int((data / "postmaster.pid").read_text().split()[0])
    process = psutil.Process(pid)
    process.send_signal(how)
    with contextlib.suppress(psutil.NoSuchProcess):
        process.wait(STOP_WITHIN_S)


class Cluster:
    """One server with as many databases as are asked for."""

    def __init__(self, *, durable: bool = False) -> None:
        self._bin = programs()
        _clear_away()
        self.folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
        self._data = self.folder / "data"
        self._numbers = count(1)
        self._settings = {} if durable else QUICK
        if os.geteuid() == 0:
            shutil.chown(self.folder, OWNER)
        self._run(
            "initdb", "-D", str(self._data), "-A", "trust", "-U", OWNER, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"
        )

    def _run(self, program: str, *arguments: str) -> None:
        drop = ["runuser", "-u", OWNER, "--"] if os.geteuid() == 0 else []
        command = [*drop, str(self._bin / program), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd="/")
        assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"

    def start(self) -> None:
        """Start the server and return once it answers."""
        more = {
            "listen_addresses": "''",
            "unix_socket_directories": str(self.folder),
            "max_connections": "200",
            "jit": "off",
        }
        options = " ".join(f"-c {name}={value}" for name, value in (more | self._settings).items())
        log = str(self.folder / "log")
        self._run("pg_ctl", "start", "-w", "-t", str(START_WITHIN_S), "-D", str(self._data), "-l", log, "-o", options)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End the server and return once it is gone."""
        _end(self._data, how)

    def remove(self) -> None:
        """Delete everything."""
        shutil.rmtree(self.folder)

    def url(self, name: str) -> str:
        """Return how central is told of a database."""
        return f"postgresql+psycopg://{OWNER}@/{name}?host={self.folder}"

    def execute(self, statement: str) -> None:
        """Carry out one statement as the superuser."""
        with psycopg.connect(f"host={self.folder} user={OWNER} dbname=postgres", autocommit=True) as connection:
            connection.execute(statement.encode())

    def prepare(self) -> None:
        """Make the database that others are copied from: with all tables, and nothing in them."""
        self.execute(f"CREATE DATABASE {TEMPLATE}")
        store = Store(self.url(TEMPLATE))
        store.open()
        store.close()

    @contextlib.contextmanager
    def database(self, template: str = TEMPLATE) -> Iterator[str]:
        """Give a database of one's own, by its address; it is gone afterwards."""
        name = f"siaga_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield self.url(name)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextlib.contextmanager
def cluster(*, durable: bool = False) -> Iterator[Cluster]:
    """Give a running server that ends, and leaves nothing, with the block."""
    made = Cluster(durable=durable)
    try:
        made.start()
        try:
            made.prepare()
            yield made
        finally:
            made.stop()
    finally:
        made.remove()
