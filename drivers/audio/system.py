"""What a sound system is to the station: one microphone, one loudspeaker, and what can go wrong with them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from drivers.audio import dsp
from drivers.ports import SoundPort


class SoundTrouble(Exception):
    """The sound system did not do what was asked; `code` is a reason code, `values` what its sentence needs."""

    def __init__(self, code: str, detail: str, **values: str | float) -> None:
        super().__init__(detail)
        self.code = code
        self.values = values


class SoundStuck(SoundTrouble):
    """A call into the sound system does not return: only a new process helps."""


@dataclass(frozen=True, slots=True)
class Block:
    """Samples of the microphone and when the first of them was heard."""

    at_s: float
    samples: dsp.Samples
    lost: bool = False
    """Samples before these were lost."""


@dataclass(frozen=True, slots=True)
class Played:
    """When the first sample left the loudspeaker, on the clock of `Block.at_s`."""

    at_s: float
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Inventory:
    """What the sound system lists."""

    ports: tuple[SoundPort, ...]
    device: str
    """The microphone we want."""
    captured: str
    """Where the capture hangs now; empty when it does not run."""


class SoundSystem(Protocol):
    """One microphone and one loudspeaker. Every method may raise `SoundTrouble` and may block."""

    def inventory(self) -> Inventory:
        """Ask which ports are there."""

    def listen(self, heard: Callable[[Block], None]) -> None:
        """Start the capture; `heard` is called on a thread of the sound system."""

    def play(self, samples: dsp.Samples, over: threading.Event) -> Played:
        """Play `samples`, and stop at once when `over` is set; returns while or after they sound."""

    def mute(self, port: str, on: bool) -> bool:
        """Mute or open a port and return what was read back."""

    def gain(self, port: str, db: float) -> float:
        """Set a port's gain and return what was read back."""

    def make_default(self, port: str) -> bool:
        """Let programs that name no device use the port's, and return whether they now do."""

    def halted(self) -> str:
        """Return why an open capture gives no samples, empty when nobody holds it back."""


def port_of(ports: tuple[SoundPort, ...], name: str) -> SoundPort:
    """Return the port `name`.

    Raises:
        SoundTrouble: it is not one of ours, or its device is not there.
    """
    for port in ports:
        if port.name == name:
            if port.present:
                return port
            raise SoundTrouble("sound.device_missing", f"{name}: {port.device} is not there", device=port.device)
    raise SoundTrouble("sound.no_such_port", f"wanted microphone or speaker, got {name!r}")
