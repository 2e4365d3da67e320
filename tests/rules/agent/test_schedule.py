"""Which snapshots an agent believes (facts/mqtt.md 4.4, rule 1)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.schedule import Judgement, ScheduleBook, judge
from agent.store import Store
from contract.messages import PlannedSession, Schedule
from contract.words import SessionStatus

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


def planned(name: str, start: datetime = NOW) -> PlannedSession:
    return PlannedSession(
        id=name, rev=1, status=SessionStatus.CONFIRMED, title="Rapat", agency="Dinkes", start=start,
        end=start + timedelta(hours=1), prepare_at=start - timedelta(minutes=30),
    )  # fmt: skip


def snapshot(epoch: str, rev: int, *sessions: PlannedSession, cleared: bool = False) -> Schedule:
    window = (NOW, NOW + timedelta(days=3))
    return Schedule(epoch=epoch, rev=rev, window=window, count=len(sessions), cleared=cleared, sessions=sessions)


HELD = snapshot("a", 5, planned("s-1"))


@pytest.mark.parametrize(
    ("held", "offered", "announced", "wanted"),
    [
        (None, snapshot("a", 1), None, Judgement.APPLY),
        (None, snapshot("b", 1), "a", Judgement.FOREIGN),
        (HELD, snapshot("a", 6, planned("s-2")), "a", Judgement.APPLY),
        (HELD, snapshot("a", 5, planned("s-2")), "a", Judgement.OLD),
        (HELD, snapshot("a", 4, planned("s-2")), "a", Judgement.OLD),
        (HELD, snapshot("b", 1, planned("s-2")), "a", Judgement.FOREIGN),
        (HELD, snapshot("b", 1, planned("s-2")), None, Judgement.FOREIGN),
        (HELD, snapshot("b", 1, planned("s-2")), "b", Judgement.APPLY),
        (HELD, snapshot("a", 6), "a", Judgement.SHRUNK),
        (HELD, snapshot("b", 1), "b", Judgement.SHRUNK),
        (HELD, snapshot("a", 6, cleared=True), "a", Judgement.APPLY),
    ],
)
def test_a_snapshot_is_judged(
    held: Schedule | None, offered: Schedule, announced: str | None, wanted: Judgement
) -> None:
    assert judge(held, offered, announced) is wanted


def test_the_held_schedule_survives_and_forgets_only_what_is_long_over(tmp_path: Path) -> None:
    store = Store(tmp_path)
    book = ScheduleBook(store)
    old, gone = planned("old", NOW - timedelta(days=2)), planned("gone", NOW + timedelta(hours=3))
    book.apply(snapshot("a", 1, old, gone), NOW)
    book.apply(snapshot("a", 2, planned("s-1")), NOW)
    store.close()
    again = ScheduleBook(store := Store(tmp_path))
    assert again.held is not None
    assert again.held.rev == 2
    assert [plan.id for plan in again.sessions] == ["s-1", "gone"]
    assert again.is_planned("s-1")
    assert not again.is_planned("gone")
    store.close()
