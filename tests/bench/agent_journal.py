"""What the room's journal costs: durable chained entries, single and in batches, beside a bare insert; its proof."""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from agent import database
from agent.clock import SystemClock
from agent.journal import Journal
from agent.proof import prove
from agent.store import FILE, Store
from contract.words import EntryKind
from siaga.bench import Figure
from tests.bench.common import percentile

BATCH = 50
PER_SECOND_AT_LEAST = 2_000
ONE_WITHIN_MS = 10.0
PROVEN_PER_SECOND_AT_LEAST = 10_000


def measure(*, quick: bool) -> list[Figure]:
    """Return how fast entries are committed and proven."""
    count = 400 if quick else 3_000
    with tempfile.TemporaryDirectory(prefix="siaga-bench-") as folder:
        bare = _bare(Path(folder) / "bare.db", count)
        store = Store(Path(folder) / "room")
        with contextlib.closing(store):
            journal = Journal(store, SystemClock(), "bench")
            single = _timed(lambda _: _write(journal), count)
            batched = _batches(journal, count // BATCH * 5)
        proven = _proven(Path(folder) / "room" / FILE)
    one_ms, floor_ms = percentile(single, 0.99) * 1000, percentile(bare, 0.99) * 1000
    middle_ms, bare_ms = percentile(single, 0.5) * 1000, percentile(bare, 0.5) * 1000
    return [
        Figure(
            "agent", "journal, one durable entry, p50", middle_ms, "ms", "<= 10", middle_ms <= ONE_WITHIN_MS, bare_ms
        ),
        Figure("agent", "journal, one entry, p99", one_ms, "ms", "<= 10", one_ms <= ONE_WITHIN_MS, floor_ms),
        Figure("agent", f"journal, batches of {BATCH}", batched, "1/s", ">= 2000", batched >= PER_SECOND_AT_LEAST),
        Figure("agent", "journal, proven offline", proven, "1/s", ">= 10000", proven >= PROVEN_PER_SECOND_AT_LEAST),
    ]


def _write(journal: Journal) -> None:
    journal.append(
        EntryKind.STEP_ENDED,
        session="s-1",
        run="run-1",
        device="camera-1",
        outcome="verified",
        body={"step": "1", "verb": "recall", "args": {"memory": 1}, "read_back": {"pan_deg": -30.0, "tilt_deg": 2.5}},
    )


def _timed(work: Callable[[int], None], count: int) -> list[float]:
    """Return how many seconds each piece of work took."""
    took = []
    for number in range(count):
        begun = time.perf_counter()
        work(number)
        took.append(time.perf_counter() - begun)
    return took


def _batches(journal: Journal, count: int) -> float:
    """Return how many entries a second are committed, `BATCH` at a time."""
    begun = time.perf_counter()
    for _ in range(count):
        with journal.together():
            for _ in range(BATCH):
                _write(journal)
    return count * BATCH / (time.perf_counter() - begun)


def _bare(path: Path, count: int) -> list[float]:
    """Return how long a bare insert of as many bytes takes, as durably: the floor."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("CREATE TABLE entry (seq INTEGER PRIMARY KEY, text TEXT)")
        text = "x" * 650
        return _timed(lambda number: _insert(connection, number, text), count)


def _insert(connection: sqlite3.Connection, number: int, text: str) -> None:
    connection.execute("BEGIN")
    connection.execute("INSERT INTO entry VALUES (?, ?)", (number, text))
    connection.execute("COMMIT")


def _proven(path: Path) -> float:
    """Return how many entries a second are proven, reading them included.

    Raises:
        RuntimeError: the journal is not whole.
    """
    begun = time.perf_counter()
    found = database.read_out(path)
    proof = prove(found.facts["stream"], found.journal)
    took = time.perf_counter() - begun
    if not proof.holds:
        raise RuntimeError(f"the journal should be whole, found {proof.findings}")
    return len(found.journal) / took
