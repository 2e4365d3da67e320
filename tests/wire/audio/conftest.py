"""Opened sound in a room: the model over TCP and, where there is one, a real sound server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from drivers import DeviceAddress
from drivers.audio.device import RoomSound, connect
from drivers.audio.sim import Room, RoomServer
from tests.until import until
from tests.wire.audio.houses import House, ModelHouse, PulseHouse
from tests.wire.audio.rooms import PulseRoom, needed


@pytest.fixture
def room() -> Room:
    return Room()


@pytest.fixture
def server(room: Room) -> Iterator[RoomServer]:
    server = RoomServer(room)
    server.start()
    yield server
    server.close()


@pytest.fixture
async def sound(server: RoomServer) -> AsyncIterator[RoomSound]:
    device = connect("sound", DeviceAddress.parse(server.address), None)
    await device.open()
    yield device
    await device.close()


@pytest.fixture(scope="session")
def pulse_server() -> Iterator[PulseRoom]:
    needed()
    room = PulseRoom()
    room.start()
    yield room
    room.stop()


@pytest.fixture
def pulse(pulse_server: PulseRoom, monkeypatch: pytest.MonkeyPatch) -> PulseRoom:
    for name, value in pulse_server.environment.items():
        monkeypatch.setenv(name, value)
    pulse_server.ensure()
    for kind, device in (("source", "mic"), ("sink", "speaker")):
        pulse_server.pactl(f"set-{kind}-mute", device, "0")
        pulse_server.pactl(f"set-{kind}-volume", device, "0dB")
    return pulse_server


@pytest.fixture(params=["model", "pulse"])
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    """A room that is modelled, and then a real sound server."""
    house: House = (
        ModelHouse(request.getfixturevalue("server"))
        if request.param == "model"
        else PulseHouse(request.getfixturevalue("pulse"))
    )
    yield house
    house.close()


@pytest.fixture
async def heard(house: House) -> AsyncIterator[RoomSound]:
    """The house's sound, whose levels flow."""
    device = connect("sound", DeviceAddress.parse(house.address), None)
    await device.open()
    await until(lambda: bool(device._link.readings()), within_s=10)
    yield device
    await device.close()


@pytest.fixture
async def live(pulse: PulseRoom) -> AsyncIterator[RoomSound]:
    device = connect("sound", DeviceAddress.parse("audio+pulse:///?speaker=speaker&microphone=mic"), None)
    await device.open()
    yield device
    await device.close()
