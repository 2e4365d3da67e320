"""One axis of a camera: a motor with a ramp, ends and, when set, narrower limits."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Motor:
    """One axis in steps, with a ramp; seconds are arguments."""

    low: float
    high: float
    ramp: float
    """Steps a second, gained in a second."""
    position: float = 0.0
    speed: float = 0.0
    top: float = 0.0
    target: float | None = None
    limit_low: float | None = None
    """Where the camera was told not to go below; the mechanical end without it."""
    limit_high: float | None = None

    @property
    def moving(self) -> bool:
        """Whether it turns or is about to."""
        return self.target is not None or self.speed != 0.0

    @property
    def lowest(self) -> float:
        """The least position that it may go to."""
        return self.low if self.limit_low is None else max(self.low, self.limit_low)

    @property
    def highest(self) -> float:
        """The greatest position that it may go to."""
        return self.high if self.limit_high is None else min(self.high, self.limit_high)

    def go(self, target: float, top: float) -> None:
        """Head for `target` with at most `top` steps a second."""
        self.target, self.top = min(max(target, self.lowest), self.highest), top

    def turn(self, direction: int, top: float) -> None:
        """Turn until told otherwise: down for -1, up for 1, not at all for 0."""
        if direction == 0:
            self.halt()
        else:
            self.go(self.highest if direction > 0 else self.lowest, top)

    def halt(self) -> None:
        """Come to rest at once; a camera needs less than a picture for it."""
        self.target, self.speed = None, 0.0

    def shove(self, steps: float) -> None:
        """Be pushed by hand: it stands elsewhere, wherever it was going."""
        self.halt()
        self.position = min(max(self.position + steps, self.low), self.high)

    def advance(self, seconds: float) -> None:
        """Turn for `seconds`: speed up, hold, slow down before the target."""
        if self.target is None:
            return
        way = self.target - self.position
        brake = (2 * self.ramp * abs(way)) ** 0.5
        self.speed = min(abs(self.speed) + self.ramp * seconds, self.top, brake)
        if abs(way) <= max(self.speed * seconds, 1.0):
            self.position = self.target
            self.halt()
        else:
            self.position += self.speed * seconds * (1 if way > 0 else -1)
