"""What a camera does when it is told, by Sony's lists and, where they differ, PTZOptics' and BRC-300's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from drivers.visca.sim.motors import Motor
from drivers.visca.sim.nibbles import joined, signed
from drivers.visca.sim.problems import NotExecutable, SyntaxProblem
from drivers.visca.sim.state import FOCUS_FAR, FOCUS_NEAR, LAMPS, TOP_ZOOM_SPEED, ZOOM_END, Camera

AUTO = 2
ON = 2
_SWITCHES = {b"\x00\x02", b"\x00\x03"}
FOCUS_LOCK = 0x0A
"""PTZOptics has one command that begins with 0A instead of 01."""
MENU_TOGGLE = 95
"""PTZOptics: recalling this number opens and closes the on-screen menu."""
_LEFT_UP, _RIGHT_DOWN, _STOP = 1, 2, 3


@dataclass(frozen=True, slots=True)
class Effect:
    """What a command took hold of."""

    motors: tuple[Motor, ...] = ()
    lasting: bool = False
    """It has run only once those motors rest; a drive goes on until told otherwise, and has run at once."""


NOTHING = Effect()


def is_power(body: bytes) -> bool:
    """Whether `body` (with 01) switches power, which a camera in standby obeys too."""
    return body[:3] == b"\x01\x04\x00"


def _is_focus_lock(camera: Camera, body: bytes) -> bool:
    """Whether `body` is PTZOptics' `0A 04 68 02|03`."""
    return "minrray" in camera.model.families and body in {b"\x0a\x04\x68\x02", b"\x0a\x04\x68\x03"}


def carry_out(camera: Camera, body: bytes, now: float) -> Effect:
    """Begin the command `body` (without address, with 01) and say what it moves.

    Raises:
        SyntaxProblem: the camera does not know the command, or a parameter is wrong.
        NotExecutable: it cannot be done now.
    """
    if body[:1] != b"\x01" and not _is_focus_lock(camera, body):
        raise SyntaxProblem
    if is_power(body):
        return _power(camera, body, now)
    if not camera.is_on(now):
        raise NotExecutable
    action = _ACTIONS.get(body[1:3])
    if action is not None:
        return action(camera, body[3:])
    if body[0] == FOCUS_LOCK:
        return NOTHING
    if body[1:2] == b"\x7e":
        return _extended(camera, body[1:], now)
    camera.registers.set(body[1:])
    return NOTHING


def _power(camera: Camera, body: bytes, now: float) -> Effect:
    if body[3:] not in {b"\x02", b"\x03"}:
        raise SyntaxProblem
    camera.power(body[3] == 2, now)
    return Effect(camera.motors) if body[3] == 3 else NOTHING


# Pan and tilt.


def _code(camera: Camera, code: int, limit: int) -> int:
    if camera.model.clamps_speed and limit < code <= camera.model.extended_speed_max:
        return limit
    if not 1 <= code <= limit:
        raise SyntaxProblem
    return code


def _drive_speed(camera: Camera, code: int, limit: int, direction: int) -> float:
    """Return the speed; 00 is let pass where nothing turns, but for the BRC-300."""
    if code == 0 and direction == _STOP and not camera.model.refuses_zero_speed:
        return 0.0
    return camera.steps_per_s(_code(camera, code, limit))


def _drive(camera: Camera, rest: bytes) -> Effect:
    if len(rest) in {1, 2} and camera.model.memory_speed == "visca-short":
        return _memory_speed_short(camera, rest)
    if len(rest) != 4 or not {rest[2], rest[3]} <= {_LEFT_UP, _RIGHT_DOWN, _STOP}:
        raise SyntaxProblem
    pan = _drive_speed(camera, rest[0], camera.speed_max, rest[2])
    tilt = _drive_speed(camera, rest[1], camera.tilt_speed_max, rest[3])
    camera.recalling = camera.arrived = False
    camera.pan.turn({_LEFT_UP: -1, _RIGHT_DOWN: 1, _STOP: 0}[rest[2]] * camera.model.pan_right, pan)
    camera.tilt.turn({_LEFT_UP: 1, _RIGHT_DOWN: -1, _STOP: 0}[rest[3]], tilt)
    return Effect((camera.pan, camera.tilt))


