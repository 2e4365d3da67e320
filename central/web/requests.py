"""What applicants do: send a request in, follow it, take it back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from central.api.guard import paced, public, requires
from central.domain.sop import Event, State, possible
from central.domain.words import PLATFORMS, Role, platform_name
from central.errors import Forbidden, Invalid, Refused, Wrong
from central.model import Direction, Person, Room
from central.model import Request as Record
from central.pace import Kind
from central.permissions import Action, may
from central.typed import SITE, RequestForm, draft_of, fields_of, form_from, form_of, over, with_offer
from central.web import alternatives, changes, listing, words
from central.web.access import Ask, Letter, Parts, Sent, Typed, number, text, texts
from central.web.findings import span
from central.web.forms import mistakes
from central.web.site import see_other
from webui.i18n import N_

router = APIRouter(include_in_schema=False)

Applicant = Annotated[Person, Depends(requires(Action.SUBMIT))]
Withdrawer = Annotated[Person, Depends(requires(Action.WITHDRAW))]
Reader = Annotated[Person, Depends(requires(Action.SEE_REQUESTS))]

CHANGED = N_("This request changed while you looked at it; it is shown as it is now. Nothing was done.")
CLOSED = N_("This step is not possible any more: the request is shown as it is now.")


@router.get("/permohonan")
def requests(request: Request, parts: Ask, person: Reader) -> Response:
    """List the requests this person may see, newest first, or those that are looked for."""
    context = listing.listed(request, parts, person)
    first = may(person, Action.SUBMIT) and not request.query_params.keys() - {"kata"}
    saved = parts.services.drafts.all(person) if first else ()
    status = 422 if context["mistakes"] else 200
    return parts.site.page(request, "requests.html", person, context, status=status, drafts=saved)


@router.get("/permohonan/baru")
def new_request(request: Request, parts: Ask, person: Applicant) -> Response:
    """Show an empty form, or a draft."""
    ident = request.query_params.get("konsep", "")
    form = RequestForm(contact_name=person.name)
    if ident:
        form = form_from(parts.services.drafts.get(ident, person).fields)
    return _form(request, parts, person, form, (), draft=ident)


@router.post("/permohonan/baru", dependencies=[paced(Kind.UPLOAD)])
def submit(request: Request, parts: Ask, person: Applicant, typed: Typed, letter: Letter) -> Response:
    """Take the request in, or show the form again with every mistake and all that was typed.

    Raises:
        Forbidden: the person belongs to no agency.
    """
    if person.agency is None:
        raise Forbidden("agency.missing", f"{person.login} belongs to no agency")
    form = form_from(texts(typed))
    ident = text(typed, "draft_id")
    if text(typed, "save") == "yes":
        return _save_draft(request, parts, person, form, ident)
    draft, unread = draft_of(form, person.agency.id, parts.site.zone)
    try:
        parts.desk.check(draft, letter, (*unread, *over(draft, parts.desk.now())))
        record = parts.desk.submit(draft, letter, person, key=form.key)
    except Invalid as error:
        return _form(request, parts, person, form, error.wrongs, draft=ident)
    parts.services.drafts.drop(ident, person)
    return see_other(f"/permohonan/{record.id}?kata=terkirim")


def _save_draft(request: Request, parts: Parts, person: Person, form: RequestForm, ident: str) -> Response:
    """Keep what was typed, all of it or with mistakes, and go on with it."""
    try:
        saved = parts.services.drafts.save(fields_of(form), person, ident or None)
    except Invalid as error:
        return _form(request, parts, person, form, error.wrongs, draft=ident)
    return see_other(f"/permohonan/baru?konsep={saved.id}&kata=tersimpan")


@router.post("/permohonan/konsep/{ident}/hapus")
def drop_draft(parts: Ask, person: Applicant, ident: str) -> Response:
    """Forget a draft."""
    parts.services.drafts.drop(ident, person)
    return see_other("/permohonan")


@router.get("/permohonan/{ident}/ubah")
def returned_form(request: Request, parts: Ask, person: Applicant, ident: str) -> Response:
    """Show a returned request as the form it was, to be changed and sent again; `tawaran` fills in what was offered."""
    record = parts.desk.get(ident, person)
    if record.state is not State.RETURNED:
        return see_other(f"/permohonan/{ident}")
    form = form_of(record, parts.site.zone)
    offered = parts.offering.standing(record) if "tawaran" in request.query_params else None
    if offered is not None:
        form = with_offer(form, offered, parts.site.zone)
    return _form(request, parts, person, form, (), again=ident)


@router.post("/permohonan/{ident}/ubah", dependencies=[paced(Kind.UPLOAD)])
def send_again(request: Request, parts: Ask, person: Applicant, ident: str, sent: Sent) -> Response:
    """Send a returned request in again, or show the form with every mistake; without a letter it keeps its own."""
    record = parts.desk.get(ident, person)
    form = form_from(texts(sent.typed))
    draft, unread = draft_of(form, record.agency.id, parts.site.zone)
    draft = replace(draft, repeat=None)  # each time of a series is sent again by itself
    try:
        parts.desk.resubmit(ident, draft, sent.letter, person, unread=(*unread, *over(draft, parts.desk.now())))
    except Invalid as error:
        return _form(request, parts, person, form, error.wrongs, again=ident)
    except Refused:
        return see_other(f"/permohonan/{ident}")
    return see_other(f"/permohonan/{ident}?kata=terkirim")


def _form(
    request: Request,
    parts: Parts,
    person: Person,
    form: RequestForm,
    wrongs: tuple[Wrong, ...],
    *,
    again: str = "",
    draft: str = "",
) -> Response:
    """Show the form; `again` is the returned request that is sent again, `draft` the draft it comes from."""
    say, offered = parts.site.say, parts.desk.choices()
    return parts.site.page(
        request,
        "request_new.html",
        person,
        status=422 if wrongs else 200,
        form=form.values(),
        mistakes={name: say(request, message) for name, message in mistakes(wrongs).items()},
        rooms=_places(offered.rooms, say(request, N_("Choose a room")), say(request, N_("Any room at %(site)s"))),
        draft_id=draft,
        equipment=offered.equipment,
        action=f"/permohonan/{again}/ubah" if again else "/permohonan/baru",
        again=again,
        repeats=[(name, say(request, word)) for name, word in words.REPEATS.items()],
        platforms=[(name, platform_name(name)) for name in _platforms(offered.platforms)],
        leaders=[(leader.value, say(request, words.LEADERS[leader])) for leader in offered.leaders],
        lead_time=parts.site.listed(request, lambda translate: [span(offered.lead_time, translate)])[0],
        most_mb=parts.services.settings.file.letters.at_most_mib,
    )


def _places(rooms: Iterable[Room], none_yet: str, any_at: str) -> list[tuple[str, str]]:
    """Return what can be chosen: each open room, and each site that has more than one."""
    there = [room for room in rooms if room.open]
    sites = Counter(room.site for room in there if room.site)
    anywhere = [(f"{SITE}{site}", any_at % {"site": site}) for site, count in sorted(sites.items()) if count > 1]
    return [("", none_yet), *((room.id, room.name) for room in there), *anywhere]


def equipment_names(parts: Parts, record: Record | None) -> dict[str, str]:
    """Return what the equipment is called that a request wants, by its id."""
    wants = record is not None and record.needs
    return {one.id: one.name for one in parts.desk.choices().equipment} if wants else {}


def _platforms(own: tuple[str, ...]) -> tuple[str, ...]:
    """Return the division's platforms first, then those an applicant may bring an account for."""
    return tuple(dict.fromkeys((*own, *PLATFORMS)))


