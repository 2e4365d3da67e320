"""A preset rehearsed: what would run, what would fail, how long it takes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agent.board import Sighting
from agent.gains import gains_at_start
from agent.presets import Preset, Step
from agent.rehearsal import rehearse
from agent.roomfile import PhaseSettings
from drivers.outcomes import Condition, Health, Measure, Verdict
from drivers.ports import Camera, Sound, Switcher
from drivers.verbs import VERBS, Memory, OnOff, PortGain, SceneName

SECOND = timedelta(seconds=1)


def test_the_slowest_device_of_each_group_counts_and_a_missing_device_fails() -> None:
    power = Step("1.1", "camera-1", VERBS[Camera]["power"], OnOff(on=True), 40 * SECOND)
    scene = Step("1.2", "obs", VERBS[Switcher]["scene"], SceneName(name="Jeda"), 6 * SECOND)
    recall = Step("2", "camera-1", VERBS[Camera]["recall"], Memory(memory=1), 12 * SECOND, retry=1)
    preset = Preset("siap", {}, ((power, scene), (recall,)))
    seen = {
        "camera-1": Sighting("camera-1", "camera", True, Health(Condition.OK)),
        "obs": Sighting("obs", "switcher", True, Health(Condition.ABSENT)),
    }
    found = rehearse(preset, seen)
    assert found.takes == 19 * SECOND
    assert [(step.step, step.would, step.starts_with) for step in found.steps] == [
        ("1.1", "run", 1), ("1.2", "fail", 1), ("2", "run", 2),
    ]  # fmt: skip
    assert found.steps[2].at_most == 25 * SECOND
    assert found.steps[2].arguments == {"memory": 1}
    assert not found.is_good
    assert {step.would for step in rehearse(preset, {}).steps} == {"unknown"}


def gain(number: int, db: float) -> Step:
    return Step(str(number), "sound", VERBS[Sound]["gain"], PortGain(port="microphone", db=db), 2 * SECOND)


def heard(*, at_db: float) -> dict[str, Sighting]:
    health = Health(Condition.OK, (Measure("microphone.gain", at_db, Verdict.PASS, "dB"),))
    return {"sound": Sighting("sound", "sound", True, health)}


@pytest.mark.parametrize(
    ("measured_db", "prepared_db", "steps", "would"),
    [
        (-12.0, None, (0.0,), ["jump"]),
        (-12.0, None, (-6.0, 0.0), ["run", "run"]),
        (-12.0, None, (0.0, -6.0, 0.0), ["jump", "run", "run"]),
        (0.0, -12.0, (0.0,), ["jump"]),
        (-12.0, -5.0, (0.0,), ["run"]),
        (0.0, None, (-40.0,), ["run"]),
    ],
)
def test_a_live_preset_that_raises_a_gain_too_far_at_once_is_foreseen_to_be_refused(
    measured_db: float, prepared_db: float | None, steps: tuple[float, ...], would: list[str]
) -> None:
    live = Preset("mulai", {}, tuple((gain(number, db),) for number, db in enumerate(steps, start=1)))
    prepare = Preset("siap", {}, () if prepared_db is None else ((gain(1, prepared_db),),))
    seen, phases = heard(at_db=measured_db), PhaseSettings(prepare="siap", live="mulai")
    start = gains_at_start({"siap": prepare, "mulai": live}, phases, seen)
    found = rehearse(live, seen, heard_from=start)
    assert [step.would for step in found.steps] == would
    assert found.is_good is ("jump" not in would)
    assert rehearse(live, seen).is_good
