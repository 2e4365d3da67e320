"""The engine and its tablet on hand-written devices: presses, phases, restarts."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from agent.board import HealthBoard, Sighting
from agent.clock import SystemClock
from agent.course import CLOCK_DISTURBED, DECIDED
from agent.engine import Engine
from agent.equipment import Equipment
from agent.journal import Journal
from agent.keeper import Keeper
from agent.plan import Rhythm
from agent.presets import presets_of
from agent.roomfile import load
from agent.schedule import ScheduleBook
from agent.sounddesk import SoundDesk
from agent.store import FILE, Store
from agent.tablet import Tablet
from agent.web.face import Phase as Shown
from agent.web.face import Readiness, Refused, RoomFace, RunState
from agent.web.slices import findings
from contract.messages import ChecklistItem, Entry, PlannedSession, Schedule
from contract.report import Certificate
from contract.words import EntryKind, Phase, SessionStatus, StepOutcome
from contract.words import Readiness as ContractReadiness
from drivers.outcomes import Condition, Health, Measure, Reason, Verdict, judge
from drivers.ports import Device
from tests.service.agent.fakes import FakeCamera, FakeSound
from tests.service.agent.rig import ROOM_FILE
from tests.until import until

SECOND = timedelta(seconds=1)
SAFE = """\
  aman:
    label: {id: Aman, en: Safe}
    steps:
      - {device: camera-1, do: stop}
