"""Which maker's mixer an address means."""

from __future__ import annotations

from drivers.address import DeviceAddress
from drivers.errors import AddressError
from drivers.mixer import qsys, shure, tesira, x32
from drivers.mixer.desk import Desk
from drivers.untried import tell_untried


def connect(name: str, address: DeviceAddress, password: str | None) -> Desk:
    """Return the unopened mixer.

    Raises:
        AddressError: a password for a mixer that takes none.
    """
    tell_untried(f"mixer, {address.scheme.partition('+')[0]}")
    if address.scheme == "qsys+tcp":
        return qsys.connect(name, address, password)
    if password is not None:
        raise AddressError(f"{address}: this mixer takes no password")
    make = {"shure+tcp": shure.connect, "tesira+tcp": tesira.connect}.get(address.scheme, x32.connect)
    return make(name, address)
