"""Each row of the thorough look at OBS: values in, a verdict and what to do out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import Verdict
from drivers.obs import readiness
from drivers.obs.readiness import Fader, Found, Hands, Load, Picture, Seen, rows
from drivers.obs.supervisor import State
from drivers.outcomes import Measure, Reason
from drivers.ports import ShowWanted
from webui.reasons import SENTENCES, sentence

QUIET = Load(cpu_pct=5.0, memory_mb=230.0, frame_ms=3.0, output_skipped=0, output_total=0)
WANTED = ShowWanted(
    scenes=("Kamera", "Jeda"), inputs={"Mik": False}, microphones=("Mik",), listens=True, collection="Ruang",
    profile="Ruang", canvas=(1280, 720), fps=30.0, virtual_camera=True, virtual_camera_now=True,
    recording_for=timedelta(hours=2),
)  # fmt: skip
FOUND = Found(
    State.READY, scenes=("Kamera", "Jeda", "Hitam"), collection="Ruang", profile="Ruang", canvas=(1280, 720), fps=30.0,
    sources=(Seen("Kamera", "USB", "v4l2_input", 1280, 720, device_there=True),),
    pictures=(Picture("USB", "v4l2_input", luma=90.0, same=False),), virtual_camera=True, load=QUIET, load_before=QUIET,
    disk_mb=50_000.0, bitrate_kbps=2660.0, faders={"Mik": Fader(True, False, 0.0, (0.01, 0.2))},
)  # fmt: skip
DEAD = Seen("Kamera", "USB", "v4l2_input")


def row(name: str, found: Found = FOUND, wanted: ShowWanted = WANTED) -> Measure:
    return {measure.name: measure for measure in rows(wanted, found)}[name]


def said(measure: Measure) -> tuple[Verdict, str]:
    return measure.verdict, measure.reason.code if measure.reason else ""


def test_a_room_in_order_passes_every_row() -> None:
    assert {measure.verdict for measure in rows(WANTED, FOUND)} == {Verdict.PASS}


def test_an_obs_that_is_not_ready_says_only_that() -> None:
    hung = Found(State.FROZEN, Reason("obs.frozen", "it hangs"))
    assert [(one.name, *said(one)) for one in rows(WANTED, hung)] == [("link", Verdict.FAIL, "obs.frozen")]


@pytest.mark.parametrize(
    ("name", "changes", "verdict", "code"),
    [
        ("setup", {"collection": "Aula"}, Verdict.FAIL, "obs.other_setup"),
        ("canvas", {"fps": 25.0}, Verdict.FAIL, "obs.other_canvas"),
        ("scenes_wanted", {"scenes": ("Kamera",)}, Verdict.FAIL, "obs.scenes_missing"),
        ("scenes_wanted", {"scenes": ("Kamera", "Jeda", " jeda")}, Verdict.WARN, "obs.scene_twins"),
        ("sources", {"sources": (DEAD,)}, Verdict.FAIL, "obs.sources_dead"),
        ("sources", {"sources": (replace(DEAD, scene="Hitam"),)}, Verdict.WARN, "obs.sources_dead"),
        ("sources", {"sources": (replace(DEAD, shown=False),)}, Verdict.PASS, ""),
        ("sources", {"sources": (replace(DEAD, kind="pulse_input_capture"),)}, Verdict.PASS, ""),
        ("sources", {"sources": (replace(DEAD, width=9, device_there=False),)}, Verdict.FAIL, "obs.sources_dead"),
        (
            "sources",
            {"sources": (replace(DEAD, kind="ffmpeg_source", media="ENDED"),)},
            Verdict.FAIL,
            "obs.sources_dead",
        ),
        ("sources", {"sources": (replace(DEAD, kind="ffmpeg_source"),)}, Verdict.UNPROVEN, "obs.clip_unproven"),
        (
            "pictures",
            {"pictures": (Picture("USB", "v4l2_input", luma=7.9, same=False),)},
            Verdict.FAIL,
            "obs.picture_black",
        ),
        (
            "pictures",
            {"pictures": (Picture("USB", "v4l2_input", luma=50.0, same=True),)},
            Verdict.FAIL,
            "obs.picture_frozen",
        ),
        ("pictures", {"pictures": (Picture("Layar", "xshm_input", luma=50.0, same=True),)}, Verdict.PASS, ""),
        ("pictures", {"pictures": (Picture("USB", "v4l2_input", 702),)}, Verdict.FAIL, "obs.no_picture"),
        ("pictures", {"pictures": (Picture("Lain", "v4l2_input", 702),)}, Verdict.WARN, "obs.no_picture"),
        (
            "pictures",
            {"pictures": (Picture("USB", "v4l2_input", 702, rests=True),)},
            Verdict.UNPROVEN,
            "obs.camera_rests",
        ),
        ("virtual_camera", {"virtual_camera": None}, Verdict.FAIL, "obs.no_virtual_camera"),
        ("virtual_camera", {"virtual_camera": False}, Verdict.FAIL, "obs.virtual_camera_off"),
        (
            "encode_skipped",
            {"load": replace(QUIET, output_skipped=2, output_total=100)},
            Verdict.WARN,
            "obs.encode_lag",
        ),
        (
            "encode_skipped",
            {"load": replace(QUIET, output_skipped=6, output_total=100)},
            Verdict.FAIL,
            "obs.encode_lag",
        ),
        ("frame_time", {"load": replace(QUIET, frame_ms=27.0)}, Verdict.WARN, "obs.frame_slow"),
        ("cpu", {"load": replace(QUIET, cpu_pct=71.0)}, Verdict.WARN, "obs.cpu_busy"),
        (
            "memory",
            {"memory_at_first_mb": 230.0, "load": replace(QUIET, memory_mb=800.0)},
            Verdict.WARN,
            "obs.memory_grows",
        ),
        ("record_space", {"disk_mb": 3_590.0}, Verdict.FAIL, "obs.disk_short"),
        ("record_space", {"disk_mb": 3_592.0}, Verdict.PASS, ""),
        ("record_space", {"disk_mb": 0.0}, Verdict.FAIL, "obs.record_folder_missing"),
        ("record_space", {"bitrate_kbps": None}, Verdict.UNPROVEN, "obs.not_told"),
        ("inputs", {"faders": {"Mik": Fader(False)}}, Verdict.FAIL, "obs.inputs_missing"),
        ("inputs", {"faders": {"Mik": Fader(True, True, 0.0)}}, Verdict.WARN, "obs.mute_differs"),
        ("inputs", {"faders": {"Mik": Fader(True, False, -30.0)}}, Verdict.WARN, "obs.fader_low"),
        ("input_level", {"faders": {"Mik": Fader(True, False, 0.0, (0.0, 0.0))}}, Verdict.FAIL, "obs.microphone_dead"),
        ("input_level", {"faders": {"Mik": Fader(True, False, 0.0, (0.001,))}}, Verdict.WARN, "obs.microphone_quiet"),
        ("input_level", {"faders": {"Mik": Fader(True, False, 0.0, (0.95,))}}, Verdict.WARN, "obs.microphone_clips"),
        ("input_level", {"faders": {"Mik": Fader(True, False, 0.0)}}, Verdict.UNPROVEN, "obs.no_levels"),
        ("outputs", {"streaming": True, "congestion": 0.2}, Verdict.WARN, "obs.stream_congested"),
        ("studio_mode", {"studio_mode": True}, Verdict.WARN, "obs.studio_mode_on"),
        ("other_hands", {"strange_switches": 4}, Verdict.WARN, "obs.other_hands"),
        ("other_hands", {"strange_switches": 3}, Verdict.PASS, ""),
    ],
)
def test_a_row_tells_its_verdict_and_why(name: str, changes: dict[str, object], verdict: Verdict, code: str) -> None:
    measure = row(name, replace(FOUND, **changes))  # type: ignore[arg-type]  # every key is a field of Found
    assert said(measure) == (verdict, code)
    if measure.reason is not None:
        assert measure.reason.code in SENTENCES
        assert sentence(measure.reason, str) != measure.reason.detail  # its values fill the sentence


@pytest.mark.parametrize(
    ("asked", "found", "code"),
    [
        ({"recording": True}, {}, "obs.recording_off"),
        ({"recording": False}, {"recording": True}, "obs.recording_on"),
        ({"streaming": True}, {}, "obs.stream_off"),
        ({"streaming": False}, {"streaming": True}, "obs.stream_on"),
        ({}, {"recording": True, "streaming": True}, ""),
    ],
)
def test_outputs_run_as_they_should(asked: dict[str, bool], found: dict[str, bool], code: str) -> None:
    changed = replace(FOUND, **found)  # type: ignore[arg-type]  # flags of Found
    assert said(row("outputs", changed, replace(WANTED, **asked)))[1] == code  # type: ignore[arg-type]  # as above


def test_our_own_switches_are_not_somebody_elses() -> None:
    hands = Hands()
    hands.asked("Kamera", 10.0)
    hands.switched("Kamera", 10.1)
    hands.switched("Jeda", 10.2)
    hands.asked("", 20.0)
    hands.switched("Hitam", 20.1)
    assert (hands.strange(21.0), hands.strange(71.0)) == (1, 0)


@given(st.binary(max_size=400))
def test_any_bytes_have_a_brightness_or_none(told: bytes) -> None:
    luma = readiness.luma_of_bmp(told)
    assert luma is None or 0 <= luma <= 255


@pytest.mark.parametrize("depth", [24, 32])
def test_the_brightness_of_a_bitmap_is_that_of_its_points(depth: int) -> None:
    head = bytearray(b"BM" + bytes(52))
    head[10:14], head[28:30] = (54).to_bytes(4, "little"), depth.to_bytes(2, "little")
    white, black = b"\xff" * (depth // 8), bytes(depth // 8)
    luma = readiness.luma_of_bmp(bytes(head) + (white + black) * 8)
    assert luma == pytest.approx(127.5)
