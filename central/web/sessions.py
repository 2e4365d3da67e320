"""A session as it was planned and as it went, and the reports."""

from __future__ import annotations

from collections.abc import Callable
from datetime import tzinfo
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from central.api.guard import requires
from central.errors import NotFound
from central.evidence import MEDIA_TYPE
from central.model import Person
from central.permissions import Action
from central.report.pdf import render
from central.web import journal, views
from central.web.access import Ask, Parts
from contract import ExecutionReport
from webui.i18n import language_of, speaking
from webui.reasons import Translate

router = APIRouter(include_in_schema=False)

Viewer = Annotated[Person, Depends(requires(Action.SEE_SESSIONS))]
Reader = Annotated[Person, Depends(requires(Action.SEE_REPORTS))]


@router.get("/laporan")
def reports(request: Request, parts: Ask, person: Reader) -> Response:
    """List the reports this person may see."""
    return parts.site.page(request, "reports.html", person, rows=parts.board.reports(person))


@router.get("/sesi/{ident}")
def session(request: Request, parts: Ask, person: Viewer, ident: str) -> Response:
    """Show one session: plan, certificate, journal, result."""
    row = parts.board.session(ident)
    entries = parts.board.journal(ident)
    return parts.site.page(
        request,
        "session.html",
        person,
        row=row,
        phase=views.phase_of(row, entries),
        report=(report := _report(parts, person, ident)),
        revisions=parts.board.revisions(ident, person) if report is not None else (),
        worth=parts.board.worth(ident),
        pictures=parts.site.listed(request, lambda translate: _pictures(parts, report, translate)),
        entries=parts.site.listed(request, lambda translate: journal.lines(entries, translate, report)),
    )


def _pictures(parts: Parts, report: ExecutionReport | None, translate: Translate) -> list[journal.PictureLine]:
    return [] if report is None else list(journal.pictures(report, parts.services.evidence, translate))


def _report(parts: Parts, person: Person, ident: str) -> ExecutionReport | None:
    try:
        return parts.board.report(ident, person)
    except NotFound:
        return None


Revision = Annotated[int | None, Query(ge=1, le=1_000_000)]
"""Which revision of a report; the newest without."""


@router.get("/sesi/{ident}/laporan.pdf")
def report_pdf(parts: Ask, person: Reader, ident: str, rev: Revision = None) -> Response:
    """Send the report on paper."""
    report = parts.board.report(ident, person, rev=rev)
    name = f"laporan-{report.planned_start.astimezone(parts.site.zone):%Y-%m-%d}-{report.room}-r{report.report_rev}.pdf"
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "private, no-store"}
    photos, gone = parts.services.evidence.photos(report), parts.services.evidence.gone(report)
    office, worth = parts.services.settings.file.office, parts.board.worth(ident)
    content = render(parts.board.whole(report), photos, gone=gone, office=office, worth=worth)
    return Response(content, media_type="application/pdf", headers=headers)


@router.get("/sesi/{ident}/gambar/{sha256}")
def picture(parts: Ask, person: Reader, ident: str, sha256: str) -> Response:
    """Send a picture of what was on air, to who may read the report that it stands in.

    Raises:
        NotFound: it does not stand there, or did not arrive yet.
    """
    report = parts.board.report(ident, person)
    if sha256 not in {one.sha256 for one in report.pictures}:
        raise NotFound("evidence", sha256)
    content = parts.services.evidence.read(report.room, sha256)
    return Response(content, media_type=MEDIA_TYPE, headers={"cache-control": "private, max-age=86400, immutable"})


@router.get("/sesi/{ident}/grafik.svg")
def chart(request: Request, parts: Ask, person: Reader, ident: str) -> Response:
    """Send the picture of the microphone's level."""
    return _drawn(request, parts, person, ident, journal.chart)


@router.get("/sesi/{ident}/perangkat.svg")
def health(request: Request, parts: Ask, person: Reader, ident: str) -> Response:
    """Send the picture of what each device was worth."""
    return _drawn(request, parts, person, ident, journal.device_chart)


def _drawn(
    request: Request,
    parts: Parts,
    person: Person,
    ident: str,
    draw: Callable[[ExecutionReport, tzinfo, Translate], str],
) -> Response:
    report = parts.board.report(ident, person)
    with speaking(language_of(request)):
        svg = draw(parts.board.whole(report), parts.site.zone, parts.site.locales.gettext)
    headers = {"cache-control": "private, no-store", "content-security-policy": "default-src 'none'; sandbox"}
    return Response(svg, media_type="image/svg+xml", headers=headers)
