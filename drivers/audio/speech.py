"""Whether people are heard well: how loud speech arrives, how far over the noise, and whether somebody speaks now.

No numpy, no input or output. Where nobody speaks there is nothing to measure and nothing is
said: a room is empty most of its days and no worse for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log10
from statistics import fmean

from drivers.audio.model import LEVELS_A_SECOND, SILENCE_DBFS, Limits, MeterReading, floor_dbfs
from drivers.outcomes import Measure, Reason, Verdict
from drivers.ports import Baseline

SPOKEN_FOR_S = 2.0
"""So much of what was heard must be loud before it is called speech: a door is not."""
VARIES_DB = 8.0
"""Speech rises and falls by this and more from one 50 ms to another.

A fan that starts does not, and of 1500 stretches of pink noise none came over 7.6.
"""
QUIET_FOR_S = 0.5
QUIETEST_FLOOR_DBFS = -70.0
"""A microphone with a noise gate has a floor of nothing, over which every breath would be speech."""


def speech_measures(readings: Sequence[MeterReading], limits: Limits) -> tuple[Measure, ...]:
    """Say how far speech lies over the noise and, where that is far enough to tell, how loud it is."""
    loud = [reading for reading in readings if _lufs(reading) > limits.silence_dbfs]
    if len(loud) < SPOKEN_FOR_S * LEVELS_A_SECOND or not _varies(loud):
        return ()
    over = floor_dbfs(readings) + limits.speech_over_floor_db
    clear = [_lufs(reading) for reading in loud if _lufs(reading) > over]
    return (_over_noise(readings, limits), *((_loudness(clear, limits),) if clear else ()))


def _varies(readings: Sequence[MeterReading]) -> bool:
    levels = _levels(readings)
    return _rank(levels, 0.95) - _rank(levels, 0.25) >= VARIES_DB


def _loudness(momentary_lufs: Sequence[float], limits: Limits) -> Measure:
    value = round(_mean_db(momentary_lufs), 1)
    limit = f"{limits.speech_soft_lufs:g} to {limits.speech_hot_lufs:g} LUFS, best -23 ± 6"
    if limits.speech_soft_lufs <= value <= limits.speech_hot_lufs:
        return Measure("microphone.speech", value, Verdict.PASS, "LUFS", limit)
    if value < limits.speech_soft_lufs:
        code, hint = "sound.speech_soft", "too soft: bring the microphone nearer, or turn its gain up"
    else:
        code, hint = "sound.speech_hot", "too hot: turn the microphone's gain down"
    detail = f"microphone: wanted speech at {limit}, found {value:g} LUFS, {hint}"
    return Measure("microphone.speech", value, Verdict.WARN, "LUFS", limit, Reason(code, detail, {"lufs": value}))


def _over_noise(readings: Sequence[MeterReading], limits: Limits) -> Measure:
    value = round(_rank(_levels(readings), 0.95) - floor_dbfs(readings), 1)
    limit = f">= {limits.speech_over_noise_db:g} dB, good from 20"
    if value >= limits.speech_over_noise_db:
        return Measure("microphone.speech_over_noise", value, Verdict.PASS, "dB", limit)
    detail = (
        f"microphone: wanted speech {limit} over the noise, found {value:g}: nearer to the microphone, or less noise"
    )
    reason = Reason("sound.speech_drowned", detail, {"over_db": value})
    return Measure("microphone.speech_over_noise", value, Verdict.WARN, "dB", limit, reason)


def disturbs(
    readings: Sequence[MeterReading], limits: Limits, baseline: Baseline | None = None
) -> tuple[float, float] | None:
    """Return the last half second's level and the floor when a tone would now disturb somebody, else None.

    The floor is what the room had when it was calibrated; without that, or where what is
    heard is as even as a fan, it is that of the last seconds: a fan that runs all day is
    not disturbed by a tone.
    """
    latest = _levels(readings[-round(QUIET_FOR_S * LEVELS_A_SECOND) :])
    if not latest:
        return None
    own = baseline.noise_floor_dbfs if baseline and _varies(readings) else floor_dbfs(readings)
    floor, now = max(own, QUIETEST_FLOOR_DBFS), _mean_db(latest)
    return (now, floor) if now > floor + limits.noise_over_own_db else None


def _levels(readings: Sequence[MeterReading]) -> list[float]:
    """Return the levels of `readings` in which there was a sound at all."""
    return [reading.level.rms_dbfs for reading in readings if not reading.level.digital_zero]


def _mean_db(levels: Sequence[float]) -> float:
    return 10 * log10(fmean(10 ** (level / 10) for level in levels))


def _lufs(reading: MeterReading) -> float:
    found = reading.level.momentary_lufs
    return SILENCE_DBFS if found is None or reading.level.digital_zero else found


def _rank(levels: Sequence[float], share: float) -> float:
    """Return the level that `share` of `levels` lie under."""
    if not levels:
        return SILENCE_DBFS
    ranked = sorted(levels)
    return ranked[min(int(len(ranked) * share), len(ranked) - 1)]
