"""A clock that a drill can set."""

from __future__ import annotations

from datetime import datetime, timedelta

from agent.clock import SystemClock


class DrillClock(SystemClock):
    """The machine's clocks, with the wall clock set wrong when the script says so."""

    def __init__(self) -> None:
        self.set_by = timedelta(0)

    def now(self) -> datetime:
        """Return the wall clock's moment."""
        return super().now() + self.set_by
