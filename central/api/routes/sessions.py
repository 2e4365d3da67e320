"""Sessions, the rooms they are in with what those say of themselves, and the reports of what took place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final

from fastapi import Depends, Query, Request
from starlette.responses import Response

from central.api.answers import LongPart, Page, Part, gives, one, page, part_of, plain
from central.api.guard import CurrentServices
from central.api.routes.base import Ident, ReportReader, RoomReader, SessionReader, api_router
from central.api.shapes import EvidenceOut, Moment
from central.errors import NotFound
from central.model import ReportRow, RoomCard, SessionRow
from central.report import pdf
from contract import Entry, ExecutionReport

router = api_router()

AHEAD: Final = timedelta(days=14)
PDF: Final = {200: {"description": "the report", "content": {"application/pdf": {}}}}


@dataclass(frozen=True, slots=True)
class Span:
    """A time that is asked for."""

    starts: Moment | None = None
    ends: Moment | None = None


@router.get("/sessions", responses=gives(Page[SessionRow], "sessions, earliest first"))
def sessions(
    services: CurrentServices,
    by: SessionReader,
    wanted: Part,
    span: Annotated[Span, Depends()],
    room: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """Return the sessions that touch a time; of the coming two weeks unless told otherwise."""
    del by
    first: datetime = span.starts or services.desk.now()
    after = wanted.after("sessions", datetime, str)
    last = span.ends or first + AHEAD
    found = services.board.sessions(first, last, room_id=room, after=after, limit=wanted.limit + 1)
    return page("sessions", found, wanted.limit, lambda row: (row.planned.start, row.planned.id))


@router.get("/sessions/{ident}", responses=gives(SessionRow, "the session"))
def session(request: Request, ident: Ident, services: CurrentServices, by: SessionReader) -> Response:
    """Return one session."""
    del by
    return one(request, services.board.session(ident))


@router.get("/rooms", responses=gives(Page[RoomCard], "rooms with their state"))
def rooms(services: CurrentServices, by: RoomReader, wanted: Part) -> Response:
    """Return every room with its state."""
    del by
    return part_of("rooms", services.board.rooms(), wanted, lambda card: card.room.id)


@router.get("/rooms/{ident}", responses=gives(RoomCard, "the room with its state"))
def room_of(request: Request, ident: Ident, services: CurrentServices, by: RoomReader) -> Response:
    """Return one room with its state.

    Raises:
        NotFound: there is none.
    """
    del by
    found = next((card for card in services.board.rooms() if card.room.id == ident), None)
    if found is None:
        raise NotFound("room", ident)
    return one(request, found)


@router.get("/rooms/{ident}/journal", responses=gives(Page[Entry], "what the room wrote down"))
def journal(
    ident: Ident,
    services: CurrentServices,
    by: SessionReader,
    wanted: LongPart,
    after: Annotated[int, Query(ge=0, le=2**53)] = 0,
) -> Response:
    """Return what a room wrote down, in its order, after the entry numbered `after`."""
    del by
    seen = wanted.after_number("journal")
    found = services.board.room_journal(ident, after=after if seen is None else seen, limit=wanted.limit + 1)
    return page("journal", found, wanted.limit, lambda entry: (entry.seq,))


@router.get("/reports", responses=gives(Page[ReportRow], "reports, newest first"))
def reports(services: CurrentServices, by: ReportReader, wanted: Part) -> Response:
    """Return the reports, newest first."""
    after = wanted.after("reports", datetime, str)
    found = services.board.reports(by, limit=wanted.limit + 1, after=after)
    return page("reports", found, wanted.limit, lambda row: (row.received_at, row.session_id))


Revision = Annotated[int | None, Query(ge=1, le=1_000_000, description="which revision; the newest without")]


@router.get("/reports/{ident}.pdf", response_class=Response, responses=PDF)  # type: ignore[arg-type]  # codes may be numbers
def report_pdf(ident: Ident, services: CurrentServices, by: ReportReader, rev: Revision = None) -> Response:
    """Return a session's report as PDF."""
    report = services.board.report(ident, by, rev=rev)
    photos, gone = services.evidence.photos(report), services.evidence.gone(report)
    office, worth = services.settings.file.office, services.board.worth(ident)
    content = pdf.render(services.board.whole(report), photos, gone=gone, office=office, worth=worth)
    name = f'attachment; filename="laporan-{ident}.pdf"'
    return Response(content, media_type="application/pdf", headers={"content-disposition": name})


@router.get("/reports/{ident}", responses=gives(ExecutionReport, "the report"))
def report(
    request: Request, ident: Ident, services: CurrentServices, by: ReportReader, rev: Revision = None
) -> Response:
    """Return a session's report; earlier revisions stay what they were."""
    return one(request, services.board.report(ident, by, rev=rev).model_dump(mode="json"))


@router.get("/reports/{ident}/evidence", responses=gives(EvidenceOut, "what the entries are worth"))
def evidence(ident: Ident, services: CurrentServices, by: ReportReader) -> Response:
    """Return what the journal entries behind a session's report are worth, and which revisions there are."""
    services.board.report(ident, by)
    return plain(EvidenceOut.of(services.board.worth(ident), services.board.revisions(ident, by)))
