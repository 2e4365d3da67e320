"""Looks at every device of a room once, without running it: what `siaga check` tells."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agent.board import HealthBoard, Sighting
from agent.clock import SystemClock
from agent.equipment import equipment_of
from agent.presets import Preset, presets_of
from agent.readiness import Assessment, assess
from agent.roomfile import load, read_secrets
from agent.wanted import Situation, wanted_of
from drivers.errors import DriverError
from drivers.ports import Device, Inspected

log = logging.getLogger(__name__)

CHECK_WITHIN_S = 12.0


@dataclass(frozen=True, slots=True)
class Checked:
    """What `check` found: every device, and the verdict."""

    room: str
    devices: tuple[Sighting, ...]
    assessment: Assessment

    def table(self) -> list[dict[str, Any]]:
        """Return one row per device, of plain values."""
        return [
            {
                "device": seen.name,
                "kind": seen.kind,
                "required": seen.required,
                "condition": None if seen.condition is None else str(seen.condition),
                "reason": "" if seen.health is None or seen.health.reason is None else seen.health.reason.detail,
                "measures": {}
                if seen.health is None
                else {m.name: [m.value, m.unit, str(m.verdict)] for m in seen.health.measures},
            }
            for seen in self.devices
        ]


async def check(config: Path) -> Checked:
    """Open every device of the room once and return what was measured.

    Raises:
        FileMistakes: everything that is wrong in the room file and its secrets.
    """
    room_file = load(config)
    equipment = equipment_of(room_file, read_secrets(config, room_file, os.environ).passwords, SystemClock())
    async with asyncio.TaskGroup() as group:
        for name, device in equipment.devices.items():
            group.create_task(_look_once(device, equipment.board, presets_of(room_file)), name=f"check {name}")
    devices = tuple(equipment.board.devices.values())
    return Checked(room_file.room, devices, assess(devices))


async def _look_once(device: Device, board: HealthBoard, presets: Mapping[str, Preset]) -> None:
    try:
        async with asyncio.timeout(CHECK_WITHIN_S):
            await device.open()
            if isinstance(device, Inspected):
                at = Situation(datetime.now(UTC))
                await device.inspect(wanted_of(device.name, presets, at, listens=True))
            board.post(device.name, await device.check())
    except DriverError as error:
        board.post(device.name, error)
    except TimeoutError:
        log.warning("no answer in time", extra={"action": "check", "device": device.name})
    finally:
        await device.close()
