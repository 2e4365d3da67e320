"""A simulated VISCA-over-IP camera on a real UDP socket, for people, tests and the demo.

Written from Sony's documents, not from our codec, so that the two do not share a mistake:
sequence numbers, sockets and errors from the SRG-300H and SRG-HD1 technical manuals, ranges and speeds
from the command lists of BRC-X400 and EVI-D70. It moves at a camera's speed and looks at
one message per picture (V period).

    python -m drivers.visca.sim --listen 127.0.0.1:0 --on --fault loss=0.1
"""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
import sys
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

Address = tuple[str, int]

V_PERIOD_S = 1 / 60
LATE_S = 0.15
INBOX = 32
SEEN = 256
"""Sequence numbers that are remembered per controller."""
CONTROLLERS = 5

MEMORIES: dict[int, tuple[float, float, float]] = {
    0: (0.0, 0.0, 0.0),
    1: (-30.0, 5.0, 0.25),
    2: (30.0, 5.0, 0.25),
    3: (0.0, 10.0, 0.5),
    4: (-60.0, -10.0, 0.75),
    5: (60.0, 0.0, 0.1),
}
"""What a new simulated camera has stored: pan and tilt in degrees, zoom from 0 to 1."""

FAULTS = ("loss", "duplicate", "late", "silent", "no_completion", "seed")
"""Faults by name. `loss`, `duplicate` and `late` are chances from 0 to 1 per datagram, `no_completion`
one per completion; `silent=1` answers nothing at all; `seed` makes a run repeatable."""


@dataclass(frozen=True, slots=True)
class Model:
    """What one make of camera is like."""

    name: str
    version: bytes
    steps_per_degree: float
    pan: tuple[int, int]
    tilt: tuple[int, int]
    tilt_speed_max: int
    memories: int
    one_speed: bool
    slowest: float = 1.1
    """Degrees a second at speed 01."""
    fastest: float = 101.0
    """Degrees a second at speed 18 hex; memories are recalled with it."""
    ramp: float = 400.0
    """Degrees a second, gained in a second."""
    zoom_through_s: float = 2.5


MODELS = {
    "brc-x400": Model(
        "brc-x400", bytes.fromhex("0001051C010002"), 51.2, (-0x2200, 0x2200), (-0x400, 0x1200), 0x17, 100, True
    ),
    "generic": Model(
        "generic", bytes.fromhex("0020040E010002"), 0x8DB / 170, (-0x8DB, 0x8DB), (-0x190, 0x4B0), 0x17, 6, False
    ),
}
ZOOM_END = 0x4000


@dataclass(slots=True)
class Motor:
    """One axis in steps, with a ramp."""

    low: float
    high: float
    ramp: float
    position: float = 0.0
    speed: float = 0.0
    top: float = 0.0
    target: float | None = None

    @property
    def moving(self) -> bool:
        """Whether it turns or is about to."""
        return self.target is not None or self.speed != 0.0

    def go(self, target: float, top: float) -> None:
        """Head for `target` with at most `top` steps a second."""
        self.target, self.top = min(max(target, self.low), self.high), top

    def halt(self) -> None:
        """Come to rest at once; a camera needs less than a picture for it."""
        self.target, self.speed = None, 0.0

    def advance(self, seconds: float) -> None:
        """Turn for `seconds`: speed up, hold, slow down before the target."""
        if self.target is None:
            return
        way = self.target - self.position
        brake = (2 * self.ramp * abs(way)) ** 0.5
        self.speed = min(abs(self.speed) + self.ramp * seconds, self.top, brake)
        if abs(way) <= max(self.speed * seconds, 1.0):
            self.position = self.target
            self.halt()
        else:
            self.position += self.speed * seconds * (1 if way > 0 else -1)


