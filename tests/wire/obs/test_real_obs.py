"""Today's verbs against a real OBS: what the simulator claims must be so."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from drivers import DeviceAddress, Outcome
from drivers.errors import DeviceRefused, DeviceUnreachable, DriverError
from drivers.obs.device import ObsStudio, connect
from drivers.obs.supervisor import State, Supervisor
from tests.wire.obs.real import BROKEN_SCENE, MICROPHONE, SCENES, SPEAKER, TITLE, RealObs, needed


@pytest.fixture(scope="module")
def studio() -> Iterator[RealObs]:
    needed()
    running = RealObs()
    try:
        running.start()
        yield running
    finally:
        running.stop()


def driver_of(studio: RealObs, password: str | None = None) -> ObsStudio:
    address = DeviceAddress.parse(f"obs+ws://127.0.0.1:{studio.port}")
    made = connect("obs", address, studio.password if password is None else password)
    assert isinstance(made, ObsStudio)
    return made


@pytest.fixture
async def obs(studio: RealObs) -> AsyncIterator[ObsStudio]:
    made = driver_of(studio)
    await made.open()
    yield made
    await made.close()


def probed(path: Path) -> dict[str, object]:
    """Return what ffprobe finds in a file."""
    ask = ["ffprobe", "-v", "error", "-show_streams", "-show_format", "-of", "json", str(path)]
    done = subprocess.run(ask, capture_output=True, text=True, check=True, timeout=20)
    return dict(json.loads(done.stdout))


async def test_scene_is_on_air_when_the_verb_returns(obs: ObsStudio) -> None:
    for name in (*SCENES, SCENES[0]):
        assert (await obs.scene(name)).outcome is Outcome.COMPLETED
        assert (await obs.state()).scene == name


async def test_missing_scene_is_refused_with_those_there_are(obs: ObsStudio) -> None:
    with pytest.raises(DeviceRefused) as refused:
        await obs.scene("Tidak ada")
    assert refused.value.reason.code == "obs.scene_missing"
    assert all(name in str(refused.value.reason.values["scenes"]) for name in (*SCENES, BROKEN_SCENE))


async def test_mute_is_read_back(obs: ObsStudio) -> None:
    for on in (True, False):
        await obs.mute(MICROPHONE, on)
        assert (await obs.state()).muted[MICROPHONE] is on


async def test_recording_is_a_file_that_plays(obs: ObsStudio, studio: RealObs) -> None:
    await obs.record(True)
    await asyncio.sleep(1.5)  # of picture and sound
    await obs.record(False)
    files = list(studio.recordings.iterdir())
    assert len(files) == 1
    found = probed(files[0])
    kinds = {stream["codec_type"] for stream in found["streams"]}  # type: ignore[attr-defined]
    assert kinds == {"video", "audio"}
    assert float(found["format"]["duration"]) > 0.8  # type: ignore[index]


async def test_missing_folder_is_found_before_a_dialog_opens(obs: ObsStudio, studio: RealObs) -> None:
    aside = studio.recordings.with_name("aside")
    studio.recordings.rename(aside)
    try:
        with pytest.raises(DeviceRefused) as refused:
            await obs.record(True)
    finally:
        aside.rename(studio.recordings)
    assert refused.value.reason.code == "obs.record_folder_missing"


async def test_health_of_a_running_studio(obs: ObsStudio) -> None:
    measures = {measure.name: measure for measure in (await obs.check()).measures}
    assert str(measures["version"].value).split(".")[0].isdecimal()
    assert measures["scenes"].value == len(SCENES) + 1


async def test_wrong_password_is_said_and_never_written(studio: RealObs) -> None:
    wrong = driver_of(studio, "not the password")
    with pytest.raises(DriverError) as refused:
        await wrong.open()
    assert refused.value.reason.code == "obs.wrong_password"
    assert "not the password" not in str(refused.value) + repr(wrong)


async def test_frozen_studio_is_noticed_and_comes_back(obs: ObsStudio, studio: RealObs) -> None:
    studio.freeze()
    try:
        with pytest.raises(DriverError):
            await obs.check()
    finally:
        studio.thaw()
    await obs.open()
    assert (await obs.state()).scene in SCENES


@pytest.mark.parametrize("end", ["quit", "kill"])
async def test_end_of_the_studio_is_noticed_and_a_new_start_serves(studio: RealObs, end: str) -> None:
    obs = driver_of(studio)
    await obs.open()
    await asyncio.to_thread(studio.quit if end == "quit" else studio.kill)
    with pytest.raises(DeviceUnreachable):
        await obs.check()
    await asyncio.to_thread(studio.start_obs)
    await obs.open()
    assert (await obs.state()).scene in SCENES
    await obs.close()


async def test_supervisor_follows_a_real_studio_and_finds_it_again(studio: RealObs) -> None:
    held = Supervisor("127.0.0.1", studio.port, studio.password)
    await held.start()
    seen = held.standing.studio
    assert seen is not None
    assert seen.scenes == (*SCENES, BROKEN_SCENE)
    assert seen.record_folder == str(studio.recordings)
    assert set(seen.specials) == {MICROPHONE, SPEAKER}
    assert seen.sources[MICROPHONE].gain_db == 0.0
    assert seen.sources[TITLE].muted is None
    other = next(name for name in SCENES if name != seen.programme)
    await held.link.tell("SetCurrentProgramScene", sceneName=other)
    assert await held.until(lambda s: s.studio is not None and s.studio.programme == other, 5.0)
    await asyncio.to_thread(studio.quit)
    assert await held.until(lambda s: s.state is State.OFF, 5.0)
    await asyncio.to_thread(studio.start_obs)
    assert await held.until(lambda s: s.state is State.READY, 10.0)
    await held.stop()
