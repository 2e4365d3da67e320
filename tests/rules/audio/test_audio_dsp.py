"""What dsp.py finds in samples of which we know what is in them."""

from __future__ import annotations

import numpy as np
import pytest

from drivers.audio import dsp
from drivers.audio.model import SILENCE_DBFS, LoopAnswer, LoopEnd

PLAYED_AT = round(0.2 * dsp.RATE_HZ)
LENGTH = round(1.15 * dsp.RATE_HZ)
FALSE_ALARM_RUN = 150


def noise(rng: np.random.Generator, dbfs: float, frames: int = LENGTH) -> dsp.Samples:
    return np.asarray(rng.standard_normal(frames) * 10 ** (dbfs / 20), dtype=np.float32)


def pink(rng: np.random.Generator, dbfs: float) -> dsp.Samples:
    spectrum = np.fft.rfft(rng.standard_normal(LENGTH))
    spectrum /= np.sqrt(np.maximum(np.arange(spectrum.size), 20))
    samples = np.fft.irfft(spectrum, LENGTH)
    return np.asarray(samples / np.sqrt(np.mean(samples**2)) * 10 ** (dbfs / 20), dtype=np.float32)


def babble(rng: np.random.Generator, dbfs: float) -> dsp.Samples:
    """Several voices: gliding harmonics in syllables."""
    when = np.arange(LENGTH) / dsp.RATE_HZ
    samples = np.zeros(LENGTH)
    for _ in range(4):
        pitch, glide, start = rng.uniform(90, 260), rng.uniform(-120, 120), rng.uniform(0, 6)
        phase = 2 * np.pi * (pitch * when + glide / 2 * when**2)
        envelope = np.clip(np.sin(2 * np.pi * rng.uniform(2, 5) * when + start), 0, None)
        samples += envelope * sum(np.sin(k * phase + rng.uniform(0, 6)) / k for k in range(1, 25))
    return np.asarray(samples / np.sqrt(np.mean(samples**2)) * 10 ** (dbfs / 20), dtype=np.float32)


def recording(gain_db: float, delay_ms: float, background: dsp.Samples) -> dsp.Samples:
    heard = background.copy()
    start = PLAYED_AT + round(delay_ms * dsp.RATE_HZ / 1000)
    tone = dsp.chirp()
    heard[start : start + tone.size] += tone * np.float32(10 ** (gain_db / 20))
    return heard


def judge(samples: dsp.Samples) -> LoopAnswer:
    return dsp.judge(samples, dsp.chirp(), PLAYED_AT)


def test_level_of_a_sine_is_3_db_under_its_peak() -> None:
    sine = np.sin(2 * np.pi * 1000 * np.arange(dsp.BLOCK_FRAMES) / dsp.RATE_HZ).astype(np.float32) * np.float32(0.1)
    level = dsp.level(sine)
    assert level.peak_dbfs == pytest.approx(-20, abs=0.05)
    assert level.rms_dbfs == pytest.approx(-23.01, abs=0.05)
    assert not level.digital_zero


def test_digital_zero_is_told_from_the_quietest_noise() -> None:
    silent = np.zeros(dsp.BLOCK_FRAMES, dtype=np.float32)
    quiet = silent.copy()
    quiet[7] = 2.0**-24
    assert dsp.level(silent).digital_zero
    assert dsp.level(silent).rms_dbfs == SILENCE_DBFS
    assert not dsp.level(quiet).digital_zero


@pytest.mark.parametrize(("run", "events"), [(1, 0), (2, 0), (3, 1), (400, 1)])
def test_clipping_is_a_run_at_the_rail(run: int, events: int) -> None:
    samples = np.zeros(dsp.BLOCK_FRAMES, dtype=np.float32)
    samples[100 : 100 + run] = -1.0
    assert dsp.clip_events(samples) == events


def test_clipping_at_both_ends_of_a_block_counts() -> None:
    samples = np.zeros(100, dtype=np.float32)
    samples[:4] = samples[-4:] = 0.99
    assert dsp.clip_events(samples) == 2


def test_chirp_is_half_a_second_peaks_where_it_should_and_starts_softly() -> None:
    tone = dsp.chirp()
    assert tone.size == dsp.RATE_HZ // 2
    assert dsp.level(tone).peak_dbfs == pytest.approx(-18, abs=0.1)
    assert abs(tone[0]) < 1e-6
    assert abs(tone[-1]) < 1e-6


@pytest.mark.parametrize("gain_db", [0.0, -20.0, -40.0])
@pytest.mark.parametrize("delay_ms", [0.0, 17.6, 108.0])
def test_heard_chirp_gives_its_gain_and_its_delay(gain_db: float, delay_ms: float) -> None:
    answer = judge(recording(gain_db, delay_ms, noise(np.random.default_rng(5), -75)))
    assert answer.end is LoopEnd.HEARD
    assert answer.gain_db == pytest.approx(gain_db, abs=0.5)
    assert answer.latency_ms == pytest.approx(delay_ms, abs=0.1)


def test_chirp_with_its_polarity_turned_is_heard() -> None:
    heard = recording(-10, 20, np.zeros(LENGTH, dtype=np.float32))
    assert judge(-heard).end is LoopEnd.HEARD


def test_chirp_10_db_under_the_noise_is_heard() -> None:
    tone_dbfs = dsp.rms_dbfs(dsp.chirp())
    ends = {judge(recording(-20, 20, pink(np.random.default_rng(n), tone_dbfs - 10))).end for n in range(10)}
    assert ends == {LoopEnd.HEARD}


def test_no_chirp_is_found_in_recordings_without_one() -> None:
    rng = np.random.default_rng(98)
    makers = (pink, babble, noise)
    rhos = [
        judge(makers[n % 3](rng, rng.uniform(-70, -20))).rho  # of each a third
        for n in range(FALSE_ALARM_RUN)
    ]
    assert max(rhos) < dsp.FAINT_RHO


def test_silence_is_not_a_chirp_but_digital_zero() -> None:
    answer = judge(np.zeros(LENGTH, dtype=np.float32))
    assert answer.end is LoopEnd.DIGITAL_ZERO
    assert answer.rho == 0


def test_next_to_nothing_is_not_compared() -> None:
    answer = judge(recording(-100, 20, np.zeros(LENGTH, dtype=np.float32)))
    assert (answer.end, answer.rho) == (LoopEnd.NOT_HEARD, 0)


def test_quiet_room_without_chirp_fails_and_a_loud_one_proves_nothing() -> None:
    rng = np.random.default_rng(7)
    assert judge(pink(rng, -60)).end is LoopEnd.NOT_HEARD
    assert judge(pink(rng, -15)).end is LoopEnd.ROOM_TOO_LOUD


def test_recording_shorter_than_the_chirp_is_not_heard() -> None:
    assert judge(noise(np.random.default_rng(1), -50, 100)).rho == 0
