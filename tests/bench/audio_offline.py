"""Whether sound's judgements can be believed, on recordings made here: no server, no clock."""

from __future__ import annotations

import time

import numpy as np

from drivers.audio import dsp, loudness
from drivers.audio.hearing import Hearing
from siaga.bench import Figure
from tests.bench.audio_size import FULL, QUICK, Size, at_most
from tests.rules.audio.sounds import at_level, clock, mains, pink, sine, voice

LOUDNESS_AT_MOST_LU = 0.1
DETECTORS_AT_MOST_PERCENT = 1.5
NOISE_DBFS = -62.0


def measure(*, quick: bool) -> list[Figure]:
    """Return the figures of judgements."""
    return figures(QUICK if quick else FULL)


def figures(size: Size) -> list[Figure]:
    """Return the figures of so many recordings and seconds."""
    return [_false_passes(size.recordings), _loudness(), _detectors(size.detected_s)]


def _detectors(seconds: int) -> Figure:
    """Count the processor time that all detectors add to the bare meter, per second of sound."""
    sound = pink(1, NOISE_DBFS, seconds) + voice(2, -30.0, seconds)
    blocks = [sound[start : start + dsp.BLOCK_FRAMES] for start in range(0, sound.size, dsp.BLOCK_FRAMES)]
    began = time.process_time()
    levels = [dsp.level(block) for block in blocks]
    bare = time.process_time() - began
    hearing, began = Hearing(), time.process_time()
    for block, level in zip(blocks, levels, strict=True):
        hearing.feed(block, level)
    more = time.process_time() - began
    name = "all detectors, share of a core on top of the bare meter (floor: the bare meter's rms, peak and clipping)"
    return at_most(name, 100 * more / seconds, "%", DETECTORS_AT_MOST_PERCENT, 100 * bare / seconds)


def _false_passes(count: int) -> Figure:
    """Look for the chirp in recordings that have none: noise, voices, babble, hum, feedback, silence."""
    probe, passed = dsp.chirp(), 0
    for seed in range(count):
        passed += dsp.locate(recording(seed), probe).rho >= dsp.FAINT_RHO
    return Figure("audio", f"chirp found in {count} recordings without one", passed, "", "0", passed == 0)


def recording(seed: int) -> dsp.Samples:
    """Return one try's length of a room in which nothing is played."""
    seconds, level_dbfs = dsp.LISTEN_BEFORE_S + dsp.CHIRP_S + dsp.LISTEN_AFTER_S, -20.0 - seed % 40
    room = pink(seed, NOISE_DBFS, seconds)
    match seed % 6:
        case 0:
            return pink(seed + 1, level_dbfs, seconds)
        case 1:
            return room + voice(seed, level_dbfs, seconds)[: room.size]
        case 2:
            return room + sum(voice(seed + number, level_dbfs, seconds)[: room.size] for number in range(4))
        case 3:
            return room + mains(level_dbfs, seconds)[: room.size]
        case 4:
            return room + sine(200.0 + 37 * (seed % 200), level_dbfs, seconds)[: room.size]
        case _:
            sweep = np.sin(2 * np.pi * (400 + 100 * np.sin(3 * clock(seconds))) * clock(seconds))
            return room + at_level(sweep, level_dbfs)[: room.size]


def _loudness() -> Figure:
    """Hold our loudness to a published meter's."""
    import pyloudnorm

    meter = pyloudnorm.Meter(loudness.RATE_HZ)
    sounds = [sine(997.0, -20.0), sine(60.0, -12.0), sine(8000.0, -23.0), pink(1, -30.0), voice(2, -25.0, 20.0)]
    off = max(abs(loudness.integrated(s) - float(meter.integrated_loudness(s.astype(np.float64)))) for s in sounds)
    return at_most("loudness against pyloudnorm, furthest of 5 sounds", off, "LU", LOUDNESS_AT_MOST_LU)
