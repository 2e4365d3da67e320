"""What a camera's address says of it beyond the way there: which profile, and which limits."""

from __future__ import annotations

from pathlib import Path

from drivers.address import DeviceAddress
from drivers.errors import AddressError
from drivers.visca.motion import Limits
from drivers.visca.profiles import PROFILES, Profile, load


def chosen_profile(address: DeviceAddress) -> Profile | None:
    """Return the profile that `address` names; none means: by version inquiry.

    Raises:
        AddressError: there is no such profile, or its file has mistakes.
    """
    wanted = address.options.get("profile", "auto")
    if wanted == "auto":
        return None
    if wanted in PROFILES:
        return PROFILES[wanted]
    if "/" not in wanted and not wanted.endswith(".toml"):
        raise AddressError(f"{address}: unknown profile {wanted!r}; known: auto, {', '.join(PROFILES)}, or a file")
    try:
        return load(Path(wanted))
    except ValueError as error:
        raise AddressError(f"{address}: {error}") from error


def chosen_limits(address: DeviceAddress) -> Limits | str:
    """Return the limits that `address` wishes, or `off`, or nothing.

    Raises:
        AddressError: they are none.
    """
    wish = address.options.get("limits", "")
    if wish in {"", "off"}:
        return wish
    try:
        return Limits.parse(wish)
    except ValueError as error:
        raise AddressError(f"{address}: {error}") from error
