"""Loudness against the recommendation's own figures and against a published meter."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.audio import loudness
from drivers.audio.loudness import BLOCK_FRAMES, RATE_HZ, STEP_FRAMES, Momentary, Samples, integrated
from drivers.audio.model import SILENCE_DBFS
from tests.rules.audio.sounds import pink, sine, voice


def witness(samples: Samples) -> float:
    """Return what the published meter says."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its imports warn, which is not ours to judge
        import pyloudnorm

        return float(pyloudnorm.Meter(RATE_HZ).integrated_loudness(samples.astype(np.float64)))


@pytest.mark.parametrize(("dbfs", "expected"), [(0.0, -3.01), (-20.0, -23.01), (-36.0, -39.01)])
def test_a_sine_of_997_hz_reads_three_below_its_peak(dbfs: float, expected: float) -> None:
    """BS.1770-4, annex 1: a 0 dBFS sine at 997 Hz in one channel reads -3.01 LKFS."""
    assert integrated(sine(997.0, dbfs)) == pytest.approx(expected, abs=0.05)


def test_silence_before_speech_is_gated_away() -> None:
    """EBU Tech 3341 case 3: what lies 10 LU below does not pull the programme down."""
    loud, soft = sine(1000.0, -23.0, 30.0), sine(1000.0, -36.0, 5.0)
    assert integrated(np.concatenate([soft, loud, soft])) == pytest.approx(integrated(loud), abs=0.1)


@pytest.mark.parametrize(
    "samples",
    [
        sine(997.0, -20.0),
        sine(60.0, -12.0),
        sine(8_000.0, -23.0),
        pink(1, -30.0),
        np.concatenate([pink(2, -30.0), np.zeros(3 * RATE_HZ, dtype=np.float32)]),
        np.concatenate([pink(3, -20.0, 2.0), pink(4, -45.0, 4.0)]),
    ],
    ids=["997 Hz", "60 Hz", "8 kHz", "pink", "pink then silence", "loud then soft"],
)
def test_it_reads_what_a_published_meter_reads(samples: Samples) -> None:
    assert integrated(samples) == pytest.approx(witness(samples), abs=0.1)


@given(seed=st.integers(0, 1000), dbfs=st.floats(-55.0, -8.0), over_db=st.floats(-5.0, 40.0))
@settings(max_examples=15, deadline=None)
def test_it_reads_what_a_published_meter_reads_of_any_voice_in_noise(seed: int, dbfs: float, over_db: float) -> None:
    samples = voice(seed, dbfs) + pink(seed, dbfs - over_db)
    assert integrated(samples) == pytest.approx(witness(samples), abs=0.1)


def test_silence_reads_the_bottom() -> None:
    assert integrated(np.zeros(RATE_HZ, dtype=np.float32)) == SILENCE_DBFS
    assert integrated(np.zeros(10, dtype=np.float32)) == SILENCE_DBFS


@given(gain_db=st.floats(-40.0, 0.0), seed=st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_loudness_follows_the_gain(gain_db: float, seed: int) -> None:
    block = pink(seed, -20.0, BLOCK_FRAMES / RATE_HZ)
    quieter = np.asarray(block * 10 ** (gain_db / 20), dtype=np.float32)
    difference = loudness.lufs(loudness.energy(quieter)) - loudness.lufs(loudness.energy(block))
    assert difference == pytest.approx(gain_db, abs=0.01)


@given(cut=st.lists(st.integers(1, 5000), min_size=1, max_size=30))
@settings(max_examples=30, deadline=None)
def test_the_meter_reads_the_last_400_ms_however_it_is_fed(cut: list[int]) -> None:
    sound = np.concatenate([pink(7, -60.0, 1.0), sine(997.0, -20.0, 0.6)])
    meter, answers, at = Momentary(), 0, 0
    while at < sound.size:
        step = cut[answers % len(cut)]
        if (now := meter.feed(sound[at : at + step])) is not None:
            heard = sound[max(0, at + step - BLOCK_FRAMES) : at + step]
            assert now == pytest.approx(loudness.lufs(loudness.energy(heard)), abs=0.01)
            answers += 1
        at += step
    assert answers == pytest.approx((sound.size - BLOCK_FRAMES) / STEP_FRAMES, abs=2)


def test_the_meter_says_nothing_before_it_has_heard_400_ms() -> None:
    meter = Momentary()
    assert [meter.feed(np.zeros(STEP_FRAMES, dtype=np.float32)) for _ in range(4)] == [None, None, None, SILENCE_DBFS]
