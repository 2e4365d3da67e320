"""VISCA over TCP: bare frames on one stream.

A link whose other end lost power looks alive for hours, so the system is told to notice:
keepalive while nothing is said, and a limit on how long what was said may stay unconfirmed.
Little is kept ready to send: a STOP must not stand behind stale drives.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from drivers.errors import DeviceUnreachable
from drivers.outcomes import Reason
from drivers.streams import CONNECT_WITHIN_S, broken
from drivers.visca.line import Ears, Framing
from drivers.visca.lines.shouting import Shout

PATIENCE_S = 5.0
"""How long a peer may confirm or read nothing before the link counts as dead."""
KEEPALIVE_AFTER_S = 2
KEEPALIVE_PROBES = 3
SEND_BUFFER_BYTES = 4096
"""For the system's own buffer; it makes of it what it likes, but no megabytes."""
SECOND_ADDRESS_AFTER_S = 0.25
"""When a name has several addresses and the first is slow, the next is tried beside it."""
CLOSE_WITHIN_S = 1.0


@dataclass(frozen=True, slots=True)
class Hears:
    """Whom a stream tells what comes."""

    received: Callable[[bytes], None]
    lost: Callable[[Reason], None]
    room: Callable[[], None]
    """What was sent has left; told after it had not."""


class TcpStream(asyncio.Protocol):
    """One connection that never waits and tells `lost` once."""

    def __init__(self, where: str, hears: Hears, patience_s: float) -> None:
        self.where = where
        self._full = False
        self._hears: Hears | None = hears
        self._patience_s = patience_s
        self._loop = asyncio.get_running_loop()
        self._gone = self._loop.create_future()
        self._transport: asyncio.Transport | None = None
        self._stalled: asyncio.TimerHandle | None = None

    @classmethod
    async def connect(
        cls, where: str, host: str, port: int, hears: Hears, *, patience_s: float = PATIENCE_S
    ) -> TcpStream:
        """Return an open stream.

        Raises:
            DeviceUnreachable: no such name, nothing listens, or no answer in time.
        """
        stream = cls(where, hears, patience_s)
        try:
            async with asyncio.timeout(CONNECT_WITHIN_S):
                await asyncio.get_running_loop().create_connection(
                    lambda: stream, host, port, happy_eyeballs_delay=SECOND_ADDRESS_AFTER_S
                )
        except OSError as error:
            raise DeviceUnreachable(broken(where, error)) from error
        except UnicodeError as error:  # a label that is empty or too long never gets as far as DNS
            no_name = OSError(errno.EINVAL, "no name that could be looked up")
            raise DeviceUnreachable(broken(where, no_name)) from error
        return stream

    @property
    def has_room(self) -> bool:
        """Whether the stream lives and the system has taken all that was sent."""
        return self._hears is not None and not self._full

    def write(self, message: bytes) -> None:
        """Write one message; what a full buffer does not take is not queued."""
        if self._transport is not None and self.has_room:
            self._transport.write(message)

    def duplicate(self) -> socket.socket:
        """Return the connection's socket once more, for another thread.

        Raises:
            OSError: the connection is gone.
        """
        if self._transport is None:
            raise OSError(errno.ENOTCONN, "no connection")
        duplicate: socket.socket = self._transport.get_extra_info("socket").dup()
        return duplicate

    def drop(self) -> None:
        """Close at once and tell nobody."""
        self._hears = None
        self._calm()
        if self._transport is not None:
            self._transport.abort() if self._full else self._transport.close()

    async def close(self) -> None:
        """Close and wait until the system has let go."""
        self.drop()
        if self._transport is not None:
            await asyncio.wait([self._gone], timeout=CLOSE_WITHIN_S)

    # What asyncio tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Set the limits on silence and on what is kept ready."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=0)
        _watch_over(transport.get_extra_info("socket"), self._patience_s)

    def data_received(self, data: bytes) -> None:
        """Hand bytes on."""
        if self._hears is not None:
            self._hears.received(data)

    def eof_received(self) -> None:
        """Take a half-closed stream for a closed one."""
        self._lose("the other end closed it; another controller may have taken its place")

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell that the stream is gone, unless that was our wish."""
        if not self._gone.done():
            self._gone.set_result(None)
        if isinstance(exc, TimeoutError):
            self._lose("no sign of life; check power and cable")
        elif exc is not None:
            what = exc.strerror if isinstance(exc, OSError) else None
            self._lose(f"{what or type(exc).__name__}; the device may have been restarted")
        else:
            self._lose("it closed")

    def pause_writing(self) -> None:
        """Wait for the peer to read, not for ever."""
        self._full = True
        self._stalled = self._loop.call_later(self._patience_s, self._does_not_read)

    def resume_writing(self) -> None:
        """Tell that there is room again."""
        self._full = False
        self._calm()
        if self._hears is not None:
            self._hears.room()

    def _does_not_read(self) -> None:
        self._lose(f"a device that reads nothing for {self._patience_s:g} s; switch it off and on")

    def _lose(self, found: str) -> None:
        hears = self._hears
        self.drop()
        if hears is not None:
            detail = f"{self.where}: wanted the link to stay, found {found}"
            hears.lost(Reason("link.broken", detail, {"where": self.where}))

    def _calm(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None


def _watch_over(connection: socket.socket, patience_s: float) -> None:
    """Have the system send at once, keep little, and notice a peer that is gone."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    wishes = {
        "TCP_KEEPIDLE": KEEPALIVE_AFTER_S,
        "TCP_KEEPINTVL": 1,
        "TCP_KEEPCNT": KEEPALIVE_PROBES,
        "TCP_USER_TIMEOUT": round(1000 * patience_s),
    }
    for name, value in wishes.items():
        if option := getattr(socket, name, None):  # no system has all of them
            connection.setsockopt(socket.IPPROTO_TCP, option, value)


