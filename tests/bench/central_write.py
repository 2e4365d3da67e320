"""Bookings a second, alone and side by side, beside one bare row that is synced to disk as well.

A booking is the whole decision: the request's row claimed, verified anew with all findings,
its move, the session, its units under the guard, the word to the room, the audit; one transaction.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

from central.db import tables as t
from central.services import Services
from siaga.bench import Figure
from tests.bench.central_places import Place, bare, bare_table, write_rows
from tests.service.central.office import STARTS, VERIFIER, approval, disposed, draft, office

ROOMS = 12
THREADS = 8
REASON = "ukur"


def measure(place: Place, *, quick: bool) -> list[Figure]:
    """Return bookings a second with their floors."""
    count = 48 if quick else 480
    figures = []
    for title, threads, spread in (("one after the other", 1, True), (f"{THREADS} at once, same days", THREADS, False)):
        with _office(place) as here:
            waiting = _wanted(here, count, spread=spread)
            rate = _rate([lambda one=one: _book(here, *one) for one in waiting], threads)  # type: ignore[misc]
            figures.append(place.rate(f"bookings, {title}", rate, floor=_floor(here, count, threads)))
    return figures


@contextlib.contextmanager
def _office(place: Place) -> Iterator[Services]:
    with place.fresh() as (folder, database), office(folder, database) as here:
        names = [f"{n:02}" for n in range(ROOMS)]
        room = {"capacity": 40, "can_record": True, "open": True, "time_zone": "Asia/Pontianak", "site": "A"}
        with here.store.writing() as connection:
            connection.execute(t.room.insert(), [room | {"id": f"r-{n}", "name": f"Ruang {n}"} for n in names])
            staff = [{"id": f"o-{n}", "name": f"Teknisi {n}", "active": True} for n in names]
            connection.execute(t.operator.insert(), staff)
        yield here


def _wanted(here: Services, count: int, *, spread: bool) -> list[tuple[str, str, str]]:
    """Return requests with a room and a person that are free for each: each on a day of its own, or many on one."""
    found = []
    for n in range(count):
        day, place = (n, 0) if spread else divmod(n, 4 * ROOMS)
        slot, unit = divmod(place, ROOMS)
        starts = STARTS + timedelta(days=day, hours=2 * slot - 5)
        wanted = draft(f"Rapat {n}", starts=starts, room_id=f"r-{unit:02}")
        request = disposed(here.desk, replace(wanted, ends=starts + timedelta(hours=1)))
        found.append((request.id, f"r-{unit:02}", f"o-{unit:02}"))
    return found


def _book(here: Services, request: str, room: str, operator: str) -> None:
    decision = approval(operator, room_id=room, override_reason=REASON)
    here.desk.decide(request, decision, VERIFIER)


def _rate(deeds: Sequence[Callable[[], object]], threads: int) -> float:
    began = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(deed) for deed in deeds]:
            done.result()
    return len(deeds) / (time.perf_counter() - began)


def _floor(here: Services, count: int, threads: int) -> float:
    """Return bare single-row inserts a second, each its own transaction, by as many threads; SQLite has one writer."""
    table, share = bare_table(here.store), count // threads

    def insert(_: int) -> None:
        with bare(here.store) as run:
            for _ in range(share):
                write_rows(run, table, 1)

    began = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(insert, range(threads)))
    return share * threads / (time.perf_counter() - began)
