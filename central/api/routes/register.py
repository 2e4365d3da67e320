"""What the office has: equipment, accounts, staff, agencies; its tables as CSV; calendars."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Final, Protocol, TypeVar

from fastapi import Body, Request
from starlette.responses import PlainTextResponse, Response

from central.api.answers import Page, Part, expect, gives, one, part_of, plain, tag_of
from central.api.guard import CurrentServices
from central.api.routes.base import Ident, Keeper, RequestReader, RoomReader, Somebody, api_router
from central.api.shapes import LeaveOut, TakenOut
from central.domain.resources import AccountFacts, EquipmentFacts, OperatorFacts
from central.errors import NotFound
from central.feeds import Feed
from central.model import Agency

router = api_router()

CSV: Final = {200: {"description": "the table", "content": {"text/csv": {"schema": {"type": "string"}}}}}


class Named(Protocol):
    """Something with an id."""

    @property
    def id(self) -> str:
        """Its id."""


N = TypeVar("N", bound=Named)


def _with_id(what: str, everything: Iterable[N], ident: str) -> N:
    """Return the one with this id.

    Raises:
        NotFound: there is none.
    """
    found = next((one for one in everything if one.id == ident), None)
    if found is None:
        raise NotFound(what, ident)
    return found


def _id(thing: Named) -> str:
    return thing.id


@router.get("/equipment", responses=gives(Page[EquipmentFacts], "equipment"))
def equipment(services: CurrentServices, by: Somebody, wanted: Part) -> Response:
    """Return the equipment that can be lent: how many pieces, and how many of them are out of order."""
    del by
    return part_of("equipment", services.desk.choices().equipment, wanted, _id)


@router.get("/equipment/{ident}", responses=gives(EquipmentFacts, "the equipment"))
def one_equipment(request: Request, ident: Ident, services: CurrentServices, by: Somebody) -> Response:
    """Return one kind of equipment."""
    del by
    return one(request, _with_id("equipment", services.desk.choices().equipment, ident))


@router.get("/accounts", responses=gives(Page[AccountFacts], "meeting accounts"))
def accounts(services: CurrentServices, by: RoomReader, wanted: Part) -> Response:
    """Return the meeting accounts with the limits of their plans."""
    del by
    return part_of("accounts", services.planner.accounts(), wanted, _id)


@router.get("/accounts/{ident}", responses=gives(AccountFacts, "the account"))
def one_account(request: Request, ident: Ident, services: CurrentServices, by: RoomReader) -> Response:
    """Return one meeting account."""
    del by
    return one(request, _with_id("account", services.planner.accounts(), ident))


@router.get("/staff", responses=gives(Page[OperatorFacts], "the division's people"))
def staff(services: CurrentServices, by: RoomReader, wanted: Part) -> Response:
    """Return the division's people with what they have learnt, their shifts, and their leave of the next weeks."""
    del by
    return part_of("staff", services.planner.staff(), wanted, _id)


@router.get("/staff/{ident}", responses=gives(OperatorFacts, "the person"))
def one_of_staff(request: Request, ident: Ident, services: CurrentServices, by: RoomReader) -> Response:
    """Return one of the division's people."""
    del by
    return one(request, _with_id("staff", services.planner.staff(), ident))


@router.post("/staff/{ident}/leave.ics", responses=gives(LeaveOut, "how much was new, and what could not be read"))
def import_leave(
    ident: Ident,
    services: CurrentServices,
    by: Keeper,
    content: Annotated[bytes, Body(media_type="text/calendar")],
) -> Response:
    """Take somebody's leave from an iCalendar file; what cannot be read of it is named."""
    taken, unread = services.feeds.take_leave(ident, content, by)
    return plain(LeaveOut(taken, unread))


@router.get("/agencies", responses=gives(Page[Agency], "agencies"))
def agencies(services: CurrentServices, by: Somebody, wanted: Part) -> Response:
    """Return the agencies that send requests."""
    del by
    return part_of("agencies", services.desk.choices().agencies, wanted, _id)


@router.get("/agencies/{ident}", responses=gives(Agency, "the agency"))
def one_agency(request: Request, ident: Ident, services: CurrentServices, by: Somebody) -> Response:
    """Return one agency."""
    del by
    return one(request, _with_id("agency", services.desk.choices().agencies, ident))


@router.get("/feeds", responses=gives(Page[Feed], "calendars to subscribe to"))
def feeds(services: CurrentServices, by: RequestReader, wanted: Part) -> Response:
    """Return the calendars that can be subscribed to, with the paths of one's own addresses for them."""
    return part_of("feeds", services.feeds.all(by), wanted, lambda feed: f"{feed.of.value}/{feed.id}")


@router.post("/feeds/renew", status_code=204)
def renew_feeds(services: CurrentServices, by: RequestReader) -> Response:
    """Make the addresses of all one's calendars anew; the old ones lead nowhere from now on."""
    services.feeds.renew(by)
    return Response(status_code=204)


@router.get("/register/{name}.csv", response_class=PlainTextResponse, responses=CSV)  # type: ignore[arg-type]  # codes may be numbers
def export_register(name: Ident, services: CurrentServices, by: Keeper) -> Response:
    """Return rooms, agencies, equipment, accounts, staff, shifts or leave as CSV."""
    del by
    text = services.register.export(name)
    return Response(text.encode(), media_type="text/csv; charset=utf-8", headers={"etag": tag_of(text)})


@router.put("/register/{name}.csv", responses=gives(TakenOut, "how many rows were taken"))
def import_register(
    request: Request,
    name: Ident,
    services: CurrentServices,
    by: Keeper,
    content: Annotated[bytes, Body(media_type="text/csv")],
) -> Response:
    """Take a CSV file in, whole or not at all; every bad cell is named."""
    expect(request, services.register.export(name))
    return plain(TakenOut(services.register.take(name, content, by)))
