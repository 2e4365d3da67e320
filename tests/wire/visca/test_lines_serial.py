"""Serial chains on pseudo-terminals, with a hand-written chain of cameras at the far end."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import struct
import threading
import tty
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from drivers.address import DeviceAddress
from drivers.errors import DeviceUnreachable
from drivers.outcomes import Reason
from drivers.visca.lines import line_for
from drivers.visca.lines.rfc2217 import Telnet
from drivers.visca.lines.serialbus import SerialLine
from drivers.visca.lines.serialport import ThreadPort
from drivers.visca.lines.shouting import Shout
from tests.until import until
from tests.wire.visca.listening import Heard

STOP = b"\x01\x06\x01\x01\x01\x03\x03\xff"
ADDRESS_SET, IF_CLEAR = b"\x88\x30\x01\xff", b"\x88\x01\x00\x01\xff"


class Chain:
    """The far end of a serial line: it returns broadcasts and acknowledges what else comes."""

    def __init__(self, cameras: int) -> None:
        self.cameras = cameras
        self.frames: list[bytes] = []
        self._rest = b""
        self._loop = asyncio.get_running_loop()
        self.master, self.slave = pty.openpty()
        tty.setraw(self.slave)
        self.path = os.ttyname(self.slave)
        self._loop.add_reader(self.master, self._readable)

    def say(self, content: bytes) -> None:
        os.write(self.master, content)

    def unplug(self) -> None:
        if self.master >= 0:
            self._loop.remove_reader(self.master)
            os.close(self.master)
            os.close(self.slave)
            self.master = -1

    def _readable(self) -> None:
        with suppress(OSError):
            *bodies, self._rest = (self._rest + os.read(self.master, 4096)).split(b"\xff")
            for body in bodies:
                self._answer(body + b"\xff")

    def _answer(self, frame: bytes) -> None:
        self.frames.append(frame)
        if frame == ADDRESS_SET and self.cameras:
            self.say(bytes((0x88, 0x30, self.cameras + 1, 0xFF)))
        elif frame == IF_CLEAR:
            self.say(frame)
        elif 0x81 <= frame[0] <= 0x87:
            self.say(bytes((0x80 + 16 * (frame[0] & 7), 0x41, 0xFF)))


@pytest.fixture
async def chain() -> AsyncIterator[Chain]:
    far = Chain(7)
    yield far
    far.unplug()


def line_at(path: str, number: int = 1, baud: int = 9600) -> SerialLine:
    line = line_for(DeviceAddress.parse(f"visca+serial://{path}?baud={baud}&address={number}"))
    assert isinstance(line, SerialLine)
    return line


async def test_chain_is_numbered_once_then_cleared(chain: Chain) -> None:
    lines = [line_at(chain.path, number) for number in range(1, 8)]
    await asyncio.gather(*(line.open(Heard().ears()) for line in lines))
    assert chain.frames == [ADDRESS_SET, IF_CLEAR]
    assert lines[0].bus is lines[6].bus
    for line in lines:
        await line.close()


async def test_each_camera_of_seven_hears_its_own_answers_only(chain: Chain) -> None:
    lines, heard = [line_at(chain.path, number) for number in range(1, 8)], [Heard() for _ in range(7)]

    def say(line: SerialLine) -> Callable[[], None]:
        return lambda: line.send(bytes((0x80 | line.address,)) + STOP)

    for line, ear in zip(lines, heard, strict=True):
        ear.on_free = say(line)
        await line.open(ear.ears())
    for line in lines:
        if line.has_room(stop=False):
            say(line)()
    await until(lambda: all(ear.parts for ear in heard))
    assert [ear.parts for ear in heard] == [[bytes((0x80 + 16 * n, 0x41, 0xFF))] for n in range(1, 8)]
    for line in lines:
        await line.close()


async def test_noise_and_answers_of_others_are_counted_and_not_heard(chain: Chain) -> None:
    heard, line = Heard(), line_at(chain.path)
    await line.open(heard.ears())
    chain.say(b"\x00\xff" + b"\xa0\x41\xff" + bytes(300) + b"\xff" + b"\x90\x41")
    chain.say(b"\xff")
    await until(lambda: heard.parts == [b"\x90\x41\xff"])
    assert line.bus is not None
    assert line.bus.noise == 3
    await line.close()


class RecordedPort:
    """A port that notes when what was put on it, and returns broadcasts."""

    where = "serial recorded"

    def __init__(self) -> None:
        self.written: list[tuple[float, bytes]] = []
        self.wrote: Callable[[], None] = lambda: None
        self._received: Callable[[bytes], None] = lambda _: None

    async def open(self, received: Callable[[bytes], None], lost: Callable[[Reason], None]) -> Shout:
        self._received = received
        return Shout(lambda message: None, lambda: None)

    def write(self, message: bytes) -> None:
        loop = asyncio.get_running_loop()
        self.written.append((loop.time(), message))
        self.wrote()
        if message[0] == 0x88:
            loop.call_soon(self._received, b"\x88\x30\x08\xff" if message == ADDRESS_SET else message)

    def close(self) -> None:
        self._received = lambda _: None


def chain_on(port: RecordedPort, numbers: range) -> list[SerialLine]:
    return [SerialLine(port.where, lambda: port.where, lambda: port, 9600, number) for number in numbers]


async def test_messages_never_overlap_and_a_stop_goes_first_then_all_in_turn() -> None:
    port = RecordedPort()
    lines = chain_on(port, range(1, 8))
    everybody = [Heard() for _ in lines]
    for line, heard in zip(lines, everybody, strict=True):
        await line.open(heard.ears())
    await until(lambda: lines[0].has_room(stop=False))
    for line, heard in zip(lines, everybody, strict=True):  # only now: whoever waits for room is told, and would send
        heard.on_free = lambda line=line: line.send(bytes((0x80 | line.address,)) + STOP)
    port.written.clear()
    bus, ends = lines[0].bus, []
    assert bus is not None
    port.wrote = lambda: ends.append(bus._busy_until)
    lines[2].send(b"\x83" + bytes(300) + STOP)  # so long that a busy machine asks for room before it is over
    refused = [line.has_room(stop=line.address == 6) for line in (lines[0], lines[3], lines[5], lines[6])]
    assert refused == [False] * 4
    await until(lambda: len(port.written) == 5)
    assert [message[0] & 7 for _, message in port.written] == [3, 6, 7, 1, 4]
    for (at, message), end, before in zip(port.written[1:], ends[1:], ends, strict=False):
        assert at >= before - 1e-5
        assert end - before >= len(message) * 10 / 9600 - 1e-5
    for line in lines:
        await line.close()


async def test_nobody_overtakes_a_waiting_stop() -> None:
    port = RecordedPort()
    first, second, third = lines = chain_on(port, range(1, 4))
    for line in lines:
        await line.open(Heard().ears())
    await until(lambda: first.has_room(stop=False))
    first.send(b"\x81" + STOP)
    assert not second.has_room(stop=True)
    assert second.bus is not None
    second.bus._busy_until = 0.0  # the wire is free, and the turn not given yet
    assert not first.has_room(stop=False)
    assert not third.has_room(stop=True)  # it comes after the other STOP
    second.bus._waiting.clear()
    assert third.has_room(stop=True)
    for line in lines:
        await line.close()


async def test_number_beyond_the_chain_is_refused_by_count_and_wish(chain: Chain) -> None:
    chain.cameras = 2
    with pytest.raises(DeviceUnreachable, match="wanted camera 5, found a chain of 2"):
        await line_at(chain.path, 5).open(Heard().ears())


async def test_two_lines_with_one_number_are_refused(chain: Chain) -> None:
    line = line_at(chain.path)
    await line.open(Heard().ears())
    with pytest.raises(DeviceUnreachable, match="in use already"):
        await line_at(chain.path).open(Heard().ears())
    with pytest.raises(DeviceUnreachable, match="found the port open at 9600"):
        await line_at(chain.path, 2, 38400).open(Heard().ears())
    await until(lambda: line.has_room(stop=True))
    await line.close()


async def test_silent_line_names_cable_power_and_baud(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.visca.lines.serialbus.ECHO_WITHIN_S", 0.05)
    chain.cameras = 0
    with pytest.raises(DeviceUnreachable, match="check cable, power and baud rate"):
        await line_at(chain.path).open(Heard().ears())
    assert chain.frames == [ADDRESS_SET] * 3
    chain.cameras = 1
    line = line_at(chain.path)
    await line.open(Heard().ears())  # the port was let go
    await line.close()


async def test_network_change_numbers_anew_and_a_longer_chain_is_opened_anew(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drivers.visca.lines.serialbus.NUMBERED_AGAIN_AFTER_S", 0.0)
    chain.cameras, heard, line = 1, Heard(), line_at(chain.path)
    await line.open(heard.ears())
    chain.say(b"\x90\x38\xff")  # back, and none more
    await until(lambda: chain.frames.count(ADDRESS_SET) == 2)
    await until(lambda: line.bus is not None and line.bus._numbering is None)
    assert not heard.lost
    chain.cameras = 2
    chain.say(b"\x90\x38\xff")
    await until(lambda: bool(heard.lost))
    assert "wanted a chain of 1 cameras, found 2 now" in heard.lost[0].detail
    await line.open(heard.ears())
    assert chain.frames[-2:] == [ADDRESS_SET, IF_CLEAR]
    await line.close()


async def test_unplugged_port_is_said_once_and_replugging_opens_it_by_its_stable_name(
    chain: Chain, tmp_path: Path
) -> None:
    name = tmp_path / "usb-adapter"
    name.symlink_to(chain.path)
    heard, line = Heard(), line_at(str(name))
    await line.open(heard.ears())
    chain.unplug()
    await until(lambda: bool(heard.lost))
    assert "is the adapter plugged in?" in heard.lost[0].detail
    assert not line.has_room(stop=True)
    line.send(b"\x81" + STOP)
    name.unlink()
    with pytest.raises(DeviceUnreachable, match="no such device; plug in the adapter"):
        await line.open(Heard().ears())
    other = Chain(1)
    name.symlink_to(other.path)
    await line.open(Heard().ears())
    line.send(b"\x81" + STOP)
    await until(lambda: b"\x81" + STOP in other.frames)
    await line.close()
    other.unplug()
    assert len(heard.lost) == 1


async def test_port_of_another_program_is_one_clear_line(chain: Chain) -> None:
    fcntl.flock(chain.slave, fcntl.LOCK_EX)
    with pytest.raises(DeviceUnreachable, match="another program has it; `fuser"):
        await line_at(chain.path).open(Heard().ears())


@contextmanager
def nobody() -> Iterator[None]:
    """Be a user who may not open other users' devices, where we are root."""
    was = os.geteuid()
    if was == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(was)


