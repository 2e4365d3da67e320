"""A power cut at every write of a journal: what was said to be committed is there, and nothing is damaged.

The system calls of a real run are recorded. For each moment of it the disk is built as it
could be after a cut: what was synced is there; of what was written since, nothing, all, or
some sectors. A run that syncs less must be caught by the same check, or the check is worth
nothing.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from agent import database
from agent.proof import prove
from agent.store import FILE

pytestmark = [
    pytest.mark.timeout(240),
    pytest.mark.skipif(shutil.which("strace") is None and "CI" not in os.environ, reason="strace is not installed"),
]
SECTOR = 512
SEED = 9
ENTRIES, PRUNED = 30, 8
WRITES = f"""\
import os, sys
from pathlib import Path
from agent.clock import SystemClock
from agent.journal import Journal
from agent.store import Store
store = Store(Path(sys.argv[1]))
store._connection.execute("PRAGMA synchronous=" + sys.argv[2])
store._connection.execute("PRAGMA wal_autocheckpoint=12")
journal = Journal(store, SystemClock(), "boot")
for number in range({ENTRIES}):
    journal.append("note.added", body={{"text": "x" * 300}})
    os.write(1, b"committed %d\\n" % journal.last)
    if number == 2 * {PRUNED}:
        journal.acknowledge(journal.stream, {PRUNED})
        journal.prune({PRUNED})
        os.write(1, b"committed %d\\n" % journal.last)
os._exit(0)
"""
CALL = re.compile(r"^(?:\d+ +)?(\w+)\((\d+)<([^>]*)>(?:, (.*))?\) += (\d+)")
WRITTEN = re.compile(r'^"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?, (\d+)(?:, (\d+))?')


@dataclass
class Disk:
    """Files as they are for sure, and what was written since they were synced last."""

    synced: dict[str, bytearray] = field(default_factory=dict)
    pending: dict[str, list[tuple[int, bytes]]] = field(default_factory=dict)

    def write(self, name: str, at: int, data: bytes) -> None:
        self.synced.setdefault(name, bytearray())
        self.pending.setdefault(name, []).append((at, data))

    def sync(self, name: str) -> None:
        for at, data in self.pending.pop(name, []):
            _put(self.synced[name], at, data)

    def states(self, chance: random.Random) -> Iterator[dict[str, bytes]]:
        """Yield how the disk can be after a cut now."""
        for kept in (lambda: False, lambda: True, lambda: chance.random() < 0.5):
            yield {name: bytes(self._after(name, kept)) for name in self.synced}

    def _after(self, name: str, kept: object) -> bytearray:
        assert callable(kept)
        content = bytearray(self.synced[name])
        for at, data in self.pending.get(name, []):
            for start in range(0, len(data), SECTOR):
                if kept():
                    _put(content, at + start, data[start : start + SECTOR])
        return content


def _put(content: bytearray, at: int, data: bytes) -> None:
    content.extend(bytes(max(0, at + len(data) - len(content))))
    content[at : at + len(data)] = data


def recorded(folder: Path, synchronous: str) -> list[tuple[str, str, int, bytes]]:
    """Run the writer and return its writes, syncs and what it said, in order."""
    trace, data = folder / "trace", folder / "room"
    calls = "trace=pwrite64,write,fsync,fdatasync,ftruncate"
    subprocess.run(
        ["strace", "-f", "-y", "-xx", "-s", "70000", "-e", calls, "-e", "signal=none", "-o", trace,
         sys.executable, "-c", WRITES, data, synchronous],
        check=True, timeout=120, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return [event for line in trace.read_text().splitlines() if (event := _event(line, data)) is not None]


def _event(line: str, data: Path) -> tuple[str, str, int, bytes] | None:
    found = CALL.match(line)
    if found is None:
        return None
    call, fd, path, rest = found[1], found[2], found[3].encode().decode("unicode_escape"), found[4] or ""
    if call == "write" and fd == "1":
        written = WRITTEN.match(rest)
        assert written is not None
        return "said", "", int(bytes.fromhex(written[1].replace("\\x", "")).split()[-1]), b""
    name = Path(path).name
    if Path(path).parent != data or not name.startswith(FILE) or name.endswith("-shm"):
        return None
    if call in {"fsync", "fdatasync"}:
        return "sync", name, 0, b""
    if call == "ftruncate":
        return None  # only the -shm and a log that is closed
    written = WRITTEN.match(rest)
    assert written is not None, line[:200]
    assert written[2] is None, "strace cut the data off"
    return "write", name, int(written[4] or 0), bytes.fromhex(written[1].replace("\\x", ""))


def lost(folder: Path, synchronous: str) -> tuple[int, list[str]]:
    """Cut the power at every moment of a run; return how many states there were and what was wrong in them."""
    chance, disk, committed, states = random.Random(SEED), Disk(), 0, 0
    wrong: list[str] = []
    for kind, name, at, data in recorded(folder, synchronous):
        if kind == "said":
            committed = at
        elif kind == "sync":
            disk.sync(name)
        else:
            disk.write(name, at, data)
        for files in disk.states(chance):
            states += 1
            if complaint := _complaint(folder / "after", files, committed):
                wrong.append(complaint)
    return states, wrong


def _complaint(folder: Path, files: dict[str, bytes], committed: int) -> str:
    """Return what is wrong with a journal after a cut."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    if not committed:
        return ""
    if found := database.complaint(folder / FILE):
        return f"damaged: {found}"
    salvaged = database.read_out(folder / FILE)
    numbers = [int(str(row[0])) for row in salvaged.journal]
    if not numbers or numbers[-1] < committed:
        return f"{committed} was committed, found up to {numbers[-1:]}"
    proof = prove(salvaged.facts["stream"], salvaged.journal)
    return "" if proof.holds and proof.first in {1, PRUNED + 1} else f"not whole: {proof.findings[:1]}"


def test_a_power_cut_loses_nothing_that_was_committed(tmp_path: Path) -> None:
    states, wrong = lost(tmp_path, "FULL")
    assert states > 200
    assert wrong == []


def test_the_check_catches_a_journal_that_syncs_too_little(tmp_path: Path) -> None:
    _, wrong = lost(tmp_path, "NORMAL")
    assert len(wrong) > 10
