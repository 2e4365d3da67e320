"""Pictures of presets: what was on air when each was last proven, shown on its button.

A picture is taken shortly after a run of a preset that ended well, and only while no session
is live: what a session shows is nobody's to keep here. Pictures are files beside the
journal, one for each preset of the room file, written whole or not at all.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

from agent.programme import WIDTH_PX, OnAir, Shot
from drivers.errors import DriverError

log = logging.getLogger(__name__)

AFTER_S = 0.7
"""A transition has ended, and a camera's picture stands."""
LARGEST_BYTES = 200_000
SUFFIX = ".jpg"


class PresetPictures:
    """Takes and keeps them; `run` does the taking, one at a time."""

    def __init__(self, folder: Path, presets: Iterable[str], switcher: OnAir, *, may_keep: Callable[[], bool]) -> None:
        self._folder = folder
        self._presets = frozenset(presets)
        self._switcher = switcher
        self._may_keep = may_keep
        self._wanted: str | None = None
        self._asked = asyncio.Event()
        self._listeners: list[Callable[[], None]] = []
        self._shots = self._read()

    def shot(self, preset: str) -> Shot | None:
        """Return the picture of a preset."""
        return self._shots.get(preset)

    def tags(self) -> dict[str, str]:
        """Return which pictures there are, each with what tells it from an earlier one."""
        return {preset: shot.tag for preset, shot in self._shots.items()}

    def subscribe(self, changed: Callable[[], None]) -> None:
        """Call `changed` whenever there is a new picture."""
        self._listeners.append(changed)

    def proven(self, preset: str) -> None:
        """Have a picture taken of what a preset has just made; a newer preset takes its turn."""
        if preset in self._presets:
            self._wanted = preset
            self._asked.set()

    async def run(self) -> None:
        """Take what is wanted, until cancelled."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            await asyncio.sleep(AFTER_S)
            if not self._asked.is_set() and self._wanted is not None and self._may_keep():
                await self._take(self._wanted)

    async def _take(self, preset: str) -> None:
        """Take and keep one; a switcher or a disk that will not leaves the earlier one."""
        scene = self._switcher.on_air
        if scene is None:
            return
        try:
            jpeg = await self._switcher.snapshot(scene, width_px=WIDTH_PX)
            if not jpeg or len(jpeg) > LARGEST_BYTES or self._asked.is_set() or not self._may_keep():
                return
            self._write(preset, jpeg)
        except (DriverError, OSError) as error:
            log.info("no picture of the preset: %s", error, extra={"action": "picture", "preset": preset})
            return
        self._shots[preset] = _shot(jpeg, datetime.now(UTC))
        for listener in self._listeners:
            listener()

    def _write(self, preset: str, jpeg: bytes) -> None:
        self._folder.mkdir(exist_ok=True)
        half = self._folder / f"{preset}.half"
        half.write_bytes(jpeg)
        half.replace(self._folder / f"{preset}{SUFFIX}")

    def _read(self) -> dict[str, Shot]:
        """Return what an earlier process kept; pictures of presets that are gone are removed."""
        shots: dict[str, Shot] = {}
        for path in self._folder.glob("*") if self._folder.is_dir() else ():
            try:
                if path.suffix == SUFFIX and path.stem in self._presets and path.stat().st_size <= LARGEST_BYTES:
                    shots[path.stem] = _shot(path.read_bytes(), datetime.fromtimestamp(path.stat().st_mtime, UTC))
                else:
                    path.unlink()
            except OSError as error:
                log.info("picture not read: %s", error, extra={"action": "picture"})
        return shots


def _shot(jpeg: bytes, at: datetime) -> Shot:
    return Shot(jpeg, at, hashlib.sha256(jpeg).hexdigest()[:16])
