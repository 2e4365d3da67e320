"""The end of a serial line as a serial server on TCP (RFC 2217), through pyserial's own server half."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

from serial import rfc2217

from drivers.visca.sim.terminal import speed_code


class _ImaginaryPort:
    """The settings that a client makes, as pyserial's server half wants to find them."""

    def __init__(self, baud: int) -> None:
        self.baudrate = baud
        self.bytesize, self.parity, self.stopbits = 8, "N", 1
        self.xonxoff = self.rtscts = self.break_condition = False
        self.dtr = self.rts = True
        self.cts = self.dsr = self.cd = True
        self.ri = False

    def reset_input_buffer(self) -> None:
        """Have nothing to throw away."""

    def reset_output_buffer(self) -> None:
        """Have nothing to throw away."""


class SerialServer:
    """A server that has one serial line; one client at a time, as most of them."""

    def __init__(self, baud: int) -> None:
        """`baud`: how fast the cameras speak; 0 does not mind.

        Raises:
            ValueError: no such baud rate.
        """
        if baud:
            speed_code(baud)
        self.baud = baud
        self.taken: Callable[[bytes], None] = _ignore
        self._client: _Client | None = None
        self._there = True
        self._server: asyncio.Server | None = None

    async def listen(self, host: str, port: int) -> None:
        """Begin to take clients."""
        self._server = await asyncio.get_running_loop().create_server(lambda: _Client(self), host, port)

    @property
    def where(self) -> str:
        """The line as a device address, without the camera's number."""
        host, port = self._server.sockets[0].getsockname()[:2] if self._server and self._server.sockets else ("", 0)
        return f"visca+rfc2217://{host}:{port}?baud={self.baud or 9600}"

    def emit(self, data: bytes) -> None:
        """Send the cameras' bytes to the client."""
        if self._client is not None:
            self._client.emit(data)

    def admit(self, client: _Client) -> bool:
        """Take a client, unless there is one."""
        if self._client is not None or not self._there:
            return False
        self._client = client
        return True

    def dismiss(self, client: _Client) -> None:
        """Forget a client that left."""
        if self._client is client:
            self._client = None

    def pull(self) -> None:
        """Cut the network: the client's link is reset, and no other is taken."""
        self._there = False
        if self._client is not None:
            self._client.abort()

    def put_back(self) -> None:
        """Take clients again."""
        self._there = True

    async def close(self) -> None:
        """Close the port and the link."""
        if self._server is not None:
            self._server.close()
        self.pull()
        await asyncio.sleep(0)


class _Client(asyncio.Protocol):
    """One client of the server, and what it has set the port to."""

    def __init__(self, server: SerialServer) -> None:
        self._server = server
        self._port = _ImaginaryPort(server.baud or 9600)
        self._transport: asyncio.Transport | None = None
        self._telnet: rfc2217.PortManager | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        if not self._server.admit(self):
            self._transport.abort()
            return
        # pyserial asks for ports; the attributes above are all that its server half touches.
        self._telnet = rfc2217.PortManager(cast("rfc2217.Serial", self._port), cast("rfc2217.Serial", self))

    def connection_lost(self, _exc: Exception | None) -> None:
        self._server.dismiss(self)

    def data_received(self, data: bytes) -> None:
        if self._telnet is None:
            return
        content = b"".join(self._telnet.filter(data))
        if content and self._fits():
            self._server.taken(content)

    def write(self, data: bytes) -> None:
        """Send bytes as they are; pyserial's half answers the client through this."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def emit(self, data: bytes) -> None:
        """Send content."""
        if self._telnet is not None and self._fits():
            self.write(b"".join(self._telnet.escape(data)))

    def abort(self) -> None:
        """Reset the link."""
        if self._transport is not None:
            self._transport.abort()

    def _fits(self) -> bool:
        return self._server.baud in {0, self._port.baudrate}


def _ignore(_data: bytes) -> None:
    """Take bytes before anybody is there."""
