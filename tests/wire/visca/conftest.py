"""A simulated camera that is on, the driver's camera opened on it, and hands that send typed bytes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import pytest

from drivers import DeviceAddress
from drivers.visca.device import ViscaCamera, connect
from drivers.visca.sim import SimulatedCamera, serve

PATIENCE_S = 5.0
SILENCE_S = 0.12
"""How long nothing must come before it counts as nothing; many V periods."""


def camera_at(simulated: SimulatedCamera, options: str = "") -> ViscaCamera:
    camera = connect("camera-1", DeviceAddress.parse(simulated.address + options), None)
    assert isinstance(camera, ViscaCamera)
    return camera


@pytest.fixture
async def simulated() -> AsyncIterator[SimulatedCamera]:
    async with serve() as running:
        yield running


@pytest.fixture
async def camera(simulated: SimulatedCamera) -> AsyncIterator[ViscaCamera]:
    opened = camera_at(simulated)
    await opened.open()
    yield opened
    await opened.close()


class Hand:
    """Somebody who types bytes and reads what comes: as hexadecimal digits, spaces where you like."""

    def __init__(self) -> None:
        self.came: asyncio.Queue[bytes] = asyncio.Queue()

    def send(self, digits: str) -> None:
        self.put(bytes.fromhex(digits))

    def put(self, data: bytes) -> None:
        raise NotImplementedError

    async def next(self, within_s: float = PATIENCE_S) -> str:
        async with asyncio.timeout(within_s):
            return (await self.came.get()).hex(" ")

    async def ask(self, digits: str) -> str:
        self.send(digits)
        return await self.next()

    async def nothing(self) -> bool:
        try:
            await self.next(SILENCE_S)
        except TimeoutError:
            return True
        return False


class StreamHand(Hand):
    """A hand that cuts what comes at every FF."""

    def __init__(self) -> None:
        super().__init__()
        self._rest = b""

    def took(self, data: bytes) -> None:
        *frames, self._rest = (self._rest + data).split(b"\xff")
        for frame in frames:
            self.came.put_nowait(frame + b"\xff")


class DatagramHand(Hand, asyncio.DatagramProtocol):
    """Bare datagrams."""

    transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.came.put_nowait(data)

    def put(self, data: bytes) -> None:
        self.transport.sendto(data)


class SonyHand(DatagramHand):
    """Sony's header: a payload goes out under a number, and what comes is `NUMBER payload`."""

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.came.put_nowait(data[7:])

    def message(self, number: int, digits: str, kind: str = "01 00") -> None:
        payload = bytes.fromhex(digits)
        self.put(bytes.fromhex(kind) + len(payload).to_bytes(2, "big") + number.to_bytes(4, "big") + payload)

    async def say(self, number: int, digits: str, kind: str = "01 00") -> str:
        self.message(number, digits, kind)
        return await self.next()


class TcpHand(StreamHand, asyncio.Protocol):
    transport: asyncio.Transport
    lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.took(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True

    def put(self, data: bytes) -> None:
        self.transport.write(data)


class SerialHand(StreamHand):
    """A terminal opened as it stands, at the speed that it is set to."""

    hung_up = False

    def __init__(self, path: str) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self.descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self._loop.add_reader(self.descriptor, self._read)

    def _read(self) -> None:
        try:
            data = os.read(self.descriptor, 4096)
        except OSError:
            data = b""
        if data:
            self.took(data)
        else:
            self.hung_up = True
            self._loop.remove_reader(self.descriptor)

    def put(self, data: bytes) -> None:
        os.write(self.descriptor, data)

    def close(self) -> None:
        self._loop.remove_reader(self.descriptor)
        os.close(self.descriptor)


def endpoint_of(simulated: SimulatedCamera) -> tuple[str, int]:
    host, port = simulated.address.split("://")[1].split("?")[0].rsplit(":", 1)
    return host, int(port)


@asynccontextmanager
async def sony_hand(simulated: SimulatedCamera) -> AsyncIterator[SonyHand]:
    loop = asyncio.get_running_loop()
    transport, hand = await loop.create_datagram_endpoint(SonyHand, remote_addr=endpoint_of(simulated))
    yield hand
    transport.close()
    await asyncio.sleep(0)


@asynccontextmanager
async def datagram_hand(simulated: SimulatedCamera) -> AsyncIterator[DatagramHand]:
    loop = asyncio.get_running_loop()
    transport, hand = await loop.create_datagram_endpoint(DatagramHand, remote_addr=endpoint_of(simulated))
    yield hand
    transport.close()
    await asyncio.sleep(0)


@asynccontextmanager
async def tcp_hand(simulated: SimulatedCamera) -> AsyncIterator[TcpHand]:
    transport, hand = await asyncio.get_running_loop().create_connection(TcpHand, *endpoint_of(simulated))
    yield hand
    transport.abort()
    await asyncio.sleep(0)


@asynccontextmanager
async def serial_hand(simulated: SimulatedCamera) -> AsyncIterator[SerialHand]:
    hand = SerialHand(simulated.address.split("://")[1].split("?")[0])
    yield hand
    hand.close()
