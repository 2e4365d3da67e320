"""Getting over a time without the database: wait, try again, and say it once when it went and once when it is back.

Whoever works in the background does not end when PostgreSQL is started anew. What it had
begun was not committed, so it is begun again; the pauses grow, and chance spreads them.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

import sqlalchemy as sa

from central.db.writes import passes
from central.errors import Away, TooMany

log = logging.getLogger(__name__)

FIRST_PAUSE_S: Final = 0.2
PAUSE_AT_MOST_S: Final = 5.0

P = ParamSpec("P")
T = TypeVar("T")


class Outage:
    """What one part of central knows of the database: there, or away since when."""

    def __init__(self, part: str) -> None:
        self._part = part
        self._since: float | None = None
        self._pause_s = FIRST_PAUSE_S

    def pause_s(self, error: Exception) -> float:
        """Note that the database was away, and return how long to wait before the next try."""
        if self._since is None:
            self._since = time.monotonic()
            log.warning("the database is away: %s", error, extra={"action": "database_away", "part": self._part})
        wait_s = random.uniform(self._pause_s / 2, self._pause_s)
        self._pause_s = min(2 * self._pause_s, PAUSE_AT_MOST_S)
        return wait_s

    def over(self) -> float:
        """Note that the database answered, and return for how many seconds it had been away."""
        if self._since is None:
            return 0.0
        away_s, self._since, self._pause_s = time.monotonic() - self._since, None, FIRST_PAUSE_S
        said = {"action": "database_back", "part": self._part, "away_s": round(away_s, 1)}
        log.warning("the database is back", extra=said)
        return away_s


async def outlast(part: str, deed: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
    """Do `deed` in a thread, from its start again while the database is away; it is one that may be done twice."""
    return (await outlasted(Outage(part), deed, *args, **named))[0]


async def outlasted(outage: Outage, deed: Callable[P, T], *args: P.args, **named: P.kwargs) -> tuple[T, float]:
    """Do as `outlast`; return also for how many seconds the database had been away.

    Raises:
        DBAPIError: the database is there, and what it was told is wrong.
    """
    while True:
        try:
            done = await asyncio.to_thread(deed, *args, **named)
        except (Away, TooMany) as error:
            await asyncio.sleep(outage.pause_s(error))
        except sa.exc.DBAPIError as error:
            if not passes(error):
                raise
            await asyncio.sleep(outage.pause_s(error))
        else:
            return done, outage.over()
