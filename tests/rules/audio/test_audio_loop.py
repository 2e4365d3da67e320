"""What a look for the tone says, by itself and against how the room once was."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from drivers.audio import loop
from drivers.audio.lines import BadLine
from drivers.audio.model import LoopAnswer, LoopEnd
from drivers.errors import DeviceRefused
from drivers.outcomes import Measure, Verdict
from drivers.ports import Baseline, SoundPort

BANDS = (-12.0, -10.0, -10.0, -11.0, -14.0, -16.0)
NOISE = (-50.0, -52.0, -54.0, -55.0, -56.0, -57.0)
ANSWER = LoopAnswer(LoopEnd.HEARD, 0.98, -10.0, 17.6, -62.0, polarity=1, bands_db=BANDS, noise_db=NOISE)
BASELINE = Baseline("hdmi", "usb_mic", 0.0, 0.0, -10.0, 17.6, -62.0, 1, BANDS, 0.98)
PORTS = (
    SoundPort("microphone", "usb_mic", present=True, muted=False, gain_db=0.0),
    SoundPort("speaker", "hdmi", present=True, muted=False, gain_db=0.0),
)


def measured(
    answer: LoopAnswer, baseline: Baseline | None = BASELINE, *, cancels_echo: bool = False
) -> dict[str, Measure]:
    measures = loop.loop_measures(answer, PORTS, baseline, cancels_echo=cancels_echo)
    return {measure.name: measure for measure in measures}


def code(measure: Measure) -> str:
    return measure.reason.code if measure.reason else ""


@pytest.mark.parametrize(
    ("end", "verdict", "finding"),
    [
        (LoopEnd.FAINT, Verdict.UNPROVEN, "sound.faint"),
        (LoopEnd.ROOM_TOO_LOUD, Verdict.UNPROVEN, "sound.room_too_loud"),
        (LoopEnd.NOT_HEARD, Verdict.FAIL, "sound.not_heard"),
        (LoopEnd.DIGITAL_ZERO, Verdict.FAIL, "sound.microphone_dead"),
    ],
)
def test_loop_that_is_not_heard_has_no_gain_but_a_reason(end: LoopEnd, verdict: Verdict, finding: str) -> None:
    (heard,) = loop.loop_measures(LoopAnswer(end, 0.05, -80, 0, -60))
    assert heard.verdict is verdict
    assert code(heard) == finding


@pytest.mark.parametrize("end", [LoopEnd.FAINT, LoopEnd.NOT_HEARD])
def test_an_echo_canceller_that_hides_the_tone_proves_nothing(end: LoopEnd) -> None:
    heard = measured(replace(ANSWER, end=end, rho=0.05), cancels_echo=True)["loop.heard"]
    assert heard.verdict is Verdict.UNPROVEN
    assert code(heard) == "sound.echo_cancelled"


def test_a_dead_microphone_is_dead_behind_an_echo_canceller_too() -> None:
    heard = measured(replace(ANSWER, end=LoopEnd.DIGITAL_ZERO), cancels_echo=True)["loop.heard"]
    assert heard.verdict is Verdict.FAIL


def test_what_a_canceller_leaves_of_the_tone_is_not_compared() -> None:
    found = measured(replace(ANSWER, gain_db=-38.0), cancels_echo=True)
    assert {measure.verdict for measure in found.values()} == {Verdict.PASS}
    assert not found["loop.gain"].limit


def test_without_a_baseline_a_heard_loop_is_good_and_nothing_is_compared() -> None:
    found = measured(replace(ANSWER, gain_db=-12.34), None)
    assert set(found) == {"loop.heard", "loop.gain", "loop.latency"}
    assert {measure.verdict for measure in found.values()} == {Verdict.PASS}
    assert (found["loop.gain"].value, found["loop.latency"].value) == (-12.3, 17.6)


def test_a_room_as_it_was_passes_everything() -> None:
    found = measured(ANSWER)
    assert set(found) == {"loop.heard", "speaker.gain", "loop.gain", "loop.latency", "loop.polarity", "loop.treble"}
    assert {measure.verdict for measure in found.values()} == {Verdict.PASS}
    assert all(measure.limit for measure in found.values())


@pytest.mark.parametrize(
    ("over_db", "verdict", "finding"),
    [
        (-6.0, Verdict.PASS, ""),
        (3.0, Verdict.PASS, ""),
        (3.1, Verdict.WARN, "sound.loop_louder"),
        (6.0, Verdict.WARN, "sound.loop_louder"),
        (6.1, Verdict.FAIL, "sound.loop_louder"),
        (-6.1, Verdict.FAIL, "sound.loop_softer"),
        (-30.0, Verdict.FAIL, "sound.loop_softer"),
    ],
)
def test_gain_is_held_against_the_rooms_own(over_db: float, verdict: Verdict, finding: str) -> None:
    gain = measured(replace(ANSWER, gain_db=BASELINE.gain_db + over_db))["loop.gain"]
    assert (gain.verdict, code(gain)) == (verdict, finding)


def test_a_gain_that_somebody_set_is_named() -> None:
    ports = {port.name: port for port in PORTS}
    quieter = [replace(ports["microphone"], gain_db=-20.0), ports["speaker"]]
    gain = loop.loop_measures(replace(ANSWER, gain_db=-30.0), quieter, BASELINE)[2]
    assert gain.reason is not None
    assert gain.reason.values == {"by_db": 20.0, "set_db": -20.0}


@pytest.mark.parametrize(
    ("db", "played_at", "finding"),
    [
        (0.0, None, ""),
        (0.4, None, ""),
        (-6.0, 0.0, ""),
        (-6.1, 0.0, "sound.volume_other"),
        (7, 0.0, "sound.volume_other"),
    ],
)
def test_the_tone_is_played_at_the_volume_of_the_calibration_and_another_is_told(
    db: float, played_at: float | None, finding: str
) -> None:
    ports = [replace(port, gain_db=db) if port.name == "speaker" else port for port in PORTS]
    assert loop.tone_gain_db(ports, BASELINE) == played_at
    found = {measure.name: measure for measure in loop.loop_measures(ANSWER, ports, BASELINE)}
    assert code(found["speaker.gain"]) == finding
    assert found["loop.gain"].verdict is Verdict.PASS


def test_a_volume_is_left_alone_without_a_calibration_of_these_devices() -> None:
    ports = [replace(port, gain_db=-20.0) for port in PORTS]
    assert loop.tone_gain_db(ports, None) is None
    assert loop.tone_gain_db(ports, replace(BASELINE, speaker="another")) is None


@pytest.mark.parametrize(("off_ms", "verdict"), [(0, Verdict.PASS), (-20, Verdict.PASS), (21, Verdict.WARN)])
def test_delay_is_held_against_the_rooms_own(off_ms: float, verdict: Verdict) -> None:
    assert measured(replace(ANSWER, latency_ms=17.6 + off_ms))["loop.latency"].verdict is verdict


@pytest.mark.parametrize(
    ("own", "found", "verdict"),
    [
        (1, 1, Verdict.PASS),
        (-1, -1, Verdict.PASS),
        (1, -1, Verdict.WARN),
        (-1, 1, Verdict.WARN),
        (1, 0, Verdict.UNPROVEN),
    ],
)
def test_polarity_is_held_against_the_rooms_own(own: int, found: int, verdict: Verdict) -> None:
    polarity = measured(replace(ANSWER, polarity=found), replace(BASELINE, polarity=own))["loop.polarity"]
    assert polarity.verdict is verdict


def test_polarity_is_not_asked_where_it_could_not_be_told_at_calibration() -> None:
    assert "loop.polarity" not in measured(ANSWER, replace(BASELINE, polarity=0))


def test_lost_treble_is_a_telephones_band() -> None:
    bands = (*BANDS[:4], -60.0, -60.0)
    assert code(measured(replace(ANSWER, bands_db=bands))["loop.treble"]) == "sound.narrow_band"


def test_treble_that_may_be_noise_proves_nothing() -> None:
    noise = (*NOISE[:4], -16.0, -17.0)
    treble = measured(replace(ANSWER, noise_db=noise))["loop.treble"]
    assert (treble.verdict, code(treble)) == (Verdict.UNPROVEN, "sound.treble_unclear")


def test_a_dull_room_is_held_against_its_own_dullness() -> None:
    dull = (*BANDS[:4], -45.0, -50.0)
    answer, baseline = replace(ANSWER, bands_db=dull), replace(BASELINE, bands_db=dull)
    assert measured(answer, baseline)["loop.treble"].verdict is Verdict.PASS


def test_another_microphone_is_not_compared_but_said() -> None:
    found = measured(ANSWER, replace(BASELINE, microphone="other_mic"))
    assert code(found["loop.baseline"]) == "sound.baseline_other"
    assert found["loop.baseline"].verdict is Verdict.UNPROVEN
    assert not found["loop.gain"].limit


@pytest.mark.parametrize("baseline", [None, BASELINE])
def test_gain_is_not_trusted_when_samples_were_lost(baseline: Baseline | None) -> None:
    found = measured(replace(ANSWER, tries=3, xrun=True), baseline)
    assert found["loop.heard"].verdict is Verdict.PASS
    assert (found["loop.gain"].verdict, code(found["loop.gain"])) == (Verdict.UNPROVEN, "sound.samples_lost")


def test_muted_ports_leave_the_loop_unproven() -> None:
    assert loop.muted_measure(["microphone"]).verdict is Verdict.UNPROVEN


# --- calibration ---


def test_calibration_is_the_median_of_three() -> None:
    answers = [replace(ANSWER, gain_db=gain, latency_ms=late) for gain, late in ((-10, 19), (-10.5, 15), (-9.9, 18))]
    found = loop.baseline_of(answers, PORTS, -61.5)
    assert (found.gain_db, found.latency_ms, found.noise_floor_dbfs) == (-10.0, 18.0, -61.5)
    assert (found.speaker, found.microphone, found.polarity) == ("hdmi", "usb_mic", 1)
    assert found.bands_db == BANDS
    assert {m.verdict for m in loop.loop_measures(ANSWER, PORTS, found)} == {Verdict.PASS}


def test_polarity_that_changes_from_tone_to_tone_is_not_kept() -> None:
    assert loop.baseline_of([ANSWER, replace(ANSWER, polarity=-1), ANSWER], PORTS, -62.0).polarity == 0


@given(gain_db=some.floats(1.1, 30), late_ms=some.floats(5.1, 300), sign=some.sampled_from([-1, 1]))
def test_tones_that_differ_are_no_calibration(gain_db: float, late_ms: float, sign: int) -> None:
    for other in (
        replace(ANSWER, gain_db=ANSWER.gain_db + sign * gain_db),
        replace(ANSWER, latency_ms=ANSWER.latency_ms + sign * late_ms),
    ):
        with pytest.raises(DeviceRefused) as refused:
            loop.baseline_of([ANSWER, other, ANSWER], PORTS, -62.0)
        assert refused.value.reason.code == "sound.calibration_differs"


@pytest.mark.parametrize(
    ("answer", "finding"),
    [
        (replace(ANSWER, end=LoopEnd.NOT_HEARD), "sound.not_heard"),
        (replace(ANSWER, end=LoopEnd.FAINT), "sound.faint"),
        (replace(ANSWER, xrun=True), "sound.samples_lost"),
    ],
)
def test_what_was_not_heard_well_calibrates_nothing(answer: LoopAnswer, finding: str) -> None:
    with pytest.raises(DeviceRefused) as refused:
        loop.trusted(answer)
    assert refused.value.reason.code == finding
    assert loop.trusted(ANSWER) is ANSWER


# --- the worker's line ---


def test_an_answer_crosses_the_line_whole() -> None:
    assert loop.answer_of(asdict(ANSWER)) == ANSWER


@pytest.mark.parametrize("key", sorted(asdict(ANSWER)))
def test_an_answer_that_lacks_something_is_refused(key: str) -> None:
    line = asdict(ANSWER) | {key: {}}
    with pytest.raises(BadLine):
        loop.answer_of(line)
    with pytest.raises(BadLine):
        loop.answer_of({name: value for name, value in line.items() if name != key})


def test_an_end_that_nobody_knows_is_refused() -> None:
    with pytest.raises(BadLine, match="end"):
        loop.answer_of(asdict(ANSWER) | {"end": "perhaps"})
