"""Writes messages in the transaction of the deed they tell of.

A row holds the facts as they were at that moment, so that a message sent late still tells
what happened, and one row is one message to one address: each is tried and counted by itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from central.db import tables as t
from central.domain.audience import ARRIVED, Audience, audience
from central.domain.sop import Event
from central.domain.words import Role
from central.settings import Channel, Notifications

WAITING: Final = "waiting"
SENT: Final = "sent"
FAILED: Final = "failed"
WEBHOOK: Final = "webhook:"
"""Before a webhook's name, in the column of channels."""


@dataclass(frozen=True, slots=True)
class News:
    """What happened: the event (none for the letter's arrival), who did it, why, and what was planned before."""

    event: Event | None
    actor: str
    login: str
    reason: str = ""
    was: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Reader:
    person_id: str
    language: str
    addresses: Mapping[str, str]


class Post:
    """Turns news into rows of the table `message`; without channels and webhooks it writes nothing."""

    def __init__(self, wanted: Notifications) -> None:
        self._wanted = wanted
        self._personal = tuple(name for name, channel in wanted.channels.items() if not channel.roles)
        self._shared = {name: channel for name, channel in wanted.channels.items() if channel.roles}

    def tell(self, connection: sa.Connection, request_id: str, news: News, at: datetime) -> None:
        """Write what is to be sent because of `news`."""
        if not self._wanted.channels and not self._wanted.webhooks:
            return
        event = news.event or ARRIVED
        request = connection.execute(_REQUEST, {"ident": request_id}).mappings().one()
        row = {
            "created_at": at,
            "event": event,
            "request_id": request_id,
            "facts": json.dumps(_facts(request, news, at)),
            "state": WAITING,
            "next_at": at,
        }
        to = [*self._to_people(connection, request, audience(event), news, at), *self._to_groups(audience(event))]
        to += [_nobody(WEBHOOK + name) for name, hook in self._wanted.webhooks.items() if _wants(hook.events, event)]
        if to:
            connection.execute(t.message.insert(), [row | one for one in to])

    def _to_people(
        self, connection: sa.Connection, request: sa.RowMapping, told: Audience, news: News, at: datetime
    ) -> Iterator[dict[str, object]]:
        if not self._personal:
            return
        idents = _in_roles(connection, told.roles, at)
        if news.event is Event.ACCEPT and request["forwarded_to"]:
            idents = {request["forwarded_to"]}
        doer = connection.scalar(sa.select(t.person.c.id).where(t.person.c.login == news.login))
        idents -= {doer} if doer else set()
        if told.applicant:  # also of his own deed: that is his receipt
            idents.add(request["applicant_id"])
        for reader in _readers(connection, idents):
            for channel in self._personal:
                if address := reader.addresses.get(channel):
                    yield _nobody(channel) | {
                        "person_id": reader.person_id,
                        "address": address,
                        "language": reader.language,
                    }

    def _to_groups(self, told: Audience) -> Iterator[dict[str, object]]:
        for name, channel in self._shared.items():
            if _meets(channel, told):
                yield _nobody(name) | {"language": channel.language}


def _nobody(channel: str) -> dict[str, object]:
    return {"channel": channel, "person_id": None, "address": "", "language": ""}


def _wants(events: tuple[str, ...], event: str) -> bool:
    return not events or event in events


def _meets(channel: Channel, told: Audience) -> bool:
    return bool(told.roles & set(channel.roles)) or (told.applicant and Role.APPLICANT in channel.roles)


def _request() -> sa.Select[tuple[object, ...]]:
    q, s = t.request.c, t.session.c
    joined = t.request.join(t.agency).join(t.room).outerjoin(t.session, s.request_id == q.id)
    held = t.room.alias("held")
    joined = joined.outerjoin(held, held.c.id == s.room_id).outerjoin(t.operator, t.operator.c.id == s.operator_id)
    columns = (
        q.receipt, q.title, q.starts, q.ends, q.leader, q.state, q.version, q.applicant_id, q.forwarded_to, q.tracking,
        t.agency.c.name.label("agency"), t.room.c.name.label("wished_room"), held.c.name.label("room"),
        sa.func.coalesce(held.c.site, t.room.c.site).label("site"), t.operator.c.name.label("operator"),
        s.id.label("session_id"), s.rev, s.status,
    )  # fmt: skip
    return sa.select(*columns).select_from(joined).where(q.id == sa.bindparam("ident"))


_REQUEST: Final = _request()


def _facts(request: sa.RowMapping, news: News, at: datetime) -> dict[str, object]:
    """Return what a message may speak of; moments as text."""
    plain = {name: request[name] for name in ("receipt", "title", "leader", "agency", "site", "state", "version")}
    session = {name: request[name] for name in ("session_id", "rev", "operator")} if request["session_id"] else {}
    return {
        **plain,
        **session,
        **({"was": dict(news.was)} if news.was else {}),
        "room": request["room"] or request["wished_room"],
        "starts": request["starts"].isoformat(),
        "ends": request["ends"].isoformat(),
        "tracking": request["tracking"],
        "actor": news.actor,
        "reason": news.reason.strip(),
        "at": at.isoformat(),
    }


def _in_roles(connection: sa.Connection, roles: frozenset[Role], at: datetime) -> set[str]:
    """Return everybody who has one of `roles` now; who acts for the head is as the head."""
    r, d = t.person_role.c, t.delegation.c
    found = set(connection.scalars(sa.select(r.person_id).where(r.role.in_(roles))))
    if Role.HEAD in roles:
        acting = sa.select(d.acting_id).where(d.starts <= at, d.ends > at, d.ended_at.is_(None))
        found |= set(connection.scalars(acting))
    return found


def _readers(connection: sa.Connection, idents: set[str]) -> Iterator[_Reader]:
    p, a = t.person.c, t.person_address.c
    found = connection.execute(
        sa.select(p.id, p.language, a.channel, a.address)
        .join_from(t.person, t.person_address)
        .where(p.id.in_(idents), p.active)
        .order_by(p.login)
    )
    readers: dict[str, tuple[str, dict[str, str]]] = {}
    for row in found.mappings():
        readers.setdefault(row["id"], (row["language"], {}))[1][row["channel"]] = row["address"]
    for ident, (language, addresses) in readers.items():
        yield _Reader(ident, language, addresses)
