"""Which address scheme is served by which driver. A new device class is one line here.

Drivers are imported when first used: a room without OBS never loads its library.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import cast

from drivers.address import DeviceAddress
from drivers.errors import AddressError
from drivers.outcomes import Outcome
from drivers.ports import (
    Camera,
    DefaultDevices,
    Device,
    Display,
    Inputs,
    Mixer,
    MutesAll,
    Outputs,
    Power,
    Setups,
    Sound,
    Stage,
    Switcher,
)
from drivers.verbs import VERBS, Verb


@dataclass(frozen=True, slots=True)
class Driver:
    """One row of the registry."""

    scheme: str
    port: type
    module: str
    """Has `def connect(name: str, address: DeviceAddress, password: str | None) -> Device`."""
    rescue: str = ""
    """Has `def stop_now(address: DeviceAddress, within_s: float) -> Outcome`, for devices that may be moving."""
    also: tuple[type, ...] = ()
    """What its devices can do beyond their port, each with verbs of its own."""

    @property
    def verbs(self) -> dict[str, Verb]:
        """What its devices can be told, by name."""
        return {name: verb for port in (self.port, *self.also) for name, verb in VERBS[port].items()}


DRIVERS: dict[str, Driver] = {
    driver.scheme: driver
    for driver in (
        Driver("visca+udp", Camera, "drivers.visca.device", "drivers.visca.deadman"),
        Driver("visca+tcp", Camera, "drivers.visca.device", "drivers.visca.deadman"),
        Driver("visca+serial", Camera, "drivers.visca.device", "drivers.visca.deadman"),
        Driver("visca+rfc2217", Camera, "drivers.visca.device", "drivers.visca.deadman"),
        Driver("obs+ws", Switcher, "drivers.obs.device", also=(Stage, Inputs, Outputs, Setups)),
        Driver("audio+pulse", Sound, "drivers.audio.device", also=(DefaultDevices, MutesAll)),
        Driver("audio+wasapi", Sound, "drivers.audio.device", also=(DefaultDevices, MutesAll)),
        Driver("audio+model", Sound, "drivers.audio.device", also=(DefaultDevices, MutesAll)),
        Driver("x32+udp", Mixer, "drivers.mixer.device"),
        Driver("xair+udp", Mixer, "drivers.mixer.device"),
        Driver("shure+tcp", Mixer, "drivers.mixer.device"),
        Driver("qsys+tcp", Mixer, "drivers.mixer.device"),
        Driver("tesira+tcp", Mixer, "drivers.mixer.device"),
        Driver("pjlink", Display, "drivers.pjlink.device"),
        Driver("shelly+http", Power, "drivers.shelly.device"),
    )
}


def driver_for(address: DeviceAddress) -> Driver:
    """Return the driver that serves `address`.

    Raises:
        AddressError: names the known schemes.
    """
    try:
        return DRIVERS[address.scheme]
    except KeyError:
        known = ", ".join(sorted(DRIVERS))
        raise AddressError(f"no driver for {address.scheme}://; known: {known}") from None


def connect(name: str, address: DeviceAddress, password: str | None = None) -> Device:
    """Return the unopened device `name` at `address`.

    Raises:
        AddressError: no such scheme, or an option the driver does not know.
    """
    module = import_module(driver_for(address).module)
    return cast("Device", module.connect(name, address, password))


def moves(address: DeviceAddress) -> bool:
    """Return whether what is at `address` may move and can be stopped by `stop_now`."""
    driver = DRIVERS.get(address.scheme)
    return driver is not None and bool(driver.rescue)


def stop_now(address: DeviceAddress, within_s: float) -> Outcome:
    """Stop what is at `address` without an event loop, and return whether it said that it heard; blocks.

    Raises:
        AddressError: no such scheme, or nothing there that moves.
        DeviceUnreachable: no such host, port or device, or it may not be opened.
    """
    driver = driver_for(address)
    if not driver.rescue:
        raise AddressError(f"{address}: nothing there moves")
    return cast("Outcome", import_module(driver.rescue).stop_now(address, within_s=within_s))
