"""Orders to rooms over the API: given, looked up, and the stop of all rooms."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Depends, Request
from starlette.responses import Response

from central.api.answers import Page, Part, Wanted, gives, one, part_of
from central.api.guard import CurrentServices, requires
from central.api.routes.base import Ident, api_router
from central.api.shapes import CommandIn, StopAllIn
from central.model import Person, RoomCommand
from central.permissions import Action

router = api_router()

Commander = Annotated[Person, Depends(requires(Action.COMMAND_ROOM))]
Stopper = Annotated[Person, Depends(requires(Action.STOP_ALL))]
LOOKED_AT: Final = 200
"""Orders of a room that can be looked through."""


@router.post("/rooms/{room}/commands", status_code=202, responses=gives(RoomCommand, "the order", status=202))
def give(request: Request, room: Ident, body: CommandIn, services: CurrentServices, by: Commander) -> Response:
    """Order a room to do something; `status` says at once when it is offline. The same `id` again orders nothing."""
    return one(request, services.commands.give(room, body.value(), by), status=202)


@router.get("/rooms/{room}/commands", responses=gives(Page[RoomCommand], "orders, newest first"))
def commands(room: Ident, services: CurrentServices, by: Commander, wanted: Part) -> Response:
    """Return the newest 200 orders to a room."""
    del by
    found = services.commands.of_room(room, limit=LOOKED_AT)
    return part_of("commands", found, wanted, _order, newest_first=True)


@router.get("/rooms/{room}/commands/{ident}", responses=gives(RoomCommand, "the order as it stands"))
def command(request: Request, room: Ident, ident: Ident, services: CurrentServices, by: Commander) -> Response:
    """Return one order as it stands: how far it is, or how it ended and why."""
    del by
    return one(request, services.commands.get(room, ident))


@router.post(
    "/emergency-stop", status_code=202, responses=gives(Page[RoomCommand], "an order to each room", status=202)
)
def stop_all(body: StopAllIn, services: CurrentServices, by: Stopper) -> Response:
    """Tell every room to stop what moves and go to its safe state."""
    found = services.commands.stop_all(body.reason, by, ident=body.id)
    return part_of("stop", found, Wanted(len(found) + 1), _room, status=202)


@router.get("/emergency-stop/{ident}", responses=gives(Page[RoomCommand], "what became of it, by room"))
def stopped(ident: Ident, services: CurrentServices, by: Stopper, wanted: Part) -> Response:
    """Return what became of a stop, by room; nothing for an unknown one."""
    del by
    return part_of("stop", services.commands.of_stop(ident), wanted, _room)


def _order(order: RoomCommand) -> str:
    return f"{order.issued_at.isoformat()} {order.id}"


def _room(order: RoomCommand) -> str:
    return order.room_id
