"""What else answers where a camera is silent: another framing, carrier, speed or port."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from drivers.address import DeviceAddress
from drivers.errors import AddressError, DeviceUnreachable
from drivers.visca import table
from drivers.visca.exchange import Exchange
from drivers.visca.lines import line_for
from drivers.visca.trace import Trace

ANSWER_WITHIN_S = 0.6
TRIES = 2
BAUDS = ("9600", "38400", "115200", "19200")
NETWORK = (
    ("visca+udp", 52381, "sony"),
    ("visca+tcp", 5678, "raw"),
    ("visca+udp", 1259, "raw"),
    ("visca+udp", 52381, "raw"),
)


def candidates(address: DeviceAddress) -> list[DeviceAddress]:
    """Return the addresses at which the same camera could answer instead."""
    if address.host and address.scheme != "visca+rfc2217":
        others = [_over(address.host, *carrier) for carrier in NETWORK]
        if address.scheme == "visca+udp" and address.port not in {None, 52381, 1259}:
            framing = "sony" if address.options.get("framing") == "raw" else "raw"
            others.insert(0, _over(address.host, "visca+udp", address.port or 0, framing))
    else:
        others = [replace(address, options={**address.options, "baud": baud}) for baud in BAUDS]
    return [other for other in others if _plain(other) != _plain(address)]


def _over(host: str, scheme: str, port: int, framing: str) -> DeviceAddress:
    by_port = "sony" if port != 1259 else "raw"
    options = {"framing": framing} if scheme == "visca+udp" and framing != by_port else {}
    return DeviceAddress(scheme, host, port, "", options)


def _plain(address: DeviceAddress) -> tuple[object, ...]:
    """Return what tells one way from another, defaults filled in."""
    options = address.options
    raw = options.get("framing") == "raw" or address.port == 1259
    port = address.port or {"visca+tcp": 5678, "visca+udp": 1259 if raw else 52381}.get(address.scheme)
    return address.scheme, address.host, port, address.path, raw, options.get("baud", "9600")


async def answering(address: DeviceAddress) -> list[str]:
    """Return the addresses, likeliest first, at which a camera answers though `address` is silent."""
    others = candidates(address)
    at_once = asyncio.Semaphore(len(others) if address.host else 1)  # a serial port is for one at a time

    async def answers(other: DeviceAddress) -> bool:
        async with at_once:
            return await _answers(other)

    found = await asyncio.gather(*map(answers, others))
    return [str(other) for other, answered in zip(others, found, strict=True) if answered]


async def _answers(address: DeviceAddress) -> bool:
    """Whether a camera there says its version, or says anything at all that is VISCA."""
    try:
        line = line_for(address)
    except AddressError:
        return False
    exchange = Exchange(line, Trace(line.framing))
    try:
        await exchange.open(reset=False)
        for _ in range(TRIES):
            heard = await exchange.ask(table.VERSION_INQ.encode(address=line.address), within_s=ANSWER_WITHIN_S)
            if heard.content is not None or heard.code is not None:
                return True
    except DeviceUnreachable:
        return False
    finally:
        await exchange.close()
    return False
