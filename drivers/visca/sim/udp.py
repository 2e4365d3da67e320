"""A camera on a UDP socket: with Sony's header (SRG-300H technical manual, p. 31), or with bare frames."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from typing import cast

from drivers.visca.sim.camera import SimulatedCamera
from drivers.visca.sim.faults import Outlet

Address = tuple[str, int]

SONY_PORT = 52381
SEEN = 256
"""Sequence numbers that are remembered per controller."""
CONTROLLERS = 5
"""How many controllers a camera remembers; the one that came first is forgotten for a sixth."""

_COMMANDS = frozenset({0x0100, 0x0110, 0x0120})
"""Command, inquiry, device setting. Cameras look at the frame, not at which of them it came under."""
_CONTROL, _CONTROL_REPLY, _REPLY = 0x0200, 0x0201, 0x0111
_RESET, _ABNORMAL_SEQUENCE, _ABNORMAL_MESSAGE = b"\x01", b"\x0f\x01", b"\x0f\x02"
_HEADER = 8
_ADDRESS_ONE = 0x81


class UdpLine(asyncio.DatagramProtocol):
    """What both ways to speak UDP have in common."""

    scheme = "visca+udp://{host}:{port}"

    def __init__(self, camera: SimulatedCamera) -> None:
        self.camera = camera
        self._callers: dict[Address, UdpCaller] = {}
        self._transport: asyncio.DatagramTransport | None = None
        camera.line = self

    def where(self, _camera: SimulatedCamera) -> str:
        """Where it listens, as a device address."""
        if self._transport is None:
            return "visca+udp://"
        host, port = self._transport.get_extra_info("sockname")[:2]
        return self.scheme.format(host=host, port=port)

    def went(self, _camera: SimulatedCamera) -> None:
        """Forget who called: the camera lost its memory of them."""
        self._callers.clear()

    def came_back(self, _camera: SimulatedCamera) -> None:
        """Do nothing: a datagram is heard or not."""

    def shout(self, noise: bytes) -> None:
        """Send bytes to everybody who ever asked something."""
        for address in self._callers:
            self.transmit(noise, address)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the way out."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """Take a datagram through the faults of the network."""
        for _ in range(self.camera.arrivals()):
            self.enter(data, self.caller(addr))

    @abstractmethod
    def enter(self, data: bytes, caller: UdpCaller) -> None:
        """Take one datagram that came through."""

    def caller(self, address: Address) -> UdpCaller:
        """Return the controller at `address`."""
        known = self._callers.get(address)
        if known is None:
            if len(self._callers) >= CONTROLLERS:
                del self._callers[next(iter(self._callers))]
            known = self._callers[address] = self.new_caller(address)
        return known

    @abstractmethod
    def new_caller(self, address: Address) -> UdpCaller:
        """Return what is to be remembered of a controller that was never heard before."""

    def transmit(self, data: bytes, address: Address) -> None:
        """Send a datagram, unless the camera is gone."""
        if self._transport is None or self.camera.deaf or self._transport.is_closing():
            return
        port = int(self.camera.faults["reply_port"])
        if port:
            address = address[0], SONY_PORT if port == 1 else port
        self._transport.sendto(data, address)


class UdpCaller:
    """One controller on UDP: where it is, and the way back to it."""

    def __init__(self, line: UdpLine, address: Address) -> None:
        self.outlet = Outlet(line.camera.faults, lambda data: line.transmit(data, address), stream=False)

    def answer(self, frame: bytes, _sequence: int, /) -> None:
        """Send a bare frame back."""
        self.outlet.put(frame)

    def forget(self, sequence: int, /) -> None:
        """Have nothing to forget: bare frames carry no number."""


class RawUdp(UdpLine):
    """Bare frames, as PTZOptics and its relatives take them on port 1259."""

    scheme = "visca+udp://{host}:{port}?framing=raw"

    def enter(self, data: bytes, caller: UdpCaller) -> None:
        """Take the frames of one datagram."""
        for body in data.split(b"\xff")[:-1]:
            if body[:1] == b"\x81":
                self.camera.hear(body[1:], caller)

    def new_caller(self, address: Address) -> UdpCaller:
        """Return a controller without memory."""
        return UdpCaller(self, address)


class SonyCaller(UdpCaller):
    """One controller with Sony's header: which of its messages were received."""

    def __init__(self, line: UdpLine, address: Address) -> None:
        super().__init__(line, address)
        self._camera = line.camera
        self.seen: dict[int, None] = {}

    def remember(self, sequence: int) -> None:
        """Keep the number of a message that was received."""
        self.seen[sequence] = None
        if len(self.seen) > SEEN:
            del self.seen[next(iter(self.seen))]

    def forget(self, sequence: int, /) -> None:
        """Take a message for unheard, so that it meets the same error again and not 0F 01."""
        self.seen.pop(sequence, None)

    def answer(self, frame: bytes, sequence: int, /) -> None:
        """Send a frame back under the number of the message that it answers."""
        if self._camera.camera.model.lying_sequence or self._camera.faults.happens("lying_sequence"):
            sequence = 1
        self.send(_REPLY, sequence, frame)

    def send(self, kind: int, sequence: int, payload: bytes) -> None:
        """Send a payload of whatever type."""
        head = kind.to_bytes(2, "big") + len(payload).to_bytes(2, "big") + sequence.to_bytes(4, "big")
        self.outlet.put(head + payload)


class SonyUdp(UdpLine):
    """Sony's VISCA over IP."""

    def enter(self, data: bytes, caller: UdpCaller) -> None:
        """Take one datagram: a control message, a message that came before, or a new one."""
        if not isinstance(caller, SonyCaller) or len(data) <= _HEADER:
            return
        kind, length = int.from_bytes(data[:2], "big"), int.from_bytes(data[2:4], "big")
        sequence, payload = int.from_bytes(data[4:_HEADER], "big"), data[_HEADER:]
        if kind == _CONTROL:
            self._control(caller, sequence, payload)
        elif kind not in _COMMANDS or not self._is_frame(payload, length):
            self._object(caller, sequence, _ABNORMAL_MESSAGE)
        elif sequence in caller.seen:
            self._object(caller, sequence, _ABNORMAL_SEQUENCE)
        else:
            caller.remember(sequence)
            # Over IP the address is locked to 1.
            self.camera.hear(payload[1:-1] if payload[0] == _ADDRESS_ONE else b"\x00", caller, sequence)

    def new_caller(self, address: Address) -> UdpCaller:
        """Return a controller of which no number was seen."""
        return SonyCaller(self, address)

    def _is_frame(self, payload: bytes, length: int) -> bool:
        return payload[-1] == 0xFF and (length == len(payload) or self.camera.camera.model.lenient_length)

    def _object(self, caller: SonyCaller, sequence: int, error: bytes) -> None:
        caller.send(self.camera.camera.model.error_type, sequence, error)

    def _control(self, caller: SonyCaller, sequence: int, payload: bytes) -> None:
        if payload == _RESET:
            caller.seen.clear()
            caller.send(_CONTROL_REPLY, sequence, _RESET)
        else:
            self._object(caller, sequence, _ABNORMAL_MESSAGE)
