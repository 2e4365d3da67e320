"""One room to the contract tests, whether it is modelled or a live sound server."""

from __future__ import annotations

import json
import subprocess
import wave
from pathlib import Path
from typing import Any, Protocol, TypeAlias, cast

import numpy as np

from drivers.audio.sim import RoomServer
from tests.wire.audio.rooms import PulseRoom

Listed: TypeAlias = dict[str, Any]  # what pactl prints has no types
NOISE_DBFS = -62.0
NOISE_S = 60
RATE_HZ = 48_000


class House(Protocol):
    """What somebody can do to a room behind the driver's back."""

    address: str

    def mute_by_hand(self, on: bool) -> None:
        """Mute or open the microphone."""

    def take_default(self) -> None:
        """Let another device be the default microphone."""

    def unplug(self) -> None:
        """Take the microphone away."""

    def plug(self) -> None:
        """Bring it back."""

    def suspend(self, on: bool) -> None:
        """Hold the microphone back, or let it go on."""

    def cut_path(self) -> None:
        """Let nothing of the loudspeaker reach the microphone."""

    def sounds(self) -> bool:
        """Say whether the loudspeaker is given anything to play."""

    def volume(self, db: float) -> None:
        """Set the loudspeaker's gain."""

    def close(self) -> None:
        """Put everything back."""


class ModelHouse:
    """The room model over TCP."""

    def __init__(self, server: RoomServer) -> None:
        self._server = server
        self.address = server.address

    def mute_by_hand(self, on: bool) -> None:
        self._server.fault("microphone", "muted" if on else "ok")

    def take_default(self) -> None:
        self._server.fault("default", "taken")

    def unplug(self) -> None:
        self._server.fault("microphone", "unplugged")

    def plug(self) -> None:
        self._server.fault("microphone", "ok")

    def suspend(self, on: bool) -> None:
        self._server.fault("microphone", "suspended" if on else "ok")

    def cut_path(self) -> None:
        self._server.fault("path", "cut")

    def sounds(self) -> bool:
        return self._server.room.plays

    def volume(self, db: float) -> None:
        self._server.room.gain_db["speaker"] = db

    def close(self) -> None:
        pass


class PulseHouse:
    """A live server with a microphone that can be pulled out, and noise in its air."""

    address = "audio+pulse:///?speaker=speaker&microphone=usb_mic"

    def __init__(self, pulse: PulseRoom) -> None:
        self._pulse = pulse
        self._modules: list[str] = []
        self.plug()
        self.make_noise()

    def make_noise(self) -> None:
        """Let the room's own noise sound in its air."""
        self._noise = subprocess.Popen(
            ["paplay", "--device=air", str(_noise(self._pulse.folder / "noise.wav"))], env=self._pulse._env()
        )

    def silence(self) -> None:
        """Take the noise out of the air: a null device is silent to the last bit."""
        self._noise.terminate()
        self._noise.wait(5)

    def mute_by_hand(self, on: bool) -> None:
        self._pulse.pactl("set-source-mute", "usb_mic", str(int(on)))

    def take_default(self) -> None:
        self._pulse.pactl("set-default-source", "mic")

    def unplug(self) -> None:
        while self._modules:
            self._pulse.pactl("unload-module", self._modules.pop())

    def plug(self, rate_hz: int | None = None) -> None:
        """Plug the microphone in; one with a rate of its own hears the air as a device of that rate does."""
        if rate_hz is None:
            self._load("module-remap-source", "source_name=usb_mic", "master=air.monitor", "remix=no")
            return
        rate = f"rate={rate_hz}"  # on every part: the server turns an idle device to the rate of who comes
        still = ("source_dont_move=1", "sink_dont_move=1", "latency_msec=20")
        self._load("module-null-sink", "norewinds=1", "sink_name=usb", "channels=1", "channel_map=mono", rate)
        self._load("module-loopback", "source=air.monitor", "sink=usb", *still, rate)
        self._load("module-remap-source", "source_name=usb_mic", "master=usb.monitor", "remix=no", rate)

    def _load(self, *module: str) -> None:
        self._modules.append(str(json.loads(self._pulse.pactl("load-module", *module))["index"]))

    def capture_of(self, pid: int) -> str:
        """Return the number of the stream by which process `pid` records."""
        streams = self._listed("source-outputs")
        return next(str(s["index"]) for s in streams if s["properties"].get("application.process.id") == str(pid))

    def move_capture(self, number: str) -> None:
        """Let a stream record from somewhere else, as a sound settings window can."""
        self._pulse.pactl("move-source-output", number, "speaker.monitor")

    def suspend(self, on: bool) -> None:
        self._pulse.pactl("suspend-source", "usb_mic", str(int(on)))

    def cut_path(self) -> None:
        self._loop_volume("0%")

    def sounds(self) -> bool:
        speaker = next(sink["index"] for sink in self._listed("sinks") if sink["name"] == "speaker")
        return any(stream["sink"] == speaker for stream in self._listed("sink-inputs"))

    def volume(self, db: float) -> None:
        self._pulse.pactl("set-sink-volume", "speaker", f"{db:g}dB")

    def speaker_db(self) -> float:
        (speaker,) = (sink for sink in self._listed("sinks") if sink["name"] == "speaker")
        return float(speaker["volume"]["front-left"]["db"].removesuffix(" dB"))

    def suspend_speaker(self, *, on: bool) -> None:
        self._pulse.pactl("suspend-sink", "speaker", str(int(on)))

    def close(self) -> None:
        self._loop_volume("100%")
        self.silence()
        self.unplug()

    def _loop_volume(self, volume: str) -> None:
        """Set how loud the loudspeaker arrives: the loopback's own playing into the air."""
        for stream in self._listed("sink-inputs"):
            if stream["driver"] == "module-loopback.c":
                self._pulse.pactl("set-sink-input-volume", str(stream["index"]), volume)

    def _listed(self, what: str) -> list[Listed]:
        """Return what the server lists."""
        return cast("list[Listed]", json.loads(self._pulse.pactl("list", what)))


def _noise(path: Path) -> Path:
    if not path.exists():
        samples = np.random.default_rng(1).standard_normal(NOISE_S * RATE_HZ) * 10 ** (NOISE_DBFS / 20)
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE_HZ)
            file.writeframes((samples * 32_767).astype("<i2").tobytes())
    return path