def _memory_speed_short(camera: Camera, rest: bytes) -> Effect:
    """PTZOptics G2: one speed for every recall, or (with a number first) for one memory.

    Raises:
        SyntaxProblem: no such speed.
    """
    if not 1 <= rest[-1] <= 0x18:
        raise SyntaxProblem
    numbers = camera.model.memories if len(rest) == 1 else {rest[0]} & camera.model.memories
    camera.memory_speeds.update(dict.fromkeys(numbers, rest[-1]))
    return NOTHING


def _speeds(camera: Camera, rest: bytes) -> tuple[float, float | None]:
    """Return both speeds of an absolute or relative move; no second one where one moves both.

    Raises:
        SyntaxProblem: a speed that the camera has not.
    """
    top = camera.steps_per_s(_code(camera, rest[0], camera.speed_max))
    if camera.model.one_speed:
        if rest[1] != 0:
            raise SyntaxProblem
        return top, top
    if rest[1] == 0 and camera.model.synchronous:
        return top, None
    return top, camera.steps_per_s(_code(camera, rest[1], camera.tilt_speed_max))


def _pair(camera: Camera, data: bytes) -> tuple[int, int]:
    pan_nibbles, tilt_nibbles = camera.model.pan_nibbles, camera.model.tilt_nibbles
    if len(data) != pan_nibbles + tilt_nibbles:
        raise SyntaxProblem
    return signed(data[:pan_nibbles]), signed(data[pan_nibbles:])


def _absolute(camera: Camera, rest: bytes) -> Effect:
    pan, tilt = _pair(camera, rest[2:])
    tops = _speeds(camera, rest)
    if not (camera.pan.low <= pan <= camera.pan.high and camera.tilt.low <= tilt <= camera.tilt.high):
        raise SyntaxProblem
    return _place(camera, pan, tilt, tops)


def _relative(camera: Camera, rest: bytes) -> Effect:
    """Move by so much, and no further than the end."""
    pan, tilt = _pair(camera, rest[2:])
    return _place(camera, camera.pan.position + pan, camera.tilt.position + tilt, _speeds(camera, rest))


def _place(camera: Camera, pan: float, tilt: float, tops: tuple[float, float | None]) -> Effect:
    camera.recalling = False
    camera.place(pan, tilt, *tops)
    return Effect((camera.pan, camera.tilt), lasting=True)


def _home(camera: Camera, rest: bytes) -> Effect:
    """Go to the middle; `06 05` finds the middle anew, which looks the same.

    Raises:
        SyntaxProblem: there is more to the command.
    """
    if rest:
        raise SyntaxProblem
    top = camera.steps_per_s(camera.speed_max)
    return _place(camera, 0.0, 0.0, (top, top))


def _limits(camera: Camera, rest: bytes) -> Effect:
    if len(rest) < 2 or rest[0] not in {0, 1} or rest[1] not in {0, 1}:
        raise SyntaxProblem
    pan, tilt = _pair(camera, rest[2:])
    wanted = (pan, tilt) if rest[0] == 0 else (None, None)
    if rest[1] == (camera.model.pan_right == 1):
        camera.pan.limit_high = wanted[0]
    else:
        camera.pan.limit_low = wanted[0]
    if rest[1] == 1:
        camera.tilt.limit_high = wanted[1]
    else:
        camera.tilt.limit_low = wanted[1]
    return NOTHING


# Zoom and focus.


def _variable(rest: bytes) -> tuple[int, int]:
    """Return direction and speed of `00`, `02`, `03`, `2p` or `3p`.

    Raises:
        SyntaxProblem: it is none of them.
    """
    if len(rest) != 1:
        raise SyntaxProblem
    if rest[0] in {0x02, 0x03}:
        return {2: 1, 3: -1}[rest[0]], 3
    if rest[0] not in {0x00, *range(0x20, 0x28), *range(0x30, 0x38)}:
        raise SyntaxProblem
    return {2: 1, 3: -1}.get(rest[0] >> 4, 0), rest[0] & 0x0F


def _zoom_drive(camera: Camera, rest: bytes) -> Effect:
    direction, speed = _variable(rest)
    camera.zoom.turn(direction, camera.zoom_steps_per_s(speed))
    return Effect((camera.zoom,))


