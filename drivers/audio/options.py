"""What an address says of a room's sound besides where it is: its devices, and what counts as wrong in this room."""

from __future__ import annotations

import re
from dataclasses import asdict
from math import isfinite
from typing import Any

from drivers.address import DeviceAddress
from drivers.audio.model import MICROPHONE, SPEAKER, Limits
from drivers.errors import AddressError

ECHO, CANCELLED = "echo", "cancelled"
"""The option of an address that says that the microphone cancels the loudspeaker's echo."""

OPTIONAL, DEFAULT, BOTH = "optional", "default", "both"
"""The options that say which ports the room can do without, and which should be the machine's defaults."""
LIMITS: dict[str, float | int] = asdict(Limits())
"""The limits that an address can set, with what they are otherwise."""
OPTIONS = (ECHO, OPTIONAL, DEFAULT, *LIMITS)

_SERVERS_NAME = re.compile(r"[\w.:+@-]{1,200}", re.ASCII)
_WINDOWS_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,200}")


def server_device(address: DeviceAddress, option: str) -> str:
    """Return the exact name of a device of a sound server.

    Raises:
        AddressError: it is missing or no name that a sound server gives.
    """
    what = "sources" if option == MICROPHONE else "sinks"
    return _name(address, option, _SERVERS_NAME, f"a name from `pactl list short {what}`")


def windows_device(address: DeviceAddress, option: str) -> str:
    """Return the exact name of a device of Windows.

    Raises:
        AddressError: it is missing.
    """
    return _name(address, option, _WINDOWS_NAME, "the name that Windows' sound settings show")


def _name(address: DeviceAddress, option: str, form: re.Pattern[str], wanted: str) -> str:
    name = address.options.get(option, "")
    if not form.fullmatch(name):
        raise AddressError(f"{address}: {option}=NAME must be {wanted}, got {name!r}")
    return name


def ports_option(address: DeviceAddress, option: str) -> frozenset[str]:
    """Return the ports that an option names.

    Raises:
        AddressError: it names none.
    """
    choices = {MICROPHONE: {MICROPHONE}, SPEAKER: {SPEAKER}, BOTH: {MICROPHONE, SPEAKER}}
    if (chosen := address.options.get(option)) is None:
        return frozenset()
    if chosen not in choices:
        raise AddressError(f"{address}: {option} can be microphone, speaker or both, got {chosen!r}")
    return frozenset(choices[chosen])


def limits_option(address: DeviceAddress) -> Limits:
    """Return the limits of a room, of which an address can set each by its name.

    Raises:
        AddressError: one is no number of its kind.
    """
    chosen: dict[str, Any] = {name: _limit(address, name) for name in LIMITS if name in address.options}
    return Limits(**chosen)


def _limit(address: DeviceAddress, name: str) -> float:
    text, kind = address.options[name], type(LIMITS[name])
    try:
        value = kind(text)
    except ValueError:
        value = kind(0) if kind is int else float("nan")
    if not isfinite(value) or (kind is int and value < 1):
        wanted = "a whole number from 1" if kind is int else "a number"
        raise AddressError(f"{address}: {name} must be {wanted}, got {text!r}")
    return value
