"""Requests (permohonan) with direction, verification, decision and withdrawal; requests that recur."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from fastapi import Depends, Header, Query, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response

from central.api.answers import Key, Page, Part, gives, one, only_if_unchanged, page, part_of, plain, seen_version
from central.api.guard import CurrentServices, paced, requires
from central.api.routes.base import Director, Ident, RequestReader, Verifier, api_router
from central.api.shapes import AgainForm, DecisionIn, DirectionIn, DraftForm, Findings, OfferIn, ReasonIn, WithdrawIn
from central.domain.clocks import Step
from central.domain.findings import Verdict
from central.domain.sop import State
from central.errors import Refused
from central.model import Inbox, Person, RequestChange
from central.model import Request as Record
from central.pace import Kind
from central.permissions import Action
from central.sought import LONGEST, Sought

router = api_router()

LETTER = {"200": {"description": "the letter", "content": {"application/pdf": {}, "image/jpeg": {}, "image/png": {}}}}


def request_key(record: Record) -> Key:
    """Return what the list of requests is ordered by."""
    return (record.submitted_at, record.id)


def _record(request: Request, record: Record, status: int = 200) -> Response:
    return one(request, record, version=record.version, status=status)


def _sought(
    q: Annotated[
        str, Query(max_length=LONGEST, description="words of receipt or letter number, title, agency; all count")
    ] = "",
    agency: Annotated[str, Query(max_length=LONGEST, description="an agency's id")] = "",
    room: Annotated[str, Query(max_length=LONGEST, description="the id of the room that is asked for")] = "",
    first: Annotated[
        date | None, Query(alias="from", description="first day of the event, in the office's zone")
    ] = None,
    last: Annotated[date | None, Query(alias="until", description="its last day")] = None,
) -> Sought:
    return Sought(q, agency, room, first, last)


@router.get("/requests", responses=gives(Page[Record], "requests, newest first"))
def requests(
    services: CurrentServices,
    by: RequestReader,
    wanted: Part,
    sought: Annotated[Sought, Depends(_sought)],
    state: Annotated[list[State] | None, Query()] = None,
) -> Response:
    """Return the newest requests that one may see.

    A whole receipt number is found whenever it came. Other words and a room are looked for among the
    requests that came in the last 366 days, or among events of the days that are named, 366 at most
    (one day named: 366 days from or up to it). An event is found by its days when it was asked for
    at most two years before.
    """
    states, after = frozenset(state or ()), wanted.after("requests", datetime, str)
    found = services.desk.requests(by, states=states, sought=sought, limit=wanted.limit + 1, after=after)
    return page("requests", found, wanted.limit, request_key)


@router.get("/inbox", responses=gives(Inbox, "what waits"))
def inbox(services: CurrentServices, by: RequestReader) -> Response:
    """Return what waits for the person who asks."""
    return plain(services.desk.inbox(by))


@router.post(
    "/requests",
    status_code=201,
    dependencies=[paced(Kind.UPLOAD)],
    responses=gives(Record, "the request with its receipt number", status=201),
)
async def submit(
    request: Request,
    draft: DraftForm,
    services: CurrentServices,
    by: Annotated[Person, Depends(requires(Action.SUBMIT))],
    idempotency_key: Annotated[str | None, Header(max_length=200, include_in_schema=False)] = None,
) -> Response:
    """Send a request in with its letter; the same Idempotency-Key makes one request."""
    upload = await draft.upload(services.settings.file.letters.at_most_mib * 1024 * 1024)
    made = await run_in_threadpool(services.desk.submit, draft.value(), upload, by, key=idempotency_key)
    return _record(request, made, 201)


@router.post(
    "/requests/{ident}/resubmission",
    dependencies=[paced(Kind.UPLOAD)],
    responses=gives(Record, "the request as it is now"),
)
async def resubmit(
    request: Request,
    ident: Ident,
    again: AgainForm,
    services: CurrentServices,
    by: Annotated[Person, Depends(requires(Action.SUBMIT))],
) -> Response:
    """Send a returned request in again, changed; each time of a series by itself."""
    version = seen_version(request, None)
    upload = await again.upload(services.settings.file.letters.at_most_mib * 1024 * 1024)
    agency = by.agency.id if by.agency is not None else ""
    with only_if_unchanged(request):
        resubmitted = services.desk.resubmit
        changed = await run_in_threadpool(resubmitted, ident, again.draft(agency), upload, by, version=version)
    return _record(request, changed)


@router.get("/requests/{ident}", responses=gives(Record, "the request"))
def request_of(request: Request, ident: Ident, services: CurrentServices, by: RequestReader) -> Response:
    """Return one request with its history and clocks."""
    return _record(request, services.desk.get(ident, by))


@router.get("/requests/{ident}/changes", responses=gives(Page[RequestChange], "what changed, version by version"))
def changes(ident: Ident, services: CurrentServices, by: RequestReader, wanted: Part) -> Response:
    """Return what was changed each time the request was sent in again, oldest first."""
    found = services.desk.changes(services.desk.get(ident, by))
    return part_of("changes", found, wanted, lambda change: change.at.isoformat())


@router.get("/requests/{ident}/letter", response_class=Response, responses=LETTER)  # type: ignore[arg-type]  # codes may be text
def letter(ident: Ident, services: CurrentServices, by: RequestReader) -> Response:
    """Return the letter as a download; a browser must not open it here."""
    file, content = services.desk.letter(ident, by)
    ending = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png"}[file.media_type]
    headers = {
        "content-disposition": f'attachment; filename="{file.sha256[:16]}.{ending}"',
        "content-security-policy": "sandbox; default-src 'none'",
        "etag": f'"{file.sha256[:20]}"',
    }
    return Response(content, media_type=file.media_type, headers=headers)


@router.post("/requests/{ident}/disposition", responses=gives(Record, "the request as it is now"))
def dispose(request: Request, ident: Ident, body: DirectionIn, services: CurrentServices, by: Director) -> Response:
    """Give direction: on to the division, or back."""
    version = seen_version(request, body.version)
    with only_if_unchanged(request):
        return _record(request, services.desk.dispose(ident, body.value(), by, version=version))


@router.get("/requests/{ident}/verification", responses=gives(Findings, "all findings"))
def verification(
    ident: Ident,
    services: CurrentServices,
    by: Verifier,
    room: Annotated[str | None, Query(max_length=200)] = None,
    operator: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """Return all findings for the room and operator in question; when one fails, the nearest alternatives too."""
    asked = services.desk.get(ident, by)
    found = services.desk.verify(asked, room_id=room, operator_id=operator)
    others = services.planner.alternatives(asked, room_id=room) if found.verdict is Verdict.FAIL else ()
    return plain(Findings.of(found, others))


@router.post("/requests/{ident}/decision", responses=gives(Record, "the request as it is now"))
def decide(
    request: Request,
    ident: Ident,
    body: DecisionIn,
    services: CurrentServices,
    by: Annotated[Person, Depends(requires(Action.DECIDE))],
) -> Response:
    """Approve with room and operator, or refuse with reasons; what cannot be approved is answered with alternatives.

    Raises:
        Refused: it is not approved.
    """
    version = seen_version(request, body.version)
    try:
        with only_if_unchanged(request):
            return _record(request, services.desk.decide(ident, body.value(), by, version=version))
    except Refused as error:
        request.app.state.metrics.refused(error)
        if not error.findings:
            raise
        others = services.planner.alternatives(services.desk.get(ident, by), room_id=body.room_id)
        raise Refused(error.code, str(error), error.findings, **error.values, alternatives=others) from error


@router.post("/requests/{ident}/offer", responses=gives(Record, "the request as it is now"))
def offer(
    request: Request,
    ident: Ident,
    body: OfferIn,
    services: CurrentServices,
    by: Annotated[Person, Depends(requires(Action.DECIDE))],
) -> Response:
    """Send the request back with one of its alternatives; taking it up is the applicant's resubmission."""
    version = seen_version(request, body.version)
    with only_if_unchanged(request):
        returned = services.offering.offer(
            ident, body.key, by, say=lambda _: body.note, room_id=body.for_room, version=version
        )
    return _record(request, returned)


