"""`siaga device` on a modelled room: every verb, what a fault ends in, and mistakes found before the link opens."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from drivers import DeviceAddress, Outcome
from drivers.audio.sim import Room, RoomServer
from siaga.camera import UsageError
from siaga.device import Answer, ask, verbs_of

NOWHERE = DeviceAddress.parse("audio+model://127.0.0.1:1")


@pytest.fixture
def room() -> Room:
    return Room()


@pytest.fixture
def address(room: Room) -> Iterator[DeviceAddress]:
    server = RoomServer(room, speed=4.0)
    server.start()
    yield DeviceAddress.parse(server.address)
    server.close()


async def told(address: DeviceAddress, words: str) -> Answer:
    return await ask(address, words.split(), None)


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("inventory", "microphone"),
        ("levels --for 0.5", "rms_dbfs"),
        ("check", "loop.heard"),
        ("health", "measures"),
        ("mute microphone on", "muted"),
        ("mute-all", "open"),
        ("gain speaker -6", "gain_db"),
        ("gain speaker -12 on", "gain_db"),
        ("default microphone", "default"),
    ],
)
async def test_each_verb_is_done_and_read_back(address: DeviceAddress, words: str, name: str) -> None:
    answer = await told(address, words)
    assert answer.outcome is Outcome.COMPLETED
    assert answer.good
    assert name in answer.read_back
    assert answer.lines()


def test_the_verbs_are_listed_as_they_are_written() -> None:
    listed = verbs_of(NOWHERE)
    assert {"levels --for SECONDS", "mute PORT on|off", "gain PORT DB [CAREFUL:on|off]", "check"} <= set(listed)


async def test_levels_tell_how_loud_it_was_and_what_was_wrong(address: DeviceAddress, room: Room) -> None:
    room.fault("howl", "2400")
    levels = (await told(address, "levels --for 1.5")).read_back
    assert levels["rms_dbfs"] == pytest.approx(-17, abs=1)
    assert levels["flags"] == ["howl"]
    assert isinstance(blocks := levels["blocks"], int)
    assert blocks > 20


async def test_a_check_that_finds_a_fault_is_complete_and_not_good(address: DeviceAddress, room: Room) -> None:
    room.fault("path", "cut")
    answer = await told(address, "check")
    assert (answer.outcome, answer.good) == (Outcome.COMPLETED, False)
    assert any("fail  loop.heard" in line for line in answer.lines())


async def test_a_careful_gain_that_goes_too_far_is_refused(address: DeviceAddress) -> None:
    await told(address, "gain speaker -20")
    answer = await told(address, "gain speaker -10 on")
    assert (answer.outcome, answer.good) == (Outcome.REFUSED, False)
    assert "6 dB" in answer.error


@pytest.mark.parametrize(
    "words",
    [
        "levels",
        "levels --for",
        "levels --for nan",
        "levels --for -1",
        "levels --for 0",
        "levels --for 99999",
        "inventory all",
        "gain speaker",
        "gain speaker loud",
        "gain line 3",
        "mute speaker maybe",
        "scene Kamera",
    ],
)
async def test_a_mistake_is_found_before_the_link_opens(words: str) -> None:
    with pytest.raises(UsageError):
        await told(NOWHERE, words)
