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
from drivers.obs.supervisor import Standing, State, Supervisor

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


async def test_silent_answers_are_stuck_and_end_when_answers_come(held: Supervisor, obs: ObsSimulator) -> None:
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
        assert held.standing.state is State.OFF


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
