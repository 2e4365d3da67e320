"""Who counts as a leader is the office's to say; whoever does not has no priority and no exceptions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from central.domain.findings import Code
from central.domain.words import Leader
from central.errors import Invalid, Refused
from central.model import Direction, Draft
from central.services import Services, make_services
from tests.service.central.office import APPLICANT, HEAD, NOW, PDF, STARTS, VERIFIER, draft, office

EVENING = STARTS + timedelta(hours=6)


@pytest.fixture
def usual(tmp_path: Path, database: str | None) -> Iterator[Services]:
    with office(tmp_path, database) as services:
        yield services


@pytest.fixture
def governor_only(usual: Services) -> Iterator[Services]:
    """The same office after its policy file has changed."""
    policy = usual.settings.policy.model_copy(update={"leaders": (Leader.GOVERNOR,)})
    services = make_services(replace(usual.settings, policy=policy), now=lambda: NOW)
    yield services
    services.store.close()


def led(leader: Leader, title: str = "Rapat") -> Draft:
    return replace(draft(title, starts=EVENING), leader=leader)


def codes(services: Services, ident: str) -> set[Code]:
    return {one.code for one in services.desk.verify(services.desk.get(ident, VERIFIER)).findings}


def waiting(services: Services) -> list[str]:
    return [item.request.id for item in services.desk.inbox(VERIFIER).items]


def test_a_position_that_does_not_count_is_neither_offered_nor_taken(governor_only: Services) -> None:
    assert governor_only.desk.choices().leaders == (Leader.NONE, Leader.GOVERNOR)
    with pytest.raises(Invalid, match="this office counts none, governor, got secretary") as refused:
        governor_only.desk.submit(led(Leader.SECRETARY), PDF, APPLICANT)
    assert [(wrong.field, wrong.code) for wrong in refused.value.wrongs] == [("leader", "leader.not_counted")]
    assert governor_only.desk.submit(led(Leader.GOVERNOR), PDF, APPLICANT).leader is Leader.GOVERNOR


def test_an_older_request_of_a_position_that_does_not_count_is_like_any_other(
    usual: Services, governor_only: Services
) -> None:
    first = usual.desk.submit(led(Leader.NONE, "Biasa"), PDF, APPLICANT)
    second = usual.desk.submit(led(Leader.SECRETARY), PDF, APPLICANT)
    for request in (first, second):
        usual.desk.dispose(request.id, Direction(accept=True), HEAD)
    assert Code.HOURS_LEADER in codes(usual, second.id)
    assert Code.HOURS_OUTSIDE in codes(governor_only, second.id)
    assert waiting(usual) == [second.id, first.id]
    assert waiting(governor_only) == [first.id, second.id]
    with pytest.raises(Refused) as refused:
        governor_only.displacing.propose(second.id, VERIFIER)
    assert refused.value.code == "displacement.no_leader"
