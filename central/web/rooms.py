"""The wall, the schedule and the rooms, and the live socket that keeps the wall true."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request, WebSocket
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from central import bell
from central.api.guard import person_of, requires
from central.db.outage import outlast
from central.domain.sop import State
from central.errors import Away
from central.model import Person, RoomCard, Wall
from central.permissions import Action, may
from central.services import Services
from central.web import views
from central.web.access import Ask, Parts, parts_of
from central.web.views import CardShown
from webui.reasons import Translate

router = APIRouter(include_in_schema=False)

Viewer = Annotated[Person, Depends(requires(Action.SEE_ROOMS))]
FIRST_YEAR, LAST_YEAR = 2000, 2199
"""A day that is asked for outside of these is a slip of the pen: today is shown."""
SILENCE_EVERY_S = 5.0
TRY_AGAIN_LATER = 1013
"""Code of a socket that is closed because nobody can be asked who it is."""
SLICES = {
    bell.ROOMS: "rooms",
    bell.REPORTS: "rooms",
    bell.COMMANDS: "commands",
    bell.SCHEDULE: "plan",
    bell.REQUESTS: "plan",
}
"""What rings, and which slice of the wall it changes; a slice is a number that rises."""


@dataclass(frozen=True, slots=True)
class RoomRow:
    """A room in the list."""

    card: CardShown
    known: RoomCard


async def follow(parts: Parts) -> None:
    """Tell open walls what changed, until cancelled; run it beside the web server."""
    told = dict.fromkeys(SLICES.values(), 0)
    with parts.bell.listening(*SLICES) as listener:
        async for rung in listener:
            for name in {SLICES[topic] for topic in rung}:
                told[name] += 1
                parts.site.hub.put(name, told[name])


async def ring_at_silence(services: Services) -> None:
    """Ring when a room has been silent for too long, or speaks again, until cancelled: silence sends no message."""
    silent = await outlast("silence", services.board.silent)
    while True:
        await asyncio.sleep(SILENCE_EVERY_S)
        before, silent = silent, await outlast("silence", services.board.silent)
        if silent != before:
            services.bell.ring(bell.ROOMS)


@router.get("/dinding")
def wall(request: Request, parts: Ask, person: Viewer) -> Response:
    """Show every room and the day; `tv=1` without the bar."""
    now = parts.board.wall()
    return parts.site.page(
        request,
        "wall.html",
        person,
        _rooms(request, parts, now) | _day(request, parts, now, parts.board.day(now.at)[0]) | _dark(request),
        tv=request.query_params.get("tv") == "1",
        hub=parts.site.hub,
    )


def _dark(request: Request) -> dict[str, object]:
    """Return the wall's own theme: night, unless day was chosen."""
    return {} if request.cookies.get("siaga_tema") == "light" else {"theme": "dark"}


@router.get("/f/dinding")
def rooms_part(request: Request, parts: Ask, _person: Viewer) -> Response:
    """Return the cards alone."""
    return parts.site.part(request, "f/wall.html", _rooms(request, parts, parts.board.wall()))


@router.get("/f/hari")
def day_part(request: Request, parts: Ask, _person: Viewer) -> Response:
    """Return the day's grid alone."""
    now = parts.board.wall()
    return parts.site.part(request, "f/day.html", _day(request, parts, now, parts.board.day(now.at)[0]))


@router.websocket("/live")
async def live(websocket: WebSocket) -> None:
    """Serve one wall's socket to whoever may see rooms."""
    try:
        person = await run_in_threadpool(person_of, websocket)
    except Away:
        await websocket.close(TRY_AGAIN_LATER)
        return
    if person is None or not may(person, Action.SEE_ROOMS):
        await websocket.close(1008)
        return
    await parts_of(websocket).site.hub.serve(websocket)


def _rooms(request: Request, parts: Parts, now: Wall) -> dict[str, object]:
    listed = parts.site.listed
    return {
        "now": now.at,
        "clock_zone": str(parts.site.zone),
        "cards": listed(request, lambda translate: views.cards(now, translate)),
        "counts": listed(request, lambda translate: views.counts(now, translate)),
    }


def _day(request: Request, parts: Parts, shown: Wall, first: datetime) -> dict[str, object]:
    day = views.day_of(shown, first)
    return {
        "day": day,
        "names": {card.room.id: card.room.name for card in shown.cards},
        "slots": dict(parts.site.listed(request, lambda translate: views.slots(shown, translate).items())),
        "rows": views.rows_of(day),
        "agenda": views.agenda(day),
        "now_line": day.line(shown.at) if day.start <= shown.at < day.end else 0,
    }


@router.get("/jadwal")
def schedule(request: Request, parts: Ask, person: Viewer) -> Response:
    """Show one day: today, or the one asked for."""
    moment = _asked(request.query_params.get("hari", ""), parts)
    first, last = parts.board.day(moment)
    states = frozenset({State.SUBMITTED, State.DISPOSED})
    shown = Wall(
        at=parts.desk.now(),
        cards=parts.board.rooms(),
        sessions=parts.board.sessions(first, last),
        waiting=parts.desk.requests(person, states=states, within=(first, last)),
    )
    days: dict[str, object] = {
        "today": first.date(),
        "before": (first - timedelta(days=1)).date(),
        "after": last.date(),
        "gap": parts.desk.assess.rules(first).calendar.gap(first.date()),
    }
    return parts.site.page(request, "schedule.html", person, _day(request, parts, shown, first) | days, first=first)


def _asked(text: str, parts: Parts) -> datetime:
    try:
        day = datetime.fromisoformat(text).date()
    except ValueError:
        return parts.desk.now()
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        return parts.desk.now()
    return datetime.combine(day, time(12), tzinfo=parts.site.zone)


@router.get("/ruang")
def rooms(request: Request, parts: Ask, person: Viewer) -> Response:
    """List every room with its state."""
    now = Wall(parts.desk.now(), parts.board.rooms(), (), ())

    def listed(translate: Translate) -> list[RoomRow]:
        return [RoomRow(card, known) for card, known in zip(views.cards(now, translate), now.cards, strict=True)]

    return parts.site.page(request, "rooms.html", person, rows=parts.site.listed(request, listed))
