"""Every make of mixer behaves alike behind the port `Mixer`."""

from __future__ import annotations

import asyncio

import pytest

from drivers import Condition, Outcome
from drivers.errors import (
    CommandSuperseded,
    DeviceRefused,
    DeviceUnreachable,
    DriverError,
    OutcomeUnknown,
    ProtocolViolation,
)
from drivers.mixer.desk import Desk
from drivers.ports import Mixer, Strip
from tests.until import until
from tests.wire.mixer.mixers import Bench


async def test_it_opens_says_who_it_is_and_how_each_channel_is_set(desk: Desk) -> None:
    assert isinstance(desk, Mixer)
    await desk.open()
    health = await desk.check()
    names = [measure.name for measure in health.measures]
    assert health.condition is Condition.OK
    assert {"mixer.model", "mixer.answers", "mixer.muted.meja", "mixer.gain_db.pembicara"} <= set(names)
    assert [strip.name for strip in await desk.strips()] == ["meja", "pembicara"]


async def test_a_mute_is_done_read_back_and_may_be_asked_for_twice(bench: Bench, desk: Desk) -> None:
    await desk.open()
    for on in (True, True, False):
        result = await desk.mute("meja", on)
        assert (result.outcome, result.read_back) == (Outcome.COMPLETED, {"muted": on})
        assert bench.is_muted(bench.first) is on
        assert (await desk.strip("meja")).muted is on
    assert not bench.is_muted(bench.second)


@pytest.mark.parametrize("db", [-60.0, -20.0, -3.5, 0.0, 6.0])
async def test_a_gain_is_in_decibels_and_read_back(bench: Bench, desk: Desk, db: float) -> None:
    await desk.open()
    result = await desk.gain(bench.first, db)  # a place serves as well as a name
    assert result.outcome is Outcome.COMPLETED
    assert bench.gain_of(bench.first) == pytest.approx(db, abs=0.3)
    assert result.read_back["gain_db"] == pytest.approx(db, abs=0.3)


async def test_a_careful_gain_goes_up_six_decibels_at_most(bench: Bench, desk: Desk) -> None:
    await desk.open()
    await desk.gain("meja", -20.0)
    with pytest.raises(DeviceRefused, match="6 dB") as refused:
        await desk.gain("meja", -10.0, careful=True)
    assert refused.value.reason.code == "mixer.too_big_a_step"
    assert bench.gain_of(bench.first) == pytest.approx(-20.0, abs=0.3)
    await desk.gain("meja", -14.0, careful=True)
    await desk.gain("meja", -60.0, careful=True)
    assert bench.gain_of(bench.first) == pytest.approx(-60.0, abs=0.3)


@pytest.mark.parametrize("db", [-200.0, 40.0, float("nan"), float("inf")])
async def test_a_gain_outside_the_range_is_a_mistake_and_nothing_is_sent(bench: Bench, desk: Desk, db: float) -> None:
    await desk.open()
    before = bench.gain_of(bench.first)
    with pytest.raises(ValueError, match="gain"):
        await desk.gain("meja", db)
    assert bench.gain_of(bench.first) == before


async def test_a_channel_that_cannot_be_is_a_mistake(desk: Desk) -> None:
    await desk.open()
    with pytest.raises(ValueError, match="written"):
        await desk.mute("no such\nchannel", on=True)


async def test_mute_all_mutes_every_channel_of_the_room(bench: Bench, desk: Desk) -> None:
    await desk.open()
    result = await desk.mute_all()
    assert (result.outcome, result.read_back) == (Outcome.COMPLETED, {"muted": True, "channels": 2})
    assert bench.is_muted(bench.first)
    assert bench.is_muted(bench.second)


