"""The room's time of day: its machine's, unless central and the clock that nobody can set agree that it is wrong.

A machine without a battery boots years in the past, a hand sets a clock by an hour: a session
must neither start nor end by that. Three witnesses say what time it is: the machine's wall
clock; central, each time it speaks; and the moment on which these two agreed last, carried on
by the clock that only goes forward. Two that agree are right. As long as there is no such
moment, central is: the sessions are its sessions. Where all differ it is once it said so twice,
and likewise where it differs by little: the machine's two clocks wander off together.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from agent.clock import Clock

CLOSE: Final = timedelta(seconds=2)
"""Clocks that differ by no more say the same."""
WANDERS: Final = timedelta(minutes=1)
"""So far a machine without a time server gets within weeks; a central that differs by more was set wrong itself."""
APART_MS: Final = 1000
"""Two words of central at least so far apart must be so by its own clock too: neither was held up on its way."""


class OfficeClock:
    """A machine's clocks, the wall clock corrected while it is wrong."""

    def __init__(self, machine: Clock) -> None:
        self._machine = machine
        self._agreed: tuple[datetime, int] | None = None
        """A moment that is right, and when it was by the clock that goes forward."""
        self._heard: tuple[datetime, int] | None = None
        self._ahead = timedelta(0)
        """How far what counts was ahead of central's clock when that was heard last."""

    def now(self) -> datetime:
        """Return the moment, aware.

        The wall clock's as long as it goes on from where it was right; so it may be corrected
        little by little, by less than `CLOSE` between two looks.
        """
        wall, mono_ms = self._machine.now(), self._machine.mono_ms()
        carried = self._carried(mono_ms)
        if carried is None:
            return wall
        if not _close(wall, carried):
            return carried
        self._agreed = wall, mono_ms
        return wall

    def mono_ms(self) -> int:
        """Return milliseconds that never go backwards while the machine is up."""
        return self._machine.mono_ms()

    def awake_ms(self) -> int:
        """Return the same, standing still while the machine sleeps."""
        return self._machine.awake_ms()

    def wrong_by(self) -> timedelta:
        """Return how far the machine's wall clock is from what counts."""
        return self._machine.now() - self.now()

    def hear(self, central: datetime) -> timedelta:
        """Take what central's clock showed when it sent what came just now; return how far the machine's is ahead."""
        wall, mono_ms = self._machine.now(), self._machine.mono_ms()
        carried = self._carried(mono_ms)
        if _close(central, wall):
            self._agreed = wall, mono_ms
        elif carried is None or not (_close(central, carried) or self._is_set_wrong(central, wall, carried)):
            self._hear_alone(central, mono_ms)
        self._ahead = self.now() - central
        return wall - central

    def central_now(self) -> datetime:
        """Return what central's clock shows, right or wrong."""
        return self.now() - self._ahead

    @staticmethod
    def _is_set_wrong(central: datetime, wall: datetime, carried: datetime) -> bool:
        return _close(wall, carried) and abs(central - wall) > WANDERS

    def _hear_alone(self, central: datetime, mono_ms: int) -> None:
        before, at_ms = self._heard or (central, mono_ms)
        passed = mono_ms - at_ms
        is_repeated = passed >= APART_MS and _close(central, before + timedelta(milliseconds=passed))
        if self._agreed is None or is_repeated:
            self._agreed = central, mono_ms
        if self._heard is None or passed >= APART_MS:
            self._heard = central, mono_ms

    def _carried(self, mono_ms: int) -> datetime | None:
        if self._agreed is None:
            return None
        moment, at_ms = self._agreed
        return moment + timedelta(milliseconds=mono_ms - at_ms)


def _close(one: datetime, other: datetime) -> bool:
    return abs(one - other) <= CLOSE
