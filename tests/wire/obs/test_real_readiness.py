"""Does a thorough look at a real OBS name what is missing in it?"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest

from drivers import Verdict
from drivers.obs.device import ObsStudio
from drivers.obs.readiness import luma_of_bmp
from drivers.outcomes import Measure
from drivers.ports import ShowWanted
from tests.wire.obs import real


@pytest.fixture(scope="module")
def obs() -> Iterator[real.RealObs]:
    real.needed()
    running = real.RealObs()
    try:
        running.start()
        yield running
    finally:
        running.stop()


@pytest.fixture
async def studio(obs: real.RealObs) -> AsyncIterator[ObsStudio]:
    device = ObsStudio("obs", "127.0.0.1", obs.port, obs.password)
    await device.open()
    try:
        yield device
    finally:
        await device.close()


async def found(studio: ObsStudio, wanted: ShowWanted) -> dict[str, Measure]:
    return {measure.name: measure for measure in await studio.inspect(wanted)}


def said(measure: Measure) -> tuple[Verdict, str]:
    return measure.verdict, measure.reason.code if measure.reason else ""


async def test_a_missing_camera_is_named_where_a_preset_needs_it_and_elsewhere_is_a_warning(studio: ObsStudio) -> None:
    grave = (await found(studio, ShowWanted(scenes=("Ruang", real.BROKEN_SCENE))))["sources"]
    assert said(grave) == (Verdict.FAIL, "obs.sources_dead")
    assert grave.reason is not None
    assert grave.reason.values["sources"] == "Kamera USB (Kamera hilang)"
    assert said((await found(studio, ShowWanted(scenes=("Ruang",))))["sources"])[0] is Verdict.WARN


async def test_its_setup_is_read_and_the_disk_is_measured_against_the_session(studio: ObsStudio) -> None:
    wanted = ShowWanted(
        scenes=real.SCENES, canvas=real.CANVAS, fps=real.FPS, collection=real.COLLECTION, profile=real.PROFILE,
        recording_for=timedelta(hours=1),
    )  # fmt: skip
    rows = await found(studio, wanted)
    assert {name: said(row) for name, row in rows.items() if name not in {"sources", "cpu", "frame_time"}} == {
        name: (Verdict.PASS, "") for name in rows if name not in {"sources", "cpu", "frame_time"}
    }
    long = await found(studio, ShowWanted(recording_for=timedelta(days=3650)))
    assert said(long["record_space"]) == (Verdict.FAIL, "obs.disk_short")
    assert said((await found(studio, ShowWanted(canvas=(1920, 1080))))["canvas"]) == (Verdict.FAIL, "obs.other_canvas")


async def test_a_silent_microphone_is_dead_and_one_with_a_tone_is_not(obs: real.RealObs, studio: ObsStudio) -> None:
    wanted = ShowWanted(listens=True, microphones=(real.MICROPHONE,))
    assert said((await found(studio, wanted))["input_level"]) == (Verdict.FAIL, "obs.microphone_dead")
    tone = obs.play_tone(6.0)
    try:
        level = (await found(studio, wanted))["input_level"]
    finally:
        tone.terminate()
        tone.wait(5)
    assert level.verdict in {Verdict.PASS, Verdict.WARN}
    assert isinstance(level.value, float)
    assert level.value > -60.0


async def test_a_small_bitmap_of_a_scene_has_a_brightness(studio: ObsStudio) -> None:
    shots = await studio._shots(("Warna Ruang", "Kamera USB"))
    code, bitmap = shots["Warna Ruang"]
    assert code == 100
    luma = luma_of_bmp(bitmap)
    assert luma is not None
    assert 60 < luma < 130
    assert not luma_of_bmp(shots["Kamera USB"][1])