def _zoom_direct(camera: Camera, rest: bytes) -> Effect:
    if len(rest) not in {4, 8} or joined(rest[:4]) > ZOOM_END:
        raise SyntaxProblem
    focus = _focus_direct(camera, rest[4:]).motors if len(rest) == 8 else ()
    camera.zoom.go(joined(rest[:4]), camera.zoom_steps_per_s(TOP_ZOOM_SPEED))
    return Effect((camera.zoom, *focus), lasting=True)


def _by_hand(camera: Camera) -> None:
    """Hold that the lens may be focused by hand.

    Raises:
        NotExecutable: auto focus is on.
    """
    if camera.registers["focus_mode"] == AUTO:
        raise NotExecutable


def _focus_drive(camera: Camera, rest: bytes) -> Effect:
    direction, speed = _variable(rest)
    if direction:
        _by_hand(camera)
    # 2 is far, 3 is near, and near is the greater number.
    camera.focus.turn(-direction, camera.focus_steps_per_s(speed))
    return Effect((camera.focus,))


def _focus_direct(camera: Camera, rest: bytes) -> Effect:
    if len(rest) != 4 or not FOCUS_FAR <= joined(rest) <= FOCUS_NEAR:
        raise SyntaxProblem
    _by_hand(camera)
    camera.focus.go(joined(rest), camera.focus_steps_per_s(TOP_ZOOM_SPEED))
    return Effect((camera.focus,), lasting=True)


# Memories and the rest.


def _memory(camera: Camera, rest: bytes) -> Effect:
    if len(rest) != 2 or rest[0] not in {0, 1, 2}:
        raise SyntaxProblem
    action, number = rest
    if action == 2 and number in camera.model.functions:
        return _function(camera, number)
    if number not in camera.model.memories:
        raise SyntaxProblem
    if action == 2:
        return _recall(camera, number)
    (camera.store if action else camera.forget)(number)
    return NOTHING


def _recall(camera: Camera, number: int) -> Effect:
    if number not in camera.memories:
        raise NotExecutable
    camera.recall(number)
    return Effect((camera.pan, camera.tilt, camera.zoom), lasting=True)


def _function(camera: Camera, number: int) -> Effect:
    if number == MENU_TOGGLE:
        camera.registers.set(b"\x06\x06\x10")
    return NOTHING


def _extended(camera: Camera, body: bytes, now: float) -> Effect:
    family, lamp = LAMPS.get(body[:3], ("", ""))
    if family in camera.model.families and body[3:] in _SWITCHES:
        camera.light(lamp, body[4] == ON, now)
        return NOTHING
    match tuple(body):
        case (0x7E, 0x01, 0x0B, memory, code) if camera.model.memory_speed == "sony":
            _set_memory_speed(camera, memory, code)
        case (0x7E, 0x04, 0x17, direction, *speed) if "green" in camera.model.families and len(speed) == 4:
            return _fine_zoom(camera, direction, joined(bytes(speed)))
        case _:
            camera.registers.set(body)
    return NOTHING


def _fine_zoom(camera: Camera, direction: int, speed: int) -> Effect:
    """Zoom with a speed of 15 bits (FR7, AM7): 02 in, 03 out, 00 not at all.

    Raises:
        SyntaxProblem: another direction.
    """
    if direction not in {0, 2, 3}:
        raise SyntaxProblem
    top = camera.zoom_steps_per_s(TOP_ZOOM_SPEED) * (speed + 1) / 0x8000
    camera.zoom.turn({2: 1, 3: -1}.get(direction, 0), top)
    return Effect((camera.zoom,))


def _set_memory_speed(camera: Camera, memory: int, code: int) -> None:
    greatest = max(camera.model.extended_speed_max, 0x19)
    if memory not in camera.model.memories or not 1 <= code <= greatest:
        raise SyntaxProblem
    camera.memory_speeds[memory] = code


_ACTIONS: dict[bytes, Callable[[Camera, bytes], Effect]] = {
    b"\x06\x01": _drive,
    b"\x06\x02": _absolute,
    b"\x06\x03": _relative,
    b"\x06\x04": _home,
    b"\x06\x05": _home,
    b"\x06\x07": _limits,
    b"\x04\x07": _zoom_drive,
    b"\x04\x47": _zoom_direct,
    b"\x04\x08": _focus_drive,
    b"\x04\x48": _focus_direct,
    b"\x04\x3f": _memory,
}
