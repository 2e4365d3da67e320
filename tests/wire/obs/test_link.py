"""The link against a simulated OBS with every fault of the wire, and how the supervisor takes them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from drivers.errors import DeviceRefused, DeviceUnreachable, DriverError, OutcomeUnknown
from drivers.obs import link as link_module
from drivers.obs import supervisor as supervisor_module
from drivers.obs.device import ObsStudio
from drivers.obs.link import ObsLink
from drivers.obs.model import Call, Event
from drivers.obs.sim.server import ObsSimulator
from drivers.obs.sim.studio import Faults, Studio
from drivers.obs.supervisor import State, Supervisor
from drivers.outcomes import Reason
from tests.until import until

PASSWORD = "rahasia-sekali"
WITHIN_S = 5.0


@asynccontextmanager
async def simulator(faults: Faults | None = None, *, password: str = "") -> AsyncIterator[ObsSimulator]:
    running = ObsSimulator(Studio.load(faults=faults), password)
    await running.start()
    try:
        yield running
    finally:
        await running.stop()


@asynccontextmanager
async def linked(faults: Faults | None = None, *, events: int = 0) -> AsyncIterator[tuple[ObsSimulator, ObsLink]]:
    async with simulator(faults) as sim:
        heard: list[Event] = []
        link = await ObsLink.connect("127.0.0.1", sim.port, None, events=events, heard=heard.append, idle_s=0.5)
        try:
            yield sim, link
        finally:
            await link.close()


@asynccontextmanager
async def supervised(faults: Faults | None = None) -> AsyncIterator[tuple[ObsSimulator, Supervisor]]:
    async with simulator(faults) as sim:
        held = Supervisor("127.0.0.1", sim.port, "")
        await held.start()
        try:
            yield sim, held
        finally:
            await held.stop()


# Answers.


@pytest.mark.parametrize(
    "faults",
    [Faults(duplicate=True), Faults(wrong_id=True), Faults(newer=True), Faults(one_byte=True), Faults(reorder=True),
     Faults(workers=2), Faults(storm=500)],
    ids=["duplicate", "wrong id", "newer", "one byte", "reorder", "workers", "storm"],
)  # fmt: skip
async def test_each_question_gets_its_own_answer_whatever_the_wire_does(faults: Faults) -> None:
    async with linked(faults, events=(1 << 11) - 1) as (_, link):
        asked = {"GetVersion": "obsVersion", "GetRecordStatus": "outputTimecode", "GetSceneList": "scenes"}
        answers = await asyncio.gather(*(link.ask(name) for name in asked for _ in range(5)))
        wanted = [field for field in asked.values() for _ in range(5)]
        assert all(field in answer for field, answer in zip(wanted, answers, strict=True))


async def test_answer_of_megabytes_comes_whole() -> None:
    async with linked(Faults(big=4_000_000)) as (sim, link):
        asked = {"sourceName": sim.studio.programme, "imageFormat": "jpg"}
        answer = await link.question(Call("GetSourceScreenshot", asked), within_s=10.0)
        assert len(str(answer["imageData"])) >= 4_000_000


async def test_more_than_the_cap_wait_for_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    async with linked(Faults(slow=5.0, workers=2)) as (_, link):
        most = 0
        send = link._send

        def counting(message: dict[str, object], what: str) -> None:
            nonlocal most
            send(message, what)
            most = max(most, len(link._pending) + 1)

        monkeypatch.setattr(link, "_send", counting)
        answers = await asyncio.gather(*(link.ask("GetStats") for _ in range(3 * link_module.IN_FLIGHT_AT_MOST)))
        assert len(answers) == 3 * link_module.IN_FLIGHT_AT_MOST
        assert most == link_module.IN_FLIGHT_AT_MOST


async def test_what_found_no_place_in_time_was_not_sent() -> None:
    async with linked(Faults(drop_answer="all")) as (sim, link):
        waiting = [asyncio.create_task(link.ask("GetStats")) for _ in range(link_module.IN_FLIGHT_AT_MOST)]
        await until(lambda: len(link._pending) == link_module.IN_FLIGHT_AT_MOST)
        with pytest.raises(DeviceUnreachable, match="not sent") as caught:
            await link.command(Call("SetCurrentProgramScene", {"sceneName": "Kamera"}), within_s=0.1)
        assert caught.value.reason.code == "obs.stuck"
        assert sim.studio.programme != "Kamera"
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def test_batch_answers_in_order_and_a_refusal_is_a_reply() -> None:
    async with linked() as (_, link):
        version, refused, stats = await link.ask_all([Call("GetVersion"), Call("Nonsense"), Call("GetStats")])
        assert (version.code, refused.code, stats.code) == (100, 204, 100)


async def test_subscriptions_change_over_the_same_socket_and_one_at_a_time() -> None:
    async with simulator() as sim:
        heard: list[Event] = []
        link = await ObsLink.connect("127.0.0.1", sim.port, None, heard=heard.append)
        sim.studio.mute("Mikrofon", True)
        await link.ask("GetStats")
        assert heard == []
        await asyncio.gather(*(link.subscribe(events) for events in (1, 2, 4, 8)))
        sim.studio.mute("Mikrofon", False)
        await until(lambda: [event.name for event in heard] == ["InputMuteStateChanged"])
        await link.close()


async def test_text_that_is_no_message_ends_the_link_and_is_named() -> None:
    async with linked(Faults(garbage=True)) as (_, link):
        with pytest.raises(DeviceUnreachable):
            await link.ask("GetStats")
        assert link.lost is not None
        assert link.lost.code == "obs.bad_answer"


# Ends.


@pytest.mark.parametrize(
    ("close", "code"),
    [(4009, "obs.wrong_password"), (4010, "obs.rpc_version"), (4011, "obs.kicked"), (1001, "obs.quit"),
     (4002, "obs.lost")],
)  # fmt: skip
async def test_whoever_is_turned_away_knows_why(close: int, code: str) -> None:
    async with simulator(Faults(close=close)) as sim:
        with pytest.raises(DriverError) as caught:
            await ObsLink.connect("127.0.0.1", sim.port, None)
        assert caught.value.reason.code == code


async def test_connection_that_goes_silent_is_found_by_ping() -> None:
    async with linked() as (sim, link):
        asked = asyncio.create_task(link.ask("GetStats"))
        sim.freeze()
        await until(lambda: link.lost is not None)
        assert link.lost is not None
        assert link.lost.code == "obs.frozen"
        await asyncio.gather(asked, return_exceptions=True)


async def test_everything_pending_fails_with_the_loss() -> None:
    async with linked(Faults(drop_answer="all")) as (sim, link):
        calls = asyncio.gather(
            link.ask("GetStats"), link.ask_all([Call("GetStats")]), link.tell("StartRecord"), return_exceptions=True
        )
        await until(lambda: len(link._pending) == 3)
        sim.crash()
        async with asyncio.timeout(1.0):
            ends = await calls
        assert [type(end) for end in ends] == [DeviceUnreachable, DeviceUnreachable, OutcomeUnknown]


async def test_password_is_gone_once_it_was_needed() -> None:
    async with simulator(password=PASSWORD) as sim:
        link = await ObsLink.connect("127.0.0.1", sim.port, PASSWORD)
        assert PASSWORD not in repr(vars(link)) + repr(link._client)
        await link.close()


# What the supervisor makes of it.


@pytest.mark.parametrize(
    ("close", "state", "mended_by_a_person"),
    [(4009, State.AUTH, True), (4010, State.VERSION, True), (4011, State.OFF, True), (4002, State.OFF, False)],
)
async def test_what_only_a_person_mends_is_tried_seldom(close: int, state: State, mended_by_a_person: bool) -> None:
    async with simulator(Faults(close=close)) as sim:
        held = Supervisor("127.0.0.1", sim.port, "")
        with pytest.raises(DriverError) as caught:
            await held.start()
        assert held.standing.state is state
        assert held.standing.reason == caught.value.reason
        pause_s = held._pause_s(caught.value)
        assert (pause_s == supervisor_module.RETRY_MENDED_S) is mended_by_a_person
        await held.stop()


@pytest.mark.parametrize(("host", "at_most"), [("127.0.0.1", 1.0), ("192.0.2.7", 10.0)])
async def test_retries_grow_to_a_limit_that_is_short_on_this_machine(host: str, at_most: float) -> None:
    held = Supervisor(host, 4455, "")
    lost = DeviceUnreachable(Reason("obs.lost", "gone"))
    pauses = [held._pause_s(lost) for _ in range(20)]
    assert 0.07 <= pauses[0] <= 0.13
    assert max(pauses) <= at_most
    assert min(pauses[-5:]) >= 0.7 * at_most


async def test_obs_that_is_not_ready_yet_is_waited_for() -> None:
    async with supervised(Faults(not_ready_ms=400.0)) as (_, held):
        assert held.standing.state is State.READY


async def test_obs_that_does_not_get_ready_is_called_starting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor_module, "STARTING_AT_MOST_S", 0.2)
    async with simulator(Faults(not_ready_ms=60_000.0)) as sim:
        held = Supervisor("127.0.0.1", sim.port, "")
        with pytest.raises(DeviceRefused) as caught:
            await held.start()
        assert caught.value.reason.code == "obs.starting"
        assert held.standing.state is State.STARTING


async def test_look_every_while_mends_what_no_event_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor_module, "SNAPSHOT_EVERY_S", 0.05)
    async with supervised(Faults(lost_events="all")) as (sim, held):
        await sim.studio.switch("Hitam")
        assert await held.until(lambda s: s.studio is not None and s.studio.programme == "Hitam", WITHIN_S)


async def test_open_connection_that_goes_silent_is_replaced() -> None:
    async with supervised() as (sim, held):
        before = held.link
        sim.cut()
        assert await held.until(lambda s: s.state is not State.READY, WITHIN_S)
        assert await held.until(lambda s: s.state is State.READY, WITHIN_S)
        assert held.link is not before


async def test_collection_change_ends_in_the_new_picture() -> None:
    async with supervised(Faults(collection_gap_ms=200.0)) as (sim, held):
        await held.link.tell("SetCurrentSceneCollection", sceneCollectionName="Aula")
        wanted = tuple(sim.studio.collections["Aula"].scenes)
        assert await held.until(
            lambda s: s.state is State.READY and s.studio is not None and s.studio.scenes == wanted, WITHIN_S
        )


@pytest.mark.parametrize(
    "faults",
    [Faults(lost_events="all"), Faults(coalesce=True), Faults(workers=2)],
    ids=["no events", "merged events", "few workers"],
)
async def test_verbs_do_not_depend_on_events(faults: Faults) -> None:
    async with simulator(faults) as sim:
        obs = ObsStudio("obs", "127.0.0.1", sim.port, None)
        await obs.open()
        for name in ("Kamera", "Jeda"):
            await obs.scene(name)
            assert sim.studio.programme == name
        for on in (True, False):
            await obs.record(on)
            assert sim.studio.recording is on
        await obs.close()
