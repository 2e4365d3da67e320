"""Does what the plan asks for: each deed is journal entries first, then runs and certificates."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from agent.certificates import Certificates
from agent.course import OVER_RUN
from agent.dispatch import Dispatch
from agent.plan import Action, Deed
from agent.reporting import Reporting
from agent.scribe import Scribe
from agent.session import Event
from agent.sessions import Sessions
from contract.messages import PlannedSession
from contract.words import Phase


class Deeds:
    """The deeds of one room's timeline; people bring some of them about as well (`agent.steering`)."""

    def __init__(
        self, sessions: Sessions, scribe: Scribe, dispatch: Dispatch, certificates: Certificates, reporting: Reporting
    ) -> None:
        self._sessions = sessions
        self._scribe = scribe
        self._dispatch = dispatch
        self._certificates = certificates
        self._known: Mapping[Deed, Callable[[PlannedSession], object]] = {
            Deed.PREPARE: self.prepare,
            Deed.CERTIFY: certificates.certify,
            Deed.START: self.begin,
            Deed.SET_LIVE: self._set_live,
            Deed.RUN_ON: lambda plan: scribe.note(plan, OVER_RUN, body={"end": plan.end.isoformat()}),
            Deed.END: self.finish,
            Deed.PUT_AWAY: lambda plan: dispatch.run_phase(plan, "end"),
            Deed.LEAVE_AS_IT_IS: lambda plan: scribe.move(plan, Event.PUT_AWAY),
            Deed.MISS: self._miss,
            Deed.CANCEL: lambda plan: self._let_go_of(plan, Event.CANCEL),
            Deed.PUT_OFF: lambda plan: self._let_go_of(plan, Event.PUT_OFF),
            Deed.REPORT: reporting.report,
        }

    def do(self, action: Action) -> None:
        """Do one thing that the plan asks for."""
        if (session := self._sessions.planned(action.session)) is not None:
            self._known[action.deed](session)

    def prepare(self, plan: PlannedSession, cause: str = "schedule", who: str = "") -> None:
        """Begin to prepare the room for a session.

        Raises:
            Declined: the engine does not run.
        """
        self._scribe.move(plan, Event.PREPARE, cause, who)
        self._dispatch.run_phase(plan, "prepare", cause, who)

    def begin(self, plan: PlannedSession, cause: str = "schedule", who: str = "") -> None:
        """Go live; the plan asks for the live preset next."""
        self._stop_preparing(plan)
        self._scribe.move(plan, Event.START, cause, who)

    def finish(self, plan: PlannedSession, cause: str = "schedule", who: str = "") -> None:
        """End a live session; the plan asks for the room to be put away next."""
        self._dispatch.cut_short(plan)
        self._scribe.move(plan, Event.END, cause, who)

    def _set_live(self, plan: PlannedSession) -> None:
        """Run the live preset, once what a proof had opened is as it was."""
        if not self._certificates.is_certifying(plan):
            self._dispatch.run_phase(plan, "live")

    def _miss(self, plan: PlannedSession) -> None:
        self._stop_preparing(plan)
        self._scribe.move(plan, Event.MISS)

    def _let_go_of(self, plan: PlannedSession, event: Event) -> None:
        """Put away a room that was being prepared for nothing."""
        had_begun = self._sessions.course(plan.id).phase is not Phase.PLANNED
        self._stop_preparing(plan)
        self._scribe.move(plan, event)
        if had_begun:
            self._dispatch.run_phase(plan, "end")

    def _stop_preparing(self, plan: PlannedSession) -> None:
        self._dispatch.cut_short(plan)
        self._certificates.cut_short(plan)
