"""Has runs of presets carried out beside the plan, and moves a session on when its phase's run is over."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

from agent.clock import Clock
from agent.crew import Crew
from agent.declined import Declined
from agent.ordering import Ordering
from agent.orders import Order, Run, questions_of
from agent.recordings import Recordings
from agent.runner import Runner
from agent.runs import Runs
from agent.scribe import Scribe
from agent.session import Event, may
from agent.sessions import Sessions
from contract.messages import PlannedSession


class Dispatch:
    """Gives the runner its work; what a run's end means for its session is decided here."""

    def __init__(
        self,
        runner: Runner,
        *,
        ordering: Ordering,
        sessions: Sessions,
        scribe: Scribe,
        crew: Crew,
        recordings: Recordings,
        clock: Clock,
        answer_within: timedelta,
        changed: Callable[[], None],
    ) -> None:
        """Run on `runner`; people have `answer_within` for questions, and `changed` is called after each run."""
        self.runs = Runs(runner)
        self.ordering = ordering
        self._runner = runner
        self._sessions = sessions
        self._scribe = scribe
        self._crew = crew
        self._recordings = recordings
        self._clock = clock
        self._answer_within = answer_within
        self._changed = changed

    def run_phase(self, plan: PlannedSession, phase: str, cause: str = "schedule", who: str = "") -> None:
        """Begin the preset of a session's phase.

        Raises:
            Declined: the engine does not run.
        """
        order = self.ordering.for_phase(plan, phase, cause, who)
        run = Run(order, questions=questions_of(order, self._clock.now(), self._answer_within))
        self._begin(run, self._carry_phase(plan, run))

    def run_press(self, order: Order) -> Run:
        """Begin what somebody pressed.

        Raises:
            Declined: the engine does not run.
        """
        run = Run(order)
        self._begin(run, self._carry_press(run))
        return run

    def _begin(self, run: Run, work: Coroutine[Any, Any, None]) -> None:
        if self._crew.group is None:
            work.close()
            raise Declined("room.stopping", "the room's engine does not run")
        self._recordings.belong_to(self._sessions.planned(run.order.session))
        self.runs.begin(run, self._crew.group, work, self._clock.now())

    async def _carry_phase(self, plan: PlannedSession, run: Run) -> None:
        await self._runner.run(run)
        phase = self._sessions.course(plan.id).phase
        if run.order.phase == "prepare" and run.is_good and may(phase, Event.PREPARED):
            self._scribe.move(plan, Event.PREPARED)
        elif run.order.phase == "end" and may(phase, Event.PUT_AWAY):
            self._scribe.move(plan, Event.PUT_AWAY)
        self._changed()

    async def _carry_press(self, run: Run) -> None:
        await self._runner.run(run)
        self._changed()

    def open_run(self, plan: PlannedSession) -> Run | None:
        """Return the run that the session's phase is waiting for."""
        return self.runs.find(self._sessions.course(plan.id).open_run)

    def cut_short(self, plan: PlannedSession) -> None:
        """End the session's open run; what comes next sets the room anew, so nothing is taken back."""
        if (run := self._sessions.course(plan.id).open_run) is not None:
            self.runs.cut_short(run)
