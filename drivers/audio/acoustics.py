"""What sounds in a modelled room: voices, the mains, an echo canceller, a telephone's band.

Only the room model imports it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from drivers.audio import dsp

Curve = npt.NDArray[np.float64]

PITCHES_HZ = (130.0, 205.0, 110.0, 235.0, 165.0, 185.0)
"""Of each talker; so many can there be at most."""
SYLLABLES_HZ = 3.7
HARMONICS = 24
HISS = 0.25
"""Of a voice's sibilants, against its tone."""
VOICE_SCALE = 1.35
"""Makes a voice of 0 dBFS rms while it speaks."""
SENTENCE_S = 2.6
PAUSE_S = 1.4
MAINS_HZ = 50.0
HUM_MULTIPLES = (1, 2, 3, 4, 6)
TELEPHONE_HZ = 3_700.0
CANCELLER_STARTS_DB = 28.0
CANCELLER_LEARNS_DB_PER_S = 60.0
"""What an echo canceller hides at first, and how it learns while the loudspeaker sounds."""


def amplitude(db: float) -> float:
    """Return the factor that `db` stands for."""
    return float(10 ** (db / 20))


def voice(pitch_hz: float, when: Curve, chance: np.random.Generator) -> Curve:
    """Return a voice without words, of a level of 0 dBFS: a wandering pitch with harmonics and hiss, in syllables."""
    phase = 2 * np.pi * (pitch_hz * when + 1.5 * np.sin(2 * np.pi * 0.6 * when + pitch_hz))
    tone = np.sum([np.sin(order * phase + order * order) / order for order in range(1, HARMONICS)], axis=0)
    hiss = HISS * np.diff(chance.standard_normal(when.size + 1))
    syllables = np.clip(np.sin(2 * np.pi * SYLLABLES_HZ * when + pitch_hz) + 0.4, 0, None)
    return np.asarray((tone + hiss) * syllables * VOICE_SCALE, dtype=np.float64)


def sentences(number: int, when: Curve) -> npt.NDArray[np.bool_]:
    """Return when the talker with that number speaks: each pauses for breath, and not all at once."""
    return np.asarray((when + number) % (SENTENCE_S + PAUSE_S) < SENTENCE_S)


class Canceller:
    """An echo canceller: it hides what the loudspeaker plays, the better the longer it heard it."""

    def __init__(self, deepest_db: float) -> None:
        self._deepest_db = deepest_db
        self.hides_db = min(CANCELLER_STARTS_DB, deepest_db)

    def feed(self, arrives: dsp.Samples) -> dsp.Samples:
        """Return what is left of one block."""
        before = self.hides_db
        if np.any(arrives):
            self.hides_db = min(before + CANCELLER_LEARNS_DB_PER_S * arrives.size / dsp.RATE_HZ, self._deepest_db)
        gains = np.linspace(amplitude(-before), amplitude(-self.hides_db), arrives.size)
        return np.asarray(arrives * gains, dtype=np.float32)


def low_pass(hz: float, taps: int = 255) -> Curve:
    """Return a filter that ends at `hz`."""
    at = np.arange(taps) - taps // 2
    ideal = np.sinc(2 * hz / dsp.RATE_HZ * at) * np.hamming(taps)
    return np.asarray(ideal / ideal.sum(), dtype=np.float64)


TELEPHONE = low_pass(TELEPHONE_HZ)
"""Of an 8 kHz device."""


def mains(when: Curve) -> Curve:
    """Return the hum of the mains, its first line of 0 dBFS."""
    waves = [np.sin(2 * np.pi * MAINS_HZ * number * when) / number for number in HUM_MULTIPLES]
    return np.asarray(np.sum(waves, axis=0), dtype=np.float64)
