"""What must not matter does not: how loud, when, in which noise and with which seed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from drivers.audio import dsp, faults, loop
from drivers.audio.model import BANDS_HZ, LoopAnswer, LoopEnd
from tests.rules.audio.sounds import mains, pink, sine, voice

SECONDS = 1.15
PLAYED_AT = round(0.2 * dsp.RATE_HZ)
TONE = dsp.chirp()
ROOM = ((0.0, 0.0), (0.0071, -7.0), (0.0153, -10.0), (0.029, -14.0), (0.054, -19.0))
"""A direct way and reflections: seconds and dB."""

few = settings(max_examples=25, deadline=None)
seeds = some.integers(0, 10_000)
delays_ms = some.floats(0.0, 150.0)
loud_db = some.floats(-20.0, 20.0)


def recording(seed: int, delay_ms: float, *, noise_dbfs: float = -62.0, gain_db: float = -10.0) -> dsp.Samples:
    """Return a try in a room with reflections."""
    heard = pink(seed, noise_dbfs, SECONDS)
    for later_s, gain in ROOM:
        start = PLAYED_AT + round((delay_ms / 1000 + later_s) * dsp.RATE_HZ)
        heard[start : start + TONE.size] += TONE * factor(gain_db + gain)
    return heard


def factor(db: float) -> np.float32:
    return np.float32(10 ** (db / 20))


def judge(samples: dsp.Samples, played_at: int = PLAYED_AT) -> LoopAnswer:
    return dsp.judge(samples, TONE, played_at)


@given(seed=seeds, delay_ms=delays_ms, louder_db=loud_db)
@few
def test_a_louder_recording_is_the_same_room_with_more_gain(seed: int, delay_ms: float, louder_db: float) -> None:
    one = recording(seed, delay_ms)
    before, after = judge(one), judge(one * factor(louder_db))
    assert (after.end, after.polarity) == (before.end, before.polarity)
    assert after.rho == pytest.approx(before.rho, abs=1e-4)
    assert after.latency_ms == before.latency_ms
    assert after.gain_db == pytest.approx(before.gain_db + louder_db, abs=0.01)
    assert after.bands_db == pytest.approx([band + louder_db for band in before.bands_db], abs=0.05)


@given(seed=seeds, delay_ms=delays_ms, later=some.integers(0, 9_600))
@few
def test_when_the_recording_began_does_not_matter(seed: int, delay_ms: float, later: int) -> None:
    one = recording(seed, delay_ms)
    begun_sooner = np.concatenate([pink(seed + 1, -62.0, 0.3)[:later], one])
    before, after = judge(one), judge(begun_sooner, PLAYED_AT + later)
    assert after.latency_ms == pytest.approx(before.latency_ms, abs=0.05)
    assert after.gain_db == pytest.approx(before.gain_db, abs=0.05)
    assert after.bands_db == pytest.approx(before.bands_db, abs=0.1)


@given(seed=seeds, other=seeds, delay_ms=delays_ms, noise_dbfs=some.floats(-75.0, -45.0))
@few
def test_the_rooms_noise_does_not_matter_below_the_tone(
    seed: int, other: int, delay_ms: float, noise_dbfs: float
) -> None:
    before = judge(recording(seed, delay_ms, noise_dbfs=-75.0))
    after = judge(recording(other, delay_ms, noise_dbfs=noise_dbfs))
    assert after.end is LoopEnd.HEARD
    assert after.polarity == before.polarity == 1
    assert after.gain_db == pytest.approx(before.gain_db, abs=0.5)
    assert after.latency_ms == pytest.approx(before.latency_ms, abs=0.1)
    assert loop.treble_of(after.bands_db) == pytest.approx(loop.treble_of(before.bands_db), abs=2.0)


@given(seed=seeds, delay_ms=delays_ms, noise_dbfs=some.floats(-70.0, -31.0))
@few
def test_a_turned_recording_differs_in_polarity_alone(seed: int, delay_ms: float, noise_dbfs: float) -> None:
    one = recording(seed, delay_ms, noise_dbfs=noise_dbfs)
    before, after = judge(one), judge(-one)
    assert (before.polarity, after.polarity) == (1, -1)
    assert after.gain_db == pytest.approx(before.gain_db, abs=1e-6)
    assert (after.end, after.bands_db, after.latency_ms) == (before.end, before.bands_db, before.latency_ms)


def test_polarity_is_not_told_where_both_signs_are_as_strong() -> None:
    """A quarter turn of the phase, as a crossover gives it, has no sign."""
    spectrum = np.fft.rfft(recording(1, 20.0))
    turned = np.fft.irfft(spectrum * 1j, round(SECONDS * dsp.RATE_HZ)).astype(np.float32)
    assert judge(turned).end is LoopEnd.HEARD
    assert judge(turned).polarity == 0


@given(cut=some.integers(0, len(BANDS_HZ) - 1))
@few
def test_a_band_that_is_taken_away_is_missing_there_alone(cut: int) -> None:
    one = recording(1, 20.0, noise_dbfs=-90.0)
    spectrum, (low, high) = np.fft.rfft(one), BANDS_HZ[cut]
    hz = np.fft.rfftfreq(one.size, 1 / dsp.RATE_HZ)
    spectrum[(hz >= low) & (hz < high)] *= 0.01
    before, after = judge(one).bands_db, judge(np.fft.irfft(spectrum, one.size).astype(np.float32)).bands_db
    assert after[cut] < before[cut] - 15
    others = [number for number in range(len(BANDS_HZ)) if number != cut]
    assert [after[number] for number in others] == pytest.approx([before[number] for number in others], abs=2.0)


def test_a_recording_too_short_before_the_tone_has_no_noise_to_compare() -> None:
    assert dsp.bands_db(dsp.locate(recording(1, 0.0)[PLAYED_AT - 100 :], TONE), TONE)[1] == ()


# --- hum, howl, treble, clipping ---


@given(seed=seeds, louder_db=loud_db)
@few
def test_hum_and_howl_and_treble_do_not_depend_on_the_gain(seed: int, louder_db: float) -> None:
    one = voice(seed, -30.0, 1.0) + pink(seed, -55.0, 1.0) + mains(-30.0, 1.0)
    two = one * factor(louder_db)
    assert faults.hum(two).over_db == pytest.approx(faults.hum(one).over_db, abs=0.01)
    assert faults.hum(two).harmonics == faults.hum(one).harmonics
    assert faults.hum(two).level_dbfs == pytest.approx(faults.hum(one).level_dbfs + louder_db, abs=0.01)
    assert faults.howl(two).over_db == pytest.approx(faults.howl(one).over_db, abs=0.01)
    assert faults.howl(two).hz == faults.howl(one).hz
    assert faults.treble_db(two) == pytest.approx(faults.treble_db(one), abs=0.01)


@given(seed=seeds, hum_dbfs=some.floats(-50.0, -25.0), later=some.integers(0, 4_800))
@few
def test_hum_is_found_whenever_the_second_begins(seed: int, hum_dbfs: float, later: int) -> None:
    one = (pink(seed, -62.0, 1.2) + mains(hum_dbfs, 1.2))[later : later + dsp.RATE_HZ]
    found = faults.hum(one)
    assert found.harmonics >= 3
    assert found.level_dbfs == pytest.approx(hum_dbfs, abs=1.0)


@given(hz=some.floats(250.0, 7_500.0), seed=seeds)
@few
def test_feedback_is_found_at_any_frequency(hz: float, seed: int) -> None:
    found = faults.howl(pink(seed, -50.0, 0.5) + sine(hz, -14.0, 0.5))
    assert found.over_db >= 30.0
    assert found.hz == pytest.approx(hz, abs=4.0)


@given(runs=some.lists(some.integers(0, 9), max_size=20), sign=some.sampled_from([-1.0, 1.0]))
@few
def test_clipping_is_counted_by_run_whatever_its_sign(runs: list[int], sign: float) -> None:
    gap = np.zeros(5, dtype=np.float32)
    pieces = [piece for run in runs for piece in (np.full(run, sign, dtype=np.float32), gap)]
    samples = np.concatenate([gap, *pieces])
    assert dsp.clip_events(samples) == sum(run >= dsp.CLIPPED_RUN for run in runs)
    assert dsp.clip_events(-samples) == dsp.clip_events(samples)
