"""Pictures of presets: taken of what was proven, kept over restarts, never of a live session."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agent import pictures
from agent.pictures import LARGEST_BYTES, PresetPictures
from drivers.errors import DeviceUnreachable
from drivers.outcomes import Reason
from tests.until import until

PRESETS = ("siap", "podium")


class Switcher:
    """Gives a picture of what is on air."""

    def __init__(self) -> None:
        self.on_air: str | None = "Kamera"
        self.jpeg = b"\xff\xd8 one"
        self.away = False
        self.asked: list[str] = []

    async def snapshot(self, source: str, *, width_px: int) -> bytes:
        del width_px
        self.asked.append(source)
        if self.away:
            raise DeviceUnreachable(Reason("obs.off", "it is off"))
        return self.jpeg


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "AFTER_S", 0.0)


@asynccontextmanager
async def taking(
    folder: Path, switcher: Switcher, *, live: Iterable[object] = (), presets: Iterable[str] = PRESETS
) -> AsyncIterator[PresetPictures]:
    kept = PresetPictures(folder, presets, switcher, may_keep=lambda: not live)
    running = asyncio.create_task(kept.run())
    yield kept
    running.cancel()
    await asyncio.wait({running})


async def test_a_proven_preset_is_pictured_and_the_page_told(tmp_path: Path) -> None:
    told: list[bool] = []
    async with taking(tmp_path / "p", switcher := Switcher()) as kept:
        kept.subscribe(lambda: told.append(True))
        kept.proven("siap")
        await until(lambda: bool(told))
        shot = kept.shot("siap")
        assert shot is not None
        assert (shot.jpeg, kept.tags()) == (switcher.jpeg, {"siap": shot.tag})
        assert switcher.asked == ["Kamera"]


async def test_a_picture_outlives_the_agent_and_goes_with_its_preset(tmp_path: Path) -> None:
    async with taking(tmp_path, switcher := Switcher()) as kept:
        kept.proven("podium")
        await until(lambda: "podium" in kept.tags())
    (tmp_path / "podium.half").write_bytes(b"cut off by the power")
    async with taking(tmp_path, switcher) as kept:
        shot = kept.shot("podium")
        assert shot is not None
        assert shot.jpeg == switcher.jpeg
    async with taking(tmp_path, switcher, presets=("siap",)) as kept:
        assert kept.tags() == {}
    assert await asyncio.to_thread(lambda: list(tmp_path.iterdir())) == []


@pytest.mark.parametrize("trouble", ["live", "away", "nothing on air", "too large", "unknown"])
async def test_what_cannot_or_must_not_be_kept_leaves_the_earlier_picture(tmp_path: Path, trouble: str) -> None:
    live: list[object] = []
    async with taking(tmp_path, switcher := Switcher(), live=live) as kept:
        kept.proven("siap")
        await until(lambda: "siap" in kept.tags())
        before = kept.tags()
        switcher.jpeg = b"\xff\xd8 two" if trouble != "too large" else b"x" * (LARGEST_BYTES + 1)
        switcher.away = trouble == "away"
        switcher.on_air = None if trouble == "nothing on air" else "Kamera"
        live += ["a session"] if trouble == "live" else []
        kept.proven("rahasia" if trouble == "unknown" else "siap")
        for _ in range(20):
            await asyncio.sleep(0)
        assert kept.tags() == before
        live.clear()
        switcher.away, switcher.on_air, switcher.jpeg = False, "Kamera", b"\xff\xd8 three"
        kept.proven("siap")
        await until(lambda: kept.tags() != before)
