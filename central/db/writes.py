"""What both databases do when a row is there already, and deeds that are done again when another was in the way."""

from __future__ import annotations

import functools
import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Final, ParamSpec, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from central.db import postgres
from central.db import sqlite as one_file
from central.errors import TooMany

log = logging.getLogger(__name__)

RETRIES: Final = 3
PAUSE_AT_MOST_S: Final = 0.1

P = ParamSpec("P")
T = TypeVar("T")


def insert_new(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, object]]) -> None:
    """Insert the rows that are not there yet, by whatever makes a row of `table` unique."""
    if not rows:
        return
    insert: sa.Insert
    if connection.dialect.name == postgres.NAME:
        insert = postgresql.insert(table).on_conflict_do_nothing()
    else:
        insert = sqlite.insert(table).on_conflict_do_nothing()
    connection.execute(insert, [dict(row) for row in rows])


def passes(error: sa.exc.DBAPIError) -> bool:
    """Return whether the database broke off a transaction only because of another one."""
    return postgres.passes(error) or one_file.passes(error)


def retried(deed: Callable[P, T]) -> Callable[P, T]:
    """Let `deed`, which is one transaction, be done again when the database broke it off because of another one.

    The whole of it, since what it read may be other now; three times more at most, after
    pauses that chance spreads.
    """

    @functools.wraps(deed)
    def again(*args: P.args, **named: P.kwargs) -> T:
        """Do it.

        Raises:
            TooMany: it was in somebody's way each time.
            DBAPIError: the database failed in another way.
        """
        for tries in range(RETRIES + 1):
            try:
                return deed(*args, **named)
            except sa.exc.DBAPIError as error:
                if not passes(error):
                    raise
                log.info("done again", extra={"deed": deed.__qualname__, "tries": tries + 1, "found": str(error.orig)})
                time.sleep(random.uniform(0, PAUSE_AT_MOST_S * (tries + 1)))
        raise TooMany("database.busy", timedelta(seconds=1))

    return again
