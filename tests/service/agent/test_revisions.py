"""What is written down after the report makes a new revision of it, by name, and the earlier ones stay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.web.face import Refused
from agent.web.slices import checklist, finished
from contract.messages import ChecklistItem, Entry
from contract.report import ExecutionReport
from contract.words import EntryKind, Phase
from tests.service.agent.test_engine import SECOND, House
from tests.until import until


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def reports(house: House) -> list[ExecutionReport]:
    return [ExecutionReport.model_validate(entry.body) for entry in house.entries(EntryKind.REPORT)]


async def held(house: House) -> None:
    """Hold a session and wait for its report."""
    house.plan(start_in=SECOND, lasts=SECOND)
    await until(lambda: house.phase() is Phase.REPORTED, within_s=15)


async def test_a_note_after_the_report_makes_a_revision_that_says_what_and_by_whom(house: House) -> None:
    async with house.alive():
        await held(house)
        await house.tablet.note("mikrofon dipinjam", who="Rina (tablet)")
        await until(lambda: len(reports(house)) == 2)
        first, second = reports(house)
        assert (first.report_rev, first.changes) == (1, ())
        assert second.report_rev == 2
        (change,) = second.changes
        assert (change.rev, change.kind, change.who, change.text) == (
            2, EntryKind.NOTE, "Rina (tablet)", "mikrofon dipinjam",
        )  # fmt: skip
        assert [one.text for one in second.incidents if one.kind == EntryKind.NOTE] == ["mikrofon dipinjam"]
        assert (second.started_at, second.runs) == (first.started_at, first.runs)
        await house.tablet.note("sudah kembali", who="Budi (tablet)")
        await until(lambda: len(reports(house)) == 3)
        assert [(one.rev, one.who) for one in reports(house)[-1].changes] == [
            (2, "Rina (tablet)"),
            (3, "Budi (tablet)"),
        ]


async def test_a_note_before_the_end_stands_in_the_first_report(house: House) -> None:
    async with house.alive():
        house.plan(start_in=SECOND, lasts=2 * SECOND)
        await until(lambda: house.phase() is Phase.LIVE, within_s=15)
        await house.tablet.note("gubernur datang", who="Rina (tablet)")
        await until(lambda: house.phase() is Phase.REPORTED, within_s=15)
        (report,) = reports(house)
        assert [one.text for one in report.incidents if one.kind == EntryKind.NOTE] == ["gubernur datang"]


async def test_a_kill_between_the_note_and_the_revision_costs_nothing(house: House) -> None:
    async with house.alive():
        await held(house)
        await house.tablet.note("lampu padam", who="Rina")
        await until(lambda: len(reports(house)) == 2)
        revised = house.entries(EntryKind.REPORT)[-1].seq
    house.forget_from(revised)
    async with house.alive():
        await until(lambda: len(reports(house)) == 2)
        assert reports(house)[-1].report_rev == 2
        assert house.engine.course("s-1").phase is Phase.REPORTED


async def test_a_note_can_be_about_a_session_that_the_tablet_does_not_show_any_more(house: House) -> None:
    async with house.alive():
        await held(house)
        house.plan(start_in=timedelta(hours=1), prepare_in=timedelta(0), name="s-2")
        await until(lambda: house.engine.course("s-2").phase is not Phase.PLANNED)
        view = house.tablet.view()
        assert view.session is not None
        assert (view.session.id, [one.id for one in view.notable]) == ("s-2", ["s-2", "s-1"])
        await house.tablet.note("kabel tertukar", who="Rina", session="s-1")
        await until(lambda: len(reports(house)) == 2)
        with pytest.raises(Refused):
            await house.tablet.note("x", who="Rina", session="s-9")


async def test_a_tick_is_for_the_session_that_the_tablet_shows_also_once_it_is_over(house: House) -> None:
    async with house.alive():
        await held(house)
        house.plan(start_in=timedelta(hours=2), prepare_in=timedelta(hours=1), name="s-2")
        shown, upcoming = house.tablet.view().session, house.tablet.view().upcoming
        assert shown is not None
        assert upcoming is not None
        assert (shown.id, upcoming.id) == ("s-1", "s-2")
        await house.tablet.tick("papan-nama", True, who="Rina (tablet)")
        await until(lambda: len(reports(house)) == 2)
        assert [tick.who for tick in reports(house)[-1].checklist] == ["Rina (tablet)"]
        assert [one.kind for one in reports(house)[-1].changes] == [EntryKind.CHECKLIST]
        assert "papan-nama" in house.tablet.view().ticks


async def test_a_list_can_be_completed_for_a_session_that_the_tablet_does_not_show_any_more(house: House) -> None:
    async with house.alive():
        await held(house)
        own = ChecklistItem(id="penerjemah", label={"id": "Penerjemah hadir"})
        house.plan(start_in=timedelta(hours=1), prepare_in=timedelta(0), name="s-2", checklist=(own,))
        await until(lambda: house.engine.course("s-2").phase is not Phase.PLANNED)
        await house.tablet.tick("papan-nama", True, who="Rina", session="s-1")
        await house.tablet.tick("penerjemah", True, who="Rina")
        await until(lambda: len(reports(house)) == 2)
        assert [(tick.id, tick.who) for tick in reports(house)[-1].checklist] == [("papan-nama", "Rina")]
        facts, view = house.tablet.facts, house.tablet.view()
        assert view.session is not None
        assert (view.session.id, [*view.ticks]) == ("s-2", ["penerjemah"])
        assert [item.id for item in checklist(facts, view.session)] == ["papan-nama", "penerjemah"]
        (over,) = finished(view)
        assert (over.id, [*over.ticks], [item.id for item in checklist(facts, over)]) == (
            "s-1", ["papan-nama"], ["papan-nama"]
        )  # fmt: skip
        with pytest.raises(Refused):
            await house.tablet.tick("penerjemah", True, who="Rina", session="s-1")  # that is the other's


async def test_a_picture_that_had_to_go_is_said_in_a_revision(house: House) -> None:
    async with house.alive():
        await held(house)
        plan = house.book.session("s-1")
        assert plan is not None
        picture = {"at": datetime.now(UTC).isoformat(), "moment": "start", "device": "obs", "scene": "Kamera",
                   "sha256": "ab" * 32, "size_bytes": 10}  # fmt: skip
        house.engine.scribe.note_recording(plan, EntryKind.PICTURE, "obs", picture)
        house.engine.scribe.note_dropped("ab" * 32, 10)
        await until(lambda: len(reports(house)) == 2)
        report = reports(house)[-1]
        assert report.pictures == ()
        assert [one.kind for one in report.incidents] == [EntryKind.PICTURE_DROPPED]


async def test_the_report_names_the_journals_newest_hash_and_what_each_device_was_worth(house: House) -> None:
    async with house.alive():
        house.plan(start_in=SECOND, lasts=2 * SECOND)
        await until(lambda: house.phase() is Phase.LIVE, within_s=15)
        house.camera.is_there = False
        await until(lambda: bool(changes(house, "absent")), within_s=10)
        house.camera.is_there = True
        await until(lambda: house.phase() is Phase.REPORTED, within_s=15)
        report = reports(house)[0]
        before = {entry.seq: entry for entry in house.entries()}[report.head_seq or 0]
        assert report.head == before.hash
        history = next(one for one in report.health if one.device == "camera-1")
        assert [span.condition for span in history.spans][:3] == ["ok", "absent", "ok"]


def changes(house: House, condition: str) -> list[Entry]:
    return [entry for entry in house.entries(EntryKind.DEVICE_CHANGED) if entry.body["condition"] == condition]
