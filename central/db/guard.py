"""The database's own rule against double booking, and the proof that it holds.

Checks in Python are for good messages. What makes two sessions in one room impossible is a
trigger on SQLite and an exclusion constraint on PostgreSQL: with it, also a program with a
bug cannot write the second row. Because a migration can lose a trigger silently, central
tries an overlap at every start.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from central.db.tables import alloc
from central.errors import Unfit

OVERLAP = "alloc_overlap"
"""The trigger's message and the constraint's name, so that it stands in either refusal."""


def is_overlap(error: sa.exc.DBAPIError) -> bool:
    """Return whether the database refused an overlap."""
    return OVERLAP in str(error.orig)


def prove(connection: sa.Connection) -> None:
    """Try an overlap inside a savepoint and take everything back.

    Raises:
        Unfit: the database accepted it; nothing may be booked here.
        DBAPIError: the try failed for another reason.
    """
    savepoint = connection.begin_nested()
    starts = datetime(1980, 1, 1, tzinfo=UTC)
    row = {"unit_kind": "self-test", "unit_id": "self-test", "starts": starts, "live": True}
    hour = timedelta(hours=1)
    try:
        connection.execute(alloc.insert(), row | {"ends": starts + 2 * hour})
        connection.execute(alloc.insert(), row | {"starts": starts + hour, "ends": starts + 3 * hour})
    except sa.exc.DBAPIError as error:
        if is_overlap(error):
            return
        raise
    finally:
        savepoint.rollback()
    raise Unfit("database.overlap_accepted", "the database accepted two bookings of one unit at the same time")
