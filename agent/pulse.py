"""The beat of one room: asks the plan what is due, at least once a second, and has it done."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from datetime import timedelta

from agent import plan as timeline
from agent.board import HealthBoard
from agent.clock import Clock
from agent.clockwatch import ClockWatch
from agent.course import CLOCK_DISTURBED
from agent.deeds import Deeds
from agent.recovery import Recovery
from agent.reporting import Reporting
from agent.scribe import Scribe
from agent.sessions import Sessions

log = logging.getLogger(__name__)

ASK_EVERY_S = 1.0
"""The plan is asked at least this often: the wall clock may jump."""
FIRST_LOOK_WITHIN_S = 4.0


class Pulse:
    """Beats while `run` runs, and at once when it is woken."""

    def __init__(
        self,
        board: HealthBoard,
        *,
        sessions: Sessions,
        scribe: Scribe,
        deeds: Deeds,
        reporting: Reporting,
        recovery: Recovery,
        rhythm: timeline.Rhythm,
        clock: Clock,
    ) -> None:
        self.asked_at = time.monotonic()
        """When the plan was last asked, or would have been."""
        self.is_to_take_up = False
        """The room was by hand alone: the plan is asked once what was left is taken up."""
        self._board = board
        self._sessions = sessions
        self._scribe = scribe
        self._deeds = deeds
        self._reporting = reporting
        self._recovery = recovery
        self._rhythm = rhythm
        self._clock = clock
        self._clock_watch = ClockWatch(clock)
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Have the plan asked again at once."""
        self._woken.set()

    async def first_look(self) -> None:
        """Wait until every device was looked at, so that nothing is told to one that is being opened."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FIRST_LOOK_WITHIN_S):
                while any(seen.health is None for seen in self._board.devices.values()):
                    self._woken.clear()
                    await self._woken.wait()

    async def run(self) -> None:
        """Ask and do, until cancelled."""
        while True:
            self._woken.clear()
            wait_s = self._do_what_is_due()
            self.asked_at = time.monotonic()
            await self._sleep(wait_s)

    def _do_what_is_due(self) -> float:
        """Ask the plan once, do what it says, and return in how many seconds to ask again."""
        self._watch_clock()
        if self._sessions.are_left_alone:
            return ASK_EVERY_S
        if self.is_to_take_up:
            self.is_to_take_up = False
            self._recovery.take_up()
        due = timeline.due(self._clock.now(), self._sessions.all(), self._sessions.courses, self._rhythm)
        for action in due.actions:
            self._deeds.do(action)
        self._reporting.revise()
        if due.wake is None:
            return ASK_EVERY_S
        return min(max((due.wake - self._clock.now()) / timedelta(seconds=1), 0.0), ASK_EVERY_S)

    def _watch_clock(self) -> None:
        """Write down that the wall clock was set or that the machine slept, before the plan is asked."""
        found = self._clock_watch.look()
        if not found.jumped and not found.slept and not found.refused:
            return
        body = {
            "jumped_s": round(found.jumped.total_seconds(), 1),
            "slept_s": round(found.slept.total_seconds(), 1),
            "refused_s": round(found.refused.total_seconds(), 1),
        }
        log.warning("the clock was disturbed", extra={"action": "clock", **body})
        self._scribe.note(self._sessions.any_live(), CLOCK_DISTURBED, cause="agent", body=body)

    async def _sleep(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()
