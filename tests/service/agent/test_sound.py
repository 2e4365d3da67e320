"""The room's sound as its agent keeps it, on the modelled room over a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from agent.soundwatch import SoundAlarm
from contract.words import EntryKind, Phase, StepOutcome
from drivers.audio.model import MICROPHONE, SPEAKER
from tests.service.agent.soundhouse import SoundHouse, sound_house
from tests.until import until


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[SoundHouse]:
    async with sound_house(tmp_path) as house, house.alive():
        yield house


async def go_live(house: SoundHouse) -> None:
    house.plan(start_in=timedelta(seconds=-1))
    await until(lambda: house.engine.course("s-1").is_set_live)
    assert not house.air.muted[MICROPHONE]


def alarms(house: SoundHouse) -> list[tuple[object, object]]:
    return [(entry.body["alarm"], entry.body["raised"]) for entry in house.entries(EntryKind.DEVICE_ALARM)]


def ends(house: SoundHouse, verb: str) -> list[tuple[str | None, str]]:
    """Return how the steps of `verb` ended, and why."""
    found = []
    for entry in house.entries(EntryKind.STEP_ENDED):
        reason = entry.body.get("reason")
        if entry.body["verb"] == verb:
            found.append((entry.outcome, str(reason["code"]) if isinstance(reason, dict) else ""))
    return found


# Alarms.


def talk(house: SoundHouse) -> None:
    house.server.fault("talker", "-25")
    house.server.fault("pauses", "no")


AMISS: dict[SoundAlarm, tuple[Callable[[SoundHouse], None], Callable[[SoundHouse], None]]] = {
    SoundAlarm.HOWL: (lambda h: h.server.fault("howl", "2400"), lambda h: h.server.fault("howl", "off")),
    SoundAlarm.CLIPPING: (lambda h: h.server.fault("talker", "8"), lambda h: h.server.fault("talker", "-25")),
    SoundAlarm.GONE: (
        lambda h: h.server.fault("microphone", "unplugged"),
        lambda h: h.server.fault("microphone", "ok"),
    ),
    SoundAlarm.MUTED: (lambda h: h.server.fault("microphone", "muted"), lambda h: h.server.fault("microphone", "ok")),
    SoundAlarm.SILENCE: (lambda h: h.server.fault("talker", "off"), talk),
}


@pytest.mark.parametrize("alarm", AMISS)
async def test_an_alarm_of_a_live_room_is_told_once_ends_once_and_leads_to_no_command_at_all(
    house: SoundHouse, alarm: SoundAlarm
) -> None:
    talk(house)
    await go_live(house)
    told, camera = list(house.tap.told), list(house.camera.told)
    runs = len(house.entries(EntryKind.PRESET_STARTED))
    begin, end = AMISS[alarm]
    begin(house)
    await until(lambda: (alarm, True) in alarms(house), within_s=40)
    open_now = {alert.alarm for alert in house.tablet.view().alarms}
    assert alarm in open_now
    end(house)
    await until(lambda: (alarm, False) in alarms(house), within_s=40)
    assert [alarms(house).count((alarm, raised)) for raised in (True, False)] == [1, 1]
    assert house.tap.told == told
    assert house.camera.told == camera
    assert len(house.entries(EntryKind.PRESET_STARTED)) == runs
    assert house.phase() is Phase.LIVE


async def test_a_quiet_idle_room_raises_nothing(house: SoundHouse) -> None:
    house.server.fault("microphone", "dead")
    await until(lambda: house.desk.meter.newest() is not None)
    await asyncio.sleep(3)
    assert alarms(house) == []


# Gain.


@pytest.mark.parametrize(("from_db", "to_db", "good"), [(-10, -4, True), (-10, 0, False), (0, -40, True)])
async def test_no_gain_jumps_up_while_a_session_is_live(
    house: SoundHouse, from_db: float, to_db: float, good: bool
) -> None:
    await go_live(house)
    house.air.gain_db[MICROPHONE] = from_db
    await house.tablet.gain(MICROPHONE, to_db, who="tablet-1")
    await until(lambda: len(ends(house, "gain")) == 1)
    wanted = (StepOutcome.VERIFIED, "") if good else (StepOutcome.REFUSED, "sound.too_big_a_step")
    assert ends(house, "gain") == [wanted]
    assert house.air.gain_db[MICROPHONE] == (to_db if good else from_db)


async def test_a_preset_may_set_any_gain_before_a_session_and_only_a_step_up_in_it(house: SoundHouse) -> None:
    house.air.gain_db[SPEAKER] = -30
    await house.tablet.run_preset("keras", who="central: boss")
    await until(lambda: house.air.gain_db[SPEAKER] == 0)
    house.air.gain_db[SPEAKER] = -30
    await go_live(house)
    run = house.engine.presses.press("keras", cause="command", who="central")
    await until(lambda: run.is_over)
    assert not run.is_good
    assert house.air.gain_db[SPEAKER] == -30
    assert ends(house, "gain")[-1] == (StepOutcome.REFUSED, "sound.too_big_a_step")


# Mute all.


def all_muted(house: SoundHouse) -> bool:
    return house.air.muted == {MICROPHONE: True, SPEAKER: True}


async def test_one_touch_mutes_everything_and_shows_what_was_read_back(house: SoundHouse) -> None:
    await go_live(house)
    await house.tablet.mute_all(who="tablet-1")
    await until(lambda: house.tablet.view().silenced)
    assert all_muted(house)
    assert house.tablet.view().muted == {MICROPHONE: True, SPEAKER: True}
    assert house.mixer.muted == {"podium": True, "lantai": True}
    await until(lambda: house.tablet.view().all_muted)
    house.mixer.muted["podium"] = False  # somebody at the desk
    await until(lambda: not house.tablet.view().all_muted)
    await house.tablet.mute(MICROPHONE, False, who="tablet-1")
    await until(lambda: not house.tablet.view().silenced)
    assert house.air.muted == {MICROPHONE: False, SPEAKER: True}


async def test_what_runs_when_everything_is_muted_opens_nothing_afterwards(house: SoundHouse) -> None:
    await go_live(house)
    house.camera.go.clear()
    await house.tablet.run_preset("buka", who="tablet-1")
    await until(house.camera.began.is_set)
    await house.tablet.mute_all(who="tablet-1")
    await until(partial(all_muted, house))
    house.camera.go.set()
    await until(lambda: house.engine.runs.latest["buka"].is_over)
    assert all_muted(house)
    assert ends(house, "mute")[-1] == (StepOutcome.SKIPPED, "sound.muted_all")
    await house.tablet.run_preset("buka", who="tablet-1")  # a new press is a new word
    await until(lambda: not house.air.muted[MICROPHONE])


async def test_neither_the_safe_preset_nor_a_cancel_takes_it_back(house: SoundHouse) -> None:
    await house.tablet.mute_all(who="tablet-1")
    await house.tablet.run_preset("aman", who="tablet-1")
    house.engine.runs.cancel(None)
    await until(lambda: house.tablet.view().silenced)
    assert all_muted(house)


async def test_everything_is_muted_also_while_the_sound_worker_is_being_replaced(house: SoundHouse) -> None:
    await go_live(house)
    house.server.hang_up()
    await house.tablet.mute_all(who="tablet-1")
    await until(lambda: house.tablet.view().silenced, within_s=15)
    assert all_muted(house)


async def test_mute_and_gain_without_a_retry_wait_for_the_worker_that_replaces_a_lost_one(house: SoundHouse) -> None:
    house.server.hang_up()
    runs = [house.engine.presses.press(preset, cause="command", who="central") for preset in ("keras", "buka")]
    await until(lambda: all(run.is_over for run in runs), within_s=20)
    assert [run.failed for run in runs] == [None, None]
    assert (house.air.gain_db[SPEAKER], house.air.muted[MICROPHONE]) == (0, False)


async def test_that_everything_is_muted_outlives_the_process(tmp_path: Path) -> None:
    async with sound_house(tmp_path) as house:
        async with house.alive():
            await house.tablet.mute_all(who="tablet-1")
            await until(lambda: house.tablet.view().silenced)
        async with house.alive():
            assert house.tablet.view().silenced
