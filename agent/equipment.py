"""The devices of a room and who watches them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from agent.board import HealthBoard
from agent.keeper import Keeper
from drivers.ports import Device


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