phases: {safe: aman, """


class SetClock(SystemClock):
    """The machine's clock, which somebody sets."""

    set_by = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.set_by


class House:
    """One room with fakes behind its ports, over one or more lives of the process."""

    look_every_s = 0.02

    def __init__(self, folder: Path, room: str = ROOM_FILE) -> None:
        self.folder = folder
        text = room.format(broker=1883, camera="visca+udp://127.0.0.1:1", sound="audio+model://127.0.0.1:1")
        (folder / "room.yaml").write_text(text.replace("phases: {", SAFE))
        self.room = load(folder / "room.yaml")
        self.camera, self.sound = FakeCamera("camera-1"), self.make_sound()
        self.rev = 0

    def make_sound(self) -> Any:
        """Return the sound: a fake one, which the tests here play with."""
        return FakeSound("sound")

    def more_devices(self) -> dict[str, Device]:
        return {}

    @contextlib.asynccontextmanager
    async def alive(self) -> AsyncIterator[House]:
        """Run the engine meanwhile; leaving is as sudden as a kill for everything but the file."""
        clock = self.clock = SetClock()
        self.store = Store(self.folder)
        self.journal = Journal(self.store, clock, "boot")
        devices: dict[str, Device] = {"camera-1": self.camera, "sound": self.sound, **self.more_devices()}
        kinds = {"camera-1": "camera", "sound": "sound"}
        board = HealthBoard((Sighting(name, kinds.get(name, "obs"), True) for name in devices), clock)
        keepers = {name: Keeper(device, board, look_every_s=self.look_every_s) for name, device in devices.items()}
        self.book = ScheduleBook(self.store)
        rhythm = Rhythm(self.room.prepare.lead, self.room.prepare.certify, datetime.now(UTC) - timedelta(days=2))
        self.engine = Engine(
            self.room, presets_of(self.room), Equipment(devices, keepers, board), journal=self.journal, book=self.book,
            rhythm=rhythm, clock=clock,
        )  # fmt: skip
        self.desk = SoundDesk(self.engine, self.sound, self.store, clock)
        self.tablet = Tablet(self.engine, sound=self.desk, is_online=lambda: True)
        tasks = [
            asyncio.create_task(work)
            for work in (*(k.run() for k in keepers.values()), self.desk.run(), self.engine.run())
        ]
        try:
            await until(lambda: all(seen.health for seen in board.devices.values()))
            yield self
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            self.store.close()
        for task in tasks:
            assert task.cancelled(), task.exception()

    def plan(self, *, start_in: timedelta, lasts: timedelta = timedelta(hours=1), prepare_in: timedelta | None = None,
             status: SessionStatus = SessionStatus.CONFIRMED, name: str = "s-1",
             also: Sequence[PlannedSession] = (), checklist: tuple[ChecklistItem, ...] = ()) -> None:  # fmt: skip
        self.rev += 1
        now = datetime.now(UTC)
        begin = now + start_in
        early = min(now + prepare_in, begin) if prepare_in is not None else begin
        plan = PlannedSession(
            id=name, rev=self.rev, status=status, title="Rapat", agency="Dinkes", start=begin, end=begin + lasts,
            prepare_at=early, checklist=checklist,
        )  # fmt: skip
        schedule = Schedule(
            epoch="a", rev=self.rev, window=(now, now + timedelta(days=3)), count=1 + len(also), sessions=(plan, *also)
        )
        self.book.apply(schedule, now)
        self.engine.changed()

    def forget_from(self, seq: int) -> None:
        """Take entries off the end of the file, as if the process had been killed before them."""
        with contextlib.closing(sqlite3.connect(self.folder / FILE)) as database, database:
            database.execute("DELETE FROM journal WHERE seq >= ?", (seq,))

    def phase(self) -> Phase:
        return self.engine.course("s-1").phase

    def entries(self, kind: str | None = None) -> list[Entry]:
        return [entry for entry in self.journal.recent(1000) if kind in {None, entry.kind}]


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


async def test_the_tablet_is_the_face_that_its_page_wants(house: House) -> None:
    async with house.alive():
        face: RoomFace = house.tablet
        assert face.facts.cameras == ("camera-1",)
        assert [preset.name for preset in face.facts.presets] == ["siap", "mulai", "selesai", "aman"]
        assert face.view().readiness is Readiness.READY
        await until(lambda: "microphone" in face.meters() and face.meters()["microphone"].rms_dbfs == -40.0)


async def test_a_technician_prepares_starts_extends_and_ends(house: House) -> None:
    async with house.alive():
        house.plan(start_in=timedelta(minutes=20), prepare_in=timedelta(0))
        tablet = house.tablet
        await until(lambda: house.phase() is Phase.READY)
        assert tablet.view().runs["siap"].state is RunState.DONE
        await tablet.tick("papan-nama", True, who="tablet-1")
        assert tablet.view().ticks["papan-nama"].who == "tablet-1"
        await tablet.start_session(who="tablet-1")
        await until(lambda: tablet.view().phase is Shown.LIVE and not house.sound.muted["microphone"])
        session = tablet.view().session
        assert session is not None
        await tablet.extend(timedelta(minutes=15), who="tablet-1")
        longer = tablet.view().session
        assert longer is not None
        assert longer.end - session.end == timedelta(minutes=15)
        await tablet.note("lampu mati", who="tablet-1")
        await tablet.end_session(who="tablet-1")
        await until(lambda: house.phase() is Phase.REPORTED)
        report = house.entries(EntryKind.REPORT)[0]
        assert report.body["carried_out"] is True
        shown = tablet.view()
        assert shown.phase is Shown.ENDED
        assert shown.session is not None
        assert not shown.session.reported
        house.journal.acknowledge(house.journal.stream, house.journal.last)
        acked = tablet.view().session
        assert acked is not None
        assert acked.reported


async def test_a_press_shows_as_running_at_once_and_twice_is_refused(house: House) -> None:
    async with house.alive():
        house.camera.go.clear()
        await house.tablet.run_preset("mulai", who="tablet-1")
        assert house.tablet.view().runs["mulai"].state is RunState.RUNNING
        with pytest.raises(Refused) as refused:
            await house.tablet.run_preset("mulai", who="tablet-1")
        assert refused.value.reason.code == "preset.running"
        house.camera.go.set()
        await until(lambda: house.tablet.view().runs["mulai"].state is RunState.DONE)


async def test_what_cannot_be_done_now_is_refused_with_a_code(house: House) -> None:
    async with house.alive():
        tablet = house.tablet
        presses = {
            "preset.unknown": tablet.run_preset("nope", who="t"),
            "session.none_to_start": tablet.start_session(who="t"),
            "session.none_live": tablet.end_session(who="t"),
            "session.none": tablet.tick("papan-nama", True, who="t"),
            "sound.no_port": tablet.mute("nope", True, who="t"),
            "camera.unknown": tablet.stop("nope"),
        }
        for code, press in presses.items():
            with pytest.raises(Refused) as refused:
                await press
            assert refused.value.reason.code == code


async def test_mute_does_not_wait_for_a_preset_that_holds_the_room(house: House) -> None:
    async with house.alive():
        house.camera.go.clear()
        await house.tablet.run_preset("mulai", who="t")
        await until(house.camera.began.is_set)
        await house.tablet.mute("speaker", True, who="t")
        await until(lambda: house.sound.muted["speaker"])
        await until(lambda: house.tablet.view().muted["speaker"] is True)
        assert house.tablet.view().runs["mulai"].state is RunState.RUNNING
        house.camera.go.set()


async def test_the_safe_preset_cancels_what_runs(house: House) -> None:
    async with house.alive():
        house.camera.go.clear()
        await house.tablet.run_preset("mulai", who="t")
        await until(house.camera.began.is_set)
        await house.tablet.run_preset("aman", who="t")
        await until(lambda: "stop" in house.camera.told)
        await until(lambda: house.tablet.view().runs["mulai"].state is RunState.FAILED)


async def test_a_camera_that_comes_back_has_the_room_prepared_at_once(house: House) -> None:
    house.camera.is_there = False
    async with house.alive():
        house.plan(start_in=timedelta(minutes=20), prepare_in=timedelta(0))
        await until(lambda: house.tablet.view().readiness is Readiness.NOT_READY)
        await until(lambda: house.engine.course("s-1").attempts == 1)
        assert house.phase() is Phase.PREPARING
        house.camera.is_there = True
        await until(lambda: house.phase() is Phase.READY)
        house.camera.is_there = False
        await until(lambda: house.phase() is Phase.PREPARING)
    changes = [entry.body["condition"] for entry in house_entries(house) if entry.device == "camera-1"]
    assert changes == ["absent", "ok", "absent"]


def house_entries(house: House) -> list[Entry]:
    store = Store(house.folder)
    journal = Journal(store, SystemClock(), "after")
    entries = [entry for entry in journal.recent(1000) if entry.kind == EntryKind.DEVICE_CHANGED]
    store.close()
    return entries


async def test_a_process_that_died_in_a_run_says_unknown_and_prepares_again(house: House) -> None:
    async with house.alive():
        house.plan(start_in=timedelta(minutes=20), prepare_in=timedelta(0))
        house.camera.go.clear()
        await until(house.camera.began.is_set)
        # As after a kill: the last words of the run never reached the file.
        lost = [e.seq for e in house.entries()][-1]
    house.forget_from(lost + 1)
    house.camera.go.set()
    async with house.alive():
        await until(lambda: house.phase() is Phase.READY)
        ended = [e.outcome for e in house.entries(EntryKind.PRESET_ENDED)]
        assert ended == [StepOutcome.UNKNOWN, StepOutcome.DONE]
        assert StepOutcome.UNKNOWN in [e.outcome for e in house.entries(EntryKind.STEP_ENDED)]
        numbers = [entry.seq for entry in house.entries()]
        assert numbers == list(range(1, len(numbers) + 1))


async def test_a_session_over_while_nobody_was_there_is_missed_and_reported_once(house: House) -> None:
    async with house.alive():
        house.plan(start_in=timedelta(hours=-2))
        await until(lambda: house.phase() is Phase.REPORTED)
    async with house.alive():
        assert house.phase() is Phase.REPORTED
        (report,) = house.entries(EntryKind.REPORT)
        assert report.body["carried_out"] is False


async def test_a_death_between_the_report_and_its_phase_makes_no_second_report(house: House) -> None:
    async with house.alive():
        house.plan(start_in=timedelta(hours=-2))
        await until(lambda: house.phase() is Phase.REPORTED)
        written = house.entries(EntryKind.REPORT)[0].seq
    house.forget_from(written + 1)
    async with house.alive():
        await until(lambda: house.phase() is Phase.REPORTED)
        assert len(house.entries(EntryKind.REPORT)) == 1


async def test_a_session_cancelled_in_preparation_puts_the_room_away(house: House) -> None:
    async with house.alive():
        house.plan(start_in=timedelta(minutes=20), prepare_in=timedelta(0))
        await until(lambda: house.phase() is Phase.READY)
        house.plan(start_in=timedelta(minutes=20), prepare_in=timedelta(0), status=SessionStatus.CANCELLED)
        await until(lambda: house.phase() is Phase.CANCELLED)
        await until(lambda: "selesai" in house.engine.runs.latest and house.engine.runs.latest["selesai"].is_good)
        assert house.engine.front() is None


async def test_a_muted_microphone_is_open_while_it_is_proven_and_muted_after(house: House) -> None:
    async with house.alive():
        house.plan(start_in=timedelta(seconds=30), prepare_in=timedelta(0))
        await until(lambda: house.phase() is Phase.READY)
        assert house.sound.muted["microphone"]
        house.plan(start_in=timedelta(seconds=4), prepare_in=timedelta(0))
        await until(lambda: bool(house.entries(EntryKind.READINESS)))
        assert house.sound.muted["microphone"]
        assert house.sound.heard_open == [True]


async def test_a_session_that_goes_live_cuts_the_proof_off_and_finds_its_ports_as_they_were(house: House) -> None:
    async with house.alive():
        house.sound.go.clear()
        house.plan(start_in=timedelta(seconds=4), prepare_in=timedelta(0))
        await until(house.sound.began.is_set)
        await until(lambda: house.sound.sounding)
        await house.tablet.start_session(who="t")
        await until(lambda: house.phase() is Phase.LIVE and house.engine.course("s-1").is_set_live)
        assert not house.sound.sounding
        entries = house.entries()
        certified = next(e.seq for e in entries if e.kind == EntryKind.READINESS)
        live = next(e.seq for e in entries if e.kind == EntryKind.PRESET_STARTED and e.body["phase"] == "live")
        assert certified < live
        assert not house.sound.muted["microphone"]  # the live preset opened it


async def test_a_session_that_was_moved_is_certified_for_its_new_start(house: House) -> None:
    async with house.alive():
        house.plan(start_in=timedelta(seconds=4.5), prepare_in=timedelta(0))
        await until(lambda: len(house.entries(EntryKind.READINESS)) == 1)
        house.plan(start_in=timedelta(seconds=4.8), prepare_in=timedelta(0))
        await until(lambda: len(house.entries(EntryKind.READINESS)) == 2)
        starts = [entry.body["for_start"] for entry in house.entries(EntryKind.READINESS)]
        assert starts == sorted(set(map(str, starts)))


async def test_a_session_that_is_put_off_lets_go_of_the_room_until_its_new_preparation(house: House) -> None:
    async with house.alive():
        house.plan(start_in=timedelta(minutes=20), prepare_in=timedelta(0))
        await until(lambda: house.phase() is Phase.READY)
        house.plan(start_in=timedelta(days=1), prepare_in=timedelta(hours=23))
        await until(lambda: house.phase() is Phase.PLANNED)
        await until(lambda: "selesai" in house.engine.runs.latest and house.engine.runs.latest["selesai"].is_good)


async def test_a_live_preset_that_was_killed_is_read_back_before_anything_is_told_twice(house: House) -> None:
    async with house.alive():
        house.plan(start_in=timedelta(minutes=20), prepare_in=timedelta(0))
        await until(lambda: house.phase() is Phase.READY)
        await house.tablet.start_session(who="t")
        await until(lambda: house.engine.course("s-1").is_set_live)
        ended = [e.seq for e in house.entries(EntryKind.STEP_ENDED) if e.body["args"] == {"memory": 0}]
    house.forget_from(ended[0])
    told = house.camera.told.count("recall 0")
    async with house.alive():
        await until(lambda: house.engine.course("s-1").is_set_live)
        last = [e for e in house.entries(EntryKind.STEP_ENDED) if e.body["args"] == {"memory": 0}][-1]
        assert last.outcome == StepOutcome.VERIFIED
    assert house.camera.told.count("recall 0") == told == 1


@pytest.mark.parametrize("hours", [2, -2])
async def test_a_clock_that_is_set_does_not_end_a_live_session_and_is_told(house: House, hours: int) -> None:
    async with house.alive():
        house.plan(start_in=timedelta(seconds=-1))
        await until(lambda: house.engine.course("s-1").is_set_live)
        house.clock.set_by = timedelta(hours=hours)
        house.engine.changed()
        await until(lambda: bool(house.entries(CLOCK_DISTURBED)))
        told = house.entries(CLOCK_DISTURBED)[0].body["jumped_s"]
        assert isinstance(told, float)
        assert abs(told - hours * 3600) < 5
        await house.tablet.note("masih berjalan", who="t")
        assert house.phase() is Phase.LIVE
        moved = house.engine.course("s-1").clock_set_by
    async with house.alive():
        house.clock.set_by = timedelta(hours=hours)
        assert house.engine.course("s-1").clock_set_by == moved


def alarms(house: House) -> list[tuple[object, object]]:
    return [
        (entry.body["alarm"], entry.body["raised"])
        for entry in house.journal.recent(500)
        if entry.kind == EntryKind.DEVICE_ALARM
    ]


def _are(house: House, wanted: list[tuple[object, object]]) -> bool:
    return alarms(house) == wanted


def at_fault(name: str, value: object, verdict: Verdict, code: str) -> Health:
    assert isinstance(value, str | int)
    return judge((Measure("rtt", 3, Verdict.PASS), Measure(name, value, verdict, reason=Reason(code, code))))


async def test_a_camera_that_goes_on_moving_is_an_alarm_until_it_stands(tmp_path: Path) -> None:
    async with House(tmp_path).alive() as house:
        house.camera.health = at_fault("stop", "moving", Verdict.FAIL, "camera.not_stopping")
        await until(lambda: alarms(house) == [("stop", True)])
        finding = findings(house.tablet.facts, house.tablet.view())[0]
        assert (finding.state, finding.subject) == ("fault", "camera-1")
        assert finding.reason is not None
        assert finding.reason.code == "camera.not_stopping"
        assert house.tablet.view().readiness is Readiness.NOT_READY
        house.camera.is_there = False
        await until(lambda: house.engine.equipment.board.devices["camera-1"].condition is Condition.ABSENT)
        assert house.engine.device_log.alarms.open  # who does not answer has not been seen to stand
        house.camera.is_there, house.camera.health = True, Health(Condition.OK, (Measure("rtt", 3, Verdict.PASS),))
        await until(lambda: alarms(house) == [("stop", True), ("stop", False)])
        assert not house.engine.device_log.alarms.open


async def test_every_rescue_by_the_watchdog_is_one_alarm(tmp_path: Path) -> None:
    async with House(tmp_path).alive() as house:
        for times in (1, 2):
            house.camera.health = at_fault("watchdog", times, Verdict.WARN, "camera.stopped_by_watchdog")
            await until(partial(_are, house, [("watchdog", True)] * times))
        looked = house.engine.equipment.board.devices["camera-1"].looked_at
        await until(lambda: house.engine.equipment.board.devices["camera-1"].looked_at != looked)
        assert alarms(house) == [("watchdog", True)] * 2
        shown = [
            (f.state, f.reason.code if f.reason else "") for f in findings(house.tablet.facts, house.tablet.view())
        ]
        assert shown == [("fault", "camera.stopped_by_watchdog")]
        house.camera.health = Health(Condition.OK, (Measure("rtt", 3, Verdict.PASS),))
        await until(lambda: alarms(house)[-1] == ("watchdog", False))


LATE_ROOM = ROOM_FILE.replace(
    "prepare: {{lead: 10s, certify: 5s}}", "prepare: {{lead: 10s, certify: 5s, keep: 15m}}\nanswer_within: 20s"
).replace(
    "      - {{device: camera-1, do: power, args: {{on: true}}, within: 20s}}\n",
    "      - {{device: camera-1, do: power, args: {{on: true}}, late: skip}}\n"
    "      - {{device: sound, do: mute, args: {{port: speaker, on: true}}, late: ask}}\n",
).replace(
    "phases: {{prepare", "  mati:\n    label: {{id: Mati}}\n    steps:\n"
    "      - {{device: camera-1, do: power, args: {{on: false}}}}\nphases: {{prepare",
).replace("end: selesai", "end: mati")  # fmt: skip


async def test_a_schedule_that_comes_late_skips_asks_and_runs_step_by_step(tmp_path: Path) -> None:
    async with House(tmp_path, LATE_ROOM).alive() as house:
        house.plan(start_in=timedelta(minutes=10), prepare_in=timedelta(minutes=-20))
        await until(lambda: bool(house.engine.runs.latest))
        run = house.engine.runs.latest["siap"]
        assert run.order.late is not None
        await until(lambda: run.step == 1)
        (question,) = run.open_questions
        with pytest.raises(Refused) as refused:
            await house.tablet.decide(run.order.id, "9", True, who="t")
        assert refused.value.reason.code == "step.not_asked"
        await house.tablet.decide(run.order.id, question.step.id, True, who="tablet-1")
        await until(lambda: house.phase() is Phase.READY)
        assert house.sound.muted["speaker"]
        outcomes = [e.outcome for e in house.entries(EntryKind.STEP_ENDED)]
        assert outcomes == ["skipped", "done", "verified", "verified"]
        assert [e.who for e in house.entries(DECIDED)] == ["tablet-1"]
        started = house.entries(EntryKind.PRESET_STARTED)[0]
        assert started.body["late_s"] == pytest.approx(20 * 60, abs=5)


async def test_a_cancelled_preparation_stays_cancelled_until_a_person_wants_it(house: House) -> None:
    async with house.alive():
        house.camera.go.clear()
        house.plan(start_in=timedelta(minutes=20), prepare_in=timedelta(0))
        await until(house.camera.began.is_set)
        await house.tablet.cancel("siap", who="tablet-1")
        await until(lambda: house.engine.course("s-1").held_back)
        ended = house.entries(EntryKind.PRESET_ENDED)[0]
        assert (ended.outcome, ended.body["cancelled_by"]) == ("skipped", "tablet-1")
        with pytest.raises(Refused) as refused:
            await house.tablet.cancel("siap", who="tablet-1")
        assert refused.value.reason.code == "run.unknown"
        house.camera.go.set()
        await house.tablet.prepare(who="tablet-1")
        await until(lambda: house.phase() is Phase.READY)


async def test_a_cancelled_end_leaves_the_room_as_it_is_and_the_session_is_over(house: House) -> None:
    async with house.alive():
        house.plan(start_in=timedelta(seconds=-1))
        await until(lambda: house.engine.course("s-1").is_set_live)
        blocked = asyncio.Event()
        house.sound.mute_waits = blocked
        await house.tablet.end_session(who="t")
        await until(lambda: house.engine.course("s-1").open_phase == "end")
        await house.tablet.cancel("selesai", who="t")
        await until(lambda: house.phase() is Phase.REPORTED)
        assert [e.body["preset"] for e in house.entries(EntryKind.PRESET_STARTED)].count("selesai") == 1


def held(house: House, **more: timedelta) -> PlannedSession:
    now = datetime.now(UTC)
    start = now + more["start_in"]
    return PlannedSession.model_validate({
        "id": f"s-{start:%H%M}", "rev": 1, "status": "confirmed", "title": "Evaluasi SPBE", "agency": "Dinkes",
        "start": start, "end": start + timedelta(hours=1), "prepare_at": start - timedelta(minutes=30),
        "setup": timedelta(minutes=5),
    })  # fmt: skip


async def test_an_extension_says_whom_it_costs_what_and_asks_or_refuses(house: House) -> None:
    async with house.alive():
        house.plan(
            start_in=timedelta(seconds=-1),
            lasts=timedelta(minutes=30),
            also=[held(house, start_in=timedelta(minutes=70))],
        )
        await until(lambda: house.engine.course("s-1").is_set_live)
        await house.tablet.extend(timedelta(minutes=5), who="t")
        with pytest.raises(Refused) as refused:
            await house.tablet.extend(timedelta(minutes=15), who="t")
        assert refused.value.reason.code == "session.next_prepares"
        assert refused.value.reason.values == {"title": "Evaluasi SPBE", "minutes": 10}
        await house.tablet.extend(timedelta(minutes=15), who="t", confirmed=True)
        with pytest.raises(Refused) as refused:
            await house.tablet.extend(timedelta(minutes=30), who="t", confirmed=True)
        assert refused.value.reason.code == "session.next_is_near"


async def test_an_end_leaves_on_what_the_next_session_needs_and_says_so(tmp_path: Path) -> None:
    async with House(tmp_path, LATE_ROOM).alive() as house:
        house.plan(start_in=timedelta(seconds=-1), also=[held(house, start_in=timedelta(minutes=40))])
        await until(lambda: house.engine.course("s-1").is_set_live)
        await house.tablet.end_session(who="t")
        await until(lambda: house.phase() is Phase.REPORTED)
        assert "power False" not in house.camera.told
        left = [e for e in house.entries(EntryKind.STEP_ENDED) if e.body["verb"] == "power"][-1]
        reason = left.body["reason"]
        assert isinstance(reason, dict)
        assert (left.outcome, reason["code"]) == ("skipped", "step.next_needs_it")


async def test_an_end_switches_off_what_nobody_needs_soon(tmp_path: Path) -> None:
    async with House(tmp_path, LATE_ROOM).alive() as house:
        house.plan(start_in=timedelta(seconds=-1), also=[held(house, start_in=timedelta(minutes=90))])
        await until(lambda: house.engine.course("s-1").is_set_live)
        await house.tablet.end_session(who="t")
        await until(lambda: house.phase() is Phase.REPORTED)
        assert "power False" in house.camera.told


def certificates(house: House) -> list[Certificate]:
    return [Certificate.model_validate(entry.body) for entry in house.entries(EntryKind.READINESS)]


async def test_a_certificate_says_whether_what_was_prepared_still_stands(house: House) -> None:
    async with house.alive():
        house.plan(start_in=timedelta(seconds=4.5), prepare_in=timedelta(0))
        await until(lambda: bool(certificates(house)))
        (first,) = certificates(house)
        measures = {(d.name, m.name): (m.value, str(m.verdict)) for d in first.devices for m in d.measures}
        assert measures["camera-1", "prepared.recall"] == (1.0, "pass")
        assert measures["sound", "prepared.mute.microphone"] == (True, "pass")
        assert first.minutes_to_start is not None
        assert first.minutes_to_start < 0.1


async def test_a_certificate_is_made_anew_when_something_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(tmp_path, ROOM_FILE.replace("{{lead: 10s, certify: 5s}}", "{{lead: 30m, certify: 5m}}"))
    monkeypatch.setattr("agent.plan.CERTIFY_AGAIN_AFTER", timedelta(seconds=0.2))
    monkeypatch.setattr("agent.plan.SETTLES_WITHIN", timedelta(seconds=0.1))
    async with house.alive():
        house.plan(start_in=timedelta(minutes=4.9), prepare_in=timedelta(0))
        await until(lambda: len(certificates(house)) == 1 and house.phase() is Phase.READY, within_s=15)
        heard = len(house.sound.heard_open)
        house.camera.at = 9  # somebody turned it by hand
        house.camera.health = at_fault("tally", 1, Verdict.WARN, "camera.slow")
        await until(lambda: len(certificates(house)) >= 2, within_s=15)
        second = certificates(house)[-1]
        found = {m.name: m for d in second.devices if d.name == "camera-1" for m in d.measures}
        assert str(found["prepared.recall"].verdict) == "warn"
        assert second.readiness is ContractReadiness.DEGRADED
        assert second.blocking == ()
        assert len(house.sound.heard_open) == heard  # no second tone
        house.camera.is_there = False
        await until(lambda: bool(certificates(house)[-1].blocking), within_s=15)
        course = house.engine.course("s-1")
        assert course.certificate_blocks
        assert course.certificate_worst is not None
        assert course.certificate_worst.values["device"] == "camera-1"
