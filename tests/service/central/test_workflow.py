"""The whole workflow as a state machine: every legal and illegal move in any order, on a real database.

Beside the desk runs the table of the SOP as the model. After each deed the database must
say what the model says, and what is taken must be exactly what approved requests hold.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from central.db import tables as t
from central.domain.sop import OPEN, TRANSITIONS, Event, State
from central.errors import Invalid, NotFound, Refused
from central.ingest import _close_request
from central.model import Decision, Direction, Person, Reschedule
from central.offering import key_of
from contract import SessionStatus
from tests.postgres import Cluster
from tests.service.central.office import APPLICANT, HEAD, NOW, PDF, STARTS, STRANGER, VERIFIER, draft, office

REASON = "karena itu"
TAKEN = ("booking.taken", "override.wanted")


class Workflow(RuleBasedStateMachine):
    """Deeds on up to a handful of requests."""

    made = Bundle("made")

    @contextmanager
    def database(self) -> Iterator[str | None]:
        """SQLite; another where a test says so."""
        yield None

    def __init__(self) -> None:
        super().__init__()
        self._open = ExitStack()
        self._folder = tempfile.mkdtemp(prefix="siaga-workflow-")
        self.here = self._open.enter_context(office(Path(self._folder), self._open.enter_context(self.database())))
        self.desk = self.here.desk
        self.model: dict[str, State] = {}
        self.versions: dict[str, int] = {}
        self.moves: dict[str, int] = {}

    def teardown(self) -> None:
        self._open.close()
        shutil.rmtree(self._folder)

    @rule(target=made, slot=st.integers(0, 5), room=st.sampled_from(["praja-1", "praja-2"]))
    def submit(self, slot: int, room: str) -> str:
        wanted = draft(starts=STARTS + timedelta(hours=slot / 2), room_id=room)
        request = self.desk.submit(wanted, PDF, APPLICANT)
        self.model[request.id], self.versions[request.id], self.moves[request.id] = State.SUBMITTED, 1, 1
        return request.id

    @contextlib.contextmanager
    def _expecting(self, ident: str, event: Event, *also: str) -> Iterator[None]:
        """Let a deed succeed exactly when the table has it; a legal one may be refused with a code in `also`."""
        after = TRANSITIONS.get((self.model[ident], event))
        refused = ""
        try:
            yield
        except Refused as error:
            refused = error.code
        if refused:
            assert after is None or refused in also, f"{event} in {self.model[ident]} was refused: {refused}"
            return
        assert after is not None, f"{event} in {self.model[ident]} was allowed"
        self.model[ident] = after
        self.versions[ident] += 1
        self.moves[ident] += 1

    @rule(ident=made)
    def accept(self, ident: str) -> None:
        with self._expecting(ident, Event.ACCEPT):
            self.desk.dispose(ident, Direction(accept=True), HEAD)

    @rule(ident=made)
    def send_back(self, ident: str) -> None:
        with self._expecting(ident, Event.RETURN):
            self.desk.dispose(ident, Direction(accept=False, note=REASON), HEAD)

    @rule(ident=made, slot=st.integers(0, 5))
    def resubmit(self, ident: str, slot: int) -> None:
        with self._expecting(ident, Event.RESUBMIT):
            self.desk.resubmit(ident, draft("Diubah", starts=STARTS + timedelta(hours=slot / 2)), None, APPLICANT)

    @rule(ident=made, who=st.sampled_from(["rina", "yoga"]), reason=st.sampled_from(["", REASON]))
    def approve(self, ident: str, who: str, reason: str) -> None:
        with self._expecting(ident, Event.APPROVE, *TAKEN):
            self.desk.decide(ident, Decision(approve=True, operator_id=who, override_reason=reason), VERIFIER)

    @rule(ident=made, slot=st.integers(0, 5), room=st.sampled_from([None, "praja-1", "praja-2"]))
    def move(self, ident: str, slot: int, room: str | None) -> None:
        wanted = Reschedule(REASON, STARTS + timedelta(hours=slot / 2), room_id=room, override_reason=REASON)
        with self._expecting(ident, Event.RESCHEDULE, *TAKEN), contextlib.suppress(Invalid):
            self.here.rescheduling.apply(ident, wanted, VERIFIER)
            return
        # an Invalid: everything would have stayed as it is

    @rule(ident=made)
    def offer(self, ident: str) -> None:
        request = self.desk.get(ident, VERIFIER)
        others = self.here.planner.alternatives(request) if request.state is State.DISPOSED else ()
        with self._expecting(ident, Event.OFFER, "offer.gone"):
            self.here.offering.offer(ident, key_of(others[0]) if others else "", VERIFIER, say=lambda _: REASON)

    @rule(ident=made)
    def refuse(self, ident: str) -> None:
        with self._expecting(ident, Event.REFUSE):
            self.desk.decide(ident, Decision(approve=False, reason=REASON), VERIFIER)

    @rule(ident=made, by=st.sampled_from([APPLICANT, VERIFIER]))
    def take_back(self, ident: str, by: Person) -> None:
        with self._expecting(ident, Event.WITHDRAW if self.model[ident] in OPEN else Event.CANCEL):
            self.desk.withdraw(ident, REASON, by)

    @rule(ident=made)
    def without_a_reason_nothing_is_refused_returned_or_taken_back(self, ident: str) -> None:
        with pytest.raises(Invalid):
            self.desk.dispose(ident, Direction(accept=False), HEAD)
        with pytest.raises(Invalid):
            self.desk.decide(ident, Decision(approve=False), VERIFIER)
        with pytest.raises(Invalid):
            self.desk.withdraw(ident, " ", APPLICANT)

    @rule(ident=made)
    def a_stranger_knows_of_nothing(self, ident: str) -> None:
        with pytest.raises(NotFound):
            self.desk.withdraw(ident, REASON, STRANGER)

    @rule(ident=made)
    def a_stale_version_changes_nothing(self, ident: str) -> None:
        with pytest.raises(Refused):
            self.desk.dispose(ident, Direction(accept=True), HEAD, version=self.versions[ident] - 1)

    @rule(ident=made)
    def report(self, ident: str) -> None:
        """The room's report, by what takes it in."""
        session = self.desk.get(ident, HEAD).session_id
        if session is None:
            return
        before = self.model[ident]
        with self.here.store.writing() as connection:
            room_id = connection.scalar(sa.select(t.session.c.room_id).where(t.session.c.id == session))
            assert room_id is not None
            _close_request(connection, room_id, session, NOW, None)
        self.model[ident] = TRANSITIONS[before, Event.REPORT]
        if self.model[ident] is not before:
            self.versions[ident] += 1
            self.moves[ident] += 1

    @invariant()
    def the_database_says_what_the_model_says(self) -> None:
        with self.here.store.reading() as connection:
            rows = connection.execute(sa.select(t.request.c.id, t.request.c.state, t.request.c.version)).all()
            by_request = sa.select(t.request_move.c.request_id, sa.func.count().label("number"))
            found = connection.execute(by_request.group_by(t.request_move.c.request_id)).mappings()
            moved = {row["request_id"]: row["number"] for row in found}
        assert {row.id: State(row.state) for row in rows} == self.model
        assert {row.id: row.version for row in rows} == self.versions
        assert moved == self.moves

    @invariant()
    def what_is_taken_is_what_approved_requests_hold(self) -> None:
        s, a = t.session.c, t.alloc.c
        with self.here.store.reading() as connection:
            live = set(connection.scalars(sa.select(s.request_id).join(t.alloc, a.session_id == s.id).where(a.live)))
            confirmed = set(connection.scalars(sa.select(s.request_id).where(s.status != SessionStatus.CANCELLED)))
        booked = {ident for ident, state in self.model.items() if state in {State.APPROVED, State.REPORTED}}
        assert live == booked
        assert confirmed == booked

    @invariant()
    def nothing_is_taken_twice(self) -> None:
        one, other = t.alloc.alias(), t.alloc.alias()
        same = sa.and_(one.c.unit_kind == other.c.unit_kind, one.c.unit_id == other.c.unit_id, one.c.id < other.c.id)
        touching = sa.and_(one.c.starts < other.c.ends, other.c.starts < one.c.ends, one.c.live, other.c.live)
        with self.here.store.reading() as connection:
            assert connection.scalar(sa.select(sa.func.count()).select_from(one.join(other, same)).where(touching)) == 0

    @invariant()
    def every_move_is_in_the_audit(self) -> None:
        with self.here.store.reading() as connection:
            deeds = connection.scalar(
                sa.select(sa.func.count()).where(t.audit.c.action.like("request.%"), t.audit.c.subject.in_(self.model))
            )
        reports = sum(state is State.REPORTED for state in self.model.values())
        assert deeds == sum(self.moves.values()) - reports  # a room's report has an action of its own


Workflow.TestCase.settings = settings(
    max_examples=12, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestWorkflow = Workflow.TestCase


def test_the_workflow_on_postgresql(cluster: Cluster) -> None:
    class OnPostgres(Workflow):
        @contextmanager
        def database(self) -> Iterator[str | None]:
            with cluster.database() as url:
                yield url

    fewer = settings(Workflow.TestCase.settings, max_examples=4)
    run_state_machine_as_test(OnPostgres, settings=fewer)
