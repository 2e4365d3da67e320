"""How loud sound is to people: ITU-R BS.1770-4, on numpy alone.

The K filter of the recommendation (a shelf that lifts what a head reflects, and a high
pass) is applied as its power response on the spectrum of one 400 ms block, which is exact
for what the meter wants, the energy of the block, and needs no filter state. One block
every 100 ms gives momentary loudness; the two gates give integrated loudness.

Pure numpy; only the sound worker and the room model import it.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from drivers.audio.model import SILENCE_DBFS

RATE_HZ = 48_000
BLOCK_FRAMES = 19_200
"""400 ms, the recommendation's gating block."""
STEP_FRAMES = 4_800
"""100 ms: blocks overlap by three quarters."""
OFFSET_LU = -0.691
"""Makes a 997 Hz sine of 0 dBFS read -3.01 LUFS."""
ABSOLUTE_GATE_LUFS = -70.0
RELATIVE_GATE_LU = -10.0

# BS.1770-4, tables 1 and 2: both filters at 48 kHz, b0 b1 b2 and a1 a2.
_SHELF_B = (1.53512485958697, -2.69169618940638, 1.19839281085285)
_SHELF_A = (1.0, -1.69065929318241, 0.73248077421585)
_HIGH_PASS_B = (1.0, -2.0, 1.0)
_HIGH_PASS_A = (1.0, -1.99004745483398, 0.99007225036621)

Samples = npt.NDArray[np.float32]
_Curve = npt.NDArray[np.float64]


@lru_cache(maxsize=4)
def _weights(frames: int) -> _Curve:
    """Return the K filter's power response per bin of a spectrum over `frames` samples, times Parseval's factor."""
    step = np.exp(-2j * np.pi * np.arange(frames // 2 + 1) / frames)
    powers = np.stack([np.ones_like(step), step, step * step])

    def response(numerator: tuple[float, ...], denominator: tuple[float, ...]) -> npt.NDArray[np.complex128]:
        return np.asarray((numerator @ powers) / (denominator @ powers), dtype=np.complex128)

    curve = np.abs(response(_SHELF_B, _SHELF_A) * response(_HIGH_PASS_B, _HIGH_PASS_A)) ** 2
    both_sides = np.full(curve.size, 2.0)
    both_sides[0] = 1.0
    if frames % 2 == 0:
        both_sides[-1] = 1.0
    return np.asarray(curve * both_sides / frames**2, dtype=np.float64)


def energy(samples: Samples) -> float:
    """Return the mean square of `samples` after the K filter."""
    spectrum = np.fft.rfft(samples)
    return float(np.dot(_weights(samples.size), spectrum.real**2 + spectrum.imag**2))


def lufs(mean_square: float) -> float:
    """Return a K-weighted mean square in LUFS, never below the bottom of the scale."""
    return max(SILENCE_DBFS, OFFSET_LU + 10.0 * float(np.log10(max(mean_square, 1e-15))))


class Momentary:
    """Momentary loudness of one channel, from blocks of any length as they come.

    Holds 400 ms of samples and nothing else.
    """

    def __init__(self) -> None:
        self._window = np.zeros(BLOCK_FRAMES, dtype=np.float32)
        self._heard = 0
        self._owed = 0

    def feed(self, samples: Samples) -> float | None:
        """Return the loudness in LUFS when 100 ms have come since the last answer, else None."""
        fresh = samples[-BLOCK_FRAMES:]
        self._window = np.concatenate([self._window[fresh.size :], fresh])
        self._heard = min(self._heard + samples.size, BLOCK_FRAMES)
        self._owed += samples.size
        if self._owed < STEP_FRAMES or self._heard < BLOCK_FRAMES:
            return None
        self._owed %= STEP_FRAMES
        return lufs(energy(self._window))


def integrated(samples: Samples) -> float:
    """Return the gated loudness of a whole recording in LUFS; silence reads the bottom of the scale."""
    starts = range(0, samples.size - BLOCK_FRAMES + 1, STEP_FRAMES)
    blocks = np.array([energy(samples[start : start + BLOCK_FRAMES]) for start in starts])
    audible = blocks[blocks > _mean_square(ABSOLUTE_GATE_LUFS)]
    if not audible.size:
        return SILENCE_DBFS
    gate = _mean_square(lufs(float(audible.mean())) + RELATIVE_GATE_LU)
    return lufs(float(audible[audible > gate].mean()))


def _mean_square(loudness_lufs: float) -> float:
    return float(10.0 ** ((loudness_lufs - OFFSET_LU) / 10.0))
