"""Requests that are not sent in yet: kept as they were typed, for the person who typed them only."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response

from central.api.answers import Page, Part, expect, gives, one, part_of
from central.api.guard import CurrentServices, paced, requires
from central.api.routes.base import Ident, api_router
from central.api.shapes import DraftFieldsIn, SendForm
from central.drafts import SavedDraft
from central.errors import Forbidden
from central.model import Person, Upload
from central.model import Request as Record
from central.pace import Kind
from central.permissions import Action
from central.services import Services
from central.typed import check_names, draft_of, form_from, over

router = api_router()

Applicant = Annotated[Person, Depends(requires(Action.SUBMIT))]


@router.get("/drafts", responses=gives(Page[SavedDraft], "drafts, newest first"))
def drafts(services: CurrentServices, by: Applicant, wanted: Part) -> Response:
    """Return one's own drafts."""
    found = services.drafts.all(by)
    return part_of("drafts", found, wanted, lambda one: f"{one.saved_at.isoformat()} {one.id}", newest_first=True)


@router.post("/drafts", status_code=201, responses=gives(SavedDraft, "the draft", status=201))
def save(request: Request, body: DraftFieldsIn, services: CurrentServices, by: Applicant) -> Response:
    """Keep what there is of a request; nothing of it is checked before it is sent in."""
    check_names(body.fields)
    return one(request, services.drafts.save(body.fields, by), status=201)


@router.get("/drafts/{ident}", responses=gives(SavedDraft, "the draft"))
def draft(request: Request, ident: Ident, services: CurrentServices, by: Applicant) -> Response:
    """Return one of one's own drafts."""
    return one(request, services.drafts.get(ident, by))


@router.put("/drafts/{ident}", responses=gives(SavedDraft, "the draft as it is now"))
def change(request: Request, ident: Ident, body: DraftFieldsIn, services: CurrentServices, by: Applicant) -> Response:
    """Keep other fields in place of a draft's."""
    expect(request, services.drafts.get(ident, by))
    check_names(body.fields)
    return one(request, services.drafts.save(body.fields, by, ident))


@router.delete("/drafts/{ident}", status_code=204)
def drop(ident: Ident, services: CurrentServices, by: Applicant) -> Response:
    """Forget a draft; one that is not there is forgotten already."""
    services.drafts.drop(ident, by)
    return Response(status_code=204)


@router.post(
    "/drafts/{ident}/submission",
    status_code=201,
    dependencies=[paced(Kind.UPLOAD)],
    responses=gives(Record, "the request with its receipt number", status=201),
)
async def submit(request: Request, ident: Ident, sent: SendForm, services: CurrentServices, by: Applicant) -> Response:
    """Send a draft in with its letter, or answer with every field that is wrong; the draft is gone afterwards."""
    upload = await sent.upload(services.settings.file.letters.at_most_mib * 1024 * 1024)
    made = await run_in_threadpool(_submitted, request, services, ident, upload, by)
    return one(request, made, version=made.version, status=201)


def _submitted(request: Request, services: Services, ident: str, upload: Upload, by: Person) -> Record:
    """Send the draft in; its id is the key, so that it becomes one request however often it is sent.

    Raises:
        Forbidden: the person belongs to no agency.
    """
    if by.agency is None:
        raise Forbidden("agency.missing", f"{by.login} belongs to no agency")
    saved = services.drafts.get(ident, by)
    expect(request, saved)
    wanted, unread = draft_of(form_from(saved.fields), by.agency.id, services.settings.zone)
    services.desk.check(wanted, upload, (*unread, *over(wanted, services.desk.now())))
    made = services.desk.submit(wanted, upload, by, key=f"draft {ident}")
    services.drafts.drop(ident, by)
    return made
