"""What may go wrong between a camera and whoever controls it, by name."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping

LATE_S = 0.15
HELD_BACK_S = 0.05
"""A message that is to be overtaken goes out after so long when nothing overtakes it."""
REST_AFTER_S = 0.03
"""The rest of a frame that was cut follows so much later, if at all."""
NEVER = 0.5
"""The chance that the rest of a cut frame never comes."""
_STEP_S = 1e-6

CHANCES = (
    "loss",
    "duplicate",
    "late",
    "reorder",
    "lying_sequence",
    "no_ack",
    "no_completion",
    "buffer_full",
    "wrong_socket",
    "noise",
    "half_frames",
    "silent",
)
"""Faults whose value is a chance from 0 to 1: `loss`, `duplicate` and `silent` for each message either way,
the others for each answer, `buffer_full` for each command."""
MOMENTS = ("reboot", "unplug")
"""Faults whose value is a time in seconds or `now`: `reboot` every so often, `unplug` once."""
OTHERS = ("reply_port", "second_controller", "seed")
"""`reply_port` 1 sends answers to port 52381 of whoever asked, a greater number to that port;
`second_controller` is how many commands a second somebody else gives; `seed` makes a run repeatable."""
FAULTS = (*CHANCES, *MOMENTS, *OTHERS)
NOW = "now"


def parsed(fault: str) -> tuple[str, str]:
    """Return name and value of `NAME=VALUE`.

    Raises:
        ValueError: it is of another shape.
    """
    name, equals, value = fault.partition("=")
    if not equals:
        raise ValueError(f"wanted a fault as NAME=VALUE, got {fault!r}")
    return name, value


class Faults:
    """The faults of one camera, with their dice; they may be changed at any time."""

    def __init__(self, values: Mapping[str, str]) -> None:
        """Begin with `values`.

        Raises:
            ValueError: an unknown fault, or a value that is none.
        """
        self._values: dict[str, float] = {}
        self.calm = True
        """No chance is above zero, so that nothing needs to be thrown."""
        for name, value in values.items():
            self.set(name, value)
        self.dice = random.Random(self["seed"] or 1)

    def set(self, name: str, value: str | float) -> None:
        """Change one fault; 0 ends it.

        Raises:
            ValueError: no such fault, or no such value of it.
        """
        if name not in FAULTS:
            raise ValueError(f"unknown fault {name}; known: {', '.join(FAULTS)}")
        number = 0.0 if value == NOW and name in MOMENTS else _number(name, value)
        if number < 0 or (name in CHANCES and number > 1):
            raise ValueError(f"fault {name} must be {'0 to 1' if name in CHANCES else '0 or more'}, got {value}")
        self._values[name] = number
        self.calm = not any(self[chance] for chance in CHANCES)

    def __getitem__(self, name: str) -> float:
        return self._values.get(name, 0.0)

    def happens(self, name: str) -> bool:
        """Throw the dice for a fault."""
        chance = self._values.get(name, 0.0)
        return chance > 0 and self.dice.random() < chance


def _number(name: str, value: str | float) -> float:
    """Return the value of a fault.

    Raises:
        ValueError: it is no number.
    """
    try:
        return float(value)
    except ValueError as error:
        raise ValueError(f"fault {name} wants a number, got {value!r}") from error


class Outlet:
    """The way out to one controller, through the faults of the line."""

    def __init__(self, faults: Faults, emit: Callable[[bytes], None], *, stream: bool) -> None:
        """`stream`: bytes keep their order, whatever is late."""
        self._faults = faults
        self._emit = emit
        self._stream = stream
        self._loop = asyncio.get_running_loop()
        self._due = 0.0
        self._held: bytes | None = None

    def put(self, data: bytes) -> None:
        """Send a whole message."""
        faults = self._faults
        if faults.calm:
            self._pass(data, 0.0)
            return
        if faults.happens("loss") or faults.happens("silent"):
            return
        if faults.happens("noise"):
            self._pass(self._noise(), 0.0)
        for _ in range(2 if faults.happens("duplicate") else 1):
            self._send(data, LATE_S if faults.happens("late") else 0.0)

    def _send(self, data: bytes, delay_s: float) -> None:
        if len(data) > 1 and self._faults.happens("half_frames"):
            self._cut(data, delay_s)
        elif not self._stream and self._held is None and self._faults.happens("reorder"):
            self._held = data
            self._loop.call_later(HELD_BACK_S, self._release)
        else:
            self._pass(data, delay_s)
            self._release()

    def _cut(self, data: bytes, delay_s: float) -> None:
        at = self._faults.dice.randrange(1, len(data))
        self._pass(data[:at], delay_s)
        if self._faults.dice.random() >= NEVER:
            self._pass(data[at:], delay_s + REST_AFTER_S)

    def _release(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            self._pass(held, 0.0)

    def _noise(self) -> bytes:
        dice = self._faults.dice
        return bytes(dice.randrange(0xFF) for _ in range(dice.randrange(1, 9))) + b"\xff"

    def _pass(self, data: bytes, delay_s: float) -> None:
        now = self._loop.time()
        due = now + delay_s
        if self._stream and self._due > now:
            due = max(due, self._due + _STEP_S)
        if due <= now:
            self._emit(data)
            return
        self._due = max(self._due, due)
        self._loop.call_at(due, self._emit, data)
