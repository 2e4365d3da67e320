"""VISCA over UDP: the cameras of a room share one local socket.

Some cameras answer to port 52381 and not to the port that asked, so one socket is bound
there and its datagrams are told apart by the camera they come from. When the port is
taken, any other serves all cameras but those.

Linux reports a refused port on such a socket through its error queue alone; elsewhere
silence is the only sign.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
import struct
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from weakref import WeakKeyDictionary

from drivers.errors import DeviceUnreachable
from drivers.streams import CONNECT_WITHIN_S, broken
from drivers.visca.line import Ears, Framing
from drivers.visca.lines.shouting import Shout

log = logging.getLogger(__name__)

SONY_PORT = 52381
DATAGRAM_BYTES = 2048
SEND_TRIES = 3
"""A send may fail with what another camera's port refused; that is read, and it goes again."""
ERRORS_AT_ONCE = 64

_IP_RECVERR, _IPV6_RECVERR = 11, 25
"""From Linux's headers; Python names neither."""

Peer = tuple[str, int]
SocketAddress = tuple[str, int] | tuple[str, int, int, int]

_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, list[Hub]] = WeakKeyDictionary()
_told_taken: set[SocketAddress] = set()


class Hub:
    """One local socket of one event loop, and the cameras that are reached through it."""

    def __init__(self, family: int, local: SocketAddress) -> None:
        self.family = family
        self.local = local
        """Where it wishes to be bound; port 0 lets the system choose."""
        self.strangers = 0
        """Datagrams that came from no camera of ours."""
        self.overruns = 0
        """Datagrams that found the send buffer full; the session sends them again."""
        self._lines: dict[Peer, UdpLine] = {}
        self._loop = asyncio.get_running_loop()
        self._socket = _bound(family, local)
        self._loop.add_reader(self._socket, self._readable)

    @property
    def port(self) -> int:
        """The local port it really has."""
        return int(self._socket.getsockname()[1])

    def serves(self, peer: Peer) -> bool:
        """Whether a line to `peer` is open."""
        return peer in self._lines

    def join(self, line: UdpLine) -> None:
        """Hear for `line` from now on."""
        self._lines[line.peer] = line

    def leave(self, line: UdpLine) -> None:
        """Forget `line`; the last one closes the socket."""
        self._lines.pop(line.peer, None)
        if not self._lines:
            self._loop.remove_reader(self._socket)
            self._socket.close()
            _hubs[self._loop].remove(self)

    def send(self, line: UdpLine, message: bytes) -> None:
        """Send now or never."""
        failure: OSError | None = None
        for _ in range(SEND_TRIES):
            try:
                self._socket.sendto(message, line.to)
            except BlockingIOError:
                self.overruns += 1
                return
            except OSError as error:
                failure = error
                self._read_errors()
            else:
                return
        if failure is not None:
            self._loop.call_soon(line.fail, failure)

    def _readable(self) -> None:
        try:
            content, sender = self._socket.recvfrom(DATAGRAM_BYTES)
        except OSError:
            self._read_errors()
            return
        line = self._lines.get(sender) or self._line_of(_peer(sender))
        if line is None:
            self.strangers += 1
        else:
            line.hear(content)

    def _line_of(self, sender: Peer) -> UdpLine | None:
        """Return the camera that speaks: exactly that one, or the only one of its host."""
        if line := self._lines.get(sender):
            return line
        there = [line for peer, line in self._lines.items() if peer[0] == sender[0]]
        return there[0] if len(there) == 1 else None

    def _read_errors(self) -> None:
        """Tell each camera whose datagram came back refused."""
        if sys.platform != "linux":
            return
        for _ in range(ERRORS_AT_ONCE):
            try:
                _, about, _, sent_to = self._socket.recvmsg(DATAGRAM_BYTES, 512, socket.MSG_ERRQUEUE)
            except OSError:
                return
            line = self._lines.get(_peer(sent_to)) if sent_to else None
            for _level, _kind, content in about:
                if line is not None:
                    number = struct.unpack_from("=I", content)[0]
                    self._loop.call_soon(line.fail, OSError(number, os.strerror(number)))


