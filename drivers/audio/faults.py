"""What is wrong with a sound, looked for in a second of samples: hum, howl, a telephone's band.

Pure numpy; only the sound worker and the room model import it. Each detector gives numbers
and leaves the verdict to `drivers.audio.model`. The figures that the limits come from were
measured on modelled rooms: Indonesian speech, pink noise, hum, fans and feedback.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from drivers.audio.dsp import RATE_HZ, Samples, dbfs
from drivers.audio.model import HARMONICS, MAINS_HZ, SILENCE_DBFS

HUM_BESIDE_HZ = (8.0, 20.0)
"""Where the surroundings of a harmonic are measured: beside it, short of the next."""
HUM_HARMONIC_DB = 10.0
"""A harmonic counts when it stands out by so much; noise reaches 4.8 dB, speech 10.1 dB in its quietest second."""

HOWL_FROM_HZ = 200.0
HOWL_TO_HZ = 8_000.0
SAME_LINE_HZ = 25.0
"""Two lines so near to each other are one."""

BAND_LOW_HZ = (1_000.0, 3_500.0)
BAND_HIGH_HZ = (4_500.0, 6_800.0)

_Powers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Hum:
    """What stands at the mains and its multiples."""

    over_db: float
    """The loudest harmonic over its surroundings."""
    level_dbfs: float
    """All harmonics that stand out, together; the bottom of the scale when none does."""
    harmonics: int
    band_dbfs: float
    """Everything in the band in which it was looked for: how quiet the moment was, for hum."""


@dataclass(frozen=True, slots=True)
class Line:
    """The one frequency that stands out most."""

    hz: float
    over_db: float
    """Over the mean from 200 to 8000 Hz."""


def hum(samples: Samples) -> Hum:
    """Return what hums in `samples`, which should be a quiet second: in speech, voices have harmonics too."""
    powers, bin_hz = _spectrum(samples)
    found = [_harmonic(powers, bin_hz, MAINS_HZ * number) for number in range(1, HARMONICS + 1)]
    standing = [power for over, power in found if over >= HUM_HARMONIC_DB]
    level = dbfs(float(np.sqrt(sum(standing)))) if standing else SILENCE_DBFS
    band = _between(powers, bin_hz, MAINS_HZ / 2, MAINS_HZ * (HARMONICS + 1))
    return Hum(max(over for over, _ in found), level, len(standing), dbfs(float(np.sqrt(band.sum()))))


def _harmonic(powers: _Powers, bin_hz: float, hz: float) -> tuple[float, float]:
    """Return how far the line at `hz` stands over its surroundings in dB, and its mean square."""
    at = _between(powers, bin_hz, hz - 2.0, hz + 2.0)
    near, far = HUM_BESIDE_HZ
    below = _between(powers, bin_hz, hz - far, hz - near)
    above = _between(powers, bin_hz, hz + near, hz + far)
    beside = float(np.mean(np.concatenate([below, above])))
    return _db(float(at.max()), beside), float(at.sum())


def howl(samples: Samples) -> Line:
    """Return what stands out most in half a second; feedback is the same frequency for a second and more."""
    powers, bin_hz = _spectrum(samples)
    band = _between(powers, bin_hz, HOWL_FROM_HZ, HOWL_TO_HZ)
    peak = int(np.argmax(band))
    return Line((_first(HOWL_FROM_HZ, bin_hz) + peak) * bin_hz, _db(float(band[peak]), float(band.mean())))


def treble_db(samples: Samples) -> float:
    """Return 4.5 to 6.8 kHz against 1 to 3.5 kHz in dB; a telephone's band ends between the two."""
    powers, bin_hz = _spectrum(samples)
    low, high = (_between(powers, bin_hz, *band).mean() for band in (BAND_LOW_HZ, BAND_HIGH_HZ))
    return _db(float(high), float(low))


def quietest(samples: Samples, seconds: float = 1.0) -> Samples:
    """Return the quietest stretch of `seconds`, moved in tenths of a second; all of it when it is shorter."""
    length, step = round(seconds * RATE_HZ), RATE_HZ // 10
    if samples.size <= length:
        return samples
    sums = np.concatenate(([0.0], np.cumsum(np.square(samples, dtype=np.float64))))
    starts = np.arange(0, samples.size - length + 1, step)
    best = int(starts[np.argmin(sums[starts + length] - sums[starts])])
    return samples[best : best + length]


@lru_cache(maxsize=4)
def _window(frames: int) -> _Powers:
    return np.asarray(np.hanning(frames), dtype=np.float64)


def _spectrum(samples: Samples) -> tuple[_Powers, float]:
    """Return the mean square in each bin and the bins' distance in Hz.

    Raises:
        ValueError: too short to tell 50 Hz from its surroundings.
    """
    if samples.size < RATE_HZ // 4:
        raise ValueError(f"wanted at least {RATE_HZ // 4} samples, found {samples.size}")
    window = _window(samples.size)
    spectrum = np.fft.rfft(samples * window)
    powers = (spectrum.real**2 + spectrum.imag**2) * 2.0 / (samples.size * float(np.sum(window**2)))
    return np.asarray(powers, dtype=np.float64), RATE_HZ / samples.size


def _between(powers: _Powers, bin_hz: float, low_hz: float, high_hz: float) -> _Powers:
    return powers[_first(low_hz, bin_hz) : int(np.floor(high_hz / bin_hz)) + 1]


def _first(hz: float, bin_hz: float) -> int:
    return int(np.ceil(hz / bin_hz))


def _db(power: float, against: float) -> float:
    return 10.0 * float(np.log10(max(power, 1e-20) / max(against, 1e-20)))
