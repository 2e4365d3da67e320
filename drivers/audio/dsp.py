"""What can be heard in blocks of samples: levels, clipping, and a chirp through a room.

Pure numpy, no input or output. Only the sound worker and the room model import it: the
process that runs a room never loads numpy.

The loop check plays half a second of a rising tone and looks for its shape in what the
microphone heard. A matched filter says how alike the two are (`rho`, 0 to 1) whatever the
distance, and still finds the tone 10 dB under people talking; single tones do neither.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from drivers.audio.model import BANDS_HZ, SILENCE_DBFS, LoopAnswer, LoopEnd

Samples = npt.NDArray[np.float32]
Products = npt.NDArray[np.float64]

RATE_HZ = 48_000
BLOCK_FRAMES = 2_400
"""50 ms: a meter of 20 values a second for under 2 % of a core."""

CHIRP_S = 0.5
CHIRP_FROM_HZ = 300.0
CHIRP_TO_HZ = 7_000.0
CHIRP_PEAK_DBFS = -18.0
RAMP_S = 0.02

LISTEN_BEFORE_S = 0.2
LISTEN_AFTER_S = 0.45

HEARD_RHO = 0.15
FAINT_RHO = 0.12
"""No recording without a chirp came this high; between the two another try is worth it."""
GATE_DBFS = -90.0
"""Quieter windows are not compared: dividing by next to nothing finds chirps in silence."""
LOUD_ROOM_DBFS = -31.0
"""The chirp has -21 dBFS rms, a room may take 20 dB of it, and the filter reaches 10 dB under noise."""

CLIPPED_AT = 0.985
CLIPPED_RUN = 3
"""So many samples in a row at the rail are clipping; one alone may be a loud peak."""


SAME_SOUND_S = 0.0015
"""Within so much of the best place the filter's output is the direct sound, not a reflection."""
TURNED_MOST = 0.75
"""Where the other sign comes nearer to the best than this, polarity cannot be told."""
BEFORE_S = 0.005
REVERB_S = 0.15
"""What of the filter's output belongs to the room's answer."""


@dataclass(frozen=True, slots=True)
class BlockLevel:
    """How loud one block is."""

    rms_dbfs: float
    peak_dbfs: float
    digital_zero: bool
    clips: int


@dataclass(frozen=True, slots=True)
class Match:
    """Where in a recording the chirp fits best, and how well."""

    rho: float
    lag: int
    gain_db: float
    products: Products
    """The matched filter's output at every place."""


def dbfs(amplitude: float) -> float:
    """Return `amplitude` (1 is full scale) in dBFS, never below `SILENCE_DBFS`."""
    return max(SILENCE_DBFS, 20.0 * float(np.log10(max(amplitude, 1e-12))))


def rms_dbfs(samples: Samples) -> float:
    """Return the root mean square of `samples` in dBFS."""
    if not samples.size:
        return SILENCE_DBFS
    return dbfs(float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))))


def level(samples: Samples) -> BlockLevel:
    """Return how loud `samples` are."""
    peak = float(np.max(np.abs(samples), initial=0.0))
    return BlockLevel(rms_dbfs(samples), dbfs(peak), peak == 0.0, clip_events(samples))


def clip_events(samples: Samples) -> int:
    """Return how many times `samples` stay at the rail for `CLIPPED_RUN` samples or more."""
    at_rail = np.concatenate(([False], np.abs(samples) >= CLIPPED_AT, [False]))
    edges = np.flatnonzero(at_rail[1:] != at_rail[:-1])
    runs = edges[1::2] - edges[::2]
    return int(np.count_nonzero(runs >= CLIPPED_RUN))


def chirp() -> Samples:
    """Return the test tone: 0.5 s from 300 to 7000 Hz with soft ends."""
    time_s = np.arange(round(CHIRP_S * RATE_HZ)) / RATE_HZ
    rise_hz_per_s = (CHIRP_TO_HZ - CHIRP_FROM_HZ) / CHIRP_S
    tone = np.sin(2 * np.pi * (CHIRP_FROM_HZ * time_s + rise_hz_per_s / 2 * np.square(time_s)))
    ramp = np.sin(np.linspace(0, np.pi / 2, round(RAMP_S * RATE_HZ))) ** 2
    tone[: ramp.size] *= ramp
    tone[-ramp.size :] *= ramp[::-1]
    return np.asarray(tone * 10 ** (CHIRP_PEAK_DBFS / 20), dtype=np.float32)


