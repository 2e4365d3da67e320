"""What a simulated OBS remembers and how long its changes take; no wire here."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from drivers.obs.sim import sources
from drivers.obs.sim.clock import Clock, RealClock
from drivers.obs.sim.faults import Faults
from drivers.obs.sim.outputs import Output
from drivers.obs.sim.sources import DEFAULT_COLLECTION, Collection, Input, Item

__all__ = ["DEFAULT_COLLECTION", "Faults", "Profile", "Studio", "Video"]

SWITCH_TAKES_FRAMES = 1.3
"""An isolated cut: one or two frames and the interface thread's turn."""
RAN_BEFORE_S = 60.0
"""A simulated OBS has been running for a minute, as one in a room has for hours."""
COLLECTION_TAKES_S = 0.06
PROFILE_TAKES_S = 0.02

GENERAL, CONFIG, SCENES, INPUTS, TRANSITIONS = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 4
OUTPUTS, ITEMS, MEDIA, UI, CANVASES, METERS = 1 << 6, 1 << 7, 1 << 8, 1 << 10, 1 << 11, 1 << 16
"""Event subscriptions of the protocol."""

Emit = Callable[[str, int, dict[str, object]], None]


@dataclass(frozen=True)
class Video:
    """Canvas and frame rate."""

    width: int = 1280
    height: int = 720
    fps: int = 30


@dataclass
class Profile:
    """What a profile of OBS decides."""

    can_pause: bool = True
    """Whether recordings have an encoder of their own."""
    has_replay: bool = True
    record_folder: str = "/rekaman"
    parameters: dict[tuple[str, str], str] = field(default_factory=dict)
    service: str = "rtmp_common"
    service_settings: dict[str, object] = field(default_factory=dict)


def _two_collections() -> dict[str, Collection]:
    return dict(map(sources.load, (DEFAULT_COLLECTION, DEFAULT_COLLECTION.with_name("aula.json"))))


