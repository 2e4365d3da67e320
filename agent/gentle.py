"""While people hear the room, no gain goes up by more than one step at once.

A jump is a shock to whoever listens and brings the room nearer to feedback. Who needs more
goes up in steps and hears what each does. Down is always allowed, and so is muting.
"""

from __future__ import annotations

from dataclasses import replace

from agent.gains import TOLERANCE_DB
from agent.presets import Step
from drivers.errors import DeviceRefused
from drivers.outcomes import Reason
from drivers.ports import MAX_STEP_UP_DB, Device


async def gently(device: Device, step: Step) -> Step:
    """Return `step` so that its device refuses to jump.

    Raises:
        DeviceRefused: the device knows no such word, and the step would jump.
    """
    if "careful" in type(step.arguments).model_fields:
        return replace(step, arguments=step.arguments.model_copy(update={"careful": True}))
    rise_db = None if step.verb.rise_db is None else await step.verb.rise_db(device, step.arguments)
    if rise_db is not None and rise_db > MAX_STEP_UP_DB + TOLERANCE_DB:
        detail = f"{step.device}: wanted {rise_db:.1f} dB more at once, {MAX_STEP_UP_DB:g} dB up at most while live"
        raise DeviceRefused(Reason("sound.too_big_a_step", detail, {"most_db": MAX_STEP_UP_DB}))
    return step
