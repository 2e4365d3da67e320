"""What people order rooms to do: prepare, run a preset, look again, cancel; and all rooms to stop.

An order is written down with its audit row, then sent; what the room answers is written
beside it. A room that is not there is never sent anything: an order about a moment must
not be carried out in another. What was sent and not answered may be sent again, for a room
carries each order out once and answers a second time as the first.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

import sqlalchemy as sa

from central import bell
from central.bell import Bell
from central.db import locks
from central.db import tables as t
from central.db.store import Store
from central.errors import Invalid, NotFound, Refused, Wrong
from central.model import Person, RoomCommand
from contract import CENTRAL_BROADCAST, Broadcast, Message, Presence, Reply, RoomPresence, RoomTopics, new_id
from contract.link import NotConnected
from contract.messages import Command, CommandGuard, Fault

log = logging.getLogger(__name__)

GOOD_FOR: Final = timedelta(seconds=30)
ANSWER_WITHIN: Final = timedelta(seconds=10)
"""After it expired: then nobody will answer any more."""
STOP_ALL: Final = "emergency_stop"
WAITING: Final = ("sent", "accepted", "progress", "unsent")
UNDER_WAY: Final = ("accepted", "progress")
Kind = Literal["prepare", "run_preset", "recheck", "cancel"]
Scalar = bool | int | float | str | None
Send = Callable[[str, Message, timedelta], None]
"""Hands a message for a topic to the broker, good for a while; raises `NotConnected`. Called from any thread."""
_c = t.room_command.c


def _nowhere(topic: str, _message: Message, _good_for: timedelta) -> None:
    """Stand in for a link to the broker.

    Raises:
        NotConnected: always.
    """
    raise NotConnected(f"{topic}: central has no link to a broker")


@dataclass(frozen=True, slots=True)
class Order:
    """What a person wants of a room."""

    kind: Kind
    preset: str | None = None
    values: Mapping[str, Scalar] = field(default_factory=dict)
    run: str | None = None
    schedule_rev: int | None = None
    """Only if the room holds this schedule: the one that the person looked at."""
    id: str = ""
    """Chosen by who asks, so that asking twice is asking once; empty: a new one."""


class Commands:
    """Orders to rooms, and their outcomes."""

    def __init__(self, store: Store, rings: Bell, now: Callable[[], datetime]) -> None:
        self._store = store
        self._rings = rings
        self._now = now
        self._send: Send = _nowhere

    def send_with(self, send: Send) -> None:
        """Send through `send` from now on; without it every room is away."""
        self._send = send

    def give(self, room_id: str, order: Order, by: Person) -> RoomCommand:
        """Write an order down and send it; the same `id` again gives the order as it stands.

        Raises:
            NotFound: there is no such room.
            Invalid: the order is not whole.
            Refused: the room does not offer the preset.
        """
        _whole(order)
        now = self._now()
        message = _message(order, by, now)
        with self._store.writing() as connection:
            locks.alone(connection, f"command {message.id}")
            if (known := _row(connection, room_id, message.id)) is not None:
                return self._shown(known)
            presence = _presence(connection, room_id)
            if presence is not None and order.preset is not None:
                _offered(presence, order.preset)
            is_there = presence is not None and presence.state is Presence.ONLINE
            row = _new_row(room_id, order.kind, message, by, now) | {"status": "sent" if is_there else "offline"}
            connection.execute(t.room_command.insert(), row)
            detail = f"{order.kind} {order.preset or order.run or ''}".strip()
            _audit(connection, now, by, action="room.command", subject=room_id, detail=f"{detail} {message.id}")
        if is_there:
            self._try_to_send(RoomTopics(room_id).command, message, message.id)
        self._rings.ring(bell.COMMANDS)
        return self.get(room_id, message.id)

    def stop_all(self, reason: str, by: Person, *, ident: str = "") -> tuple[RoomCommand, ...]:
        """Tell every room to stop what moves and go to its safe state; gives one order a room.

        Raises:
            Invalid: no reason is given.
        """
        if not reason.strip():
            raise Invalid(Wrong("reason", "reason.wanted", "say why everything is to stop"))
        word = Broadcast(id=ident or new_id(), kind=STOP_ALL, reason=f"{by.signature}: {reason.strip()}"[:500])
        now = self._now()
        with self._store.writing() as connection:
            locks.alone(connection, f"command {word.id}")
            if not _rows(connection, _c.id == word.id):
                rooms = connection.scalars(sa.select(t.room.c.id).order_by(t.room.c.id)).all()
                for room_id in rooms:
                    presence = _presence(connection, room_id)
                    is_there = presence is not None and presence.state is Presence.ONLINE
                    row = _new_row(room_id, STOP_ALL, word, by, now) | {"status": "sent" if is_there else "offline"}
                    connection.execute(t.room_command.insert(), row)
                _audit(connection, now, by, action="room.stop_all", subject=word.id, detail=reason.strip())
                log.warning("all rooms are told to stop", extra={"action": "stop_all", "by": by.login})
        # to all of them, also to those that seem to be away: a stop too many harms nobody
        self._try_to_send(CENTRAL_BROADCAST, word, word.id)
        self._rings.ring(bell.COMMANDS)
        return self.of_stop(word.id)

    def of_stop(self, ident: str) -> tuple[RoomCommand, ...]:
        """Return what became of one stop of all rooms, by room."""
        with self._store.reading() as connection:
            found = _rows(connection, _c.id == ident, _c.kind == STOP_ALL, order=_c.room_id)
        return tuple(map(self._shown, found))

    def of_room(self, room_id: str, *, limit: int = 20) -> tuple[RoomCommand, ...]:
        """Return the newest orders to a room.

        Raises:
            NotFound: there is no such room.
        """
        with self._store.reading() as connection:
            _known(connection, room_id)
            found = _rows(connection, _c.room_id == room_id, order=_c.issued_at.desc(), limit=limit)
        return tuple(map(self._shown, found))

    def get(self, room_id: str, ident: str) -> RoomCommand:
        """Return one order.

        Raises:
            NotFound: there is none.
        """
        with self._store.reading() as connection:
            found = _row(connection, room_id, ident)
        if found is None:
            raise NotFound("command", ident)
        return self._shown(found)

    def ask_again(self, room_id: str) -> None:
        """Send again what a room that is back has not answered to the end: it answers as before, or says it is late."""
        since = self._now() - timedelta(hours=24)
        wanted = (_c.room_id == room_id, _c.status.in_(WAITING), _c.issued_at > since, _c.kind != STOP_ALL)
        with self._store.reading() as connection:
            waiting = _rows(connection, *wanted, order=_c.issued_at)
        for row in waiting:
            self._try_to_send(RoomTopics(room_id).command, Command.model_validate_json(row["body"]), row["id"])

    def _try_to_send(self, topic: str, message: Message, ident: str) -> None:
        try:
            self._send(topic, message, GOOD_FOR)
        except NotConnected as error:
            log.warning("an order was not sent: %s", error, extra={"action": "command", "command": ident})
            with self._store.writing() as connection:
                sent = (_c.id == ident, _c.status == "sent")
                connection.execute(t.room_command.update().where(*sent).values(status="unsent"))

    def _shown(self, row: sa.RowMapping) -> RoomCommand:
        return shown(row, self._now())


def take_reply(connection: sa.Connection, room_id: str, reply: Reply, now: datetime) -> bool:
    """Write an answer beside its order; false when it is of no order, or says less than is known."""
    row = _row(connection, room_id, reply.command)
    if row is None or str(row["status"]) not in {*WAITING, "offline"}:
        return False
    if reply.status == "accepted" and row["status"] == "progress":
        return False  # overtaken on the way
    values = {"status": reply.status, "reply": reply.model_dump_json(), "replied_at": now}
    connection.execute(t.room_command.update().where(_c.id == reply.command, _c.room_id == room_id).values(values))
    return True


def shown(row: sa.RowMapping, now: datetime) -> RoomCommand:
    """Return an order as it stands at `now`."""
    body = json.loads(row["body"])
    reply = Reply.model_validate_json(row["reply"]) if row["reply"] else None
    result = reply.result if reply is not None else {}
    is_silent = row["status"] == "sent" and now > row["expires_at"] + ANSWER_WITHIN
    return RoomCommand(
        id=row["id"],
        room_id=row["room_id"],
        kind=row["kind"],
        preset=body.get("preset"),
        by=row["by_name"],
        issued_at=row["issued_at"],
        status="silent" if is_silent else row["status"],
        step=_count(result.get("step")),
        steps=_count(result.get("steps")),
        reason=_reason(reply),
        replied_at=row["replied_at"],
    )


def _count(found: object) -> int:
    return found if isinstance(found, int) else 0


def _reason(reply: Reply | None) -> Fault | None:
    """Return why it was not done: the room's refusal, or the step that failed."""
    if reply is None:
        return None
    told = reply.result.get("reason")
    return reply.error or (Fault.model_validate(told) if isinstance(told, dict) else None)


