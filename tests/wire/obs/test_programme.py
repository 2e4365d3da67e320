"""Is the picture of what is on air taken once for everybody, and only while somebody looks?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from agent.clock import SystemClock
from agent.programme import OnAir, ProgrammePicture
from drivers.obs.device import ObsStudio
from drivers.obs.sim import ObsSimulator, Studio
from tests.until import until

PASSWORD = "rahasia-sekali"


@asynccontextmanager
async def followed() -> AsyncIterator[tuple[ObsSimulator, ObsStudio, ProgrammePicture]]:
    sim = ObsSimulator(Studio.load(), PASSWORD)
    await sim.start()
    obs = ObsStudio("obs", "127.0.0.1", sim.port, PASSWORD)
    await obs.open()
    picture = ProgrammePicture(obs, SystemClock())
    task = asyncio.create_task(picture.run())
    try:
        yield sim, obs, picture
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await obs.close()
        await sim.stop()


class Counting:
    """A switcher that counts how often it is asked, and how many pictures are in flight."""

    on_air: str | None = "Kamera"

    def __init__(self, takes_s: float = 0.0) -> None:
        self.asked = self.at_once = self.most_at_once = 0
        self.takes_s = takes_s

    async def snapshot(self, source: str, *, width_px: int) -> bytes:
        self.asked += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(self.takes_s)
        self.at_once -= 1
        return f"{source} {width_px} {self.asked}".encode()


async def test_the_picture_is_what_is_on_air_and_changes_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.programme.EVERY_S", 0.02)
    async with followed() as (_, obs, picture):
        assert isinstance(obs, OnAir)
        assert picture.look() is None
        await until(lambda: picture.look() is not None)
        first = picture.look()
        assert first is not None
        assert first.jpeg[:2] == b"\xff\xd8"
        await obs.scene("Kamera")
        await until(lambda: (now := picture.look()) is not None and now.tag != first.tag)


async def test_many_who_look_cost_one_picture_and_none_who_look_cost_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.programme.EVERY_S", 0.02)
    monkeypatch.setattr("agent.programme.LOOKED_AT_FOR_S", 0.1)
    switcher = Counting()
    picture = ProgrammePicture(switcher, SystemClock())
    task = asyncio.create_task(picture.run())
    try:
        await asyncio.sleep(0)
        assert switcher.asked == 0
        for _ in range(50):
            picture.look()
        await until(lambda: switcher.asked >= 2)
        assert switcher.most_at_once == 1
        await until(lambda: not picture.is_busy)
        asked = switcher.asked
        await asyncio.sleep(0.1)
        assert switcher.asked == asked
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_after_a_slow_picture_the_switcher_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.programme.SLOW_S", 0.01)
    switcher = Counting(takes_s=0.02)
    picture = ProgrammePicture(switcher, SystemClock())
    rest_s = await picture.take()
    assert rest_s >= 8 * 0.02
    switcher.on_air = None
    await picture.take()
    assert switcher.asked == 1
