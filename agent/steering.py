"""What people do to the course of a session: prepare it now, start it, end it, give it more time."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from agent import plan as timeline
from agent.clock import Clock
from agent.course import EXTENDED
from agent.declined import Declined
from agent.deeds import Deeds
from agent.scribe import Scribe
from agent.session import Event, may
from agent.sessions import Sessions
from contract.messages import PlannedSession
from drivers.outcomes import Scalar


class Steering:
    """The hands on one room's timeline."""

    def __init__(self, sessions: Sessions, scribe: Scribe, deeds: Deeds, *, lead: timedelta, clock: Clock) -> None:
        """Act on `sessions`; a preparation takes `lead` where central says nothing else."""
        self._sessions = sessions
        self._scribe = scribe
        self._deeds = deeds
        self._lead = lead
        self._clock = clock

    def prepare_now(self, *, cause: str, who: str) -> PlannedSession:
        """Prepare the next session at once.

        Raises:
            Declined: there is none, it runs already, or its preparation does.
        """
        plan = self._sessions.front()
        if plan is None or not may(self._sessions.course(plan.id).phase, Event.PREPARE):
            raise Declined("session.not_to_prepare", "no session is waiting for its preparation")
        if self._sessions.course(plan.id).open_run is not None:
            raise Declined("preset.running", "the preparation is running")
        self._deeds.prepare(plan, cause, who)
        return plan

    def start(self, *, who: str) -> None:
        """Go live with the session that has the room.

        Raises:
            Declined: there is none, or it is live already.
        """
        plan = self._sessions.front()
        if plan is None or not may(self._sessions.course(plan.id).phase, Event.START):
            raise Declined("session.none_to_start", "no session is waiting for its start")
        self._deeds.begin(plan, "tablet", who)

    def end(self, *, who: str) -> None:
        """End the live session.

        Raises:
            Declined: none is live.
        """
        self._deeds.finish(self._live(), "tablet", who)

    def extend(self, by: timedelta, *, who: str, confirmed: bool = False) -> None:
        """Move the end of the live session; `confirmed` lets it take from the next one's preparation.

        Raises:
            Declined: none is live, the next session's set-up begins before, its preparation
                does and nobody confirmed that, or it is a leader's.
        """
        plan, now = self._live(), self._clock.now()
        end = max(timeline.end_of(plan, self._sessions.course(plan.id)), now) + by
        if by <= timedelta(0):
            raise Declined("session.end_not_later", "an extension is longer than nothing")
        if (following := timeline.coming(self._sessions.held(), now, plan.id)) is not None:
            self._refuse_taking_from(following, end + plan.teardown, confirmed)
        self._scribe.note(plan, EXTENDED, cause="tablet", who=who, body={"end": end.isoformat()})

    def _refuse_taking_from(self, following: PlannedSession, until: datetime, confirmed: bool) -> None:
        """See that the session `following` keeps what it needs when the room is used `until` then.

        Raises:
            Declined: names the session and what it would lose.
        """
        title = following.title
        if until > following.start - following.setup:
            detail = f"the room is taken by {title!r} from {following.start - following.setup:%H:%M} UTC"
            raise Declined("session.next_is_near", detail, {"title": title})
        lost = until - timeline.prepare_at(following, self._lead)
        if lost <= timedelta(0):
            return
        minutes = math.ceil(lost / timedelta(minutes=1))
        values: dict[str, Scalar] = {"title": title, "minutes": minutes}
        detail = f"{title!r} would lose {minutes} minutes of its preparation"
        if following.leader is not None:
            raise Declined("session.leader_next", detail, values)
        if not confirmed:
            raise Declined("session.next_prepares", detail, values)

    def _live(self) -> PlannedSession:
        """Return the live session.

        Raises:
            Declined: none is.
        """
        plan = self._sessions.live()
        if plan is None:
            raise Declined("session.none_live", "no session is live")
        return plan
