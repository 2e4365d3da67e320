"""What central answers over the bookings of many years: conflicts, verification, alternatives, every list and page."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

import httpx
import sqlalchemy as sa

from central import rows
from central.app import create_app
from central.domain.sop import State
from central.memory import settled
from central.model import Request
from central.seed import PEOPLE, seed
from central.services import Services, make_services
from central.settings import BrokerSettings, CentralFile, CentralSettings, load
from siaga.bench import Figure
from tests.bench import central_volume
from tests.bench.central_places import Place, bare, milliseconds, p95
from tests.bench.central_volume import NOW, fill
from tests.service.central.office import CONFIGS, VERIFIER

PASSWORD: Final = "a long example phrase"
PAGE_MS: Final = 1000.0
"""No page and no list may take longer, however many years there are."""
PAGES: Final[Mapping[str, tuple[str, ...]]] = {
    "bidang": (
        "/kotak-masuk", "/permohonan", "/jadwal", "/dinding", "/ruang", "/laporan", "/pesan", "/kalender",
        "/penggeseran", "/kelola/rooms", "/kelola/staff", "/api/v1/requests", "/api/v1/inbox", "/api/v1/sessions",
        "/api/v1/rooms", "/api/v1/reports", "/api/v1/messages", "/api/v1/staff", "/api/v1/displacements",
        "/api/v1/availability?day=2026-11-09", "/api/v1/servable?day=2026-11-09", "/api/v1/feeds",
        "/api/v1/rooms/r-01/journal",
    ),
    "kadis": ("/kotak-masuk", "/waktu", "/waktu?hari=365", "/pendelegasian", "/api/v1/delegations"),
    "auditor": ("/audit", "/api/v1/audit"),
    "pemohon": ("/permohonan", "/laporan", "/api/v1/requests", "/api/v1/reports"),
}  # fmt: skip


def measure(place: Place, *, quick: bool) -> list[Figure]:
    """Fill a database and return what its answers cost, beside one indexed row that the driver alone reads."""
    bookings = 10_000 if quick else 1_000_000
    with place.fresh() as (folder, database), _office(folder, database) as here:
        began = time.perf_counter()
        volume = fill(here.store, bookings)
        took = time.perf_counter() - began
        waiting = here.desk.requests(VERIFIER, states=frozenset({State.DISPOSED}), limit=20 if quick else 100)
        size = f"{bookings:,} bookings of {volume.years:.1f} years"
        with settled():
            return [
                place.figure(f"{size}, written by the database in", took, "s"),
                *_questions(place, here, waiting, f"over {bookings:,}"),
                *_pages(place, here, f"over {bookings:,}", rounds=1 if quick else 5),
            ]


@contextlib.contextmanager
def _office(folder: Path, database: str | None) -> Iterator[Services]:
    """Open an office as large as a province: as many sessions at once as there are rooms."""
    file = CentralFile(
        listen="127.0.0.1:0", data=folder, database=database, policy=Path("policy.yaml"),
        broker=BrokerSettings(listen="127.0.0.1:0"),
    )  # fmt: skip
    shipped = load(CONFIGS / "central.yaml").policy
    policy = shipped.model_copy(update={"servable_limit": central_volume.ROOMS})
    services = make_services(CentralSettings(folder, file, policy), now=lambda: NOW)
    try:
        yield services
    finally:
        services.store.close()


def _questions(place: Place, here: Services, waiting: tuple[Request, ...], over: str) -> list[Figure]:
    floor = p95(_floor(here, waiting))
    operators = [f"o-{n % central_volume.OPERATORS:02}" for n in range(len(waiting))]
    with here.store.reading() as connection:
        conflicts = milliseconds([_touching(connection, one) for one in waiting])
    alone = [_verification(here, one, operator) for one, operator in zip(waiting, operators, strict=True)]
    verified, others = milliseconds(alone), milliseconds([_alternatives(here, one) for one in waiting])
    return [
        place.figure(f"who holds what at a time, {over}, p95", p95(conflicts), "ms", 5, floor=floor),
        place.figure(f"verification with all findings, {over}, p95", p95(verified), "ms", 50, floor=floor),
        place.figure(f"nearest alternatives, {over}, p95", p95(others), "ms", 200, floor=floor),
    ]


def _touching(connection: sa.Connection, one: Request) -> Callable[[], object]:
    return lambda: rows.occupied(connection, one.starts, one.ends)


def _verification(here: Services, one: Request, operator: str) -> Callable[[], object]:
    return lambda: here.desk.verify(one, operator_id=operator)


def _alternatives(here: Services, one: Request) -> Callable[[], object]:
    return lambda: here.planner.alternatives(one)


def _floor(here: Services, waiting: tuple[Request, ...]) -> list[float]:
    """Return what the driver needs to read the last row of a unit before a moment."""
    query = (
        "SELECT starts, ends FROM alloc WHERE live AND unit_kind = 'room' AND unit_id = ? AND starts < ?"
        " ORDER BY starts DESC LIMIT 1"
    )
    query = query if here.store.is_postgres else query.replace("live", "live = 1")
    with bare(here.store) as run:
        asked = [(one.room.id, int(one.ends.timestamp() * 1_000_000)) for one in waiting]
        return milliseconds([lambda values=values: run(query, values) for values in asked])  # type: ignore[misc]


def _pages(place: Place, here: Services, over: str, *, rounds: int) -> list[Figure]:
    seed(here.store, PASSWORD)
    tokens = {login: here.people.log_in(login, PASSWORD)[1] for login, *_ in PEOPLE}
    taken = asyncio.run(_visited(here, tokens, rounds))
    slowest = max(taken, key=lambda path: taken[path])
    return [
        place.figure(f"slowest of {len(taken)} pages and lists ({slowest}), {over}", taken[slowest], "ms", PAGE_MS),
        place.figure(f"half of the pages and lists, {over}", sorted(taken.values())[len(taken) // 2], "ms"),
    ]


async def _visited(here: Services, tokens: Mapping[str, str], rounds: int) -> dict[str, float]:
    """Return the middle of what each page takes, its first visit not counted.

    Raises:
        RuntimeError: a page does not answer.
    """
    taken: dict[str, float] = {}
    transport = httpx.ASGITransport(create_app(here))
    for login, paths in PAGES.items():
        cookies = {"sid": tokens[login]}
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", cookies=cookies) as client:
            for path in paths:
                times = [await _visit(client, path) for _ in range(rounds + 1)]
                taken[f"{login} {path}"] = sorted(times[1:])[rounds // 2]
    return taken


async def _visit(client: httpx.AsyncClient, path: str) -> float:
    began = time.perf_counter()
    answer = await client.get(path)
    if answer.status_code != 200:
        raise RuntimeError(f"{path}: wanted 200, found {answer.status_code}")
    return (time.perf_counter() - began) * 1000
