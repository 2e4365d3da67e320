"""Speech is measured where it is, and nothing is said where there is none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from drivers.audio import dsp
from drivers.audio.hearing import Hearing
from drivers.audio.model import Limits, MeterReading
from drivers.audio.speech import disturbs, speech_measures
from drivers.outcomes import Measure, Verdict
from drivers.ports import Baseline, Level
from tests.rules.audio.sounds import mains, pink, sine, telephone, voice

LIMITS = Limits()
SECONDS = 8.0


def heard(sound: dsp.Samples) -> list[MeterReading]:
    """Return what the meter reads of `sound`."""
    hearing, readings = Hearing(), []
    for block in np.split(sound[: sound.size // dsp.BLOCK_FRAMES * dsp.BLOCK_FRAMES], sound.size // dsp.BLOCK_FRAMES):
        level = dsp.level(block)
        hearing.feed(block, level)
        found = Level(level.rms_dbfs, level.peak_dbfs, level.digital_zero, hearing.momentary_lufs)
        readings.append(MeterReading(found, level.clips))
    return readings


def measured(sound: dsp.Samples) -> dict[str, Measure]:
    return {measure.name: measure for measure in speech_measures(heard(sound), LIMITS)}


def room(dbfs: float, *, noise_dbfs: float = -62.0, seed: int = 3) -> dsp.Samples:
    return voice(seed, dbfs, SECONDS) + pink(seed, noise_dbfs, SECONDS)


@pytest.mark.parametrize(
    ("dbfs", "verdict", "code"),
    [
        (-26.0, Verdict.PASS, ""),
        (-32.0, Verdict.PASS, ""),
        (-44.0, Verdict.WARN, "sound.speech_soft"),
        (-9.0, Verdict.WARN, "sound.speech_hot"),
    ],
)
def test_speech_is_too_soft_right_or_too_hot(dbfs: float, verdict: Verdict, code: str) -> None:
    level = measured(room(dbfs))["microphone.speech"]
    assert level.verdict is verdict
    assert (level.reason.code if level.reason else "") == code


def test_speech_over_a_quiet_room_is_clear_and_over_a_fan_is_drowned() -> None:
    clear = measured(room(-26.0))["microphone.speech_over_noise"]
    drowned = measured(room(-26.0, noise_dbfs=-27.0))["microphone.speech_over_noise"]
    assert (clear.verdict, drowned.verdict) == (Verdict.PASS, Verdict.WARN)
    assert isinstance(clear.value, float)
    assert clear.value >= 20


@given(seed=some.integers(0, 10_000), dbfs=some.floats(-60, -15))
@settings(max_examples=15, deadline=None)
def test_where_nobody_speaks_nothing_is_said(seed: int, dbfs: float) -> None:
    assert not measured(pink(seed, dbfs, 5.0))
    assert not measured(pink(seed, -62.0) + mains(dbfs))
    assert not measured(pink(seed, -62.0) + sine(2_400.0, dbfs))


def test_a_door_and_a_fan_that_starts_are_no_speech() -> None:
    door = pink(1, -62.0)
    door[96_000:115_200] += pink(2, -15.0, 0.4)
    fan = pink(3, -62.0)
    fan[96_000:] += pink(4, -35.0)[96_000:]
    assert not measured(door)
    assert not measured(fan)


def test_before_anything_was_heard_nothing_is_said() -> None:
    assert not speech_measures([], LIMITS)
    assert disturbs([], LIMITS) is None


@given(gain_db=some.floats(-8, 8), seed=some.integers(0, 50))
@settings(max_examples=15, deadline=None)
def test_speech_level_follows_the_gain_and_its_distance_to_the_noise_does_not(gain_db: float, seed: int) -> None:
    before = measured(room(-24.0, noise_dbfs=-52.0, seed=seed))
    after = measured(room(-24.0, noise_dbfs=-52.0, seed=seed) * np.float32(10 ** (gain_db / 20)))
    level, over = "microphone.speech", "microphone.speech_over_noise"
    assert after[level].value == pytest.approx(float(before[level].value or 0) + gain_db, abs=0.6)
    assert after[over].value == pytest.approx(before[over].value, abs=0.2)


def test_a_telephones_band_is_speech_as_well() -> None:
    assert measured(telephone(room(-26.0)))["microphone.speech"].verdict is Verdict.PASS


# --- whether a tone would disturb ---


OWN = Baseline("s", "m", 0, 0, -10, 17, -62.0, 1, (), 0.9)


def talk_at_the_end(dbfs: float) -> list[MeterReading]:
    sound = pink(1, -62.0)
    sound[-48_000:] += voice(5, dbfs, 1.0)
    return heard(sound)


@pytest.mark.parametrize("baseline", [None, OWN])
def test_a_tone_waits_for_who_speaks_now(baseline: Baseline | None) -> None:
    assert disturbs(talk_at_the_end(-30.0), LIMITS, baseline)
    assert disturbs(heard(pink(1, -62.0)), LIMITS, baseline) is None


@pytest.mark.parametrize("baseline", [None, OWN])
def test_a_fan_that_runs_all_day_is_not_disturbed(baseline: Baseline | None) -> None:
    assert disturbs(heard(pink(1, -30.0)), LIMITS, baseline) is None


def test_people_who_never_pause_are_known_by_the_rooms_own_floor() -> None:
    babble = np.sum([voice(seed, -35.0) for seed in range(3)], axis=0) + pink(1, -40.0)
    assert disturbs(heard(babble.astype(np.float32)), LIMITS, OWN)


def test_what_was_said_before_does_not_disturb() -> None:
    sound = pink(1, -62.0)
    sound[:48_000] += voice(5, -30.0, 1.0)
    assert disturbs(heard(sound), LIMITS) is None


def test_a_breath_over_a_noise_gate_is_nobody_speaking() -> None:
    sound = np.zeros(240_000, dtype=np.float32)
    sound[100] = 1e-6
    sound[-24_000:] += pink(1, -65.0, 0.5)
    assert disturbs(heard(sound), LIMITS) is None
