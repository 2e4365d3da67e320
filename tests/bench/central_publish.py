"""From the officer's decision to the room's topic: real desk, publisher, broker and subscriber."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Coroutine
from datetime import timedelta

from central import bell
from central.exchange import Exchange
from central.ingest import Ingest
from central.model import Request
from central.publisher import Publisher
from central.services import Services
from contract import Broadcast, RoomTopics
from contract.link import Broker, Delivery, Link
from siaga.bench import Figure
from tests.bench.central_places import Place, bare_rows
from tests.bench.common import percentile
from tests.bench.links import between_two_links
from tests.broker import PrivateBroker
from tests.service.central.office import NOW, VERIFIER, approval, disposed, draft, office

GOAL_MS = 100.0
ROOM = "praja-1"
WITHIN_S = 10.0


def measure(place: Place, *, quick: bool) -> list[Figure]:
    """Return how long a confirmed session takes to reach who listens to its room.

    Its floor is one bare row that is synced to disk and one message between two bare links.
    """
    rounds = 40 if quick else 300
    with place.fresh() as (folder, database), office(folder, database) as here:
        waiting = [_waiting(here, n) for n in range(rounds)]
        broker = PrivateBroker(folder)
        broker.start()
        try:
            taken = asyncio.run(_rounds(here, broker.url, waiting))
            messages = asyncio.run(between_two_links(broker.url, rounds))
        finally:
            broker.stop()
        rows = bare_rows(here.store, rounds)
    title, goals = f"confirm to published, {{}} of {rounds}", {"p50": (0.5, None), "p99": (0.99, GOAL_MS)}
    return [
        place.figure(
            title.format(name), percentile(taken, share), "ms", goal,
            floor=percentile(rows, share) + percentile(messages, share),
        )
        for name, (share, goal) in goals.items()
    ]  # fmt: skip


def _waiting(here: Services, number: int) -> Request:
    starts = NOW + timedelta(days=4, hours=number)
    return disposed(here.desk, draft(f"Rapat {number}", starts=starts, room_id=ROOM))


async def _rounds(here: Services, url: str, waiting: list[Request]) -> list[float]:
    taken = []
    async with _central(here, url), _listener(url) as arrived:
        await asyncio.wait_for(arrived.get(), WITHIN_S)  # the plan as it is at the start
        for request in waiting:
            began = time.perf_counter()
            decision = approval(override_reason="ukur")
            deciding = asyncio.to_thread(here.desk.decide, request.id, decision, VERIFIER)
            _, at = await asyncio.gather(deciding, asyncio.wait_for(arrived.get(), WITHIN_S))
            taken.append((at - began) * 1000)
            await asyncio.to_thread(here.desk.withdraw, request.id, "ukur", VERIFIER)
            await asyncio.wait_for(arrived.get(), WITHIN_S)
    return taken


@contextlib.asynccontextmanager
async def _central(here: Services, url: str) -> AsyncIterator[None]:
    """Run the publisher as `central.app` does."""
    publisher = Publisher(here.store, here.desk.now, ahead=timedelta(days=400))
    exchange = Exchange(Broker.parse(url), Ingest(here.store, here.desk.now), publisher, here.store.epoch)

    async def wake() -> None:
        with here.bell.listening(bell.SCHEDULE) as listener:
            async for _ in listener:
                publisher.wake()

    async with running(exchange.link.run(), publisher.run(exchange.link), wake()):
        yield


@contextlib.asynccontextmanager
async def _listener(url: str) -> AsyncIterator[asyncio.Queue[float]]:
    """Give the moments at which the room's plan arrives."""
    arrived: asyncio.Queue[float] = asyncio.Queue()

    async def received(_: Delivery) -> None:
        arrived.put_nowait(time.perf_counter())

    async def connected(_: int) -> None:
        return

    link = Link(
        Broker.parse(url), client_id="listener", subscribe=(RoomTopics(ROOM).schedule,),
        will=lambda _: ("bench/will", Broadcast(kind="rebirth")),
        received=received, connected=connected, disconnected=lambda _: None,
    )  # fmt: skip
    async with running(link.run()):
        yield arrived


@contextlib.asynccontextmanager
async def running(*parts: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Run `parts` while inside."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
