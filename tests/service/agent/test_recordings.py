"""Is a recording named after its session, noted when it is closed, and examined before the report is written?"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from agent.recordings import Recordings
from agent.report import RoomFacts, report_of
from contract.messages import Entry, PlannedSession
from contract.words import EntryKind, SessionStatus, Verdict
from drivers.obs.device import ObsStudio
from drivers.obs.sim import ObsSimulator, Studio
from tests.until import until

START = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
PLAN = PlannedSession(
    id="s1", rev=1, status=SessionStatus.CONFIRMED, title="Rapat TPID", agency="Biro", start=START,
    end=START + timedelta(hours=2), prepare_at=START - timedelta(minutes=30), recording=True,
)  # fmt: skip


@dataclass
class Desk:
    """An engine's desk that keeps what is put on it."""

    entries: list[Entry] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def note_recording(self, plan: PlannedSession | None, kind: EntryKind, device: str, body: dict[str, Any]) -> None:
        number = len(self.entries) + 1
        session = None if plan is None else plan.id
        self.entries.append(
            Entry(
                seq=number, id=f"e{number}", kind=kind, at=START + timedelta(seconds=number), mono_ms=number, boot="b",
                session=session, session_rev=1, device=device, body=body,
            )
        )  # fmt: skip

    def spawn_work(self, work: Coroutine[Any, Any, None], name: str) -> bool:
        self.tasks.append(asyncio.create_task(work, name=name))
        return True

    def session_now(self) -> PlannedSession | None:
        return PLAN


async def test_a_closed_recording_is_noted_examined_and_reported(tmp_path: Path) -> None:
    sim, desk = ObsSimulator(Studio.load(), "rahasia"), Desk()
    await sim.start()
    obs = ObsStudio("obs", "127.0.0.1", sim.port, "rahasia")
    recordings = Recordings({"obs": obs}, desk, desk)
    recordings.belong_to(PLAN)
    assert obs.record_as == "Rapat TPID"
    try:
        await obs.open()
        await obs.record(True)
        await obs.record(False)
        await until(lambda: len(desk.entries) == 2)
    finally:
        await obs.close()
        await sim.stop()
    assert [entry.kind for entry in desk.entries] == [EntryKind.RECORDED, EntryKind.RECORDING_CHECKED]
    await asyncio.gather(*desk.tasks)
    assert recordings.are_examined("s1")
    facts = RoomFacts("praja-1", "Ruang", "Asia/Pontianak", "stream")
    only_closed, whole = (report_of(facts, PLAN, entries, START) for entries in (desk.entries[:1], desk.entries))
    assert [one.verdict for one in only_closed.recordings] == [Verdict.UNPROVEN]
    (file,) = whole.recordings
    assert (file.verdict, file.device) == (Verdict.FAIL, "obs")  # a simulated OBS writes no file
    assert [one.reason.code for one in file.measures if one.reason] == ["obs.record_gone"]
