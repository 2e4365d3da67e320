"""Drivers for the devices of a room: what each can do, over the bytes it really speaks.

A driver has never heard of a room, a booking or MQTT. It is reached by its address
(`connect`), speaks through a port (`drivers.ports`) and tells outcomes apart honestly.
"""

from typing import TYPE_CHECKING

from drivers.address import DeviceAddress
from drivers.outcomes import Condition, Health, Measure, Outcome, Reason, Result, Verdict

if TYPE_CHECKING:
    from drivers.registry import connect, driver_for

__all__ = [
    "Condition",
    "DeviceAddress",
    "Health",
    "Measure",
    "Outcome",
    "Reason",
    "Result",
    "Verdict",
    "connect",
    "driver_for",
]


def __getattr__(name: str) -> object:
    """Load the registry when first asked for: a sound worker is half as big without it.

    Raises:
        AttributeError: there is no such name.
    """
    if name in {"connect", "driver_for"}:
        from drivers import registry

        return getattr(registry, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
