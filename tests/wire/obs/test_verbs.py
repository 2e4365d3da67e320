"""Every verb against a simulated OBS: what it does, what it says no to, and that no lie gets through."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from drivers import Outcome
from drivers.errors import CommandSuperseded, DeviceRefused, OutcomeUnknown
from drivers.obs import outputs
from drivers.obs.device import ObsStudio
from drivers.obs.sim.server import ObsSimulator
from drivers.obs.sim.studio import Faults, Studio
from drivers.outcomes import Result
from drivers.ports import Inputs, Outputs, Setups, Snapshot, Stage, Switcher
from drivers.registry import DRIVERS
from tests.until import until

MICROPHONE, TITLE, ROOM, CLIP = "Mikrofon", "Judul", "Jeda", "Klip"


@asynccontextmanager
async def opened(faults: Faults | None = None) -> AsyncIterator[tuple[Studio, ObsStudio]]:
    sim = ObsSimulator(Studio.load(faults=faults))
    await sim.start()
    obs = ObsStudio("obs", "127.0.0.1", sim.port, None)
    await obs.open()
    try:
        yield sim.studio, obs
    finally:
        await obs.close()
        await sim.stop()


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten every limit, for those who wait in vain."""
    monkeypatch.setattr("drivers.obs.link.WRITE_WITHIN_S", 0.3)
    monkeypatch.setattr("drivers.obs.conversation.SET_WITHIN_S", 0.3)
    monkeypatch.setattr("drivers.obs.inputs.PLAYS_WITHIN_S", 0.3)
    for name in ("START_WITHIN_S", "STOP_WITHIN_S", "PAUSE_WITHIN_S", "SAVED_WITHIN_S", "BYTES_WITHIN_S"):
        monkeypatch.setattr(outputs, name, 0.3)
    monkeypatch.setattr(outputs, "FRAMES_BEFORE_BYTES", 1)
    for name in ("RECORD", "STREAM", "CAMERA", "REPLAY"):
        monkeypatch.setattr(outputs, name, replace(getattr(outputs, name), within_s=0.3))


async def refused(verb: Awaitable[Result]) -> str:
    with pytest.raises(DeviceRefused) as caught:
        await verb
    assert caught.value.outcome is Outcome.REFUSED
    return caught.value.reason.code


def stream_to_somewhere(studio: Studio) -> None:
    studio.settings.service_settings = {"server": "rtmp://127.0.0.1/live", "key": "kunci"}


def test_obs_has_every_port_that_the_registry_promises() -> None:
    obs = ObsStudio("obs", "127.0.0.1", 1, None)
    assert DRIVERS["obs+ws"].also == (Stage, Inputs, Outputs, Setups)
    assert all(isinstance(obs, port) for port in (Switcher, Snapshot, *DRIVERS["obs+ws"].also))


# Pictures.


async def test_preview_is_there_though_obs_answers_too_soon() -> None:
    async with opened(Faults(preview_race=150.0)) as (studio, obs):
        assert await refused(obs.preview("Kamera")) == "obs.not_in_studio_mode"
        assert await refused(obs.take()) == "obs.not_in_studio_mode"
        await obs.studio_mode(True)
        await obs.preview("Kamera")
        assert studio.preview == "Kamera"
        assert (await obs.take()).read_back == {"scene": "Kamera"}
        assert await refused(obs.preview("kamera")) == "obs.scene_missing"
        assert (await obs.studio_mode(False)).read_back == {"studio_mode": False, "scene": "Kamera"}
        assert (await obs.state()).preview is None


async def test_transition_is_chosen_with_its_duration() -> None:
    async with opened() as (studio, obs):
        done = await obs.transition("Fade", timedelta(seconds=1))
        assert done.read_back == {"transition": "Fade", "duration_ms": 1000}
        assert (studio.here.transition, studio.here.transition_ms) == ("Fade", 1000)
        assert await refused(obs.transition("Cut", timedelta(seconds=1))) == "obs.transition_fixed"
        assert studio.here.transition == "Fade"
        assert await refused(obs.transition("Geser")) == "obs.transition_missing"
        with pytest.raises(ValueError, match="50 ms to 20 s"):
            await obs.transition("Fade", timedelta(minutes=1))


