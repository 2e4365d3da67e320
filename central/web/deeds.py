"""The audit's rows in words: what was done, to what, and how."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydantic import JsonValue

from central.audit import AuditRow
from webui.i18n import N_
from webui.reasons import Translate

DEEDS: Final[Mapping[str, str]] = {
    "request.submit": N_("Request sent in"),
    "request.accept": N_("Request forwarded to the division"),
    "request.return": N_("Request returned to the applicant"),
    "request.resubmit": N_("Request sent again"),
    "request.offer": N_("Something else offered to the applicant"),
    "request.approve": N_("Request approved"),
    "request.refuse": N_("Request refused"),
    "request.withdraw": N_("Request withdrawn"),
    "request.reschedule": N_("Session moved"),
    "request.cancel": N_("Session called off"),
    "series.submit": N_("Recurring request sent in"),
    "report.received": N_("Report received"),
    "clock.explain": N_("Reason for a late step"),
    "displacement.propose": N_("Making room for a leader proposed"),
    "displacement.applied": N_("Making room for a leader applied"),
    "displacement.refused": N_("Making room for a leader not applied"),
    "delegation.make": N_("Acting head named"),
    "delegation.end": N_("Acting head's period ended"),
    "room.command": N_("Room ordered"),
    "room.stop_all": N_("All rooms stopped"),
    "register.put": N_("Row of the office's tables kept"),
    "register.import": N_("File taken into the office's tables"),
    "register.drop": N_("Row of the office's tables deleted"),
    "leave.import": N_("Leave taken from a calendar"),
    "feeds.renew": N_("Calendar addresses made anew"),
    "message.again": N_("Message sent again"),
    "person.add": N_("Account added"),
    "person.change": N_("Account changed"),
    "person.password": N_("Password changed"),
    "person.reach": N_("Addresses for messages kept"),
    "person.signon": N_("Account made by single sign-on"),
    "person.signon_roles": N_("Roles changed by single sign-on"),
    "login.revoke": N_("Log-in ended"),
    "retention.erase": N_("Erased what is past its time"),
    "database.restored": N_("Database restored from a back-up"),
}
"""Every deed that central writes into its audit; one of an older version is shown by its code."""
_PAGES: Final[Mapping[str, str]] = {
    "request": "/permohonan/",
    "clock": "/permohonan/",
    "series": "/permohonan/seri/",
    "report": "/sesi/",
    "displacement": "/penggeseran/",
    "register": "/kelola/",
}
"""Where the thing that a deed was done to can be looked at, by the first word of the deed's code."""
_IDENT: Final = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
"""An id as `contract.new_id` makes them."""


@dataclass(frozen=True, slots=True)
class DeedShown:
    """One row; `href` is empty where the thing has no page."""

    id: int
    at: datetime
    actor: str
    what: str
    code: str
    subject: str
    href: str
    told: tuple[tuple[str, str], ...]


def shown(rows: Iterable[AuditRow], receipts: Mapping[str, str], translate: Translate) -> Iterator[DeedShown]:
    """Yield the rows in words; `receipts` stand for the ids of requests and sessions."""
    for row in rows:
        what = translate(DEEDS[row.action]) if row.action in DEEDS else row.action
        told = tuple((name, _named(text, receipts)) for name, text in _told(row.detail))
        subject = receipts.get(row.subject, row.subject)
        yield DeedShown(row.id, row.at, row.actor, what, row.action, subject, _href(row), told)


def named(rows: Iterable[AuditRow]) -> frozenset[str]:
    """Return what may be the id of a request or a session: subjects, and what details name."""
    texts = ((row.subject, *(text for _, text in _told(row.detail))) for row in rows)
    return frozenset(ident for found in texts for text in found for ident in _IDENT.findall(text))


def _named(text: str, receipts: Mapping[str, str]) -> str:
    return _IDENT.sub(lambda ident: receipts.get(ident[0], ident[0]), text)


def _href(row: AuditRow) -> str:
    page = "/ruang/" if row.action == "room.command" else _PAGES.get(row.action.partition(".")[0], "")
    return f"{page}{row.subject}" if page and row.subject else ""


def _told(detail: str) -> Iterator[tuple[str, str]]:
    """Yield names and values of what stands beside a deed; what is empty says nothing."""
    try:
        found: JsonValue = json.loads(detail)
    except ValueError:
        found = detail
    if not isinstance(found, dict):
        found = {"": found}
    for name, value in found.items():
        if text := _plain(value):
            yield name, text


def _plain(value: JsonValue) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_plain(one)}" for name, one in value.items() if _plain(one))
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    return "" if value is None else str(value)
