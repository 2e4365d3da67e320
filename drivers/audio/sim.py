"""A modelled room on a TCP port: loudspeaker, air, microphone, noise and somebody talking.

    python -m drivers.audio.sim --listen 127.0.0.1:0 --fault microphone=dead

It speaks the sound worker's lines, in real time, so a sound check against it is a real
measurement of modelled sound: the chirp is played into the room, travels, is reflected,
mixes with the noise and is looked for in what the microphone hears. It takes one order
more than a worker does, so that a room can be broken while it runs:
`{"id": 1, "do": "fault", "name": "path", "value": "cut"}`.

One room, any number of supervisors: mutes and gains are the room's.
"""

from __future__ import annotations

import socket
import socketserver
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from math import isfinite

import numpy as np

from drivers import simulation
from drivers.audio import dsp, lines
from drivers.audio.acoustics import PITCHES_HZ, TELEPHONE, Canceller, amplitude, mains, sentences, voice
from drivers.audio.model import MICROPHONE, SPEAKER
from drivers.audio.station import Station
from drivers.audio.system import Block, Inventory, Played, SoundTrouble, port_of
from drivers.ports import SoundPort

DEVICES = {MICROPHONE: "room_mic", SPEAKER: "room_speaker"}
ELSEWHERE = "room_speaker.monitor"
"""Where a sound system puts a capture whose microphone went."""

PATH = ((0.012, -10.0), (0.019, -17.0), (0.027, -20.0), (0.041, -24.0), (0.066, -29.0), (0.103, -35.0))
"""The way from loudspeaker to microphone: delays in seconds and gains in dB.

The first is the direct one, four metres long.
"""
NOISE_DBFS = -62.0
HOWL_DBFS = -14.0
"""What a microphone too near to its loudspeaker settles at."""
DELAY_AT_MOST_MS = 500.0
BLOCK_S = dsp.BLOCK_FRAMES / dsp.RATE_HZ

FAULTS = (
    "microphone=ok|dead|muted|unplugged|taken|suspended, speaker=ok|muted|unplugged, default=ok|taken,"
    " path=ok|cut|DB, delay=MS, polarity=normal|turned, canceller=DB|off, lost=TONES, clock=ok|stalled,"
    f" noise=DBFS, talker=DBFS|off, talkers=1 to {len(PITCHES_HZ)}, pauses=yes|no,"
    " hum=DBFS|off, howl=HZ|off, band=whole|telephone"
)


def _no_such_fault(name: str, value: str) -> ValueError:
    return ValueError(f"fault must be one of {FAULTS}, got {name}={value}")


def _whole(value: str, least: int, most: int) -> int:
    """Return a whole number.

    Raises:
        ValueError: it is none, or out of its range.
    """
    number = int(value)
    if not least <= number <= most:
        raise ValueError(f"fault: wanted {least} to {most}, got {number}")
    return number


def _number(value: str) -> float:
    """Return a number.

    Raises:
        ValueError: it is none, or not finite.
    """
    number = float(value)
    if not isfinite(number):
        raise ValueError(f"fault: wanted a number, got {value}")
    return number


def _number_or_off(value: str) -> float | None:
    return None if value == "off" else _number(value)


