"""What a look for the test tone says of a room, by itself and against how the room once was.

No numpy, no input or output. Without a baseline a loop that is heard is a good loop: gain
and delay are told without a limit, polarity and treble not at all, so that a room nobody
calibrated is not amber for ever. With one, each is held against it.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, median

from drivers.audio import lines
from drivers.audio.lines import Line
from drivers.audio.model import MICROPHONE, SPEAKER, TREBLE_BANDS, VOICE_BANDS, Limits, LoopAnswer, LoopEnd
from drivers.errors import DeviceRefused
from drivers.outcomes import Measure, Reason, Verdict
from drivers.ports import Baseline, SoundPort

HEARD = "rho >= 0.15"
SAME_GAIN_DB = 1.0
SAME_LATENCY_MS = 5.0
"""A tone further than these from the median of the three is no calibration."""
SPEECH_TREBLE_DB = -12.0
"""4.5 to 6.8 kHz against 1 to 3.5 kHz in people's long-term average speech, as density (Byrne and others, 1994)."""
SAME_VOLUME_DB = 0.5
OVER_NOISE_DB = 3.0
"""Treble that stands out less may be the room's noise."""

_VERDICTS = {
    LoopEnd.HEARD: Verdict.PASS,
    LoopEnd.FAINT: Verdict.UNPROVEN,
    LoopEnd.ROOM_TOO_LOUD: Verdict.UNPROVEN,
    LoopEnd.NOT_HEARD: Verdict.FAIL,
    LoopEnd.DIGITAL_ZERO: Verdict.FAIL,
}

_REASONS = {
    LoopEnd.FAINT: ("sound.faint", "the test tone was heard too faintly to be sure"),
    LoopEnd.ROOM_TOO_LOUD: ("sound.room_too_loud", "the room was louder than the test tone"),
    LoopEnd.NOT_HEARD: ("sound.not_heard", "the test tone did not reach the microphone"),
    LoopEnd.DIGITAL_ZERO: ("sound.microphone_dead", "every sample was exactly zero: muted at the device, or dead"),
}


def answer_of(line: Line) -> LoopAnswer:
    """Return the answer that a worker sent.

    Raises:
        BadLine: something is missing or of another kind.
    """
    return LoopAnswer(
        _end(lines.text(line, "end")),
        lines.number(line, "rho"),
        lines.number(line, "gain_db"),
        lines.number(line, "latency_ms"),
        lines.number(line, "room_dbfs"),
        int(lines.number(line, "tries")),
        lines.flag(line, "xrun"),
        int(lines.number(line, "polarity")),
        lines.numbers(line, "bands_db"),
        lines.numbers(line, "noise_db"),
    )


def _end(word: str) -> LoopEnd:
    try:
        return LoopEnd(word)
    except ValueError as error:
        raise lines.BadLine(f"end: {error}") from error


# --- what proves nothing ---


def unproven(reason: Reason) -> Measure:
    """Say that the loop was not checked, and why."""
    return Measure("loop.heard", None, Verdict.UNPROVEN, limit=HEARD, reason=reason)


def muted_measure(muted: Sequence[str]) -> Measure:
    """Say that the loop was not checked because ports are muted: nobody would have heard the tone."""
    return unproven(muted_reason(muted))


def muted_reason(muted: Sequence[str]) -> Reason:
    """Say which ports are muted."""
    ports = ", ".join(muted)
    return Reason("sound.port_muted", f"loop: not checked while muted: {ports}", {"ports": ports})


def busy_reason(room_dbfs: float, floor_dbfs: float) -> Reason:
    """Say that nothing was played because somebody speaks."""
    detail = (
        f"loop: wanted half a second of quiet, found {room_dbfs:.0f} dBFS over a floor of {floor_dbfs:.0f}:"
        " nothing is played while people speak"
    )
    return Reason("sound.room_busy", detail, {"room_dbfs": round(room_dbfs), "floor_dbfs": round(floor_dbfs)})


# --- what was heard ---