@router.get("/lacak/{token}", dependencies=[Depends(public), paced(Kind.TRACKING)])
def tracking(request: Request, parts: Ask, token: str) -> Response:
    """Show whoever has the link how the request goes on: no letter, no person, nothing to be done."""
    return parts.site.page(request, "tracking.html", None, record=parts.desk.tracked(token))


@router.get("/permohonan/seri/{ident}")
def series_page(request: Request, parts: Ask, person: Reader, ident: str) -> Response:
    """Show every time of a request that recurs."""
    return _series(request, parts, person, ident)


@router.post("/permohonan/seri/{ident}/disposisi")
def dispose_series(
    request: Request, parts: Ask, person: Annotated[Person, Depends(requires(Action.DISPOSE))], ident: str, form: Typed
) -> Response:
    """Give one direction to all that wait."""
    direction = Direction(accept=text(form, "accept") == "yes", note=text(form, "note"))
    try:
        parts.desk.dispose_series(ident, direction, person)
    except Invalid as error:
        found = {name: parts.site.say(request, message) for name, message in mistakes(error.wrongs).items()}
        return _series(request, parts, person, ident, status=422, mistakes=found)
    except Refused:
        said = parts.site.note(request, "degraded", CLOSED)
        return _series(request, parts, person, ident, status=409, said=said)
    return see_other(f"/permohonan/seri/{ident}?kata={'diteruskan' if direction.accept else 'dikembalikan'}")


