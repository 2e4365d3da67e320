"""The JSON API below `/api/v1`: thin, the desk and the board do the work.

Routes that ask the database are plain functions, so FastAPI runs them in its threads.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Depends, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.encoders import jsonable_encoder
from starlette.responses import PlainTextResponse

from central.api.guard import CurrentServices, caller_of, clear_cookie, cookie_name, public, requires, set_cookie
from central.api.shapes import (
    DecisionIn,
    DelegationIn,
    DirectionIn,
    DisplacementDecisionIn,
    DisplacementIn,
    DraftForm,
    LoginIn,
    Moment,
    Number,
    OfficeDay,
    ReasonIn,
    WithdrawIn,
)
from central.delegations import Mandate
from central.domain.clocks import Step
from central.domain.findings import Verdict
from central.domain.sop import State
from central.errors import Refused
from central.model import Person
from central.permissions import Action
from central.report import pdf

ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    400: {"description": "it cannot be read"},
    401: {"description": "nobody is logged in"},
    403: {"description": "the role does not allow it, or it is not one's own"},
    404: {"description": "there is no such thing, or one may not know of it"},
    409: {"description": "against a rule: the state, a taken room, a stale version"},
    413: {"description": "too large"},
    422: {"description": "fields that are missing or wrong; `wrongs` names all of them"},
    429: {"description": "too many tries; `retry-after` says when"},
}
"""What every operation may answer besides its result: problem+json with a stable `code`."""

router = APIRouter(prefix="/api/v1", responses=ANSWERS)

Json = dict[str, Any]
"""A value of `central.model` as JSON; its shape is the dataclass's."""
Ident = str


def _json(value: object) -> Json:
    """Return a dataclass as JSON.

    Raises:
        TypeError: it is something else.
    """
    found = jsonable_encoder(value)
    if not isinstance(found, dict):
        raise TypeError(f"one thing is wanted, got {type(value).__name__}")
    return found


def _items(values: tuple[object, ...]) -> Json:
    return {"items": [_json(value) for value in values]}


@router.post("/login", dependencies=[Depends(public)])
def log_in(request: Request, body: LoginIn, services: CurrentServices, response: Response) -> Json:
    """Log in; the answer sets the session cookie."""
    person, token = services.people.log_in(body.login, body.password, caller_of(request))
    set_cookie(response, services, token)
    return _json(person)


@router.post("/logout", status_code=204)
def log_out(
    request: Request, services: CurrentServices, by: Annotated[Person, Depends(requires(Action.BE_LOGGED_IN))]
) -> Response:
    """Log out."""
    del by
    services.people.log_out(request.cookies.get(cookie_name(services), ""))
    response = Response(status_code=204)
    clear_cookie(response, services)
    return response


@router.get("/me")
def me(by: Annotated[Person, Depends(requires(Action.BE_LOGGED_IN))]) -> Json:
    """Return who is logged in."""
    return _json(by)


@router.get("/choices")
def choices(services: CurrentServices, by: Annotated[Person, Depends(requires(Action.BE_LOGGED_IN))]) -> Json:
    """Return what forms offer."""
    del by
    return _json(services.desk.choices())


