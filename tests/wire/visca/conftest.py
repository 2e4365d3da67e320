"""A simulated camera that is on, and the driver's camera opened on it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from drivers import DeviceAddress
from drivers.visca.device import ViscaCamera, connect
from drivers.visca.sim import SimulatedCamera, serve


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
