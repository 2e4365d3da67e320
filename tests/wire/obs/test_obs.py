from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
import sys
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from websockets.asyncio.client import connect as ws_connect
from websockets.exceptions import ConnectionClosed

import drivers
from drivers import Condition, DeviceAddress, Outcome
from drivers.errors import AddressError, DeviceRefused, DeviceUnreachable, DriverError, OutcomeUnknown
from drivers.obs.device import ObsStudio
from drivers.obs.link import ObsLink
from drivers.obs.outputs import RECORD
from drivers.obs.sim import Faults, ObsSimulator, Studio
from drivers.ports import Switcher
from tests.until import until

PASSWORD = "rahasia-sekali"


@asynccontextmanager
async def simulator(faults: Faults | None = None, *, port: int = 0) -> AsyncIterator[ObsSimulator]:
    running = ObsSimulator(Studio.load(faults=faults), PASSWORD)
    await running.start(port=port)
    try:
        yield running
    finally:
        await running.stop()


@asynccontextmanager
async def opened(faults: Faults | None = None) -> AsyncIterator[tuple[ObsSimulator, ObsStudio]]:
    async with simulator(faults) as sim:
        obs = ObsStudio("obs", "127.0.0.1", sim.port, PASSWORD)
        await obs.open()
        try:
            yield sim, obs
        finally:
            await obs.close()


async def test_a_scene_is_on_air_when_the_verb_returns() -> None:
    async with opened() as (sim, obs):
        result = await obs.scene("Kamera")
        assert (result.outcome, result.read_back) == (Outcome.COMPLETED, {"scene": "Kamera"})
        assert sim.studio.programme == "Kamera"
        await obs.scene("Kamera")
        assert sim.studio.switches == 1


async def test_a_lying_switch_is_not_reported_as_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.obs.conversation.SET_WITHIN_S", 0.5)
    async with opened(Faults(wrong_scene=True)) as (_, obs):
        with pytest.raises(DeviceRefused, match="found 'Jeda'") as caught:
            await obs.scene("Kamera")
        assert caught.value.reason.code == "obs.not_taken"


async def test_an_unknown_scene_is_refused_with_the_scenes_there_are() -> None:
    async with opened() as (_, obs):
        with pytest.raises(DeviceRefused, match=r"Kamera \+ slide") as caught:
            await obs.scene("kamera")
        assert caught.value.reason.code == "obs.scene_missing"