def loop_measures(
    answer: LoopAnswer,
    ports: Sequence[SoundPort] = (),
    baseline: Baseline | None = None,
    *,
    limits: Limits | None = None,
    cancels_echo: bool = False,
) -> tuple[Measure, ...]:
    """Say whether the room hears itself and, if so, how loud, how late and how it has changed.

    With a baseline of these devices the tone was played at `tone_gain_db`.

    A device that cancels echoes takes the room's own sound out of what it hears: with one,
    a tone that is not found proves nothing, and what is left of it is no gain to compare.
    """
    heard = _heard(answer, cancels_echo=cancels_echo)
    if answer.end is not LoopEnd.HEARD:
        return (heard,)
    gain = Measure("loop.gain", round(answer.gain_db, 1), Verdict.PASS, "dB")
    latency = Measure("loop.latency", round(answer.latency_ms, 1), Verdict.PASS, "ms")
    if baseline is None or cancels_echo:
        return (heard, _lost_samples(gain) if answer.xrun else gain, latency)
    if other := _others(ports, baseline):
        return (heard, gain, latency, other)
    return (heard, *_compared(answer, ports, baseline, limits or Limits()))


def _heard(answer: LoopAnswer, *, cancels_echo: bool) -> Measure:
    hidden = cancels_echo and answer.end in {LoopEnd.NOT_HEARD, LoopEnd.FAINT}
    verdict = Verdict.UNPROVEN if hidden else _VERDICTS[answer.end]
    return Measure("loop.heard", round(answer.rho, 3), verdict, limit=HEARD, reason=_reason(answer, hidden=hidden))


def _reason(answer: LoopAnswer, *, hidden: bool = False) -> Reason | None:
    if answer.end not in _REASONS:
        return None
    code, why = _REASONS[answer.end]
    if hidden:
        code, why = "sound.echo_cancelled", "the microphone takes its own loudspeaker out of what it hears"
    values = {"rho": round(answer.rho, 3), "room_dbfs": round(answer.room_dbfs, 1), "tries": answer.tries}
    return Reason(code, f"loop: wanted {HEARD}, found {answer.rho:.3f}: {why}", values)


def _lost_samples(gain: Measure) -> Measure:
    reason = Reason("sound.samples_lost", "loop: samples were lost in every try, the gain cannot be trusted")
    return Measure(gain.name, gain.value, Verdict.UNPROVEN, gain.unit, gain.limit, reason)


def _others(ports: Sequence[SoundPort], baseline: Baseline) -> Measure | None:
    """Say so when the room was calibrated with other devices."""
    then = {SPEAKER: baseline.speaker, MICROPHONE: baseline.microphone}
    others = [port.device for port in ports if port.device != then[port.name]]
    if not others:
        return None
    found = ", ".join(others)
    detail = f"loop: calibrated with {baseline.speaker!r} and {baseline.microphone!r}, found {found}: calibrate again"
    reason = Reason("sound.baseline_other", detail, {"devices": found})
    return Measure("loop.baseline", found, Verdict.UNPROVEN, limit="the devices it was calibrated with", reason=reason)


def _compared(
    answer: LoopAnswer, ports: Sequence[SoundPort], baseline: Baseline, limits: Limits
) -> tuple[Measure, ...]:
    measures = [
        _volume(ports, baseline, limits),
        _gain(answer, ports, baseline, limits),
        _latency(answer, baseline, limits),
    ]
    measures += [_polarity(answer, baseline)] if baseline.polarity else []
    measures += [_treble(answer, baseline, limits)] if _has_bands(baseline.bands_db, answer.bands_db) else []
    return tuple(measures)


def _gain(answer: LoopAnswer, ports: Sequence[SoundPort], baseline: Baseline, limits: Limits) -> Measure:
    """Compare the gain; a little louder warns already, for it brings the room nearer to feedback."""
    value, over_db = round(answer.gain_db, 1), answer.gain_db - baseline.gain_db
    limit = f"{baseline.gain_db:.1f} dB, {-limits.loop_gain_db:g} to {limits.loop_louder_db:+g} dB"
    measure = Measure("loop.gain", value, Verdict.PASS, "dB", limit)
    if answer.xrun:
        return _lost_samples(measure)
    if -limits.loop_gain_db <= over_db <= limits.loop_louder_db:
        return measure
    verdict = Verdict.WARN if abs(over_db) <= limits.loop_gain_db else Verdict.FAIL
    by_db, set_db = round(abs(over_db), 1), round(_port(ports, MICROPHONE).gain_db - baseline.microphone_gain_db, 1)
    code, how = ("sound.loop_louder", "louder") if over_db > 0 else ("sound.loop_softer", "softer")
    since = f"; the microphone's gain was set {set_db:+g} dB since" if set_db else ""
    detail = f"loop: wanted a gain of {limit}, found {value:g} dB: {by_db:g} dB {how} than when calibrated{since}"
    reason = Reason(code, detail, {"by_db": by_db, "set_db": set_db})
    return Measure("loop.gain", value, verdict, "dB", limit, reason)


