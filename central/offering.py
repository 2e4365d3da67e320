"""Offers: a request that cannot be served as it is goes back with what can be done instead.

Nothing is changed for the applicant. The offer is a note beside the return, and taking it up
is a new version that the applicant sends, with the offer's values filled in. What may be
offered is computed again when it is, so nobody is offered what is taken by then; nothing is
held for it either, as for any request that is not decided.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final

from central import bell
from central.bell import Bell
from central.db import tables as t
from central.db.store import Store
from central.db.writes import retried
from central.domain.alternatives import Alternative, Change, Kind
from central.domain.resources import Need
from central.domain.sop import Event, State
from central.errors import Invalid, Refused, Wrong
from central.model import Offered, Person, Request
from central.moves import Deed, Moves, not_own, not_stale
from central.planner import Planner

OFFERED: Final = "offered"
"""The kind of notice that holds an offer."""


class Offering:
    """Makes offers, and finds the one that stands."""

    def __init__(
        self, store: Store, moves: Moves, planner: Planner, *, bell: Bell, now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._moves = moves
        self._planner = planner
        self._bell = bell
        self._now = now

    @retried
    def offer(
        self,
        request_id: str,
        wanted: str,
        by: Person,
        *,
        say: Callable[[Alternative], str],
        room_id: str | None = None,
        version: int | None = None,
    ) -> Request:
        """Send the request back with one of its alternatives in `room_id`, by its key; `say` makes a note of it.

        Raises:
            NotFound: there is no such request or room.
            Forbidden: it is the person's own request.
            Invalid: the note is empty.
            Refused: it waits for no decision, changed since `version`, or cannot be offered that (any more).
        """
        with self._store.reading() as connection:
            request = self._moves.seen(connection, request_id, by)
        not_stale(request, version)
        chosen = self._chosen(request, wanted, room_id)
        offered, note = _offered(chosen), say(chosen)
        if not note.strip():
            raise Invalid(Wrong("note", "note.wanted", "say what is offered"))
        with self._store.writing() as connection:
            request = self._moves.claimed(connection, request_id, by)
            not_own(request, by)
            detail = {"offer": _told(offered)}
            self._moves.advance(connection, request, Deed(Event.OFFER, by.name, by.login, note, version, detail))
            body = {"version": request.version + 1, **_told(offered)}
            row = {"request_id": request_id, "kind": OFFERED, "body": json.dumps(body), "created_at": self._now()}
            connection.execute(t.notice.insert(), row)
            returned = self._moves.seen(connection, request_id, by)
        self._bell.ring(bell.REQUESTS)
        return returned

    def _chosen(self, request: Request, wanted: str, room_id: str | None) -> Alternative:
        """Return the alternative with the wanted key.

        Raises:
            Refused: there is none now.
        """
        if request.state is not State.DISPOSED:
            raise Refused("request.state", f"a request that is {request.state} is offered nothing")
        found = self._planner.alternatives(request, room_id=room_id)
        chosen = next((one for one in found if key_of(one) == wanted), None)
        if chosen is None:
            there = ", ".join(map(key_of, found)) or "nothing"
            raise Refused("offer.gone", f"what could be offered is {there}, got {wanted[:200]!r}")
        return chosen

    def standing(self, request: Request) -> Offered | None:
        """Return the offer that a returned request came back with; none for any other, and once it was sent again."""
        if request.state is not State.RETURNED:
            return None
        n = t.notice.c
        newest = t.notice.select().where(n.request_id == request.id, n.kind == OFFERED).order_by(n.id.desc()).limit(1)
        with self._store.reading() as connection:
            row = connection.execute(newest).mappings().first()
        body = json.loads(row["body"]) if row else {}
        return _read(body) if body.get("version") == request.version else None


def key_for(kind: Kind, room_id: str, starts: datetime, changes: Iterable[Change]) -> str:
    """Return what tells an alternative from the others of its request."""
    return " ".join((kind, room_id, f"{starts.timestamp():.0f}", *sorted(changes)))


def key_of(alternative: Alternative) -> str:
    """Return the key of an alternative."""
    return key_for(alternative.kind, alternative.room.id, alternative.starts, alternative.changes)


def _offered(chosen: Alternative) -> Offered:
    return Offered(
        kind=chosen.kind,
        room_id=chosen.room.id,
        room_name=chosen.room.name,
        starts=chosen.starts,
        ends=chosen.ends,
        changes=chosen.changes,
        needs=chosen.needs,
    )


def _told(offered: Offered) -> dict[str, Any]:
    """Return an offer as the database and the audit keep it."""
    return {
        "kind": offered.kind.value,
        "room_id": offered.room_id,
        "room_name": offered.room_name,
        "starts": offered.starts.isoformat(),
        "ends": offered.ends.isoformat(),
        "changes": [change.value for change in offered.changes],
        "needs": {need.equipment: need.count for need in offered.needs},
    }


def _read(body: dict[str, Any]) -> Offered:
    return Offered(
        kind=Kind(body["kind"]),
        room_id=body["room_id"],
        room_name=body["room_name"],
        starts=datetime.fromisoformat(body["starts"]),
        ends=datetime.fromisoformat(body["ends"]),
        changes=tuple(Change(one) for one in body["changes"]),
        needs=tuple(Need(name, count) for name, count in body["needs"].items()),
    )
