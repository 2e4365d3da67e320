"""Sound on a real machine, in a process that may be killed: `python -m drivers.audio.worker`.

PortAudio can abort its process and can hang for ever while stopping, so nothing else lives
here. This is the only importer of `sounddevice`, and through `drivers.audio.hosts` of
`pulsectl` or `pycaw`. Commands come as lines on stdin, answers and levels go as lines to stdout
(`drivers.audio.lines`); when stdin ends, so does the process, whatever its other threads
hang in.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from drivers.audio import dsp, lines
from drivers.audio.hosts import Host, this_machine
from drivers.audio.model import MICROPHONE, SPEAKER
from drivers.audio.station import Station
from drivers.audio.system import Block, Inventory, Played, SoundStuck, SoundTrouble, port_of
from drivers.ports import SoundPort

if TYPE_CHECKING:
    import sounddevice

BUFFER_S = 0.15
"""Short buffers underrun on a busy machine; half of this already did."""
PLAY_FRAMES = 480
PLAYED_WITHIN_S = 3.0
"""Beyond the length of what is played; a loudspeaker that the server suspended never plays it."""
STOPPED_WITHIN_S = 0.3
LOOK_EVERY_S = 0.01


class NamedDevices:
    """Two devices of this machine by their exact names, through PortAudio; a `SoundSystem`."""

    def __init__(self, host: Host, speaker: str, microphone: str) -> None:
        self._devices = {SPEAKER: speaker, MICROPHONE: microphone}
        self._host = host
        self._mixer = host.mixer
        self._portaudio: Any = None  # sounddevice carries no types
        self._stream: sounddevice.InputStream | None = None

    def inventory(self) -> Inventory:
        """Ask the server for both ports and for where our capture hangs."""
        ports = tuple(self._port(name) for name in (MICROPHONE, SPEAKER))
        captured = self._mixer.captured_by(os.getpid()) if self._stream is not None else ""
        return Inventory(ports, self._devices[MICROPHONE], captured)

    def _port(self, name: str) -> SoundPort:
        return self._mixer.port(name, self._devices.get(name, ""))

    def listen(self, heard: Callable[[Block], None]) -> None:
        """Open the capture, and PortAudio with it once the microphone is there.

        Raises:
            SoundTrouble: the microphone is absent or does not open.
        """
        port_of((self._port(MICROPHONE),), MICROPHONE)
        library = self._library()

        def came(samples: Any, _frames: int, when: Any, status: Any) -> None:
            heard(Block(when.inputBufferAdcTime, np.array(samples[:, 0]), bool(status.input_overflow)))

        self._stream = None
        try:
            stream = library.InputStream(
                **self._host.stream_options(library, MICROPHONE, self._devices[MICROPHONE]),
                samplerate=dsp.RATE_HZ,
                channels=1,
                dtype="float32",
                blocksize=dsp.BLOCK_FRAMES,
                latency=BUFFER_S,
                callback=came,
            )
            stream.start()
        except (library.PortAudioError, ValueError) as error:
            raise SoundTrouble("sound.not_opened", f"microphone: {error}") from error
        self._stream = stream

    def play(self, samples: dsp.Samples, over: threading.Event) -> Played:
        """Play `samples` to their end, or until `over`.

        Raises:
            SoundTrouble: the loudspeaker is absent or does not open.
            SoundStuck: it takes nothing; PortAudio would hang in closing it.
        """
        port_of((self._port(SPEAKER),), SPEAKER)
        library = self._library()
        playing = _Playing(samples, over, library)
        try:
            stream = library.OutputStream(
                **self._host.stream_options(library, SPEAKER, self._devices[SPEAKER]),
                samplerate=dsp.RATE_HZ,
                channels=1,
                dtype="float32",
                blocksize=PLAY_FRAMES,
                latency=BUFFER_S,
                callback=playing.fill,
                finished_callback=playing.finished.set,
            )
            stream.start()
            playing.wait()
            stream.close()
        except (library.PortAudioError, ValueError) as error:
            raise SoundTrouble("sound.not_opened", f"speaker: {error}") from error
        return Played(playing.at_s, playing.lost)

    def mute(self, port: str, on: bool) -> bool:
        """Mute or open a port and ask whether it is."""
        return self._mixer.mute(port, self._devices.get(port, ""), on)

    def gain(self, port: str, db: float) -> float:
        """Set a port's gain and ask what it is."""
        return self._mixer.gain(port, self._devices.get(port, ""), db)

    def make_default(self, port: str) -> bool:
        """Make a port's device the default and ask which it is."""
        device = self._devices.get(port, "")
        return self._mixer.make_default(port, device) == device

    def halted(self) -> str:
        """Ask whether the server has suspended the microphone while we record from it."""
        device = self._devices[MICROPHONE]
        return f"{device} is suspended at the sound server" if self._mixer.suspended(MICROPHONE, device) else ""

    def _library(self) -> Any:
        """Return PortAudio, started when first wanted."""
        if self._portaudio is None:
            self._host.prepare(self._devices[SPEAKER], self._devices[MICROPHONE])
            self._portaudio = _start_portaudio()
        return self._portaudio


