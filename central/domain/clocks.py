"""The SOP's time standards (mutu baku, waktu), as clocks on a request.

Step 2 (direction by the head) has 10 minutes from the arrival of the letter, step 3
(verification and decision) 1 day from the direction, step 5 (report) 5 minutes from the
end of the session. The first two run in working time. A clock only tells; nothing is ever decided because it ran out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from central.domain.calendar import OfficeCalendar
from central.domain.sop import Event


class Step(StrEnum):
    """A step of the SOP that has a time standard."""

    DISPOSITION = "disposition"
    VERIFICATION = "verification"
    REPORT = "report"


@dataclass(frozen=True, slots=True)
class Standards:
    """How long each step may take."""

    disposition: timedelta = timedelta(minutes=10)
    verification: timedelta = timedelta(days=1)
    report: timedelta = timedelta(minutes=5)
    calendar: Callable[[datetime], OfficeCalendar] | None = None
    """The calendar as it stood at a moment.

    Direction and verification run in its working time; a report runs from the event's end, whenever that is.
    """

    def due(self, step: Step, start: datetime) -> datetime:
        """Return when a step that starts at `start` has to be done."""
        length = {Step.DISPOSITION: self.disposition, Step.VERIFICATION: self.verification}.get(step, self.report)
        if self.calendar is None or step is Step.REPORT:
            return start + length
        return self.calendar(start).after(start, length)

    def left(self, clock: SopClock, now: datetime) -> timedelta:
        """Return the working time that is left at `now`, or was left when it was done; negative once late."""
        return self._between(clock, clock.done_at or now, clock.due)

    def allowed(self, clock: SopClock) -> timedelta:
        """Return the working time that the step had from its start."""
        return self._between(clock, clock.started_at, clock.due)

    def took(self, clock: SopClock) -> timedelta:
        """Return the working time that a step took; nothing while it runs."""
        return self._between(clock, clock.started_at, clock.done_at or clock.started_at)

    def _between(self, clock: SopClock, start: datetime, end: datetime) -> timedelta:
        if self.calendar is None or clock.step is Step.REPORT:
            return end - start
        return self.calendar(clock.started_at).between(start, end)


@dataclass(frozen=True, slots=True)
class SopClock:
    """One step's clock: running while `done_at` is none."""

    step: Step
    started_at: datetime
    due: datetime
    done_at: datetime | None = None

    def remaining(self, now: datetime) -> timedelta:
        """Return what is left at `now` (or was left when done); negative once it is late."""
        return self.due - (self.done_at or now)

    def late(self, now: datetime) -> bool:
        """Return whether the step took, or takes, longer than its standard."""
        return self.remaining(now) < timedelta(0)


_ENDS: dict[Event, tuple[Step, Step | None]] = {
    Event.ACCEPT: (Step.DISPOSITION, Step.VERIFICATION),
    Event.RETURN: (Step.DISPOSITION, None),
    Event.OFFER: (Step.VERIFICATION, None),
    Event.APPROVE: (Step.VERIFICATION, None),
    Event.REFUSE: (Step.VERIFICATION, None),
}
"""Which step an event ends, and which one it starts."""


def clocks(
    moves: Iterable[tuple[Event | None, datetime]], standards: Standards, session_end: datetime | None = None
) -> tuple[SopClock, ...]:
    """Return the clocks of a request in the order they started.

    `moves` are its events in order, the first with None for the arrival. `session_end` is
    when its session ends or ended, once there is one.
    """
    found: dict[Step, SopClock] = {}
    stopped_at: datetime | None = None
    for event, at in moves:
        if event is None or event is Event.RESUBMIT:
            found[Step.DISPOSITION] = SopClock(Step.DISPOSITION, at, standards.due(Step.DISPOSITION, at))
        elif event in _ENDS:
            ended, started = _ENDS[event]
            found[ended] = _done(found[ended], at)
            if started:
                found[started] = SopClock(started, at, standards.due(started, at))
        elif event in {Event.WITHDRAW, Event.CANCEL}:
            stopped_at = at
            found = {step: clock if clock.done_at else _done(clock, at) for step, clock in found.items()}
        elif event is Event.REPORT and session_end is not None:
            found.setdefault(Step.REPORT, SopClock(Step.REPORT, session_end, session_end + standards.report, at))
    if session_end is not None and stopped_at is None and Step.REPORT not in found:
        found[Step.REPORT] = SopClock(Step.REPORT, session_end, session_end + standards.report)
    return tuple(found.values())


def running(all_clocks: Iterable[SopClock]) -> SopClock | None:
    """Return the clock that still runs, if one does."""
    return next((clock for clock in all_clocks if clock.done_at is None), None)


def _done(clock: SopClock, at: datetime) -> SopClock:
    return SopClock(clock.step, clock.started_at, clock.due, at)
