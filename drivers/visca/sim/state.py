"""What a camera remembers and where it looks: no bytes, no network, time is an argument."""

from __future__ import annotations

from drivers.visca.sim.models import MEMORIES, Model
from drivers.visca.sim.motors import Motor
from drivers.visca.sim.registers import Registers

ZOOM_END = 0x4000
FOCUS_FAR, FOCUS_NEAR = 0x1000, 0xF000
FOCUS_THROUGH_S = 1.5
TOP_ZOOM_SPEED = 7
NORMAL_SPEEDS = 0x18
EXTENDED = 0x18
"""What the register of the speed steps says when the extended ones are chosen."""
TALLY_S = 15.0
"""The tally goes dark so long after the last On (BRC-AM7 list)."""
LAMPS = {
    b"\x7e\x01\x0a": ("tally", "red"),
    b"\x7e\x04\x1a": ("green", "green"),
    b"\x7e\x04\x11": ("green", "yellow"),
}
"""Tally lamps, as commands and inquiries name them: the family of cameras that has one, and its colour."""


class Camera:
    """One camera without its lines."""

    def __init__(self, model: Model, *, on: bool, start_up_s: float) -> None:
        degree = model.steps_per_degree
        self.model = model
        self.pan = Motor(*model.pan, model.ramp * degree)
        self.tilt = Motor(*model.tilt, model.ramp * degree)
        self.zoom = Motor(0, ZOOM_END, 4 * ZOOM_END / model.zoom_through_s)
        self.focus = Motor(FOCUS_FAR, FOCUS_NEAR, 4 * FOCUS_NEAR / FOCUS_THROUGH_S, position=FOCUS_FAR)
        self.registers = Registers.of(model.families)
        self.memories = {number: self._steps(*place) for number, place in MEMORIES.items() if number in model.memories}
        self.memory_speeds: dict[int, int] = {}
        self.last_memory = 0
        self.recalling = False
        self.arrived = False
        """The last pan-tilt move came to its end by itself."""
        self._start_up_s = start_up_s
        self._on_at: float | None = 0.0 if on else None
        self._lit_until = {colour: 0.0 for _, colour in LAMPS.values()}

    def _steps(self, pan_deg: float, tilt_deg: float, zoom: float) -> tuple[int, int, int]:
        degree = self.model.steps_per_degree
        return round(pan_deg * degree) * self.model.pan_right, round(tilt_deg * degree), round(zoom * ZOOM_END)

    # Power.

    def is_on(self, now: float) -> bool:
        """Whether it has power and has started up."""
        return self._on_at is not None and now >= self._on_at

    def power(self, on: bool, now: float) -> None:
        """Start up, or stop and go to standby."""
        if not on:
            self.halt()
            self._on_at = None
        elif self._on_at is None:
            self._on_at = now + self._start_up_s

    def light(self, tally: str, on: bool, now: float) -> None:
        """Switch a tally lamp; it goes dark by itself when it is not told again."""
        self._lit_until[tally] = now + TALLY_S if on else 0.0

    def lit(self, tally: str, now: float) -> bool:
        """Whether a tally lamp burns."""
        return now < self._lit_until[tally]

    # Movement.

    @property
    def motors(self) -> tuple[Motor, ...]:
        """Pan, tilt, zoom and focus."""
        return self.pan, self.tilt, self.zoom, self.focus

    @property
    def moving(self) -> bool:
        """Whether anything turns."""
        return any(motor.moving for motor in self.motors)

    @property
    def turning(self) -> bool:
        """Whether pan or tilt turns."""
        return self.pan.moving or self.tilt.moving

    def halt(self) -> None:
        """Stop everything."""
        for motor in self.motors:
            motor.halt()
        self.recalling = False

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass."""
        turned = self.turning
        for motor in self.motors:
            motor.advance(seconds)
        self.arrived = self.arrived or (turned and not self.turning)
        self.recalling = self.recalling and self.moving

    @property
    def speed_max(self) -> int:
        """The greatest pan speed with the steps that are chosen."""
        extended = self.model.extended_speed_max and self.registers["speed_steps"] == EXTENDED
        return self.model.extended_speed_max if extended else self.model.pan_speed_max

    @property
    def tilt_speed_max(self) -> int:
        """The greatest tilt speed with the steps that are chosen."""
        return (
            max(self.model.tilt_speed_max, self.speed_max)
            if self.speed_max > NORMAL_SPEEDS
            else self.model.tilt_speed_max
        )

    def steps_per_s(self, code: int) -> float:
        """Return what a speed means in steps a second."""
        slow = 0.5 if self.registers.on("slow") else 1.0
        return slow * self._deg_per_s(code) * self.model.steps_per_degree

    def _deg_per_s(self, code: int) -> float:
        model, top = self.model, max(self.speed_max, NORMAL_SPEEDS)
        step = min(max(code, 1), top) - 1
        if model.speeds and top == NORMAL_SPEEDS:
            return model.speeds[step]
        return float(model.slowest * (model.fastest / model.slowest) ** (step / (top - 1)))

    def zoom_steps_per_s(self, code: int) -> float:
        """Return what a zoom speed from 0 to 7 means."""
        return ZOOM_END / self.model.zoom_through_s * (code + 1) / 8

    def focus_steps_per_s(self, code: int) -> float:
        """Return what a focus speed from 0 to 7 means."""
        return (FOCUS_NEAR - FOCUS_FAR) / FOCUS_THROUGH_S * (code + 1) / 8

    def place(self, pan: float, tilt: float, pan_top: float, tilt_top: float | None) -> None:
        """Head for a place; without a speed of its own tilt arrives together with pan."""
        ways = abs(pan - self.pan.position), abs(tilt - self.tilt.position)
        self.arrived = False
        if tilt_top is None:
            longest = max(ways) or 1.0
            pan_top, tilt_top = pan_top * ways[0] / longest, pan_top * ways[1] / longest
        self.pan.go(pan, pan_top)
        self.tilt.go(tilt, tilt_top)

    # Memories.

    def recall(self, memory: int) -> None:
        """Head for a stored position, with the speed that was set for it."""
        pan, tilt, zoom = self.memories[memory]
        self.last_memory, self.recalling, self.arrived = memory, True, False
        code = self.memory_speeds.get(memory, max(self.speed_max, NORMAL_SPEEDS))
        self.pan.go(pan, self.steps_per_s(code))
        self.tilt.go(tilt, self.steps_per_s(code))
        self.zoom.go(zoom, self.zoom_steps_per_s(TOP_ZOOM_SPEED))

    def store(self, memory: int) -> None:
        """Keep the position of this moment."""
        self.last_memory = memory
        self.memories[memory] = round(self.pan.position), round(self.tilt.position), round(self.zoom.position)

    def forget(self, memory: int) -> None:
        """Make a memory what it was on the first day."""
        if memory in MEMORIES:
            self.memories[memory] = self._steps(*MEMORIES[memory])
        else:
            self.memories.pop(memory, None)

    # What it says of itself.

    @property
    def status(self) -> int:
        """Pan-tilt status, 16 bits as Sony's lists draw them."""
        state = 0x0400 if self.turning else 0x0800 if self.arrived else 0
        left, right = (self.pan.low, self.pan.high)[:: self.model.pan_right]
        ends = (
            self.pan.position == left,
            self.pan.position == right,
            self.tilt.position == self.tilt.high,
            self.tilt.position == self.tilt.low,
        )
        return 0x2000 | state | sum(reached << bit for bit, reached in enumerate(ends))

    def block_values(self, now: float) -> dict[str, int]:
        """Return what block inquiries are made of."""
        return {
            **self.registers.values,
            "power": int(self.is_on(now)),
            "zoom": round(self.zoom.position),
            "focus": round(self.focus.position),
            "near_limit": self.registers["focus_near_limit"] >> 8,
            "focus_auto": self.registers["focus_mode"],
            "recalling": int(self.recalling),
            "zooming": int(self.zoom.moving),
            "focusing": int(self.focus.moving),
        }
