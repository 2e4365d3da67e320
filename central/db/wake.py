"""Hears at once what another process committed, where the database can tell (PostgreSQL's NOTIFY).

What is heard is only "look": the database is the truth, and everybody looks by the clock as
well. On SQLite one central writes and rings its own bell.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from typing import Final

import psycopg
import sqlalchemy as sa

from central.db.store import Store

log = logging.getLogger(__name__)

CHANNEL: Final = "siaga"
RETRY_AT_MOST_S: Final = 5.0


async def keep_listening(store: Store, ring: Callable[[str], None]) -> None:
    """Ring what other transactions tell of, and everything after a gap, until cancelled."""
    while store.is_postgres:
        try:
            connection = await asyncio.to_thread(_listen, store.engine)
        except (psycopg.Error, sa.exc.SQLAlchemyError) as error:
            log.warning("the database's bell is not heard: %s", error)
        else:
            ring("schedule")  # whatever was told while nobody listened
            await _hear(connection, ring)
        await asyncio.sleep(random.uniform(0.1, RETRY_AT_MOST_S))


def _listen(engine: sa.Engine) -> psycopg.Connection[tuple[object, ...]]:
    """Return a connection of our own that hears the channel."""
    pooled = engine.raw_connection()
    connection = pooled.driver_connection
    pooled.detach()
    assert isinstance(connection, psycopg.Connection)
    connection.autocommit = True
    connection.execute(f"LISTEN {CHANNEL}".encode())
    return connection


async def _hear(connection: psycopg.Connection[tuple[object, ...]], ring: Callable[[str], None]) -> None:
    """Ring until the connection breaks; without a thread, since nothing comes for hours."""
    loop, broken = asyncio.get_running_loop(), asyncio.Event()
    number = connection.fileno()  # a connection that is lost has none any more

    def readable() -> None:
        try:
            connection.pgconn.consume_input()
        except psycopg.OperationalError as error:
            log.warning("the database's bell is not heard: %s", error)
            broken.set()
            return
        while (told := connection.pgconn.notifies()) is not None:
            ring(told.extra.decode())

    loop.add_reader(number, readable)
    try:
        await broken.wait()
    finally:
        loop.remove_reader(number)
        connection.close()
