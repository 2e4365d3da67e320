"""What the same exchanges cost without a driver: bare sockets, a bare endpoint, a bare line.

Nothing is matched, checked, resent or queued here; that is what makes them floors.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
import tty
from collections.abc import Awaitable, Callable

from tests.bench.common import percentile

VERSION_INQ = bytes.fromhex("81 09 00 02 FF")
HOME = bytes.fromhex("81 01 06 04 FF")
WITHIN_S = 2.0


def median(values: list[float]) -> float:
    """Return the middle one of `values`."""
    return percentile(values, 0.5)


def timed(exchange: Callable[[], None], count: int) -> list[float]:
    """Return how many microseconds each of `count` exchanges took."""
    taken = []
    for _ in range(count):
        began = time.perf_counter()
        exchange()
        taken.append((time.perf_counter() - began) * 1e6)
    return taken


async def timed_async(exchange: Callable[[], Awaitable[object]], count: int) -> list[float]:
    """Return how many microseconds each of `count` exchanges took."""
    taken = []
    for _ in range(count):
        began = time.perf_counter()
        await exchange()
        taken.append((time.perf_counter() - began) * 1e6)
    return taken


class BareSocket:
    """A blocking UDP socket: send, receive."""

    def __init__(self, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect(("127.0.0.1", port))
        self._socket.settimeout(WITHIN_S)

    def inquiry(self) -> None:
        """Ask for the version."""
        self._socket.send(b"\x01\x10\x00\x05\x00\x00\x00\x01" + VERSION_INQ)
        self._socket.recv(64)

    def command(self) -> None:
        """Go home: acknowledgement and completion."""
        self._socket.send(b"\x01\x00\x00\x05\x00\x00\x00\x01" + HOME)
        self._socket.recv(64)
        self._socket.recv(64)

    def close(self) -> None:
        """Let go."""
        self._socket.close()


class BareEndpoint(asyncio.DatagramProtocol):
    """An asyncio datagram endpoint with one future for the answer that is awaited."""

    def __init__(self) -> None:
        self._missing = 0
        self._answered: asyncio.Future[None] | None = None
        self._transport: asyncio.DatagramTransport | None = None

    @classmethod
    async def open(cls, port: int) -> BareEndpoint:
        """Return an endpoint towards a camera."""
        transport, endpoint = await asyncio.get_running_loop().create_datagram_endpoint(
            cls, remote_addr=("127.0.0.1", port)
        )
        endpoint._transport = transport
        return endpoint

    def datagram_received(self, data: bytes, _addr: tuple[str | object, int]) -> None:
        """Count an answer."""
        self._missing -= 1
        if not self._missing and self._answered is not None:
            self._answered.set_result(None)

    async def inquiry(self) -> None:
        """Ask for the version."""
        await self._exchange(b"\x01\x10\x00\x05\x00\x00\x00\x01" + VERSION_INQ, 1)

    async def command(self) -> None:
        """Go home: acknowledgement and completion."""
        await self._exchange(b"\x01\x00\x00\x05\x00\x00\x00\x01" + HOME, 2)

    async def _exchange(self, message: bytes, answers: int) -> None:
        if self._transport is None:
            raise RuntimeError("the endpoint is not open")
        self._missing = answers
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.sendto(message)
        await self._answered

    async def close(self) -> None:
        """Let go."""
        if self._transport is not None:
            self._transport.close()
        await asyncio.sleep(0)


class BareLine:
    """A serial line through `os.write` and `os.read`."""

    def __init__(self, path: str) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self._fd)

    def inquiry(self) -> None:
        """Ask for the version."""
        os.write(self._fd, VERSION_INQ)
        self._until_ends(1)

    def exchange(self, message: bytes, answers: int) -> None:
        """Send `message` and wait until so many frames have come."""
        os.write(self._fd, message)
        self._until_ends(answers)

    def _until_ends(self, frames: int) -> None:
        while frames > 0:
            frames -= os.read(self._fd, 64).count(b"\xff")

    def close(self) -> None:
        """Let go."""
        os.close(self._fd)


class BareReader:
    """A serial line that the event loop reads, with one future for the answer that is awaited."""

    def __init__(self, path: str) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self._fd)
        self._loop = asyncio.get_running_loop()
        self._answered = self._loop.create_future()
        self._loop.add_reader(self._fd, self._read)

    async def exchange(self, message: bytes) -> None:
        """Send `message` and wait until a frame has come."""
        self._answered = self._loop.create_future()
        os.write(self._fd, message)
        await self._answered

    def _read(self) -> None:
        if b"\xff" in os.read(self._fd, 64) and not self._answered.done():
            self._answered.set_result(None)

    def close(self) -> None:
        """Let go."""
        self._loop.remove_reader(self._fd)
        os.close(self._fd)
