"""Sounds for tests, made here: noise, tones, something like a voice, a hum, feedback. Levels are rms unless said."""

from __future__ import annotations

import numpy as np

from drivers.audio.dsp import RATE_HZ, Samples


def at_level(sound: np.ndarray[tuple[int, ...], np.dtype[np.float64]], dbfs: float) -> Samples:
    """Return `sound` scaled to `dbfs`."""
    return np.asarray(sound / max(float(np.sqrt(np.mean(sound**2))), 1e-9) * 10 ** (dbfs / 20), dtype=np.float32)


def clock(seconds: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return the time of each sample."""
    return np.arange(round(seconds * RATE_HZ)) / RATE_HZ


def sine(hz: float, peak_dbfs: float, seconds: float = 5.0) -> Samples:
    """Return a tone; its level is the peak."""
    return np.asarray(10 ** (peak_dbfs / 20) * np.sin(2 * np.pi * hz * clock(seconds)), dtype=np.float32)


def pink(seed: int, dbfs: float, seconds: float = 5.0) -> Samples:
    """Return noise that falls by 3 dB an octave, as rooms and fans do."""
    count = round(seconds * RATE_HZ)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(count))
    spectrum[1:] /= np.sqrt(np.arange(1, spectrum.size))
    spectrum[0] = 0
    return at_level(np.fft.irfft(spectrum, count), dbfs)


def voice(seed: int, dbfs: float, seconds: float = 5.0) -> Samples:
    """Return something like speech: a gliding pitch with harmonics, hiss above, syllables and pauses."""
    chance, time_s = np.random.default_rng(seed), clock(seconds)
    pitch_hz = 120 + 40 * np.sin(2 * np.pi * (0.7 * time_s + chance.random())) + 12 * np.sin(2 * np.pi * 3.1 * time_s)
    phase = 2 * np.pi * np.cumsum(pitch_hz) / RATE_HZ
    tone = sum(np.sin(number * phase + chance.random()) / number for number in range(1, 30))
    hiss = np.diff(chance.standard_normal(time_s.size + 1)) * 0.15
    syllables = np.clip(np.sin(2 * np.pi * 4.0 * time_s), 0, None) * (np.sin(2 * np.pi * 0.25 * time_s + seed) > -0.4)
    return at_level((tone + hiss) * syllables, dbfs)


def mains(dbfs: float, seconds: float = 5.0) -> Samples:
    """Return a hum of 50 Hz and its multiples."""
    time_s = clock(seconds)
    return at_level(np.sum([np.sin(2 * np.pi * 50.0 * n * time_s) / n for n in (1, 2, 3, 4, 6)], axis=0), dbfs)


def telephone(sound: Samples) -> Samples:
    """Return `sound` as an 8 kHz device would give it: nothing above 3.7 kHz."""
    spectrum = np.fft.rfft(sound)
    spectrum[np.fft.rfftfreq(sound.size, 1 / RATE_HZ) > 3_700] = 0
    return np.asarray(np.fft.irfft(spectrum, sound.size), dtype=np.float32)
