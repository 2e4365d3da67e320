"""Somebody else's client (`visca-over-ip`) drives the simulator, so that we do not only agree with ourselves."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from importlib import import_module
from typing import Protocol, TypeVar, cast

import pytest

from drivers.visca.sim import SimulatedCamera
from tests.until import until
from tests.wire.visca.conftest import endpoint_of

T = TypeVar("T")


class Foreign(Protocol):
    """What is used of `visca_over_ip.Camera`."""

    _location: tuple[str, int]
    _inq_sock: socket.socket

    def reset_sequence_number(self) -> None: ...
    def close_connection(self) -> None: ...
    def set_power(self, power_state: bool) -> None: ...
    def pantilt(
        self, pan_speed: int, tilt_speed: int, pan_position: int | None = None, tilt_position: int | None = None
    ) -> None: ...
    def pantilt_home(self) -> None: ...
    def zoom(self, speed: int) -> None: ...
    def zoom_to(self, position: float) -> None: ...
    def set_focus_mode(self, mode: str) -> None: ...
    def save_preset(self, preset_num: int) -> None: ...
    def recall_preset(self, preset_num: int) -> None: ...
    def get_pantilt_position(self) -> tuple[int, int]: ...
    def get_zoom_position(self) -> int: ...
    def get_focus_mode(self) -> str: ...


def _connected(where: tuple[str, int]) -> Foreign:
    """Return the client; it binds the port that it calls, so it is made on a free one and turned round then."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("", 0))
        free = probe.getsockname()[1]
    client = cast("Foreign", import_module("visca_over_ip").Camera("127.0.0.1", port=free))
    client._location = where
    client._inq_sock.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while client._inq_sock.recv(64):
            pass
    client._inq_sock.settimeout(0.5)
    client.reset_sequence_number()
    return client


async def run(simulated: SimulatedCamera, work: Callable[[Foreign], T]) -> T:
    def whole() -> T:
        client = _connected(endpoint_of(simulated))
        try:
            return work(client)
        finally:
            client.close_connection()

    return await asyncio.to_thread(whole)


async def test_it_moves_and_stops(simulated: SimulatedCamera) -> None:
    # Its documentation says up for a positive tilt; it sends 02, which Sony calls down.
    await run(simulated, lambda client: client.pantilt(10, 5))
    await until(lambda: simulated.pan_deg > 0 > simulated.tilt_deg)
    assert simulated.moving
    await run(simulated, lambda client: client.pantilt(0, 0))
    await until(lambda: not simulated.moving)
    assert simulated.ran == [bytes.fromhex("010601 0a05 0202"), bytes.fromhex("010601 0000 0303")]


async def test_a_negative_pan_is_to_the_left(simulated: SimulatedCamera) -> None:
    await run(simulated, lambda client: client.pantilt(-10, 0))
    await until(lambda: simulated.pan_deg < 0)
    assert simulated.tilt_deg == 0


async def test_it_stores_recalls_and_reads_back(simulated: SimulatedCamera) -> None:
    simulated.shove(pan_deg=12, tilt_deg=4)
    await run(simulated, lambda client: client.save_preset(8))
    simulated.shove(pan_deg=-20)
    await run(simulated, lambda client: client.recall_preset(8))
    await until(lambda: bool(simulated.ran[1:]) and not simulated.moving)
    pan, tilt = await run(simulated, lambda client: client.get_pantilt_position())
    assert (pan / 51.2, tilt / 51.2) == pytest.approx((12, 4), abs=0.05)


async def test_it_zooms_and_reads_the_zoom(simulated: SimulatedCamera) -> None:
    await run(simulated, lambda client: client.zoom_to(0.5))
    await until(lambda: simulated.zoom == pytest.approx(0.5))
    assert await run(simulated, lambda client: client.get_zoom_position()) == 0x2000


async def test_it_sets_and_reads_the_focus_mode(simulated: SimulatedCamera) -> None:
    await run(simulated, lambda client: client.set_focus_mode("manual"))
    assert await run(simulated, lambda client: client.get_focus_mode()) == "manual"


async def test_its_refused_command_is_an_exception(simulated: SimulatedCamera) -> None:
    with pytest.raises(import_module("visca_over_ip.exceptions").ViscaException):
        await run(simulated, lambda client: client.recall_preset(77))