def locate(recording: Samples, probe: Samples) -> Match:
    """Return where `probe` fits best in `recording`; `rho` is 0 when nothing is loud enough to compare."""
    places = recording.size - probe.size + 1
    if places < 1:
        return Match(0.0, 0, SILENCE_DBFS, np.zeros(0))
    size = 1 << (recording.size + probe.size - 1).bit_length()
    spectrum = np.fft.rfft(recording, size) * np.conj(np.fft.rfft(probe, size))
    products = np.asarray(np.fft.irfft(spectrum, size)[:places], dtype=np.float64)
    sums = np.concatenate(([0.0], np.cumsum(np.square(recording, dtype=np.float64))))
    energy = sums[probe.size :] - sums[:places]
    own = float(np.sum(np.square(probe, dtype=np.float64)))
    loud = energy > probe.size * 10 ** (GATE_DBFS / 10)
    likeness = np.where(loud, np.abs(products) / np.sqrt(own * np.maximum(energy, 1e-12)), 0.0)
    lag = int(np.argmax(likeness))
    return Match(float(likeness[lag]), lag, dbfs(abs(float(products[lag])) / own), products)


def judge(recording: Samples, probe: Samples, played_at: int) -> LoopAnswer:
    """Return what one try says; `played_at` is where in `recording` the probe left the loudspeaker.

    Three answers: heard, not heard, or not proven because the room was louder than the
    tone or the tone was faint.
    """
    match = locate(recording, probe)
    room = rms_dbfs(recording[: max(played_at, 0)])
    answer = LoopAnswer(LoopEnd.HEARD, match.rho, match.gain_db, (match.lag - played_at) * 1000 / RATE_HZ, room)
    if not np.any(recording):
        return replace(answer, end=LoopEnd.DIGITAL_ZERO)
    if match.rho >= HEARD_RHO:
        heard, noise = bands_db(match, probe)
        return replace(answer, polarity=polarity(match), bands_db=heard, noise_db=noise)
    if match.rho >= FAINT_RHO:
        return replace(answer, end=LoopEnd.FAINT)
    return replace(answer, end=LoopEnd.ROOM_TOO_LOUD if room > LOUD_ROOM_DBFS else LoopEnd.NOT_HEARD)


def polarity(match: Match) -> int:
    """Return the sign of what was heard, or 0 where both signs are about as strong."""
    near = round(SAME_SOUND_S * RATE_HZ)
    around = match.products[max(match.lag - near, 0) : match.lag + near + 1]
    best = float(match.products[match.lag])
    other = float(-around.min() if best > 0 else around.max())
    return 0 if other >= TURNED_MOST * abs(best) else int(np.sign(best))


def bands_db(match: Match, probe: Samples) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the loop's gain in each band, and what each would read with only the noise before the tone in it.

    The second is empty where the recording does not reach far enough back.
    """
    before, after = round(BEFORE_S * RATE_HZ), round(REVERB_S * RATE_HZ)
    start = match.lag - before
    heard = match.products[max(start, 0) : match.lag + after]
    noise = match.products[start - before - after : start] if start >= before + after else match.products[:0]
    return _gains_db(heard, probe), _gains_db(noise, probe) if noise.size else ()


def _gains_db(products: Products, probe: Samples) -> tuple[float, ...]:
    """Return the gain in each band of a piece of the matched filter's output.

    The filter's output for a loop of gain 1 has the probe's power spectrum as its own.
    """
    size = 1 << max(products.size, probe.size).bit_length()
    hz = np.fft.rfftfreq(size, 1 / RATE_HZ)
    found, own = np.abs(np.fft.rfft(products, size)), np.abs(np.fft.rfft(probe, size)) ** 2
    inside = [(hz >= low) & (hz < high) for low, high in BANDS_HZ]
    return tuple(round(dbfs(float(np.sqrt(np.sum(found[b] ** 2) / np.sum(own[b] ** 2)))), 2) for b in inside)