async def test_mute_all_overtakes_what_waits_and_nothing_opens_afterwards(bench: Bench, desk: Desk) -> None:
    await desk.open()
    await desk.mute_all()
    bench.sim.faults.slow = 40
    waiting = [asyncio.create_task(desk.mute(name, on=False)) for name in ("meja", "pembicara", "meja")]
    waiting.append(asyncio.create_task(desk.gain("pembicara", 3.0)))
    await asyncio.sleep(0)
    result = await desk.mute_all()
    ends = await asyncio.gather(*waiting, return_exceptions=True)
    assert result.outcome is Outcome.COMPLETED
    assert all(isinstance(end, CommandSuperseded) for end in ends)
    assert bench.is_muted(bench.first)
    assert bench.is_muted(bench.second)


async def test_a_mute_that_is_only_acknowledged_is_unknown(bench: Bench, desk: Desk) -> None:
    await desk.open()
    bench.sim.faults.wrong_mute = True
    with pytest.raises(OutcomeUnknown, match="meja muted True") as unknown:
        await desk.mute("meja", on=True)
    assert unknown.value.reason.code == "mixer.not_taken"
    with pytest.raises(OutcomeUnknown, match="meja, pembicara"):
        await desk.mute_all()
    bench.sim.faults.wrong_mute = False
    assert (await desk.mute("meja", on=True)).outcome is Outcome.COMPLETED


async def test_a_link_that_is_gone_is_unreachable_and_comes_back(bench: Bench, desk: Desk) -> None:
    await desk.open()
    bench.sim.faults.drop = True
    with pytest.raises(DeviceUnreachable):
        await desk.check()
    with pytest.raises(DeviceUnreachable):
        await desk.mute("meja", on=True)
    with pytest.raises(DeviceUnreachable):
        await desk.open()
    assert not bench.is_muted(bench.first)
    bench.sim.faults.drop = False
    await desk.open()
    assert (await desk.mute("meja", on=True)).outcome is Outcome.COMPLETED


async def test_after_a_link_that_was_gone_changes_are_told_again(bench: Bench, desk: Desk) -> None:
    told: list[Strip] = []
    desk.on_changed = told.append
    await desk.open()
    bench.sim.faults.drop = True
    with pytest.raises(DeviceUnreachable):
        await desk.check()
    bench.sim.faults.drop = False
    await desk.open()
    told.clear()
    bench.somebody_mutes(bench.second)
    await until(lambda: bool(told))
    assert (told[0].name, told[0].muted) == ("pembicara", True)


async def test_a_link_that_goes_under_a_command_never_reads_completed(bench: Bench, desk: Desk) -> None:
    await desk.open()
    bench.sim.faults.drop = True
    with pytest.raises((OutcomeUnknown, DeviceUnreachable)):
        await desk.mute("meja", on=True)


async def test_half_an_answer_is_none(bench: Bench, desk: Desk) -> None:
    await desk.open()
    bench.sim.faults.half_line = True
    with pytest.raises((OutcomeUnknown, DeviceUnreachable, ProtocolViolation)):
        await desk.mute("meja", on=True)
    bench.sim.faults.half_line = False
    await desk.open()
    assert (await desk.mute("meja", on=True)).outcome is Outcome.COMPLETED


async def test_a_slow_mixer_is_waited_for_and_degraded(bench: Bench, desk: Desk) -> None:
    await desk.open()
    bench.sim.faults.slow = 220
    health = await desk.check()
    assert health.condition is Condition.DEGRADED
    assert health.reason is not None
    assert health.reason.code == "mixer.slow"


async def test_a_hand_on_the_mixer_is_told_without_asking(bench: Bench, desk: Desk) -> None:
    told: list[Strip] = []
    desk.on_changed = told.append
    await desk.open()
    bench.somebody_mutes(bench.second)
    await until(lambda: bool(told))
    assert (told[0].name, told[0].muted) == ("pembicara", True)


async def test_a_closed_mixer_is_unreachable_and_may_be_closed_twice(desk: Desk) -> None:
    await desk.close()
    with pytest.raises(DeviceUnreachable):
        await desk.mute("meja", on=True)
    await desk.open()
    await desk.close()
    await desk.close()
    with pytest.raises(DriverError):
        await desk.strips()