async def test_source_is_hidden_wherever_it_stands() -> None:
    async with opened() as (studio, obs):
        items = studio.items(ROOM)
        items.append(replace(items[0], number=7))
        await obs.source(ROOM, TITLE, False)
        assert [item.enabled for item in items if item.source == TITLE] == [False, False]
        assert not await obs.shows(ROOM, TITLE)
        items[0].enabled = True
        assert not await obs.shows(ROOM, TITLE)
        assert await refused(obs.source(ROOM, "Jdul", True)) == "obs.source_missing"
        assert await refused(obs.source("Jda", TITLE, True)) == "obs.scene_missing"


async def test_verbs_wait_while_the_collection_changes() -> None:
    async with opened(Faults(collection_gap_ms=300.0)) as (studio, obs):
        changing = asyncio.create_task(studio.open_collection("Aula"))
        await until(lambda: obs.studio is not None and obs.studio.busy)
        assert (await obs.scene("Pidato")).outcome is Outcome.COMPLETED
        await changing


# Inputs.


async def test_fader_title_and_clip_are_read_back() -> None:
    async with opened() as (studio, obs):
        assert (await obs.volume(MICROPHONE, -12.5)).read_back == {"gain_db": -12.5}
        assert studio.inputs[MICROPHONE].gain_db == -12.5
        assert await refused(obs.volume(TITLE, 0.0)) == "obs.input_without_sound"
        assert (await obs.text(TITLE, "Rapat “Kubu Raya”")).read_back == {"text": "Rapat “Kubu Raya”"}
        assert await refused(obs.text(MICROPHONE, "x")) == "obs.not_text"
        assert await refused(obs.text("Jdul", "x")) == "obs.input_missing"
        studio.inputs[TITLE].settings["from_file"] = True
        assert await refused(obs.text(TITLE, "x")) == "obs.text_from_file"
        studio.add_input(ROOM, CLIP, "ffmpeg_source", local_file=__file__)
        assert (await obs.restart_media(CLIP)).read_back == {"playing": True}
        assert await refused(obs.restart_media(TITLE)) == "obs.not_media"


@pytest.mark.parametrize("db", [-100.1, 26.1, float("nan")])
async def test_fader_outside_its_range_is_refused_before_a_byte(db: float) -> None:
    obs = ObsStudio("obs", "127.0.0.1", 1, None)
    with pytest.raises(ValueError, match="-100 to 26 dB"):
        await obs.volume(MICROPHONE, db)


# Outputs.


async def test_pause_stream_camera_and_replay_go_to_their_state_and_back() -> None:
    async with opened() as (studio, obs):
        stream_to_somewhere(studio)
        assert await refused(obs.pause(True)) == "obs.not_recording"
        await obs.record(True)
        ways: list[tuple[Callable[[bool], Awaitable[Result]], Callable[[], bool]]] = [
            (obs.pause, lambda: studio.recorder.paused),
            (obs.stream, lambda: studio.streamer.active),
            (obs.virtual_camera, lambda: studio.vcam.active),
            (obs.replay, lambda: studio.replay.active),
        ]
        for verb, seen in ways:
            for on in (True, True, False, False):
                await verb(on)
                assert seen() is on


async def test_replay_is_saved_when_its_file_is_named() -> None:
    async with opened() as (studio, obs):
        assert await refused(obs.save_replay()) == "obs.replay_off"
        await obs.replay(True)
        assert (await obs.save_replay()).read_back == {"path": studio.last_replay}
        await obs.record(True)
        await obs.pause(True)
        assert await refused(obs.save_replay()) == "obs.replay_paused"
        studio.settings.has_replay = False
        assert await refused(obs.replay(True)) == "obs.no_replay_buffer"


