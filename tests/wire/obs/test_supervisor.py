"""The supervisor against a simulated OBS that changes, quits, crashes, hangs and comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from drivers.errors import DeviceRefused, DeviceUnreachable
from drivers.obs.sim.server import ObsSimulator
from drivers.obs.sim.studio import Faults, Studio
from drivers.obs.studio import OutputState
from drivers.obs.supervisor import UNREAD_AT_MOST, Standing, State, Supervisor
from tests.until import until

WITHIN_S = 5.0


@asynccontextmanager
async def simulator(*, port: int = 0, password: str = "", faults: Faults | None = None) -> AsyncIterator[ObsSimulator]:
    running = ObsSimulator(Studio.load(faults=faults), password)
    await running.start(port=port)
    try:
        yield running
    finally:
        await running.stop()


@pytest.fixture
async def obs() -> AsyncIterator[ObsSimulator]:
    async with simulator() as running:
        yield running


@pytest.fixture
async def held(obs: ObsSimulator) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor("127.0.0.1", obs.port, "")
    await supervisor.start()
    yield supervisor
    await supervisor.stop()


def is_in(state: State) -> StateIs:
    return StateIs(state)


class StateIs:
    def __init__(self, state: State) -> None:
        self.state = state

    def __call__(self, standing: Standing) -> bool:
        return standing.state is self.state


async def test_first_snapshot_is_there_when_start_returns(held: Supervisor, obs: ObsSimulator) -> None:
    assert held.standing.state is State.READY
    assert held.standing.studio is not None
    assert held.standing.studio.scenes == tuple(obs.studio.scenes)
    assert held.standing.studio.programme == obs.studio.programme


async def test_events_keep_the_picture_true(held: Supervisor, obs: ObsSimulator) -> None:
    wanted = next(name for name in obs.studio.scenes if name != obs.studio.programme)
    await obs.studio.switch(wanted)
    assert await held.until(lambda s: s.studio is not None and s.studio.programme == wanted, WITHIN_S)
    obs.studio.start_record()
    assert await held.until(lambda s: s.studio is not None and s.studio.record.state is OutputState.STARTED, WITHIN_S)


async def test_what_no_event_told_is_mended_by_a_look(held: Supervisor, obs: ObsSimulator) -> None:
    obs.studio.scenes.append("Baru")
    held.look_again()
    assert await held.until(lambda s: s.studio is not None and "Baru" in s.studio.scenes, WITHIN_S)


async def test_collection_change_is_busy_until_it_is_done(held: Supervisor, obs: ObsSimulator) -> None:
    obs.studio.emit("CurrentSceneCollectionChanging", 1 << 1, {"sceneCollectionName": "Ruang"})
    assert await held.until(is_in(State.BUSY), WITHIN_S)
    obs.studio.scenes[:] = ["Lain"]
    obs.studio.programme = "Lain"
    obs.studio.emit("CurrentSceneCollectionChanged", 1 << 1, {"sceneCollectionName": "Aula"})
    assert await held.until(lambda s: s.studio is not None and s.studio.scenes == ("Lain",), WITHIN_S)
    assert held.standing.state is State.READY


async def test_crash_is_off_and_the_next_obs_is_found() -> None:
    async with simulator() as first:
        port = first.port
        held = Supervisor("127.0.0.1", port, "")
        await held.start()
        first.crash()
    assert await held.until(lambda s: s.state is not State.READY, WITHIN_S)
    with pytest.raises(DeviceUnreachable):
        held.link.lost  # noqa: B018 - the access itself says that there is none
    async with simulator(port=port) as second:
        assert await held.until(is_in(State.READY), WITHIN_S)
        assert held.standing.studio is not None
        assert held.standing.studio.programme == second.studio.programme
        await held.stop()


async def test_hanging_obs_is_called_frozen(held: Supervisor, obs: ObsSimulator) -> None:
    obs.freeze()
    assert await held.until(is_in(State.FROZEN), WITHIN_S)
    assert held.standing.reason is not None
    assert held.standing.reason.code == "obs.frozen"


async def test_silent_answers_are_stuck_and_end_when_answers_come(
    held: Supervisor, obs: ObsSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drivers.obs.link.BATCH_WITHIN_S", 0.3)
    monkeypatch.setattr("drivers.obs.supervisor._AGAIN_AFTER_S", {State.STUCK: 0.05})
    obs.studio.faults.drop_answer = "all"
    held.look_again()
    assert await held.until(is_in(State.STUCK), WITHIN_S)
    obs.studio.faults.drop_answer = ""
    assert await held.until(is_in(State.READY), WITHIN_S)


async def test_wrong_password_fails_the_start_and_leaves_nothing() -> None:
    async with simulator(password="right") as obs:
        held = Supervisor("127.0.0.1", obs.port, "wrong")
        with pytest.raises(DeviceRefused):
            await held.start()
        assert held.standing.state is State.AUTH


async def test_nobody_there_fails_the_start() -> None:
    async with simulator() as gone:
        port = gone.port
    with pytest.raises(DeviceUnreachable):
        await Supervisor("127.0.0.1", port, "").start()


async def test_every_change_is_told(obs: ObsSimulator) -> None:
    told: list[State] = []
    held = Supervisor("127.0.0.1", obs.port, "", lambda standing: told.append(standing.state))
    await held.start()
    await held.stop()
    assert told[-3:] == [State.STARTING, State.READY, State.OFF]


async def test_storm_of_events_costs_no_answer(held: Supervisor, obs: ObsSimulator) -> None:
    for number in range(3000):
        obs.studio.emit("InputMuteStateChanged", 1 << 3, {"inputName": "nobody", "inputMuted": number % 2 == 0})
    answer = await held.link.ask("GetCurrentProgramScene")
    assert answer["currentProgramSceneName"] == obs.studio.programme
    await asyncio.sleep(0)


async def test_event_that_comes_during_a_look_is_not_undone_by_it(held: Supervisor, obs: ObsSimulator) -> None:
    obs.studio.faults.slow = 100.0
    looking = asyncio.create_task(held.look())
    await until(lambda: bool(held._looks))
    for name in obs.studio.inputs:
        obs.studio.emit("InputMuteStateChanged", 1 << 3, {"inputName": name, "inputMuted": True})
    await looking  # what it asked was not muted
    assert held.standing.studio is not None
    assert all(source.muted in {True, None} for source in held.standing.studio.sources.values())
    assert any(source.muted for source in held.standing.studio.sources.values())


async def test_nothing_is_asked_while_the_collection_changes(held: Supervisor, obs: ObsSimulator) -> None:
    looked_s = held.standing.looked_s
    obs.studio.emit("CurrentSceneCollectionChanging", 1 << 1, {"sceneCollectionName": "Ruang"})
    obs.studio.emit("InputCreated", 1 << 3, {"inputName": "Baru"})
    assert await held.until(is_in(State.BUSY), WITHIN_S)
    await held.link.ask("GetStats")  # both events were heard by now
    assert held.standing.reason is not None
    assert held.standing.reason.code == "obs.busy"
    assert held.standing.looked_s == looked_s
    obs.studio.emit("CurrentSceneCollectionChanged", 1 << 1, {"sceneCollectionName": "Ruang"})
    assert await held.until(lambda s: s.looked_s > looked_s, WITHIN_S)


async def test_listener_hears_what_it_subscribed_to_and_only_as_long(held: Supervisor, obs: ObsSimulator) -> None:
    meters = 1 << 16
    async with held.listen(meters, "InputVolumeMeters") as heard:
        obs.studio.emit("InputVolumeMeters", meters, {"inputs": []})
        obs.studio.emit("InputActiveStateChanged", meters, {})
        async with asyncio.timeout(WITHIN_S):
            assert (await heard.get()).name == "InputVolumeMeters"
    obs.studio.emit("InputVolumeMeters", meters, {"inputs": []})
    await held.link.ask("GetStats")
    assert heard.empty()


async def test_listener_that_does_not_read_keeps_the_newest(held: Supervisor, obs: ObsSimulator) -> None:
    meters, obs.metering = 1 << 16, False
    async with held.listen(meters, "InputVolumeMeters") as heard:
        for number in range(UNREAD_AT_MOST + 10):
            obs.studio.emit("InputVolumeMeters", meters, {"number": number})
        await until(heard.full)
        await held.link.ask("GetStats")
        assert heard.qsize() == UNREAD_AT_MOST
        assert heard.get_nowait().fields["number"] == 10


async def test_listener_hears_over_the_next_link_too() -> None:
    meters = 1 << 16
    async with simulator() as first:
        held = Supervisor("127.0.0.1", first.port, "")
        await held.start()
        listening = held.listen(meters, "InputVolumeMeters")
        heard = await listening.__aenter__()
        first.crash()
    assert await held.until(lambda s: s.state is not State.READY, WITHIN_S)
    async with simulator(port=first.port) as second:
        assert await held.until(is_in(State.READY), WITHIN_S)
        second.studio.emit("InputVolumeMeters", meters, {})
        async with asyncio.timeout(WITHIN_S):
            assert (await heard.get()).name == "InputVolumeMeters"
        await listening.__aexit__(None, None, None)
        await held.stop()


async def test_every_state_but_ready_says_why(obs: ObsSimulator) -> None:
    told: list[Standing] = []
    held = Supervisor("127.0.0.1", obs.port, "", told.append)
    await held.start()
    obs.freeze()
    assert await held.until(is_in(State.FROZEN), WITHIN_S)
    await held.stop()
    assert {standing.state for standing in told} >= {State.STARTING, State.READY, State.FROZEN, State.OFF}
    assert all((standing.reason is None) is (standing.state is State.READY) for standing in told)
