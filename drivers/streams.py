"""Byte and datagram streams on which every wait has a limit.

Failures of the operating system are turned into `DeviceUnreachable` here, once, with what
was wanted, what was found and what to try.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable

from drivers.errors import DeviceUnreachable
from drivers.outcomes import Reason

CONNECT_WITHIN_S = 3.0

_HINTS = {
    errno.ECONNREFUSED: "nothing listens there: is the device on and its port right?",
    errno.EHOSTUNREACH: "no way to that address: check cable, switch and network settings",
    errno.ENETUNREACH: "no way to that network: check this machine's network",
    errno.EADDRINUSE: "another program uses that local port",
    errno.EACCES: "this user may not open it",
}


def broken(where: str, error: OSError) -> Reason:
    """Return the one clear line for an `error` of the operating system at `where`."""
    hint = _HINTS.get(error.errno or 0, "check address, power and cable")
    if isinstance(error, socket.gaierror):
        hint = "the name does not resolve: use the address, or add the name to DNS"
    if isinstance(error, TimeoutError):
        hint = f"no answer within {CONNECT_WITHIN_S:g} s: check address, power and cable"
    what = error.strerror or type(error).__name__
    return Reason("link.unreachable", f"{where}: wanted a link, found {what}; {hint}", {"where": where})


class _Receiver(asyncio.DatagramProtocol):
    """Hands datagrams and errors on; holds nothing."""

    def __init__(self, received: Callable[[bytes], None], failed: Callable[[OSError], None]) -> None:
        self._received = received
        self._failed = failed

    def datagram_received(self, data: bytes, _addr: tuple[str | object, int]) -> None:
        self._received(data)

    def error_received(self, exc: Exception) -> None:
        if isinstance(exc, OSError):
            self._failed(exc)


async def open_datagrams(
    host: str, port: int, received: Callable[[bytes], None], failed: Callable[[OSError], None]
) -> asyncio.DatagramTransport:
    """Return a UDP transport to one peer; `failed` hears of a refused port.

    Raises:
        DeviceUnreachable: the name does not resolve or there is no route.
    """
    where = f"udp {host}:{port}"
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(CONNECT_WITHIN_S):
            transport, _ = await loop.create_datagram_endpoint(
                lambda: _Receiver(received, failed), remote_addr=(host, port)
            )
    except OSError as error:
        raise DeviceUnreachable(broken(where, error)) from error
    return transport


class LineStream:
    """A TCP stream of bytes with a deadline on every wait."""

    def __init__(self, where: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.where = where
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, host: str, port: int, *, limit: int = 65536) -> LineStream:
        """Return an open stream.

        Raises:
            DeviceUnreachable: no connection within `CONNECT_WITHIN_S`.
        """
        where = f"tcp {host}:{port}"
        try:
            async with asyncio.timeout(CONNECT_WITHIN_S):
                reader, writer = await asyncio.open_connection(host, port, limit=limit)
        except OSError as error:
            raise DeviceUnreachable(broken(where, error)) from error
        return cls(where, reader, writer)

    async def send(self, data: bytes, *, within_s: float) -> None:
        """Write `data`.

        Raises:
            DeviceUnreachable: the link broke, or the peer does not read.
        """
        try:
            async with asyncio.timeout(within_s):
                self._writer.write(data)
                await self._writer.drain()
        except OSError as error:
            raise DeviceUnreachable(broken(self.where, error)) from error

    async def read_until(self, end: bytes, *, within_s: float) -> bytes:
        """Return the next bytes up to and with `end`.

        Raises:
            DeviceUnreachable: the link broke, nothing came in time, or too much came without `end`.
        """
        try:
            async with asyncio.timeout(within_s):
                return await self._reader.readuntil(end)
        except OSError as error:
            raise DeviceUnreachable(broken(self.where, error)) from error
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            detail = (
                f"{self.where}: wanted an answer, found {type(error).__name__}; the device closed the link or babbles"
            )
            raise DeviceUnreachable(Reason("link.broken", detail, {"where": self.where})) from error

    async def close(self) -> None:
        """Close without waiting for a peer that is gone."""
        self._writer.close()
        try:
            async with asyncio.timeout(1.0):
                await self._writer.wait_closed()
        except OSError:
            self._writer.transport.abort()
