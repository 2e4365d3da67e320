"""TCP lines against hand-written peers on loopback sockets."""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from drivers.errors import DeviceUnreachable
from drivers.visca.lines.tcp import TcpLine
from tests.until import until
from tests.wire.visca.listening import Heard

STOP = bytes.fromhex("8101060101010303ff")


class Camera:
    """A listener that takes one connection and says what it is told to."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.stream: socket.socket | None = None

    def accept(self) -> socket.socket:
        self.listener.settimeout(2)
        self.stream, _ = self.listener.accept()
        self.stream.settimeout(2)
        return self.stream

    def close(self) -> None:
        self.listener.close()
        if self.stream is not None:
            self.stream.close()


@pytest.fixture
def camera() -> Iterator[Camera]:
    with closing(Camera()) as listening:
        yield listening


async def opened(camera: Camera, heard: Heard, *, patience_s: float = 5.0) -> tuple[TcpLine, socket.socket]:
    line = TcpLine("127.0.0.1", camera.port, patience_s=patience_s)
    await line.open(heard.ears())
    return line, camera.accept()


async def test_frames_go_out_and_bytes_come_in(camera: Camera) -> None:
    heard = Heard()
    line, peer = await opened(camera, heard)
    assert line.has_room(stop=False)
    line.send(STOP)
    assert peer.recv(64) == STOP
    peer.sendall(b"\x90\x41")
    peer.sendall(b"\xff\x90\x51\xff")
    await until(lambda: heard.content == b"\x90\x41\xff\x90\x51\xff")
    await line.close()
    assert peer.recv(64) == b""
    assert not heard.lost


async def test_refused_port_is_one_clear_line(camera: Camera) -> None:
    camera.close()
    with pytest.raises(DeviceUnreachable, match="nothing listens there"):
        await TcpLine("127.0.0.1", camera.port).open(Heard().ears())


@pytest.mark.parametrize("host", ["no-such-camera.invalid", "a..b"])
async def test_name_that_does_not_resolve_is_one_clear_line(host: str) -> None:
    with pytest.raises(DeviceUnreachable, match="name"):
        await TcpLine(host, 5678).open(Heard().ears())


async def test_peer_that_closes_is_said_once(camera: Camera) -> None:
    heard = Heard()
    line, peer = await opened(camera, heard)
    peer.close()
    await until(lambda: bool(heard.lost))
    assert "the other end closed it" in heard.lost[0].detail
    assert heard.lost[0].code == "link.broken"
    assert not line.has_room(stop=True)
    line.send(STOP)
    await line.close()
    assert len(heard.lost) == 1


async def test_peer_that_resets_is_said_once(camera: Camera) -> None:
    heard = Heard()
    line, peer = await opened(camera, heard)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()
    await until(lambda: bool(heard.lost))
    assert "restarted" in heard.lost[0].detail
    await line.close()
    assert len(heard.lost) == 1


async def test_line_opens_anew_after_it_was_lost(camera: Camera) -> None:
    heard = Heard()
    line, peer = await opened(camera, heard)
    peer.close()
    await until(lambda: bool(heard.lost))
    again = Heard()
    await line.open(again.ears())
    peer = camera.accept()
    line.send(STOP)
    assert peer.recv(64) == STOP
    await line.close()


async def test_peer_that_never_reads_is_lost_and_nothing_piles_up(camera: Camera) -> None:
    heard = Heard()
    camera.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    line, _peer = await opened(camera, heard, patience_s=0.3)
    sent = 0

    def say_until_lost() -> bool:
        nonlocal sent
        while line.has_room(stop=False):
            line.send(STOP)
            sent += len(STOP)
        line.send(STOP)  # against the rule; goes nowhere
        return bool(heard.lost)

    await until(say_until_lost)
    assert sent < 1_000_000
    assert "reads nothing" in heard.lost[0].detail
    await line.close()


async def test_peer_that_reads_late_frees_the_line(camera: Camera) -> None:
    heard = Heard()
    camera.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    line, peer = await opened(camera, heard)
    while line.has_room(stop=False):
        line.send(STOP)

    async def read_on() -> bool:
        await asyncio.to_thread(peer.recv, 65536)
        return heard.freed > 0

    await until(read_on)
    assert line.has_room(stop=False)
    assert not heard.lost
    await line.close()


def half_open_listener() -> tuple[socket.socket, int]:
    """Return a listener whose system confirms a connection and then drops all that comes on it."""
    listener = socket.socket()
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 30)
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    return listener, listener.getsockname()[1]


@pytest.mark.skipif(sys.platform != "linux", reason="half-open links are made with a Linux listener's option")
async def test_half_open_link_is_noticed() -> None:
    listener, port = half_open_listener()
    heard, line = Heard(), TcpLine("127.0.0.1", port, patience_s=0.4)
    await line.open(heard.ears())
    with listener, socket.create_connection(("127.0.0.1", port)) as filler:
        filler.sendall(b"x")  # takes the only place in the listener's queue
        line.send(STOP)
        await until(lambda: bool(heard.lost))
    assert "no sign of life" in heard.lost[0].detail
    await line.close()


async def test_system_is_told_to_hurry_and_to_watch(camera: Camera) -> None:
    line, _ = await opened(camera, Heard())
    assert line._stream is not None
    with line._stream.duplicate() as same:
        assert same.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert same.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        if sys.platform == "linux":
            options = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT, socket.TCP_USER_TIMEOUT)
            assert [same.getsockopt(socket.IPPROTO_TCP, option) for option in options] == [2, 1, 3, 5000]
    await line.close()


async def test_shout_goes_out_from_another_thread_while_the_loop_stands_still(camera: Camera) -> None:
    line, peer = await opened(camera, Heard())
    shout = line.shout()
    shouting = threading.Thread(target=shout, args=(STOP,))
    shouting.start()
    shouting.join(2)
    assert peer.recv(64) == STOP
    await line.close()
    shout(STOP)  # does nothing now
    with pytest.raises(DeviceUnreachable):
        line.shout()


async def test_shout_into_a_full_stream_does_not_block(camera: Camera) -> None:
    camera.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    line, _peer = await opened(camera, Heard())
    while line.has_room(stop=False):
        line.send(STOP)
    shouting = threading.Thread(target=line.shout(), args=(STOP,), daemon=True)
    shouting.start()
    await until(lambda: not shouting.is_alive())
    await line.close()
