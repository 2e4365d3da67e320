"""Hears a recording through real PortAudio, its callback and all detectors, as fast as the machine can.

    python -m tests.wire.audio.recording FILE SECONDS

ALSA's `file` device gives out FILE, raw 32 bit floats as PortAudio asks for them, and has no clock, so an hour takes
seconds. It is a program of its own because PortAudio may abort the one it runs in. It prints
the flags that were up at the end of each second, where they changed.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from typing import Any

from drivers.audio import dsp
from drivers.audio.hearing import Hearing
from drivers.audio.hosts import Host
from drivers.audio.model import Limits, Second, flags
from drivers.audio.system import Block
from drivers.audio.worker import NamedDevices
from drivers.ports import SoundPort

ASOUND = """
pcm.recording {{ type file slave.pcm {{ type null }} file /dev/null infile "{file}" format raw }}
pcm.!default {{ type null }}
ctl.!default {{ type hw card 0 }}
"""


class Deck:
    """A mixer with a microphone that is always there."""

    def port(self, name: str, device: str) -> SoundPort:
        return SoundPort(name, device, True, False, 0.0)

    def mute(self, _port: str, _device: str, on: bool) -> bool:
        return on

    def gain(self, _port: str, _device: str, db: float) -> float:
        return db

    def make_default(self, _port: str, device: str) -> str:
        return device

    def suspended(self, _port: str, _device: str) -> bool:
        return False

    def captured_by(self, _pid: int) -> str:
        return ""


def deck(file: str) -> Host:
    """Return a host whose microphone is a recording."""

    def prepare(*_: str) -> None:
        config = os.memfd_create("asound.conf")
        os.write(config, ASOUND.format(file=file).encode())
        os.environ["ALSA_CONFIG_PATH"] = f"/proc/self/fd/{config}"

    def options(_library: Any, _port: str, _device: str) -> dict[str, object]:
        return {"device": "recording"}

    def watch(*_: object) -> None:
        return

    return Host(Deck(), prepare, options, watch)


def main(file: str, seconds: int) -> None:
    """Print what was heard, then end at once: PortAudio need not be asked to stop."""
    hearing, heard, over = Hearing(), list[Second](), threading.Event()
    before: frozenset[str] = frozenset()

    def take(block: Block) -> None:
        nonlocal before
        if len(heard) >= seconds:
            over.set()
            return
        second = hearing.feed(block.samples, dsp.level(block.samples))
        if second is None:
            return
        heard.append(second)
        now = frozenset(flags(heard[-20:], Limits()))
        if now != before:
            before = now
            print(json.dumps({"at_s": len(heard), "flags": sorted(now)}), flush=True)

    NamedDevices(deck(file), "none", "recording").listen(take)
    over.wait()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