async def test_forbidden_port_names_the_group(chain: Chain) -> None:
    os.fchmod(chain.slave, 0)
    with nobody(), pytest.raises(DeviceUnreachable, match=r"add it to the group .+ and log in again"):
        await line_at(chain.path).open(Heard().ears())


async def test_file_that_is_no_port_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DeviceUnreachable, match="no serial port"):
        await line_at(str(tmp_path / "file")).open(Heard().ears())


async def test_shout_goes_out_from_another_thread_and_ends_a_cut_frame(chain: Chain) -> None:
    line = line_at(chain.path)
    await line.open(Heard().ears())
    shouting = threading.Thread(target=line.shout(), args=(b"\x81" + STOP,))
    shouting.start()
    shouting.join(2)
    await until(lambda: chain.frames[-2:] == [b"\xff", b"\x81" + STOP])
    shout = line.shout()
    await line.close()
    shout(b"\x81" + STOP)  # does nothing now


async def test_thread_reads_where_the_loop_cannot(chain: Chain) -> None:
    heard: list[bytes] = []
    lost: list[Reason] = []
    port = ThreadPort(chain.path, 9600)
    await port.open(heard.append, lost.append)
    port.write(b"\x81" + STOP)
    await until(lambda: b"".join(heard) == b"\x90\x41\xff")
    chain.unplug()
    await until(lambda: bool(lost))
    assert "is the adapter plugged in?" in lost[0].detail
    port.close()


def test_telnet_client_is_the_same_for_every_split() -> None:
    stream = bytes((255, 253, 44, 255, 250, 44, 101)) + struct.pack(">I", 9600) + b"\xff\xf0\x90\x41\xff\xff"
    for cut in range(len(stream) + 1):
        telnet = Telnet()
        content = telnet.feed(stream[:cut]) + telnet.feed(stream[cut:])
        assert content == b"\x90\x41\xff"
        assert telnet.agreed == {44}
        assert telnet.confirmed == {1: struct.pack(">I", 9600)}
