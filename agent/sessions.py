"""The sessions that a room holds, how far each is, and which of them has the room.

How far a session is, only the journal says: every entry moves its session's course, and
after a restart the same entries give the same courses.
"""

from __future__ import annotations

from datetime import timedelta

from agent import plan as timeline
from agent.clock import Clock
from agent.course import Course, course_of, follow
from agent.journal import Journal
from agent.mode import Mode
from agent.schedule import ScheduleBook
from agent.session import BEFORE, OVER
from contract.messages import Entry, PlannedSession
from contract.words import EntryKind, Phase

LEFT_FOR = timedelta(hours=1)
"""By hand alone, what is done this long after a session's planned end still belongs to it."""


class Sessions:
    """The sessions of one room. By hand alone there are none, for the plan is neither asked nor shown."""

    def __init__(self, book: ScheduleBook, journal: Journal, clock: Clock, mode: Mode | None) -> None:
        self.courses: dict[str, Course] = {}
        self._book = book
        self._journal = journal
        self._clock = clock
        self._mode = mode
        self._left: PlannedSession | None = None
        """By hand alone: the session that was under way, for the journal."""

    @property
    def are_left_alone(self) -> bool:
        """Whether the room runs by hand alone."""
        return self._mode is not None and self._mode.manual is not None

    def course(self, session: str) -> Course:
        """Return how far a session is."""
        return self.courses.get(session, Course())

    def planned(self, session: str | None) -> PlannedSession | None:
        """Return what is planned of a session, also of one that is over."""
        return None if session is None else self._book.session(session)

    def all(self) -> tuple[PlannedSession, ...]:
        """Return the sessions of the snapshot, and those that began before they fell out of it."""
        if self.are_left_alone:
            return ()
        return tuple(
            plan
            for plan in self._book.sessions
            if self._book.is_planned(plan.id) or self.course(plan.id).phase is not Phase.PLANNED
        )

    def held(self) -> list[tuple[PlannedSession, Course]]:
        """Return each session with how far it is."""
        return [(plan, self.course(plan.id)) for plan in self.all()]

    def front(self) -> PlannedSession | None:
        """Return the session that has the room, or the next one."""
        found = timeline.front_of(self.held(), self._clock.now())
        return None if found is None else found[0]

    def live(self) -> PlannedSession | None:
        """Return the session that is live."""
        plan = self.front()
        return plan if plan is not None and self.course(plan.id).phase is Phase.LIVE else None

    def any_live(self) -> PlannedSession | None:
        """Return the session that is live, without asking the clock, which may just have been set."""
        return next((plan for plan in self.all() if self.course(plan.id).phase is Phase.LIVE), None)

    def session_now(self) -> PlannedSession | None:
        """Return the session that what happens now belongs to."""
        if self._left is not None and self._clock.now() < self._left.end + LEFT_FOR:
            return self._left
        plan = self.front()
        return plan if plan is not None and self.course(plan.id).phase is not Phase.PLANNED else None

    def follow(self, entry: Entry) -> None:
        """Move the course of the session that `entry` belongs to."""
        if self.are_left_alone:
            return
        if entry.kind == EntryKind.JOURNAL_FORKED:
            self.recall()  # entries have other numbers now
        if entry.session is not None:
            self.courses[entry.session] = follow(self.course(entry.session), entry)

    def recall(self) -> None:
        """Take up from the journal how far each held session is."""
        for plan in self._book.sessions:
            own = [entry for entry in self._journal.of_session(plan.id) if entry.session == plan.id]
            self.courses[plan.id] = course_of(own)

    def leave(self) -> None:
        """By hand alone: find the session that was under way, so that what is done now still belongs to it."""
        under_way = (plan for plan in self._book.sessions if self.course(plan.id).phase not in {*BEFORE, *OVER})
        self._left = next(under_way, None)

    def take_back(self) -> None:
        """By the plan again: nothing was left."""
        self._left = None