Lie = tuple[Faults, Callable[[ObsStudio], Awaitable[Result]], str]
LIES: dict[str, Lie] = {
    "start is lost": (Faults(start_is_lost=1), lambda obs: obs.record(True), "obs.record_not_started"),
    "nothing is written": (Faults(record_stalls=True), lambda obs: obs.record(True), "obs.record_empty"),
    "no folder": (Faults(disk_gone=True), lambda obs: obs.record(True), "obs.record_folder_missing"),
    "no folder for a replay": (Faults(disk_gone=True), lambda obs: obs.replay(True), "obs.record_folder_missing"),
    "stream dies": (Faults(stream_dies=True), lambda obs: obs.stream(True), "obs.stream_not_started"),
    "camera is dead": (Faults(vcam_dead=True), lambda obs: obs.virtual_camera(True), "obs.virtual_camera_not_started"),
    "no camera": (Faults(vcam_absent=True), lambda obs: obs.virtual_camera(True), "obs.no_virtual_camera"),
    "wrong scene": (Faults(wrong_scene=True), lambda obs: obs.scene("Kamera"), "obs.not_taken"),
}


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.usefixtures("hurried")
async def test_no_lie_is_reported_as_done(lie: str) -> None:
    faults, verb, code = LIES[lie]
    async with opened(faults) as (studio, obs):
        stream_to_somewhere(studio)
        assert await refused(verb(obs)) == code


@pytest.mark.usefixtures("hurried")
async def test_pause_that_never_comes_names_the_shared_encoder() -> None:
    async with opened(Faults(pause_is_lost=True)) as (studio, obs):
        await obs.record(True)
        assert await refused(obs.pause(True)) == "obs.not_taken"
        studio.settings.parameters["SimpleOutput", "RecQuality"] = "Stream"
        assert await refused(obs.pause(True)) == "obs.pause_impossible"


async def test_pauses_are_kept_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outputs, "PAUSES_APART_S", 0.4)
    async with opened() as (_, obs):
        await obs.record(True)
        await obs.pause(True)
        assert (await obs.pause(False)).elapsed > timedelta(seconds=0.3)


async def test_stream_without_a_service_is_not_even_tried() -> None:
    async with opened() as (studio, obs):
        told: list[str] = []
        studio.streamer.tell = lambda event, _: told.append(event)
        assert await refused(obs.stream(True)) == "obs.no_stream_service"
        assert told == []


