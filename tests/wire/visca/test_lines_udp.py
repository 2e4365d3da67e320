"""UDP lines against hand-written peers on loopback sockets."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from drivers.errors import DeviceUnreachable
from drivers.visca.line import Framing
from drivers.visca.lines.udp import UdpLine
from tests.until import until
from tests.wire.visca.listening import Heard

HELLO = bytes.fromhex("0100000600000001 8101040002ff")
ANSWER = bytes.fromhex("0111000300000001 9041ff")


class Camera:
    """A socket that remembers what came and whence."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((host, 0))
        self.socket.setblocking(False)
        self.host, self.port = self.socket.getsockname()[:2]
        self.came: list[tuple[bytes, tuple[str, int]]] = []

    def look(self) -> list[tuple[bytes, tuple[str, int]]]:
        try:
            while True:
                content, sender = self.socket.recvfrom(2048)
                self.came.append((content, (sender[0], sender[1])))
        except BlockingIOError:
            return self.came

    def line(self, *, local_port: int = 0, framing: Framing = Framing.SONY) -> UdpLine:
        return UdpLine(self.host, self.port, framing, local_port=local_port)

    def say(self, content: bytes, to: tuple[str, int]) -> None:
        self.socket.sendto(content, to)


@pytest.fixture
def one() -> Iterator[Camera]:
    camera = Camera()
    with closing(camera.socket):
        yield camera


@pytest.fixture
def two() -> Iterator[Camera]:
    camera = Camera()
    with closing(camera.socket):
        yield camera


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_datagram_goes_out_and_its_answer_comes_back(one: Camera) -> None:
    heard, line = Heard(), one.line()
    await line.open(heard.ears())
    assert line.has_room(stop=False)
    line.send(HELLO)
    await until(lambda: len(one.look()) == 1)
    one.say(ANSWER, one.came[0][1])
    await until(lambda: heard.parts == [ANSWER])
    await line.close()


async def test_two_cameras_share_the_wished_local_port(one: Camera, two: Camera) -> None:
    port, heard = free_port(), (Heard(), Heard())
    lines = (one.line(local_port=port), two.line(local_port=port))
    for line, ear in zip(lines, heard, strict=True):
        await line.open(ear.ears())
        line.send(HELLO)
    await until(lambda: len(one.look()) == len(two.look()) == 1)
    assert one.came[0][1] == two.came[0][1] == ("127.0.0.1", port)
    one.say(b"one", one.came[0][1])
    two.say(b"two", two.came[0][1])
    await until(lambda: all(ear.parts for ear in heard))
    assert [ear.parts for ear in heard] == [[b"one"], [b"two"]]
    for line in lines:
        await line.close()


async def test_local_port_is_free_again_after_the_last_camera_left(one: Camera, two: Camera) -> None:
    port = free_port()
    first, second = one.line(local_port=port), two.line(local_port=port)
    await first.open(Heard().ears())
    await second.open(Heard().ears())
    await first.close()
    assert second.has_room(stop=True)
    second.send(HELLO)
    await until(lambda: len(two.look()) == 1)
    await second.close()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", port))


