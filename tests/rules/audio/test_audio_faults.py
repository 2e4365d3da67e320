"""Hum, howl and a telephone's band are found where they are, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from drivers.audio import faults
from drivers.audio.dsp import RATE_HZ
from tests.rules.audio.sounds import clock, mains, pink, sine, telephone, voice

HOWLS_AT_DB = 30.0
BAND_MISSING_DB = -20.0
SEEDS = range(40)


def test_hum_under_noise_is_found_with_its_level() -> None:
    found = faults.hum(pink(1, -62.0, 1.0) + mains(-45.0, 1.0))
    assert found.over_db > 20.0
    assert found.level_dbfs == pytest.approx(-45.0, abs=1.0)
    assert found.harmonics >= 3


@pytest.mark.parametrize("dbfs", [-30.0, -62.0])
def test_noise_does_not_hum(dbfs: float) -> None:
    assert max(faults.hum(pink(seed, dbfs, 1.0)).harmonics for seed in SEEDS) < 3


def test_a_voice_over_noise_does_not_hum() -> None:
    rooms = (voice(seed, -30.0) + pink(seed, -55.0) for seed in SEEDS)
    assert max(faults.hum(faults.quietest(room)).harmonics for room in rooms) < 3


def test_hum_is_found_behind_a_voice() -> None:
    room = voice(3, -30.0) + pink(3, -62.0) + mains(-45.0)
    found = faults.hum(faults.quietest(room))
    assert found.harmonics >= 3
    assert found.level_dbfs == pytest.approx(-45.0, abs=2.0)


def test_feedback_stands_out_at_its_frequency() -> None:
    found = faults.howl(voice(1, -30.0, 0.5) + sine(2_400.0, -14.0, 0.5))
    assert found.hz == pytest.approx(2_400.0, abs=4.0)
    assert found.over_db >= HOWLS_AT_DB


def test_voices_and_noise_do_not_howl_for_a_second() -> None:
    """A vowel may stand out for one look; feedback holds one frequency over two."""
    for seed in SEEDS:
        room = voice(seed, -25.0, 1.0) + pink(seed, -55.0, 1.0)
        first, second = (faults.howl(half) for half in np.split(room, 2))
        alike = abs(first.hz - second.hz) <= 25.0
        assert not (alike and min(first.over_db, second.over_db) >= HOWLS_AT_DB)


def test_a_telephones_band_is_told_from_a_whole_one() -> None:
    whole = voice(5, -25.0) + pink(5, -50.0)
    assert faults.treble_db(telephone(whole)) < faults.treble_db(whole) + BAND_MISSING_DB


def test_the_quietest_second_is_the_pause() -> None:
    loud = sine(300.0, -10.0, 2.0)
    pause = pink(1, -60.0, 1.0)
    found = faults.quietest(np.concatenate([loud, pause, loud]))
    assert np.array_equal(found, pause)


def test_a_short_recording_is_its_own_quietest_second() -> None:
    assert faults.quietest(pink(1, -40.0, 0.5)).size == RATE_HZ // 2


def test_a_moment_is_too_short_to_tell() -> None:
    with pytest.raises(ValueError, match="wanted at least 12000 samples, found 100"):
        faults.hum(np.zeros(100, dtype=np.float32))


def test_silence_has_no_fault() -> None:
    silence = np.zeros(clock(1.0).size, dtype=np.float32)
    assert faults.hum(silence).harmonics == 0
    assert faults.howl(silence).over_db < HOWLS_AT_DB
    assert faults.treble_db(silence) == pytest.approx(0.0)