class Camera:
    """What a camera remembers and where it looks: no bytes, no network, time is an argument."""

    def __init__(self, model: Model, *, on: bool, start_up_s: float) -> None:
        degree = model.steps_per_degree
        self.model = model
        self.pan = Motor(*model.pan, model.ramp * degree)
        self.tilt = Motor(*model.tilt, model.ramp * degree)
        self.zoom = Motor(0, ZOOM_END, 4 * ZOOM_END / model.zoom_through_s)
        self.memories = {
            n: (round(p * degree), round(t * degree), round(z * ZOOM_END)) for n, (p, t, z) in MEMORIES.items()
        }
        self.last_memory = 0
        self._start_up_s = start_up_s
        self._on_at: float | None = 0.0 if on else None

    def is_on(self, now: float) -> bool:
        """Whether it has power and has started up."""
        return self._on_at is not None and now >= self._on_at

    def power(self, on: bool, now: float) -> None:
        """Start up, or stop and go to standby."""
        if not on:
            self.halt()
            self._on_at = None
        elif self._on_at is None:
            self._on_at = now + self._start_up_s

    @property
    def motors(self) -> tuple[Motor, Motor, Motor]:
        """Pan, tilt and zoom."""
        return self.pan, self.tilt, self.zoom

    @property
    def moving(self) -> bool:
        """Whether anything turns."""
        return any(motor.moving for motor in self.motors)

    def halt(self) -> None:
        """Stop everything."""
        for motor in self.motors:
            motor.halt()

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass."""
        for motor in self.motors:
            motor.advance(seconds)

    def steps_per_s(self, code: int) -> float:
        """Return what a speed from 01 to 18 hex means; each step is faster by the same factor."""
        model = self.model
        ratio = (model.fastest / model.slowest) ** ((min(code, 0x18) - 1) / 0x17)
        return model.slowest * float(ratio) * model.steps_per_degree

    def zoom_steps_per_s(self, code: int) -> float:
        """Return what a zoom speed from 0 to 7 means."""
        return ZOOM_END / self.model.zoom_through_s * (code + 1) / 8

    def recall(self, memory: int) -> None:
        """Head for a stored position."""
        pan, tilt, zoom = self.memories[memory]
        self.last_memory = memory
        self.pan.go(pan, self.steps_per_s(0x18))
        self.tilt.go(tilt, self.steps_per_s(0x18))
        self.zoom.go(zoom, self.zoom_steps_per_s(7))

    def store(self, memory: int) -> None:
        """Keep the position of this moment."""
        self.last_memory = memory
        self.memories[memory] = round(self.pan.position), round(self.tilt.position), round(self.zoom.position)


@dataclass(slots=True)
class Caller:
    """One controller: where it is and which of its messages were received."""

    address: Address
    seen: deque[int] = field(default_factory=lambda: deque(maxlen=SEEN))


@dataclass(slots=True)
class Job:
    """A command that occupies a socket; without a caller it belongs to another controller's line."""

    caller: Caller | None
    sequence: int
    motors: tuple[Motor, ...] = ()


class SyntaxProblem(Exception):
    """The camera does not know the command, or a parameter is wrong."""


class NotExecutable(Exception):
    """The camera knows the command and cannot run it now."""


def _body(frame: bytes) -> bytes:
    if frame[:1] != b"\x81" or frame[-1:] != b"\xff":
        raise SyntaxProblem
    return frame[1:-1]


def _nibbles(data: bytes) -> int:
    value = 0
    for byte in data:
        if byte > 0x0F:
            raise SyntaxProblem
        value = value * 16 + byte
    return value


def _signed(data: bytes) -> int:
    value = _nibbles(data)
    return value - 0x10000 if value >= 0x8000 else value


def _spread(value: float) -> bytes:
    number = round(value) & 0xFFFF
    return bytes((number >> 12, number >> 8 & 15, number >> 4 & 15, number & 15))


