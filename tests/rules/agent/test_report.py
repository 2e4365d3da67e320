"""The report: made from journal entries, complete, and small enough for one entry."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pydantic import JsonValue

from agent.report import MAX_BYTES, RoomFacts, report_of
from contract.messages import ChecklistItem, Entry, PlannedSession
from contract.words import EntryKind, Phase, SessionStatus, StepOutcome

START = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
FACTS = RoomFacts(
    "praja-1", "Ruang Rapat Praja I", "Asia/Pontianak", "stream-1",
    (ChecklistItem(id="papan-nama", label={"id": "Papan nama"}), ChecklistItem(id="air", label={"id": "Air"})),
)  # fmt: skip
PLAN = PlannedSession(
    id="s-1", rev=2, status=SessionStatus.CONFIRMED, title="Rapat", agency="Dinkes", start=START,
    end=START + timedelta(hours=1), prepare_at=START - timedelta(minutes=30), operators=("Budi",), letter="555/1",
)  # fmt: skip


class Scribe:
    """Writes a journal by hand."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def write(self, minute: float, kind: str, *, session: str | None = "s-1", **more: object) -> None:
        seq = len(self.entries) + 10
        fields = {"seq": seq, "id": str(seq), "kind": kind, "at": START + timedelta(minutes=minute), "mono_ms": 0,
                  "boot": "b", "session": session}  # fmt: skip
        self.entries.append(Entry.model_validate(fields | more))

    def move(self, minute: float, phase: Phase) -> None:
        self.write(minute, EntryKind.PHASE_CHANGED, body={"phase": phase})

    def run(self, minute: float, run: str, outcome: StepOutcome, body: dict[str, JsonValue] | None = None) -> None:
        step: dict[str, JsonValue] = {
            "step": "1",
            "verb": "recall",
            "args": {"memory": 1},
            "read_back": {"pan_deg": -30},
        }
        end = StepOutcome.DONE if outcome.good else StepOutcome.FAILED
        self.write(minute, EntryKind.PRESET_STARTED, run=run, body={"preset": "siap", "label": {"id": "Siap"}})
        self.write(minute, EntryKind.STEP_INTENT, run=run, device="camera-1", body=step)
        self.write(minute, EntryKind.STEP_ENDED, run=run, device="camera-1", outcome=outcome, duration_ms=1500.0,
                   body=step | (body or {}))  # fmt: skip
        self.write(minute, EntryKind.PRESET_ENDED, run=run, outcome=end, body={"preset": "siap"})


def whole() -> Scribe:
    scribe = Scribe()
    scribe.move(-30, Phase.PREPARING)
    scribe.run(-30, "r-1", StepOutcome.VERIFIED)
    scribe.move(-29, Phase.READY)
    scribe.write(-5, EntryKind.READINESS, body={"at": START.isoformat(), "readiness": "ready", "devices": []})
    scribe.write(-3, EntryKind.CHECKLIST, who="tablet", body={"item": "papan-nama", "on": True})
    scribe.move(0, Phase.LIVE)
    scribe.write(5, EntryKind.DEVICE_CHANGED, session=None, device="camera-1",
                 body={"condition": "absent", "reason": {"code": "camera.no_answer", "detail": "gone"}})  # fmt: skip
    scribe.write(6, EntryKind.DEVICE_CHANGED, session=None, device="camera-1", body={"condition": "ok"})
    scribe.write(7, EntryKind.NOTE, who="tablet", body={"text": "gubernur datang"})
    scribe.move(60, Phase.ENDING)
    scribe.move(60, Phase.ENDED)
    return scribe


def test_it_tells_plan_and_fact() -> None:
    report = report_of(FACTS, PLAN, whole().entries, START)
    assert report.carried_out
    assert (report.prepared_at, report.started_at) == (START - timedelta(minutes=29), START)
    assert report.ended_at == START + timedelta(hours=1)
    assert [move.phase for move in report.moves] == ["preparing", "ready", "live", "ending", "ended"]
    assert report.certificate is not None
    assert report.deviations == ()
    assert (report.first_seq, report.last_seq) == (10, 23)
    assert [(tick.id, tick.ticked_at is not None) for tick in report.checklist] == [
        ("papan-nama", True),
        ("air", False),
    ]


