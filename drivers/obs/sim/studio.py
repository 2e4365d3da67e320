"""What a simulated OBS remembers and how long its changes take; no wire here."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

FPS = 30
SWITCH_TAKES_S = 0.044
"""An isolated cut: one or two frames and the interface thread's turn."""
START_TAKES_S = 0.03
STOP_TAKES_S = 0.62
RAN_BEFORE_S = 60.0
"""A simulated OBS has been running for a minute, as one in a room has for hours."""
SOUND_KINDS = ("pulse_", "wasapi_", "coreaudio_", "alsa_", "ffmpeg_source", "vlc_source", "browser_source")
DEFAULT_COLLECTION = Path(__file__).with_name("collection.json")

SCENES, INPUTS, OUTPUTS = 1 << 2, 1 << 3, 1 << 6
"""Event subscriptions of the protocol."""

Emit = Callable[[str, int, dict[str, object]], None]


@dataclass
class Faults:
    """What goes wrong, by the name that `--fault` takes."""

    start_is_lost: int = 0
    """So many StartRecord are answered with success and never happen."""
    slow: float = 0.0
    """Every answer comes so many ms later."""
    freeze: float | None = None
    """So many seconds after the start not a byte is read or written any more."""
    drop_answer: str = ""
    """Requests of this name are carried out and not answered; `all` for every one."""
    wrong_scene: bool = False
    """A scene switch is answered with success and does not happen."""
    disk_gone: bool = False
    """The recording folder is missing."""

    @classmethod
    def parse(cls, settings: list[str]) -> Faults:
        """Return the faults that NAME=VALUE settings ask for.

        Raises:
            ValueError: an unknown name or a value that does not fit.
        """
        faults = cls()
        kinds: dict[str, Callable[[str], object]] = {
            "start_is_lost": int, "slow": float, "freeze": float, "drop_answer": str,
            "wrong_scene": _yes, "disk_gone": _yes,
        }  # fmt: skip
        for setting in settings:
            name, _, value = setting.partition("=")
            if name not in kinds:
                raise ValueError(f"unknown fault {name!r}; known: {', '.join(kinds)}")
            setattr(faults, name, kinds[name](value))
        return faults


def _yes(text: str) -> bool:
    return text.lower() not in {"", "0", "no", "off", "false"}


@dataclass
class Input:
    """One source that is no scene."""

    kind: str
    muted: bool = False

    @property
    def has_sound(self) -> bool:
        """Whether it can be muted."""
        return self.kind.startswith(SOUND_KINDS)


@dataclass
class Studio:
    """Scenes, inputs and the recording."""

    scenes: list[str]
    programme: str
    inputs: dict[str, Input]
    faults: Faults = field(default_factory=Faults)
    emit: Emit = lambda *_: None
    record: str = "STOPPED"
    switches: int = 0
    """How often another scene went on air."""
    _wanted: str = ""
    _record_began_s: float = 0.0
    _started_s: float = field(default_factory=lambda: time.monotonic() - RAN_BEFORE_S)

    @classmethod
    def load(cls, collection: Path = DEFAULT_COLLECTION, faults: Faults | None = None) -> Studio:
        """Return the studio that a scene collection saved by OBS describes.

        Raises:
            ValueError: no scene collection, or one without scenes.
        """
        stored = json.loads(collection.read_text(encoding="utf-8"))
        if not isinstance(stored, dict) or not stored.get("scene_order"):
            raise ValueError(f"{collection}: wanted an OBS scene collection with scenes")
        scenes = [row["name"] for row in stored["scene_order"]]
        sources = [row for row in stored.values() if isinstance(row, dict) and "id" in row] + stored.get("sources", [])
        inputs = {
            row["name"]: Input(row["id"], bool(row.get("muted")))
            for row in sources
            if row["id"] not in {"scene", "group"}
        }
        return cls(scenes, stored.get("current_program_scene") or scenes[0], inputs, faults or Faults())

    async def switch(self, name: str) -> None:
        """Put a scene on air; one that a later switch overtakes never gets there and sends no event."""
        if self.faults.wrong_scene:
            return
        self._wanted = name
        if name == self.programme:
            return
        await asyncio.sleep(SWITCH_TAKES_S)
        if self._wanted == name != self.programme:
            self.programme = name
            self.switches += 1
            self.emit("CurrentProgramSceneChanged", SCENES, {"sceneName": name})

    def mute(self, name: str, muted: bool) -> None:
        """Mute or open; OBS sends the event even when nothing changes."""
        self.inputs[name].muted = muted
        self.emit("InputMuteStateChanged", INPUTS, {"inputName": name, "inputMuted": muted})

    @property
    def recording(self) -> bool:
        """Active from STARTED until STOPPED."""
        return self.record in {"STARTED", "STOPPING"}

    @property
    def path(self) -> str:
        """Where the recording goes."""
        return "/rekaman/siaga.mkv"

    def start_record(self) -> None:
        """Begin, unless a fault swallows it."""
        if self.faults.disk_gone:
            return
        if self.faults.start_is_lost > 0:
            self.faults.start_is_lost -= 1
            return
        self._record_now("STARTING")
        asyncio.get_running_loop().call_later(START_TAKES_S, self._record_now, "STARTED")

    def stop_record(self) -> None:
        """Begin to stop."""
        self._record_now("STOPPING")
        asyncio.get_running_loop().call_later(STOP_TAKES_S, self._record_now, "STOPPED")

    def _record_now(self, state: str) -> None:
        self.record = state
        if state == "STARTED":
            self._record_began_s = time.monotonic()
        path = self.path if state in {"STARTED", "STOPPED"} else None
        told = {"outputActive": self.recording, "outputState": f"OBS_WEBSOCKET_OUTPUT_{state}", "outputPath": path}
        self.emit("RecordStateChanged", OUTPUTS, dict(told))

    def record_status(self) -> dict[str, object]:
        """Return GetRecordStatus."""
        ms = int(1000 * (time.monotonic() - self._record_began_s)) if self.recording else 0
        code = f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}.{ms % 1000:03}"
        return {
            "outputActive": self.recording, "outputPaused": False, "outputTimecode": code,
            "outputDuration": ms, "outputBytes": 312 * ms,
        }  # fmt: skip

    def stats(self) -> dict[str, object]:
        """Return GetStats but for its message counters; frames go on at the frame rate."""
        frames = int(FPS * (time.monotonic() - self._started_s))
        output = int(FPS * (time.monotonic() - self._record_began_s)) if self.recording else 0
        return {
            "cpuUsage": 4.0 + frames % 7 / 10, "memoryUsage": 228.0 + frames % 11 / 10,
            "availableDiskSpace": 0.0 if self.faults.disk_gone else 180_000.0 - frames / 1000,
            "activeFps": float(FPS), "averageFrameRenderTime": 1.2 + frames % 5 / 10,
            "renderSkippedFrames": 18, "renderTotalFrames": frames,
            "outputSkippedFrames": 0, "outputTotalFrames": output,
        }  # fmt: skip
