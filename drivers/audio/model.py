"""What was measured of a room's sound, and what it says. No numpy, no input or output.

Limits are starting values with a source: measured on modelled and live rooms (`rho`, digital
zero, clipping) or judged (noise floor), and a room may need others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from drivers.outcomes import Measure, Reason, Verdict
from drivers.ports import Level, SoundPort

MICROPHONE = "microphone"
SPEAKER = "speaker"

SILENCE_DBFS = -120.0
"""The bottom of every scale here; also what digital zero reads."""
LEVELS_A_SECOND = 20

BANDS_HZ = ((300, 600), (600, 1_200), (1_200, 2_400), (2_400, 3_400), (4_500, 5_600), (5_600, 6_800))
"""Where the loop's gain is taken one by one; a telephone's band ends in the gap."""
VOICE_BANDS = slice(2, 4)
TREBLE_BANDS = slice(4, 6)

MAINS_HZ = 50.0
"""Indonesia's mains."""
HARMONICS = 8
"""So many multiples of it are looked at."""
SAME_MULTIPLE_HZ = 4.0

NOISE_WARN_DBFS = -45.0
CLIPS_WARN_PER_S = 1.0
ZERO_FOR_S = 1.0
RESTARTS_FAIL = 3
RESTARTS_WITHIN_S = 60.0


class LoopEnd(StrEnum):
    """How one look for the chirp ended."""

    HEARD = "heard"
    FAINT = "faint"
    NOT_HEARD = "not_heard"
    DIGITAL_ZERO = "digital_zero"
    ROOM_TOO_LOUD = "room_too_loud"


@dataclass(frozen=True, slots=True)
class LoopAnswer:
    """What a loop check found, by the last of its tries."""

    end: LoopEnd
    rho: float
    """How alike tone and recording are, 0 to 1."""
    gain_db: float
    latency_ms: float
    room_dbfs: float
    """How loud the room was before the tone."""
    tries: int = 1
    xrun: bool = False
    """Samples were lost on the way; what was heard counts, its gain does not."""
    polarity: int = 0
    """+1, or -1 where it comes back turned; 0 where that cannot be told."""
    bands_db: tuple[float, ...] = ()
    """The gain in each of `BANDS_HZ`; empty where nothing was heard."""
    noise_db: tuple[float, ...] = ()
    """What each band would have read with nothing but the room's noise in it."""


@dataclass(frozen=True, slots=True)
class Second:
    """What one second of the microphone sounded like."""

    floor_dbfs: float
    """The level that nine of ten blocks of 50 ms exceed."""
    loud_dbfs: float
    """The level that one of twenty exceeds."""
    loudest_lufs: float
    """The loudest 400 ms, as people hear them (BS.1770)."""
    digital_zero: bool
    clips: int
    hum_db: float
    """The loudest multiple of the mains over its surroundings."""
    hum_dbfs: float
    harmonics: int
    hum_band_dbfs: float
    """How loud it was where hum would be, voices included."""
    howl_db: float
    """The line that stands out most, in the half second in which it does less."""
    howl_hz: float
    howl_steady: bool
    """It was the same line in both halves."""
    treble_db: float
    """4.5 to 6.8 kHz against 1 to 3.5 kHz."""


class Flag(StrEnum):
    """What is wrong with a microphone's sound, as long as it is."""

    DIGITAL_ZERO = "digital_zero"
    SILENCE = "silence"
    CLIPPING = "clipping"
    HUM = "hum"
    HOWL = "howl"
    NARROW_BAND = "narrow_band"


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on something is wrong; each room may have its own."""

    noise_dbfs: float = NOISE_WARN_DBFS
    silence_dbfs: float = -50.0
    silence_for_s: int = 5
    clips_per_s: float = CLIPS_WARN_PER_S
    clipping_for_s: int = 3
    hum_db: float = 10.0
    hum_dbfs: float = -60.0
    hum_harmonics: int = 3
    howl_db: float = 30.0
    treble_lost_db: float = 20.0
    """So far under the room's own treble, measured when it was calibrated, a voice lacks its sibilants."""
    speech_over_floor_db: float = 15.0
    """Only what is so loud is taken for speech."""
    speech_for_s: int = 3
    """A single vowel has no treble either."""
    speech_soft_lufs: float = -35.0
    speech_hot_lufs: float = -14.0
    speech_over_noise_db: float = 12.0
    noise_over_own_db: float = 10.0
    """So far over the floor at calibration a room has become noisy; so far over its floor somebody speaks."""
    loop_gain_db: float = 6.0
    loop_louder_db: float = 3.0
    loop_latency_ms: float = 20.0
    looks_back_s: int = 10


