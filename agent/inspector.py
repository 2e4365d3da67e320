"""Has the devices that can be looked through looked through: now and then, and before a session."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from agent.board import HealthBoard
from agent.keeper import Keeper
from agent.presets import Preset
from agent.wanted import Situation, wanted_of
from drivers.errors import DriverError
from drivers.ports import Device, Inspected

log = logging.getLogger(__name__)

INSPECT_EVERY_S = 30.0
INSPECT_WITHIN_S = 8.0


async def keep_inspecting(devices: Mapping[str, Device], inspect: Callable[[], Awaitable[None]]) -> None:
    """Inspect every half minute until cancelled; returns at once where there is nothing to inspect."""
    while any(isinstance(device, Inspected) for device in devices.values()):
        await inspect()
        await asyncio.sleep(INSPECT_EVERY_S)


async def inspect_all(
    keepers: Mapping[str, Keeper], board: HealthBoard, presets: Mapping[str, Preset], at: Situation, *, listens: bool
) -> None:
    """Look through what answers, then have each looked at once, so that the board knows."""
    async with asyncio.TaskGroup() as group:
        for name, keeper in keepers.items():
            if isinstance(keeper.device, Inspected) and board.devices[name].condition is not None:
                group.create_task(_inspect(keeper, presets, at, listens), name=f"inspect {name}")


async def _inspect(keeper: Keeper, presets: Mapping[str, Preset], at: Situation, listens: bool) -> None:
    """Look through one device; one that does not answer is the keeper's business."""
    device = keeper.device
    if not isinstance(device, Inspected):
        return
    try:
        async with asyncio.timeout(INSPECT_WITHIN_S):
            await device.inspect(wanted_of(device.name, presets, at, listens=listens))
    except (DriverError, TimeoutError) as error:
        log.info("not looked through: %s", error, extra={"action": "inspect", "device": device.name})
        return
    keeper.poke()
