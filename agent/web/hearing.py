"""What of a room's sound the tablet shows: levels, findings, gains, what a calibration measured. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from agent.tone import Tone
from agent.web.face import RoomView, RunState
from drivers.audio.model import BANDS_HZ
from drivers.outcomes import Measure, Verdict
from drivers.ports import Baseline, Level
from webui.i18n import N_
from webui.live import MeterValue

DASH, MINUS = "\u2013", "\u2212"
STEP_DB = 6.0
LEAST_GAIN_DB, MOST_GAIN_DB = -80.0, 20.0
SOUND_MEASURES = ("microphone.", "speaker.", "loop.", "worker.")
FLAGS: dict[str, str] = {
    "digital_zero": N_("no sound at all"),
    "silence": N_("silent"),
    "clipping": N_("distorts"),
    "hum": N_("hums"),
    "howl": N_("feedback"),
    "narrow_band": N_("telephone sound"),
}
"""What the driver says of a level, in everyday words."""
POLARITIES: dict[int, str] = {1: N_("as wired"), -1: N_("turned"), 0: N_("not told")}


def meters(levels: Mapping[str, Level]) -> dict[str, MeterValue]:
    """Return levels as the live socket sends them."""
    sent: dict[str, MeterValue] = {}
    for port, level in levels.items():
        sent[port] = round(level.rms_dbfs, 1)
        sent[f"{port}.peak"] = round(level.peak_dbfs, 1)
        sent[f"{port}.lufs"] = None if level.momentary_lufs is None else round(level.momentary_lufs, 1)
        zero = {"digital_zero"} if level.digital_zero else set()
        sent[f"{port}.flags"] = " ".join(sorted(level.flags | zero))
    return sent


def silence(view: RoomView) -> str:
    """Return what the button that mutes everything shows: what was read back, and before that how far it is."""
    if view.all_muted:
        return "all"
    if view.silencing.state in {RunState.RUNNING, RunState.FAILED}:
        return view.silencing.state.value
    return "open"


def quieter(view: RoomView, port: str) -> float | None:
    """Return where a port's gain would stand after one step down; none where nobody knows where it stands."""
    gain_db = view.gains_db.get(port)
    return None if gain_db is None else round(max(gain_db - STEP_DB, LEAST_GAIN_DB), 1)


def gain_steps(view: RoomView, port: str) -> list[tuple[str, float]]:
    """Return the steps that a hand can take from where a port's gain stands, and where each leads."""
    gain_db = view.gains_db.get(port)
    if gain_db is None:
        return []
    steps = ((f"{step:+d} dB".replace("-", MINUS), round(gain_db + step, 1)) for step in (-6, -3, 3))
    return [(name, db) for name, db in steps if LEAST_GAIN_DB <= db <= MOST_GAIN_DB]


def sound_findings(view: RoomView) -> list[tuple[Measure, datetime | None]]:
    """Return what is known of the sound, what was measured last, the worst first; each with when."""
    found: dict[str, tuple[Measure, datetime | None]] = {}
    for device in view.devices:
        for measure in device.health.measures if device.health else ():
            if measure.name.startswith(SOUND_MEASURES):
                found[measure.name] = measure, device.looked_at
    for measure in view.checked.measures if view.checked else ():
        if measure.name not in found:
            found[measure.name] = measure, view.checked.at if view.checked else None
    rank = {Verdict.FAIL: 0, Verdict.WARN: 1, Verdict.UNPROVEN: 2, Verdict.PASS: 3}
    return sorted(found.values(), key=lambda one: rank[one[0].verdict])


def calibrated(tone: Tone) -> list[tuple[str, str, str, str]]:
    """Return name, what was measured, what held before and the unit, row by row."""
    now, before = tone.measured, tone.former.baseline if tone.former else None
    if now is None:
        return []
    rows: list[tuple[str, Callable[[Baseline], float | None], str]] = [
        (N_("Loudness in the room"), lambda b: b.gain_db, "dB"),
        (N_("Sound delay"), lambda b: b.latency_ms, "ms"),
        (N_("Noise"), lambda b: b.noise_floor_dbfs, "dBFS"),
    ]
    table = [(name, _figure(of(now)), _figure(None if before is None else of(before)), unit) for name, of, unit in rows]
    for number, (low, high) in enumerate(BANDS_HZ):
        figures = (_figure(_band(baseline, number)) for baseline in (now, before))
        table.append((f"{low}{DASH}{high} Hz", next(figures), next(figures), "dB"))
    return table


def _band(baseline: Baseline | None, number: int) -> float | None:
    return baseline.bands_db[number] if baseline is not None and number < len(baseline.bands_db) else None


def _figure(value: float | None) -> str:
    return DASH if value is None else f"{value:.1f}".replace("-", MINUS)
