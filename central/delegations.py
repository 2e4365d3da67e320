"""Who acts for the head of the office (Plh, Plt) while the head is away: for a period, by letter, in the open.

An acting head has the head's role while the period lasts and signs as acting. The head may
end it early. An acting head passes it on to nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from central.db import locks
from central.db import tables as t
from central.db.store import Store
from central.db.writes import retried
from central.domain.words import Role
from central.errors import Forbidden, Invalid, NotFound, Refused, Wrong
from central.model import Delegation, Person
from contract import new_id

LASTS_AT_MOST: Final = timedelta(days=92)
TEXT_AT_MOST: Final = 200


@dataclass(frozen=True, slots=True)
class Mandate:
    """Who is to act for whom, when, and by which letter."""

    holder_id: str
    acting_id: str
    starts: datetime
    ends: datetime
    letter: str


class Delegations:
    """Periods with an acting head."""

    def __init__(self, store: Store, *, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    def all(self, *, limit: int = 100) -> tuple[Delegation, ...]:
        """Return the newest periods."""
        with self._store.reading() as connection:
            return self._read(connection, sa.true(), limit=limit)

    def choices(self) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]:
        """Return the heads, and everybody of the office who could act, as id and name."""
        with self._store.reading() as connection:
            return with_role(connection, Role.HEAD), _office(connection)

    @retried
    def make(self, mandate: Mandate, by: Person) -> Delegation:
        """Let somebody act for the head.

        Raises:
            Forbidden: by somebody who only acts himself, or a head for another head.
            Invalid: the period or the persons are wrong; all of it.
            Refused: the head has an acting head in that time already.
        """
        head_only = Role.ADMIN not in by.roles
        if by.acting_for or (head_only and mandate.holder_id != by.id):
            raise Forbidden("delegation.foreign", "a head names who acts for him; an acting head names nobody")
        with self._store.writing() as connection:
            locks.alone(connection, f"delegation {mandate.holder_id}")
            wrongs = (*_wrong_times(mandate, self._now()), *_wrong_people(connection, mandate))
            if wrongs:
                raise Invalid(*wrongs)
            _refuse_overlap(connection, mandate)
            ident, now = new_id(), self._now()
            row = {
                "id": ident,
                "holder_id": mandate.holder_id,
                "acting_id": mandate.acting_id,
                "starts": mandate.starts,
                "ends": mandate.ends,
                "letter": mandate.letter.strip(),
                "made_by": by.name,
                "made_at": now,
            }
            connection.execute(t.delegation.insert(), row)
            audit = {"at": now, "actor": by.login, "action": "delegation.make", "subject": ident}
            connection.execute(t.audit.insert(), audit | {"detail": f"{mandate.acting_id} for {mandate.holder_id}"})
            return self._read(connection, t.delegation.c.id == ident, limit=1)[0]

    @retried
    def end(self, ident: str, by: Person) -> Delegation:
        """End a period now; one that has ended stays as it is.

        Raises:
            NotFound: there is none.
            Forbidden: it is another head's.
        """
        now = self._now()
        with self._store.writing() as connection:
            locks.hold(connection, t.delegation, [ident])
            found = self._read(connection, t.delegation.c.id == ident, limit=1)
            if not found:
                raise NotFound("delegation", ident)
            if by.acting_for or (Role.ADMIN not in by.roles and found[0].holder_id != by.id):
                raise Forbidden("delegation.foreign", "only the head whom it is for ends it")
            if found[0].ended_at is None and found[0].ends > now:
                connection.execute(t.delegation.update().where(t.delegation.c.id == ident).values(ended_at=now))
                audit = {"at": now, "actor": by.login, "action": "delegation.end", "subject": ident}
                connection.execute(t.audit.insert(), audit)
            return self._read(connection, t.delegation.c.id == ident, limit=1)[0]

    def _read(self, connection: sa.Connection, where: sa.ColumnElement[bool], *, limit: int) -> tuple[Delegation, ...]:
        holder, acting = t.person.alias("h"), t.person.alias("a")
        joined = t.delegation.join(holder, holder.c.id == t.delegation.c.holder_id)
        joined = joined.join(acting, acting.c.id == t.delegation.c.acting_id)
        query = sa.select(t.delegation, holder.c.name.label("holder"), acting.c.name.label("acting"))
        found = query.select_from(joined).where(where).order_by(t.delegation.c.starts.desc()).limit(limit)
        now = self._now()
        return tuple(
            Delegation(
                id=row["id"],
                holder_id=row["holder_id"],
                holder=row["holder"],
                acting_id=row["acting_id"],
                acting=row["acting"],
                starts=row["starts"],
                ends=row["ends"],
                letter=row["letter"],
                made_by=row["made_by"],
                ended_at=row["ended_at"],
                active=row["ended_at"] is None and row["starts"] <= now < row["ends"],
            )
            for row in connection.execute(found).mappings()
        )


def _wrong_times(mandate: Mandate, now: datetime) -> tuple[Wrong, ...]:
    wrongs = []
    if not mandate.starts < mandate.ends:
        wrongs.append(Wrong("ends", "time.order", "the end must be after the start"))
    elif mandate.ends - mandate.starts > LASTS_AT_MOST:
        wrongs.append(Wrong("ends", "period.too_long", f"at most {LASTS_AT_MOST.days} days"))
    elif mandate.ends <= now:
        wrongs.append(Wrong("ends", "time.past", "it is over already"))
    if not 0 < len(mandate.letter.strip()) <= TEXT_AT_MOST:
        wrongs.append(Wrong("letter", "text.wanted", "name the letter that orders it"))
    return tuple(wrongs)


def _wrong_people(connection: sa.Connection, mandate: Mandate) -> tuple[Wrong, ...]:
    wrongs = []
    if mandate.holder_id not in dict(with_role(connection, Role.HEAD)):
        wrongs.append(Wrong("holder", "person.no_head", "only for a head of the office"))
    if mandate.acting_id == mandate.holder_id or mandate.acting_id not in dict(_office(connection)):
        wrongs.append(Wrong("acting", "person.not_of_office", "wanted somebody else of the office"))
    return tuple(wrongs)


def _refuse_overlap(connection: sa.Connection, mandate: Mandate) -> None:
    """Let one act for a head at a time.

    Raises:
        Refused: somebody does already.
    """
    d = t.delegation.c
    until = sa.func.coalesce(d.ended_at, d.ends)
    touching = (d.holder_id == mandate.holder_id, d.starts < mandate.ends, until > mandate.starts)
    if connection.scalar(sa.select(d.id).where(*touching).limit(1)) is not None:
        raise Refused("delegation.overlap", "somebody acts for this head in that time already")


def with_role(connection: sa.Connection, *roles: Role) -> tuple[tuple[str, str], ...]:
    """Return id and name of everybody with one of `roles`, by name."""
    joined = t.person.join(t.person_role, t.person_role.c.person_id == t.person.c.id)
    query = sa.select(t.person.c.id, t.person.c.name).select_from(joined).distinct().order_by(t.person.c.name)
    found = connection.execute(query.where(t.person_role.c.role.in_(roles), t.person.c.active))
    return tuple((ident, name) for ident, name in found)


def _office(connection: sa.Connection) -> tuple[tuple[str, str], ...]:
    """Return everybody who works in the office, whatever else they are; auditors stay outside."""
    return with_role(connection, Role.HEAD, Role.VERIFIER, Role.SCHEDULER, Role.TECHNICIAN, Role.ADMIN)
