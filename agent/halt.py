"""Stopping what moves in a room without its agent: `siaga halt`, and systemd when the agent has ended.

Reads of the room file only where its cameras are: a mistake elsewhere in it, made while the
agent ran, must not leave a camera moving.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from contract.yamlfile import FileMistakes, read
from drivers.address import DeviceAddress
from drivers.errors import AddressError
from drivers.halt import Ending, halt
from drivers.registry import moves


def halt_room(config: Path) -> dict[str, Ending]:
    """Stop every camera of the room file at `config`, and return by name how that ended; blocks three seconds at most.

    Raises:
        FileMistakes: the file cannot be read, or names no devices.
    """
    cameras = moving(config)
    return dict(zip(cameras, halt(list(cameras.values())), strict=True))


def moving(config: Path) -> dict[str, DeviceAddress]:
    """Return the devices of a room file that may move; one whose address is none is left out.

    Raises:
        FileMistakes: the file cannot be read, or names no devices.
    """
    source = read(config)
    devices = source.value.get("devices") if isinstance(source.value, Mapping) else None
    if not isinstance(devices, Mapping):
        raise FileMistakes(config, (source.mistake(("devices",), "wanted the devices of a room, found none"),))
    found = {str(name): _address(settings) for name, settings in devices.items()}
    return {name: address for name, address in found.items() if address is not None and moves(address)}


def _address(settings: object) -> DeviceAddress | None:
    at = settings.get("at") if isinstance(settings, Mapping) else None
    try:
        return DeviceAddress.parse(at) if isinstance(at, str) else None
    except AddressError:
        return None