@dataclass
class Studio:
    """Everything of one OBS but its socket."""

    collections: dict[str, Collection] = field(default_factory=_two_collections)
    collection: str = ""
    faults: Faults = field(default_factory=Faults)
    clock: Clock = field(default_factory=RealClock)
    profiles: dict[str, Profile] = field(default_factory=lambda: {"Rekam": Profile(), "Ruang": Profile()})
    profile: str = "Ruang"
    video: Video = Video()
    emit: Emit = lambda *_: None
    switches: int = 0
    """How often another scene went on air."""
    preview: str | None = None
    """The scene that is prepared; none outside studio mode."""
    chance: random.Random = field(default_factory=lambda: random.Random(29))
    changing: bool = False
    """It changes its collection: scenes are denied."""
    last_replay: str = ""

    def __post_init__(self) -> None:
        self.collection = self.collection or next(iter(self.collections))
        self._started_s = self.clock.now() - RAN_BEFORE_S
        self._wanted = self.programme
        self._ready_from_s = self.clock.now() + self.faults.not_ready_ms / 1000
        self.recorder = Output("RecordStateChanged", self.clock, self._output_told, has_path=True)
        self.recorder.stalls = lambda: self.faults.record_stalls
        self.streamer = Output("StreamStateChanged", self.clock, self._output_told)
        self.vcam = Output("VirtualcamStateChanged", self.clock, self._output_told, stop_takes_s=0.03)
        self.replay = Output("ReplayBufferStateChanged", self.clock, self._output_told, stop_takes_s=0.1)

    @classmethod
    def load(
        cls, collection: Path = DEFAULT_COLLECTION, faults: Faults | None = None, *, others: Sequence[Path] = (),
        clock: Clock | None = None,
    ) -> Studio:  # fmt: skip
        """Return the studio that scene collections saved by OBS describe; without any, a room of our own.

        Raises:
            ValueError: no scene collection, or one without scenes.
        """
        stored = _two_collections() if collection == DEFAULT_COLLECTION else {}
        stored |= dict(map(sources.load, (collection, *others)))
        return cls(stored, faults=faults or Faults(), clock=clock or RealClock())

    # What there is.

    @property
    def here(self) -> Collection:
        """The scene collection that is open."""
        return self.collections[self.collection]

    @property
    def scenes(self) -> list[str]:
        """Names, from the top."""
        return self.here.scenes

    @property
    def inputs(self) -> dict[str, Input]:
        """Inputs by name."""
        return self.here.inputs

    @property
    def programme(self) -> str:
        """The scene on air."""
        return self.here.programme

    @programme.setter
    def programme(self, name: str) -> None:
        self.here.programme = name

    @property
    def settings(self) -> Profile:
        """The profile that is open."""
        return self.profiles[self.profile]

    @property
    def ready(self) -> bool:
        """Whether it answers anything but 207."""
        return self.clock.now() >= self._ready_from_s

    def items(self, scene: str) -> list[Item]:
        """Return what stands in a scene, from the bottom."""
        return self.here.items.setdefault(scene, [])

    def size(self, source: str) -> tuple[int, int]:
        """Return width and height of a scene or an input."""
        if source in self.scenes:
            return self.video.width, self.video.height
        return self.inputs[source].size(cameras=not self.faults.camera_absent)

    def add_input(self, scene: str, name: str, kind: str, **settings: object) -> Item:
        """Put a new input into a scene, without an event."""
        self.inputs[name] = Input(kind, settings=settings)
        if kind in sources.MEDIA_KINDS:
            self.inputs[name].media = "PLAYING" if self.inputs[name].plays else "ENDED"
            self.inputs[name].media_since_s = self.clock.now()
        item = Item(1 + max((one.number for one in self.items(scene)), default=0), name)
        self.items(scene).append(item)
        return item

    # Scenes.

    async def switch(self, name: str) -> None:
        """Put a scene on air; one that a later switch overtakes never gets there and sends no event."""
        if self.faults.wrong_scene:
            return
        self._wanted = name
        if name == self.programme:
            return
        self._transition_told("SceneTransitionStarted")
        await self.clock.sleep(SWITCH_TAKES_FRAMES / self.video.fps)
        if self._wanted == name != self.programme:
            self.programme = name
            self.switches += 1
            still_s = 0.0 if self.here.transition == "Cut" else self.here.transition_ms / 1000
            self.clock.later(still_s, lambda: self._switched(name))

    def _switched(self, name: str) -> None:
        """Tell the end of a transition, unless another scene is on air by now."""
        self._transition_told("SceneTransitionVideoEnded")
        self._transition_told("SceneTransitionEnded")
        if self.programme == name:
            self.emit("CurrentProgramSceneChanged", SCENES, {"sceneName": name})

    def _transition_told(self, event: str) -> None:
        self.emit(event, TRANSITIONS, {"transitionName": self.here.transition})

    def set_studio_mode(self, on: bool) -> None:
        """Begin or end to prepare scenes; its end tells the scene on air twice."""
        if on is (self.preview is not None):
            return
        self.preview = self.programme if on else None
        self.emit("StudioModeStateChanged", UI, {"studioModeEnabled": on})
        for _ in range(0 if on else 2):
            self.emit("CurrentProgramSceneChanged", SCENES, {"sceneName": self.programme})

    def set_preview(self, name: str) -> None:
        """Prepare a scene; perhaps after the answer."""
        self.clock.later(self.faults.preview_race / 1000, lambda: self._previewed(name)) if (
            self.faults.preview_race
        ) else self._previewed(name)

    def _previewed(self, name: str) -> None:
        if self.preview not in {None, name}:
            self.preview = name
            self.emit("CurrentPreviewSceneChanged", SCENES, {"sceneName": name})

    async def cut_to_preview(self) -> None:
        """Put the prepared scene on air; the one on air is prepared instead."""
        before, wanted = self.programme, self.preview or self.programme
        await self.switch(wanted)
        if self.programme == wanted:
            self._previewed(before)

    # Sound and settings.

    def mute(self, name: str, muted: bool) -> None:
        """Mute or open; OBS sends the event even when nothing changes."""
        self.inputs[name].muted = muted
        self.emit("InputMuteStateChanged", INPUTS, {"inputName": name, "inputMuted": muted})

    def set_gain(self, name: str, gain_db: float) -> None:
        """Move a fader."""
        one = self.inputs[name]
        one.gain_db = gain_db
        told: dict[str, object] = {"inputName": name, "inputVolumeDb": gain_db, "inputVolumeMul": one.gain_mul}
        self.emit("InputVolumeChanged", INPUTS, told)

    # Outputs.

    @property
    def record(self) -> str:
        """The state of the recording."""
        return self.recorder.state

    @property
    def recording(self) -> bool:
        """Active from STARTED until STOPPED."""
        return self.recorder.active

    @property
    def path(self) -> str:
        """Where the recording goes."""
        return self.recorder.path

    def start_record(self) -> None:
        """Begin, unless a fault swallows it."""
        if self.faults.disk_gone:
            return
        if self.faults.start_is_lost > 0:
            self.faults.start_is_lost -= 1
            return
        self.recorder.path = self._next_path("")
        self.recorder.start()

    def stop_record(self) -> None:
        """Begin to stop."""
        self.recorder.stop()

    def save_replay(self) -> None:
        """Write the last seconds to a file."""
        path = self._next_path("Replay ")

        def saved() -> None:
            self.last_replay = path
            self.emit("ReplayBufferSaved", OUTPUTS, {"savedReplayPath": path})

        self.clock.later(0.03, saved)

    def _next_path(self, before: str) -> str:
        form = self.settings.parameters.get(("Output", "FilenameFormatting"), "%CCYY-%MM-%DD %hh-%mm-%ss")
        now = datetime.now().astimezone()
        for token, code in (("CCYY", "Y"), ("MM", "m"), ("DD", "d"), ("hh", "H"), ("mm", "M"), ("ss", "S")):
            form = form.replace(f"%{token}", now.strftime(f"%{code}"))
        return f"{self.settings.record_folder}/{before}{form}.mkv"

    def _output_told(self, event: str, told: dict[str, object]) -> None:
        self.emit(event, OUTPUTS, told)

    # Collections and profiles.

    async def open_collection(self, name: str) -> None:
        """Change to another scene collection; for a moment no scene is known."""
        if name == self.collection:
            return
        self.emit("CurrentSceneCollectionChanging", CONFIG, {"sceneCollectionName": self.collection})
        self.changing = True
        await self.clock.sleep(self.faults.collection_gap_ms / 1000 or COLLECTION_TAKES_S)
        self._tell_gone(self.here)
        self.collection = name
        self._wanted = self.programme
        self.changing = False
        self._ready_from_s = self.clock.now() + self.faults.not_ready_ms / 1000
        self._tell_new(self.here)
        self.emit("CurrentProgramSceneChanged", SCENES, {"sceneName": self.programme})
        self.emit("CurrentSceneCollectionChanged", CONFIG, {"sceneCollectionName": name})

    def _tell_gone(self, old: Collection) -> None:
        for name in old.inputs:
            self.emit("InputRemoved", INPUTS, {"inputName": name})
        for name in old.scenes:
            self.emit("SceneRemoved", SCENES, {"sceneName": name, "isGroup": False})

    def _tell_new(self, new: Collection) -> None:
        for name, one in new.inputs.items():
            self.tell_input(name, {})
            if one.has_sound:
                self._tell_sound(name, one)
        for scene in new.scenes:
            self.emit("SceneCreated", SCENES, {"sceneName": scene, "isGroup": False})
            for at, item in enumerate(new.items.get(scene, [])):
                self.tell_item(scene, item, at)

    def tell_input(self, name: str, defaults: dict[str, object]) -> None:
        """Tell of a new input."""
        one = self.inputs[name]
        told: dict[str, object] = {
            "inputName": name, "inputKind": one.kind, "unversionedInputKind": unversioned(one.kind),
            "inputSettings": one.settings, "defaultInputSettings": defaults,
        }  # fmt: skip
        self.emit("InputCreated", INPUTS, told)

    def tell_item(self, scene: str, item: Item, at: int) -> None:
        """Tell of a new item."""
        told: dict[str, object] = {"sceneName": scene, "sourceName": item.source}
        self.emit("SceneItemCreated", ITEMS, told | {"sceneItemId": item.number, "sceneItemIndex": at})

    def _tell_sound(self, name: str, one: Input) -> None:
        self.mute(name, one.muted)
        self.set_gain(name, one.gain_db)
        self.emit("InputAudioBalanceChanged", INPUTS, {"inputName": name, "inputAudioBalance": one.balance})
        self.emit("InputAudioSyncOffsetChanged", INPUTS, {"inputName": name, "inputAudioSyncOffset": 0})
        if not all(one.tracks.values()):
            self.emit("InputAudioTracksChanged", INPUTS, {"inputName": name, "inputAudioTracks": dict(one.tracks)})

    async def open_profile(self, name: str) -> None:
        """Change to another profile."""
        if name == self.profile:
            return
        self.emit("CurrentProfileChanging", CONFIG, {"profileName": self.profile})
        await self.clock.sleep(PROFILE_TAKES_S)
        self.profile = name
        self.emit("CurrentProfileChanged", CONFIG, {"profileName": name})

    def stats(self) -> dict[str, object]:
        """Return GetStats but for its message counters; frames go on at the frame rate."""
        fps = self.faults.low_fps or float(self.video.fps)
        frames = int(fps * (self.clock.now() - self._started_s))
        output = int(fps * float(str(self.recorder.status()["outputDuration"])) / 1000)
        return {
            "cpuUsage": 4.0 + frames % 7 / 10, "memoryUsage": 228.0 + frames % 11 / 10,
            "availableDiskSpace": 0.0 if self.faults.disk_gone else 180_000.0 - frames / 1000,
            "activeFps": fps, "averageFrameRenderTime": 1.2 + frames % 5 / 10,
            "renderSkippedFrames": 18, "renderTotalFrames": frames,
            "outputSkippedFrames": 0, "outputTotalFrames": output,
        }  # fmt: skip


def unversioned(kind: str) -> str:
    """Return a kind without `_v2` behind it."""
    name, _, version = kind.rpartition("_v")
    return name if version.isdecimal() else kind
