"""Whether the room may make a sound of its own now.

A test tone is heard by everybody in the room and by whoever listens from afar. So none is
played while something is recorded or streamed, nor while nobody knows whether it is, nor
after somebody muted everything. That people speak is for the driver to hear: it listens
before it plays.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from drivers.errors import DriverError
from drivers.outcomes import Reason
from drivers.ports import Device, Switcher

ASK_WITHIN_S = 3.0


async def on_air(devices: Mapping[str, Device]) -> Reason | None:
    """Return what of the room is being recorded or streamed, or that nobody knows; none when nothing is."""
    for name, device in devices.items():
        if isinstance(device, Switcher) and (reason := await _of(name, device)) is not None:
            return reason
    return None


async def _of(name: str, switcher: Switcher) -> Reason | None:
    try:
        async with asyncio.timeout(ASK_WITHIN_S):
            now = await switcher.state()
    except (DriverError, TimeoutError) as error:
        detail = f"{name}: wanted to know that nothing is recorded or streamed, found no answer: {error}"
        return Reason("sound.on_air_unknown", detail, {"device": name})
    if now.recording:
        return Reason("sound.recording", f"{name}: it records, and would record the tone", {"device": name})
    if now.streaming:
        return Reason("sound.streaming", f"{name}: it streams, and would send the tone", {"device": name})
    return None
