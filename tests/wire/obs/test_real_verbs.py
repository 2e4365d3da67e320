"""Every verb that a real OBS without camera and service can be told, and the lies it tells itself."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from drivers import Outcome
from drivers.errors import DeviceRefused, OutcomeUnknown
from drivers.obs.device import ObsStudio
from drivers.outcomes import Scalar
from tests.broker import free_port
from tests.until import until
from tests.wire.obs.real import (
    BROKEN_SCENE,
    COLLECTION,
    FULL_PROFILE,
    MICROPHONE,
    OTHER_COLLECTION,
    OTHER_SCENES,
    OTHER_SOUND_PROFILE,
    PROFILE,
    SCENES,
    TITLE,
    RealObs,
    needed,
)

ROOM = "Ruang"
CLIP, LOST_CLIP = "Klip", "Klip hilang"


@pytest.fixture(scope="module")
def studio() -> Iterator[RealObs]:
    needed()
    running = RealObs(pretend_camera=True)
    try:
        running.start()
        yield running
    finally:
        running.stop()


@asynccontextmanager
async def opened(studio: RealObs) -> AsyncIterator[ObsStudio]:
    obs = ObsStudio("obs", "127.0.0.1", studio.port, studio.password)
    await obs.open()
    try:
        yield obs
    finally:
        await obs.close()


@pytest.fixture
async def obs(studio: RealObs) -> AsyncIterator[ObsStudio]:
    async with opened(studio) as made:
        yield made


def refusal(caught: pytest.ExceptionInfo[DeviceRefused]) -> str:
    return caught.value.reason.code


async def test_transition_and_its_duration_are_read_back(obs: ObsStudio) -> None:
    done = await obs.transition("Fade", timedelta(milliseconds=700))
    assert done.read_back == {"transition": "Fade", "duration_ms": 700}
    assert (await obs.scene(ROOM)).elapsed < timedelta(seconds=5)
    assert (await obs.transition("Cut")).read_back == {"transition": "Cut"}
    assert (await obs.state()).transition == "Cut"
    with pytest.raises(DeviceRefused) as caught:
        await obs.transition("Cut", timedelta(milliseconds=700))
    assert refusal(caught) == "obs.transition_fixed"
    with pytest.raises(DeviceRefused, match="Cut, Fade") as caught:
        await obs.transition("Geser")
    assert refusal(caught) == "obs.transition_missing"


async def test_studio_mode_prepares_what_is_taken(obs: ObsStudio) -> None:
    await obs.scene("Jeda")
    for verb in (obs.take(), obs.preview("Materi")):
        with pytest.raises(DeviceRefused) as caught:
            await verb
        assert refusal(caught) == "obs.not_in_studio_mode"
    assert (await obs.studio_mode(True)).read_back == {"studio_mode": True, "scene": "Jeda"}
    for name in ("Ruang", "Materi"):
        assert (await obs.preview(name)).read_back == {"preview": name}
        assert (await obs.state()).scene == "Jeda"
    assert (await obs.take()).read_back == {"scene": "Materi"}
    assert (await obs.studio_mode(False)).read_back == {"studio_mode": False, "scene": "Materi"}
    assert (await obs.state()).preview is None


async def test_source_is_hidden_and_shown_and_missing_ones_are_named(obs: ObsStudio) -> None:
    for on in (False, True):
        assert (await obs.source(ROOM, TITLE, on)).read_back == {"scene": ROOM, "source": TITLE, "on": on}
        assert await obs.shows(ROOM, TITLE) is on
    with pytest.raises(DeviceRefused, match=TITLE) as caught:
        await obs.source(ROOM, "Jdul", True)
    assert refusal(caught) == "obs.source_missing"
    with pytest.raises(DeviceRefused, match=BROKEN_SCENE) as caught:
        await obs.source("Rung", TITLE, True)
    assert refusal(caught) == "obs.scene_missing"


async def test_title_is_read_back_and_other_inputs_are_no_titles(obs: ObsStudio) -> None:
    for text in ("Rapat Koordinasi “Kubu Raya”\nTahap 2", "Siaga"):
        assert (await obs.text(TITLE, text)).read_back == {"text": text}
    with pytest.raises(DeviceRefused, match="pulse_input_capture") as caught:
        await obs.text(MICROPHONE, "x")
    assert refusal(caught) == "obs.not_text"
    with pytest.raises(DeviceRefused, match=TITLE) as caught:
        await obs.text("Jdul", "x")
    assert refusal(caught) == "obs.input_missing"


async def test_fader_is_read_back_and_videos_have_none(obs: ObsStudio) -> None:
    for db in (-12.5, -100.0, 26.0, 0.0):
        assert (await obs.volume(MICROPHONE, db)).read_back == {"gain_db": db}
    assert (await obs.state()).gains_db[MICROPHONE] == 0.0
    with pytest.raises(DeviceRefused) as caught:
        await obs.volume(TITLE, -3.0)
    assert refusal(caught) == "obs.input_without_sound"


@asynccontextmanager
async def clips(obs: ObsStudio, folder: Path) -> AsyncIterator[None]:
    """Have a clip of 3 s in OBS, and one whose file is gone."""
    file = folder / "clip.mkv"
    made = ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc=size=160x90:rate=10", "-t", "3", str(file)]
    await asyncio.to_thread(subprocess.run, made, check=True, timeout=20)
    for name, path in ((CLIP, file), (LOST_CLIP, folder / "gone.mkv")):
        settings = {"local_file": str(path), "is_local_file": True, "looping": False}
        new = {"sceneName": "Materi", "inputName": name, "inputKind": "ffmpeg_source", "inputSettings": settings}
        await obs.link.tell("CreateInput", **new)
    try:
        yield
    finally:
        for name in (CLIP, LOST_CLIP):
            await obs.link.tell("RemoveInput", inputName=name)


async def test_clip_plays_from_its_start_and_a_lost_file_is_found(
    obs: ObsStudio, studio: RealObs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drivers.obs.inputs.PLAYS_WITHIN_S", 1.0)
    await obs.scene("Materi")
    async with clips(obs, studio.folder):
        for _ in range(2):
            assert (await obs.restart_media(CLIP)).read_back == {"playing": True}
            status = await obs.link.ask("GetMediaInputStatus", inputName=CLIP)
            cursor = status["mediaCursor"]
            assert isinstance(cursor, int | float)
            assert 0 < cursor < 3000
        with pytest.raises(DeviceRefused) as caught:
            await obs.restart_media(LOST_CLIP)
        assert refusal(caught) == "obs.media_not_playing"
    with pytest.raises(DeviceRefused) as caught:
        await obs.restart_media(TITLE)
    assert refusal(caught) == "obs.not_media"


async def test_pause_that_obs_accepts_and_never_does_is_found(obs: ObsStudio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.obs.outputs.PAUSE_WITHIN_S", 0.5)
    with pytest.raises(DeviceRefused) as caught:
        await obs.pause(True)
    assert refusal(caught) == "obs.not_recording"
    await obs.record(True)
    try:
        with pytest.raises(DeviceRefused) as caught:
            await obs.pause(True)
    finally:
        await obs.record(False)
    assert refusal(caught) == "obs.pause_impossible"


async def test_full_profile_records_pauses_and_keeps_a_replay(obs: ObsStudio) -> None:
    with pytest.raises(DeviceRefused) as caught:
        await obs.replay(True)
    assert refusal(caught) == "obs.no_replay_buffer"
    assert (await obs.profile(FULL_PROFILE)).read_back == {"profile": FULL_PROFILE}
    with pytest.raises(DeviceRefused) as caught:
        await obs.save_replay()
    assert refusal(caught) == "obs.replay_off"
    await asyncio.gather(obs.replay(True), obs.record(True))
    assert (await obs.pause(True)).read_back == {"paused": True}
    with pytest.raises(DeviceRefused) as caught:
        await obs.save_replay()
    assert refusal(caught) == "obs.replay_paused"
    assert (await obs.pause(False)).read_back == {"paused": False}
    for verb in (obs.profile(PROFILE), obs.collection(OTHER_COLLECTION)):
        with pytest.raises(DeviceRefused) as caught:
            await verb
        assert refusal(caught) == "obs.outputs_running"
        assert caught.value.reason.values["running"] == "recording, replay"
    assert there((await obs.save_replay()).read_back["path"])
    assert there((await obs.record(False)).read_back["path"])
    await obs.replay(False)
    await obs.profile(PROFILE)
    assert (await obs.state()).profile == PROFILE


def there(path: Scalar) -> bool:
    return Path(str(path)).stat().st_size > 0


async def test_collection_is_loaded_when_the_verb_returns(obs: ObsStudio) -> None:
    assert (await obs.collection(OTHER_COLLECTION)).read_back == {"collection": OTHER_COLLECTION}
    assert (await obs.scene("Pidato")).outcome is Outcome.COMPLETED
    assert obs.studio is not None
    assert obs.studio.scenes == OTHER_SCENES
    assert (await obs.collection(COLLECTION)).read_back == {"collection": COLLECTION}
    assert (await obs.state()).scenes == (*SCENES, BROKEN_SCENE)
    with pytest.raises(DeviceRefused, match=OTHER_COLLECTION) as caught:
        await obs.collection("Rung")
    assert refusal(caught) == "obs.collection_missing"
    with pytest.raises(DeviceRefused, match=FULL_PROFILE) as caught:
        await obs.profile("Rung")
    assert refusal(caught) == "obs.profile_missing"


def listens(port: int) -> bool:
    """Whether somebody does, without a connection that would be taken for a stream."""
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(row[1].endswith(f":{port:04X}") and row[3] == "0A" for row in rows)


@asynccontextmanager
async def stream_server(studio: RealObs) -> AsyncIterator[int]:
    """Run ffmpeg as the server of one stream."""
    port = free_port()
    takes = ["ffmpeg", "-v", "error", "-listen", "1", "-i", f"rtmp://127.0.0.1:{port}/live/kunci"]
    server = await asyncio.create_subprocess_exec(
        *takes, "-f", "null", "-", stderr=asyncio.subprocess.DEVNULL, cwd=studio.folder
    )
    try:
        await until(lambda: listens(port))
        yield port
    finally:
        if server.returncode is None:
            server.kill()
        await asyncio.wait_for(server.wait(), 5)


async def test_stream_needs_a_service_and_starts_when_bytes_are_sent(obs: ObsStudio, studio: RealObs) -> None:
    with pytest.raises(DeviceRefused) as caught:
        await obs.stream(True)
    assert refusal(caught) == "obs.no_stream_service"
    async with stream_server(studio) as port:
        service = {"server": f"rtmp://127.0.0.1:{port}/live", "key": "kunci"}
        await obs.link.tell("SetStreamServiceSettings", streamServiceType="rtmp_custom", streamServiceSettings=service)
        assert (await obs.stream(True)).read_back == {"streaming": True}
        assert (await obs.state()).streaming
        assert (await obs.stream(False)).read_back == {"streaming": False}


async def test_virtual_camera_that_obs_only_promises_is_found(obs: ObsStudio) -> None:
    assert (await obs.virtual_camera(False)).read_back == {"virtual_camera": False}
    with pytest.raises(DeviceRefused) as caught:
        await obs.virtual_camera(True)
    assert refusal(caught) == "obs.virtual_camera_not_started"


async def test_hotkey_is_pressed_when_it_is_one(obs: ObsStudio) -> None:
    assert (await obs.hotkey("OBSBasic.ResetStats")).read_back["hotkey"] == "OBSBasic.ResetStats"
    for name, code in (
        ("libobs.mute", "obs.hotkey_ambiguous"),
        ("OBSBasic.Nope", "obs.hotkey_missing"),
        ("OBSBasic.StartStreaming", "obs.hotkey_has_verb"),
    ):
        with pytest.raises(DeviceRefused) as caught:
            await obs.hotkey(name)
        assert refusal(caught) == code


async def test_picture_of_a_source_and_of_a_camera_that_is_not_there(obs: ObsStudio) -> None:
    assert (await obs.snapshot("Jeda", width_px=160)).startswith(b"\xff\xd8")
    for name, code in (("Kamera USB", "obs.no_picture"), ("Kamera", "obs.source_missing")):
        with pytest.raises(DeviceRefused) as caught:
            await obs.snapshot(name, width_px=160)
        assert refusal(caught) == code


async def test_bursts_end_where_the_last_one_wanted(obs: ObsStudio) -> None:
    for last in SCENES:
        await asyncio.gather(*(obs.scene(name) for name in (*SCENES, last)))
        assert (await obs.state()).scene == last
    for on in (True, False):
        await asyncio.gather(*(obs.mute(MICROPHONE, one) for one in (on, not on, on)))
        assert (await obs.state()).muted[MICROPHONE] is on


async def test_question_on_the_screen_after_a_profile_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.obs.setups.ASKED_AFTER_S", 1.0)
    needed()
    asking = RealObs()
    try:
        await asyncio.to_thread(asking.start)
        async with opened(asking) as obs:
            began = time.monotonic()
            with pytest.raises(OutcomeUnknown) as caught:
                await obs.profile(OTHER_SOUND_PROFILE)
            assert caught.value.reason.code == "obs.dialog_open"
            assert caught.value.reason.values["loaded"] is True
            assert time.monotonic() - began < 15
            with pytest.raises(DeviceRefused) as refused:
                await obs.profile(PROFILE)
            assert refusal(refused) == "obs.dialog_open"
            assert (await obs.scene(ROOM)).outcome is Outcome.COMPLETED
        asking.kill()  # it cannot be closed while it asks
    finally:
        asking.stop()
