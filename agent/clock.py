"""The two clocks of the agent: the wall for what people agreed on, the other for what must not jump."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What the agent takes for now."""

    def now(self) -> datetime:
        """Return the wall clock's moment, aware."""

    def mono_ms(self) -> int:
        """Return milliseconds that never go backwards while the machine is up."""

    def awake_ms(self) -> int:
        """Return the same, standing still while the machine sleeps."""

    def wrong_by(self) -> timedelta:
        """Return how far the machine's own wall clock is from `now`."""


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> datetime:
        """Return the wall clock in UTC."""
        return datetime.now(UTC)

    def mono_ms(self) -> int:
        """Return the time since the machine started; it goes on while the machine sleeps."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000

    def awake_ms(self) -> int:
        """Return the time that the machine was awake since it started."""
        return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1_000_000

    def wrong_by(self) -> timedelta:
        """It is what counts."""
        return timedelta(0)