class SimulatedCamera(asyncio.DatagramProtocol):
    """A camera on a UDP socket. Its use cases are the public methods."""

    def __init__(self, camera: Camera, faults: Mapping[str, str]) -> None:
        unknown = set(faults) - set(FAULTS)
        if unknown:
            raise ValueError(f"unknown fault {', '.join(sorted(unknown))}; known: {', '.join(FAULTS)}")
        self.camera = camera
        self.chances = {name: float(value) for name, value in faults.items()}
        self.ran: list[bytes] = []
        """Every command that was carried out, in order, without header byte and terminator."""
        self._dice = random.Random(self.chances.get("seed", 1))
        self._transport: asyncio.DatagramTransport | None = None
        self._plugged = True
        self._inbox: deque[tuple[Caller, int, int, bytes]] = deque(maxlen=INBOX)
        self._callers: dict[Address, Caller] = {}
        self._sockets: list[Job | None] = [None, None]
        self._wake = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    # Use cases.

    @property
    def address(self) -> str:
        """Where it listens, as a device address."""
        if self._transport is None:
            return "visca+udp://"
        host, port = self._transport.get_extra_info("sockname")[:2]
        return f"visca+udp://{host}:{port}"

    @property
    def pan_deg(self) -> float:
        """Where it looks, to the right."""
        return self.camera.pan.position / self.camera.model.steps_per_degree

    @property
    def tilt_deg(self) -> float:
        """Where it looks, upwards."""
        return self.camera.tilt.position / self.camera.model.steps_per_degree

    @property
    def zoom(self) -> float:
        """How far it is zoomed in, from 0 to 1."""
        return self.camera.zoom.position / ZOOM_END

    @property
    def moving(self) -> bool:
        """Whether it moves at this moment."""
        return self.camera.moving

    @property
    def on(self) -> bool:
        """Whether it is on and started up."""
        return self.camera.is_on(self._loop.time())

    def unplug(self) -> None:
        """Pull power and network: it stops where it is and answers nothing."""
        self._plugged = False
        self.camera.halt()
        self._sockets = [None, None]
        self._inbox.clear()
        self._callers.clear()

    def plug_in(self) -> None:
        """Give power and network back."""
        self._plugged = True

    def fill_sockets(self) -> None:
        """Occupy both sockets, as another controller would."""
        self._sockets = [Job(None, 0), Job(None, 0)]

    def free_sockets(self) -> None:
        """Let the other controller go."""
        self._sockets = [None if job and job.caller is None else job for job in self._sockets]

    def send_noise(self, noise: bytes = bytes.fromhex("90 12 ff ff 00 41 90")) -> None:
        """Send bytes that are no reply to everybody who ever asked something."""
        for caller in self._callers.values():
            self._transmit(noise, caller.address)

    # Bytes in.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the way out."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """Take a datagram through the faults of the network into the camera's inbox."""
        if not self._plugged or self._happens("silent") or self._happens("loss"):
            return
        for _ in range(2 if self._happens("duplicate") else 1):
            self._enter(data, addr)

    def _enter(self, data: bytes, addr: Address) -> None:
        if len(data) < 9:
            return
        kind, sequence = int.from_bytes(data[:2], "big"), int.from_bytes(data[4:8], "big")
        caller = self._caller(addr)
        if kind == 0x0200:
            self._control(caller, sequence, data[8:])
        elif sequence in caller.seen:
            self._send(0x0201, sequence, b"\x0f\x01", caller)
        else:
            caller.seen.append(sequence)
            self._inbox.append((caller, sequence, kind, data[8:]))
            self._wake.set()

    def _caller(self, addr: Address) -> Caller:
        if addr not in self._callers and len(self._callers) >= CONTROLLERS:
            del self._callers[next(iter(self._callers))]
        return self._callers.setdefault(addr, Caller(addr))

    def _control(self, caller: Caller, sequence: int, payload: bytes) -> None:
        if payload == b"\x01":
            caller.seen.clear()
            self._send(0x0201, sequence, b"\x01", caller)
        else:
            self._send(0x0201, sequence, b"\x0f\x02", caller)

    # The camera's life, one V period after the other.

    async def live(self) -> None:
        """Move and answer until cancelled; sleeps while there is nothing to do."""
        while True:
            await self._wake.wait()
            then = self._loop.time()
            while self._inbox or self.moving or any(job and job.caller for job in self._sockets):
                await asyncio.sleep(V_PERIOD_S)
                now = self._loop.time()
                self.camera.advance(now - then)
                then = now
                self._complete()
                if self._inbox:
                    self._look_at(*self._inbox.popleft(), now)
            self._wake.clear()

    def _complete(self) -> None:
        for index, job in enumerate(self._sockets):
            if job and job.caller and not any(motor.moving for motor in job.motors):
                self._sockets[index] = None
                if not self._happens("no_completion"):
                    self._reply(job.caller, job.sequence, bytes((0x51 + index,)))

    def _look_at(self, caller: Caller, sequence: int, kind: int, frame: bytes, now: float) -> None:
        try:
            body = _body(frame)
            if kind == 0x0110 and body[:1] == b"\x09":
                self._reply(caller, sequence, b"\x50" + self._inquire(body[1:], now))
            else:
                self._command(caller, sequence, body, now)
        except SyntaxProblem:
            self._refuse(caller, sequence, b"\x60\x02")
        except NotExecutable:
            self._refuse(caller, sequence, b"\x61\x41")

    def _inquire(self, body: bytes, now: float) -> bytes:
        camera = self.camera
        if body == b"\x00\x02":
            return camera.model.version
        if body == b"\x04\x00":
            return b"\x02" if camera.is_on(now) else b"\x03"
        if not camera.is_on(now):
            raise NotExecutable
        if body == b"\x06\x12":
            return _spread(camera.pan.position) + _spread(camera.tilt.position)
        if body == b"\x04\x47":
            return _spread(camera.zoom.position)
        if body == b"\x04\x3f":
            return bytes((camera.last_memory,))
        raise SyntaxProblem

    def _command(self, caller: Caller, sequence: int, body: bytes, now: float) -> None:
        if body[:1] != b"\x01":
            raise SyntaxProblem
        power = body[:3] == b"\x01\x04\x00"
        if not power and not self.camera.is_on(now):
            raise NotExecutable
        if None not in self._sockets:
            self._refuse(caller, sequence, b"\x60\x03")
            return
        moved = self._power(body, now) if power else self._run(body)
        self.ran.append(body)
        self._displace(moved)
        index = self._sockets.index(None)
        # A drive goes on until it is told otherwise, so its command is complete at once.
        lasting = body[:3] in {b"\x01\x06\x02", b"\x01\x04\x3f", b"\x01\x04\x47"}
        self._sockets[index] = Job(caller, sequence, moved if lasting else ())
        self._reply(caller, sequence, bytes((0x41 + index,)))

    def _displace(self, moved: tuple[Motor, ...]) -> None:
        """End the commands whose motors a newer command has taken."""
        for index, job in enumerate(self._sockets):
            if job and job.caller and any(motor is other for motor in job.motors for other in moved):
                self._sockets[index] = None
                self._reply(job.caller, job.sequence, bytes((0x61 + index, 0x04)))

    def _power(self, body: bytes, now: float) -> tuple[Motor, ...]:
        if body[3:] not in {b"\x02", b"\x03"}:
            raise SyntaxProblem
        self.camera.power(body[3] == 2, now)
        return self.camera.motors if body[3] == 3 else ()

    def _run(self, body: bytes) -> tuple[Motor, ...]:
        match tuple(body[1:3]):
            case (0x06, 0x01):
                return self._drive(body[3:])
            case (0x06, 0x02):
                return self._absolute(body[3:])
            case (0x04, 0x07):
                return self._zoom_drive(body[3:])
            case (0x04, 0x47):
                return self._zoom_direct(body[3:])
            case (0x04, 0x3F):
                return self._memory(body[3:])
        raise SyntaxProblem

    def _speed(self, code: int, limit: int) -> float:
        if not 1 <= code <= limit:
            raise SyntaxProblem
        return self.camera.steps_per_s(code)

    def _drive(self, rest: bytes) -> tuple[Motor, ...]:
        camera = self.camera
        if len(rest) != 4:
            raise SyntaxProblem
        pan, tilt = self._speed(rest[0], 0x18), self._speed(rest[1], camera.model.tilt_speed_max)
        if not {rest[2], rest[3]} <= {1, 2, 3}:
            raise SyntaxProblem
        self._turn(camera.pan, {1: camera.pan.low, 2: camera.pan.high}.get(rest[2]), pan)
        self._turn(camera.tilt, {1: camera.tilt.high, 2: camera.tilt.low}.get(rest[3]), tilt)
        return camera.pan, camera.tilt

    @staticmethod
    def _turn(motor: Motor, towards: float | None, top: float) -> None:
        if towards is None:
            motor.halt()
        else:
            motor.go(towards, top)

    def _absolute(self, rest: bytes) -> tuple[Motor, ...]:
        camera = self.camera
        if len(rest) != 10:
            raise SyntaxProblem
        pan_top = self._speed(rest[0], 0x18)
        if camera.model.one_speed and rest[1] != 0:
            raise SyntaxProblem
        tilt_top = pan_top if camera.model.one_speed else self._speed(rest[1], camera.model.tilt_speed_max)
        pan, tilt = _signed(rest[2:6]), _signed(rest[6:10])
        if not (camera.pan.low <= pan <= camera.pan.high and camera.tilt.low <= tilt <= camera.tilt.high):
            raise SyntaxProblem
        camera.pan.go(pan, pan_top)
        camera.tilt.go(tilt, tilt_top)
        return camera.pan, camera.tilt

    def _zoom_drive(self, rest: bytes) -> tuple[Motor, ...]:
        zoom = self.camera.zoom
        if len(rest) != 1 or rest[0] not in {0x00, *range(0x20, 0x28), *range(0x30, 0x38)}:
            raise SyntaxProblem
        towards = {0x2: zoom.high, 0x3: zoom.low}.get(rest[0] >> 4)
        self._turn(zoom, towards, self.camera.zoom_steps_per_s(rest[0] & 0x0F))
        return (zoom,)

    def _zoom_direct(self, rest: bytes) -> tuple[Motor, ...]:
        if len(rest) != 4 or _nibbles(rest) > ZOOM_END:
            raise SyntaxProblem
        self.camera.zoom.go(_nibbles(rest), self.camera.zoom_steps_per_s(7))
        return (self.camera.zoom,)

    def _memory(self, rest: bytes) -> tuple[Motor, ...]:
        if len(rest) != 2 or rest[0] not in {1, 2} or rest[1] >= self.camera.model.memories:
            raise SyntaxProblem
        if rest[0] == 1:
            self.camera.store(rest[1])
            return ()
        if rest[1] not in self.camera.memories:
            raise NotExecutable
        self.camera.recall(rest[1])
        return self.camera.motors

    # Bytes out.

    def _refuse(self, caller: Caller, sequence: int, body: bytes) -> None:
        """Send an error; sent again, the message meets the same error and not `0F 01`."""
        if sequence in caller.seen:
            caller.seen.remove(sequence)
        self._reply(caller, sequence, body)

    def _reply(self, caller: Caller, sequence: int, body: bytes) -> None:
        self._send(0x0111, sequence, b"\x90" + body + b"\xff", caller)

    def _send(self, kind: int, sequence: int, payload: bytes, caller: Caller) -> None:
        head = kind.to_bytes(2, "big") + len(payload).to_bytes(2, "big") + sequence.to_bytes(4, "big")
        if self._happens("loss"):
            return
        for _ in range(2 if self._happens("duplicate") else 1):
            if self._happens("late"):
                self._loop.call_later(LATE_S, self._transmit, head + payload, caller.address)
            else:
                self._transmit(head + payload, caller.address)

    def _transmit(self, data: bytes, address: Address) -> None:
        if self._plugged and self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(data, address)

    def _happens(self, fault: str) -> bool:
        return self._dice.random() < self.chances.get(fault, 0.0)


