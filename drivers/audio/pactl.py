"""PulseAudio's (and pipewire-pulse's) own command line tool: ports, mute and gain, read back.

A process for each call costs some milliseconds and can be killed when the server hangs,
which a library in our own process could not.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass

from drivers.audio.lines import Line, Value, decode, flag, number, parts, text
from drivers.audio.model import MICROPHONE, SILENCE_DBFS, SPEAKER
from drivers.audio.station import SoundTrouble
from drivers.ports import SoundPort

ANSWER_WITHIN_S = 2.0

_KIND = {MICROPHONE: "source", SPEAKER: "sink"}
_FULL_VOLUME = 65536
"""0 dB; PulseAudio counts volume as the cube root of the amplitude (pa_sw_volume_from_dB)."""
_DB = re.compile(r"^(-inf|[-+]?[0-9.]+) dB$")


@dataclass(frozen=True, slots=True)
class Pactl:
    """The server that the environment names."""

    def port(self, name: str, device: str) -> SoundPort:
        """Ask about one port.

        Raises:
            SoundTrouble: no server, no tool, or `name` is no port.
        """
        if name not in _KIND:
            raise SoundTrouble("sound.no_such_port", f"wanted microphone or speaker, got {name!r}")
        for entry in self._list(f"{_KIND[name]}s"):
            if entry.get("name") == device:
                return SoundPort(name, device, True, flag(entry, "mute"), _gain_db(entry))
        return SoundPort(name, device, False, False, 0.0)

    def mute(self, port: str, device: str, on: bool) -> None:
        """Mute or open a port; says nothing of whether it worked."""
        self._run(f"set-{_KIND[port]}-mute", device, "1" if on else "0")

    def gain(self, port: str, device: str, db: float) -> None:
        """Set a port's gain; says nothing of whether it worked."""
        # As a plain number: pactl takes "-12dB" for "12 dB less than now".
        self._run(f"set-{_KIND[port]}-volume", device, str(round(_FULL_VOLUME * 10 ** (db / 60))))

    def captured_by(self, pid: int) -> str:
        """Return the name of the source that process `pid` records from, empty if none."""
        names = {entry.get("index"): text(entry, "name") for entry in self._list("sources")}
        for entry in self._list("source-outputs"):
            properties = entry.get("properties")
            if isinstance(properties, dict) and properties.get("application.process.id") == str(pid):
                return names.get(number(entry, "source"), "")
        return ""

    def _list(self, what: str) -> list[Line]:
        try:
            return parts(decode(f'{{"all":{self._run("list", what)}}}'), "all")
        except ValueError as error:
            raise SoundTrouble("sound.server_babbles", f"pactl list {what}: {error}") from error

    def _run(self, *arguments: str) -> str:
        command = ["pactl", "-f", "json", *arguments]
        environment = {**os.environ, "LC_ALL": "C"}  # other languages write decimals with a comma
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=ANSWER_WITHIN_S, env=environment, check=False
            )
        except FileNotFoundError as error:
            raise SoundTrouble("sound.no_pactl", "pactl is not installed: apt install pulseaudio-utils") from error
        except subprocess.TimeoutExpired as error:
            detail = f"the sound server did not answer within {ANSWER_WITHIN_S:g} s"
            raise SoundTrouble("sound.server_hangs", detail) from error
        if done.returncode:
            detail = f"pactl {' '.join(arguments)}: {done.stderr.strip() or 'failed'}"
            raise SoundTrouble("sound.no_server", detail)
        return done.stdout


def _gain_db(entry: Line) -> float:
    """Return the loudest channel's gain."""
    volume = entry.get("volume")
    channels = list(volume.values()) if isinstance(volume, dict) else []
    return max((_channel_db(channel) for channel in channels), default=0.0)


def _channel_db(channel: Value) -> float:
    found = _DB.match(text(channel, "db")) if isinstance(channel, dict) else None
    return max(SILENCE_DBFS, float(found.group(1))) if found else 0.0
