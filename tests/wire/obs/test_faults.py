"""Every verb against every lie and every fault: whatever is said to be done is done, and nothing hangs or leaks."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

from drivers.errors import DriverError
from drivers.obs import outputs
from drivers.obs.device import ObsStudio
from drivers.obs.sim import Faults, ObsSimulator, Studio
from drivers.obs.sim.faults import KINDS, LIES
from drivers.obs.supervisor import State
from drivers.outcomes import Outcome, Result
from tests.until import until

T = TypeVar("T")

PASSWORD = "rahasia"
OURS = "obs.", "link."
TIMES_OUT_S = 0.2
EVERY_VERB_WITHIN_S = 25.0
SOUND, TITLE = "Mikrofon", "Judul"


@dataclass(frozen=True)
class Verb:
    """What is asked of the driver, and how it looks in OBS when it is so."""

    name: str
    do: Callable[[ObsStudio], Awaitable[Result]]
    is_so: Callable[[Studio], bool]


VERBS = (
    Verb("scene", lambda obs: obs.scene("Kamera"), lambda studio: studio.programme == "Kamera"),
    Verb("mute", lambda obs: obs.mute(SOUND, True), lambda studio: studio.inputs[SOUND].muted),
    Verb("volume", lambda obs: obs.volume(SOUND, -12.0), lambda studio: abs(studio.inputs[SOUND].gain_db + 12) < 0.1),
    Verb("text", lambda obs: obs.text(TITLE, "Rapat"), lambda studio: studio.inputs[TITLE].settings["text"] == "Rapat"),
    Verb("source", lambda obs: obs.source("Kamera", "Gambar kamera", False),
         lambda studio: not studio.items("Kamera")[0].enabled),
    Verb("studio mode", lambda obs: obs.studio_mode(True), lambda studio: studio.preview is not None),
    Verb("preview", lambda obs: obs.preview("Hitam"), lambda studio: studio.preview == "Hitam"),
    Verb("take", lambda obs: obs.take(), lambda studio: studio.programme == "Hitam"),
    Verb("studio mode off", lambda obs: obs.studio_mode(False), lambda studio: studio.preview is None),
    Verb("record", lambda obs: obs.record(True), lambda studio: studio.recording),
    Verb("pause", lambda obs: obs.pause(True), lambda studio: studio.recorder.paused),
    Verb("go on", lambda obs: obs.pause(False), lambda studio: studio.recording and not studio.recorder.paused),
    Verb("stop", lambda obs: obs.record(False), lambda studio: not studio.recording),
    Verb("stream", lambda obs: obs.stream(True), lambda studio: studio.streamer.active),
    Verb("virtual camera", lambda obs: obs.virtual_camera(True), lambda studio: studio.vcam.active),
    Verb("replay", lambda obs: obs.replay(True), lambda studio: studio.replay.active),
    Verb("stream off", lambda obs: obs.stream(False), lambda studio: not studio.streamer.active),
    Verb("camera off", lambda obs: obs.virtual_camera(False), lambda studio: not studio.vcam.active),
    Verb("replay off", lambda obs: obs.replay(False), lambda studio: not studio.replay.active),
    Verb("collection", lambda obs: obs.collection("Aula"), lambda studio: studio.collection == "Aula"),
    Verb("scene there", lambda obs: obs.scene("Pidato"), lambda studio: studio.programme == "Pidato"),
    Verb("profile", lambda obs: obs.profile("Rekam"), lambda studio: studio.profile == "Rekam"),
)  # fmt: skip

SWITCHES = (
    "start_is_lost=1", "pause_is_lost", "wrong_scene", "vcam_dead", "stream_dies", "disk_gone", "record_stalls",
    "coalesce", "reorder", "preview_race=150", "not_ready_ms=150", "collection_gap_ms=300",
    "lost_events=all", "lost_events=RecordStateChanged", "workers=1", "slow=40", "slow=400", "drop_answer=all",
    "drop_answer=SetCurrentProgramScene", "drop_answer=StartRecord", "drop_answer=StopRecord", "drop_answer=batch",
    "garbage", "one_byte", "big=4000000", "storm=1000", "duplicate", "wrong_id", "newer", "vcam_absent",
    "camera_absent", "camera_frozen", "camera_black", "microphone_dead", "low_fps=1.5", "freeze=0.3", "half_open=0.3",
    "crash=0.3", "close=4011",
)  # fmt: skip

DISTURBING = {
    "coalesce", "reorder", "preview_race=150", "lost_events=all", "lost_events=RecordStateChanged", "workers=1",
    "slow=40", "one_byte", "storm=1000", "duplicate", "wrong_id", "newer", "big=4000000", "collection_gap_ms=300",
    "camera_absent", "camera_frozen", "camera_black", "microphone_dead",
}  # fmt: skip
"""These stop no verb."""


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten every limit, for those who wait in vain."""
    for name in ("READ_WITHIN_S", "WRITE_WITHIN_S"):
        monkeypatch.setattr(f"drivers.obs.link.{name}", TIMES_OUT_S)
    for name in ("SET_WITHIN_S", "CALM_WITHIN_S"):
        monkeypatch.setattr(f"drivers.obs.conversation.{name}", 2 * TIMES_OUT_S)
    for name in vars(outputs):
        if name.endswith("_WITHIN_S"):
            monkeypatch.setattr(outputs, name, 4 * TIMES_OUT_S)


