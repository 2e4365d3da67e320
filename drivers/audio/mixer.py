"""PulseAudio's (and pipewire-pulse's) mixer: ports, mute, gain and defaults, read back; changes as they happen.

The only importer of `pulsectl`, and imported by the sound worker alone: with a server that
hangs, the library hangs too, and only a process can be killed. A call takes a tenth of a
millisecond; a server that has gone away costs one failed call and is looked for again by
the next.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from math import log10
from typing import Any, TypeVar

import pulsectl

from drivers.audio.model import MICROPHONE, SILENCE_DBFS, SPEAKER
from drivers.audio.system import SoundTrouble
from drivers.ports import SoundPort

CONNECT_TRIES_S = (0.03, 0.12, 0.45, 1.4)
"""The library waits the whole of a time limit even when the server answers within a millisecond."""
LOOK_FOR_SERVER_EVERY_S = 1.0
CLIENT = "siaga"

_KINDS = {MICROPHONE: "source", SPEAKER: "sink"}
_TROUBLE = (pulsectl.PulseError, pulsectl.PulseDisconnected)
_DB_PER_DECADE = 60.0
"""PulseAudio counts volume as the cube root of the amplitude (its `pa_sw_volume_from_dB`)."""


T = TypeVar("T")


class PulseMixer:
    """The server that the environment names; may be used by several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pulse: Any = None  # pulsectl carries no types

    def port(self, name: str, device: str) -> SoundPort:
        """Ask about one port; an absent one is an answer.

        Raises:
            SoundTrouble: no server, or `name` is no port.
        """
        kind = _kind(name)

        def look(pulse: Any) -> SoundPort:
            default = _default(pulse, kind)
            return _port(name, device, _found(pulse, kind, device), is_default=default == device)

        return self._call(look)

    def mute(self, port: str, device: str, on: bool) -> bool:
        """Mute or open a port and return what the server then says of it.

        Raises:
            SoundTrouble: no server, or no such device.
        """
        kind = _kind(port)

        def carry_out(pulse: Any) -> bool:
            pulse.mute(_wanted(pulse, kind, device), on)
            return bool(_wanted(pulse, kind, device).mute)

        return self._call(carry_out)

    def gain(self, port: str, device: str, db: float) -> float:
        """Set the gain of all a port's channels and return what the server then says of it.

        Raises:
            SoundTrouble: no server, or no such device.
        """
        kind = _kind(port)

        def carry_out(pulse: Any) -> float:
            pulse.volume_set_all_chans(_wanted(pulse, kind, device), 10 ** (db / _DB_PER_DECADE))
            return _gain_db(_wanted(pulse, kind, device))

        return self._call(carry_out)

    def make_default(self, port: str, device: str) -> str:
        """Let programs that name no device use this one, and return the name of the default after that.

        Raises:
            SoundTrouble: no server, or no such device.
        """
        kind = _kind(port)

        def carry_out(pulse: Any) -> str:
            pulse.default_set(_wanted(pulse, kind, device))
            return _default(pulse, kind)

        return self._call(carry_out)

    def suspended(self, port: str, device: str) -> bool:
        """Return whether the server runs the device not at all; one that is gone is not suspended.

        Raises:
            SoundTrouble: no server.
        """
        kind = _kind(port)
        entry = self._call(lambda pulse: _found(pulse, kind, device))
        return entry is not None and bool(entry.state == "suspended")

    def captured_by(self, pid: int) -> str:
        """Return the name of the source that process `pid` records from, empty if none."""

        def look(pulse: Any) -> str:
            names = {source.index: str(source.name) for source in pulse.source_list()}
            for stream in pulse.source_output_list():
                if stream.proplist.get("application.process.id") == str(pid):
                    return names.get(stream.source, "")
            return ""

        return self._call(look)

    def _call(self, do: Callable[[Any], T]) -> T:
        """Return what `do` does with a connected server.

        Raises:
            SoundTrouble: there is none, or it did not do it.
        """
        with self._lock:
            try:
                if self._pulse is None:
                    self._pulse = _connected("mixer")
                return do(self._pulse)
            except _TROUBLE as error:
                broken, self._pulse = self._pulse, None
                if broken is not None:
                    broken.close()
                raise SoundTrouble("sound.no_server", f"the sound server: {error or 'it hung up'}") from error


def watch(_devices: Mapping[str, str], changed: Callable[[], None]) -> threading.Thread:
    """Call `changed`, on a thread of its own, whenever a device or a capture comes, goes or moves.

    Returns the thread, which ends with the process. A server that goes away is looked for
    every second, and its coming back is a change too.
    """
    thread = threading.Thread(target=_watch, args=(changed,), name="sound-watch", daemon=True)
    thread.start()
    return thread


def _watch(changed: Callable[[], None]) -> None:
    pause = threading.Event()
    while True:
        try:
            with _connected("watch") as pulse:
                pulse.event_mask_set("source", "sink", "source_output", "server")
                pulse.event_callback_set(lambda _event: _stop_listening())
                changed()
                while True:
                    pulse.event_listen()
                    changed()
        except _TROUBLE:
            pause.wait(LOOK_FOR_SERVER_EVERY_S)


def _stop_listening() -> None:
    """Leave the library's loop: inside of it no question can be asked.

    Raises:
        PulseLoopStop: always.
    """
    raise pulsectl.PulseLoopStop


def _connected(what: str) -> Any:
    pulse = pulsectl.Pulse(f"{CLIENT}-{what}", connect=False)
    try:
        for within_s in CONNECT_TRIES_S[:-1]:
            with contextlib.suppress(*_TROUBLE):
                pulse.connect(autospawn=False, timeout=within_s)
                return pulse
        pulse.connect(autospawn=False, timeout=CONNECT_TRIES_S[-1])
    except _TROUBLE:
        pulse.close()
        raise
    return pulse


def _kind(port: str) -> str:
    if port not in _KINDS:
        raise SoundTrouble("sound.no_such_port", f"wanted microphone or speaker, got {port!r}")
    return _KINDS[port]


def _found(pulse: Any, kind: str, device: str) -> Any:
    """Return the server's device of exactly that name, or None."""
    return next((entry for entry in getattr(pulse, f"{kind}_list")() if entry.name == device), None)


def _default(pulse: Any, kind: str) -> str:
    return str(getattr(pulse.server_info(), f"default_{kind}_name"))


def _wanted(pulse: Any, kind: str, device: str) -> Any:
    if (entry := _found(pulse, kind, device)) is None:
        raise SoundTrouble("sound.device_missing", f"{kind} {device} is not there", device=device)
    return entry


def _port(name: str, device: str, entry: Any, *, is_default: bool) -> SoundPort:
    if entry is None:
        return SoundPort(name, device, False, False, 0.0, is_default)
    return SoundPort(name, device, True, bool(entry.mute), _gain_db(entry), is_default)


def _gain_db(entry: Any) -> float:
    """Return the loudest channel's gain."""
    loudest = max(entry.volume.values, default=0.0)
    return max(SILENCE_DBFS, _DB_PER_DECADE * log10(loudest)) if loudest > 0 else SILENCE_DBFS