class TcpLine:
    """The way to one camera by TCP."""

    framing = Framing.RAW
    address = 1
    byte_s = 0.0

    def __init__(self, host: str, port: int, *, patience_s: float = PATIENCE_S) -> None:
        self._host, self._port = host, port
        self._patience_s = patience_s
        self._stream: TcpStream | None = None
        self._shout: Shout | None = None

    @property
    def where(self) -> str:
        """Where the camera is, for messages."""
        return f"tcp {self._host}:{self._port}"

    async def open(self, ears: Ears) -> None:
        """Connect and begin to hear.

        Raises:
            DeviceUnreachable: no such name, nothing listens, or no answer in time.
        """
        await self.close()
        hears = Hears(ears.received, ears.lost, ears.free)
        stream = await TcpStream.connect(self.where, self._host, self._port, hears, patience_s=self._patience_s)
        try:
            self._shout = shout_through(stream)
        except OSError as error:
            await stream.close()
            raise DeviceUnreachable(broken(self.where, error)) from error
        self._stream = stream

    def has_room(self, *, stop: bool) -> bool:
        """Whether the system has taken all that was sent."""
        del stop  # one camera has no rivals
        return self._stream is not None and self._stream.has_room

    def send(self, message: bytes) -> None:
        """Write one message."""
        if self._stream is not None:
            self._stream.write(message)

    def shout(self) -> Callable[[bytes], None]:
        """Return a way out on the same connection, through a descriptor of its own.

        A second connection would take three packets first, and many cameras take but one
        controller or none while the first is still connected.

        Raises:
            DeviceUnreachable: the line is not open.
        """
        if self._shout is None:
            raise DeviceUnreachable(broken(self.where, ConnectionError("no open line")))
        return self._shout

    async def close(self) -> None:
        """Let go; never raises, may be called twice."""
        stream, shout = self._stream, self._shout
        self._stream = self._shout = None
        if shout is not None:
            shout.close()
        if stream is not None:
            await stream.close()


def shout_through(stream: TcpStream, spell: Callable[[bytes], bytes] = bytes) -> Shout:
    """Return a way out beside `stream`; `spell` says how a message is written on it.

    Raises:
        OSError: the connection is gone.
    """
    out = stream.duplicate()
    return Shout(lambda message: out.send(spell(message)), out.close)
