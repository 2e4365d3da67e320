"""Looks at the simulated devices themselves, past everything that claims to have set them.

The camera is asked with bytes typed here from the maker's list, not through our driver: a
driver that misreads its own answer cannot vouch for itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar, cast

from drivers import DeviceAddress, connect
from drivers.ports import Programme, Sound, SoundPort, Switcher
from drivers.visca.sim import MEMORIES
from siaga.demo.processes import DemoFailure

STEPS_PER_DEGREE = 51.2
"""BRC-X400: DE00 to 2200 hex are -170 to +170 degrees."""
TOLERANCE_DEG = 0.5
ANSWER_WITHIN_S = 2.0
_INQUIRE_POSITION = bytes.fromhex("8109 0612 FF")
_HEADER = bytes.fromhex("0110 0005")
"""VISCA over IP: payload type inquiry, five bytes."""

T = TypeVar("T")


class _Asked(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, _addr: object) -> None:
        if not self.answer.done():
            self.answer.set_result(data)


async def camera_looks_at(address: str) -> tuple[float, float]:
    """Return pan and tilt in degrees, by one position inquiry of our own.

    Raises:
        DemoFailure: no answer, or none of eleven bytes.
    """
    host, port = DeviceAddress.parse(address).endpoint(52381)
    loop = asyncio.get_running_loop()
    transport, asked = await loop.create_datagram_endpoint(_Asked, remote_addr=(host, port))
    try:
        transport.sendto(_HEADER + (1).to_bytes(4) + _INQUIRE_POSITION)
        async with asyncio.timeout(ANSWER_WITHIN_S):
            frame = (await asked.answer)[8:]
    except TimeoutError as error:
        raise DemoFailure(f"camera {address}: asked for its position, no answer") from error
    finally:
        transport.close()
    if len(frame) != 11 or frame[:2] != b"\x90\x50":
        raise DemoFailure(f"camera {address}: asked for its position, answered {frame.hex(' ')}")
    return _degrees(frame[2:6]), _degrees(frame[6:10])


def _degrees(nibbles: bytes) -> float:
    number = int("".join(f"{nibble:x}" for nibble in nibbles), 16)
    return (number - 0x10000 if number & 0x8000 else number) / STEPS_PER_DEGREE


async def camera_is_at(address: str, memory: int) -> str:
    """Say where the camera looks.

    Raises:
        DemoFailure: elsewhere than its memory says.
    """
    pan, tilt = await camera_looks_at(address)
    wanted_pan, wanted_tilt, _ = MEMORIES[memory]
    if abs(pan - wanted_pan) > TOLERANCE_DEG or abs(tilt - wanted_tilt) > TOLERANCE_DEG:
        raise DemoFailure(
            f"camera should look at memory {memory} ({wanted_pan:+.1f}, {wanted_tilt:+.1f} degrees), "
            f"it looks at {pan:+.1f}, {tilt:+.1f}"
        )
    return f"camera at {pan:+.1f}, {tilt:+.1f} degrees (memory {memory})"


async def _asking(address: str, password: str | None, question: Callable[[object], Awaitable[T]]) -> T:
    device = connect("evidence", DeviceAddress.parse(address), password)
    await device.open()
    try:
        return await question(device)
    finally:
        await device.close()


async def scene_is(address: str, password: str, wanted: str) -> str:
    """Say which scene is on air, over a connection of our own.

    Raises:
        DemoFailure: another one.
    """
    programme: Programme = await _asking(address, password, lambda device: cast("Switcher", device).state())
    if programme.scene != wanted:
        raise DemoFailure(f"scene {wanted!r} should be on air, OBS says {programme.scene!r}")
    return f"scene {programme.scene} on air"


async def microphone_is(address: str, *, muted: bool) -> str:
    """Say how the microphone is set, over a connection of our own.

    Raises:
        DemoFailure: the other way.
    """
    ports: tuple[SoundPort, ...] = await _asking(address, None, lambda device: cast("Sound", device).inventory())
    found = {port.name: port.muted for port in ports}.get("microphone")
    if found is not muted:
        raise DemoFailure(f"microphone should be {'muted' if muted else 'open'}, found muted={found}")
    return f"microphone {'muted' if muted else 'open'}"
