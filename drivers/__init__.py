"""Drivers for the devices of a room: what each can do, over the bytes it really speaks.

A driver has never heard of a room, a booking or MQTT. It is reached by its address
(`connect`), speaks through a port (`drivers.ports`) and tells outcomes apart honestly.
"""

from drivers.address import DeviceAddress
from drivers.outcomes import Condition, Health, Measure, Outcome, Reason, Result, Verdict
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
