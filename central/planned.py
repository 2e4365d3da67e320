"""A confirmed session as its room gets it."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from central.db.tables import operator, session
from contract import PlannedSession, SessionStatus

_NO_LEADER = {"", "none"}


def select_planned() -> sa.Select[tuple[object, ...]]:
    """Return the question for everything `planned` needs; narrow it with `where`."""
    return sa.select(*session.c, operator.c.name.label("operator_name")).join_from(session, operator)


def planned(row: sa.RowMapping) -> PlannedSession:
    """Return one row of `select_planned` as the room gets it."""
    return PlannedSession(
        id=row["id"],
        rev=row["rev"],
        status=SessionStatus(row["status"]),
        title=row["title"],
        agency=row["agency"],
        leader=None if row["leader"] in _NO_LEADER else row["leader"],
        start=row["starts"],
        end=row["ends"],
        prepare_at=row["prepare_at"],
        setup=timedelta(seconds=row["setup_s"]),
        teardown=timedelta(seconds=row["teardown_s"]),
        recording=row["recording"],
        operators=(row["operator_name"],),
        letter=row["letter"],
        platform=row["platform"],
    )