class Room:
    """What the room remembers, and its air; `tick` moves it on by one block."""

    def __init__(self, *, seed: int = 1) -> None:
        self.muted = {MICROPHONE: False, SPEAKER: False}
        self.gain_db = {MICROPHONE: 0.0, SPEAKER: 0.0}
        self.unplugged: set[str] = set()
        self.dead = False
        self.taken = False
        self.suspended = False
        self.default = dict(DEVICES)
        self.path_cut = False
        self.path_db = 0.0
        self.delay_ms = 0.0
        self.turned = False
        self.canceller: Canceller | None = None
        self.lost_tones = 0
        self.stalled = False
        self.noise_dbfs = NOISE_DBFS
        self.talker_dbfs: float | None = None
        self.talkers = 1
        self.pauses = True
        self.hum_dbfs: float | None = None
        self.howl_hz: float | None = None
        self.telephone = False
        self._before = np.zeros(TELEPHONE.size - 1, dtype=np.float32)
        self._random = np.random.default_rng(seed)
        self._lock = threading.Lock()
        self._playing: deque[tuple[dsp.Samples, threading.Event]] = deque()
        furthest_s = PATH[-1][0] + DELAY_AT_MOST_MS / 1000
        self._air = np.zeros(dsp.BLOCK_FRAMES + round(furthest_s * dsp.RATE_HZ), dtype=np.float32)
        self._frames = 0

    def play(self, samples: dsp.Samples, over: threading.Event) -> float:
        """Queue samples for the loudspeaker, until `over`; return when the first sounds, on the room's clock."""
        with self._lock:
            waiting = sum(-(-queued.size // dsp.BLOCK_FRAMES) for queued, _ in self._playing)  # each starts a block
            self._playing.append((samples, over))
            return (self._frames + waiting * dsp.BLOCK_FRAMES) / dsp.RATE_HZ

    @property
    def plays(self) -> bool:
        """Whether the loudspeaker has something to play."""
        return any(not over.is_set() for _, over in tuple(self._playing))

    def tick(self) -> Block:
        """Return the microphone's next block."""
        with self._lock:
            at_s = self._frames / dsp.RATE_HZ
            self._frames += dsp.BLOCK_FRAMES
            self._sound(self._next_played())
            heard = self._echo() + self._noise() + self._talk(at_s) + self._tones(at_s)
            self._air = np.concatenate([self._air[dsp.BLOCK_FRAMES :], np.zeros(dsp.BLOCK_FRAMES, dtype=np.float32)])
        return Block(at_s, self._through_microphone(heard))

    def _next_played(self) -> dsp.Samples:
        now = self._next_queued()
        if self.muted[SPEAKER] or SPEAKER in self.unplugged or self.path_cut:
            return now[:0]
        return now * np.float32(amplitude(self.gain_db[SPEAKER]))

    def _next_queued(self) -> dsp.Samples:
        while self._playing:
            samples, over = self._playing.popleft()
            if over.is_set():
                continue
            if samples.size > dsp.BLOCK_FRAMES:
                self._playing.appendleft((samples[dsp.BLOCK_FRAMES :], over))
            return samples[: dsp.BLOCK_FRAMES]
        return np.zeros(0, dtype=np.float32)

    def _sound(self, samples: dsp.Samples) -> None:
        sign = -1.0 if self.turned else 1.0
        for delay_s, gain_db in PATH:
            start = round((delay_s + self.delay_ms / 1000) * dsp.RATE_HZ)
            self._air[start : start + samples.size] += samples * np.float32(sign * amplitude(gain_db + self.path_db))

    def _echo(self) -> dsp.Samples:
        """Return what arrives from the loudspeaker, as far as a canceller leaves it."""
        arrives = self._air[: dsp.BLOCK_FRAMES]
        return arrives if self.canceller is None else self.canceller.feed(arrives)

    def _noise(self) -> dsp.Samples:
        samples = self._random.standard_normal(dsp.BLOCK_FRAMES, dtype=np.float32)
        return samples * np.float32(amplitude(self.noise_dbfs))

    def _talk(self, at_s: float) -> dsp.Samples | float:
        """Return the voices of all who talk, each at the level of the first."""
        if self.talker_dbfs is None:
            return 0.0
        when = at_s + np.arange(dsp.BLOCK_FRAMES) / dsp.RATE_HZ
        voices = [
            voice(pitch_hz, when, self._random) * (sentences(number, when) if self.pauses else 1)
            for number, pitch_hz in enumerate(PITCHES_HZ[: self.talkers])
        ]
        return np.asarray(np.sum(voices, axis=0) * amplitude(self.talker_dbfs), dtype=np.float32)

    def _tones(self, at_s: float) -> dsp.Samples:
        """Return the hum of the mains and the howl of feedback, where there are any."""
        when = at_s + np.arange(dsp.BLOCK_FRAMES) / dsp.RATE_HZ
        tones = np.zeros(when.size)
        if self.hum_dbfs is not None:
            tones += mains(when) * amplitude(self.hum_dbfs)
        if self.howl_hz is not None:
            tones += np.sin(2 * np.pi * self.howl_hz * when) * amplitude(HOWL_DBFS)
        return np.asarray(tones, dtype=np.float32)

    def _band(self, heard: dsp.Samples) -> dsp.Samples:
        """Return `heard` as an 8 kHz device would give it."""
        whole = np.concatenate([self._before, heard])
        self._before = whole[-TELEPHONE.size + 1 :]
        return np.asarray(np.convolve(whole, TELEPHONE, "valid"), dtype=np.float32)

    def _through_microphone(self, heard: dsp.Samples) -> dsp.Samples:
        if self.dead or self.muted[MICROPHONE] or MICROPHONE in self.unplugged:
            return np.zeros(dsp.BLOCK_FRAMES, dtype=np.float32)
        loud = heard * np.float32(amplitude(self.gain_db[MICROPHONE]))
        clipped = np.asarray(np.clip(loud, -1.0, 1.0), dtype=np.float32)
        return self._band(clipped) if self.telephone else clipped

    # --- use cases ---

    def fault(self, name: str, value: str) -> None:
        """Break or mend something while the room runs.

        Raises:
            ValueError: names what there is.
        """
        match name:
            case "microphone" | "speaker":
                self._break_port(name, value)
            case "path" | "delay" | "polarity" | "canceller" | "lost":
                self._break_path(name, value)
            case "talker" | "talkers" | "pauses":
                self._let_talk(name, value)
            case _:
                self._sound_otherwise(name, value)

    def _sound_otherwise(self, name: str, value: str) -> None:
        match name, value:
            case "default", "ok" | "taken":
                self.default = dict(DEVICES if value == "ok" else dict.fromkeys(DEVICES, ELSEWHERE))
            case "clock", "ok" | "stalled":
                self.stalled = value == "stalled"
            case "band", "whole" | "telephone":
                self.telephone = value == "telephone"
            case "noise", _:
                self.noise_dbfs = _number(value)
            case "hum", _:
                self.hum_dbfs = _number_or_off(value)
            case "howl", _:
                self.howl_hz = _number_or_off(value)
            case _:
                raise _no_such_fault(name, value)

    def _let_talk(self, name: str, value: str) -> None:
        match name, value:
            case "talker", _:
                self.talker_dbfs = _number_or_off(value)
            case "talkers", _:
                self.talkers = _whole(value, 1, len(PITCHES_HZ))
            case _, "yes" | "no":
                self.pauses = value == "yes"
            case _:
                raise _no_such_fault(name, value)

    def _break_path(self, name: str, value: str) -> None:
        match name, value:
            case "path", "ok" | "cut":
                self.path_cut, self.path_db = value == "cut", 0.0
            case "path", _:
                self.path_cut, self.path_db = False, _number(value)
            case "delay", _:
                self.delay_ms = _whole(value, 0, round(DELAY_AT_MOST_MS))
            case "polarity", "normal" | "turned":
                self.turned = value == "turned"
            case "canceller", _:
                depth_db = _number_or_off(value)
                self.canceller = None if depth_db is None else Canceller(depth_db)
            case "lost", _:
                self.lost_tones = _whole(value, 0, 1_000)
            case _:
                raise _no_such_fault(name, value)

    def _break_port(self, port: str, how: str) -> None:
        if how not in {"ok", "dead", "muted", "unplugged", "taken", "suspended"}:
            raise _no_such_fault(port, how)
        self.muted[port] = how == "muted"
        (self.unplugged.add if how == "unplugged" else self.unplugged.discard)(port)
        if port == MICROPHONE:
            self.dead = how == "dead"
            self.taken = how == "taken"
            self.suspended = how == "suspended"
        elif how in {"dead", "taken", "suspended"}:
            raise ValueError(f"a loudspeaker that is {how} is path=cut: it takes samples and makes no sound")


class Seat:
    """One supervisor's capture in the room; a `SoundSystem`."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._heard: Callable[[Block], None] | None = None
        self._captured = ""

    def pass_on(self, block: Block) -> None:
        """Take a block of the room's clock."""
        if self._heard is not None and not self._room.suspended:
            if MICROPHONE in self._room.unplugged:
                self._captured = ELSEWHERE  # and there it stays when the microphone is back
            self._heard(block)

    def inventory(self) -> Inventory:
        """Return both ports."""
        return Inventory((self._port(MICROPHONE), self._port(SPEAKER)), DEVICES[MICROPHONE], self._captured)

    def _port(self, name: str) -> SoundPort:
        room = self._room
        if name not in DEVICES:
            raise SoundTrouble("sound.no_such_port", f"wanted microphone or speaker, got {name!r}")
        device, present = DEVICES[name], name not in room.unplugged
        return SoundPort(name, device, present, room.muted[name], room.gain_db[name], room.default[name] == device)

    def listen(self, heard: Callable[[Block], None]) -> None:
        """Start the capture.

        Raises:
            SoundTrouble: the microphone is absent or taken.
        """
        port_of((self._port(MICROPHONE),), MICROPHONE)
        if self._room.taken:
            raise SoundTrouble("sound.not_opened", "microphone: another program holds it")
        self._captured = DEVICES[MICROPHONE]
        self._heard = heard

    def play(self, samples: dsp.Samples, over: threading.Event) -> Played:
        """Play into the room."""
        port_of((self._port(SPEAKER),), SPEAKER)
        lost = self._room.lost_tones > 0
        self._room.lost_tones -= lost
        return Played(self._room.play(samples, over), lost)

    def mute(self, port: str, on: bool) -> bool:
        """Mute or open a port."""
        self._room.muted[port_of((self._port(port),), port).name] = on
        return self._room.muted[port]

    def gain(self, port: str, db: float) -> float:
        """Set a port's gain."""
        self._room.gain_db[port_of((self._port(port),), port).name] = db
        return self._room.gain_db[port]

    def make_default(self, port: str) -> bool:
        """Make a port's device the default."""
        self._room.default[port] = port_of((self._port(port),), port).device
        return True

    def halted(self) -> str:
        """Say whether the sound system keeps the microphone from giving samples."""
        return f"{DEVICES[MICROPHONE]} is suspended at the sound system" if self._room.suspended else ""


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = False
    owner: RoomServer


class _Line(socketserver.StreamRequestHandler):
    """One supervisor's connection."""

    server: _Server

    def handle(self) -> None:
        seat = Seat(self.server.owner.room)
        lock = threading.Lock()

        def send(line: lines.Line) -> None:
            try:
                with lock:
                    self.request.sendall(lines.encode(line))
            except OSError:
                leave()

        def leave() -> None:
            _hang_up(self.request)

        station = Station(seat, send, leave)
        self.server.owner.join(self.request, seat, station)
        station.start()
        try:
            self._take_orders(station, send)
        except OSError:
            pass  # the supervisor dropped its link: its way of ending us
        finally:
            self.server.owner.part(self.request)
            station.stop()

    def _take_orders(self, station: Station, send: Callable[[lines.Line], None]) -> None:
        for text in self.rfile:
            try:
                order = lines.decode(text)
                if order.get("do") != "fault":
                    station.order(order)
                    continue
                self.server.owner.fault(lines.text(order, "name"), lines.text(order, "value"))
                send({"id": order.get("id"), "ok": {}})
            except ValueError as error:
                send({"id": None, "error": "sound.bad_order", "detail": str(error)})


def _hang_up(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


class RoomServer:
    """Serves one room and keeps its clock, which may run faster than ours."""

    def __init__(self, room: Room, host: str = "127.0.0.1", port: int = 0, *, speed: float = 1.0) -> None:
        self.room = room
        self._block_s = BLOCK_S / speed
        self._server = _Server((host, port), _Line)
        self._server.owner = self
        self._seats: dict[socket.socket, tuple[Seat, Station]] = {}
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._server.serve_forever, args=(0.05,), name="room-server"),
            threading.Thread(target=self._keep_time, name="room-clock"),
        ]

    @property
    def address(self) -> str:
        """Where it serves, as a device address."""
        host, port = self._server.server_address[:2]
        return f"audio+model://{host!s}:{port}"

    def start(self) -> None:
        """Serve until `close`."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Hang up on everybody and stop the clock."""
        self._over.set()
        self._server.shutdown()
        self.hang_up()
        self._server.server_close()
        for thread in self._threads:
            thread.join()

    def fault(self, name: str, value: str) -> None:
        """Break or mend something, which a sound system tells those who use it."""
        self.room.fault(name, value)
        with self._lock:
            for _, station in self._seats.values():
                station.look_again()

    def join(self, connection: socket.socket, seat: Seat, station: Station) -> None:
        """Let a supervisor hear the room."""
        with self._lock:
            self._seats[connection] = seat, station

    def part(self, connection: socket.socket) -> None:
        """Forget a supervisor."""
        with self._lock:
            self._seats.pop(connection, None)

    def hang_up(self) -> None:
        """Cut every supervisor off, as a crashed worker would."""
        with self._lock:
            for connection in self._seats:
                _hang_up(connection)

    def _keep_time(self) -> None:
        due_s = time.monotonic()
        while not self._over.wait(max(0.0, due_s - time.monotonic())):
            due_s = max(due_s + self._block_s, time.monotonic() - 1.0)  # a stopped process does not catch up for ever
            if self.room.stalled:
                continue
            block = self.room.tick()
            with self._lock:
                for seat, _ in self._seats.values():
                    seat.pass_on(block)


def main(argv: list[str]) -> int:
    """Serve a modelled room until SIGTERM or SIGINT."""
    parser = simulation.arguments("python -m drivers.audio.sim", "A modelled room's sound.")
    chosen = parser.parse_args(argv)
    room = Room()
    simulation.switch_on(chosen.fault, room.fault, parser)
    server = RoomServer(room, *chosen.listen)
    server.start()
    simulation.block_until_told(server.address)
    server.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