@asynccontextmanager
async def opened(faults: Faults, *, idle_s: float = 0.2) -> AsyncIterator[tuple[ObsSimulator, ObsStudio]]:
    """Open first and turn the switches then: what fails an opening has tests of its own."""
    later, sim = faults, ObsSimulator(Studio.load(faults=Faults()), PASSWORD)
    sim.studio.settings.service_settings = {"server": "rtmp://127.0.0.1/live", "key": "k"}
    await sim.start()
    obs = ObsStudio("obs", "127.0.0.1", sim.port, PASSWORD)
    await obs.open()
    sim.studio.faults = later
    sim.begin_faults()
    try:
        yield sim, obs
    finally:
        await obs.close()
        await sim.stop()


async def tried(verb: Awaitable[T]) -> T | str:
    """Return what a verb gave, or the code of what it raised."""
    try:
        return await verb
    except DriverError as error:
        return error.reason.code


def descriptors() -> int:
    return len(list(Path(f"/proc/{os.getpid()}/fd").iterdir()))


def test_every_lie_and_fault_is_tried() -> None:
    assert {switch.partition("=")[0] for switch in SWITCHES} | {"slow_only"} == set(KINDS)
    assert set(LIES) < set(KINDS)


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("switch", SWITCHES)
async def test_what_is_said_to_be_done_is_done(switch: str) -> None:
    before = descriptors()
    async with opened(Faults.parse([switch])) as (sim, obs), asyncio.timeout(EVERY_VERB_WITHIN_S):
        for verb in VERBS:
            result = await tried(verb.do(obs))
            if isinstance(result, Result):
                assert result.outcome in {Outcome.COMPLETED, Outcome.SETTLED}
                assert verb.is_so(sim.studio), f"{verb.name} is said to be {result.outcome} and is not so"
            else:
                assert result.startswith(OURS)
                assert switch not in DISTURBING, f"{verb.name} is stopped: {result}"
        for question in (obs.check(), obs.state()):
            await tried(question)
    await until(lambda: descriptors() <= before)


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize(
    ("switch", "code"),
    [
        ("garbage", "obs.bad_answer"),
        ("freeze=0", "obs.frozen"),
        ("half_open=0", "obs.frozen"),
        ("crash=0", "obs.lost"),
    ],
)
async def test_a_link_that_breaks_is_named_and_found_again(switch: str, code: str) -> None:
    async with opened(Faults.parse([switch])) as (sim, obs):
        reasons: list[str] = []

        async def told() -> bool:
            standing = obs.standing
            if standing.reason is not None:
                reasons.append(standing.reason.code)
            with_link = standing.state is State.READY
            if with_link and switch == "garbage":
                reasons.append(str(await tried(obs.state())))
            return code in reasons

        await until(told, within_s=6.0)
        sim.studio.faults = Faults()
        if switch == "crash=0":
            await sim.restart()
        sim.thaw()
        await obs.open()
        assert (await obs.state()).scene == "Jeda"


@pytest.mark.parametrize(
    ("close", "code"),
    [(4009, "obs.wrong_password"), (4010, "obs.rpc_version"), (4011, "obs."), (1001, "obs."), (4999, "obs.")],
)
async def test_being_turned_away_has_a_reason_of_its_own(close: int, code: str) -> None:
    sim = ObsSimulator(Studio.load(faults=Faults(close=close)))
    await sim.start()
    obs = ObsStudio("obs", "127.0.0.1", sim.port, None)
    try:
        with pytest.raises(DriverError) as caught:
            await obs.open()
        assert caught.value.reason.code.startswith(code)
    finally:
        await obs.close()
        await sim.stop()


async def test_kicked_by_a_person_is_told_and_the_link_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.obs.supervisor.RETRY_MENDED_S", 0.3)
    async with opened(Faults()) as (sim, obs):
        await sim.kick()
        await until(lambda: obs.standing.reason is not None)
        await until(lambda: obs.standing.state is State.READY)


async def test_words_of_a_newer_obs_change_nothing() -> None:
    async with opened(Faults()) as (sim, obs):
        sim.tell_unknown()
        await obs.scene("Kamera")
        assert obs.standing.state is State.READY
        assert sim.studio.programme == "Kamera"


async def test_not_ready_while_it_starts_is_waited_out() -> None:
    sim = ObsSimulator(Studio.load(faults=Faults(not_ready_ms=400)))
    await sim.start()
    obs = ObsStudio("obs", "127.0.0.1", sim.port, None)
    try:
        while (refusal := await tried(obs.open())) is not None:
            assert refusal.startswith(OURS)
        await until(lambda: obs.standing.state is State.READY)
        await obs.scene("Kamera")
        assert sim.studio.programme == "Kamera"
    finally:
        await obs.close()
        await sim.stop()


async def test_a_storm_of_events_delays_no_verb_beyond_its_limit() -> None:
    async with opened(Faults(storm=1000)) as (sim, obs):
        for name in ("Kamera", "Hitam", "Jeda") * 3:
            result = await obs.scene(name)
            assert result.outcome is Outcome.COMPLETED
            assert sim.studio.programme == name
        assert obs.standing.state is State.READY
