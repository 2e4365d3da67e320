"""Stopping what moves in a room, all of it at once and each within its limit."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from pydantic import JsonValue

from drivers.errors import DriverError
from drivers.outcomes import Outcome
from drivers.ports import Camera, Device

log = logging.getLogger(__name__)

STOP_WITHIN_S = 1.8
"""With the look whether it stands; all cameras are stopped at once."""


async def stop_cameras(devices: Iterable[Device]) -> dict[str, dict[str, JsonValue]]:
    """Stop every camera among `devices` and return by name how that ended."""
    cameras = [device for device in devices if isinstance(device, Camera)]
    endings = await asyncio.gather(*(_stopped(camera) for camera in cameras))
    return {camera.name: how for camera, how in zip(cameras, endings, strict=True)}


async def _stopped(camera: Camera) -> dict[str, JsonValue]:
    """Stop a camera and return how that ended; one that is away cannot be stopped."""
    try:
        async with asyncio.timeout(STOP_WITHIN_S):
            result = await camera.stop()
    except DriverError as error:
        log.warning("not stopped: %s", error, extra={"action": "stop", "device": camera.name})
        return {"outcome": error.outcome, "reason": error.reason.code}
    except TimeoutError:
        log.warning("not known to have stopped", extra={"action": "stop", "device": camera.name})
        return {"outcome": Outcome.UNKNOWN}
    return {"outcome": result.outcome, **result.read_back}
