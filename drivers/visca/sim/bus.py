"""A serial line with up to seven cameras in a chain, at the speed of the wire.

EVI-D70 technical manual, p. 31 to 33: addresses are given with `88 30 01 FF`, which each camera hands on with
the next number; broadcasts go through to the end and come back; a change of the chain is told with `y0 38 FF`.
Who carries the bytes of the wire (a pseudo-terminal, a serial server) is the business of its ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from drivers.visca.sim.camera import SimulatedCamera
from drivers.visca.sim.faults import Outlet
from drivers.visca.sim.framing import Splitter

MOST_CAMERAS = 7
BITS_PER_BYTE = 10
"""A start bit, eight and a stop bit."""
_BROADCAST = 0x88
_NETWORK_CHANGE = 0x38
_IF_CLEAR = b"\x01\x00\x01"
_ADDRESS_SET = 0x30
_STEP_S = 1e-6


class Wire:
    """One direction of the line: bytes in, and out again once their time on the wire has passed."""

    def __init__(self, byte_s: float, deliver: Callable[[bytes], None]) -> None:
        self._byte_s = byte_s
        self._deliver = deliver
        self._loop = asyncio.get_running_loop()
        self._free_at = 0.0

    @property
    def ahead_s(self) -> float:
        """How long the wire is busy from now on."""
        return max(self._free_at - self._loop.time(), 0.0)

    def put(self, data: bytes) -> None:
        """Put bytes on the wire, behind those that are on it."""
        now = self._loop.time()
        self._free_at = max(now, self._free_at) + len(data) * self._byte_s
        if self._free_at <= now:
            self._deliver(data)
        else:
            self._free_at += _STEP_S  # two pieces never arrive at the very same moment
            self._loop.call_at(self._free_at, self._deliver, data)


class Port:
    """One camera's place on the bus, which is also the way back to the controller."""

    def __init__(self, bus: Bus, camera: SimulatedCamera) -> None:
        self.camera = camera
        self._bus = bus
        self._outlet = Outlet(camera.faults, self._emit, stream=True)

    def answer(self, frame: bytes, _sequence: int, /) -> None:
        """Send a frame back along the chain."""
        self._outlet.put(frame)

    def forget(self, sequence: int, /) -> None:
        """Have nothing to forget: bare frames carry no number."""

    def _emit(self, data: bytes) -> None:
        if self in self._bus.reached():
            self._bus.say(data)


