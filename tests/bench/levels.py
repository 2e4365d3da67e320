"""What a session's levels cost: bytes of journal in an hour, processor time for each level, seconds lost to a kill."""

from __future__ import annotations

import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import JsonValue

from agent.clock import SystemClock
from agent.journal import Journal
from agent.levels import LevelHistory
from agent.store import Store
from contract.ids import new_id
from contract.levels import levels_of
from contract.words import EntryKind
from drivers.ports import Level
from siaga.bench import Figure

HOUR_S = 3600
LEVELS_A_SECOND = 20
KILOBYTES_AT_MOST = 200.0
LOST_AT_MOST_S = 5.0
LEVEL_AT_MOST_US = 500.0


class _Clock(SystemClock):
    """A clock that runs as fast as levels are given."""

    at = datetime(2026, 11, 3, 2, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


def measure(*, quick: bool) -> list[Figure]:
    """Return what an hour of levels costs on a real journal; `quick` hears a quarter of it."""
    seconds = HOUR_S // 4 if quick else HOUR_S
    with tempfile.TemporaryDirectory(prefix="siaga-bench-") as folder:
        store = Store(Path(folder))
        try:
            return _heard(store, seconds)
        finally:
            store.close()


def _heard(store: Store, seconds: int) -> list[Figure]:
    clock, session = _Clock(), new_id()
    journal = Journal(store, clock, new_id())

    def note(name: str, block: dict[str, JsonValue]) -> None:
        journal.append(EntryKind.LEVELS, session=name, session_rev=1, cause="agent", body=block)

    history, began = LevelHistory(store, note, clock), time.process_time()
    for number in range(seconds * LEVELS_A_SECOND):
        clock.at += timedelta(seconds=1 / LEVELS_A_SECOND)
        history.take(session, Level(-40 - number % 37 / 10, -20 - number % 53 / 10, False), number / LEVELS_A_SECOND)
    level_us = (time.process_time() - began) / (seconds * LEVELS_A_SECOND) * 1e6
    LevelHistory(store, note, clock)  # as after a kill
    kept = len(levels_of(journal.recent(10_000)))
    kilobytes = sum(map(len, store.entries_from(1, 10_000))) / 1000 * HOUR_S / seconds
    lost = float(seconds - kept)
    return [
        _figure("levels of a session, journal an hour", kilobytes, "kB", KILOBYTES_AT_MOST),
        _figure("levels of a session, lost to a kill", lost, "s", LOST_AT_MOST_S),
        _figure("levels of a session, processor time for each of 20 a second", level_us, "us", LEVEL_AT_MOST_US),
    ]


def _figure(name: str, value: float, unit: str, at_most: float) -> Figure:
    return Figure("agent", name, value, unit, f"<= {at_most:g}", value <= at_most)