def _port(ports: Sequence[SoundPort], name: str) -> SoundPort:
    return next(port for port in ports if port.name == name)


def tone_gain_db(ports: Sequence[SoundPort], baseline: Baseline | None) -> float | None:
    """Return where the loudspeaker's gain should stand for the tone; none where it stands well.

    A room is compared at the volume at which it was calibrated, whatever it is set to now.
    """
    if baseline is None or _others(ports, baseline):
        return None
    own_db = baseline.speaker_gain_db
    return own_db if abs(_port(ports, SPEAKER).gain_db - own_db) > SAME_VOLUME_DB else None


def _volume(ports: Sequence[SoundPort], baseline: Baseline, limits: Limits) -> Measure:
    """Compare the loudspeaker's gain, which the loop does not show: its tone is played at the calibration's."""
    value, most_db = round(_port(ports, SPEAKER).gain_db, 1), limits.loop_gain_db
    by_db, limit = round(value - baseline.speaker_gain_db, 1), f"{baseline.speaker_gain_db:.1f} ± {most_db:g} dB"
    if abs(by_db) <= most_db:
        return Measure("speaker.gain", value, Verdict.PASS, "dB", limit)
    detail = f"speaker: wanted a gain of {limit} as when calibrated, found {value:g} dB"
    reason = Reason("sound.volume_other", detail, {"by_db": by_db})
    return Measure("speaker.gain", value, Verdict.WARN, "dB", limit, reason)


def _latency(answer: LoopAnswer, baseline: Baseline, limits: Limits) -> Measure:
    """Compare the delay; another one warns only: a busy machine buffers more, and people hear each other still."""
    value = round(answer.latency_ms, 1)
    limit = f"{baseline.latency_ms:.1f} ± {limits.loop_latency_ms:g} ms"
    if abs(answer.latency_ms - baseline.latency_ms) <= limits.loop_latency_ms:
        return Measure("loop.latency", value, Verdict.PASS, "ms", limit)
    detail = f"loop: wanted a delay of {limit}, found {value:g} ms: another way, or a busy machine"
    was_ms = round(baseline.latency_ms)
    reason = Reason("sound.loop_delay", detail, {"latency_ms": round(value), "was_ms": was_ms})
    return Measure("loop.latency", value, Verdict.WARN, "ms", limit, reason)


def _polarity(answer: LoopAnswer, baseline: Baseline) -> Measure:
    if answer.polarity == baseline.polarity:
        return Measure("loop.polarity", answer.polarity, Verdict.PASS, limit=f"{baseline.polarity:+d}")
    if not answer.polarity:
        reason = Reason("sound.polarity_unclear", "loop: reflections or noise hide its polarity")
        return Measure("loop.polarity", None, Verdict.UNPROVEN, limit=f"{baseline.polarity:+d}", reason=reason)
    detail = "loop: found its polarity turned since it was calibrated: a cable or a plug is wired the other way round"
    reason = Reason("sound.polarity_turned", detail)
    return Measure("loop.polarity", answer.polarity, Verdict.WARN, limit=f"{baseline.polarity:+d}", reason=reason)