def test_runs_point_into_the_journal() -> None:
    (run,) = report_of(FACTS, PLAN, whole().entries, START).runs
    (step,) = run.steps
    assert run.good
    assert (step.verb, step.outcome, step.duration) == ("recall", StepOutcome.VERIFIED, timedelta(seconds=1.5))
    assert step.read_back == {"pan_deg": -30}
    assert step.entries == (12, 13)


def test_a_run_says_what_its_preset_was_told() -> None:
    scribe = whole()
    body = {"preset": "podium", "label": {"id": "Podium"}, "values": {"meja": 2}}
    scribe.write(8, EntryKind.PRESET_STARTED, run="r-9", body=body)
    usual, told = report_of(FACTS, PLAN, scribe.entries, START).runs
    assert (usual.values, told.values) == ({}, {"meja": 2})


def test_a_lost_device_is_an_incident_that_ends_when_it_is_back() -> None:
    lost, note = report_of(FACTS, PLAN, whole().entries, START).incidents
    assert (lost.device, lost.resolved_at) == ("camera-1", START + timedelta(minutes=6))
    assert lost.fault is not None
    assert lost.fault.code == "camera.no_answer"
    assert note.text == "gubernur datang"


def test_a_missed_session_is_reported_as_not_carried_out() -> None:
    scribe = Scribe()
    scribe.move(90, Phase.MISSED)
    report = report_of(FACTS, PLAN, scribe.entries, START)
    assert not report.carried_out
    assert report.started_at is None
    assert [deviation.code for deviation in report.deviations] == ["session.not_carried_out"]


def test_late_early_and_extended_are_deviations() -> None:
    scribe = Scribe()
    scribe.move(5, Phase.LIVE)
    scribe.write(50, "session.extended", body={"end": (START + timedelta(minutes=75)).isoformat()})
    scribe.move(75, Phase.ENDING)
    codes = [deviation.code for deviation in report_of(FACTS, PLAN, scribe.entries, START).deviations]
    assert codes == ["session.started_late", "session.ended_late", "session.extended", "session.never_ready"]


def test_a_day_of_levels_and_runs_still_fits_and_says_what_was_left_out() -> None:
    scribe = whole()
    for minute in range(8 * 60):
        start, peaks = START + timedelta(minutes=minute), [-3.0 if minute == 77 else -30.0, *[-30.0] * 59]
        scribe.write(10, EntryKind.LEVELS, body={"start": start.isoformat(), "rms": [-40.0] * 60, "peak": peaks})
    report = report_of(FACTS, PLAN, scribe.entries, START)
    assert len(report.model_dump_json()) <= MAX_BYTES
    assert len(report.levels) > 100
    assert max(point.peak_dbfs for point in report.levels) == -3.0
    assert {point.rms_dbfs for point in report.levels} == {-40.0}
    for number in range(400):
        scribe.run(11, f"r-{number}", StepOutcome.REFUSED, {"reason": {"code": "x", "detail": "y" * 100}})
    crowded = report_of(FACTS, PLAN, scribe.entries, START)
    assert len(crowded.model_dump_json()) <= MAX_BYTES
    assert "report.runs_left_out" in [deviation.code for deviation in crowded.deviations]


def test_an_alarm_of_the_sound_is_an_incident_from_its_beginning_to_its_end() -> None:
    scribe = whole()
    reason = {"code": "sound.alarm_howl", "detail": "feedback"}
    for minute, raised in ((10, True), (12, False)):
        body = {"alarm": "howl", "raised": raised, "critical": True, "reason": reason}
        scribe.write(minute, EntryKind.DEVICE_ALARM, device="sound", body=body)
    told = [i for i in report_of(FACTS, PLAN, scribe.entries, START).incidents if i.kind == EntryKind.DEVICE_ALARM]
    assert [(incident.at, incident.resolved_at) for incident in told] == [
        (START + timedelta(minutes=10), START + timedelta(minutes=12))
    ]
