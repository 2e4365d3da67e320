"""What both databases do when a row is there already, and deeds that are done again when another was in the way."""

from __future__ import annotations

import functools
import json
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


def insert_many(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, object]]) -> None:
    """Insert rows that all name the same columns.

    On PostgreSQL they go as one JSON value in one statement: a hundred statements, however
    they are batched, keep both ends busy for twice as long.
    """
    if not rows:
        return
    if connection.dialect.name != postgres.NAME:
        connection.execute(table.insert(), [dict(row) for row in rows])
        return
    names = tuple(rows[0])
    bound = {name: table.c[name].type.bind_processor(connection.dialect) or _plain for name in names}
    said = [{name: _storable(bound[name](row[name])) for name in names} for row in rows]
    connection.execute(_from_json(table, names), {"rows": json.dumps(said, ensure_ascii=False)})


def _plain(value: object) -> object:
    return value


def _storable(value: object) -> object:
    """Return text as PostgreSQL takes it, see `central.db.postgres`; JSON would hide the character from there."""
    return value.replace("\0", "\N{REPLACEMENT CHARACTER}") if isinstance(value, str) else value


@functools.cache
def _from_json(table: sa.Table, names: tuple[str, ...]) -> sa.Insert:
    sent = sa.func.json_to_recordset(sa.cast(sa.bindparam("rows", type_=sa.Text()), sa.JSON()))
    rows = sent.table_valued(*(sa.column(name, table.c[name].type) for name in names), name="sent")
    return table.insert().from_select(list(names), sa.select(*rows.render_derived(with_types=True).c))


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
