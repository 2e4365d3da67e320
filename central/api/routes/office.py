"""What the office decides beside single requests: making room for leaders, acting heads, its days and times."""

from __future__ import annotations

from datetime import datetime, time
from typing import Annotated

from fastapi import Depends, Query, Request
from starlette.responses import Response

from central.api.answers import Page, Part, expect, gives, one, part_of, plain
from central.api.guard import CurrentServices, requires
from central.api.routes.base import Delegator, Ident, Somebody, Verifier, api_router
from central.api.shapes import (
    DayOut,
    DelegationIn,
    DisplacementDecisionIn,
    DisplacementIn,
    Moment,
    OfficeDay,
    ServableOut,
)
from central.delegations import Mandate
from central.errors import NotFound
from central.model import Choices, Delegation, Displacement, Person
from central.permissions import Action
from central.planner import OfficeDay as Day
from central.planner import RoomTimes
from central.services import Services
from central.timekeeping import Punctuality

router = api_router()


@router.get("/choices", responses=gives(Choices, "what forms offer"))
def choices(services: CurrentServices, by: Somebody) -> Response:
    """Return what forms offer."""
    del by
    return plain(services.desk.choices())


@router.post(
    "/requests/{ident}/displacement", status_code=201, responses=gives(Displacement, "the proposal", status=201)
)
def propose_displacement(
    request: Request,
    ident: Ident,
    body: DisplacementIn,
    services: CurrentServices,
    by: Annotated[Person, Depends(requires(Action.PROPOSE_DISPLACEMENT))],
) -> Response:
    """Propose who makes room for a leader; it changes nothing."""
    made = services.displacing.propose(ident, by, room_id=body.room_id, operator_id=body.operator_id)
    return one(request, made, status=201)


@router.get("/displacements", responses=gives(Page[Displacement], "proposals"))
def displacements(
    services: CurrentServices,
    by: Verifier,
    wanted: Part,
    request: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """Return the proposals about one request, or all that wait."""
    found = services.displacing.proposals(by, request_id=request)
    return part_of("displacements", found, wanted, lambda proposal: proposal.id, newest_first=True)


@router.get("/displacements/{ident}", responses=gives(Displacement, "the proposal"))
def displacement(request: Request, ident: Ident, services: CurrentServices, by: Verifier) -> Response:
    """Return one proposal."""
    del by
    return one(request, services.displacing.get(ident))


@router.post("/displacements/{ident}/decision", responses=gives(Displacement, "the proposal as it is now"))
def decide_displacement(
    request: Request,
    ident: Ident,
    body: DisplacementDecisionIn,
    services: CurrentServices,
    by: Annotated[Person, Depends(requires(Action.DISPLACE))],
) -> Response:
    """Apply a proposal in one's own name, or let everything be."""
    expect(request, services.displacing.get(ident))
    step = services.displacing.apply if body.apply else services.displacing.refuse
    return one(request, step(ident, body.reason, by))


@router.get("/delegations", responses=gives(Page[Delegation], "periods"))
def delegations(services: CurrentServices, by: Delegator, wanted: Part) -> Response:
    """Return the periods with an acting head."""
    del by
    return part_of("delegations", services.delegations.all(), wanted, lambda period: period.id, newest_first=True)


@router.post("/delegations", status_code=201, responses=gives(Delegation, "the period", status=201))
def delegate(request: Request, body: DelegationIn, services: CurrentServices, by: Delegator) -> Response:
    """Let somebody act for the head of the office for a period."""
    return one(request, services.delegations.make(Mandate(**body.model_dump()), by), status=201)


@router.get("/delegations/{ident}", responses=gives(Delegation, "the period"))
def delegation(request: Request, ident: Ident, services: CurrentServices, by: Delegator) -> Response:
    """Return one period."""
    del by
    return one(request, _delegation(services, ident))


@router.post("/delegations/{ident}/end", responses=gives(Delegation, "the period as it is now"))
def end_delegation(request: Request, ident: Ident, services: CurrentServices, by: Delegator) -> Response:
    """End a period now."""
    expect(request, _delegation(services, ident))
    return one(request, services.delegations.end(ident, by))


def _delegation(services: Services, ident: str) -> Delegation:
    """Return one period.

    Raises:
        NotFound: there is none.
    """
    found = next((period for period in services.delegations.all() if period.id == ident), None)
    if found is None:
        raise NotFound("delegation", ident)
    return found


@router.get("/calendar", responses=gives(Page[DayOut], "days"))
def calendar(first: OfficeDay, last: OfficeDay, services: CurrentServices, by: Somebody, wanted: Part) -> Response:
    """Return the office's days: whether it works, from when to when, and which holiday it is; 366 days at most.

    A day whose year has no decree on holidays yet, or whose Ramadan has no hours, says so.
    """
    del by
    days = (_day(services, day) for day in services.planner.calendar(first, last))
    return part_of("calendar", days, wanted, lambda day: day.day.isoformat())


def _day(services: Services, day: Day) -> DayOut:
    zone = services.settings.zone
    known = services.desk.assess.rules(datetime.combine(day.day, time(12), zone)).calendar
    return DayOut(day.day, day.works, day.opens, day.closes, day.holiday, known.gap(day.day))


@router.get("/availability", responses=gives(Page[RoomTimes], "rooms"))
def availability(day: OfficeDay, services: CurrentServices, by: Somebody, wanted: Part) -> Response:
    """Return when each room is taken on a day, setting up and clearing away included."""
    del by
    return part_of("availability", services.planner.availability(day), wanted, lambda room: room.room_id)


@router.get("/servable", responses=gives(ServableOut, "what can be served together"))
def servable(day: OfficeDay, services: CurrentServices, by: Verifier) -> Response:
    """Return which of a day's waiting requests can be served together, with which units, and why not the others."""
    del by
    return plain(ServableOut.of(services.planner.servable(day)))


@router.get("/punctuality", responses=gives(Punctuality, "figures per step, and what ran late"))
def punctuality(
    since: Moment, services: CurrentServices, by: Annotated[Person, Depends(requires(Action.SEE_FIGURES))]
) -> Response:
    """Return how the time standards were kept by the requests since then, and what ran late; spans in seconds."""
    del by
    return plain(services.timekeeping.punctuality(since))