def _series(
    request: Request, parts: Parts, person: Person, ident: str, *, status: int = 200, **more: object
) -> Response:
    found = parts.desk.series(ident, person)
    verdicts = {one.id: parts.desk.verify(one).verdict for one in found if one.state is State.DISPOSED}
    return parts.site.page(
        request,
        "series.html",
        person,
        more,
        status=status,
        records=found,
        verdicts=verdicts,
        verdict_words=words.VERDICTS,
        can_direct=may(person, Action.DISPOSE) and any(one.state is State.SUBMITTED for one in found),
        opens="/kotak-masuk/" if may(person, Action.VERIFY) else "/permohonan/",
    )


@router.get("/permohonan/{ident}")
def request_page(request: Request, parts: Ask, person: Reader, ident: str) -> Response:
    """Show one request."""
    return show(request, parts, person, parts.desk.get(ident, person))


def show(
    request: Request, parts: Parts, person: Person, record: Record, *, status: int = 200, **more: object
) -> Response:
    """Return the page of `record`; `more` is what a form that was not carried out has to say."""
    takes_back = {Event.WITHDRAW, Event.CANCEL} & possible(record.state)
    waits = (record.state is State.SUBMITTED and Role.HEAD in person.roles) or (
        record.state is State.DISPOSED and Role.VERIFIER in person.roles
    )
    offered = parts.offering.standing(record)
    standard: dict[str, object] = {
        "record": record,
        "offer": parts.site.listed(request, lambda translate: alternatives.offer(offered, translate))
        if offered
        else [],
        "can_send_again": record.state is State.RETURNED and may(person, Action.SUBMIT),
        "can_withdraw": bool(takes_back) and may(person, Action.WITHDRAW),
        "may_act": waits,
        "can_move": may(person, Action.RESCHEDULE) and _can_move(parts, record, person),
        "changes": parts.site.listed(request, lambda translate: changes.shown(parts.desk.changes(record), translate)),
        "notices": parts.displacing.notices(record),
        "typed": {"reason": ""},
        "base": parts.services.settings.file.public_url,
        "equipment_names": equipment_names(parts, record),
    }
    return parts.site.page(request, "request.html", person, standard | more, status=status)


def _can_move(parts: Parts, record: Record, person: Person) -> bool:
    """Tell whether there is a confirmed session that this officer may move, and that has not begun."""
    mine = record.applicant_id == person.id
    return Event.RESCHEDULE in possible(record.state) and not mine and parts.desk.now() < record.starts


@router.get("/permohonan/{ident}/surat")
def letter_file(parts: Ask, person: Reader, ident: str) -> Response:
    """Send the letter as a file to keep, never to be run or shown inside the page."""
    file, content = parts.desk.letter(ident, person)
    headers = {
        "content-disposition": f"attachment; filename*=UTF-8''{quote(file.name)}",
        "content-security-policy": "default-src 'none'; sandbox",
        "x-content-type-options": "nosniff",
        "cache-control": "private, no-store",
    }
    return Response(content, media_type=file.media_type, headers=headers)


@router.post("/permohonan/{ident}/tarik")
def withdraw(
    request: Request,
    parts: Ask,
    person: Annotated[Person, Depends(requires(Action.WITHDRAW))],
    ident: str,
    typed: Typed,
) -> Response:
    """Take the request back, or say why not."""
    reason = text(typed, "reason")
    try:
        parts.desk.withdraw(ident, reason, person, version=number(typed, "version"))
    except Invalid as error:
        found = {name: parts.site.say(request, message) for name, message in mistakes(error.wrongs).items()}
        record = parts.desk.get(ident, person)
        return show(request, parts, person, record, status=422, mistakes=found, typed={"reason": reason})
    except Refused as error:
        said = parts.site.note(request, "degraded", CHANGED if error.code == "request.changed" else CLOSED)
        return show(request, parts, person, parts.desk.get(ident, person), status=409, said=said)
    return see_other(f"/permohonan/{ident}?kata=ditarik")
