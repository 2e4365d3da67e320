"""Calendars that other programs subscribe to: of a room, of somebody of the staff, of an agency.

A subscribing program cannot log in, so the address itself is the key: it names the person
whom it was given to and holds a code that only this database can make. It leads nowhere any
more once that person asked for new addresses, left, or may not see the calendar. Leave comes
the other way, from a calendar that a person keeps.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Final

import sqlalchemy as sa

from central import ical, rows
from central.db import locks
from central.db import tables as t
from central.db.store import Store
from central.db.writes import insert_new
from central.errors import NotFound
from central.ical import Unread
from central.model import Person, SessionRow
from central.people import person_with
from central.permissions import sees_all_agencies
from contract import SessionStatus

BEHIND: Final = timedelta(days=31)
AHEAD: Final = timedelta(days=366)
SESSIONS_AT_MOST: Final = 2000
_KEY: Final = "feeds"
_CODE_LETTERS: Final = 32


class Of(StrEnum):
    """Whose calendar it is."""

    ROOM = "room"
    STAFF = "staff"
    AGENCY = "agency"


@dataclass(frozen=True, slots=True)
class Feed:
    """A calendar and the path of its address."""

    of: Of
    id: str
    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Grant:
    """A calendar as one person has it; `rev` rises when that person asks for new addresses."""

    of: Of
    id: str
    holder: str
    rev: int


class Feeds:
    """Makes calendars, and takes leave from one."""

    def __init__(self, store: Store, zone: tzinfo, public_url: str, now: Callable[[], datetime]) -> None:
        self._store = store
        self._zone = zone
        self._public_url = public_url
        self._now = now

    def all(self, by: Person) -> tuple[Feed, ...]:
        """Return the calendars that `by` may subscribe to: the office's, or that of his own agency."""
        with self._store.reading() as connection:
            agencies = [(Of.AGENCY, one.id, one.name) for one in rows.agencies(connection)]
            if not sees_all_agencies(by):
                found = [one for one in agencies if by.agency is not None and one[1] == by.agency.id]
            else:
                staff = [(Of.STAFF, one.id, one.name) for one in rows.operators(connection)]
                found = [*((Of.ROOM, one.id, one.name) for one in rows.rooms(connection)), *staff, *agencies]
            rev = connection.scalar(sa.select(t.person.c.feeds_rev).where(t.person.c.id == by.id)) or 0
        secret = self._secret()
        return tuple(Feed(of, ident, name, _path(secret, Grant(of, ident, by.id, rev))) for of, ident, name in found)

    def renew(self, by: Person) -> None:
        """Make the addresses of everything that `by` subscribes to anew; the old ones lead nowhere."""
        with self._store.writing() as connection:
            step = {"feeds_rev": t.person.c.feeds_rev + 1}
            connection.execute(t.person.update().where(t.person.c.id == by.id).values(step))
            audit = {"at": self._now(), "actor": by.login, "action": "feeds.renew", "subject": by.id}
            connection.execute(t.audit.insert(), audit)

    def calendar(self, of: str, ident: str, holder: str, code: str) -> str:
        """Return a calendar to whoever has the address that `holder` was given.

        Raises:
            NotFound: the address is not one that leads here, or not any more.
        """
        if of not in set(Of) or not self._granted(Of(of), ident, holder, code):
            raise NotFound("calendar", ident)
        now = self._now()
        s = t.session.c
        mine = {
            Of.ROOM: s.room_id == ident,
            Of.STAFF: s.operator_id == ident,
            Of.AGENCY: t.request.c.agency_id == ident,
        }
        with self._store.reading() as connection:
            where = (mine[Of(of)], *rows.touching(s, now - BEHIND, now + AHEAD))
            found = rows.sessions(connection, *where, limit=SESSIONS_AT_MOST)
        events = (self._event(row) for row in found)
        return ical.write(events, name=f"Siaga {ident}", stamp=now)

    def _granted(self, of: Of, ident: str, holder: str, code: str) -> bool:
        secret, p = self._secret(), t.person.c
        with self._store.reading() as connection:
            rev = connection.scalar(sa.select(p.feeds_rev).where(p.id == holder, p.active))
            known = _code(secret, Grant(of, ident, holder, rev or 0))
            if rev is None or not hmac.compare_digest(known, code):
                return False
            by = person_with(connection, holder, self._now())
        return sees_all_agencies(by) or (of is Of.AGENCY and by.agency is not None and by.agency.id == ident)

    def _event(self, row: SessionRow) -> ical.Event:
        planned = row.planned
        return ical.Event(
            uid=f"{planned.id}@{ical.UID_HOST}",
            starts=planned.start,
            ends=planned.end,
            summary=planned.title,
            location=", ".join(filter(None, (row.room.name, row.room.site))),
            description=f"{planned.agency}\n{row.operator.name}",
            sequence=planned.rev,
            cancelled=row.status is SessionStatus.CANCELLED,
            url=f"{self._public_url}/sesi/{planned.id}",
        )

    def take_leave(self, operator_id: str, content: bytes, by: Person) -> tuple[int, tuple[Unread, ...]]:
        """Write the events of a calendar down as leave; return how many were new, and what could not be read.

        Bringing the same calendar again adds nothing.

        Raises:
            NotFound: nobody of the staff has this id.
        """
        events, unread = ical.read(content.decode("utf-8", "replace"), self._zone)
        leave = t.operator_leave.c
        with self._store.writing() as connection:
            locks.hold(connection, t.operator, [operator_id])
            if operator_id not in {one.id for one in rows.operators(connection)}:
                raise NotFound("operator", operator_id)
            known = connection.execute(sa.select(leave.starts, leave.ends).where(leave.operator_id == operator_id))
            held = {(row.starts, row.ends) for row in known}
            new = {(e.starts, e.ends): e.summary for e in events if not e.cancelled and (e.starts, e.ends) not in held}
            if new:
                fresh = [{"starts": s, "ends": e, "reason": text[:200]} for (s, e), text in new.items()]
                connection.execute(t.operator_leave.insert(), [{"operator_id": operator_id} | one for one in fresh])
            audit = {"at": self._now(), "actor": by.login, "action": "leave.import", "subject": operator_id}
            detail = json.dumps({"new": len(new), "unread": len(unread)})
            connection.execute(t.audit.insert(), audit | {"detail": detail})
        return len(new), unread

    def _secret(self) -> bytes:
        """Return what codes are made with; the first who asks makes it."""
        query = sa.select(t.meta.c.value).where(t.meta.c.key == _KEY)
        with self._store.reading() as connection:
            found = connection.scalar(query)
        if found is None:
            with self._store.writing() as connection:
                insert_new(connection, t.meta, [{"key": _KEY, "value": secrets.token_hex(32)}])
                found = connection.scalar(query) or ""
        return bytes.fromhex(found)


def _code(secret: bytes, grant: Grant) -> str:
    text = f"{grant.of}/{grant.id}/{grant.holder}/{grant.rev}"
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()[:_CODE_LETTERS]


def _path(secret: bytes, grant: Grant) -> str:
    return f"/ical/{grant.of}/{grant.id}/{grant.holder}/{_code(secret, grant)}.ics"
