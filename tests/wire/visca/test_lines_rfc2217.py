"""Serial servers: our client against pyserial's own server, over loopback and a pseudo-terminal."""

from __future__ import annotations

import os
import pty
import select
import socket
import threading
import tty
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import serial
import serial.rfc2217

from drivers.address import DeviceAddress
from drivers.errors import DeviceUnreachable
from drivers.visca.line import Line
from drivers.visca.lines import line_for
from tests.until import until
from tests.wire.visca.listening import Heard

STOP = b"\x81\x01\x06\x01\x01\x01\x03\x03\xff"


class _Pty(serial.Serial):
    """A pseudo-terminal has no modem lines to read."""

    cts = dsr = ri = cd = property(lambda _: False)


class _Out:
    """How pyserial's server writes to its client."""

    def __init__(self, stream: socket.socket) -> None:
        self._stream = stream

    def write(self, content: bytes) -> None:
        self._stream.sendall(content)


def _dialogue(port: Any, out: Any) -> Any:
    """Return pyserial's server; its stubs know clients only."""
    return serial.rfc2217.PortManager(port, out)


class Server(threading.Thread):
    """One serial port offered on the network, with one camera behind it."""

    def __init__(self) -> None:
        super().__init__(name="rfc2217 server")
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.master, self.slave = pty.openpty()
        tty.setraw(self.slave)
        self.serial = _Pty(os.ttyname(self.slave), 19200, timeout=0)
        self.frames: list[bytes] = []
        self._ending, self._end = os.pipe()

    def run(self) -> None:
        stream, _ = self.listener.accept()
        with stream, suppress(ConnectionError):  # a client may hang up without reading what we sent
            self._serve(stream, _dialogue(self.serial, _Out(stream)))

    def _serve(self, stream: socket.socket, dialogue: Any) -> None:
        while True:
            ready, _, _ = select.select([stream.fileno(), self.serial.fileno(), self.master, self._ending], [], [], 10)
            if not ready or self._ending in ready:
                return
            if self.master in ready:
                self._be_camera(os.read(self.master, 4096))
            if self.serial.fileno() in ready:
                stream.sendall(b"".join(dialogue.escape(self.serial.read(4096))))
            if stream.fileno() in ready:
                content = stream.recv(4096)
                if not content:
                    return
                self.serial.write(b"".join(dialogue.filter(content)))

    def _be_camera(self, content: bytes) -> None:
        for body in content.split(b"\xff")[:-1]:
            frame = body + b"\xff"
            self.frames.append(frame)
            answers = {b"\x88\x30\x01\xff": b"\x88\x30\x02\xff", b"\x88\x01\x00\x01\xff": frame}
            os.write(self.master, answers.get(frame, b"\x90\x41\xff"))

    def close(self) -> None:
        os.write(self._end, b"x")
        if self.is_alive():
            self.join(5)
        self.listener.close()
        self.serial.close()
        for number in (self.master, self.slave, self._ending, self._end):
            os.close(number)


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    running.start()
    yield running
    running.close()


def line_at(port: int) -> Line:
    return line_for(DeviceAddress.parse(f"visca+rfc2217://127.0.0.1:{port}?baud=38400"))


async def test_round_trip_sets_the_port_and_shouts(server: Server) -> None:
    heard, line = Heard(), line_at(server.port)
    await line.open(heard.ears())
    assert (server.serial.baudrate, server.serial.bytesize, server.serial.parity) == (38400, 8, "N")
    assert server.frames == [b"\x88\x30\x01\xff", b"\x88\x01\x00\x01\xff"]
    await until(lambda: line.has_room(stop=True))
    line.send(STOP)
    await until(lambda: heard.content == b"\x90\x41\xff")
    line.shout()(STOP)
    await until(lambda: server.frames.count(STOP) == 2)
    await line.close()


async def test_server_that_goes_away_is_said_once(server: Server) -> None:
    heard, line = Heard(), line_at(server.port)
    await line.open(heard.ears())
    os.write(server._end, b"x")
    await until(lambda: bool(heard.lost))
    assert "rfc2217 127.0.0.1" in heard.lost[0].detail
    assert not line.has_room(stop=True)
    await line.close()
    assert len(heard.lost) == 1


async def test_refused_server_is_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(DeviceUnreachable, match="nothing listens there"):
        await line_at(port).open(Heard().ears())


async def test_something_else_that_listens_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.visca.lines.rfc2217.SETTINGS_WITHIN_S", 0.1)
    refusal = pytest.raises(DeviceUnreachable, match="wanted an RFC 2217 server, found another program")
    with socket.create_server(("127.0.0.1", 0)) as listener, refusal:
        await line_at(listener.getsockname()[1]).open(Heard().ears())
