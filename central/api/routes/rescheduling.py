"""Moving a confirmed session: what speaks against another plan, and the deed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query, Request
from starlette.responses import Response

from central.api.answers import gives, one, only_if_unchanged, plain, seen_version
from central.api.guard import CurrentServices, requires
from central.api.routes.base import Ident, api_router
from central.api.shapes import Findings, Moment, RescheduleIn
from central.domain.findings import Verdict
from central.errors import Refused
from central.model import Person, Reschedule
from central.model import Request as Record
from central.permissions import Action

router = api_router()

Mover = Annotated[Person, Depends(requires(Action.RESCHEDULE))]


@dataclass(frozen=True, slots=True)
class Plan:
    """Another plan that is asked about; what is not named stays."""

    starts: Moment | None = None
    ends: Moment | None = None
    room: Annotated[str | None, Query(max_length=200)] = None
    operator: Annotated[str | None, Query(max_length=200)] = None

    def value(self) -> Reschedule:
        """Return it as the office takes it."""
        return Reschedule(starts=self.starts, ends=self.ends, room_id=self.room, operator_id=self.operator)


@router.get("/requests/{ident}/reschedule", responses=gives(Findings, "all findings"))
def look(ident: Ident, services: CurrentServices, by: Mover, plan: Annotated[Plan, Depends()]) -> Response:
    """Return all findings for a confirmed session in another plan; when one fails, the nearest alternatives too."""
    moved, found = services.rescheduling.verify(ident, plan.value(), by)
    others = services.planner.alternatives(moved, room_id=found.room.id) if found.verdict is Verdict.FAIL else ()
    return plain(Findings.of(found, others))


@router.post("/requests/{ident}/reschedule", responses=gives(Record, "the request as it is now"))
def reschedule(request: Request, ident: Ident, body: RescheduleIn, services: CurrentServices, by: Mover) -> Response:
    """Move a confirmed session to another time, room or technician; everybody concerned is told.

    Raises:
        Refused: it is not moved.
    """
    version = seen_version(request, body.version)
    try:
        with only_if_unchanged(request):
            moved = services.rescheduling.apply(ident, body.value(), by, version=version)
    except Refused as error:
        request.app.state.metrics.refused(error)
        raise
    return one(request, moved, version=moved.version)