def flags(heard: Sequence[Second], limits: Limits, own_treble_db: float | None = None) -> frozenset[Flag]:
    """Return what is wrong now; `heard` are the latest seconds, oldest first.

    `own_treble_db` is what the room's microphone gave when it was calibrated; without it a
    narrow band cannot be told from a dull room.
    """
    recent = heard[-limits.looks_back_s :]
    if not recent:
        return frozenset()
    hums = _hums(min(recent, key=_hum_band), limits)
    found = {
        Flag.DIGITAL_ZERO: recent[-1].digital_zero,
        Flag.SILENCE: _silent(recent[-limits.silence_for_s :], limits),
        Flag.CLIPPING: _clips(recent[-limits.clipping_for_s :], limits),
        Flag.HUM: hums,
        Flag.HOWL: _howls(recent[-1], limits) and not (hums and _is_of_the_mains(recent[-1].howl_hz)),
        Flag.NARROW_BAND: own_treble_db is not None and _narrow(recent, own_treble_db, limits),
    }
    return frozenset(flag for flag, wrong in found.items() if wrong)


def _floor(second: Second) -> float:
    return second.floor_dbfs


def _hum_band(second: Second) -> float:
    return second.hum_band_dbfs


def _silent(latest: Sequence[Second], limits: Limits) -> bool:
    return len(latest) >= limits.silence_for_s and all(second.loud_dbfs < limits.silence_dbfs for second in latest)


def _clips(latest: Sequence[Second], limits: Limits) -> bool:
    return len(latest) >= limits.clipping_for_s and all(second.clips > limits.clips_per_s for second in latest)


def _hums(quietest: Second, limits: Limits) -> bool:
    """Say whether the quietest second hums: in a louder one, voices have multiples of their own."""
    return (
        quietest.hum_db >= limits.hum_db
        and quietest.hum_dbfs > limits.hum_dbfs
        and quietest.harmonics >= limits.hum_harmonics
    )


def _howls(latest: Second, limits: Limits) -> bool:
    return latest.howl_steady and latest.howl_db >= limits.howl_db


def _is_of_the_mains(hz: float) -> bool:
    """Say whether a line is one of those that a hum has: a loud hum's stand out as far as feedback does."""
    multiple = round(hz / MAINS_HZ)
    return multiple <= HARMONICS and abs(hz - multiple * MAINS_HZ) <= SAME_MULTIPLE_HZ


def _narrow(recent: Sequence[Second], own_treble_db: float, limits: Limits) -> bool:
    """Say whether treble is missing from every second in which somebody speaks."""
    floor = min(map(_floor, recent))
    spoken = [second for second in recent if second.loud_dbfs > floor + limits.speech_over_floor_db]
    enough = len(spoken) >= limits.speech_for_s
    return enough and all(second.treble_db < own_treble_db - limits.treble_lost_db for second in spoken)


@dataclass(frozen=True, slots=True)
class MeterReading:
    """One block of the meter."""

    level: Level
    clips: int


def present_measure(port: SoundPort, *, required: bool = True) -> Measure:
    """Say whether `port` is there; one that the room can do without is missed more quietly."""
    if port.present:
        return Measure(f"{port.name}.present", True, Verdict.PASS)
    detail = f"{port.name}: wanted {port.device!r}, which the sound system does not list; check plug and name"
    reason = Reason("sound.device_missing", detail, {"port": port.name, "device": port.device})
    verdict = Verdict.FAIL if required else Verdict.WARN
    return Measure(f"{port.name}.present", False, verdict, limit="true", reason=reason)


