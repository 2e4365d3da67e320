"""Makes the orders of runs: which preset, with what words and facts, what is left out, how late it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta

from agent import plan as timeline
from agent.clock import Clock
from agent.course import DECIDED, Course
from agent.handover import kept_for
from agent.journal import Journal
from agent.orders import Order
from agent.placeholders import words_of
from agent.presets import Preset, Step
from agent.resume import begun_before, decided_before
from agent.roomfile import RoomFile
from contract.ids import new_id
from contract.messages import Fault, PlannedSession
from contract.words import Phase

Held = Callable[[], Iterable[tuple[PlannedSession, Course]]]
"""Returns the sessions that the room holds, and how far each is."""


class Ordering:
    """Orders of one room."""

    def __init__(
        self,
        room: RoomFile,
        presets: Mapping[str, Preset],
        journal: Journal,
        *,
        rhythm: timeline.Rhythm,
        clock: Clock,
        held: Held,
    ) -> None:
        self._room = room
        self._presets = presets
        self._journal = journal
        self._rhythm = rhythm
        self._clock = clock
        self._held = held

    def for_phase(self, plan: PlannedSession, phase: str, cause: str, who: str) -> Order:
        """Return what the preset of a phase is to do."""
        preset, own = self.preset_for(plan, phase), self._journal.of_session(plan.id)
        return Order(
            id=new_id(),
            preset=preset,
            phase=phase,
            session=plan.id,
            session_rev=plan.rev,
            cause=cause,
            who=who,
            words=self._words(plan),
            may_record=plan.recording,
            facts=self.facts(plan, is_pressed=False),
            late=self._lateness(plan, phase, cause),
            left_out=self._kept_for_next(plan, preset) if phase == "end" else {},
            decided=decided_before(own, DECIDED, phase),
            begun_before=begun_before(own, phase),
        )

    def for_press(
        self, preset: Preset, plan: PlannedSession | None, cause: str, who: str, *, alone: bool = True
    ) -> Order:
        """Return what a preset is to do that somebody pressed."""
        return Order(
            id=new_id(),
            preset=preset,
            session=None if plan is None else plan.id,
            session_rev=None if plan is None else plan.rev,
            cause=cause,
            who=who,
            words=self._words(plan),
            may_record=plan is None or plan.recording,
            facts=self.facts(plan, is_pressed=True),
            alone=alone,
        )

    def _words(self, plan: PlannedSession | None) -> dict[str, str]:
        return words_of(plan, self._room.name, self._room.time_zone)

    def preset_for(self, plan: PlannedSession, phase: str) -> Preset:
        """Return the preset of a phase; central may name another one of the room's."""
        own = getattr(self._room.phases, phase)
        return self._presets.get(plan.phases.get(phase, "")) or self._presets.get(own or "") or Preset(phase, {})

    def _lateness(self, plan: PlannedSession, phase: str, cause: str) -> timedelta | None:
        """Return how much too late a phase begins; what a person begins is never late."""
        if cause != "schedule":
            return None
        return timeline.lateness(plan, self._course(plan), phase, self._clock.now(), self._rhythm.lead)

    def _kept_for_next(self, plan: PlannedSession, end: Preset) -> dict[str, Fault]:
        """Return the steps of an end that would switch off what the next session needs soon, and why not."""
        following = self._next_soon(plan)
        if following is None:
            return {}
        needs = [self.preset_for(following, phase) for phase in ("prepare", "live")]
        return {step.id: _needed_by(following, step) for step in kept_for(needs, end)}

    def _next_soon(self, plan: PlannedSession) -> PlannedSession | None:
        """Return the session whose preparation begins within `prepare.keep` after `plan` leaves the room."""
        now = self._clock.now()
        following = timeline.coming(self._held(), now, plan.id)
        if following is None:
            return None
        course = self._course(plan)
        leaves = max(now, timeline.end_of(plan, course)) if course.phase is Phase.LIVE else now
        gap = timeline.prepare_at(following, self._rhythm.lead) - leaves
        return following if gap <= self._room.prepare.keep else None

    def facts(self, plan: PlannedSession | None, *, is_pressed: bool) -> frozenset[str]:
        """Return what guards may ask without asking a device."""
        is_live = plan is not None and self._course(plan).phase is Phase.LIVE
        said = {
            "recording": plan is None or plan.recording,
            "leader": plan is not None and plan.leader is not None,
            "session": plan is not None,
            "live": is_live,
            "pressed": is_pressed,
            "next-near": plan is not None and self._next_soon(plan) is not None,
        }
        return frozenset(name for name, is_so in said.items() if is_so)

    def _course(self, plan: PlannedSession) -> Course:
        return next((course for held, course in self._held() if held.id == plan.id), Course())


def _needed_by(following: PlannedSession, step: Step) -> Fault:
    detail = f"{step.device} stays on: {following.title!r} needs it"
    return Fault(code="step.next_needs_it", detail=detail, values={"title": following.title})