@asynccontextmanager
async def serve(
    listen: str = "127.0.0.1:0",
    *,
    model: str | None = None,
    on: bool = True,
    start_up_s: float = 0.0,
    faults: Mapping[str, str] | None = None,
) -> AsyncIterator[SimulatedCamera]:
    """Run a simulated camera on `listen` (HOST:PORT, port 0 for a free one) inside the block.

    Raises:
        ValueError: no such model or fault, or `listen` is no HOST:PORT.
    """
    if (model or "brc-x400") not in MODELS:
        raise ValueError(f"unknown model {model!r}; known: {', '.join(MODELS)}")
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal():
        raise ValueError(f"wanted HOST:PORT to listen on, got {listen!r}")
    simulated = SimulatedCamera(Camera(MODELS[model or "brc-x400"], on=on, start_up_s=start_up_s), faults or {})
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: simulated, local_addr=(host, int(port)))
    life = asyncio.create_task(simulated.live(), name="simulated camera")
    try:
        yield simulated
    finally:
        life.cancel()
        await asyncio.gather(life, return_exceptions=True)
        transport.close()
        await asyncio.sleep(0)


async def run(
    listen: str, *, model: str | None = None, faults: Mapping[str, str] | None = None, on: bool, start_up_s: float
) -> None:
    """Serve until SIGTERM or SIGINT, after printing `ready ADDRESS`."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    async with serve(listen, model=model, on=on, start_up_s=start_up_s, faults=faults) as simulated:
        print(f"ready {simulated.address}", flush=True)
        await ended.wait()


def main(argv: Sequence[str]) -> int:
    """Run from the command line; 0 after a signal, 2 for arguments that cannot be used."""
    parser = argparse.ArgumentParser("simulated camera", description="A simulated VISCA-over-IP camera.")
    parser.add_argument("--listen", default="127.0.0.1:0", metavar="HOST:PORT", help="port 0 takes a free one")
    parser.add_argument("--model", choices=sorted(MODELS), default="brc-x400")
    parser.add_argument("--fault", action="append", default=[], metavar="NAME=VALUE", help=", ".join(FAULTS))
    parser.add_argument("--start-up", type=float, default=8.0, metavar="SECONDS", help="from standby to on")
    parser.add_argument("--on", action="store_true", help="begin switched on, not in standby")
    options = parser.parse_args(argv)
    try:
        faults = dict(fault.split("=", 1) for fault in options.fault)
        asyncio.run(run(options.listen, model=options.model, faults=faults, on=options.on, start_up_s=options.start_up))
    except (ValueError, OSError) as error:
        print(f"simulated camera: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