async def test_key_of_the_stream_is_nowhere_to_be_read(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    async with opened(Faults(stream_dies=True)) as (studio, obs):
        stream_to_somewhere(studio)
        with pytest.raises(DeviceRefused) as caught:
            await obs.stream(True)
        assert "kunci" not in repr(caught.value.reason) + repr(obs.standing) + caplog.text


# Set-ups.


async def test_collection_and_profile_are_there_when_the_verb_returns() -> None:
    async with opened() as (studio, obs):
        assert (await obs.collection("Aula")).read_back == {"collection": "Aula"}
        assert (await obs.state()).scenes == tuple(studio.collections["Aula"].scenes)
        assert (await obs.profile("Rekam")).read_back == {"profile": "Rekam"}
        assert studio.profile == "Rekam"
        assert await refused(obs.collection("Ala")) == "obs.collection_missing"
        assert await refused(obs.profile("Rkam")) == "obs.profile_missing"


async def test_collection_is_waited_for_while_obs_answers_nothing() -> None:
    async with opened() as (studio, obs):
        studio.faults.not_ready_ms = 300.0
        assert (await obs.collection("Aula")).read_back == {"collection": "Aula"}
        assert (await obs.scene("Pidato")).outcome is Outcome.COMPLETED


async def test_link_that_breaks_while_a_start_proves_itself_leaves_it_unknown() -> None:
    sim = ObsSimulator(Studio.load(faults=Faults(record_stalls=True)))
    await sim.start()
    obs = ObsStudio("obs", "127.0.0.1", sim.port, None)
    await obs.open()
    starting = asyncio.create_task(obs.record(True))
    await until(lambda: sim.studio.record == "STARTED")
    sim.crash()
    with pytest.raises(OutcomeUnknown):
        await starting
    await obs.close()
    await sim.stop()


async def test_nothing_is_set_up_anew_under_a_running_output() -> None:
    async with opened() as (studio, obs):
        await obs.virtual_camera(True)
        await obs.collection("Aula")  # a camera that shows another scene harms nothing
        assert await refused(obs.profile("Rekam")) == "obs.outputs_running"
        await obs.record(True)
        assert await refused(obs.collection("Ruang")) == "obs.outputs_running"
        assert (studio.collection, studio.profile) == ("Aula", "Ruang")


@pytest.mark.usefixtures("hurried")
async def test_profile_that_stays_unanswered_is_unknown_and_asks_for_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.obs.setups.ASKED_AFTER_S", 0.3)
    async with opened(Faults(drop_answer="SetCurrentProfile")) as (_, obs):
        with pytest.raises(OutcomeUnknown) as caught:
            await obs.profile("Rekam")
        assert caught.value.reason.code == "obs.dialog_open"
        assert caught.value.reason.values["loaded"] is True
        for verb in (obs.profile("Ruang"), obs.collection("Aula")):
            assert await refused(verb) == "obs.dialog_open"
        await obs.open()  # OBS was restarted, as it had asked
        assert (await obs.collection("Aula")).outcome is Outcome.COMPLETED


async def test_hotkey_is_pressed_when_it_is_one() -> None:
    async with opened() as (_, obs):
        assert (await obs.hotkey("OBSBasic.ResetStats")).outcome is Outcome.COMPLETED
        assert await refused(obs.hotkey("OBSBasic.Nope")) == "obs.hotkey_missing"
        assert await refused(obs.hotkey("OBSBasic.StartStreaming")) == "obs.hotkey_has_verb"


# What is sent when nobody answers.


UNHEARD: dict[str, tuple[str, Callable[[ObsStudio], Awaitable[Result]]]] = {
    "scene": ("SetCurrentProgramScene", lambda obs: obs.scene("Kamera")),
    "mute": ("SetInputMute", lambda obs: obs.mute(MICROPHONE, True)),
    "volume": ("SetInputVolume", lambda obs: obs.volume(MICROPHONE, -6.0)),
    "text": ("SetInputSettings", lambda obs: obs.text(TITLE, "Rapat")),
    "source": ("SetSceneItemEnabled", lambda obs: obs.source(ROOM, TITLE, False)),
    "studio mode": ("SetStudioModeEnabled", lambda obs: obs.studio_mode(True)),
    "transition": ("SetCurrentSceneTransition", lambda obs: obs.transition("Fade")),
    "record": ("StartRecord", lambda obs: obs.record(True)),
    "replay": ("StartReplayBuffer", lambda obs: obs.replay(True)),
    "virtual camera": ("StartVirtualCam", lambda obs: obs.virtual_camera(True)),
    "collection": ("SetCurrentSceneCollection", lambda obs: obs.collection("Aula")),
}


@pytest.mark.parametrize("verb", UNHEARD)
@pytest.mark.usefixtures("hurried")
async def test_answer_that_got_lost_is_replaced_by_the_state(verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.obs.setups.CHANGE_WITHIN_S", 0.5)
    request, run = UNHEARD[verb]
    async with opened(Faults(drop_answer=request)) as (_, obs):
        assert (await run(obs)).outcome is Outcome.SETTLED


def counted(obs: ObsStudio, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list to which every command that is sent adds its name."""
    sent: list[str] = []
    command = obs.link.command

    async def noted(call: Any, **options: Any) -> dict[str, object]:
        sent.append(call.request)
        return await command(call, **options)

    monkeypatch.setattr(obs.link, "command", noted)
    return sent


@pytest.mark.usefixtures("hurried")
async def test_what_sets_a_state_is_sent_once_more_and_then_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(Faults(drop_answer="SetCurrentProgramScene", wrong_scene=True)) as (_, obs):
        sent = counted(obs, monkeypatch)
        with pytest.raises(OutcomeUnknown):
            await obs.scene("Kamera")
        assert sent == ["SetCurrentProgramScene"] * 2


@pytest.mark.usefixtures("hurried")
async def test_state_that_cannot_be_read_is_unknown_and_nothing_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.obs.link.READ_WITHIN_S", 0.2)
    async with opened() as (studio, obs):
        sent = counted(obs, monkeypatch)
        monkeypatch.setattr(studio, "switch", _goes_silent(studio))
        with pytest.raises(OutcomeUnknown):
            await obs.scene("Kamera")
        assert sent == ["SetCurrentProgramScene"]


def _goes_silent(studio: Studio) -> Callable[[str], Awaitable[None]]:
    async def switch(name: str) -> None:
        studio.programme = name
        studio.faults.drop_answer = "GetCurrentProgramScene"

    return switch


@pytest.mark.usefixtures("hurried")
async def test_start_is_never_sent_again_when_nobody_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(Faults(drop_answer="StartRecord", start_is_lost=1)) as (_, obs):
        sent = counted(obs, monkeypatch)
        with pytest.raises(OutcomeUnknown):
            await obs.record(True)
        assert sent == ["StartRecord"]


@pytest.mark.usefixtures("hurried")
async def test_start_is_sent_again_only_soon_after_a_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outputs, "START_AGAIN_AFTER_S", 0.05)
    monkeypatch.setattr(outputs, "RECORD", replace(outputs.RECORD, within_s=0.7))
    monkeypatch.setattr(outputs, "STOP_WITHIN_S", 5.0)
    async with opened() as (studio, obs):
        await obs.record(True)
        studio.stop_record()  # by somebody at OBS
        await until(lambda: studio.record == "STOPPED")
        studio.faults.start_is_lost = 1
        sent = counted(obs, monkeypatch)
        await obs.record(True)
        assert sent == ["StartRecord"] * 2
        await obs.record(False)
        studio.faults.start_is_lost = 2
        assert await refused(obs.record(True)) == "obs.record_not_started"
        assert sent[-3:] == ["StopRecord", "StartRecord", "StartRecord"]


async def test_command_that_nobody_waits_for_keeps_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened() as (studio, obs):
        studio.faults.slow, studio.faults.slow_only = 300.0, "StartRecord"
        sent = counted(obs, monkeypatch)
        starting = asyncio.create_task(obs.record(True))
        await until(lambda: sent == ["StartRecord"])
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        await obs.record(False)
        assert sent == ["StartRecord", "StopRecord"]
        assert studio.record == "STOPPED"


async def test_burst_of_verbs_ends_where_the_last_one_wanted() -> None:
    async with opened(Faults(reorder=True)) as (studio, obs):
        for last in ("Kamera", "Hitam"):
            await asyncio.gather(*(obs.scene(name) for name in ("Jeda", "Hitam", "Kamera", last)))
            assert studio.programme == last
        for on in (True, False):
            await asyncio.gather(*(obs.mute(MICROPHONE, one) for one in (on, not on, on)))
            assert studio.inputs[MICROPHONE].muted is on


async def test_stop_does_not_wait_for_a_start_to_prove_itself() -> None:
    async with opened(Faults(record_stalls=True)) as (studio, obs):
        starting = asyncio.create_task(obs.record(True))
        await until(lambda: studio.record == "STARTED")
        stopped = await obs.record(False)
        assert stopped.elapsed < timedelta(seconds=outputs.BYTES_WITHIN_S)
        assert studio.record == "STOPPED"
        with pytest.raises(CommandSuperseded):
            await starting


async def test_start_that_comes_late_is_found_by_the_stop() -> None:
    async with opened() as (studio, obs):
        studio.recorder.start_takes_s = 0.4
        studio.faults.lost_events = "all"
        sent = asyncio.Event()
        studio.recorder.tell = lambda *_: sent.set()
        starting = asyncio.create_task(obs.record(True))
        async with asyncio.timeout(5):
            await sent.wait()
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        assert not studio.recording
        assert (await obs.record(False)).read_back["recording"] is False
        assert studio.record == "STOPPED"
        assert studio.path


async def test_verbs_say_that_obs_is_being_closed() -> None:
    async with opened() as (studio, obs):
        studio.emit("ExitStarted", 1, {})
        await until(lambda: obs.studio is not None and obs.studio.closing)
        assert await refused(obs.scene("Kamera")) == "obs.closing"