async def test_a_scene_whose_answer_got_lost_is_settled_by_its_state(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.obs.link.WRITE_WITHIN_S", 0.5)
    async with opened(Faults(drop_answer="SetCurrentProgramScene")) as (_, obs):
        assert (await obs.scene("Hitam")).outcome is Outcome.SETTLED


async def test_recording_starts_and_stops() -> None:
    async with opened() as (sim, obs):
        assert (await obs.record(True)).read_back == {"recording": True, "path": sim.studio.path}
        assert sim.studio.record == "STARTED"
        assert (await obs.state()).recording
        assert (await obs.record(False)).read_back == {"recording": False, "path": sim.studio.path}
        assert sim.studio.record == "STOPPED"


async def test_a_lost_start_is_not_reported_as_a_recording(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.obs.outputs.RECORD", replace(RECORD, within_s=0.5))
    async with opened(Faults(start_is_lost=1)) as (_, obs):
        with pytest.raises(DeviceRefused, match="did not start") as caught:
            await obs.record(True)
        assert caught.value.reason.code == "obs.record_not_started"


async def test_a_start_lost_soon_after_a_stop_is_tried_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.obs.outputs.RECORD", replace(RECORD, within_s=0.5))
    async with opened() as (sim, obs):
        await obs.record(True)
        await obs.record(False)
        sim.studio.faults.start_is_lost = 1
        assert (await obs.record(True)).outcome is Outcome.COMPLETED


async def test_no_start_is_sent_without_a_folder() -> None:
    async with opened(Faults(disk_gone=True)) as (sim, obs):
        with pytest.raises(DeviceRefused) as caught:
            await obs.record(True)
        assert caught.value.reason.code == "obs.record_folder_missing"
        assert sim.studio.record == "STOPPED"


async def test_mute_is_read_back_and_names_what_there_is() -> None:
    async with opened() as (sim, obs):
        assert (await obs.mute("Mikrofon", True)).read_back == {"muted": True}
        assert sim.studio.inputs["Mikrofon"].muted
        with pytest.raises(DeviceRefused, match="found only Mikrofon"):
            await obs.mute("Mikropon", True)
        with pytest.raises(DeviceRefused, match="without sound"):
            await obs.mute("Gambar kamera", True)


async def test_state_and_health_come_from_obs() -> None:
    async with opened() as (_, obs):
        programme = await obs.state()
        assert programme.scenes == ("Kamera", "Presentasi", "Kamera + slide", "Jeda", "Hitam")
        assert (programme.scene, programme.muted) == ("Jeda", {"Mikrofon": False, "Pengeras": False})
        health = await obs.check()
        assert health.condition is Condition.OK
        assert {m.name for m in health.measures} >= {"version", "scene", "active_fps", "disk_free", "rtt"}


async def test_three_tasks_never_get_each_others_answers() -> None:
    async with opened() as (sim, _):
        link = await ObsLink.connect("127.0.0.1", sim.port, PASSWORD)
        questions = {"GetVersion": "obsVersion", "GetRecordStatus": "outputTimecode", "GetSceneList": "scenes"}

        async def ask(request: str, field: str) -> int:
            return sum([field in await link.ask(request) for _ in range(100)])

        assert await asyncio.gather(*(ask(*one) for one in questions.items())) == [100, 100, 100]
        await link.close()


async def test_an_answer_that_comes_too_late_reaches_nobody() -> None:
    async with opened(Faults(drop_answer="GetVersion")) as (sim, _):
        link = await ObsLink.connect("127.0.0.1", sim.port, PASSWORD)
        with pytest.raises(DeviceUnreachable, match="GetVersion"):
            await link.ask("GetVersion")
        assert "outputActive" in await link.ask("GetRecordStatus")
        await link.close()


async def test_pending_calls_fail_at_once_when_obs_quits() -> None:
    async with simulator(Faults(drop_answer="all")) as sim:
        link = await ObsLink.connect("127.0.0.1", sim.port, PASSWORD)
        asked = asyncio.gather(link.ask("GetStats"), link.tell("StopRecord"), return_exceptions=True)
        await until(lambda: len(link._pending) == 2)
        await sim.stop()
        async with asyncio.timeout(1.0):  # well under the limits of the calls themselves
            question, command = await asked
        assert isinstance(question, DeviceUnreachable)
        assert isinstance(command, OutcomeUnknown)
        assert question.reason.values["close_code"] == 1001
        with pytest.raises(DeviceUnreachable, match="Server stopping"):
            await link.ask("GetStats")
        await link.close()


async def test_a_crash_is_noticed_and_open_finds_obs_again() -> None:
    async with simulator() as first:
        obs = ObsStudio("obs", "127.0.0.1", first.port, PASSWORD)
        await obs.open()
        first.crash()
        with pytest.raises(DeviceUnreachable):
            await asyncio.wait_for(_ask_for_ever(obs), 2.0)
    with pytest.raises(DeviceUnreachable):
        await obs.open()
    async with simulator(port=first.port):
        await obs.open()
        assert (await obs.state()).scene == "Jeda"
        await obs.close()
        await obs.close()


async def _ask_for_ever(obs: ObsStudio) -> None:
    while True:
        await obs.state()


async def test_an_absent_obs_is_unreachable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: refused
        obs = ObsStudio("obs", "127.0.0.1", taken.getsockname()[1], PASSWORD)
        with pytest.raises(DeviceUnreachable, match="nothing listens"):
            await obs.open()
    with pytest.raises(DeviceUnreachable, match="nothing listens"):
        await obs.check()
    await obs.close()
    with pytest.raises(DeviceUnreachable, match="not open"):
        await obs.check()


async def test_something_else_on_the_port_is_no_obs() -> None:
    async def web(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(web, "127.0.0.1", 0) as server:
        obs = ObsStudio("obs", "127.0.0.1", server.sockets[0].getsockname()[1], None)
        with pytest.raises(DriverError) as caught:
            await obs.open()
        assert caught.value.reason.code == "obs.not_obs"


@pytest.mark.parametrize("given", ["salah-sekali", ""])
async def test_a_wrong_password_is_named_and_printed_nowhere(given: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with simulator() as sim:
        obs = ObsStudio("obs", "127.0.0.1", sim.port, given)
        with pytest.raises(DeviceRefused) as caught:
            await obs.open()
        assert caught.value.reason.code == "obs.wrong_password"
        good = ObsStudio("obs", "127.0.0.1", sim.port, PASSWORD)
        await good.open()
        shown = "".join(traceback.format_exception(caught.value)) + repr(vars(obs)) + repr(vars(good)) + caplog.text
        await good.close()
    assert "wrong password" in shown
    assert PASSWORD not in shown
    assert "salah-sekali" not in shown


@asynccontextmanager
async def process(*arguments: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, DeviceAddress]]:
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "drivers.obs.sim", *arguments,
        stdout=asyncio.subprocess.PIPE, env=os.environ | {"SIAGA_OBS_PASSWORD": PASSWORD},
    )  # fmt: skip
    assert running.stdout is not None
    async with asyncio.timeout(10):
        ready, address = (await running.stdout.readline()).decode().split()
    assert ready == "ready"
    try:
        yield running, DeviceAddress.parse(address)
    finally:
        running.send_signal(signal.SIGCONT)
        running.terminate()
        assert await asyncio.wait_for(running.wait(), 5) == 0


async def test_a_frozen_obs_is_bounded_on_an_open_link_and_a_new_one() -> None:
    async with process("--listen", "127.0.0.1:0") as (running, address):
        obs = drivers.connect("obs", address, PASSWORD)
        assert isinstance(obs, Switcher)
        await obs.open()
        running.send_signal(signal.SIGSTOP)
        async with asyncio.timeout(8):
            with pytest.raises(DeviceUnreachable):
                await obs.check()
            with pytest.raises(DeviceUnreachable, match="no answer"):
                await obs.open()
        running.send_signal(signal.SIGCONT)
        await obs.open()
        await obs.close()


async def test_an_idle_link_notices_the_freeze_by_itself() -> None:
    async with opened() as (sim, _):
        link = await ObsLink.connect("127.0.0.1", sim.port, PASSWORD, idle_s=0.1)
        sim.freeze()
        await until(lambda: link.lost is not None and link.lost.code == "obs.frozen")
        await link.close()


async def test_a_command_to_a_dying_obs_is_unknown() -> None:
    async with opened(Faults(drop_answer="SetInputMute")) as (sim, obs):
        muting = asyncio.create_task(obs.mute("Mikrofon", True))
        await until(lambda: sim.studio.inputs["Mikrofon"].muted)
        sim.crash()
        with pytest.raises(OutcomeUnknown):
            await muting


def test_an_address_has_no_options() -> None:
    with pytest.raises(AddressError, match="fast"):
        drivers.connect("obs", DeviceAddress.parse("obs+ws://127.0.0.1:4455?fast=1"))


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"op": 6, "d": {"requestType": "GetStats", "requestId": "1"}}, 4007),
        ({"op": 1, "d": {"rpcVersion": 1, "authentication": "x"}}, 4009),
        ({"op": 1}, 4003),
        ([], 4002),
    ],
)
async def test_the_simulator_closes_with_obs_codes(message: object, code: int) -> None:
    async with simulator() as sim, ws_connect(f"ws://127.0.0.1:{sim.port}") as ws:
        hello = json.loads(await ws.recv())
        assert hello["op"] == 0
        await ws.send(json.dumps(message))
        with pytest.raises(ConnectionClosed) as closed:
            await ws.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == code


async def test_the_simulator_sends_no_event_for_a_switch_to_the_scene_on_air() -> None:
    sim = ObsSimulator(Studio.load())
    await sim.start()
    async with ws_connect(f"ws://127.0.0.1:{sim.port}", subprotocols=None) as ws:
        await ws.recv()
        await ws.send(json.dumps({"op": 1, "d": {"rpcVersion": 1}}))
        assert json.loads(await ws.recv())["op"] == 2
        seen = []
        for at, scene in enumerate(("Jeda", "Hitam")):
            data = {"requestType": "SetCurrentProgramScene", "requestId": at, "requestData": {"sceneName": scene}}
            await ws.send(json.dumps({"op": 6, "d": data}))
            seen.append(json.loads(await ws.recv()))
        seen.append(json.loads(await ws.recv()))
        assert sorted(one["op"] for one in seen) == [5, 7, 7]
        assert [one["d"]["requestId"] for one in seen if one["op"] == 7] == [0, 1]
    await sim.stop()