def _treble(answer: LoopAnswer, baseline: Baseline, limits: Limits) -> Measure:
    own_db, found_db = treble_of(baseline.bands_db), treble_of(answer.bands_db)
    value, limit = round(found_db - own_db, 1), f">= {-limits.treble_lost_db:g} dB of its own"
    if value < -limits.treble_lost_db:
        detail = f"loop: found {-value:g} dB less treble than when calibrated: a telephone's band, as Bluetooth has it"
        reason = Reason("sound.narrow_band", detail, {"lost_db": round(-value)})
        return Measure("loop.treble", value, Verdict.WARN, "dB", limit, reason)
    if _in_noise(answer):
        reason = Reason("sound.treble_unclear", "loop: what was heard of its treble is the room's noise")
        return Measure("loop.treble", None, Verdict.UNPROVEN, "dB", limit, reason)
    return Measure("loop.treble", value, Verdict.PASS, "dB", limit)


def _in_noise(answer: LoopAnswer) -> bool:
    noise = answer.noise_db[TREBLE_BANDS]
    return bool(noise) and fmean(answer.bands_db[TREBLE_BANDS]) < fmean(noise) + OVER_NOISE_DB


def treble_of(bands_db: Sequence[float]) -> float:
    """Return how far the treble lies over the band that voices need, in dB."""
    return fmean(bands_db[TREBLE_BANDS]) - fmean(bands_db[VOICE_BANDS])


def speech_treble_db(baseline: Baseline) -> float | None:
    """Return the treble that speech has in a room, when the loop's bands were measured there."""
    return treble_of(baseline.bands_db) + SPEECH_TREBLE_DB if _has_bands(baseline.bands_db) else None


def _has_bands(*both: Sequence[float]) -> bool:
    return all(bands[TREBLE_BANDS] and bands[VOICE_BANDS] for bands in both)


# --- calibration ---


def trusted(answer: LoopAnswer) -> LoopAnswer:
    """Return `answer` if a room can be calibrated by it.

    Raises:
        DeviceRefused: the tone was not heard, or samples were lost.
    """
    if reason := _reason(answer):
        raise DeviceRefused(reason)
    if answer.xrun:
        detail = "calibration: samples were lost in every try: the machine is too busy to measure"
        raise DeviceRefused(Reason("sound.samples_lost", detail))
    return answer


def baseline_of(answers: Sequence[LoopAnswer], ports: Sequence[SoundPort], noise_floor_dbfs: float) -> Baseline:
    """Return the median of `answers`, which can be trusted one by one.

    Raises:
        DeviceRefused: one lies too far from it.
    """
    gain_db, latency_ms = median(map(_gain_of, answers)), median(map(_latency_of, answers))
    _agree(answers, gain_db, latency_ms)
    port = {port.name: port for port in ports}
    polarities = {answer.polarity for answer in answers}
    return Baseline(
        speaker=port[SPEAKER].device,
        microphone=port[MICROPHONE].device,
        speaker_gain_db=port[SPEAKER].gain_db,
        microphone_gain_db=port[MICROPHONE].gain_db,
        gain_db=round(gain_db, 2),
        latency_ms=round(latency_ms, 2),
        noise_floor_dbfs=round(noise_floor_dbfs, 2),
        polarity=polarities.pop() if len(polarities) == 1 else 0,
        bands_db=tuple(round(median(band), 2) for band in zip(*(answer.bands_db for answer in answers), strict=True)),
        rho=round(median(answer.rho for answer in answers), 4),
    )


def _gain_of(answer: LoopAnswer) -> float:
    return answer.gain_db


def _latency_of(answer: LoopAnswer) -> float:
    return answer.latency_ms


def _agree(answers: Sequence[LoopAnswer], gain_db: float, latency_ms: float) -> None:
    """Refuse answers of which one lies too far from the median.

    Raises:
        DeviceRefused: says how far.
    """
    off_db = max(abs(answer.gain_db - gain_db) for answer in answers)
    off_ms = max(abs(answer.latency_ms - latency_ms) for answer in answers)
    if off_db <= SAME_GAIN_DB and off_ms <= SAME_LATENCY_MS:
        return
    detail = (
        f"calibration: wanted {len(answers)} tones alike within {SAME_GAIN_DB:g} dB and {SAME_LATENCY_MS:g} ms,"
        f" found them {off_db:.1f} dB and {off_ms:.1f} ms apart: something moves, or the machine is busy"
    )
    values = {"off_db": round(off_db, 1), "off_ms": round(off_ms, 1)}
    raise DeviceRefused(Reason("sound.calibration_differs", detail, values))
