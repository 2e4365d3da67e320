"""Runs of presets on hand-written devices."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.clock import SystemClock
from agent.guards import DeviceIs, Fact, Guard, Measured, Unknown
from agent.journal import Journal
from agent.orders import Order, Question, Run
from agent.presets import Preset, Step
from agent.resume import begun_before
from agent.runner import Runner
from agent.store import Store
from contract.messages import Entry
from contract.words import EntryKind, StepOutcome
from drivers.outcomes import Measure, Verdict, judge
from drivers.ports import Camera, Switcher
from drivers.verbs import VERBS, Memory, OnOff, SceneName
from tests.service.agent.fakes import FakeCamera, FakeSwitcher
from tests.until import until

SECOND = timedelta(seconds=1)


def recall(place: str, memory: int = 1, *, verify: bool = False, optional: bool = False) -> Step:
    return Step(place, "camera-1", VERBS[Camera]["recall"], Memory(memory=memory), 5 * SECOND, optional, verify)


def scene(
    place: str, name: str = "Jeda", *, within: timedelta = 5 * SECOND, undo: str | None = None, verify: bool = False
) -> Step:
    verb = VERBS[Switcher]["scene"]
    back = None if undo is None else (verb, SceneName(name=undo))
    return Step(place, "obs", verb, SceneName(name=name), within, verify=verify, undo=back)


def preset(*groups: tuple[Step, ...]) -> Preset:
    return Preset("siap", {"id": "Siap"}, groups)


class Stage:
    """A runner with two devices and its journal."""

    def __init__(self, journal: Journal) -> None:
        self.camera, self.obs, self.journal = FakeCamera("camera-1"), FakeSwitcher("obs"), journal
        self.runner = Runner({"camera-1": self.camera, "obs": self.obs}, journal)
        self.count = 0

    def run(
        self,
        what: Preset,
        *,
        phase: str | None = None,
        may_record: bool = True,
        begun_before: frozenset[str] = frozenset(),
    ) -> tuple[Run, asyncio.Task[None]]:
        self.count += 1
        name = f"run-{self.count}"
        run = Run(Order(name, what, phase, "s-1", may_record=may_record, begun_before=begun_before))
        self.runner.announce(run)
        return run, asyncio.create_task(self.runner.run(run))

    def ends(self) -> dict[str, str | None]:
        return {str(e.body["step"]): e.outcome for e in self.entries() if e.kind == EntryKind.STEP_ENDED}

    def entries(self) -> list[Entry]:
        return self.journal.of_session("s-1")


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    store = Store(tmp_path)
    yield Stage(Journal(store, SystemClock(), "boot-1"))
    store.close()


async def test_steps_of_a_group_start_together_and_steps_in_a_row_do_not(stage: Stage) -> None:
    stage.camera.go.clear()
    stage.obs.go.clear()
    run, task = stage.run(preset((recall("1.1"), scene("1.2")), (scene("2", "Kamera"),)))
    await until(lambda: stage.camera.began.is_set() and stage.obs.began.is_set())
    assert run.ends == {}
    stage.obs.go.set()
    await until(lambda: "1.2" in run.ends)
    assert stage.obs.on_air == "Jeda"
    stage.camera.go.set()
    await task
    assert stage.obs.on_air == "Kamera"
    assert run.is_good


async def test_every_step_is_an_intent_before_it_is_an_end(stage: Stage) -> None:
    _, task = stage.run(preset((recall("1", verify=True),), (scene("2"),)))
    await task
    kinds = [(entry.kind, entry.body.get("step")) for entry in stage.entries()]
    assert kinds == [
        ("preset.started", None), ("step.intent", "1"), ("step.ended", "1"), ("step.intent", "2"), ("step.ended", "2"),
        ("preset.ended", None),
    ]  # fmt: skip
    ended = stage.entries()[2]
    assert ended.outcome == StepOutcome.VERIFIED
    assert ended.body["read_back"] == {"pan_deg": 1.0, "tilt_deg": 0.0, "zoom": 0.0}
    assert ended.duration_ms is not None


async def test_a_press_stops_at_a_failing_step_and_takes_back_what_says_how(stage: Stage) -> None:
    stage.camera.refuses.add(1)
    run, task = stage.run(preset((scene("1", undo="Hitam"),), (recall("2"),), (scene("3", "Kamera"),)))
    await task
    assert stage.ends() == {"1": "done", "2": "refused", "3": "skipped", "1-undo": "undone"}
    assert stage.obs.on_air == "Hitam"
    assert run.failed is not None
    assert run.failed.reason is not None
    assert run.failed.reason.code == "camera.refused"


async def test_a_phase_goes_on_past_a_failing_step_and_is_not_good(stage: Stage) -> None:
    stage.camera.is_there = False
    run, task = stage.run(preset((recall("1"),), (scene("2", undo="Hitam"),)), phase="prepare")
    await task
    assert stage.ends() == {"1": "failed", "2": "done"}
    assert stage.obs.on_air == "Jeda"
    assert not run.is_good
    assert stage.entries()[-1].outcome == StepOutcome.FAILED


async def test_an_optional_step_does_not_count(stage: Stage) -> None:
    stage.camera.is_there = False
    run, task = stage.run(preset((recall("1", optional=True),), (scene("2"),)))
    await task
    assert stage.ends() == {"1": "failed", "2": "done"}
    assert run.is_good


async def test_a_device_that_only_says_yes_fails_verification(stage: Stage) -> None:
    stage.obs.stuck = True
    run, task = stage.run(preset((scene("1", verify=True),)))
    await task
    assert stage.ends() == {"1": "failed"}
    assert run.failed is not None
    assert run.failed.reason is not None
    assert run.failed.reason.code == "step.not_verified"


async def test_a_step_ends_at_its_limit(stage: Stage) -> None:
    stage.obs.go.clear()
    _, task = stage.run(preset((scene("1", within=timedelta(milliseconds=20)),)))
    await task
    assert stage.ends() == {"1": "timed_out"}


async def test_two_runs_never_interleave_on_a_device(stage: Stage) -> None:
    stage.camera.go.clear()
    _, first = stage.run(preset((recall("1", 1),), (recall("2", 2),)))
    _, second = stage.run(preset((recall("1", 3),), (recall("2", 4),)))
    await until(stage.camera.began.is_set)
    stage.camera.go.set()
    await asyncio.gather(first, second)
    assert stage.camera.told == ["recall 1", "recall 2", "recall 3", "recall 4"]


async def test_a_cancelled_run_ends_at_once_and_says_what_was_not_done(stage: Stage) -> None:
    stage.camera.go.clear()
    run, task = stage.run(preset((scene("1", undo="Hitam"),), (recall("2"),), (scene("3", "Kamera"),)))
    await until(stage.camera.began.is_set)
    task.cancel()
    await asyncio.wait({task})
    assert stage.ends() == {"1": "done", "2": "unknown", "3": "skipped", "1-undo": "undone"}
    assert stage.obs.on_air == "Hitam"
    assert run.is_over
    assert stage.entries()[-1].kind == EntryKind.PRESET_ENDED


async def test_a_second_cancel_leaves_the_undo_alone_and_the_devices_held(stage: Stage) -> None:
    stage.camera.go.clear()
    _, first = stage.run(preset((scene("1", undo="Hitam"),), (recall("2"),)))
    await until(stage.camera.began.is_set)
    _, second = stage.run(preset((scene("1", "Kamera"),)))
    stage.obs.began.clear()
    stage.obs.go.clear()
    first.cancel()
    await until(stage.obs.began.is_set)
    first.cancel()
    await asyncio.sleep(0)
    first.cancel()
    stage.obs.go.set()
    await asyncio.wait({first, second})
    assert first.cancelled()
    told = [(e.run, e.kind.split(".")[1], e.body["step"]) for e in stage.entries() if e.kind.startswith("step.")]
    undone = told.index(("run-1", "ended", "1-undo"))
    assert told.count(("run-1", "intent", "1-undo")) == 1
    assert undone < told.index(("run-2", "intent", "1"))
    assert stage.obs.on_air == "Kamera"


async def test_a_cancel_while_a_failed_press_is_undone_undoes_nothing_twice(stage: Stage) -> None:
    stage.camera.refuses.add(1)
    stage.camera.go.clear()
    run, task = stage.run(preset((scene("1", undo="Hitam"),), (recall("2"),)))
    await until(stage.camera.began.is_set)
    stage.obs.began.clear()
    stage.obs.go.clear()
    stage.camera.go.set()
    await until(stage.obs.began.is_set)
    task.cancel()
    stage.obs.go.set()
    await asyncio.wait({task})
    assert run.is_over
    assert [e.body["step"] for e in stage.entries() if e.kind == EntryKind.STEP_INTENT] == ["1", "2", "1-undo"]
    assert [e.kind for e in stage.entries()].count(EntryKind.PRESET_ENDED) == 1


async def test_a_run_that_waits_for_its_devices_can_be_cancelled(stage: Stage) -> None:
    stage.camera.go.clear()
    _, first = stage.run(preset((recall("1"),)))
    await until(stage.camera.began.is_set)
    waiting, second = stage.run(preset((recall("1", 2),)))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.wait({second})
    assert waiting.is_over
    stage.camera.go.set()
    await first
    assert stage.camera.told == ["recall 1"]


async def test_a_session_that_may_not_be_recorded_is_not(stage: Stage) -> None:
    step = Step("1", "obs", VERBS[Switcher]["record"], OnOff(on=True), SECOND)
    run, task = stage.run(preset((step,)), may_record=False)
    await task
    assert stage.ends() == {"1": "skipped"}
    assert not stage.obs.recording
    assert run.is_good


async def test_what_was_begun_before_a_restart_is_asked_before_it_is_told_again(stage: Stage) -> None:
    store = Step("1", "camera-1", VERBS[Camera]["store"], Memory(memory=7), SECOND)
    what = preset((store,), (scene("2"),), (scene("3", "Kamera"),), (recall("4"),))
    _, task = stage.run(what, phase="live")
    await task
    stage.obs.on_air = "Kamera"
    before = begun_before(stage.entries()[:-1], "live")
    again, task = stage.run(what, phase="live", begun_before=before)
    await task
    ends = {place: end.outcome for place, end in again.ends.items()}
    assert ends == {"1": "skipped", "2": "done", "3": "done", "4": "verified"}
    assert stage.camera.told == ["recall 1"]
    assert begun_before(stage.entries(), "live") == frozenset()


async def test_a_step_is_tried_as_often_as_it_says(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.telling.RETRY_AFTER_S", 0.0)
    stage.camera.refuses.add(1)
    run, task = stage.run(preset((replace(recall("1"), retry=2),)))
    await task
    assert stage.camera.told == ["recall 1"] * 3
    assert stage.ends() == {"1": "refused"}
    stage.camera.refuses.clear()
    run, task = stage.run(preset((replace(recall("1"), retry=2),)))
    await task
    assert stage.camera.told == ["recall 1"] * 4
    assert run.is_good


async def test_a_press_that_failed_undoes_and_then_rests(stage: Stage) -> None:
    stage.camera.refuses.add(1)
    what = replace(preset((scene("1", undo="Hitam"),), (recall("2"),)), rest=(scene("rest-1", "Kamera"),))
    _, task = stage.run(what)
    await task
    assert stage.ends() == {"1": "done", "2": "refused", "1-undo": "undone", "rest-1": "done"}
    assert stage.obs.on_air == "Kamera"


async def test_a_device_in_use_can_be_told_from_a_free_one(stage: Stage) -> None:
    stage.camera.go.clear()
    _, task = stage.run(preset((recall("1"),)))
    await until(stage.camera.began.is_set)
    assert stage.runner.busy_device(preset((recall("1"),))) == "camera-1"
    assert stage.runner.busy_device(preset((scene("1"),))) is None
    stage.camera.go.set()
    await task


def guarded(
    step: Step, question: DeviceIs | Fact | Measured, *, unknown: Unknown = "refuse", wanted: bool = True
) -> Step:
    return replace(step, guards=(Guard(step.id, question, wanted, unknown),))


ON_AIR = DeviceIs("obs", VERBS[Switcher]["scene"], SceneName(name="Jeda"))
POWER = Measured("camera-1", "power", equals="on")


async def test_a_guard_that_says_no_skips_its_step_and_the_run_is_good(stage: Stage) -> None:
    run, task = stage.run(preset((guarded(recall("1"), ON_AIR),), (scene("2"),), (guarded(recall("3", 2), ON_AIR),)))
    await task
    assert stage.ends() == {"1": "skipped", "2": "done", "3": "done"}
    assert stage.camera.told == ["recall 2"]
    assert run.is_good
    skipped = next(e for e in stage.entries() if e.kind == EntryKind.STEP_ENDED)
    assert skipped.body["reason"] == {
        "code": "guard.not_met",
        "detail": "wanted {'device': 'obs', 'do': 'scene', 'args': {'name': 'Jeda'}, 'is': True}, found Hitam",
        "values": {"found": "Hitam"},
    }


@pytest.mark.parametrize(("unknown", "outcome"), [("refuse", "refused"), ("skip", "skipped"), ("run", "done")])
async def test_a_guard_that_nobody_can_answer_does_what_it_says(stage: Stage, unknown: Unknown, outcome: str) -> None:
    stage.camera.is_there = False
    run, task = stage.run(preset((guarded(scene("1"), POWER, unknown=unknown),)))
    await task
    assert stage.ends() == {"1": outcome}
    assert run.is_good is (unknown != "refuse")
    assert (stage.obs.on_air == "Jeda") is (unknown == "run")


async def test_a_measured_guard_reads_the_device_and_not_what_was_seen_before(stage: Stage) -> None:
    stage.camera.health = judge((Measure("power", "standby", Verdict.PASS),))
    step = guarded(Step("1", "camera-1", VERBS[Camera]["power"], OnOff(on=True), SECOND), POWER, wanted=False)
    _, task = stage.run(preset((step,), (replace(step, id="2"),)))
    await task
    assert stage.camera.told == ["power True", "power True"]
    stage.camera.health = judge((Measure("power", "on", Verdict.PASS),))
    _, task = stage.run(preset((step,)))
    await task
    assert stage.ends()["1"] == "skipped"


async def test_the_guard_of_a_preset_inside_is_asked_once_for_all_its_steps(stage: Stage) -> None:
    guard = Guard("1", DeviceIs("obs", VERBS[Switcher]["scene"], SceneName(name="Hitam")))
    inside = (replace(scene("1.1"), guards=(guard,)), replace(recall("1.2"), guards=(guard,)))
    _, task = stage.run(preset((inside[0],), (inside[1],)))
    await task
    assert stage.ends() == {"1.1": "done", "1.2": "done"}


async def test_a_fact_counts_as_it_was_when_the_run_was_ordered(stage: Stage) -> None:
    run = Run(Order("r", preset((guarded(scene("1"), Fact("live")),)), session="s-1", facts=frozenset({"live"})))
    stage.runner.announce(run)
    await stage.runner.run(run)
    assert stage.ends() == {"1": "done"}


async def test_a_run_whose_devices_do_not_become_free_fails_and_says_whose(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.runner.PRESS_WAITS_S", 0.02)
    stage.camera.go.clear()
    _, first = stage.run(preset((recall("1"),)))
    await until(stage.camera.began.is_set)
    waiting, second = stage.run(preset((recall("1", 2),), (scene("2"),)))
    await second
    assert waiting.failed is not None
    assert waiting.failed.reason is not None
    assert (waiting.failed.reason.code, waiting.failed.reason.values) == ("run.waited_too_long", {"device": "camera-1"})
    assert stage.obs.on_air == "Hitam"
    stage.camera.go.set()
    await first


async def test_a_step_that_was_taken_back_shows_as_undone(stage: Stage) -> None:
    stage.camera.refuses.add(1)
    run, task = stage.run(preset((scene("1", undo="Hitam"),), (recall("2"),)))
    await task
    assert {place: end.outcome for place, end in run.ends.items()} == {"1": "undone", "2": "refused"}


def late(question: bool | None, *steps: Step, until_s: float = 5.0) -> Run:
    """Return a run that is late, with its questions answered or not."""
    loop = asyncio.get_running_loop()
    run = Run(Order("late", preset(*((step,) for step in steps)), "prepare", "s-1", late=timedelta(minutes=9)))
    for step in steps:
        if step.late == "ask":
            asked = Question(step, datetime.now(UTC), loop.time() + until_s, loop.create_future())
            if question is not None:
                asked.answer.set_result(question)
            run.questions[step.id] = asked
    return run


@pytest.mark.parametrize(("answer", "outcome"), [(True, "done"), (False, "skipped"), (None, "skipped")])
async def test_a_late_step_runs_is_skipped_or_asks_a_person(stage: Stage, answer: bool | None, outcome: str) -> None:
    steps = (recall("1"), replace(scene("2"), late="skip"), replace(scene("3", "Kamera"), late="ask"))
    run = late(answer, *steps, until_s=0.02)
    stage.runner.announce(run)
    await stage.runner.run(run)
    assert stage.ends() == {"1": "done", "2": "skipped", "3": outcome}
    codes = [end.reason.code for end in run.ends.values() if end.reason]
    assert codes == ["step.too_late", *{True: [], False: ["step.too_late"], None: ["step.nobody_decided"]}[answer]]
    assert run.is_good
    assert not run.open_questions
