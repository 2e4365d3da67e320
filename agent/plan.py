"""What is due now, and when to look again. Pure: time is an argument.

The answer depends on the schedule, on the journal and on the clock, never on what the
process did before: a restarted agent, a late schedule and a clock that jumped all find the
right phase by asking again. Rules:

* Only the first session that is not over may touch the room; the next one waits for it.
* Preparation starts at `prepare_at` (`lead` before the start when central gave no time of
  its own) and is repeated, ever more seldom, until every step is good.
* Readiness is certified half an hour and a quarter of an hour before the start, when the
  lead is that long, and `certify` before it; later at once. Once a device changed, or a
  person ran a preset, it is certified anew.
* A session that was moved is certified for its new start; when its preparation is still to
  come, the room is let go until then.
* A session goes live at its start by itself. A preparation that still runs then is waited
  for `PATIENCE`, no longer.
* Setting the machine's clock neither ends nor prolongs a session that is live: its end moves
  as far as the clock did.
* A phase that begins `LATE_FROM` after its moment, and did not begin in time before, is late:
  each step says itself whether it is done all the same.
* Where the room lets a session run on (`over_run`), one that nobody ends goes on after its
  end, until the next session's preparation needs the room.
* A session that is live and that central moves to a time to come ends when it was to end.
* What a person cancelled does not begin again by itself: a preparation waits for a person, or
  for the start; a room whose end was cancelled stays as it is.
* A session ends at its end, which a technician may have moved. One whose time is over and
  that never was live is missed, unless it ended before this journal began.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from agent.course import Course, is_certified
from agent.session import BEFORE, OVER
from contract.messages import PlannedSession
from contract.words import Phase, SessionStatus

PATIENCE = timedelta(seconds=60)
LATE_FROM = timedelta(minutes=2)
EARLY_CERTIFICATES = (timedelta(minutes=30), timedelta(minutes=15))
"""While there is time to mend what is found."""
SETTLES_WITHIN = timedelta(seconds=3)
"""What changed is looked at again so much later: it often changes twice."""
CERTIFY_AGAIN_AFTER = timedelta(seconds=30)
"""A device that comes and goes has no more certificates made."""
RETRY_AT_FIRST = timedelta(seconds=15)
RETRY_AT_MOST = timedelta(minutes=5)


class Deed(StrEnum):
    """What the plan can ask for."""

    PREPARE = "prepare"
    CERTIFY = "certify"
    START = "start"
    SET_LIVE = "set_live"
    RUN_ON = "run_on"
    END = "end"
    PUT_AWAY = "put_away"
    LEAVE_AS_IT_IS = "leave_as_it_is"
    MISS = "miss"
    CANCEL = "cancel"
    PUT_OFF = "put_off"
    REPORT = "report"


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do now."""

    deed: Deed
    session: str


@dataclass(frozen=True, slots=True)
class Rhythm:
    """The room's own times."""

    lead: timedelta
    certify: timedelta
    since: datetime
    """When the journal was begun: what ended before it is not this agent's."""
    over_run: timedelta = timedelta(0)
    """How long a session may go on after its end."""

    @property
    def stages(self) -> tuple[timedelta, ...]:
        """How long before the start readiness is certified, the earliest first."""
        early = (stage for stage in EARLY_CERTIFICATES if self.certify < stage <= self.lead)
        return (*early, self.certify)


@dataclass(frozen=True, slots=True)
class Due:
    """What to do now, in order, and when to ask again at the latest."""

    actions: tuple[Action, ...] = ()
    wake: datetime | None = None


@dataclass(slots=True)
class _Answer:
    actions: list[Action] = field(default_factory=list)
    wakes: list[datetime] = field(default_factory=list)

    def at(self, moment: datetime, now: datetime) -> bool:
        """Return whether `moment` has come; else ask again then."""
        if now < moment:
            self.wakes.append(moment)
        return now >= moment

    def do(self, deed: Deed, session: PlannedSession) -> None:
        self.actions.append(Action(deed, session.id))


def due(now: datetime, sessions: Iterable[PlannedSession], courses: Mapping[str, Course], rhythm: Rhythm) -> Due:
    """Return what the held sessions ask for at `now`."""
    answer = _Answer()
    held = [(plan, courses.get(plan.id, Course())) for plan in sorted(sessions, key=lambda plan: (plan.start, plan.id))]
    for plan, course in held:
        _close(answer, plan, course, now, rhythm)
    front = front_of(held, now)
    if front is not None:
        plan, course = front
        if course.phase in BEFORE:
            _bring_up(answer, plan, course, now, rhythm)
        else:
            _carry_on(answer, plan, course, now, run_on_until(plan, course, coming(held, now, plan.id), rhythm))
    return Due(tuple(answer.actions), min(answer.wakes, default=None))


def front_of(held: Iterable[tuple[PlannedSession, Course]], now: datetime) -> tuple[PlannedSession, Course] | None:
    """Return the session that has the room: one that runs, else the first that is still to come."""
    alive = [(plan, course) for plan, course in held if course.phase not in OVER and not _is_dead(plan, course, now)]
    running = [pair for pair in alive if pair[1].phase not in BEFORE]
    return next(iter(running or alive), None)


def coming(held: Iterable[tuple[PlannedSession, Course]], now: datetime, but: str) -> PlannedSession | None:
    """Return the first session still to come, `but` this one."""
    others = (plan for plan, course in held if plan.id != but and _is_to_come(plan, course, now))
    return min(others, key=lambda plan: (plan.start, plan.id), default=None)


def _is_to_come(plan: PlannedSession, course: Course, now: datetime) -> bool:
    return course.phase in BEFORE and not _is_dead(plan, course, now)


