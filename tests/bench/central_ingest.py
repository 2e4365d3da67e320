"""Log entries a second: real links and broker, committed to disk and acknowledged before the next are sent."""

from __future__ import annotations

import asyncio
import sys
from typing import Final

import sqlalchemy as sa

from central.db import tables as t
from central.exchange import Exchange
from central.ingest import Ingest
from central.publisher import Publisher
from central.services import Services
from contract.link import Broker
from siaga.bench import Figure
from tests.bench.central_places import Place, bare_rows, scalar
from tests.bench.central_publish import running
from tests.bench.central_rooms import ENTRIES
from tests.broker import PrivateBroker
from tests.service.central.office import office

GOALS: Final = {"SQLite": 1000.0, "PostgreSQL": 2000.0}
ROOMS: Final = 8
WITHIN_S: Final = 300


def measure(place: Place, *, quick: bool) -> list[Figure]:
    """Return the entries a second, and those that are not in the database though they were acknowledged.

    The floor is the driver alone that writes as many bare rows in each transaction.
    """
    batches = 4 if quick else 40
    names = [f"bench-{n}" for n in range(ROOMS)]
    with place.fresh() as (folder, database), office(folder, database) as here:
        with here.store.writing() as connection:
            facts = {"capacity": 20, "can_record": True, "open": True, "time_zone": "Asia/Pontianak"}
            connection.execute(t.room.insert(), [facts | {"id": name, "name": name} for name in names])
        broker = PrivateBroker(folder)
        broker.start()
        try:
            seconds = asyncio.run(_sent(here, broker.url, batches, names))
        finally:
            broker.stop()
        stored = scalar(here.store, sa.select(sa.func.count()).select_from(t.journal_entry))
        floor = ENTRIES * batches / (sum(bare_rows(here.store, batches, each=ENTRIES)) / 1000)
    sent, title = ROOMS * batches * ENTRIES, f"log entries, committed and acknowledged ({ROOMS} rooms)"
    return [
        place.rate(title, sent / seconds, GOALS[place.name], floor=floor),
        place.figure(f"of {sent} acknowledged entries: not in the database", sent - stored, "entries", 0),
    ]


async def _sent(here: Services, url: str, batches: int, names: list[str]) -> float:
    """Return the seconds from the first entry sent to the last one acknowledged.

    Raises:
        RuntimeError: the rooms came to no end.
    """
    publisher = Publisher(here.store, here.desk.now)
    exchange = Exchange(Broker.parse(url), Ingest(here.store, here.desk.now), publisher, here.store.epoch)
    command = (sys.executable, "-m", "tests.bench.central_rooms", url, str(batches), *names)
    async with running(exchange.link.run()):
        rooms = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        said, _ = await asyncio.wait_for(rooms.communicate(), WITHIN_S)
    if rooms.returncode:
        raise RuntimeError("the rooms did not get all their entries acknowledged")
    return float(said)
