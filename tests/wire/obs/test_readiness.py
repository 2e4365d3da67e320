"""Does a thorough look at OBS say which of its parts would fail a session?"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from agent.alarm import alarming
from drivers import Condition, DeviceAddress, Verdict
from drivers.errors import AddressError
from drivers.obs.device import ObsStudio, connect
from drivers.obs.model import Call
from drivers.obs.sim import Faults, ObsSimulator, Studio
from drivers.outcomes import Measure
from drivers.ports import Inspected, ShowWanted
from tests.until import until

PASSWORD = "rahasia-sekali"
ROOM = ShowWanted(scenes=("Kamera", "Jeda"), recording_for=timedelta(hours=2))


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.obs.inspection.PICTURES_APART_S", 0.15)
    monkeypatch.setattr("drivers.obs.inspection.LISTEN_S", 0.3)


@asynccontextmanager
async def opened(faults: Faults | None = None, options: str = "") -> AsyncIterator[tuple[ObsSimulator, ObsStudio]]:
    sim = ObsSimulator(Studio.load(faults=faults), PASSWORD)
    await sim.start()
    obs = connect("obs", DeviceAddress.parse(f"obs+ws://127.0.0.1:{sim.port}{options}"), PASSWORD)
    assert isinstance(obs, ObsStudio)
    try:
        await obs.open()
        yield sim, obs
    finally:
        await obs.close()
        await sim.stop()


async def found(obs: ObsStudio, wanted: ShowWanted = ROOM) -> dict[str, Measure]:
    return {measure.name: measure for measure in await obs.inspect(wanted)}


def code(measure: Measure) -> tuple[Verdict, str]:
    return measure.verdict, measure.reason.code if measure.reason else ""


async def test_a_room_in_order_passes_every_row() -> None:
    async with opened() as (_, obs):
        assert isinstance(obs, Inspected)
        rows = await found(obs)
        assert {name: code(row) for name, row in rows.items() if row.verdict is not Verdict.PASS} == {}
        assert len(rows) == 16


async def test_what_was_found_stays_in_every_check_until_the_link_ends() -> None:
    async with opened(Faults(camera_black=True)) as (_, obs):
        assert "pictures" not in {measure.name for measure in (await obs.check()).measures}
        await obs.inspect(ROOM)
        health = await obs.check()
        assert health.condition is Condition.FAULT
        assert health.reason is not None
        assert health.reason.code == "obs.picture_black"
        await obs.close()
        await obs.open()
        assert "pictures" not in {measure.name for measure in (await obs.check()).measures}


@pytest.mark.parametrize(
    ("faults", "row", "verdict", "reason"),
    [
        (Faults(camera_black=True), "pictures", Verdict.FAIL, "obs.picture_black"),
        (Faults(camera_frozen=True), "pictures", Verdict.FAIL, "obs.picture_frozen"),
        (Faults(camera_absent=True), "sources", Verdict.FAIL, "obs.sources_dead"),
        (Faults(disk_gone=True), "record_space", Verdict.FAIL, "obs.record_folder_missing"),
    ],
)
async def test_a_fault_is_named_in_its_row(faults: Faults, row: str, verdict: Verdict, reason: str) -> None:
    async with opened(faults) as (_, obs):
        assert code((await found(obs))[row]) == (verdict, reason)


async def test_scenes_that_presets_ask_for_are_there_to_the_letter() -> None:
    async with opened() as (_, obs):
        rows = await found(obs, ShowWanted(scenes=("Kamera", "kamera ")))
        assert code(rows["scenes_wanted"]) == (Verdict.FAIL, "obs.scenes_missing")
        assert rows["scenes_wanted"].reason is not None
        assert rows["scenes_wanted"].reason.values["scenes"] == "kamera "


async def test_a_virtual_camera_that_a_preset_needs_must_be_installed() -> None:
    async with opened(Faults(vcam_absent=True)) as (_, obs):
        wanted = ShowWanted(virtual_camera=True)
        assert code((await found(obs, wanted))["virtual_camera"]) == (Verdict.FAIL, "obs.no_virtual_camera")
        assert code((await found(obs))["virtual_camera"])[0] is Verdict.PASS


async def test_a_dead_microphone_is_heard_without_unmuting_anything() -> None:
    async with opened(Faults(microphone_dead=True)) as (sim, obs):
        wanted = ShowWanted(listens=True)
        assert code((await found(obs, wanted))["input_level"]) == (Verdict.FAIL, "obs.microphone_dead")
        sim.studio.faults.microphone_dead = False
        assert code((await found(obs, wanted))["input_level"])[0] is Verdict.PASS


async def test_the_address_says_how_obs_should_be_set_up() -> None:
    async with opened(options="?canvas=640x480&profile=Lain") as (_, obs):
        rows = await found(obs)
        assert code(rows["canvas"]) == (Verdict.FAIL, "obs.other_canvas")
        assert code(rows["setup"]) == (Verdict.FAIL, "obs.other_setup")
    with pytest.raises(AddressError, match="canvas must be"):
        connect("obs", DeviceAddress.parse("obs+ws://127.0.0.1:1?canvas=wide"), None)


def other_scene(obs: ObsStudio) -> str:
    return obs.studio.programme if obs.studio else ""


async def test_switches_of_somebody_else_are_counted_and_ours_are_not() -> None:
    async with opened() as (sim, obs):
        await obs.scene("Kamera")
        assert (await found(obs))["other_hands"].value == 0
        other = ObsStudio("other", "127.0.0.1", sim.port, PASSWORD)
        await other.open()
        for name in ("Jeda", "Hitam", "Jeda", "Hitam", "Jeda"):
            await other.scene(name)
            await until(lambda: obs.studio is not None and obs.studio.programme == other_scene(other))
        await other.close()
        assert code((await found(obs))["other_hands"]) == (Verdict.WARN, "obs.other_hands")


async def test_a_recording_that_fills_its_disk_is_an_alarm_and_goes_on() -> None:
    async with opened() as (sim, obs):
        await obs.record(True)
        assert not alarming(await obs.check())
        sim.studio.faults.disk_gone = True
        alarms = alarming(await obs.check())
        assert {name: code(row) for name, row in alarms.items()} == {
            "recording_disk": (Verdict.FAIL, "obs.record_disk_low")
        }
        assert sim.studio.recorder.active


async def test_a_recording_that_cannot_be_named_is_made_all_the_same() -> None:
    async with opened(Faults(drop_answer="SetProfileParameter")) as (sim, obs):
        obs.record_as = "Rapat"
        await obs.record(True)
        assert sim.studio.recorder.active


async def test_obs_names_its_files_as_before_once_the_recording_runs() -> None:
    async with opened() as (_, obs):
        where = {"parameterCategory": "Output", "parameterName": "FilenameFormatting"}
        own = Call("SetProfileParameter", {**where, "parameterValue": "%hh-%mm"})
        await obs.link.command(own)
        obs.record_as = "Rapat"
        await obs.record(True)
        found = await obs.link.question(Call("GetProfileParameter", where))
        assert found["parameterValue"] == "%hh-%mm"
