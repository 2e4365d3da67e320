"""What a room's presets ask of its switcher, and what should be so by now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from agent.course import Course
from agent.presets import Preset, Step
from agent.wanted import Situation, wanted_of
from contract.messages import PlannedSession
from contract.words import Phase, SessionStatus
from drivers.ports import Inputs, Outputs, Stage, Switcher
from drivers.verbs import VERBS, Arguments, InputMute, ItemShown, OnOff, SceneName, Verb

START = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
_ALL: dict[str, Verb] = {**VERBS[Switcher], **VERBS[Stage], **VERBS[Inputs], **VERBS[Outputs]}


def step(verb: str, arguments: Arguments, device: str = "obs") -> Step:
    return Step("1", device, _ALL[verb], arguments, timedelta(seconds=5))


def preset(name: str, *steps: Step) -> Preset:
    return Preset(name, {}, tuple((one,) for one in steps))


READY = preset("siap", step("scene", SceneName(name="Jeda")), step("mute", InputMute(input="Mik", on=True)))
LIVE = preset(
    "mulai", step("scene", SceneName(name="Kamera")), step("scene", SceneName(name="Jeda")),
    step("mute", InputMute(input="Mik", on=False)), step("record", OnOff(on=True)),
    step("virtual-camera", OnOff(on=True)), step("source", ItemShown(scene="Kamera", source="Judul", on=True)),
    step("scene", SceneName(name="Aula"), device="other"),
)  # fmt: skip
PRESETS = {"siap": READY, "mulai": LIVE}


def plan(*, recording: bool = True) -> PlannedSession:
    return PlannedSession(
        id="s1", rev=1, status=SessionStatus.CONFIRMED, title="Rapat", agency="Biro", start=START,
        end=START + timedelta(hours=2), prepare_at=START - timedelta(minutes=30), recording=recording,
    )  # fmt: skip


def at(phase: Phase, *, recording: bool = True, minutes: float = 0, is_set_live: bool = False) -> Situation:
    course = Course(phase=phase, is_set_live=is_set_live)
    return Situation(START + timedelta(minutes=minutes), plan(recording=recording), course, READY, LIVE)


def test_everything_that_any_preset_names_must_be_there() -> None:
    wanted = wanted_of("obs", PRESETS, Situation(START))
    assert wanted.scenes == ("Jeda", "Kamera")
    assert wanted.sources == (("Kamera", "Judul"),)
    assert dict(wanted.inputs) == {"Mik": None}
    assert (wanted.virtual_camera, wanted.virtual_camera_now, wanted.recording_for) == (True, False, None)


def test_before_the_session_its_whole_length_must_fit_and_then_what_is_left() -> None:
    assert wanted_of("obs", PRESETS, at(Phase.READY)).recording_for == timedelta(hours=2)
    late = at(Phase.LIVE, minutes=90, is_set_live=True)
    assert wanted_of("obs", PRESETS, late).recording_for == timedelta(minutes=30)
    assert wanted_of("obs", PRESETS, at(Phase.READY, recording=False)).recording_for is None


def test_what_a_phase_set_should_stand_once_it_was_set() -> None:
    assert wanted_of("obs", PRESETS, at(Phase.READY)).inputs == {"Mik": True}
    assert wanted_of("obs", PRESETS, at(Phase.LIVE)).inputs == {"Mik": None}
    live = wanted_of("obs", PRESETS, at(Phase.LIVE, is_set_live=True))
    assert (live.inputs, live.recording, live.virtual_camera_now) == ({"Mik": False}, True, True)


def test_a_session_that_may_not_be_recorded_wants_no_recording() -> None:
    assert wanted_of("obs", PRESETS, at(Phase.LIVE, recording=False, is_set_live=True)).recording is False
