"""Which machine's sound system the worker runs on; each is imported only where it is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from drivers.ports import SoundPort


class HostMixer(Protocol):
    """A machine's devices by their exact names; every method may raise `SoundTrouble`."""

    def port(self, name: str, device: str) -> SoundPort:
        """Ask about one port; an absent one is an answer."""

    def mute(self, port: str, device: str, on: bool) -> bool:
        """Mute or open a port and return what was read back."""

    def gain(self, port: str, device: str, db: float) -> float:
        """Set a port's gain and return what was read back."""

    def make_default(self, port: str, device: str) -> str:
        """Make a device the default and return the name of the default after that."""

    def suspended(self, port: str, device: str, /) -> bool:
        """Return whether the device is held back."""

    def captured_by(self, pid: int, /) -> str:
        """Return the name of the device that a process records from, empty where nobody tells."""


@dataclass(frozen=True, slots=True)
class Host:
    """What the worker needs of a machine besides PortAudio."""

    mixer: HostMixer
    prepare: Callable[[str, str], None]
    """Gets loudspeaker and microphone before PortAudio is loaded."""
    stream_options: Callable[[Any, str, str], Mapping[str, object]]
    """Turns library, port and device into what a stream is opened with."""
    watch: Callable[[Mapping[str, str], Callable[[], None]], object]
    """Calls whenever something changes; returns what must be kept alive."""


def this_machine() -> Host:
    """Return the host for the machine we run on."""
    if sys.platform == "win32":
        from drivers.audio import windows

        return Host(windows.WindowsMixer(), windows.prepare, windows.stream_options, windows.watch)
    from drivers.audio import alsa, mixer

    return Host(mixer.PulseMixer(), alsa.prepare, alsa.stream_options, mixer.watch)
