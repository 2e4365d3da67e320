"""What the office has: equipment, accounts, staff, agencies; its tables as CSV; calendars."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Final, Protocol

from fastapi import Body, Depends, Request
from starlette.responses import PlainTextResponse, Response

from central.api.answers import Page, Part, expect, gives, one, part_of, plain, tag_of
from central.api.guard import CurrentServices, requires
from central.api.routes.base import Ident, Keeper, RequestReader, api_router
from central.api.shapes import LeaveOut, TakenOut
from central.domain.resources import AccountFacts, EquipmentFacts, OperatorFacts
from central.errors import NotFound
from central.feeds import Feed
from central.model import Agency
from central.permissions import Action
from central.services import Services

router = api_router()

CSV: Final = {200: {"description": "the table", "content": {"text/csv": {"schema": {"type": "string"}}}}}


class Named(Protocol):
    """Something with an id."""

    @property
    def id(self) -> str:
        """Its id."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Things that the office has: read as a list, and one by one."""

    path: str
    word: str
    shape: Any
    """What one of them is, as pydantic knows it."""
    action: Action
    all: Callable[[Services], Iterable[Named]]
    tells: str
    """What the list says of them."""


def _id(thing: Named) -> str:
    return thing.id


def _offer(kind: Kind) -> None:
    """Add the list and the single one of `kind` to the API."""
    guard, listed = [Depends(requires(kind.action))], Page.__class_getitem__(kind.shape)

    def many(services: CurrentServices, wanted: Part) -> Response:
        return part_of(kind.path, kind.all(services), wanted, _id)

    def single(request: Request, ident: Ident, services: CurrentServices) -> Response:
        found = next((thing for thing in kind.all(services) if thing.id == ident), None)
        if found is None:
            raise NotFound(kind.word, ident)
        return one(request, found)

    router.add_api_route(
        f"/{kind.path}",
        many,
        dependencies=guard,
        responses=gives(listed, kind.path),
        name=kind.path,
        description=kind.tells,
    )
    router.add_api_route(
        f"/{kind.path}/{{ident}}",
        single,
        dependencies=guard,
        responses=gives(kind.shape, f"the {kind.word}"),
        name=f"one of {kind.path}",
        description="One of them by its id.",
    )


for _kind in (
    Kind(
        "equipment",
        "equipment",
        EquipmentFacts,
        Action.BE_LOGGED_IN,
        lambda services: services.desk.choices().equipment,
        "The equipment that can be lent: how many pieces, and how many of them are out of order.",
    ),
    Kind(
        "accounts",
        "account",
        AccountFacts,
        Action.SEE_ROOMS,
        lambda services: services.planner.accounts(),
        "The meeting accounts with the limits of their plans.",
    ),
    Kind(
        "staff",
        "staff",
        OperatorFacts,
        Action.SEE_ROOMS,
        lambda services: services.planner.staff(),
        "The division's people with what they have learnt, their shifts, and their leave of the next weeks.",
    ),
    Kind(
        "agencies",
        "agency",
        Agency,
        Action.BE_LOGGED_IN,
        lambda services: services.desk.choices().agencies,
        "The agencies that send requests.",
    ),
):
    _offer(_kind)


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