class _Playing:
    """Hands a tone to PortAudio block by block."""

    def __init__(self, samples: dsp.Samples, over: threading.Event, library: Any) -> None:
        # closing drops what is still buffered, so the buffer is pushed out by silence
        self._rest = np.concatenate([samples, np.zeros(round(2 * BUFFER_S * dsp.RATE_HZ), dtype=np.float32)])
        self._over = over
        self._ended, self._aborted = library.CallbackStop, library.CallbackAbort
        self._lasts_s = self._rest.size / dsp.RATE_HZ
        self.at_s = 0.0
        self.lost = False
        self.finished = threading.Event()

    def wait(self) -> None:
        """Return once the stream has ended.

        Raises:
            SoundStuck: it does not, neither by itself nor when told.
        """
        until_s = time.monotonic() + self._lasts_s + PLAYED_WITHIN_S
        while not self._over.wait(LOOK_EVERY_S) and time.monotonic() < until_s:
            if self.finished.is_set():
                return
        self._over.set()
        if not self.finished.wait(STOPPED_WITHIN_S):
            raise SoundStuck("sound.speaker_stuck", "the loudspeaker takes no sound: its device is suspended or hangs")

    def fill(self, out: Any, frames: int, when: Any, status: Any) -> None:
        """Fill one block, and end the stream after the last; one that is called off drops what is buffered."""
        if self._over.is_set():
            out[:] = 0
            raise self._aborted
        self.at_s = self.at_s or when.outputBufferDacTime
        self.lost = self.lost or bool(status.output_underflow)
        now, self._rest = self._rest[:frames], self._rest[frames:]
        out[: now.size, 0] = now
        out[now.size :] = 0
        if now.size < frames:
            raise self._ended


def _start_portaudio() -> Any:
    """Import sounddevice, which starts PortAudio and on a bad day aborts this process.

    Raises:
        SoundTrouble: one of the two is not installed.
    """
    try:
        import sounddevice
    except (ImportError, OSError) as error:
        raise SoundTrouble("sound.no_portaudio", f"{error}: apt install libportaudio2") from error
    return sounddevice


def _die(what: threading.ExceptHookArgs) -> None:
    """End the process with the thread: half a worker would look healthy."""
    sys.excepthook(what.exc_type, what.exc_value or what.exc_type(), what.exc_traceback)
    os._exit(4)


def _sender() -> Callable[[lines.Line], None]:
    """Return what writes whole lines to the real stdout; libraries that print get stderr instead."""
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    lock = threading.Lock()

    def send(line: lines.Line) -> None:
        # when nobody listens any more, stdin has ended too, and that end is the orderly one
        with contextlib.suppress(OSError), lock:
            out.write(lines.encode(line))

    return send


def main(argv: list[str]) -> int:
    """Serve one supervisor until stdin ends."""
    parser = argparse.ArgumentParser(prog="python -m drivers.audio.worker", description=__doc__)
    parser.add_argument("--speaker", required=True)
    parser.add_argument("--microphone", required=True)
    chosen = parser.parse_args(argv)
    send = _sender()
    host = this_machine()
    station = Station(NamedDevices(host, chosen.speaker, chosen.microphone), send, lambda: os._exit(3))
    threading.excepthook = _die
    station.start()
    _watched = host.watch({SPEAKER: chosen.speaker, MICROPHONE: chosen.microphone}, station.look_again)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's Ctrl-C reaches us too; the supervisor decides
    signal.signal(signal.SIGTERM, _leave_soon)
    with contextlib.suppress(SystemExit):
        _take_orders(station, send)
    station.hush()
    os._exit(0)


def _take_orders(station: Station, send: Callable[[lines.Line], None]) -> None:
    for line in sys.stdin.buffer:
        try:
            station.order(lines.decode(line))
        except ValueError as error:
            send({"id": None, "error": "sound.bad_order", "detail": str(error)})


def _leave_soon(*_: object) -> NoReturn:
    """End as if stdin had.

    Raises:
        SystemExit: always.
    """
    raise SystemExit


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