def default_measure(port: SoundPort) -> Measure:
    """Say whether programs that name no device use `port`; the room has said that they should."""
    name, wanted = f"{port.name}.default", f"wanted {port.device!r} as the default, "
    if port.is_default:
        return Measure(name, True, Verdict.PASS, limit="true")
    values = {"port": port.name, "device": port.device}
    if port.is_default is None:
        detail = f"{port.name}: {wanted}found that the sound system does not tell which it is"
        return Measure(
            name, None, Verdict.UNPROVEN, limit="true", reason=Reason("sound.default_unknown", detail, values)
        )
    detail = f"{port.name}: {wanted}found another: a meeting program that names none uses that; make it the default"
    return Measure(name, False, Verdict.WARN, limit="true", reason=Reason("sound.default_other", detail, values))


def setting_measure(port: SoundPort) -> Measure:
    """Say whether `port` is muted; neither is wrong by itself, presets decide."""
    return Measure(f"{port.name}.muted", port.muted, Verdict.PASS)


def gain_measure(port: SoundPort) -> Measure:
    """Say where the gain of `port` stands; presets and people decide whether that is right."""
    return Measure(f"{port.name}.gain", round(port.gain_db, 1), Verdict.PASS, "dB")


def routed_measure(device: str, found: str) -> Measure:
    """Say whether the capture hangs on the microphone `device`; `found` is where it does."""
    if found == device:
        return Measure("microphone.routed", found, Verdict.PASS, limit=device)
    detail = f"microphone: wanted sound from {device!r}, found the sound system capturing {found or 'nothing'!r}"
    reason = Reason("sound.wrong_source", detail, {"device": device, "found": found})
    return Measure("microphone.routed", found, Verdict.FAIL, limit=device, reason=reason)


def level_measures(
    readings: Sequence[MeterReading], limits: Limits | None = None, own_floor_dbfs: float | None = None
) -> tuple[Measure, ...]:
    """Say whether the microphone lives, how loud the room is at its quietest, and whether it clips.

    `readings` are the latest, oldest first. Less than a second of them proves nothing.
    `own_floor_dbfs` is how quiet the room was when it was calibrated.
    """
    if len(readings) < ZERO_FOR_S * LEVELS_A_SECOND:
        reason = Reason(
            "sound.no_levels", "microphone: wanted a second of levels, found less", {"found": len(readings)}
        )
        return (Measure("microphone.signal", None, Verdict.UNPROVEN, limit="1 s of levels", reason=reason),)
    return (
        signal := _signal(readings),
        *(() if signal.reason else _heard(readings, limits or Limits(), own_floor_dbfs)),
    )


def fault_measures(heard: Sequence[Second], limits: Limits) -> tuple[Measure, ...]:
    """Say whether the microphone hums or howls; without a second heard there is nothing to say."""
    if not heard or heard[-1].digital_zero:
        return ()
    wrong = flags(heard, limits)
    quietest = min(heard[-limits.looks_back_s :], key=_hum_band)
    return (_hum_measure(quietest, limits, Flag.HUM in wrong), _howl_measure(heard[-1], limits, Flag.HOWL in wrong))


def _hum_measure(quietest: Second, limits: Limits, wrong: bool) -> Measure:
    value, limit = round(quietest.hum_db, 1), f"< {limits.hum_db:g} dB over its surroundings"
    if not wrong:
        return Measure("microphone.hum", value, Verdict.PASS, "dB", limit)
    level = round(quietest.hum_dbfs, 1)
    detail = f"microphone: found the mains humming at {level:g} dBFS: a cable, a power supply or a ground loop"
    reason = Reason("sound.hum", detail, {"hum_dbfs": level})
    return Measure("microphone.hum", value, Verdict.WARN, "dB", limit, reason)


