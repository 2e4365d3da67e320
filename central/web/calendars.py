"""Calendars to subscribe to, leave from a calendar, and the audit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.responses import Response

from central.api.guard import paced, public, requires
from central.backup import last_backup
from central.errors import NotFound
from central.feeds import Of
from central.model import Person
from central.pace import Kind
from central.permissions import Action
from central.settings import MissingDays
from central.web import deeds
from central.web.access import Ask, Parts, RowNumber, Typed, text
from central.web.site import see_other
from webui.i18n import N_

router = APIRouter(include_in_schema=False)

Reader = Annotated[Person, Depends(requires(Action.SEE_REQUESTS))]
Keeper = Annotated[Person, Depends(requires(Action.MANAGE_STOCK))]
HEADINGS: Final[Mapping[Of, str]] = {Of.ROOM: N_("Rooms"), Of.STAFF: N_("Staff"), Of.AGENCY: N_("Agencies")}
_TAKEN: Final = N_("Leave taken from the calendar: %(count)s new.")
_NOTHING: Final = N_("Nothing new was found in the file. Is it a calendar (.ics) with events?")
DEEDS_SHOWN: Final = 100


@router.get("/ical/{of}/{ident}/{holder}/{code}.ics", dependencies=[Depends(public), paced(Kind.FEED)])
def calendar(parts: Ask, of: str, ident: str, holder: str, code: str) -> Response:
    """Send a calendar to whoever has its address."""
    content = parts.services.feeds.calendar(of, ident, holder, code)
    headers = {"content-disposition": 'inline; filename="siaga.ics"', "cache-control": "private, max-age=300"}
    return Response(content, media_type="text/calendar; charset=utf-8", headers=headers)


@router.get("/kalender")
def calendars(request: Request, parts: Ask, person: Reader) -> Response:
    """List the calendars that this person may subscribe to."""
    return _page(request, parts, person)


@router.post("/kalender/baru")
def renew(parts: Ask, person: Reader) -> Response:
    """Make one's own addresses anew."""
    parts.services.feeds.renew(person)
    return see_other("/kalender?kata=alamat-baru")


@router.post("/kalender/cuti", dependencies=[paced(Kind.UPLOAD)])
async def take_leave(request: Request, parts: Ask, person: Keeper, form: Typed) -> Response:
    """Take somebody's leave from a calendar file; what cannot be read is named."""
    file = form.get("file")
    content = await file.read() if isinstance(file, UploadFile) else b""
    return await run_in_threadpool(_taken, request, parts, person, text(form, "operator"), content)


def _taken(request: Request, parts: Parts, person: Person, operator: str, content: bytes) -> Response:
    try:
        count, unread = parts.services.feeds.take_leave(operator, content, person)
    except NotFound:
        found = {"operator": parts.site.say(request, N_("Choose the technician."))}
        return _page(request, parts, person, status=422, mistakes=found)
    said = parts.site.say(request, _TAKEN, count=count) if count else parts.site.say(request, _NOTHING)
    return _page(request, parts, person, unread=unread, taken=said, count=count)


def _page(request: Request, parts: Parts, person: Person, *, status: int = 200, **more: object) -> Response:
    feeds = parts.services.feeds.all(person)
    groups = [(HEADINGS[of], [feed for feed in feeds if feed.of is of]) for of in Of]
    context: dict[str, object] = {
        "groups": [(heading, found) for heading, found in groups if found],
        "base": parts.services.settings.file.public_url,
        "staff": [(feed.id, feed.name) for feed in feeds if feed.of is Of.STAFF],
        "unread": (),
        "taken": "",
        "missing": missing_days(parts),
        "count": 0,
    }
    return parts.site.page(request, "calendars.html", person, context | more, status=status)


def missing_days(parts: Parts) -> tuple[MissingDays, ...]:
    """Return what the office's calendar lacks and ought to have by now."""
    today = parts.desk.now().astimezone(parts.site.zone).date()
    return parts.policy.missing(parts.services.settings.zone, today)


@router.get("/audit")
def audit(
    request: Request,
    parts: Ask,
    person: Annotated[Person, Depends(requires(Action.SEE_AUDIT))],
    before: RowNumber | None = None,
) -> Response:
    """Show who did what, newest first, and whether seals, back-up, erasing and the year's calendar are right."""
    rows = parts.services.audit.rows(before=before, limit=DEEDS_SHOWN)
    older = rows[-1].id if len(rows) == DEEDS_SHOWN else None
    found = parts.services.audit.found()
    copied, erased = last_backup(parts.services.store), parts.services.retention.last()
    receipts = parts.services.audit.receipts(deeds.named(rows))
    return parts.site.page(
        request,
        "audit.html",
        person,
        rows=parts.site.listed(request, lambda translate: deeds.shown(rows, receipts, translate)),
        older=older,
        found=found,
        copied=copied,
        erased=erased,
        kept=parts.policy.retention.model_dump(),
        missing=missing_days(parts),
    )
