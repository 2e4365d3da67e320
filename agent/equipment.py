"""The devices of a room and who watches them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from agent.board import HealthBoard, Sighting
from agent.clock import Clock
from agent.keeper import Keeper, Opened
from agent.places import Places, Replaced
from agent.roomfile import RoomFile, device_kinds
from agent.store import Store
from drivers.address import DeviceAddress
from drivers.ports import Camera, Device, RemembersPlaces, Sound
from drivers.registry import connect

LOOK_AT_WHAT_STANDS_EVERY_S = 1.5
LOOK_AT_SOUND_EVERY_S = 5.0
"""A look at the sound listens for a second."""


@dataclass(frozen=True, slots=True)
class Equipment:
    """The devices of a room, each with its keeper, and what was last seen of them."""

    devices: Mapping[str, Device]
    keepers: Mapping[str, Keeper]
    board: HealthBoard

    async def look(self) -> None:
        """Look at every device again now."""
        async with asyncio.TaskGroup() as group:
            for name, keeper in self.keepers.items():
                group.create_task(keeper.look(), name=f"look at {name}")


def equipment_of(room_file: RoomFile, passwords: Mapping[str, str], clock: Clock, *more: Sighting) -> Equipment:
    """Return the unopened devices of a room; `more` is what is watched beside them."""
    kinds = device_kinds(room_file)
    devices: dict[str, Device] = {
        name: connect(name, DeviceAddress.parse(settings.at), passwords.get(name))
        for name, settings in room_file.devices.items()
    }
    found = [Sighting(name, kinds[name], settings.required) for name, settings in room_file.devices.items()]
    board = HealthBoard((*found, *more), clock)
    keepers = {name: _keeper(device, board) for name, device in devices.items()}
    return Equipment(devices, keepers, board)


def _keeper(device: Device, board: HealthBoard) -> Keeper:
    if isinstance(device, Sound):
        return Keeper(device, board, look_every_s=LOOK_AT_SOUND_EVERY_S)
    if isinstance(device, Camera):
        return Keeper(device, board)
    return Keeper(device, board, look_every_s=LOOK_AT_WHAT_STANDS_EVERY_S)


def remembering(camera: Camera, store: Store, clock: Clock, tell: Callable[[Replaced], None]) -> Opened:
    """Give `camera` its lasting memory of places; return what sees at each link whether it is still that camera."""
    places = Places(store, camera.name, clock)
    if isinstance(camera, RemembersPlaces):
        camera.expectations = places

    async def identify() -> None:
        if replaced := places.belong_to(await camera.identify()):
            tell(replaced)

    return identify