def _whole(order: Order) -> None:
    """See that an order says all that its kind needs.

    Raises:
        Invalid: it does not.
    """
    if order.kind == "run_preset" and not order.preset:
        raise Invalid(Wrong("preset", "text.wanted", "name the preset to run"))
    if order.kind != "run_preset" and (order.preset or order.values):
        raise Invalid(Wrong("preset", "field.unknown", f"{order.kind} takes no preset"))
    if order.kind != "cancel" and order.run:
        raise Invalid(Wrong("run", "field.unknown", f"{order.kind} takes no run"))


def _message(order: Order, by: Person, now: datetime) -> Command:
    return Command(
        id=order.id or new_id(),
        kind=order.kind,
        preset=order.preset,
        values=dict(order.values),
        run=order.run,
        issued_at=now,
        expires_at=now + GOOD_FOR,
        by=by.signature,
        guard=CommandGuard(schedule_rev=order.schedule_rev),
    )


def _new_row(room_id: str, kind: str, message: Message, by: Person, now: datetime) -> dict[str, object]:
    return {
        "id": message.id,
        "room_id": room_id,
        "kind": kind,
        "body": message.model_dump_json(),
        "by_login": by.login,
        "by_name": by.signature,
        "issued_at": now,
        "expires_at": now + GOOD_FOR,
    }


