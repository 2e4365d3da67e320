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


_LOOP_VERDICTS = {
    LoopEnd.HEARD: Verdict.PASS,
    LoopEnd.FAINT: Verdict.UNPROVEN,
    LoopEnd.ROOM_TOO_LOUD: Verdict.UNPROVEN,
    LoopEnd.NOT_HEARD: Verdict.FAIL,
    LoopEnd.DIGITAL_ZERO: Verdict.FAIL,
}

_LOOP_REASONS = {
    LoopEnd.FAINT: ("sound.faint", "the test tone was heard too faintly to be sure"),
    LoopEnd.ROOM_TOO_LOUD: ("sound.room_too_loud", "the room was louder than the test tone"),
    LoopEnd.NOT_HEARD: ("sound.not_heard", "the test tone did not reach the microphone"),
    LoopEnd.DIGITAL_ZERO: ("sound.microphone_dead", "every sample was exactly zero: muted at the device, or dead"),
}


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


@dataclass(frozen=True, slots=True)
class MeterReading:
    """One block of the meter."""

    level: Level
    clips: int


def present_measure(port: SoundPort) -> Measure:
    """Say whether `port` is there."""
    if port.present:
        return Measure(f"{port.name}.present", True, Verdict.PASS)
    detail = f"{port.name}: wanted {port.device!r}, which the sound system does not list; check plug and name"
    reason = Reason("sound.device_missing", detail, {"port": port.name, "device": port.device})
    return Measure(f"{port.name}.present", False, Verdict.FAIL, limit="true", reason=reason)


def setting_measure(port: SoundPort) -> Measure:
    """Say whether `port` is muted; neither is wrong by itself, presets decide."""
    return Measure(f"{port.name}.muted", port.muted, Verdict.PASS)


def routed_measure(device: str, found: str) -> Measure:
    """Say whether the capture hangs on the microphone `device`; `found` is where it does."""
    if found == device:
        return Measure("microphone.routed", found, Verdict.PASS, limit=device)
    detail = f"microphone: wanted sound from {device!r}, found the sound system capturing {found or 'nothing'!r}"
    reason = Reason("sound.wrong_source", detail, {"device": device, "found": found})
    return Measure("microphone.routed", found, Verdict.FAIL, limit=device, reason=reason)


def level_measures(readings: Sequence[MeterReading]) -> tuple[Measure, ...]:
    """Say whether the microphone lives, how loud the room is at its quietest, and whether it clips.

    `readings` are the latest, oldest first. Less than a second of them proves nothing.
    """
    if len(readings) < ZERO_FOR_S * LEVELS_A_SECOND:
        reason = Reason(
            "sound.no_levels", "microphone: wanted a second of levels, found less", {"found": len(readings)}
        )
        return (Measure("microphone.signal", None, Verdict.UNPROVEN, limit="1 s of levels", reason=reason),)
    return (signal := _signal(readings), *(() if signal.reason else (_noise(readings), _clipping(readings))))


def not_opened_measure(why: str) -> Measure:
    """Say that the microphone is listed but cannot be opened."""
    detail = f"microphone: wanted its sound, found that it does not open: {why}"
    reason = Reason("sound.not_opened", detail, {"why": why})
    return Measure("microphone.signal", None, Verdict.FAIL, "dBFS", "not digital zero", reason)


def _signal(readings: Sequence[MeterReading]) -> Measure:
    latest = readings[-round(ZERO_FOR_S * LEVELS_A_SECOND) :]
    loudest = max(reading.level.peak_dbfs for reading in latest)
    if not all(reading.level.digital_zero for reading in latest):
        return Measure("microphone.signal", round(loudest, 1), Verdict.PASS, "dBFS", "not digital zero")
    detail = "microphone: wanted at least its own noise, found digital zero: muted at the device, or dead"
    reason = Reason("sound.microphone_dead", detail)
    return Measure("microphone.signal", SILENCE_DBFS, Verdict.FAIL, "dBFS", "not digital zero", reason)


def _noise(readings: Sequence[MeterReading]) -> Measure:
    # What was heard while the microphone was muted is no room's silence.
    ranked = sorted(reading.level.rms_dbfs for reading in readings if not reading.level.digital_zero)
    floor = round(ranked[len(ranked) // 10], 1)
    limit = f"<= {NOISE_WARN_DBFS:g} dBFS"
    if floor <= NOISE_WARN_DBFS:
        return Measure("microphone.noise_floor", floor, Verdict.PASS, "dBFS", limit)
    detail = f"microphone: wanted a noise floor {limit}, found {floor:g} dBFS: a fan, a hum, or the gain is too high"
    reason = Reason("sound.noisy", detail, {"floor_dbfs": floor})
    return Measure("microphone.noise_floor", floor, Verdict.WARN, "dBFS", limit, reason)


def _clipping(readings: Sequence[MeterReading]) -> Measure:
    latest = readings[-3 * LEVELS_A_SECOND :]
    per_s = round(sum(reading.clips for reading in latest) * LEVELS_A_SECOND / len(latest), 2)
    limit = f"<= {CLIPS_WARN_PER_S:g} /s"
    if per_s <= CLIPS_WARN_PER_S:
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


def muted_measure(muted: Sequence[str]) -> Measure:
    """Say that the loop was not checked because ports are muted: nobody would have heard the tone."""
    ports = ", ".join(muted)
    reason = Reason("sound.port_muted", f"loop: not checked while muted: {ports}", {"ports": ports})
    return Measure("loop.heard", None, Verdict.UNPROVEN, limit="rho >= 0.15", reason=reason)


def loop_measures(answer: LoopAnswer) -> tuple[Measure, ...]:
    """Say whether the room hears itself and, if so, how loud and how late.

    Gain and delay have no limit until the room has a baseline to compare them with.
    """
    heard = Measure(
        "loop.heard", round(answer.rho, 3), _LOOP_VERDICTS[answer.end], limit="rho >= 0.15", reason=_loop_reason(answer)
    )
    if answer.end is not LoopEnd.HEARD:
        return (heard,)
    latency = Measure("loop.latency", round(answer.latency_ms, 1), Verdict.PASS, "ms")
    return (heard, _gain(answer), latency)


def _gain(answer: LoopAnswer) -> Measure:
    if not answer.xrun:
        return Measure("loop.gain", round(answer.gain_db, 1), Verdict.PASS, "dB")
    reason = Reason("sound.samples_lost", "loop: samples were lost in every try, the gain cannot be trusted")
    return Measure("loop.gain", round(answer.gain_db, 1), Verdict.UNPROVEN, "dB", reason=reason)


def _loop_reason(answer: LoopAnswer) -> Reason | None:
    if answer.end not in _LOOP_REASONS:
        return None
    code, why = _LOOP_REASONS[answer.end]
    values = {"rho": round(answer.rho, 3), "room_dbfs": round(answer.room_dbfs, 1), "tries": answer.tries}
    return Reason(code, f"loop: wanted rho >= 0.15, found {answer.rho:.3f}: {why}", values)
