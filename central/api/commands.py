"""Orders to rooms over the API: given, looked up, and the stop of all rooms."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.encoders import jsonable_encoder

from central.api.guard import CurrentServices, requires
from central.api.routes import ANSWERS, Ident, Json
from central.api.shapes import CommandIn, StopAllIn
from central.model import Person, RoomCommand
from central.permissions import Action

router = APIRouter(prefix="/api/v1", responses=ANSWERS)

Commander = Annotated[Person, Depends(requires(Action.COMMAND_ROOM))]
Stopper = Annotated[Person, Depends(requires(Action.STOP_ALL))]


def _json(command: RoomCommand) -> Json:
    return dict(jsonable_encoder(command))


def _items(commands: tuple[RoomCommand, ...]) -> Json:
    return {"items": [_json(command) for command in commands]}


@router.post("/rooms/{room}/commands", status_code=202)
def give(room: Ident, body: CommandIn, services: CurrentServices, by: Commander) -> Json:
    """Order a room to do something; `status` says at once when it is offline. The same `id` again orders nothing."""
    return _json(services.commands.give(room, body.value(), by))


@router.get("/rooms/{room}/commands")
def commands(
    room: Ident, services: CurrentServices, by: Commander, limit: Annotated[int, Query(ge=1, le=200)] = 20
) -> Json:
    """Return the newest orders to a room."""
    del by
    return _items(services.commands.of_room(room, limit=limit))


@router.get("/rooms/{room}/commands/{ident}")
def command(room: Ident, ident: Ident, services: CurrentServices, by: Commander) -> Json:
    """Return one order as it stands: how far it is, or how it ended and why."""
    del by
    return _json(services.commands.get(room, ident))


@router.post("/emergency-stop", status_code=202)
def stop_all(body: StopAllIn, services: CurrentServices, by: Stopper) -> Json:
    """Tell every room to stop what moves and go to its safe state."""
    return _items(services.commands.stop_all(body.reason, by, ident=body.id))


@router.get("/emergency-stop/{ident}")
def stopped(ident: Ident, services: CurrentServices, by: Stopper) -> Json:
    """Return what became of a stop, by room; nothing for an unknown one."""
    del by
    return _items(services.commands.of_stop(ident))
