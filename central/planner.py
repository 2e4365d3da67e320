"""What could be done instead, and what of a day can be served together: reading only."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import sqlalchemy as sa

from central import rows
from central.assess import Assessor, named_room, wish_of
from central.db.store import Store
from central.domain.alternatives import Alternative, Search, alternatives
from central.model import Request


class Planner:
    """Answers to "what else?"."""

    def __init__(self, store: Store, assess: Assessor, *, now: Callable[[], datetime]) -> None:
        self._store = store
        self._assess = assess
        self._now = now

    def alternatives(self, request: Request, *, room_id: str | None = None) -> tuple[Alternative, ...]:
        """Return the nearest feasible choices; none when the request can be served as it is.

        Raises:
            NotFound: no such room.
        """
        with self._store.reading() as connection:
            return self.alternatives_in(connection, request, room_id=room_id)

    def alternatives_in(
        self,
        connection: sa.Connection,
        request: Request,
        *,
        room_id: str | None = None,
        without: frozenset[str] = frozenset(),
    ) -> tuple[Alternative, ...]:
        """Return the same in the caller's transaction, as if sessions in `without` were gone.

        Raises:
            NotFound: no such room.
        """
        all_rooms = rows.rooms(connection)
        room = named_room(all_rooms, room_id or request.room.id)
        margin = timedelta(days=Search().days + 1)
        found = self._assess.resources(connection, request, room, None, margin=margin, without=without)
        facts = tuple(rows.room_facts(one) for one in all_rooms)
        rules = self._assess.rules(request.starts)
        return alternatives(wish_of(request), found, facts, rules, now=self._now())