def _howl_measure(latest: Second, limits: Limits, wrong: bool) -> Measure:
    value, limit = round(latest.howl_db, 1), f"< {limits.howl_db:g} dB over the rest for a second"
    if not wrong:
        return Measure("microphone.howl", value, Verdict.PASS, "dB", limit)
    hz = round(latest.howl_hz)
    detail = f"microphone: found feedback at {hz} Hz: turn the gain down by 6 dB, or move it away from the loudspeaker"
    return Measure("microphone.howl", value, Verdict.FAIL, "dB", limit, Reason("sound.howl", detail, {"howl_hz": hz}))


def not_opened_measure(why: str, code: str = "sound.not_opened") -> Measure:
    """Say that the microphone is listed but gives nothing."""
    reason = Reason(code, f"microphone: wanted its sound, found none: {why}", {"why": why})
    return Measure("microphone.signal", None, Verdict.FAIL, "dBFS", "not digital zero", reason)


def _signal(readings: Sequence[MeterReading]) -> Measure:
    latest = readings[-round(ZERO_FOR_S * LEVELS_A_SECOND) :]
    loudest = max(reading.level.peak_dbfs for reading in latest)
    if not all(reading.level.digital_zero for reading in latest):
        return Measure("microphone.signal", round(loudest, 1), Verdict.PASS, "dBFS", "not digital zero")
    detail = "microphone: wanted at least its own noise, found digital zero: muted at the device, or dead"
    reason = Reason("sound.microphone_dead", detail)
    return Measure("microphone.signal", SILENCE_DBFS, Verdict.FAIL, "dBFS", "not digital zero", reason)


def _heard(readings: Sequence[MeterReading], limits: Limits, own_floor_dbfs: float | None) -> tuple[Measure, ...]:
    return (_noise(readings, limits, own_floor_dbfs), _clipping(readings, limits))


def floor_dbfs(readings: Sequence[MeterReading]) -> float:
    """Return the level that nine of ten readings exceed; what was heard while muted is no room's silence."""
    ranked = sorted(reading.level.rms_dbfs for reading in readings if not reading.level.digital_zero)
    return ranked[len(ranked) // 10] if ranked else SILENCE_DBFS


def _noise(readings: Sequence[MeterReading], limits: Limits, own_floor_dbfs: float | None) -> Measure:
    floor, most = round(floor_dbfs(readings), 1), limits.noise_dbfs
    if own_floor_dbfs is not None:
        most = min(most, round(own_floor_dbfs + limits.noise_over_own_db, 1))
    limit = f"<= {most:g} dBFS"
    if floor <= most:
        return Measure("microphone.noise_floor", floor, Verdict.PASS, "dBFS", limit)
    detail = f"microphone: wanted a noise floor {limit}, found {floor:g} dBFS: a fan, a hum, or the gain is too high"
    reason = Reason("sound.noisy", detail, {"floor_dbfs": floor})
    return Measure("microphone.noise_floor", floor, Verdict.WARN, "dBFS", limit, reason)


def _clipping(readings: Sequence[MeterReading], limits: Limits) -> Measure:
    latest = readings[-3 * LEVELS_A_SECOND :]
    per_s = round(sum(reading.clips for reading in latest) * LEVELS_A_SECOND / len(latest), 2)
    limit = f"<= {limits.clips_per_s:g} /s"
    if per_s <= limits.clips_per_s:
        return Measure("microphone.clipping", per_s, Verdict.PASS, "/s", limit)
    reason = Reason("sound.clipping", f"microphone: found {per_s:g} clipped peaks a second; turn its gain down")
    return Measure("microphone.clipping", per_s, Verdict.WARN, "/s", limit, reason)


def restarts_measure(count: int) -> Measure:
    """Say whether the sound worker keeps running; `count` are its unwanted ends in the last minute."""
    limit = f"< {RESTARTS_FAIL} in {RESTARTS_WITHIN_S:g} s"
    if count < RESTARTS_FAIL:
        return Measure("worker.restarts", count, Verdict.PASS, limit=limit)
    detail = f"sound worker: ended {count} times in {RESTARTS_WITHIN_S:g} s; the sound system hangs or crashes"
    return Measure("worker.restarts", count, Verdict.FAIL, limit=limit, reason=Reason("sound.worker_unstable", detail))
