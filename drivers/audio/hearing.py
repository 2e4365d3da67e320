"""What one second of a microphone sounds like, second after second.

The meter tells how loud it is twenty times a second; this tells once a second what it is
like. Pure numpy; only the sound worker and the room model import it. About 6 ms of work a
second.
"""

from __future__ import annotations

import numpy as np

from drivers.audio import faults
from drivers.audio.dsp import BLOCK_FRAMES, RATE_HZ, BlockLevel, Samples
from drivers.audio.loudness import Momentary
from drivers.audio.model import SILENCE_DBFS, Second


class Hearing:
    """Collects the meter's blocks; holds a second and a half of samples at most."""

    def __init__(self) -> None:
        self._momentary = Momentary()
        self._blocks: list[Samples] = []
        self._before = np.zeros(0, dtype=np.float32)
        self._levels: list[BlockLevel] = []
        self._loudest_lufs = SILENCE_DBFS
        self.momentary_lufs: float | None = None
        """The latest momentary loudness; None before 400 ms were heard."""

    def feed(self, samples: Samples, level: BlockLevel) -> Second | None:
        """Take one block and return the second that it completes, if it does."""
        if (lufs := self._momentary.feed(samples)) is not None:
            self.momentary_lufs = lufs
            self._loudest_lufs = max(self._loudest_lufs, lufs)
        self._blocks.append(samples)
        self._levels.append(level)
        if len(self._blocks) * BLOCK_FRAMES < RATE_HZ:
            return None
        second = self._second()
        self._blocks.clear()
        self._levels.clear()
        self._loudest_lufs = SILENCE_DBFS
        return second

    def _second(self) -> Second:
        sound = np.concatenate(self._blocks)
        hum = self._hum(sound)
        halves = np.array_split(sound, 2)
        self._before = halves[1]
        first, last = map(faults.howl, halves)
        ranked = sorted(level.rms_dbfs for level in self._levels)
        return Second(
            floor_dbfs=ranked[len(ranked) // 10],
            loud_dbfs=ranked[-1 - len(ranked) // 20],
            loudest_lufs=self._loudest_lufs,
            digital_zero=all(level.digital_zero for level in self._levels),
            clips=sum(level.clips for level in self._levels),
            hum_db=hum.over_db,
            hum_dbfs=hum.level_dbfs,
            harmonics=hum.harmonics,
            hum_band_dbfs=hum.band_dbfs,
            howl_db=min(first.over_db, last.over_db),
            howl_hz=last.hz,
            howl_steady=abs(first.hz - last.hz) <= faults.SAME_LINE_HZ,
            treble_db=faults.treble_db(sound),
        )

    def _hum(self, sound: Samples) -> faults.Hum:
        """Return what hums in this second, or in the one that ends in its middle where that is quieter."""
        earlier = np.concatenate([self._before, sound])[: sound.size]
        windows = [sound, earlier] if self._before.size else [sound]
        return min(map(faults.hum, windows), key=lambda hum: hum.band_dbfs)
