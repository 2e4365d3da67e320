"""The simulated OBS as a tool: its time, its pictures, its encodings, its command line, its tapes."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from drivers.obs.device import ObsStudio
from drivers.obs.sim import Faults, HeldClock, ObsSimulator, Studio
from drivers.obs.sim.app import main
from drivers.obs.sim.faults import KINDS, LIES
from drivers.obs.sim.msgpack import packed, unpacked
from drivers.obs.sim.requests import answer
from drivers.obs.sim.tape import Line, Recorder, Replayer
from tests.wire.obs.oracle import Client, Json, identify

PASSWORD = "rahasia"


@asynccontextmanager
async def client_of(
    simulator: ObsSimulator | Recorder | Replayer, password: str = "", **more: object
) -> AsyncIterator[Client]:
    url = f"ws://127.0.0.1:{simulator.port}"
    async with connect(url, subprotocols=[Subprotocol("obswebsocket.json")], max_size=None) as socket:
        client = Client(socket)
        hello = await client.next(0)
        await client.send(1, identify(hello, password, **more) if password else {"rpcVersion": 1, **more})
        await client.next(2)
        yield client


@asynccontextmanager
async def simulated(**faults: object) -> AsyncIterator[ObsSimulator]:
    made = ObsSimulator(Studio.load(faults=Faults(**faults)))  # type: ignore[arg-type]
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


async def said(studio: Studio, request: str, **fields: object) -> Json:
    found = await answer(studio, request, fields)
    assert found.code == 100, found
    return dict(found.fields or {})


# Time.


async def test_on_a_held_clock_a_recording_is_exact_to_the_millisecond() -> None:
    clock = HeldClock()
    studio = Studio.load(clock=clock)
    told: list[object] = []
    studio.emit = lambda _, __, fields: told.append(fields["outputState"])
    studio.start_record()
    await clock.advance(0.03 + 2.0)
    assert (await said(studio, "GetRecordStatus"))["outputDuration"] == 2000
    studio.recorder.pause()
    await clock.advance(60.0)
    assert (await said(studio, "GetRecordStatus"))["outputDuration"] == 2000
    studio.recorder.resume()
    await clock.advance(1.0)
    studio.stop_record()
    await clock.advance(0.61)
    assert studio.record == "STOPPING"
    await clock.advance(0.02)
    assert [str(state).removeprefix("OBS_WEBSOCKET_OUTPUT_") for state in told] == [
        "STARTING", "STARTED", "PAUSED", "RESUMED", "STOPPING", "STOPPED",
    ]  # fmt: skip


async def test_frames_move_with_the_clock_at_the_frame_rate() -> None:
    clock = HeldClock()
    studio = Studio.load(clock=clock)
    before = cast("int", (await said(studio, "GetStats"))["renderTotalFrames"])
    await clock.advance(10.0)
    assert cast("int", (await said(studio, "GetStats"))["renderTotalFrames"]) == before + 300


async def test_fade_tells_its_scene_when_it_has_ended_and_answers_before() -> None:
    clock = HeldClock()
    studio = Studio.load(clock=clock)
    studio.here.transition = "Fade"
    told: list[str] = []
    studio.emit = lambda name, _, __: told.append(name)
    switching = asyncio.create_task(studio.switch("Hitam"))
    await clock.advance(0.1)
    await switching
    assert studio.programme == "Hitam"
    assert told == ["SceneTransitionStarted"]
    await clock.advance(0.3)
    assert told[-1] == "CurrentProgramSceneChanged"


# Pictures.


@pytest.mark.parametrize("form", ["jpg", "png", "bmp"])
async def test_pictures_can_be_read_by_others(form: str) -> None:
    studio = Studio.load(clock=HeldClock())
    given = {"sourceName": "Gambar kamera", "imageFormat": form, "imageWidth": 161, "imageHeight": 90}
    text = str((await said(studio, "GetSourceScreenshot", **given))["imageData"])
    content = base64.b64decode(text.partition(",")[2])
    with Image.open(io.BytesIO(content)) as read:
        read.load()
        assert read.size == (161, 90)
        red, green, blue = cast("tuple[int, int, int]", read.convert("RGB").getpixel((4, 4)))
    assert (40 < red < 170, 60 < green < 190, 80 < blue < 130) == (True, True, True)


async def test_jpeg_has_the_colours_that_png_has() -> None:
    studio = Studio.load(clock=HeldClock())
    studio.add_input("Hitam", "Warna", "color_source_v3", color=0xFF804020, width=64, height=32)
    seen = []
    for form in ("jpg", "png"):
        text = str((await said(studio, "GetSourceScreenshot", sourceName="Warna", imageFormat=form))["imageData"])
        with Image.open(io.BytesIO(base64.b64decode(text.partition(",")[2]))) as read:
            seen.append(read.convert("RGB").getpixel((20, 20)))
    assert seen[1] == (0x20, 0x40, 0x80)
    assert all(abs(one - other) <= 2 for one, other in zip(*cast("list[tuple[int, ...]]", seen), strict=True))


async def test_a_camera_never_looks_the_same_twice_unless_it_is_frozen() -> None:
    clock = HeldClock()
    studio = Studio.load(clock=clock)

    async def look() -> object:
        shot = await said(studio, "GetSourceScreenshot", sourceName="Kamera", imageFormat="jpg", imageWidth=160)
        return shot["imageData"]

    first = await look()
    await clock.advance(1.0)
    assert await look() != first
    studio.faults.camera_frozen = True
    first = await look()
    await clock.advance(1.0)
    assert await look() == first


# MessagePack.

_SAYABLE = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(), inner, max_size=20),
    max_leaves=30,
)


@given(_SAYABLE)
def test_what_json_can_say_comes_back_from_messagepack(value: object) -> None:
    assert unpacked(packed(value)) == value


@pytest.mark.parametrize("size", [31, 32, 255, 256, 65535, 65536])
def test_long_texts_lists_and_maps_come_back(size: int) -> None:
    for value in ("x" * size, [0] * size, {str(n): n for n in range(size)}):
        assert unpacked(packed(value)) == value


@pytest.mark.parametrize(
    ("value", "written"),  # from the format's specification
    [
        (None, "c0"), (False, "c2"), (True, "c3"), (127, "7f"), (-32, "e0"), (128, "cc80"), (-33, "d0df"),
        (65536, "ce00010000"), (1.5, "cb3ff8000000000000"), ("a", "a161"), ([1], "9101"), ({"a": None}, "81a161c0"),
    ],
)  # fmt: skip
def test_bytes_are_those_of_the_specification(value: object, written: str) -> None:
    assert packed(value).hex() == written


@given(st.binary(max_size=40))
def test_broken_messagepack_is_refused_and_nothing_worse(content: bytes) -> None:
    with suppress(ValueError):
        unpacked(content)


# Switches by name.


def test_every_switch_can_be_turned_by_its_name() -> None:
    faults = Faults.parse(["vcam_dead", "slow=2.5", "start_is_lost=3", "drop_answer=GetStats", "reorder=no"])
    assert (faults.vcam_dead, faults.slow, faults.start_is_lost) == (True, 2.5, 3)
    assert (faults.drop_answer, faults.reorder) == ("GetStats", False)
    assert {"coalesce", "workers", "preview_race"} <= set(LIES) < set(KINDS)


@pytest.mark.parametrize("wrong", ["nonsense", "slow=fast", "slow", "workers="])
def test_wrong_switches_are_named(wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong.partition("=")[0]):
        Faults.parse([wrong])


@pytest.mark.parametrize("arguments", [["--fault", "nonsense"], ["--record", "x"], ["--replay", "/tidak/ada"]])
def test_wrong_arguments_end_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "error" in capsys.readouterr().err


async def test_people_start_it_with_lies_and_faults() -> None:
    command = ["-m", "siaga", "simulate", "obs", "--lie", "vcam_dead", "--fault", "vcam_absent=no"]
    running = await asyncio.create_subprocess_exec(
        sys.executable, *command, stdout=asyncio.subprocess.PIPE, env=os.environ | {"SIAGA_OBS_PASSWORD": PASSWORD}
    )
    assert running.stdout is not None
    async with asyncio.timeout(15):
        port = int((await running.stdout.readline()).decode().rpartition(":")[2])
    url = f"ws://127.0.0.1:{port}"
    async with connect(url, subprotocols=[Subprotocol("obswebsocket.json")]) as socket:
        client = Client(socket)
        await client.send(1, identify(await client.next(0), PASSWORD))
        await client.next(2)
        await client.send(6, {"requestType": "StartVirtualCam", "requestId": 1})
        await client.next(7)
        await client.send(6, {"requestType": "GetVirtualCamStatus", "requestId": 2})
        answered = await client.next(7)
    assert answered["responseData"] == {"outputActive": False}
    running.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(running.wait(), 10) == 0


# Tapes.


async def test_a_kept_session_is_said_again(tmp_path: Path) -> None:
    tape = tmp_path / "session.jsonl"
    async with simulated() as obs:
        obs.password = PASSWORD
        recorder = Recorder(tape, "127.0.0.1", obs.port)
        await recorder.start()
        async with client_of(recorder, PASSWORD) as client:
            first = await session(client, "a")
        await recorder.stop()
    assert PASSWORD not in tape.read_text()
    assert "authentication" not in tape.read_text()
    replayer = Replayer.load(tape)
    await replayer.start()
    async with client_of(replayer) as client:
        assert await session(client, "b") == first
        await client.send(6, {"requestType": "GetMonitorList", "requestId": 9})
        assert cast("Json", (await client.next(7))["requestStatus"])["code"] == 204
    await replayer.stop()


async def session(client: Client, ids: str) -> list[Json]:
    """Switch the scene and ask for it; returns what was said, without ids."""
    heard = []
    for number, (request, fields) in enumerate(
        [("GetCurrentProgramScene", {}), ("SetCurrentProgramScene", {"sceneName": "Hitam"}),
         ("GetCurrentProgramScene", {})]
    ):  # fmt: skip
        await client.send(6, {"requestType": request, "requestId": f"{ids}{number}", "requestData": fields})
        answered = await client.next(7)
        assert answered.pop("requestId") == f"{ids}{number}"
        heard.append(answered)
    names = {str(event["eventType"]) for event in await client.quiet("CurrentProgramSceneChanged")}
    return [*heard, {"events": sorted(names)}]


async def test_driver_runs_on_a_tape_of_itself(tmp_path: Path) -> None:
    tape = tmp_path / "session.jsonl"
    async with simulated() as obs:
        recorder = Recorder(tape, "127.0.0.1", obs.port)
        await recorder.start()
        await on_air("Kamera", recorder.port)
        await recorder.stop()
    replayer = Replayer.load(tape)
    await replayer.start()
    await on_air("Kamera", replayer.port)
    await replayer.stop()


async def on_air(scene: str, port: int) -> None:
    obs = ObsStudio("obs", "127.0.0.1", port, "")
    await obs.open()
    assert (await obs.scene(scene)).read_back == {"scene": scene}
    await obs.close()


def test_what_is_no_tape_is_refused(tmp_path: Path) -> None:
    for text in ("{}", json.dumps({"at_s": 0, "from": "client", "op": 0, "d": {}}), ""):
        (tmp_path / "x").write_text(text)
        with pytest.raises(ValueError, match="tape"):
            Replayer.load(tmp_path / "x")
    assert Line.read(str(Line(0.5, "obs", 0, {"a": 1}))) == Line(0.5, "obs", 0, {"a": 1})


# What it does with time of its own.


async def test_few_workers_let_slow_requests_starve_fast_ones() -> None:
    async with simulated(workers=1) as obs, client_of(obs) as slow, client_of(obs) as fast:
        sleep = {"requestType": "Sleep", "requestData": {"sleepMillis": 300}}
        began = asyncio.get_running_loop().time()
        await slow.send(8, {"requestId": 1, "requests": [sleep]})
        await slow.send(6, {"requestType": "GetStudioModeEnabled", "requestId": 2})
        await fast.send(6, {"requestType": "GetStudioModeEnabled", "requestId": 3})
        await fast.next(7)
        assert asyncio.get_running_loop().time() - began >= 0.3


async def test_meters_come_to_whoever_asked_and_tell_the_sound_before_the_mute() -> None:
    async with simulated() as obs, client_of(obs) as deaf, client_of(obs, eventSubscriptions=1 << 16) as client:
        obs.studio.inputs["Mikrofon"].muted = True
        told = [await client.next(5) for _ in range(3)]
        rows = cast("list[Json]", cast("Json", told[-1]["eventData"])["inputs"])
        levels = next(row["inputLevelsMul"] for row in rows if row["inputName"] == "Mikrofon")
        assert [channel[:2] for channel in cast("list[list[float]]", levels)] == [[0.0, 0.0]] * 2
        assert cast("list[list[float]]", levels)[0][2] > 0.1
        assert not deaf.events


async def test_a_collection_that_changes_denies_its_scenes_for_a_while() -> None:
    async with simulated(collection_gap_ms=200) as obs, client_of(obs) as client:
        change = {"requestType": "SetCurrentSceneCollection", "requestData": {"sceneCollectionName": "Aula"}}
        await client.send(6, change | {"requestId": 1})
        ask = {"requestType": "GetSceneItemList", "requestData": {"sceneName": "Jeda"}, "requestId": 2}
        await client.send(6, ask)
        assert cast("Json", (await client.next(7))["requestStatus"])["code"] == 600
        assert (await client.next(7))["requestId"] == 1
        await client.send(6, ask)
        assert cast("Json", (await client.next(7))["requestStatus"])["code"] == 100
