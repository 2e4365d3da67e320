"""The page of the SOP's time standards (mutu baku waktu): figures per step, what ran late, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from central.api.guard import requires
from central.domain.clocks import Step
from central.errors import Invalid, NotFound, Refused
from central.model import Person
from central.permissions import Action, may
from central.timekeeping import Breach, Punctuality
from central.web import words
from central.web.access import Ask, Parts, Typed, text
from central.web.findings import span
from central.web.forms import MISTAKES
from central.web.site import see_other
from webui.env import durasi
from webui.i18n import N_
from webui.reasons import Translate

router = APIRouter(include_in_schema=False)

Reader = Annotated[Person, Depends(requires(Action.SEE_FIGURES))]
Explainer = Annotated[Person, Depends(requires(Action.EXPLAIN_BREACH))]
DAYS_SHOWN = (30, 90, 365)
LATE_SHOWN = 200
"""Of what ran late, the newest; the number names all."""
_IN_TIME = N_("This step is not late; nothing was written down.")


@dataclass(frozen=True, slots=True)
class StepRow:
    """One line of the figures."""

    step: str
    standard: str
    count: int
    kept: str
    median: str
    high: str
    worst: str


@dataclass(frozen=True, slots=True)
class BreachRow:
    """One step that ran late."""

    breach: Breach
    step: str
    over: str


@router.get("/waktu")
def page(request: Request, parts: Ask, person: Reader, hari: int = DAYS_SHOWN[0]) -> Response:
    """Show the figures of the last days."""
    return _page(request, parts, person, hari)


@router.post("/waktu/{ident}")
def explain(request: Request, parts: Ask, person: Explainer, ident: str, form: Typed) -> Response:
    """Take down why a step ran late.

    Raises:
        NotFound: there is no such step.
    """
    step = next((step for step in Step if step.value == text(form, "step")), None)
    if step is None:
        raise NotFound("clock", text(form, "step"))
    try:
        parts.timekeeping.explain(ident, step, text(form, "reason"), person)
    except Invalid:
        said = parts.site.note(request, "degraded", MISTAKES["reason.wanted"])
        return _page(request, parts, person, DAYS_SHOWN[0], status=422, said=said)
    except Refused:
        said = parts.site.note(request, "degraded", _IN_TIME)
        return _page(request, parts, person, DAYS_SHOWN[0], status=409, said=said)
    return see_other("/waktu")


def _page(request: Request, parts: Parts, person: Person, days: int, *, status: int = 200, **more: object) -> Response:
    shown = days if days in DAYS_SHOWN else DAYS_SHOWN[0]
    found = parts.timekeeping.punctuality(_since(parts.desk.now(), shown))
    return parts.site.page(
        request,
        "punctuality.html",
        person,
        more,
        status=status,
        days=shown,
        choices=DAYS_SHOWN,
        steps=parts.site.listed(request, lambda translate: _steps(parts, found, translate)),
        breaches=parts.site.listed(request, lambda translate: _breaches(found, translate)),
        late=len(found.breaches),
        can_explain=may(person, Action.EXPLAIN_BREACH),
    )


def _since(now: datetime, days: int) -> datetime:
    return now - timedelta(days=days)


def _steps(parts: Parts, found: Punctuality, translate: Translate) -> Iterator[StepRow]:
    policy, standards = parts.policy, parts.policy.standards
    if found.lead is not None:
        one = found.lead
        label, kept = translate(N_("request before the event")), _share(one.in_time, one.sent)
        wanted = translate(N_("at least %(span)s")) % {"span": span(policy.lead_time, translate)}
        low, shortest = span(one.p10, translate), span(one.shortest, translate)
        yield StepRow(label, wanted, one.sent, kept, span(one.median, translate), low, shortest)
    lengths = {Step.DISPOSITION: standards.disposition, Step.VERIFICATION: standards.verification}
    for line in found.steps:
        length = lengths.get(line.step, standards.report)
        wanted = translate(N_("at most %(span)s")) % {"span": _standard(length, translate)}
        kept = _share(line.in_time, line.done)
        yield StepRow(
            translate(words.CLOCKS[line.step]),
            wanted,
            line.done,
            kept,
            durasi(line.median),
            durasi(line.p95),
            durasi(line.longest),
        )


def _standard(length: timedelta, translate: Translate) -> str:
    day = timedelta(days=1)
    if length >= day and length % day == timedelta(0):
        return translate(N_("%(days)s working days")) % {"days": length // day}
    return durasi(length)


def _share(part: int, whole: int) -> str:
    return f"{part} ({100 * part // whole} %)"


def _breaches(found: Punctuality, translate: Translate) -> Iterator[BreachRow]:
    for breach in found.breaches[:LATE_SHOWN]:
        yield BreachRow(breach, translate(words.CLOCKS[breach.clock.step]), durasi(breach.over))
