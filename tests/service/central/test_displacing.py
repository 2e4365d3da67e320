"""Making room for a leader: proposed by one, applied by another, all of it or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from central.db import tables as t
from central.domain.sop import State
from central.domain.words import Leader
from central.errors import Forbidden, Invalid, Refused
from central.model import Decision, Direction, Displacement, ProposalState, Request
from central.services import Services
from contract import SessionStatus
from tests.service.central.office import APPLICANT, HEAD, PDF, STARTS, VERIFIER, draft, office


@pytest.fixture
def here(tmp_path: Path, database: str | None) -> Iterator[Services]:
    with office(tmp_path, database) as services:
        yield services


def disposed(here: Services, title: str, leader: Leader = Leader.NONE, room_id: str = "praja-1") -> Request:
    request = here.desk.submit(replace(draft(title, room_id=room_id), leader=leader), PDF, APPLICANT)
    return here.desk.dispose(request.id, Direction(accept=True), HEAD)


def approved(here: Services, title: str, operator: str = "rina") -> Request:
    decision = Decision(approve=True, operator_id=operator)
    return here.desk.decide(disposed(here, title).id, decision, VERIFIER)


def proposed(here: Services) -> tuple[Request, Request, Displacement]:
    booked, led = approved(here, "Rapat biasa"), disposed(here, "Rakor Gubernur", Leader.GOVERNOR)
    return booked, led, here.displacing.propose(led.id, VERIFIER)


def live_units(here: Services) -> set[tuple[str, str, str]]:
    query = sa.select(t.alloc.c.session_id, t.alloc.c.unit_kind, t.alloc.c.unit_id).where(t.alloc.c.live)
    with here.store.reading() as connection:
        return {tuple(row) for row in connection.execute(query)}


def test_a_proposal_names_who_goes_and_what_they_could_have_and_changes_nothing(here: Services) -> None:
    booked, led, proposal = proposed(here)
    (gone,) = proposal.displaced
    assert (gone.request_id, gone.session_id) == (booked.id, booked.session_id)
    first, *later = gone.alternatives
    assert (first.room_id, first.starts) == ("praja-2", STARTS)
    assert all(offer.starts != STARTS for offer in later)  # its own room is the leader's then
    assert here.desk.get(booked.id, VERIFIER).state is State.APPROVED
    assert here.desk.get(led.id, VERIFIER).state is State.DISPOSED
    assert here.displacing.proposals(HEAD) == (proposal,)


def test_the_head_applies_it_and_everybody_learns(here: Services) -> None:
    booked, led, proposal = proposed(here)
    done = here.displacing.apply(proposal.id, "Arahan Gubernur", HEAD)
    assert (done.state, done.decided_by) == (ProposalState.APPLIED, HEAD.name)
    old, new = here.desk.get(booked.id, APPLICANT), here.desk.get(led.id, APPLICANT)
    assert (old.state, new.state) == (State.CANCELLED, State.APPROVED)
    assert "Arahan Gubernur" in old.moves[-1].reason
    assert {session for session, _, _ in live_units(here)} == {new.session_id}
    (notice,) = here.displacing.notices(old)
    follow = here.desk.get(notice.follow_up, APPLICANT)
    assert (follow.state, follow.replaces_id) == (State.DISPOSED, booked.id)
    assert (follow.submitted_at, follow.starts) == (booked.submitted_at, proposal.displaced[0].alternatives[0].starts)
    session = here.board.session(str(booked.session_id))
    assert session.status is SessionStatus.CANCELLED
    with here.store.reading() as connection:
        told = connection.scalars(sa.select(t.outbox.c.cause).where(t.outbox.c.sent_at.is_(None))).all()
    assert [cause.split()[0] for cause in told] == ["approved", "cancelled", "approved"]


def test_nobody_applies_his_own_proposal_or_without_a_reason(here: Services) -> None:
    _, _, proposal = proposed(here)
    with pytest.raises(Invalid):
        here.displacing.apply(proposal.id, " ", HEAD)
    both = replace(VERIFIER, roles=VERIFIER.roles | HEAD.roles)
    with pytest.raises(Forbidden, match="his own"):
        here.displacing.apply(proposal.id, "mendesak", both)


def test_what_changed_since_is_not_applied_and_nothing_is_done(here: Services) -> None:
    booked, led, proposal = proposed(here)
    here.desk.withdraw(booked.id, "batal", APPLICANT)
    another = approved(here, "Rapat lain")
    before = live_units(here)
    with pytest.raises(Refused) as refused:
        here.displacing.apply(proposal.id, "mendesak", HEAD)
    assert refused.value.code == "displacement.changed"
    assert live_units(here) == before
    assert here.desk.get(another.id, VERIFIER).state is State.APPROVED
    assert here.desk.get(led.id, VERIFIER).state is State.DISPOSED


def test_a_proposal_is_decided_once(here: Services) -> None:
    _, _, proposal = proposed(here)
    refused = here.displacing.refuse(proposal.id, "Biarkan", HEAD)
    assert refused.state is ProposalState.REFUSED
    with pytest.raises(Refused, match="already"):
        here.displacing.apply(proposal.id, "mendesak", HEAD)
    assert here.displacing.proposals(HEAD) == ()


def test_nobody_makes_room_without_a_leader_or_a_need(here: Services) -> None:
    approved(here, "Rapat biasa")
    plain = disposed(here, "Juga biasa")
    with pytest.raises(Refused, match="no leader"):
        here.displacing.propose(plain.id, VERIFIER)
    free = disposed(here, "Rakor", Leader.SECRETARY, room_id="praja-2")
    with pytest.raises(Refused, match="nobody has to go"):
        here.displacing.propose(free.id, VERIFIER)
