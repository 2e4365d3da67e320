"""The ways to a camera: UDP, TCP, serial chains, serial servers. `line_for` chooses by address."""

from __future__ import annotations

import os

from drivers.address import DeviceAddress
from drivers.errors import AddressError
from drivers.visca.line import Framing, Line
from drivers.visca.lines.rfc2217 import Rfc2217Port
from drivers.visca.lines.serialbus import CAMERAS, SerialLine
from drivers.visca.lines.serialport import serial_port
from drivers.visca.lines.tcp import TcpLine
from drivers.visca.lines.udp import SONY_PORT, UdpLine

__all__ = ["OPTIONS", "line_for"]

OPTIONS = ("framing", "baud", "address")
"""Options of an address that are read here."""
RAW_UDP_PORT = 1259
TCP_PORT = 5678
BAUDS = (9600, 19200, 38400, 57600, 115200)


def line_for(address: DeviceAddress, *, local_port: int = SONY_PORT) -> Line:
    """Return the unopened way to the camera at `address`.

    `local_port` is where cameras with Sony's header may answer to whatever port asked; it is
    shared by all of them, and any other serves where it is taken.

    Raises:
        AddressError: an unknown carrier, or an option that this carrier does not know or allow.
    """
    carrier = address.scheme.removeprefix("visca+")
    if carrier == "udp":
        return _udp(address, local_port)
    if _framing(address, Framing.RAW) is not Framing.RAW:
        raise AddressError(f"{address}: framing must be raw over {carrier}, Sony's header goes over UDP alone")
    if carrier == "tcp":
        _refuse(address, "baud", "address")
        return TcpLine(*address.endpoint(TCP_PORT))
    if carrier == "serial":
        return _serial(address)
    if carrier == "rfc2217":
        return _rfc2217(address)
    raise AddressError(f"{address}: carrier must be visca+udp, +tcp, +serial or +rfc2217, got {address.scheme!r}")


def _udp(address: DeviceAddress, local_port: int) -> Line:
    _refuse(address, "baud", "address")
    framing = _framing(address, Framing.RAW if address.port == RAW_UDP_PORT else Framing.SONY)
    raw = framing is Framing.RAW
    host, port = address.endpoint(RAW_UDP_PORT if raw else SONY_PORT)
    return UdpLine(host, port, framing, local_port=0 if raw else local_port)


def _serial(address: DeviceAddress) -> Line:
    """Return the way through this machine's own port.

    Raises:
        AddressError: no path, or a host.
    """
    if address.host or address.port is not None or len(address.path) < 2:
        raise AddressError(f"{address}: a path is wanted, as in visca+serial:///dev/serial/by-id/NAME")
    path = address.path.removeprefix("/") if address.path.upper().startswith("/COM") else address.path
    baud, number = _baud(address), _number(address)
    return SerialLine(
        f"serial {path}", lambda: os.path.realpath(path), lambda: serial_port(path, baud), baud=baud, address=number
    )


def _rfc2217(address: DeviceAddress) -> Line:
    """Return the way through a serial server.

    Raises:
        AddressError: no port.
    """
    if address.port is None:
        raise AddressError(f"{address}: a port is wanted, as in visca+rfc2217://192.0.2.40:2217")
    host, port = address.endpoint(address.port)
    baud, number, where = _baud(address), _number(address), f"rfc2217 {host}:{port}"
    return SerialLine(where, lambda: where, lambda: Rfc2217Port(host, port, baud), baud=baud, address=number)


def _framing(address: DeviceAddress, otherwise: Framing) -> Framing:
    """Return the framing that `address` wishes.

    Raises:
        AddressError: there is no such framing.
    """
    wish = address.options.get("framing", otherwise.value)
    try:
        return Framing(wish)
    except ValueError as error:
        raise AddressError(f"{address}: framing must be sony or raw, got {wish!r}") from error


def _baud(address: DeviceAddress) -> int:
    """Return the speed of the port.

    Raises:
        AddressError: no camera runs at it.
    """
    wish = address.options.get("baud", str(BAUDS[0]))
    if wish not in map(str, BAUDS):
        raise AddressError(f"{address}: baud must be one of {', '.join(map(str, BAUDS))}, got {wish!r}")
    return int(wish)


def _number(address: DeviceAddress) -> int:
    """Return the camera's number in the chain.

    Raises:
        AddressError: a chain has no such number.
    """
    wish = address.options.get("address", "1")
    if wish not in map(str, range(1, CAMERAS + 1)):
        raise AddressError(f"{address}: address must be 1 to {CAMERAS}, got {wish!r}")
    return int(wish)


def _refuse(address: DeviceAddress, *names: str) -> None:
    """Refuse what a network carrier has not.

    Raises:
        AddressError: names the option and why.
    """
    for name in names:
        if name in address.options:
            why = "it is locked to 1 over IP" if name == "address" else "a network has none"
            raise AddressError(f"{address}: option {name!r} is for serial lines, {why}")
