"""How the SOP's time standards are kept: figures per step, what ran late, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from central import rows
from central.assess import Assessor
from central.db import locks
from central.db import tables as t
from central.db.store import Store
from central.db.writes import retried
from central.domain.clocks import SopClock, Step
from central.domain.punctuality import Figures, Lead, figures, lead
from central.errors import Invalid, NotFound, Refused, Wrong
from central.model import Person, Request

LOOKED_AT: Final = 2000
"""Requests at most; the newest."""
REASON_AT_MOST: Final = 2000


@dataclass(frozen=True, slots=True)
class Breach:
    """A step that took, or takes, longer than its standard. `reason` is empty while nobody gave one."""

    request_id: str
    receipt: str
    title: str
    clock: SopClock
    over: timedelta
    reason: str = ""
    actor: str = ""


@dataclass(frozen=True, slots=True)
class Punctuality:
    """The figures since a moment."""

    since: datetime
    lead: Lead | None
    steps: tuple[Figures, ...]
    breaches: tuple[Breach, ...]


class Timekeeping:
    """Reads the clocks of all requests; writes reasons."""

    def __init__(self, store: Store, assess: Assessor, *, now: Callable[[], datetime]) -> None:
        self._store = store
        self._assess = assess
        self._now = now

    def punctuality(self, since: datetime) -> Punctuality:
        """Return the figures of the requests that arrived since then; of the newest 2,000."""
        standards = self._assess.standards
        with self._store.reading() as connection:
            found = rows.requests(connection, standards, t.request.c.submitted_at >= since, limit=LOOKED_AT)
            reasons = _reasons(connection, tuple(request.id for request in found))
        now = self._now()
        all_clocks = [clock for request in found for clock in request.clocks]
        arrived = ((request.submitted_at, request.starts) for request in found if request.replaces_id is None)
        return Punctuality(
            since,
            lead(arrived, self._assess.rules(now).latest),
            figures(all_clocks, standards),
            tuple(breach for request in found for breach in self._breaches(request, reasons, now)),
        )

    def _breaches(
        self, request: Request, reasons: dict[tuple[str, str, datetime], tuple[str, str]], now: datetime
    ) -> Iterator[Breach]:
        for clock in request.clocks:
            if clock.late(now):
                reason, actor = reasons.get((request.id, clock.step.value, clock.started_at), ("", ""))
                over = -self._assess.standards.left(clock, now)
                yield Breach(request.id, request.receipt, request.title, clock, over, reason, actor)

    @retried
    def explain(self, request_id: str, step: Step, reason: str, by: Person) -> None:
        """Write down why a step is, or was, late; a later word replaces an earlier one, and the audit keeps both.

        Raises:
            NotFound: there is no such request, or it has no such clock.
            Invalid: no reason, or one that is too long.
            Refused: the step is not late.
        """
        if not 0 < len(reason.strip()) <= REASON_AT_MOST:
            raise Invalid(Wrong("reason", "reason.wanted", "say why it took longer"))
        now = self._now()
        with self._store.writing() as connection:
            locks.hold(connection, t.request, [request_id])
            request = rows.request(connection, request_id, self._assess.standards)
            clock = next((clock for clock in request.clocks if clock.step is step), None)
            if clock is None:
                raise NotFound("clock", step.value)
            if not clock.late(now):
                raise Refused("clock.in_time", f"{step} is not late")
            key = {"request_id": request_id, "step": step.value, "started_at": clock.started_at}
            same = sa.and_(*(t.breach.c[name] == value for name, value in key.items()))
            connection.execute(t.breach.delete().where(same))
            row = key | {"reason": reason.strip(), "actor": by.name, "at": now}
            connection.execute(t.breach.insert(), row)
            audit = {"at": now, "actor": by.login, "action": "clock.explain", "subject": request_id}
            connection.execute(t.audit.insert(), audit | {"detail": f"{step}: {reason.strip()}"})


def _reasons(connection: sa.Connection, requests: tuple[str, ...]) -> dict[tuple[str, str, datetime], tuple[str, str]]:
    query = t.breach.select().where(t.breach.c.request_id.in_(requests))
    return {
        (row["request_id"], row["step"], row["started_at"]): (row["reason"], row["actor"])
        for row in connection.execute(query).mappings()
    }
