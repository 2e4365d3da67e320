"""What measured values say of a room."""

from __future__ import annotations

import subprocess
import sys

from drivers.audio import model
from drivers.audio.model import MeterReading
from drivers.outcomes import Measure, Verdict
from drivers.ports import Level, SoundPort


def readings(rms_dbfs: float, count: int = 60, *, clips: int = 0, zero: bool = False) -> list[MeterReading]:
    return [MeterReading(Level(rms_dbfs, rms_dbfs + 10, zero), clips)] * count


def by_name(measures: tuple[Measure, ...]) -> dict[str, Measure]:
    return {measure.name: measure for measure in measures}


def test_quiet_living_microphone_passes() -> None:
    found = by_name(model.level_measures(readings(-62)))
    assert {measure.verdict for measure in found.values()} == {Verdict.PASS}
    assert found["microphone.noise_floor"].value == -62.0


def test_digital_zero_for_a_second_fails_and_says_nothing_of_noise() -> None:
    (signal,) = model.level_measures(readings(-62, 20) + readings(-120, 20, zero=True))
    assert signal.verdict is Verdict.FAIL
    assert signal.reason is not None
    assert signal.reason.code == "sound.microphone_dead"


def test_digital_zero_for_less_than_a_second_passes() -> None:
    found = by_name(model.level_measures(readings(-62, 20) + readings(-120, 19, zero=True)))
    assert found["microphone.signal"].verdict is Verdict.PASS


def test_talk_over_a_quiet_room_leaves_its_noise_floor() -> None:
    found = by_name(model.level_measures(readings(-62, 8) + readings(-25, 52)))
    assert found["microphone.noise_floor"].value == -62.0


def test_a_microphone_just_opened_is_not_quieter_than_its_room() -> None:
    found = by_name(model.level_measures(readings(-120, 150, zero=True) + readings(-62, 30)))
    assert found["microphone.noise_floor"].value == -62.0


def test_noisy_room_and_clipping_warn_with_a_reason() -> None:
    found = by_name(model.level_measures(readings(-30, clips=1)))
    for name, code in (("microphone.noise_floor", "sound.noisy"), ("microphone.clipping", "sound.clipping")):
        assert found[name].verdict is Verdict.WARN
        assert (reason := found[name].reason) is not None
        assert reason.code == code


def test_a_calibrated_room_is_noisy_from_10_db_over_its_own_floor() -> None:
    quiet = by_name(model.level_measures(readings(-62), own_floor_dbfs=-70))
    noisy = by_name(model.level_measures(readings(-59), own_floor_dbfs=-70))
    assert quiet["microphone.noise_floor"].verdict is Verdict.PASS
    assert noisy["microphone.noise_floor"].verdict is Verdict.WARN
    assert noisy["microphone.noise_floor"].limit == "<= -60 dBFS"


def test_less_than_a_second_of_levels_proves_nothing() -> None:
    (signal,) = model.level_measures(readings(-62, 19))
    assert signal.verdict is Verdict.UNPROVEN


def test_missing_port_and_moved_capture_fail_by_name() -> None:
    missing = model.present_measure(SoundPort("speaker", "hdmi", present=False, muted=False, gain_db=0))
    moved = model.routed_measure("mic", "speaker.monitor")
    assert missing.reason is not None
    assert moved.reason is not None
    assert (missing.reason.code, moved.reason.code) == ("sound.device_missing", "sound.wrong_source")
    assert "hdmi" in missing.reason.detail
    assert "speaker.monitor" in moved.reason.detail


def test_three_unwanted_ends_in_a_minute_fail() -> None:
    assert [model.restarts_measure(count).verdict for count in (0, 2, 3)] == [Verdict.PASS, Verdict.PASS, Verdict.FAIL]


def test_the_room_process_never_loads_numpy() -> None:
    code = "import sys, drivers.audio.device; sys.exit(int(bool({'numpy', 'sounddevice'} & set(sys.modules))))"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=20).returncode == 0
