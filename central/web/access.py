"""What routes ask for: the parts of the application, the person at the other end, what was typed.

Who may do what is `central.api.guard`'s: every route names its action there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends
from pydantic import Field
from starlette.datastructures import FormData, UploadFile
from starlette.requests import HTTPConnection, Request

from central.api.guard import person_of, services_of
from central.bell import Bell
from central.desk import Desk
from central.displacing import Displacing
from central.model import Person, Upload
from central.offering import Offering
from central.people import People
from central.planner import Planner
from central.services import Services
from central.settings import Policy
from central.timekeeping import Timekeeping
from central.wall import Board
from central.web.site import Site


@dataclass(frozen=True, slots=True)
class Parts:
    """What the pages are made of; the application keeps it as `app.state.parts`."""

    services: Services
    site: Site

    @property
    def desk(self) -> Desk:
        """What people do with requests."""
        return self.services.desk

    @property
    def planner(self) -> Planner:
        """What else could be done."""
        return self.services.planner

    @property
    def displacing(self) -> Displacing:
        """Proposals to make room for leaders."""
        return self.services.displacing

    @property
    def offering(self) -> Offering:
        """What requests go back with."""
        return self.services.offering

    @property
    def timekeeping(self) -> Timekeeping:
        """How the time standards are kept."""
        return self.services.timekeeping

    @property
    def board(self) -> Board:
        """What everybody looks at."""
        return self.services.board

    @property
    def people(self) -> People:
        """Accounts and log-ins."""
        return self.services.people

    @property
    def bell(self) -> Bell:
        """What rings when something was committed."""
        return self.services.bell

    @property
    def policy(self) -> Policy:
        """The office's rules."""
        return self.services.settings.policy


def parts_of(connection: HTTPConnection) -> Parts:
    """Return the application's pages' parts.

    Raises:
        TypeError: the application was made without `central.web.pages.add_pages`.
    """
    services_of(connection)
    found = connection.app.state.parts
    if not isinstance(found, Parts):
        raise TypeError("the application has no pages")
    return found


Ask = Annotated[Parts, Depends(parts_of)]


def _visitor(connection: HTTPConnection) -> Person | None:
    return person_of(connection)


Visitor = Annotated[Person | None, Depends(_visitor)]
"""Who is logged in, none while nobody is."""


async def _typed(request: Request) -> AsyncIterator[FormData]:
    async with request.form(max_files=1, max_fields=60) as form:
        yield form


Typed = Annotated[FormData, Depends(_typed)]


def text(form: FormData, name: str) -> str:
    """Return a text field, empty when it is missing."""
    value = form.get(name, "")
    return value if isinstance(value, str) else ""


def texts(form: FormData) -> dict[str, str]:
    """Return every text field by its name."""
    return {name: value for name, value in form.items() if isinstance(value, str)}


def number(form: FormData, name: str) -> int | None:
    """Return a whole number, none when it is missing or no number."""
    found = text(form, name)
    return int(found) if found.isdecimal() and len(found) < 10 else None


ROW_AT_MOST: Final = 2**53
"""No database of ours counts further; a larger number in an address is a slip."""
RowNumber = Annotated[int, Field(ge=0, le=ROW_AT_MOST)]
"""The number of a row, as an address names it."""


async def _upload(form: Typed) -> Upload | None:
    file = form.get("letter")
    if not isinstance(file, UploadFile) or not file.filename:
        return None
    return Upload(file.filename, await file.read())


Letter = Annotated[Upload | None, Depends(_upload)]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A request form as it was sent: what was typed, and the letter when one was attached."""

    typed: FormData
    letter: Upload | None


def _sheet(typed: Typed, letter: Letter) -> Sheet:
    return Sheet(typed, letter)


Sent = Annotated[Sheet, Depends(_sheet)]
