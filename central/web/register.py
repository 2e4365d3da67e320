"""The pages of what the office has: each kind as a table, one row at a time or as a file from a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData, UploadFile
from starlette.responses import Response

from central.api.guard import requires
from central.model import Person
from central.permissions import Action
from central.register import BadFile, kind_of
from central.registerfile import BadCell
from central.web.access import Ask, Parts, RowNumber, Typed, text
from central.web.site import see_other
from webui.i18n import N_
from webui.reasons import Translate

router = APIRouter(include_in_schema=False)

Keeper = Annotated[Person, Depends(requires(Action.MANAGE_STOCK))]

NAMES: Final[Mapping[str, str]] = {
    "rooms": N_("Rooms"),
    "agencies": N_("Agencies"),
    "equipment": N_("Equipment"),
    "accounts": N_("Meeting accounts"),
    "staff": N_("Staff"),
    "shifts": N_("Shifts"),
    "leave": N_("Leave"),
}
COLUMNS: Final[Mapping[str, str]] = {
    "id": N_("Id"),
    "name": N_("Name"),
    "short": N_("Short name"),
    "site": N_("Site"),
    "capacity": N_("Places"),
    "can_record": N_("Can record"),
    "open": N_("Open"),
    "time_zone": N_("Time zone"),
    "count": N_("Pieces"),
    "faulty": N_("Out of order"),
    "setup_minutes": N_("Minutes before"),
    "teardown_minutes": N_("Minutes after"),
    "platform": N_("Platform"),
    "concurrency": N_("Meetings at once"),
    "participants_at_most": N_("Participants at most"),
    "minutes_at_most": N_("Minutes at most"),
    "active": N_("In use"),
    "skills": N_("Skills"),
    "operator_id": N_("Technician"),
    "weekday": N_("Weekday"),
    "opens": N_("From"),
    "closes": N_("Until"),
    "first_day": N_("First day"),
    "last_day": N_("Last day"),
    "starts": N_("From"),
    "ends": N_("Until"),
    "reason": N_("Reason"),
}
WEEKDAYS: Final[Mapping[str, str]] = {
    "monday": N_("Monday"),
    "tuesday": N_("Tuesday"),
    "wednesday": N_("Wednesday"),
    "thursday": N_("Thursday"),
    "friday": N_("Friday"),
    "saturday": N_("Saturday"),
    "sunday": N_("Sunday"),
}
FLAGS: Final[Mapping[str, str]] = {"yes": N_("Yes"), "no": N_("No")}
_CHOICES: Final[Mapping[str, Mapping[str, str]]] = {
    "weekday": WEEKDAYS,
    "can_record": FLAGS,
    "open": FLAGS,
    "active": FLAGS,
}
"""Columns of which a cell is one of a few words: the word of a file to the word of the page."""
_HINTS: Final[Mapping[str, str]] = {
    "id": N_("Small letters, digits and hyphens; it stays as it is"),
    "setup_minutes": N_("Empty: those of the office's rules"),
    "teardown_minutes": N_("Empty: those of the office's rules"),
    "minutes_at_most": N_("Empty: no limit"),
    "platform": N_("Such as zoom or google-meet"),
    "skills": N_("With spaces between them, such as obs streaming"),
    "time_zone": N_("Such as Asia/Pontianak"),
    "opens": N_("Such as 07:30"),
    "closes": N_("Such as 16:00"),
    "first_day": N_("Such as 2026-11-03; empty: always"),
    "last_day": N_("Such as 2026-11-03; empty: always"),
    "starts": N_("Such as 2026-11-03 07:30"),
    "ends": N_("Such as 2026-11-03 16:00"),
}
WANTED: Final[Mapping[str, str]] = {
    "text": N_("a text is wanted"),
    "ident": N_("letters a to z, digits and hyphens are wanted, such as praja-1"),
    "number": N_("a whole number from %(least)s to %(most)s is wanted"),
    "flag": N_("yes or no is wanted"),
    "zone": N_("a time zone is wanted, such as Asia/Pontianak"),
    "weekday": N_("a weekday is wanted: monday to sunday"),
    "time": N_("a time of day is wanted, such as 07:30"),
    "day": N_("a day is wanted, such as 2026-11-03"),
    "moment": N_("a day and time are wanted, such as 2026-11-03 07:30"),
    "unknown": N_("nobody has this id"),
    "too_long": N_("this is too long"),
    "order": N_("it must come after the start"),
    "faulty": N_("more are out of order than there are"),
    "twice": N_("this id stands there twice"),
    "cells": N_("the line has another number of cells than the first line"),
    "column_missing": N_("this column is missing in the first line"),
    "column_unknown": N_("there is no such column"),
    "column_twice": N_("this column stands there twice"),
    "file": N_("this is no table that can be read: CSV is wanted"),
    "empty": N_("the file is empty"),
    "too_many": N_("at most 5,000 lines are taken at once"),
}


@router.get("/kelola")
def overview(request: Request, parts: Ask, person: Keeper) -> Response:
    """List the kinds with how many there are."""
    counts = parts.services.register.counts()
    return parts.site.page(request, "register.html", person, kinds=[(n, NAMES[n], counts[n]) for n in NAMES])


@router.get("/kelola/{name}.csv")
def export(parts: Ask, person: Keeper, name: str) -> Response:
    """Send all rows of a kind as a file for a spreadsheet."""
    del person
    content = "\ufeff" + parts.services.register.export(name)  # the mark tells spreadsheets that it is UTF-8
    headers = {"content-disposition": f'attachment; filename="{name}.csv"', "cache-control": "private, no-store"}
    return Response(content.encode(), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/kelola/{name}")
def table(request: Request, parts: Ask, person: Keeper, name: str) -> Response:
    """Show all rows of a kind; `ubah` opens one in the form."""
    wanted = request.query_params.get("ubah", "")
    found = next((cells for row, cells in parts.services.register.table(name) if wanted and row["row"] == wanted), None)
    typed = dict(zip(_columns(name), found, strict=True)) if found else {}
    return _page(request, parts, person, name, typed=typed, editing=bool(found))


@router.post("/kelola/{name}")
def put(request: Request, parts: Ask, person: Keeper, name: str, form: Typed) -> Response:
    """Add or change one row, or show the form with every mistake."""
    typed = {column: text(form, column) for column in _columns(name)}
    editing = text(form, "editing") == "yes"
    if not editing and kind_of(name).key and _is_there(parts, name, typed["id"].strip()):
        found = {"id": parts.site.say(request, N_("This id is there already. Choose another one, or change that row."))}
        return _page(request, parts, person, name, status=422, typed=typed, mistakes=found, editing=False)
    try:
        parts.services.register.put(name, typed, person)
    except BadFile as error:
        found = {cell.column: said for cell, said in _said(request, parts, error.cells)}
        return _page(request, parts, person, name, status=422, typed=typed, mistakes=found, editing=editing)
    return see_other(f"/kelola/{name}?kata=tersimpan-baris")


async def _file(form: Typed) -> bytes:
    file = form.get("file")
    return await file.read() if isinstance(file, UploadFile) else b""


@router.post("/kelola/{name}/berkas")
def take(
    request: Request, parts: Ask, person: Keeper, name: str, content: Annotated[bytes, Depends(_file)]
) -> Response:
    """Take a file in, or name every bad cell."""
    try:
        parts.services.register.take(name, content, person)
    except BadFile as error:
        bad = _said(request, parts, error.cells)
        return _page(request, parts, person, name, status=422, bad=bad, typed={}, editing=False)
    return see_other(f"/kelola/{name}?kata=berkas-diterima")


@router.post("/kelola/{name}/{number}/hapus")
def drop(parts: Ask, person: Keeper, name: str, number: RowNumber) -> Response:
    """Delete one shift or one leave."""
    parts.services.register.drop(name, number, person)
    return see_other(f"/kelola/{name}?kata=baris-dihapus")


def _is_there(parts: Parts, name: str, ident: str) -> bool:
    return any(row["row"] == ident for row, _ in parts.services.register.table(name))


def _columns(name: str) -> list[str]:
    return [column.name for column in kind_of(name).columns]


@dataclass(frozen=True, slots=True)
class CellField:
    """One field of the form for a row; with `options` one of them is chosen."""

    name: str
    label: str
    hint: str
    options: tuple[tuple[str, str], ...]


def _fields(parts: Parts, name: str, translate: Translate) -> Iterator[CellField]:
    for column in kind_of(name).columns:
        words = [(value, translate(word)) for value, word in _CHOICES.get(column.name, {}).items()]
        if column.refers_to:
            words = [("", translate(N_("Choose the technician."))), *_people(parts, column.refers_to)]
        hint = translate(_HINTS[column.name]) if column.name in _HINTS else ""
        yield CellField(column.name, translate(COLUMNS[column.name]), hint, tuple(words))


def _people(parts: Parts, kind: str) -> list[tuple[str, str]]:
    """Return ids and names of what another table refers to."""
    at = {column.name: number for number, column in enumerate(kind_of(kind).columns)}
    return [(cells[at["id"]], cells[at["name"]]) for _, cells in parts.services.register.table(kind)]


def _said_cells(fields: list[CellField], cells: Sequence[str]) -> list[str]:
    """Return a row's cells as the page says them."""
    return [dict(field.options).get(cell, cell) for field, cell in zip(fields, cells, strict=True)]


def _page(
    request: Request,
    parts: Parts,
    person: Person,
    name: str,
    *,
    typed: Mapping[str, str] | FormData,
    status: int = 200,
    **more: object,
) -> Response:
    kind = kind_of(name)
    fields = parts.site.listed(request, lambda translate: _fields(parts, name, translate))
    context: dict[str, object] = {
        "table": name,
        "heading": NAMES[name],
        "columns": fields,
        "rows": [(row, _said_cells(fields, cells)) for row, cells in parts.services.register.table(name)],
        "keyed": bool(kind.key),
        "typed": typed,
        "bad": [],
    }
    return parts.site.page(request, "register_kind.html", person, context | more, status=status)


def _said(request: Request, parts: Parts, cells: tuple[BadCell, ...]) -> list[tuple[BadCell, str]]:
    """Return every bad cell with what is wanted there, in words."""
    return parts.site.listed(request, lambda translate: [(cell, _wanted(cell, translate)) for cell in cells])


def _wanted(cell: BadCell, translate: Translate) -> str:
    code, _, limits = cell.code.partition(":")
    least, _, most = limits.partition(":")
    return translate(WANTED[code]) % {"least": least, "most": most} if limits else translate(WANTED[code])