def _audit(connection: sa.Connection, at: datetime, by: Person, **said: str) -> None:
    connection.execute(t.audit.insert(), {"at": at, "actor": by.login, **said})


def _rows(
    connection: sa.Connection,
    *where: sa.ColumnElement[bool],
    order: sa.ColumnElement[object] | sa.Column[str] | sa.Column[datetime] | None = None,
    limit: int | None = None,
) -> list[sa.RowMapping]:
    query = sa.select(t.room_command).where(*where)
    query = query if order is None else query.order_by(order)
    return list(connection.execute(query if limit is None else query.limit(limit)).mappings())


def _row(connection: sa.Connection, room_id: str, ident: str) -> sa.RowMapping | None:
    return next(iter(_rows(connection, _c.id == ident, _c.room_id == room_id)), None)


def _known(connection: sa.Connection, room_id: str) -> None:
    """See that there is such a room.

    Raises:
        NotFound: there is none.
    """
    if connection.scalar(sa.select(t.room.c.id).where(t.room.c.id == room_id)) is None:
        raise NotFound("room", room_id)


def _presence(connection: sa.Connection, room_id: str) -> RoomPresence | None:
    """Return what a room last said of its being there.

    Raises:
        NotFound: there is no such room.
    """
    _known(connection, room_id)
    body = connection.scalar(sa.select(t.room_presence.c.body).where(t.room_presence.c.room_id == room_id))
    return None if body is None else RoomPresence.model_validate_json(body)


def _offered(presence: RoomPresence, preset: str) -> None:
    """See that the room has such a preset; an older agent does not say which it has.

    Raises:
        Refused: it has none of this name.
    """
    names = [offered.name for offered in presence.presets]
    if names and preset not in names:
        raise Refused("preset.unknown", f"the room has no preset {preset!r}; it has {', '.join(names)}", preset=preset)