@router.post("/requests/{ident}/withdraw", responses=gives(Record, "the request as it is now"))
def withdraw(
    request: Request,
    ident: Ident,
    body: WithdrawIn,
    services: CurrentServices,
    by: Annotated[Person, Depends(requires(Action.WITHDRAW))],
) -> Response:
    """Take a request back, or call its session off."""
    version = seen_version(request, body.version)
    with only_if_unchanged(request):
        return _record(request, services.desk.withdraw(ident, body.reason, by, version=version))


@router.post("/requests/{ident}/clocks/{step}/reason", status_code=204)
def explain_breach(
    ident: Ident,
    step: Step,
    body: ReasonIn,
    services: CurrentServices,
    by: Annotated[Person, Depends(requires(Action.EXPLAIN_BREACH))],
) -> Response:
    """Write down why a step is, or was, late."""
    services.timekeeping.explain(ident, step, body.reason, by)
    return Response(status_code=204)


@router.get("/series/{ident}", responses=gives(Page[Record], "every time of it"))
def series(ident: Ident, services: CurrentServices, by: RequestReader, wanted: Part) -> Response:
    """Return every time of a request that recurs."""
    found = services.desk.series(ident, by)
    return part_of("series", found, wanted, lambda record: f"{record.starts.isoformat()} {record.id}")


@router.post("/series/{ident}/disposition", responses=gives(list[Record], "every time of it as it is now"))
def dispose_series(ident: Ident, body: DirectionIn, services: CurrentServices, by: Director) -> Response:
    """Give one direction to all times that wait for it; each is decided by itself later."""
    return plain(services.desk.dispose_series(ident, body.value(), by))