@router.get("/requests")
def requests(
    services: CurrentServices,
    by: Annotated[Person, Depends(requires(Action.SEE_REQUESTS))],
    state: Annotated[list[State] | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Json:
    """Return the newest requests."""
    return _items(services.desk.requests(by, states=frozenset(state or ()), limit=limit))


@router.get("/inbox")
def inbox(services: CurrentServices, by: Annotated[Person, Depends(requires(Action.SEE_REQUESTS))]) -> Json:
    """Return what waits for the person who asks."""
    return _json(services.desk.inbox(by))


@router.post("/requests", status_code=201)
async def submit(
    draft: DraftForm,
    services: CurrentServices,
    by: Annotated[Person, Depends(requires(Action.SUBMIT))],
    idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
) -> Json:
    """Send a request in with its letter; the same Idempotency-Key makes one request."""
    upload = await draft.upload(services.settings.file.letters.at_most_mib * 1024 * 1024)
    made = await run_in_threadpool(services.desk.submit, draft.value(), upload, by, key=idempotency_key)
    return _json(made)


@router.get("/requests/{ident}")
def request_of(
    ident: Ident, services: CurrentServices, by: Annotated[Person, Depends(requires(Action.SEE_REQUESTS))]
) -> Json:
    """Return one request with its history and clocks."""
    return _json(services.desk.get(ident, by))


@router.get("/requests/{ident}/letter")
def letter(
    ident: Ident, services: CurrentServices, by: Annotated[Person, Depends(requires(Action.SEE_REQUESTS))]
) -> Response:
    """Return the letter as a download; a browser must not open it here."""
    file, content = services.desk.letter(ident, by)
    ending = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png"}[file.media_type]
    headers = {
        "content-disposition": f'attachment; filename="{file.sha256[:16]}.{ending}"',
        "content-security-policy": "sandbox; default-src 'none'",
    }
    return Response(content, media_type=file.media_type, headers=headers)


@router.post("/requests/{ident}/disposition")
def dispose(
    ident: Ident,
    body: DirectionIn,
    services: CurrentServices,
    by: Annotated[Person, Depends(requires(Action.DISPOSE))],
) -> Json:
    """Give direction: on to the division, or back."""
    return _json(services.desk.dispose(ident, body.value(), by, version=body.version))


@router.get("/requests/{ident}/verification")
def verification(
    ident: Ident,
    services: CurrentServices,
    by: Annotated[Person, Depends(requires(Action.VERIFY))],
    room: str | None = None,
    operator: str | None = None,
) -> Json:
    """Return all findings for the room and operator in question; when one fails, the nearest alternatives too."""
    asked = services.desk.get(ident, by)
    found = services.desk.verify(asked, room_id=room, operator_id=operator)
    others = services.planner.alternatives(asked, room_id=room) if found.verdict is Verdict.FAIL else ()
    return _json(found) | {"verdict": found.verdict.value} | {"alternatives": [_json(one) for one in others]}


@router.post("/requests/{ident}/displacement", status_code=201)
def propose_displacement(
    ident: Ident,
    body: DisplacementIn,
    services: CurrentServices,
    by: Annotated[Person, Depends(requires(Action.PROPOSE_DISPLACEMENT))],
) -> Json:
    """Propose who makes room for a leader; it changes nothing."""
    found = services.displacing.propose(ident, by, room_id=body.room_id, operator_id=body.operator_id)
    return _json(found)


@router.get("/displacements")
def displacements(
    services: CurrentServices,
    by: Annotated[Person, Depends(requires(Action.VERIFY))],
    request: str | None = None,
) -> Json:
    """Return the proposals about one request, or all that wait."""
    return _items(services.displacing.proposals(by, request_id=request))


@router.post("/displacements/{ident}/decision")
def decide_displacement(
    ident: Ident,
    body: DisplacementDecisionIn,
    services: CurrentServices,
    by: Annotated[Person, Depends(requires(Action.DISPLACE))],
) -> Json:
    """Apply a proposal in one's own name, or let everything be."""
    step = services.displacing.apply if body.apply else services.displacing.refuse
    return _json(step(ident, body.reason, by))


@router.get("/punctuality")
def punctuality(
    since: Moment, services: CurrentServices, by: Annotated[Person, Depends(requires(Action.SEE_FIGURES))]
) -> Json:
    """Return how the time standards were kept by the requests since then, and what ran late; spans in seconds."""
    del by
    return _json(services.timekeeping.punctuality(since))


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


@router.get("/delegations")
def delegations(services: CurrentServices, by: Annotated[Person, Depends(requires(Action.DELEGATE))]) -> Json:
    """Return the periods with an acting head, newest first."""
    del by
    return _items(services.delegations.all())


@router.post("/delegations", status_code=201)
def delegate(
    body: DelegationIn, services: CurrentServices, by: Annotated[Person, Depends(requires(Action.DELEGATE))]
) -> Json:
    """Let somebody act for the head of the office for a period."""
    return _json(services.delegations.make(Mandate(**body.model_dump()), by))


@router.post("/delegations/{ident}/end")
def end_delegation(
    ident: Ident, services: CurrentServices, by: Annotated[Person, Depends(requires(Action.DELEGATE))]
) -> Json:
    """End a period now."""
    return _json(services.delegations.end(ident, by))


@router.get("/equipment")
def equipment(services: CurrentServices, by: Annotated[Person, Depends(requires(Action.BE_LOGGED_IN))]) -> Json:
    """Return the equipment that can be lent: how many pieces, and how many of them are out of order."""
    del by
    return _items(services.desk.choices().equipment)


@router.get("/accounts")
def accounts(services: CurrentServices, by: Annotated[Person, Depends(requires(Action.SEE_ROOMS))]) -> Json:
    """Return the meeting accounts with the limits of their plans."""
    del by
    return _items(services.planner.accounts())


@router.get("/staff")
def staff(services: CurrentServices, by: Annotated[Person, Depends(requires(Action.SEE_ROOMS))]) -> Json:
    """Return the division's people with what they have learnt, their shifts, and their leave of the next weeks."""
    del by
    return _items(services.planner.staff())


@router.get("/agencies")
def agencies(services: CurrentServices, by: Annotated[Person, Depends(requires(Action.BE_LOGGED_IN))]) -> Json:
    """Return the agencies that send requests."""
    del by
    return _items(services.desk.choices().agencies)


@router.get("/calendar")
def calendar(
    first: OfficeDay,
    last: OfficeDay,
    services: CurrentServices,
    by: Annotated[Person, Depends(requires(Action.BE_LOGGED_IN))],
) -> Json:
    """Return the office's days: whether it works, from when to when, and which holiday it is; 366 days at most."""
    del by
    return _items(services.planner.calendar(first, last))


@router.get("/availability")
def availability(
    day: OfficeDay, services: CurrentServices, by: Annotated[Person, Depends(requires(Action.BE_LOGGED_IN))]
) -> Json:
    """Return when each room is taken on a day, setting up and clearing away included."""
    del by
    return _items(services.planner.availability(day))


@router.get("/feeds")
def feeds(services: CurrentServices, by: Annotated[Person, Depends(requires(Action.SEE_REQUESTS))]) -> Json:
    """Return the calendars that can be subscribed to, with the paths of their addresses."""
    return _items(services.feeds.all(by))


@router.post("/staff/{ident}/leave.ics")
def import_leave(
    ident: Ident,
    services: CurrentServices,
    by: Annotated[Person, Depends(requires(Action.MANAGE_STOCK))],
    content: Annotated[bytes, Body(media_type="text/calendar")],
) -> Json:
    """Take somebody's leave from an iCalendar file; what cannot be read of it is named."""
    taken, unread = services.feeds.take_leave(ident, content, by)
    return {"taken": taken, "unread": [_json(one) for one in unread]}


@router.get("/audit")
def audit(
    services: CurrentServices,
    by: Annotated[Person, Depends(requires(Action.SEE_AUDIT))],
    before: Annotated[int | None, Query(ge=1, le=2**53)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Json:
    """Return who did what, newest first; `next` is the `before` of the following page."""
    del by
    rows = services.audit.rows(before=before, limit=limit)
    return _items(rows) | {"next": rows[-1].id if len(rows) == limit else None}


@router.get("/messages")
def messages(
    services: CurrentServices, by: Annotated[Person, Depends(requires(Action.SEE_MESSAGES))], state: str = ""
) -> Json:
    """Return the newest messages to people and programs."""
    del by
    return _items(services.mailbox.messages(state=state))


@router.post("/messages/{number}/again", status_code=204)
def send_again(
    number: Number, services: CurrentServices, by: Annotated[Person, Depends(requires(Action.SEND_AGAIN))]
) -> Response:
    """Send a message again that was not taken."""
    services.mailbox.again(number, by)
    return Response(status_code=204)


@router.get("/register/{name}.csv", response_class=PlainTextResponse)
def export_register(
    name: str, services: CurrentServices, by: Annotated[Person, Depends(requires(Action.MANAGE_STOCK))]
) -> Response:
    """Return rooms, agencies, equipment, accounts, staff, shifts or leave as CSV."""
    del by
    return Response(services.register.export(name).encode(), media_type="text/csv; charset=utf-8")


@router.put("/register/{name}.csv")
def import_register(
    name: str,
    services: CurrentServices,
    by: Annotated[Person, Depends(requires(Action.MANAGE_STOCK))],
    content: Annotated[bytes, Body(media_type="text/csv")],
) -> Json:
    """Take a CSV file in, whole or not at all; every bad cell is named."""
    return {"taken": services.register.take(name, content, by)}


@router.get("/series/{ident}")
def series(
    ident: Ident, services: CurrentServices, by: Annotated[Person, Depends(requires(Action.SEE_REQUESTS))]
) -> Json:
    """Return every time of a request that recurs."""
    return _items(services.desk.series(ident, by))


@router.post("/series/{ident}/disposition")
def dispose_series(
    ident: Ident,
    body: DirectionIn,
    services: CurrentServices,
    by: Annotated[Person, Depends(requires(Action.DISPOSE))],
) -> Json:
    """Give one direction to all times that wait for it; each is decided by itself later."""
    return _items(services.desk.dispose_series(ident, body.value(), by))


@router.get("/servable")
def servable(
    day: OfficeDay, services: CurrentServices, by: Annotated[Person, Depends(requires(Action.VERIFY))]
) -> Json:
    """Return which of a day's waiting requests can be served together, with which units, and why not the others."""
    del by
    found = services.planner.servable(day)
    return {
        "day": day.isoformat(),
        "proven": found.best.proven,
        "served": [{"request": ident, "units": units} for ident, units in sorted(found.best.served.items())],
        "left_out": [_json(left) for left in found.best.left_out],
        "impossible": [
            {"request": request.id, "findings": [_json(finding) for finding in findings]}
            for request, findings in found.impossible
        ],
    }


@router.post("/requests/{ident}/decision")
def decide(
    ident: Ident, body: DecisionIn, services: CurrentServices, by: Annotated[Person, Depends(requires(Action.DECIDE))]
) -> Json:
    """Approve with room and operator, or refuse with reasons; what cannot be approved is answered with alternatives.

    Raises:
        Refused: it is not approved.
    """
    try:
        return _json(services.desk.decide(ident, body.value(), by, version=body.version))
    except Refused as error:
        if not error.findings:
            raise
        others = services.planner.alternatives(services.desk.get(ident, by), room_id=body.room_id)
        raise Refused(error.code, str(error), error.findings, **error.values, alternatives=others) from error


@router.post("/requests/{ident}/withdraw")
def withdraw(
    ident: Ident,
    body: WithdrawIn,
    services: CurrentServices,
    by: Annotated[Person, Depends(requires(Action.WITHDRAW))],
) -> Json:
    """Take a request back, or call its session off."""
    return _json(services.desk.withdraw(ident, body.reason, by, version=body.version))


@router.get("/sessions")
def sessions(
    services: CurrentServices,
    by: Annotated[Person, Depends(requires(Action.SEE_SESSIONS))],
    starts: Moment | None = None,
    ends: Moment | None = None,
    room: str | None = None,
) -> Json:
    """Return the sessions that touch a time; of the coming two weeks unless told otherwise."""
    del by
    first: datetime = starts or services.desk.now()
    return _items(services.board.sessions(first, ends or first + timedelta(days=14), room_id=room))


@router.get("/sessions/{ident}")
def session(
    ident: Ident, services: CurrentServices, by: Annotated[Person, Depends(requires(Action.SEE_SESSIONS))]
) -> Json:
    """Return one session."""
    del by
    return _json(services.board.session(ident))


@router.get("/rooms")
def rooms(services: CurrentServices, by: Annotated[Person, Depends(requires(Action.SEE_ROOMS))]) -> Json:
    """Return every room with its state."""
    del by
    return _items(services.board.rooms())


@router.get("/rooms/{ident}/journal")
def journal(
    ident: Ident,
    services: CurrentServices,
    by: Annotated[Person, Depends(requires(Action.SEE_SESSIONS))],
    after: Annotated[int, Query(ge=0, le=2**53)] = 0,
    limit: Annotated[int, Query(ge=1, le=5000)] = 1000,
) -> Json:
    """Return what a room wrote down, in its order, after the entry numbered `after`."""
    del by
    return _items(services.board.room_journal(ident, after=after, limit=limit))


@router.get("/reports")
def reports(services: CurrentServices, by: Annotated[Person, Depends(requires(Action.SEE_REPORTS))]) -> Json:
    """Return the reports, newest first."""
    return _items(services.board.reports(by))


Revision = Annotated[int | None, Query(ge=1, le=1_000_000, description="Which revision; the newest without.")]


@router.get("/reports/{ident}.pdf")
def report_pdf(
    ident: Ident,
    services: CurrentServices,
    by: Annotated[Person, Depends(requires(Action.SEE_REPORTS))],
    rev: Revision = None,
) -> Response:
    """Return a session's report as PDF."""
    report = services.board.report(ident, by, rev=rev)
    content = pdf.render(
        services.board.whole(report), services.evidence.photos(report), evidence=services.board.evidence(ident)
    )
    name = f'attachment; filename="laporan-{ident}.pdf"'
    return Response(content, media_type="application/pdf", headers={"content-disposition": name})


@router.get("/reports/{ident}")
def report(
    ident: Ident,
    services: CurrentServices,
    by: Annotated[Person, Depends(requires(Action.SEE_REPORTS))],
    rev: Revision = None,
) -> Json:
    """Return a session's report; earlier revisions stay what they were."""
    return services.board.report(ident, by, rev=rev).model_dump(mode="json")


@router.get("/reports/{ident}/evidence")
def evidence(
    ident: Ident, services: CurrentServices, by: Annotated[Person, Depends(requires(Action.SEE_REPORTS))]
) -> Json:
    """Return what the journal entries behind a session's report are worth, and which revisions there are."""
    services.board.report(ident, by)
    found = services.board.evidence(ident)
    return {
        "fits": found.fits,
        "unchained": found.unchained,
        "streams": [asdict(one) for one in found.stretches],
        "faults": [{"seq": seq, "harm": harm} for seq, harm in found.faults],
        "revisions": list(services.board.revisions(ident, by)),
    }
