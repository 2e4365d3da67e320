"""Offers: a request goes back with what can be done instead, and comes again with it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from central.db import tables as t
from central.domain.alternatives import Alternative, Kind
from central.domain.clocks import Step
from central.domain.sop import Event, State
from central.domain.words import Role
from central.errors import Forbidden, Refused
from central.model import Direction, Request
from central.offering import key_of
from central.services import Services
from tests.service.central.office import (
    APPLICANT,
    HEAD,
    NOW,
    PEOPLE,
    VERIFIER,
    approval,
    disposed,
    draft,
    office,
)


@pytest.fixture
def here(tmp_path: Path, database: str | None) -> Iterator[Services]:
    with office(tmp_path, database) as services:
        yield services


def refusable(here: Services) -> Request:
    """Return a request whose room is taken."""
    here.desk.decide(disposed(here.desk, draft("Rapat lain")).id, approval(), VERIFIER)
    return disposed(here.desk)


def of_kind(here: Services, request: Request, kind: Kind) -> Alternative:
    return next(one for one in here.planner.alternatives(request) if one.kind is kind)


def offered(here: Services, request: Request, alternative: Alternative) -> Request:
    return here.offering.offer(
        request.id,
        key_of(alternative),
        VERIFIER,
        say=lambda one: f"kami tawarkan {one.room.name}",
        version=request.version,
    )


def test_an_offer_goes_back_with_the_request_and_stands_until_it_comes_again(here: Services) -> None:
    request = refusable(here)
    chosen = of_kind(here, request, Kind.TIME)
    returned = offered(here, request, chosen)
    assert (returned.state, returned.moves[-1].event) == (State.RETURNED, Event.OFFER)
    assert returned.moves[-1].reason == f"kami tawarkan {chosen.room.name}"
    standing = here.offering.standing(returned)
    assert standing is not None
    assert (standing.kind, standing.room_id, standing.starts) == (Kind.TIME, chosen.room.id, chosen.starts)
    clock = next(one for one in returned.clocks if one.step is Step.VERIFICATION)
    assert clock.done_at == NOW
    assert here.displacing.notices(returned) == ()
    again = here.desk.resubmit(request.id, draft(starts=standing.starts), None, APPLICANT)
    assert (again.state, here.offering.standing(again)) == (State.SUBMITTED, None)
    back = here.desk.dispose(request.id, Direction(accept=False, note="lengkapi"), HEAD)
    assert here.offering.standing(back) is None, "an old offer must not look like the head's word"


def test_what_was_offered_stands_in_the_audit(here: Services) -> None:
    request = refusable(here)
    chosen = of_kind(here, request, Kind.TIME_AND_ROOM)
    offered(here, request, chosen)
    with here.store.reading() as connection:
        newest = sa.select(t.audit.c.detail).where(t.audit.c.action == "request.offer")
        detail = json.loads(connection.scalar(newest) or "")
    assert detail["offer"]["room_id"] == chosen.room.id
    assert detail["offer"]["starts"] == chosen.starts.isoformat()


def test_an_offer_that_is_taken_up_can_be_approved(here: Services) -> None:
    request = refusable(here)
    standing = here.offering.standing(offered(here, request, of_kind(here, request, Kind.TIME)))
    assert standing is not None
    wanted = replace(draft(room_id=standing.room_id), starts=standing.starts, ends=standing.ends)
    here.desk.resubmit(request.id, wanted, None, APPLICANT)
    here.desk.dispose(request.id, Direction(accept=True), HEAD)
    assert here.desk.decide(request.id, approval(), VERIFIER).state is State.APPROVED


def test_only_what_is_possible_now_can_be_offered(here: Services) -> None:
    request = refusable(here)
    chosen = of_kind(here, request, Kind.ROOM)
    here.desk.decide(disposed(here.desk, draft("Cepat", room_id=chosen.room.id)).id, approval("dewi"), VERIFIER)
    for key in (key_of(chosen), "", "time praja-1 0"):
        with pytest.raises(Refused) as caught:
            here.offering.offer(request.id, key, VERIFIER, say=lambda _: "x")
        assert caught.value.code == "offer.gone"
    assert here.desk.get(request.id, VERIFIER).state is State.DISPOSED


def test_nothing_is_offered_twice_stale_or_for_ones_own_request(here: Services) -> None:
    request = refusable(here)
    key = key_of(of_kind(here, request, Kind.TIME))
    with pytest.raises(Refused, match="stale"):
        here.offering.offer(request.id, key, VERIFIER, say=lambda _: "x", version=request.version - 1)
    own = replace(PEOPLE[Role.VERIFIER], id=APPLICANT.id)
    with pytest.raises(Forbidden):
        here.offering.offer(request.id, key, own, say=lambda _: "x")
    here.offering.offer(request.id, key, VERIFIER, say=lambda _: "x")
    with pytest.raises(Refused) as caught:
        here.offering.offer(request.id, key, VERIFIER, say=lambda _: "x")
    assert caught.value.code == "request.state"
