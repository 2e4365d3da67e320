"""Has the devices that can be looked through looked through: now and then, and before a session."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping

from agent.equipment import Equipment
from agent.keeper import Keeper
from agent.presets import Preset
from agent.wanted import Situation, wanted_of
from drivers.errors import DriverError
from drivers.ports import Inspected

log = logging.getLogger(__name__)

INSPECT_EVERY_S = 30.0
INSPECT_WITHIN_S = 8.0


class Inspector:
    """Looks through the devices of one room for the session that has it."""

    def __init__(self, equipment: Equipment, presets: Mapping[str, Preset], situation: Callable[[], Situation]) -> None:
        self._equipment = equipment
        self._presets = presets
        self._situation = situation

    async def keep(self) -> None:
        """Inspect every half minute until cancelled; returns at once where there is nothing to inspect."""
        while any(isinstance(device, Inspected) for device in self._equipment.devices.values()):
            await self.inspect()
            await asyncio.sleep(INSPECT_EVERY_S)

    async def inspect(self, *, listens: bool = False) -> None:
        """Look through what answers, then have each looked at once, so that the board knows."""
        at, seen = self._situation(), self._equipment.board.devices
        async with asyncio.TaskGroup() as group:
            for name, keeper in self._equipment.keepers.items():
                if isinstance(keeper.device, Inspected) and seen[name].condition is not None:
                    group.create_task(_inspect(keeper, self._presets, at, listens), name=f"inspect {name}")

    async def look_thoroughly(self) -> None:
        """Look through what can be looked through, listening too, then look at every device."""
        await self.inspect(listens=True)
        await self._equipment.look()


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