class UdpLine:
    """The way to one camera by UDP, with Sony's header or without."""

    address = 1
    byte_s = 0.0

    def __init__(self, host: str, port: int, framing: Framing, *, local_port: int) -> None:
        self.framing = framing
        self.to: SocketAddress = (host, port)
        """The camera's address as the socket wants it; a number once open."""
        self.peer: Peer = (host, port)
        """The same without what only the socket needs."""
        self.hub: Hub | None = None
        self._host, self._port, self._local_port = host, port, local_port
        self._ears: Ears | None = None
        self._shout: Shout | None = None

    @property
    def where(self) -> str:
        """Where the camera is, for messages."""
        return f"udp {self._host}:{self._port}"

    async def open(self, ears: Ears) -> None:
        """Resolve the name, join or bind the local socket and begin to hear.

        Raises:
            DeviceUnreachable: the name does not resolve, or no way leads there.
        """
        await self.close()
        try:
            family, self.to = await resolve(self._host, self._port)
            self.peer = _peer(self.to)
            hub = _hub_for(family, _local_address(family, self.to, self._local_port), self.peer)
            self._shout = _shout_to(family, self.to)
        except OSError as error:
            raise DeviceUnreachable(broken(self.where, error)) from error
        hub.join(self)
        self.hub, self._ears = hub, ears

    def has_room(self, *, stop: bool) -> bool:
        """Whether a message may be sent now: always, a full buffer counts as loss."""
        del stop  # a full send buffer counts as loss
        return self.hub is not None

    def send(self, message: bytes) -> None:
        """Send one datagram."""
        if self.hub is not None:
            self.hub.send(self, message)

    def shout(self) -> Callable[[bytes], None]:
        """Return a way out through a socket of its own.

        Raises:
            DeviceUnreachable: the line is not open.
        """
        if self._shout is None:
            raise DeviceUnreachable(broken(self.where, ConnectionError("no open line")))
        return self._shout

    def hear(self, content: bytes) -> None:
        """Hand on what came from this camera."""
        if self._ears is not None:
            self._ears.received(content)

    def fail(self, error: OSError) -> None:
        """Hand on what the network said of this camera."""
        if self._ears is not None:
            self._ears.failed(broken(self.where, error))

    async def close(self) -> None:
        """Let go; never raises, may be called twice."""
        hub, shout = self.hub, self._shout
        self.hub = self._ears = self._shout = None
        if hub is not None:
            hub.leave(self)
        if shout is not None:
            shout.close()


async def resolve(host: str, port: int) -> tuple[int, SocketAddress]:
    """Return the address family and the numeric UDP address of `host`.

    A host that is a number already costs no thread.

    Raises:
        OSError: the name does not resolve, or not in time.
    """
    with suppress(OSError, UnicodeError):
        return _first(socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST))
    try:
        async with asyncio.timeout(CONNECT_WITHIN_S):
            return _first(await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_DGRAM))
    except UnicodeError as error:  # a label that is empty or too long never gets as far as DNS
        raise OSError(errno.EINVAL, "no name that could be looked up") from error


def _first(found: Sequence[tuple[int, int, int, str, tuple[str | int | bytes, ...]]]) -> tuple[int, SocketAddress]:
    """Return the address that the system likes best."""
    family, _, _, _, (host, port, *more) = found[0]
    flow, zone = (int(more[0]), int(more[1])) if more else (0, 0)
    return family, (str(host), int(port), flow, zone) if more else (str(host), int(port))


def _peer(address: tuple[str | int, ...] | SocketAddress) -> Peer:
    """Return host and port; a zone (`%eth0`) is not always reported and left out."""
    return str(address[0]).partition("%")[0], int(address[1])


def _local_address(family: int, to: SocketAddress, port: int) -> SocketAddress:
    """Return where to bind: the address that the route to the camera starts from.

    A camera simulated on this machine may want `port` for itself; then any serves.
    """
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect(to)  # sends nothing
        host, _, *more = probe.getsockname()
    port = 0 if _peer((host, port)) == _peer(to) else port
    return (host, port, more[0], more[1]) if more else (host, port)


def _hub_for(family: int, local: SocketAddress, peer: Peer) -> Hub:
    """Return an open hub that can tell `peer` apart, or a new one."""
    hubs = _hubs.setdefault(asyncio.get_running_loop(), [])
    beside = (local[0], 0, *local[2:])
    for wished in (local, beside):  # a second line to the same camera is told apart by its own port
        rivals = [hub for hub in hubs if hub.local == wished]
        for hub in rivals:
            if not hub.serves(peer):
                return hub
        if not rivals:
            break
    hub = Hub(family, wished)
    hubs.append(hub)
    return hub


def _bound(family: int, local: SocketAddress) -> socket.socket:
    """Return a socket at `local`, or at any port of that address when it is taken."""
    bound = socket.socket(family, socket.SOCK_DGRAM)
    try:
        bound.setblocking(False)
        _report_refusals(bound, family)
        _bind(bound, local)
    except BaseException:
        bound.close()
        raise
    return bound


def _bind(wanted: socket.socket, local: SocketAddress) -> None:
    try:
        wanted.bind(local)
    except OSError:
        if not local[1]:
            raise
        wanted.bind((local[0], 0, *local[2:]))
        if local not in _told_taken:
            _told_taken.add(local)
            log.warning(
                "local port is taken: cameras that answer to it alone are not reached",
                extra={"action": "port_taken", "host": local[0], "port": local[1]},
            )


def _report_refusals(wanted: socket.socket, family: int) -> None:
    if sys.platform == "linux":
        ipv6 = family == socket.AF_INET6
        level, option = (socket.IPPROTO_IPV6, _IPV6_RECVERR) if ipv6 else (socket.IPPROTO_IP, _IP_RECVERR)
        wanted.setsockopt(level, option, 1)


def _shout_to(family: int, to: SocketAddress) -> Shout:
    """Return a way out; its socket is not connected, or a refusal would eat the next datagram."""
    out = socket.socket(family, socket.SOCK_DGRAM)
    out.setblocking(False)
    return Shout(lambda message: out.sendto(message, to), out.close)
