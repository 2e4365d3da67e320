"""Where rooms bring their pictures; a room shows the credentials that it shows the broker."""

from __future__ import annotations

import asyncio
import base64
import binascii
from dataclasses import dataclass
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request
from starlette.responses import Response

from central.api.guard import CurrentServices, public
from central.broker import Doors
from central.errors import NotLoggedIn
from central.evidence import Evidence
from contract.evidence import LENGTH, MOST_BYTES, OFFSET

router = APIRouter(prefix="/api/v1/rooms", include_in_schema=False, dependencies=[Depends(public)])

Offset = Annotated[int, Header(alias=OFFSET, ge=0, le=MOST_BYTES)]
Length = Annotated[int, Header(alias=LENGTH, ge=1, le=MOST_BYTES)]


@dataclass(frozen=True, slots=True)
class Piece:
    """Which picture a room asks for; it is this room that asks."""

    evidence: Evidence
    room: str
    sha256: str


def _piece(request: Request, services: CurrentServices, room: str, sha256: str) -> Piece:
    """Return the piece that is asked for.

    Raises:
        NotLoggedIn: these are not the room's credentials.
    """
    scheme, _, coded = request.headers.get("authorization", "").partition(" ")
    try:
        username, _, password = base64.b64decode(coded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise NotLoggedIn from None
    doors = Doors(services.settings.folder / "broker")
    if scheme.lower() != "basic" or username != room or not doors.admits(username, password):
        raise NotLoggedIn
    return Piece(services.evidence, room, sha256)


Asked = Annotated[Piece, Depends(_piece)]


def _held(held: int | None) -> Response:
    """Return where to go on; that a picture is whole is said with 200."""
    return Response(status_code=200) if held is None else Response(status_code=204, headers={OFFSET: str(held)})


@router.head("/{room}/evidence/{sha256}")
def held(asked: Asked) -> Response:
    """Say how much of a picture is here."""
    return _held(asked.evidence.held(asked.room, asked.sha256))


@router.patch("/{room}/evidence/{sha256}")
async def add(request: Request, asked: Asked, offset: Offset, length: Length) -> Response:
    """Take a part of a picture."""
    part = await request.body()
    add_it = partial(asked.evidence.add, asked.room, asked.sha256, part, offset=offset, length=length)
    return _held(await asyncio.to_thread(add_it))
