"""What ran late, and why: out of the database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from central.db import tables as t
from central.desk import Desk
from central.domain.clocks import Step
from central.errors import Invalid, NotFound, Refused
from central.model import Direction
from central.services import Services
from central.timekeeping import Timekeeping
from tests.service.central.office import APPLICANT, HEAD, NOW, PDF, STARTS, draft, office

MINUTE = timedelta(minutes=1)


@pytest.fixture
def here(tmp_path: Path, database: str | None) -> Iterator[Services]:
    with office(tmp_path, database) as services:
        yield services


def at(here: Services, moment: datetime) -> Timekeeping:
    return Timekeeping(here.store, here.desk.assess, now=lambda: moment)


def disposed_after(here: Services, length: timedelta) -> str:
    request = here.desk.submit(draft(), PDF, APPLICANT)
    here.desk.moves._now = lambda: NOW + length
    Desk.dispose(here.desk, request.id, Direction(accept=True), HEAD)
    return request.id


def test_a_late_step_is_listed_until_somebody_says_why_and_after(here: Services) -> None:
    ident = disposed_after(here, 12 * MINUTE)
    keeping = at(here, NOW + 20 * MINUTE)
    (breach,) = keeping.punctuality(NOW - timedelta(days=1)).breaches
    assert (breach.clock.step, breach.over, breach.reason) == (Step.DISPOSITION, 2 * MINUTE, "")
    keeping.explain(ident, Step.DISPOSITION, "Rapat di luar", HEAD)
    keeping.explain(ident, Step.DISPOSITION, "Rapat di luar kantor", HEAD)
    (breach,) = keeping.punctuality(NOW - timedelta(days=1)).breaches
    assert (breach.reason, breach.actor) == ("Rapat di luar kantor", HEAD.name)
    with here.store.reading() as connection:
        audit = connection.scalars(sa.select(t.audit.c.detail).where(t.audit.c.action == "clock.explain")).all()
    assert audit == ["disposition: Rapat di luar", "disposition: Rapat di luar kantor"]


def test_what_is_in_time_needs_no_reason(here: Services) -> None:
    ident = disposed_after(here, 5 * MINUTE)
    keeping = at(here, NOW + 6 * MINUTE)
    with pytest.raises(Refused, match="not late"):
        keeping.explain(ident, Step.DISPOSITION, "x", HEAD)
    with pytest.raises(Invalid):
        keeping.explain(ident, Step.DISPOSITION, " ", HEAD)
    with pytest.raises(NotFound):
        keeping.explain(ident, Step.REPORT, "x", HEAD)


def test_figures_and_lead_time_since_a_moment(here: Services) -> None:
    disposed_after(here, 5 * MINUTE)
    here.desk.submit(replace(draft(), starts=STARTS - timedelta(days=3), ends=STARTS), PDF, APPLICANT)
    found = at(here, NOW + 6 * MINUTE).punctuality(NOW - MINUTE)
    assert found.lead is not None
    assert (found.lead.sent, found.lead.in_time) == (2, 1)
    assert [(line.step, line.done, line.in_time) for line in found.steps] == [(Step.DISPOSITION, 1, 1)]
    assert at(here, NOW).punctuality(NOW + MINUTE).lead is None
