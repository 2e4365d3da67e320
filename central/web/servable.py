"""The scheduler's page: which of a day's waiting requests can be served together, and why not the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from central.api.guard import requires
from central.domain.servable import Because, LeftOut, Obstacle
from central.domain.words import UnitKind
from central.model import Person
from central.model import Request as Record
from central.permissions import Action
from central.planner import ServableDay
from central.web.access import Ask, Parts
from central.web.findings import fix, sentences
from central.web.rooms import FIRST_YEAR, LAST_YEAR
from webui.i18n import N_
from webui.reasons import Translate

router = APIRouter(include_in_schema=False)

BECAUSE: Final[Mapping[Because, str]] = {
    Because.ALONE: N_("Cannot be served even by itself."),
    Because.PRIORITY: N_("Leaders come first: with it, less could be done for them."),
    Because.NUMBER: N_("Without it, more requests can be served."),
    Because.EARLIER: N_("Just as many can be served, and the others were sent in earlier."),
}
OBSTACLES: Final[Mapping[UnitKind | None, str]] = {
    UnitKind.ROOM: N_("The room is then used by: %(holders)s."),
    UnitKind.OPERATOR: N_("The technicians are then with: %(holders)s."),
    UnitKind.ACCOUNT: N_("The meeting accounts are then used by: %(holders)s."),
    UnitKind.EQUIPMENT: N_("The equipment is then with: %(holders)s."),
    None: N_("The limit of sessions at the same time is then reached with: %(holders)s."),
}
_LENT: Final = frozenset({UnitKind.ACCOUNT, UnitKind.EQUIPMENT})
BOOKED: Final = N_("sessions that are booked already")


@dataclass(frozen=True, slots=True)
class Row:
    """One request of the list; `people` and `units` are what it would get, `why` is why it is left out."""

    record: Record
    people: str
    units: str
    why: tuple[str, ...]


@router.get("/jadwal/terlayani")
def page(
    request: Request, parts: Ask, person: Annotated[Person, Depends(requires(Action.VERIFY))], hari: str = ""
) -> Response:
    """Show the best set of a day, tomorrow's when none is named."""
    day = _day(hari) or parts.desk.now().astimezone(parts.site.zone).date() + timedelta(days=1)
    found = parts.planner.servable(day)
    return parts.site.page(
        request,
        "servable.html",
        person,
        day=day,
        first=datetime.combine(day, time(), parts.site.zone),
        before=day - timedelta(days=1),
        after=day + timedelta(days=1),
        served=list(_served(found, _lent_names(parts))),
        left=parts.site.listed(request, lambda translate: _left(found, translate)),
        impossible=parts.site.listed(request, lambda translate: _impossible(found, translate)),
        proven=found.best.proven,
    )


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if FIRST_YEAR <= day.year <= LAST_YEAR else None


def _lent_names(parts: Parts) -> dict[str, str]:
    """Return what meeting accounts and equipment are called, by their ids."""
    register = parts.services.register
    return {cells[0]: cells[1] for kind in ("accounts", "equipment") for _, cells in register.table(kind)}


def _served(found: ServableDay, called: Mapping[str, str]) -> Iterator[Row]:
    names = {operator.id: operator.name for operator in found.operators}
    for record in found.candidates:
        units = found.best.served.get(record.id)
        if units is not None:
            people = ", ".join(names.get(name, name) for kind, name in units if kind is UnitKind.OPERATOR)
            lent = Counter(name.partition("#")[0] for kind, name in units if kind in _LENT)
            pieces = (f"{count} \N{MULTIPLICATION SIGN} {called.get(name, name)}" for name, count in lent.items())
            yield Row(record, people, ", ".join(pieces), ())


def _left(found: ServableDay, translate: Translate) -> Iterator[Row]:
    titles = {record.id: record.title for record in found.candidates}
    reasons = {left.id: left for left in found.best.left_out}
    for record in found.candidates:
        if record.id in reasons:
            yield Row(record, "", "", tuple(_why(reasons[record.id], titles, translate)))


def _why(left: LeftOut, titles: Mapping[str, str], translate: Translate) -> Iterator[str]:
    yield translate(BECAUSE[left.because])
    for obstacle in left.obstacles:
        yield translate(OBSTACLES[obstacle.kind]) % {"holders": _holders(obstacle, titles, translate)}


def _holders(obstacle: Obstacle, titles: Mapping[str, str], translate: Translate) -> str:
    return ", ".join(f"“{titles.get(ident, ident)}”" for ident in obstacle.holders) or translate(BOOKED)


def _impossible(found: ServableDay, translate: Translate) -> Iterator[Row]:
    for record, findings in found.impossible:
        said = [text for finding in findings for text in (*sentences(finding, translate), fix(finding, translate))]
        yield Row(record, "", "", tuple(text for text in said if text))