def run_on_until(plan: PlannedSession, course: Course, following: PlannedSession | None, rhythm: Rhythm) -> datetime:
    """Return when a live session that nobody ends has to end."""
    end = end_of(plan, course) + course.clock_set_by
    until = end + rhythm.over_run
    if following is not None:
        until = min(until, prepare_at(following, rhythm.lead) - plan.teardown)
    return max(end, until)


def lateness(plan: PlannedSession, course: Course, phase: str, now: datetime, lead: timedelta) -> timedelta | None:
    """Return how much too late `phase` begins at `now`; none: it does not, or it began in time before."""
    if phase in course.on_time or course.phase in {Phase.PLANNED, Phase.CANCELLED}:
        return None
    due = {
        "prepare": prepare_at(plan, lead),
        "live": course.started_at if Phase.LIVE in course.by_hand else plan.start + course.clock_set_by,
        "end": course.ending_at if Phase.ENDING in course.by_hand else end_of(plan, course) + course.clock_set_by,
    }[phase]
    late = timedelta(0) if due is None else now - due
    return late if late >= LATE_FROM else None


def prepare_at(plan: PlannedSession, lead: timedelta) -> datetime:
    """Return when preparation begins: central's moment, else `lead` before the start."""
    return plan.prepare_at if plan.prepare_at < plan.start else plan.start - lead


def end_of(plan: PlannedSession, course: Course) -> datetime:
    """Return when the session ends, with what a technician added; one that central moved away ends as it was to."""
    moved_away = course.aimed_end is not None and plan.start >= course.aimed_end
    end = course.aimed_end if course.aimed_end is not None and moved_away else plan.end
    return max(end, course.extended_to) if course.extended_to else end


def stage_due(plan: PlannedSession, now: datetime, rhythm: Rhythm) -> timedelta | None:
    """Return which certificate's time has come: the latest, as an earlier one is no use then."""
    return next((stage for stage in reversed(rhythm.stages) if now >= plan.start - stage), None)


def retry_at(course: Course) -> datetime | None:
    """Return when a preparation that was not good is tried again; none: at once."""
    if course.attempted_at is None:
        return None
    doublings = min(max(course.attempts - 1, 0), 10)
    pause: timedelta = min(RETRY_AT_FIRST * (1 << doublings), RETRY_AT_MOST)
    return course.attempted_at + pause


def _is_dead(plan: PlannedSession, course: Course, now: datetime) -> bool:
    return course.phase in BEFORE and (plan.status is SessionStatus.CANCELLED or now >= plan.end)


def _close(answer: _Answer, plan: PlannedSession, course: Course, now: datetime, rhythm: Rhythm) -> None:
    """Ask for what needs no room: cancelled, missed, reported."""
    if course.phase in {Phase.ENDED, Phase.MISSED}:
        answer.do(Deed.REPORT, plan)
    elif course.phase in BEFORE and plan.status is SessionStatus.CANCELLED:
        answer.do(Deed.CANCEL, plan)
    elif course.phase in BEFORE and now >= plan.end and plan.end > rhythm.since:
        answer.do(Deed.MISS, plan)


def _bring_up(answer: _Answer, plan: PlannedSession, course: Course, now: datetime, rhythm: Rhythm) -> None:
    """Ask for preparation, certificate and start."""
    if course.phase is Phase.PLANNED:
        if answer.at(prepare_at(plan, rhythm.lead), now):
            answer.do(Deed.PREPARE, plan)
        return
    if course.aimed_at not in {None, plan.start} and not answer.at(prepare_at(plan, rhythm.lead), now):
        answer.do(Deed.PUT_OFF, plan)
        return
    started = answer.at(plan.start, now)
    if course.open_phase == "prepare" and course.open_since is not None:
        if started and answer.at(course.open_since + PATIENCE, now):
            answer.do(Deed.START, plan)
        return
    _certify(answer, plan, course, now, rhythm)
    if started:
        answer.do(Deed.START, plan)
    elif course.phase is Phase.PREPARING and not course.held_back:
        again = retry_at(course)
        if again is None or answer.at(again, now):
            answer.do(Deed.PREPARE, plan)


def _certify(answer: _Answer, plan: PlannedSession, course: Course, now: datetime, rhythm: Rhythm) -> None:
    for stage in rhythm.stages:
        answer.at(plan.start - stage, now)
    stage_now = stage_due(plan, now, rhythm)
    is_due = stage_now is not None and not is_certified(course, plan.start, stage_now)
    again = certified_again_at(course)
    if is_due or (again is not None and answer.at(again, now)):
        answer.do(Deed.CERTIFY, plan)


def certified_again_at(course: Course) -> datetime | None:
    """Return when a certificate is made anew because something changed; none: nothing did."""
    if course.stale_since is None:
        return None
    settled = course.stale_since + SETTLES_WITHIN
    return settled if course.certified_at is None else max(settled, course.certified_at + CERTIFY_AGAIN_AFTER)


def _carry_on(answer: _Answer, plan: PlannedSession, course: Course, now: datetime, until: datetime) -> None:
    """Ask for what a session needs that has begun, and that ends `until` then at the latest."""
    if course.phase is Phase.LIVE:
        if plan.status is SessionStatus.CANCELLED or answer.at(until, now):
            answer.do(Deed.END, plan)
            return
        if answer.at(end_of(plan, course) + course.clock_set_by, now) and not course.over_run:
            answer.do(Deed.RUN_ON, plan)
        if not course.is_set_live and course.open_phase != "live":
            answer.do(Deed.SET_LIVE, plan)
    elif course.held_back:
        answer.do(Deed.LEAVE_AS_IT_IS, plan)
    elif course.open_phase != "end":
        answer.do(Deed.PUT_AWAY, plan)
