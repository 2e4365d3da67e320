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


def planned(row: sa.RowMapping, prefix: str = "", *, operator_name: str = "operator_name") -> PlannedSession:
    """Return a session's row as the room gets it; `prefix` stands before its columns' names."""
    return PlannedSession(
        id=row[prefix + "id"],
        rev=row[prefix + "rev"],
        status=SessionStatus(row[prefix + "status"]),
        title=row[prefix + "title"],
        agency=row[prefix + "agency"],
        leader=None if row[prefix + "leader"] in _NO_LEADER else row[prefix + "leader"],
        start=row[prefix + "starts"],
        end=row[prefix + "ends"],
        prepare_at=row[prefix + "prepare_at"],
        setup=timedelta(seconds=row[prefix + "setup_s"]),
        teardown=timedelta(seconds=row[prefix + "teardown_s"]),
        recording=row[prefix + "recording"],
        operators=(row[operator_name],),
        letter=row[prefix + "letter"],
        platform=row[prefix + "platform"],
    )
