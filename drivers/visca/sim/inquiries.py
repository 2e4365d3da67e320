"""What a camera answers when it is asked, by Sony's lists."""

from __future__ import annotations

from collections.abc import Callable

from drivers.visca.sim.blocks import block
from drivers.visca.sim.nibbles import spread
from drivers.visca.sim.problems import NotExecutable, SyntaxProblem
from drivers.visca.sim.state import LAMPS, Camera

ON, OFF = b"\x02", b"\x03"


def answer(camera: Camera, body: bytes, now: float) -> bytes:
    """Return the content of the answer to the inquiry `body` (without address and 09).

    Raises:
        SyntaxProblem: the camera does not know the inquiry.
        NotExecutable: it is in standby.
    """
    if body == b"\x00\x02":
        return camera.model.version
    if body == b"\x04\x00":
        return ON if camera.is_on(now) else OFF
    if not camera.is_on(now):
        raise NotExecutable
    if body == b"\x06\x12":
        return _position(camera, camera.pan.position, camera.tilt.position)
    return _other(camera, body, now)


def _position(camera: Camera, pan: float, tilt: float) -> bytes:
    return spread(pan, camera.model.pan_nibbles) + spread(tilt, camera.model.tilt_nibbles)


_PLAIN: dict[bytes, Callable[[Camera], bytes]] = {
    b"\x04\x47": lambda camera: spread(camera.zoom.position),
    b"\x04\x48": lambda camera: spread(camera.focus.position),
    b"\x04\x3f": lambda camera: bytes((camera.last_memory,)),
    b"\x06\x10": lambda camera: camera.status.to_bytes(2, "big"),
    b"\x06\x11": lambda camera: bytes((camera.speed_max, camera.tilt_speed_max)),
    b"\x06\x23": lambda _camera: b"\x00",  # video system
    b"\x06\x34": lambda _camera: b"\x00",  # the remote control's light is received well
    b"\x06\x07\x00": lambda camera: _limit(camera, 0),
    b"\x06\x07\x01": lambda camera: _limit(camera, 1),
}


def _other(camera: Camera, body: bytes, now: float) -> bytes:
    plain = _PLAIN.get(body)
    if plain is not None:
        return plain(camera)
    family, lamp = LAMPS.get(body, ("", ""))
    if family in camera.model.families:
        return ON if camera.lit(lamp, now) else OFF
    match tuple(body):
        case (0x7E, 0x7E, number):
            return block(number, camera.model.blocks, camera.block_values(now))
        case (0x7E, 0x01, 0x0B, memory) if camera.model.memory_speed == "sony":
            return _memory_speed(camera, memory)
    return camera.registers.ask(body)


def _limit(camera: Camera, corner: int) -> bytes:
    """Return the limits of one corner, 1 for up and right, 0 for down and left; 7FFF for none."""
    right = corner == (camera.model.pan_right == 1)
    pan = camera.pan.limit_high if right else camera.pan.limit_low
    tilt = camera.tilt.limit_high if corner else camera.tilt.limit_low
    none = [8 * 16 ** (nibbles - 1) - 1 for nibbles in (camera.model.pan_nibbles, camera.model.tilt_nibbles)]
    return _position(camera, none[0] if pan is None else pan, none[1] if tilt is None else tilt)


def _memory_speed(camera: Camera, memory: int) -> bytes:
    if memory not in camera.model.memories:
        raise SyntaxProblem
    return bytes((camera.memory_speeds.get(memory, 0x18),))
