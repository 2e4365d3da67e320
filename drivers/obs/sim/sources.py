"""Scenes, inputs and scene collections, as a simulated OBS keeps them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

DEFAULT_COLLECTION = Path(__file__).with_name("collection.json")
SOUND_KINDS = ("pulse_", "wasapi_", "coreaudio_", "alsa_", "ffmpeg_source", "vlc_source", "browser_source")
CAMERA_KINDS = ("v4l2_input", "dshow_input", "av_capture_input")
MEDIA_KINDS = ("ffmpeg_source", "vlc_source")
DEVICES = ("/dev/video0", "/dev/video1")
"""The cameras that the simulated machine has."""
SPECIALS = {
    "DesktopAudioDevice1": "desktop1", "DesktopAudioDevice2": "desktop2", "AuxAudioDevice1": "mic1",
    "AuxAudioDevice2": "mic2", "AuxAudioDevice3": "mic3", "AuxAudioDevice4": "mic4",
}  # fmt: skip
"""OBS's inputs for the machine's sound: names in a saved collection to those of the protocol."""
_INFINITE_DB = -100.0
_CANVAS = 1280, 720

Stored = Mapping[str, object]


@dataclass
class Input:
    """One source that is no scene."""

    kind: str
    muted: bool = False
    gain_db: float = 0.0
    tracks: dict[str, bool] = field(default_factory=lambda: {str(n): True for n in range(1, 7)})
    balance: float = 0.5
    settings: dict[str, object] = field(default_factory=dict)
    level: float = 0.275
    """What arrives before fader and mute; 1 is the loudest."""
    media: str = "NONE"
    """The state of a media input, without its prefix."""
    media_since_s: float = 0.0

    @property
    def has_sound(self) -> bool:
        """Whether it can be muted."""
        return self.kind.startswith(SOUND_KINDS)

    @property
    def is_camera(self) -> bool:
        """Whether its picture comes from a device."""
        return self.kind in CAMERA_KINDS

    @property
    def plays(self) -> bool:
        """Whether there is something that it could play."""
        file = self.settings.get("local_file")
        return self.kind in MEDIA_KINDS and (not file or Path(str(file)).exists())

    @property
    def gain_mul(self) -> float:
        """The fader as a factor."""
        return 0.0 if self.gain_db <= _INFINITE_DB else 10 ** (self.gain_db / 20)

    def size(self, *, cameras: bool = True) -> tuple[int, int]:
        """Return width and height; both 0 where there is nothing to show."""
        if self.kind.startswith("text_"):
            return 12 * len(str(self.settings.get("text", ""))), 24
        nothing = (self.has_sound and not self.plays) or (self.is_camera and not (cameras and self._device_there()))
        if nothing or (self.kind == "image_source" and not self._file_there()):
            return 0, 0
        width, height = self.settings.get("width"), self.settings.get("height")
        return (width, height) if isinstance(width, int) and isinstance(height, int) else _CANVAS

    def _device_there(self) -> bool:
        return self.settings.get("device_id", DEVICES[0]) in DEVICES

    def _file_there(self) -> bool:
        return "file" not in self.settings or Path(str(self.settings["file"])).exists()


@dataclass
class Item:
    """A source in a scene."""

    number: int
    source: str
    enabled: bool = True
    locked: bool = False


@dataclass
class Collection:
    """What one scene collection holds."""

    scenes: list[str] = field(default_factory=list)
    programme: str = ""
    inputs: dict[str, Input] = field(default_factory=dict)
    items: dict[str, list[Item]] = field(default_factory=dict)
    specials: dict[str, str] = field(default_factory=dict)
    transition: str = "Cut"
    transition_ms: int = 300


def decibels(mul: float) -> float:
    """Return the gain of a factor."""
    return 20 * math.log10(mul) if mul > 0 else _INFINITE_DB


def load(path: Path) -> tuple[str, Collection]:
    """Return name and content of a scene collection saved by OBS.

    Raises:
        ValueError: no scene collection, or one without scenes.
    """
    stored = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(stored, dict) or not stored.get("scene_order"):
        raise ValueError(f"{path}: wanted an OBS scene collection with scenes")
    return str(stored.get("name", path.stem)), _read(stored)


def _read(stored: dict[str, object]) -> Collection:
    scenes = [str(row["name"]) for row in cast("list[Stored]", stored["scene_order"])]
    specials = {role: str(cast("Stored", stored[key])["name"]) for key, role in SPECIALS.items() if key in stored}
    rows = [cast("Stored", row) for key, row in stored.items() if key in SPECIALS]
    rows += cast("list[Stored]", stored.get("sources", []))
    return Collection(
        scenes,
        str(stored.get("current_program_scene") or scenes[0]),
        {str(row["name"]): _input(row) for row in rows if row["id"] not in {"scene", "group"}},
        {str(row["name"]): _items(row) for row in rows if row["id"] == "scene"},
        specials,
        str(stored.get("current_transition", "Cut")),
        cast("int", stored.get("transition_duration", 300)),
    )


def _input(row: Stored) -> Input:
    mixers = cast("int", row.get("mixers", 255))
    return Input(
        str(row.get("versioned_id") or row["id"]),
        bool(row.get("muted")),
        decibels(cast("float", row.get("volume", 1.0))),
        {str(n + 1): bool(mixers >> n & 1) for n in range(6)},
        settings=dict(cast("Stored", row.get("settings", {}))),
    )


def _items(row: Stored) -> list[Item]:
    settings = cast("Stored", row.get("settings", {}))
    rows = cast("list[Stored]", settings.get("items", []))
    return [
        Item(cast("int", one["id"]), str(one["name"]), bool(one.get("visible", True)), bool(one.get("locked")))
        for one in rows
    ]
