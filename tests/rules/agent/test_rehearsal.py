"""A preset rehearsed: what would run, what would fail, how long it takes."""

from __future__ import annotations

from datetime import timedelta

from agent.board import Sighting
from agent.presets import Preset, Step
from agent.rehearsal import rehearse
from drivers.outcomes import Condition, Health
from drivers.ports import Camera, Switcher
from drivers.verbs import VERBS, Memory, OnOff, SceneName

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
