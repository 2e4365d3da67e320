"""A real OBS Studio for tests: one scene's camera is missing, and there are profiles that can do more or ask.

How it runs without a screen stands in `siaga.demo.realobs`.
"""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from siaga.demo.realobs import MICROPHONE, SPEAKER, Studio, collection_of, missing, scene, source
from tests.broker import free_port

__all__ = ["MICROPHONE", "SPEAKER"]

CANVAS = 320, 180
FPS = 10
PASSWORD = "a room's password"
SCENES = ("Jeda", "Ruang", "Materi")
BROKEN_SCENE = "Kamera hilang"
PROFILE, FULL_PROFILE = "Ruang", "Rekam"
"""The second has an encoder for recordings alone, so they can be paused, and a replay buffer."""
OTHER_SOUND_PROFILE = "Suara lain"
"""Loading it makes OBS ask on its screen whether it may restart."""
COLLECTION, OTHER_COLLECTION = "Ruang", "Aula"
OTHER_SCENES = ("Jeda", "Pidato")
TITLE = "Judul"


def needed() -> None:
    """Skip without OBS, but not where nobody would notice."""
    packages = missing()
    if packages and os.environ.get("CI"):
        pytest.fail(f"{' '.join(packages)} missing although CI is set")
    if packages:
        pytest.skip(f"no real OBS here: apt install {' '.join(packages)}")


def _collection() -> dict[str, object]:
    width, height = CANVAS
    colours = {"Jeda": 0xFF804020, "Ruang": 0xFF208040, "Materi": 0xFF402080}
    solid = [source(f"Warna {n}", "color_source_v3", color=c, width=width, height=height) for n, c in colours.items()]
    font = {"face": "DejaVu Sans", "size": 24, "style": "Book", "flags": 0}
    title = source(TITLE, "text_ft2_source_v2", text="Siaga", font=font)
    camera = source("Kamera USB", "v4l2_input", device_id="/dev/video-not-there")
    scenes = [scene(name, f"Warna {name}", *((TITLE,) if name == "Ruang" else ())) for name in SCENES]
    scenes.append(scene(BROKEN_SCENE, "Kamera USB"))
    names = (*SCENES, BROKEN_SCENE)
    return collection_of(COLLECTION, names, [*scenes, *solid, title, camera])


def _other_collection() -> dict[str, object]:
    return collection_of(OTHER_COLLECTION, OTHER_SCENES, [scene(name) for name in OTHER_SCENES])


class RealObs(Studio):
    """One OBS with everything it needs; `start`, use, `stop`.

    With `pretend_camera` OBS believes that it has a virtual camera, which will not start.
    """

    def __init__(
        self,
        *,
        canvas: tuple[int, int] = CANVAS,
        fps: int = FPS,
        pretend_camera: bool = False,
        password: str = PASSWORD,
    ) -> None:
        super().__init__(
            free_port(),
            PASSWORD,
            {COLLECTION: _collection(), OTHER_COLLECTION: _other_collection()},
            {
                PROFILE: {"RecQuality": "Stream"},
                FULL_PROFILE: {"RecQuality": "Small", "RecRB": True, "RecRBTime": 5},
                OTHER_SOUND_PROFILE: {"rate": 44100},
            },
            canvas,
            fps,
        )
        self.pretend_camera = pretend_camera

    def start(self) -> None:
        """Start everything and return once obs-websocket listens."""
        for tool, answer in (("modinfo", 0), ("pkexec", 1), ("modprobe", 1)) if self.pretend_camera else ():
            path = self.folder / "bin" / tool
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"#!/bin/sh\nexit {answer}\n")
            path.chmod(0o755)
        super().start()

    def freeze(self) -> None:
        """Stop it as a hung driver would: its port still accepts, nobody answers."""
        self._running().send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._running().send_signal(signal.SIGCONT)

    def play_tone(self, seconds: float) -> subprocess.Popen[bytes]:
        """Play a tone into the room's microphone."""
        raw = self.folder / "tone.raw"
        wave = bytes(
            byte
            for n in range(int(48000 * seconds))
            for byte in (9000 if n // 54 % 2 else -9000).to_bytes(2, "little", signed=True)
        )
        raw.write_bytes(wave)
        format_ = ["--raw", "--format=s16le", "--rate=48000", "--channels=1"]
        playing = subprocess.Popen(["pacat", "--playback", "--device=air", *format_, str(raw)], env=self._environment())
        self._started.append(playing)
        return playing
