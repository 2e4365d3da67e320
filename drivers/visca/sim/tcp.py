"""A camera on a TCP port: bare frames in one stream, several controllers at a time."""

from __future__ import annotations

import asyncio
from typing import cast

from drivers.visca.sim.camera import SimulatedCamera
from drivers.visca.sim.faults import Outlet
from drivers.visca.sim.framing import Splitter

CONTROLLERS = 5
"""Links at a time; a further one is closed at once."""


class TcpLine:
    """The port and the links to it."""

    def __init__(self, camera: SimulatedCamera) -> None:
        self.camera = camera
        self.links: set[TcpLink] = set()
        self._server: asyncio.Server | None = None
        camera.line = self

    async def listen(self, host: str, port: int) -> None:
        """Begin to take links."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: TcpLink(self), host, port)

    def where(self, _camera: SimulatedCamera) -> str:
        """Where it listens, as a device address."""
        if self._server is None or not self._server.sockets:
            return "visca+tcp://"
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"visca+tcp://{host}:{port}"

    def went(self, _camera: SimulatedCamera) -> None:
        """Leave the links half open: a camera without power closes nothing."""

    def came_back(self, _camera: SimulatedCamera) -> None:
        """Reset the links of the life before: the camera knows nothing of them."""
        for link in tuple(self.links):
            link.abort()

    def shout(self, noise: bytes) -> None:
        """Send bytes to everybody who is linked."""
        for link in tuple(self.links):
            link.emit(noise)

    async def close(self) -> None:
        """Close the port and every link."""
        if self._server is not None:
            self._server.close()
        self.came_back(self.camera)
        await asyncio.sleep(0)


class TcpLink(asyncio.Protocol):
    """One controller's link."""

    def __init__(self, line: TcpLine) -> None:
        self._line = line
        self._splitter = Splitter()
        self._transport: asyncio.Transport | None = None
        self._outlet = Outlet(line.camera.faults, self.emit, stream=True)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the link, unless there are too many."""
        self._transport = cast("asyncio.Transport", transport)
        if len(self._line.links) >= CONTROLLERS:
            self._transport.abort()
        else:
            self._line.links.add(self)

    def connection_lost(self, _exc: Exception | None) -> None:
        """Forget the link."""
        self._line.links.discard(self)

    def data_received(self, data: bytes) -> None:
        """Take bytes, cut anywhere."""
        if self._line.camera.deaf:
            return
        for frame in self._splitter.feed(data):
            for _ in range(self._line.camera.arrivals() if frame[0] == 0x81 else 0):
                self._line.camera.hear(frame[1:-1], self)

    def answer(self, frame: bytes, _sequence: int, /) -> None:
        """Send a frame back."""
        self._outlet.put(frame)

    def forget(self, sequence: int, /) -> None:
        """Have nothing to forget: bare frames carry no number."""

    def emit(self, data: bytes) -> None:
        """Put bytes into the stream, unless the camera is gone."""
        if self._transport is not None and not self._line.camera.deaf and not self._transport.is_closing():
            self._transport.write(data)

    def abort(self) -> None:
        """Reset the link."""
        if self._transport is not None:
            self._transport.abort()