async def test_taken_local_port_is_said_once_and_another_serves(
    one: Camera, two: Camera, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other, caplog.at_level(logging.WARNING):
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        for camera in (one, two):
            heard, line = Heard(), camera.line(local_port=port)
            await line.open(heard.ears())
            assert line.hub is not None
            assert line.hub.port != port
            line.send(HELLO)
            await until(lambda camera=camera: len(camera.look()) == 1)  # type: ignore[misc]
            camera.say(ANSWER, camera.came[0][1])
            await until(lambda heard=heard: heard.parts == [ANSWER])  # type: ignore[misc]
            await line.close()
    assert [record.getMessage() for record in caplog.records].count(
        "local port is taken: cameras that answer to it alone are not reached"
    ) == 1


async def test_camera_that_answers_to_the_known_port_only_is_heard(one: Camera) -> None:
    port, heard = free_port(), Heard()
    line = one.line(local_port=port)
    await line.open(heard.ears())
    one.say(ANSWER, ("127.0.0.1", port))  # never looks whence the question came
    await until(lambda: heard.parts == [ANSWER])
    await line.close()


async def test_camera_that_answers_from_another_port_is_known_by_its_host(one: Camera, two: Camera) -> None:
    heard, line = Heard(), one.line()
    await line.open(heard.ears())
    line.send(HELLO)
    await until(lambda: len(one.look()) == 1)
    two.say(ANSWER, one.came[0][1])
    await until(lambda: heard.parts == [ANSWER])
    await line.close()


async def test_stranger_is_counted_and_not_heard(one: Camera, two: Camera) -> None:
    stranger, heard = Camera(), (Heard(), Heard())
    lines = (one.line(), two.line())
    for line, ear in zip(lines, heard, strict=True):
        await line.open(ear.ears())
    hub = lines[0].hub
    assert hub is not None
    assert hub is lines[1].hub
    stranger.say(ANSWER, ("127.0.0.1", hub.port))  # two cameras on its host: it could be neither
    await until(lambda: hub.strangers == 1)
    assert not heard[0].parts
    assert not heard[1].parts
    stranger.socket.close()
    for line in lines:
        await line.close()


async def test_refused_port_is_said_fast_and_clearly(one: Camera) -> None:
    heard, line = Heard(), one.line()
    await line.open(heard.ears())
    one.socket.close()
    line.send(HELLO)
    await until(lambda: bool(heard.failed))
    assert "nothing listens there" in heard.failed[0].detail
    assert heard.failed[0].values == {"where": line.where}
    assert line.has_room(stop=False)
    assert not heard.lost
    await line.close()


async def test_refusal_reaches_the_camera_that_was_refused_and_spares_the_other(one: Camera, two: Camera) -> None:
    heard = (Heard(), Heard())
    dead, alive = one.line(), two.line()
    await dead.open(heard[0].ears())
    await alive.open(heard[1].ears())
    one.socket.close()
    for _ in range(5):
        dead.send(HELLO)
        alive.send(HELLO)
    await until(lambda: len(two.look()) == 5 and len(heard[0].failed) == 5)
    assert not heard[1].failed
    await dead.close()
    await alive.close()


async def test_camera_that_comes_back_is_heard_on_the_same_line(one: Camera) -> None:
    heard, line = Heard(), one.line()
    await line.open(heard.ears())
    one.socket.close()
    line.send(HELLO)
    await until(lambda: bool(heard.failed))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
        again.bind((one.host, one.port))
        line.send(HELLO)
        again.settimeout(2)
        _, sender = await asyncio.to_thread(again.recvfrom, 2048)
        again.sendto(ANSWER, sender)
        await until(lambda: heard.parts == [ANSWER])
    await line.close()


async def test_ipv6_camera_is_reached() -> None:
    camera = Camera("::1")
    heard, line = Heard(), camera.line()
    await line.open(heard.ears())
    line.send(HELLO)
    await until(lambda: len(camera.look()) == 1)
    camera.say(ANSWER, camera.came[0][1])
    await until(lambda: heard.parts == [ANSWER])
    camera.socket.close()
    line.send(HELLO)
    await until(lambda: bool(heard.failed))
    assert "nothing listens there" in heard.failed[0].detail
    await line.close()


async def test_raw_line_carries_bare_frames(one: Camera) -> None:
    heard, line = Heard(), one.line(framing=Framing.RAW)
    await line.open(heard.ears())
    line.send(b"\x81\x01\x04\x00\x02\xff")
    await until(lambda: len(one.look()) == 1)
    assert one.came[0][0] == b"\x81\x01\x04\x00\x02\xff"
    await line.close()


async def test_second_line_to_the_same_camera_has_a_port_of_its_own(one: Camera) -> None:
    port, heard = free_port(), (Heard(), Heard())
    lines = (one.line(local_port=port), one.line(local_port=port))
    for line, ear in zip(lines, heard, strict=True):
        await line.open(ear.ears())
        line.send(HELLO)
    await until(lambda: len(one.look()) == 2)
    senders = [sender for _, sender in one.came]
    assert senders[0] == ("127.0.0.1", port)
    assert senders[1] != senders[0]
    one.say(b"second", senders[1])
    await until(lambda: heard[1].parts == [b"second"])
    assert not heard[0].parts
    for line in lines:
        await line.close()


async def test_camera_on_the_wished_port_of_this_machine_does_not_get_its_own_words(one: Camera) -> None:
    line = one.line(local_port=one.port)
    await line.open(Heard().ears())
    line.send(HELLO)
    await until(lambda: len(one.look()) == 1)
    assert one.came[0][1] != (one.host, one.port)
    await line.close()


@pytest.mark.parametrize("host", ["no-such-camera.invalid", "a..b", "x" * 70 + ".invalid"])
async def test_name_that_does_not_resolve_is_one_clear_line(host: str) -> None:
    line = UdpLine(host, 52381, Framing.SONY, local_port=0)
    with pytest.raises(DeviceUnreachable) as refusal:
        await line.open(Heard().ears())
    assert "name" in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert not line.has_room(stop=True)


async def test_shout_reaches_the_camera_without_the_loop_and_even_after_a_refusal(one: Camera) -> None:
    line = one.line()
    await line.open(Heard().ears())
    shout = line.shout()
    shouting = threading.Thread(target=shout, args=(HELLO,))
    shouting.start()
    shouting.join(2)
    assert [content for content, _ in one.look()] == [HELLO]
    one.socket.close()
    shout(HELLO)  # refused
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
        again.bind((one.host, one.port))
        shout(HELLO)
        again.settimeout(2)
        assert (await asyncio.to_thread(again.recvfrom, 2048))[0] == HELLO
    await line.close()
    shout(HELLO)  # does nothing now


async def test_close_twice_and_before_open_is_harmless(one: Camera) -> None:
    line = one.line()
    await line.close()
    await line.open(Heard().ears())
    await line.close()
    await line.close()
    assert not line.has_room(stop=True)
    line.send(HELLO)
    with pytest.raises(DeviceUnreachable):
        line.shout()


async def test_reopening_hears_again(one: Camera) -> None:
    line = one.line()
    for count in (1, 2):
        heard = Heard()
        await line.open(heard.ears())
        line.send(HELLO)
        await until(lambda count=count: len(one.look()) == count)  # type: ignore[misc]
        one.say(ANSWER, one.came[-1][1])
        await until(lambda heard=heard: heard.parts == [ANSWER])  # type: ignore[misc]
    await line.close()