class Bus:
    """The chain of cameras, and the wire to them."""

    def __init__(
        self,
        cameras: Sequence[SimulatedCamera],
        emit: Callable[[bytes], None],
        *,
        baud: int,
        addressed: bool,
        where: Callable[[], str],
    ) -> None:
        """`baud` 0 has no wire to speak of; `addressed`: addresses are set by switches, 1 and up."""
        self.ports = [Port(self, camera) for camera in cameras]
        self.addressed = addressed
        self._emit = emit
        self._where = where
        self._splitter = Splitter()
        byte_s = BITS_PER_BYTE / baud if baud else 0.0
        self.to_cameras = Wire(byte_s, self._arrive)
        self._to_controller = Wire(byte_s, emit)
        for index, port in enumerate(self.ports):
            port.camera.number = index + 1 if addressed or len(self.ports) == 1 else 0
            port.camera.line = self

    # What a camera hangs on.

    def where(self, camera: SimulatedCamera) -> str:
        """Where `camera` is reached; by its place in the chain while it has no address."""
        places = [port.camera for port in self.ports]
        place = places.index(camera) + 1 if camera in places else 0
        return f"{self._where()}&address={camera.number or place}"

    def went(self, camera: SimulatedCamera) -> None:
        """Without power a camera of a chain forgets its address."""
        if not self.addressed and len(self.ports) > 1:
            camera.number = 0

    def came_back(self, camera: SimulatedCamera) -> None:
        """Tell that a camera was given power."""
        self._tell_change(camera)

    def shout(self, noise: bytes) -> None:
        """Send bytes that nobody asked for."""
        self.say(noise)

    # The chain.

    def reached(self) -> list[Port]:
        """Return the cameras up to the first that hands nothing on."""
        reached: list[Port] = []
        for port in self.ports:
            if port.camera.deaf:
                break
            reached.append(port)
        return reached

    def join(self, camera: SimulatedCamera) -> None:
        """Hang a further camera at the end of the chain; its neighbour tells the change.

        Raises:
            ValueError: there are seven already.
        """
        if len(self.ports) >= MOST_CAMERAS:
            raise ValueError(f"a chain has at most {MOST_CAMERAS} cameras")
        camera.line = self
        camera.number = len(self.ports) + 1 if self.addressed else 0
        neighbour = self.ports[-1].camera if self.ports else camera
        self.ports.append(Port(self, camera))
        self._tell_change(neighbour)

    def leave(self, camera: SimulatedCamera) -> None:
        """Take a camera out and close the gap; the neighbour tells the change."""
        place = [port.camera for port in self.ports].index(camera)
        del self.ports[place]
        camera.unplug()
        if self.ports:
            self._tell_change(self.ports[max(place - 1, 0)].camera)

    def _tell_change(self, camera: SimulatedCamera) -> None:
        if any(port.camera is camera for port in self.reached()):
            number = camera.number or 1
            self.say(bytes((0x80 | number << 4, _NETWORK_CHANGE, 0xFF)))

    # Bytes.

    def take(self, data: bytes) -> None:
        """Take what the controller put on its end of the wire."""
        *frames, rest = data.split(b"\xff")
        for frame in frames:
            self.to_cameras.put(frame + b"\xff")
        if rest:
            self.to_cameras.put(rest)

    def say(self, data: bytes) -> None:
        """Put bytes on the wire to the controller."""
        self._to_controller.put(data)

    def _arrive(self, data: bytes) -> None:
        for frame in self._splitter.feed(data):
            if frame[0] == _BROADCAST:
                self._broadcast(frame)
            elif frame[0] >> 4 == 8:
                self._hand_over(frame)

    def _hand_over(self, frame: bytes) -> None:
        for port in self.reached():
            if port.camera.number == frame[0] & 0x0F:
                for _ in range(port.camera.arrivals()):
                    port.camera.hear(frame[1:-1], port)

    def _broadcast(self, frame: bytes) -> None:
        reached = self.reached()
        if not reached:
            return
        if len(frame) == 4 and frame[1] == _ADDRESS_SET:
            self._number(reached, frame[2])
        elif frame[1:-1] == _IF_CLEAR:
            for port in reached:
                port.camera.clear()
            self._echo(reached, frame)
        else:
            for port in reached:
                port.camera.hear(frame[1:-1], _Mute())

    def _number(self, reached: list[Port], first: int) -> None:
        for offset, port in enumerate(reached):
            port.camera.number = offset + 1 if self.addressed else first + offset
        self._echo(reached, bytes((_BROADCAST, _ADDRESS_SET, first + len(reached), 0xFF)))

    def _echo(self, reached: list[Port], frame: bytes) -> None:
        """Let a broadcast come back from the end of the chain, through the faults of the last camera."""
        reached[-1].answer(frame, 0)


class _Mute:
    """Whoever broadcast: nobody answers a broadcast but with its echo."""

    def answer(self, frame: bytes, sequence: int, /) -> None:
        """Say nothing."""

    def forget(self, sequence: int, /) -> None:
        """Have nothing to forget."""


class End(Protocol):
    """Where the controller's cable is plugged in."""

    def pull(self) -> None:
        """Take the cable out: whoever has the port open loses it."""

    def put_back(self) -> None:
        """Put the cable in again, at the same place."""


class SimulatedChain:
    """Cameras on one serial line, and the cable to them; all of them share their faults."""

    def __init__(self, bus: Bus, end: End, build: Callable[[], SimulatedCamera]) -> None:
        self.bus = bus
        self._end = end
        self._build = build
        for camera in self.cameras:
            camera.chain = self

    @property
    def cameras(self) -> list[SimulatedCamera]:
        """The cameras, from the controller on."""
        return [port.camera for port in self.bus.ports]

    @property
    def address(self) -> str:
        """Where the first camera is reached."""
        return self.cameras[0].address if self.cameras else ""

    def join(self) -> SimulatedCamera:
        """Hang a further camera at the end of the chain.

        Raises:
            ValueError: there are seven already.
        """
        camera = self._build()
        camera.chain = self
        self.bus.join(camera)
        return camera

    def leave(self, camera: SimulatedCamera) -> None:
        """Take a camera out of the chain."""
        self.bus.leave(camera)

    def pull_cable(self) -> None:
        """Pull the controller's end: the adapter of a serial port, the network of a serial server."""
        self._end.pull()

    def put_cable_back(self) -> None:
        """Put it in again, under the same stable name or port."""
        self._end.put_back()
