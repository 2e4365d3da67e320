"""The list of requests: what is looked for stands in the page's address, so that it can be sent to a colleague."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request

from central.api.answers import Wanted, cursor_of
from central.api.routes.requests import request_key
from central.domain.sop import OPEN, State
from central.errors import Wrong
from central.model import Person
from central.model import Request as Record
from central.permissions import sees_all_agencies
from central.sought import LONGEST, Sought
from central.web import words
from central.web.access import Parts
from central.web.forms import mistakes
from webui.i18n import N_

SHOWN: Final = 50
FILTERS: Final = ("cari", "status", "opd", "ruang", "dari", "sampai")
CURSOR: Final = "lanjut"
UNDECIDED: Final = "terbuka"
"""What stands in the address for all states before the decision."""
_SHOWN_AT: Final[Mapping[str, str]] = {"from": "dari", "until": "sampai"}


def listed(request: Request, parts: Parts, person: Person) -> dict[str, object]:
    """Return what the page of requests shows: a part of the list, and the form that looks for some.

    Raises:
        Invalid: the address goes on after a page of another list.
    """
    typed = {name: request.query_params.get(name, "").strip()[:LONGEST] for name in FILTERS}
    sought, wrongs = _read(typed)
    after = Wanted(cursor=request.query_params.get(CURSOR) or None).after("requests", datetime, str)
    wrongs = wrongs or tuple(sought.wrongs())
    records: tuple[Record, ...] = ()
    if not wrongs:
        records = parts.desk.requests(person, states=_states(typed), sought=sought, limit=SHOWN + 1, after=after)
    since = sought.arrived_since(parts.desk.now())
    kept = {name: text for name, text in typed.items() if text}
    following = cursor_of("requests", request_key(records[SHOWN - 1])) if len(records) > SHOWN else ""
    return {
        "records": records[:SHOWN],
        "typed": typed,
        "mistakes": _mistakes(request, parts, wrongs),
        "filtered": bool(kept),
        "narrowed": bool(kept.keys() - {"cari"}),
        "since": since.astimezone(parts.site.zone).date() if since else None,
        "days": sought.days if sought.costly else (None, None),
        "older": _address(kept | {CURSOR: following}) if following else "",
        "newest": _address(kept) if after else "",
        **_choices(request, parts, person),
    }


def _mistakes(request: Request, parts: Parts, wrongs: tuple[Wrong, ...]) -> dict[str, str]:
    """Return what is wrong by the fields of this form."""
    found = mistakes(wrongs)
    return {_SHOWN_AT.get(name, name): parts.site.say(request, message) for name, message in found.items()}


def _address(query: Mapping[str, str]) -> str:
    return f"/permohonan?{urlencode(query)}" if query else "/permohonan"


def _read(typed: Mapping[str, str]) -> tuple[Sought, tuple[Wrong, ...]]:
    """Return what is looked for, and the days that cannot be read."""
    days: dict[str, date | None] = {}
    wrongs = []
    for name in ("dari", "sampai"):
        try:
            days[name] = date.fromisoformat(typed[name]) if typed[name] else None
        except ValueError:
            days[name] = None
            wrongs.append(Wrong(name, "date.unreadable", f"wanted a date, got {typed[name]!r}"))
    return Sought(typed["cari"], typed["opd"], typed["ruang"], days["dari"], days["sampai"]), tuple(wrongs)


def _states(typed: Mapping[str, str]) -> frozenset[State]:
    """Return the states that are chosen; none for all."""
    if typed["status"] == UNDECIDED:
        return OPEN
    return frozenset(state for state in State if state == typed["status"])


def _choices(request: Request, parts: Parts, person: Person) -> dict[str, object]:
    """Return what the form offers; whoever sees one agency only is not asked for it."""
    say, offered = parts.site.say, parts.desk.choices()
    states = [(state.value, say(request, words.STATES[state][0])) for state in State]
    agencies = [(one.id, one.name) for one in offered.agencies] if sees_all_agencies(person) else []
    return {
        "states": [("", say(request, N_("All"))), (UNDECIDED, say(request, N_("Not decided yet"))), *states],
        "agencies": [("", say(request, N_("All"))), *agencies] if agencies else [],
        "rooms": [("", say(request, N_("All"))), *((room.id, room.name) for room in offered.rooms)],
    }
