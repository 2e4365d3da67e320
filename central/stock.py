"""Reading what the division has: people with shifts and leave, equipment, accounts."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, time, timedelta
from typing import Final

import sqlalchemy as sa

from central import rows
from central.db import tables as t
from central.domain.calendar import Span
from central.domain.resources import (
    AccountFacts,
    Buffers,
    EquipmentFacts,
    Leave,
    Need,
    OperatorFacts,
    Resources,
    Rules,
    Shift,
)
from central.model import Operator, Room

DAY: Final = timedelta(days=1)
"""Looked at on both sides of an event: the person's other sessions of the day, and the way to them."""


def resources(
    connection: sa.Connection,
    room: Room,
    operator: Operator | None,
    span: Span,
    *,
    without: frozenset[str] = frozenset(),
) -> Resources:
    """Return everything the rules look at around `span`; sessions named in `without` are left out."""
    return _chosen(resources_around(connection, room, (span,)), operator, without)


def resources_near(
    connection: sa.Connection,
    room: Room,
    operator: Operator | None,
    event: Span,
    rules: Rules,
    *,
    without: frozenset[str] = frozenset(),
) -> Resources:
    """Return what the rules look at for one event: all that may touch it, and each person's day."""
    people = event[0] - DAY, event[1] + DAY
    found = there(connection, room, people)
    held = rows.occupied_near(connection, rules.reach(found.equipment).around(*event), people)
    return _chosen(replace(found, occupied=held), operator, without)


def resources_around(connection: sa.Connection, room: Room, spans: Sequence[Span]) -> Resources:
    """Return everything the rules look at around each of `spans`, in as many queries as around one."""
    whole = min(starts for starts, _ in spans), max(ends for _, ends in spans)
    return replace(there(connection, room, whole), occupied=rows.occupied_in(connection, merged(spans)))


def there(connection: sa.Connection, room: Room, span: Span) -> Resources:
    """Return what the division has, as if nothing of it was taken."""
    return Resources(
        room=rows.room_facts(room),
        operators=operators(connection, rows.operators(connection), span),
        equipment=equipment(connection),
        accounts=accounts(connection),
    )


def _chosen(found: Resources, operator: Operator | None, without: frozenset[str]) -> Resources:
    return replace(
        found,
        occupied=tuple(one for one in found.occupied if one.rival.session not in without),
        operator=next((one for one in found.operators if operator is not None and one.id == operator.id), None),
    )


def merged(spans: Sequence[Span]) -> list[Span]:
    """Return the fewest spans that cover the same time."""
    found: list[Span] = []
    for starts, ends in sorted(spans):
        if found and starts <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], ends))
        else:
            found.append((starts, ends))
    return found


def operators(connection: sa.Connection, people: tuple[Operator, ...], span: Span) -> tuple[OperatorFacts, ...]:
    """Return people with what they have learnt, their shifts, and their leave within `span`."""
    skills: dict[str, set[str]] = defaultdict(set)
    for row in connection.execute(t.operator_skill.select()).mappings():
        skills[row["operator_id"]].add(row["skill"])
    shifts, leave = _shifts(connection), _leave(connection, span)
    return tuple(
        OperatorFacts(one.id, one.name, frozenset(skills[one.id]), tuple(shifts[one.id]), tuple(leave[one.id]))
        for one in people
    )


def _shifts(connection: sa.Connection) -> dict[str, list[Shift]]:
    found: dict[str, list[Shift]] = defaultdict(list)
    for row in connection.execute(t.operator_shift.select().order_by(t.operator_shift.c.id)).mappings():
        hours = time.fromisoformat(row["opens"]), time.fromisoformat(row["closes"])
        days = (date.fromisoformat(day) if day else None for day in (row["first_day"], row["last_day"]))
        found[row["operator_id"]].append(Shift(row["weekday"], *hours, *days))
    return found


def _leave(connection: sa.Connection, span: Span) -> dict[str, list[Leave]]:
    touching = (t.operator_leave.c.starts < span[1], t.operator_leave.c.ends > span[0])
    found: dict[str, list[Leave]] = defaultdict(list)
    for row in connection.execute(t.operator_leave.select().where(*touching)).mappings():
        found[row["operator_id"]].append(Leave(row["starts"], row["ends"], row["reason"]))
    return found


def equipment(connection: sa.Connection) -> tuple[EquipmentFacts, ...]:
    """Return all equipment by name."""
    query = t.equipment.select().order_by(t.equipment.c.name)
    return tuple(_equipment(row) for row in connection.execute(query).mappings())


def _equipment(row: rows.Row) -> EquipmentFacts:
    own = None
    if row["setup_s"] is not None or row["teardown_s"] is not None:
        own = Buffers(timedelta(seconds=row["setup_s"] or 0), timedelta(seconds=row["teardown_s"] or 0))
    return EquipmentFacts(row["id"], row["name"], row["count"], row["faulty"], row["site"], own)


def accounts(connection: sa.Connection) -> tuple[AccountFacts, ...]:
    """Return the meeting accounts in use, by id."""
    query = t.account.select().where(t.account.c.active).order_by(t.account.c.id)
    return tuple(
        AccountFacts(
            row["id"],
            row["name"],
            row["platform"],
            row["concurrency"],
            row["participants_at_most"],
            None if row["minutes_at_most"] is None else timedelta(minutes=row["minutes_at_most"]),
        )
        for row in connection.execute(query).mappings()
    )


def needs_text(needs: tuple[Need, ...]) -> str:
    """Return needs as they are kept; empty for none."""
    return json.dumps({need.equipment: need.count for need in needs}) if needs else ""
