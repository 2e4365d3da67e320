"""Keeper, board and readiness: absent devices are told with their reason, and found again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from agent.board import HealthBoard, Sighting
from agent.clock import SystemClock
from agent.keeper import LOOK_EVERY_S, OPEN_WITHIN_S, RETRY_AT_MOST_S, Keeper
from agent.readiness import assess
from contract.words import Readiness
from drivers.errors import DeviceRefused
from drivers.outcomes import Condition, Health, Measure, Reason, Verdict
from tests.service.agent.fakes import FakeCamera
from tests.until import until


def seen(health: Health | None, *, required: bool = True) -> Sighting:
    return Sighting("camera-1", "camera", required, health)


UNPROVEN = Measure("loop.heard", None, Verdict.UNPROVEN)


@pytest.mark.parametrize(
    ("device", "wanted", "code"),
    [
        (seen(Health(Condition.OK)), Readiness.READY, None),
        (seen(None), Readiness.NOT_READY, "device.not_looked_at"),
        (seen(None, required=False), Readiness.DEGRADED, "device.not_looked_at"),
        (
            seen(Health(Condition.ABSENT, reason=Reason("camera.no_answer", ""))),
            Readiness.NOT_READY,
            "camera.no_answer",
        ),
        (seen(Health(Condition.ABSENT), required=False), Readiness.DEGRADED, "device.absent"),
        (seen(Health(Condition.FAULT)), Readiness.NOT_READY, "device.fault"),
        (seen(Health(Condition.DEGRADED)), Readiness.DEGRADED, "device.degraded"),
        (seen(Health(Condition.OK, (UNPROVEN,))), Readiness.DEGRADED, "device.unproven"),
    ],
)
def test_readiness_is_what_was_measured(device: Sighting, wanted: Readiness, code: str | None) -> None:
    verdict = assess([device])
    assert verdict.readiness is wanted
    assert [reason.code for reason in verdict.reasons] == ([] if code is None else [code])


def test_what_blocks_is_told_first() -> None:
    optional = Sighting("camera-2", "camera", False, Health(Condition.ABSENT))
    verdict = assess([optional, seen(Health(Condition.ABSENT))])
    assert [reason.values["device"] for reason in verdict.reasons] == ["camera-1", "camera-2"]


def test_an_absent_device_is_found_again_within_five_seconds() -> None:
    assert RETRY_AT_MOST_S + OPEN_WITHIN_S <= 5.0
    assert LOOK_EVERY_S <= 2.0


class Watched:
    """A camera with its keeper and everything the board said."""

    def __init__(self) -> None:
        self.camera = FakeCamera("camera-1")
        self.board = HealthBoard([Sighting("camera-1", "camera", True)], SystemClock())
        self.changes: list[tuple[Condition | None, Condition | None]] = []
        self.board.subscribe(lambda before, after: self.changes.append((before.condition, after.condition)))
        self.keeper = Keeper(self.camera, self.board, look_every_s=0.01)

    @property
    def condition(self) -> Condition | None:
        return self.board.devices["camera-1"].condition


@pytest.fixture
async def watched() -> AsyncIterator[Watched]:
    watched = Watched()
    task = asyncio.create_task(watched.keeper.run())
    yield watched
    task.cancel()
    await asyncio.wait({task})


async def test_a_camera_that_goes_and_comes_is_told_once_each_time(watched: Watched) -> None:
    await until(lambda: watched.condition is Condition.OK)
    watched.camera.is_there = False
    await until(lambda: watched.condition is Condition.ABSENT)
    looked = watched.board.devices["camera-1"].looked_at
    await until(lambda: watched.board.devices["camera-1"].looked_at != looked)
    watched.camera.is_there = True
    await until(lambda: watched.condition is Condition.OK)
    ok, absent = Condition.OK, Condition.ABSENT
    assert watched.changes == [(None, ok), (ok, absent), (absent, ok)]


async def test_a_recheck_asks_the_hardware_now(watched: Watched) -> None:
    await until(lambda: watched.condition is Condition.OK)
    watched.camera.is_there = False
    await watched.keeper.look()
    assert watched.condition is Condition.ABSENT


def test_a_refusing_device_is_a_fault_and_keeps_its_reason() -> None:
    board = HealthBoard([Sighting("obs", "switcher", True)], SystemClock())
    board.post("obs", DeviceRefused(Reason("obs.wrong_password", "obs: wrong password")))
    health = board.devices["obs"].health
    assert health is not None
    assert (health.condition, health.reason and health.reason.code) == (Condition.FAULT, "obs.wrong_password")


def test_since_is_kept_while_the_condition_is() -> None:
    board = HealthBoard([Sighting("obs", "switcher", True)], SystemClock())
    board.post("obs", Health(Condition.OK))
    first = board.devices["obs"].since
    board.post("obs", Health(Condition.OK, (Measure("rtt_ms", 3, Verdict.PASS, "ms"),)))
    assert board.devices["obs"].since == first
