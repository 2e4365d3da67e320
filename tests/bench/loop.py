"""From the click that confirms to the room that holds the session, on one machine.

Both ends stamp with the machine's wall clock: the beginning is taken before the decision is
sent to central, the end is the journal entry the agent writes once the schedule is in its
database. The floor is a message of the same size through a broker between two bare links.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

from siaga.bench import Figure
from siaga.demo.files import REAL
from siaga.demo.letter import letter_pdf
from siaga.demo.office import Json, Person, until
from siaga.demo.site import Room
from tests.bench.common import one_room, percentile
from tests.bench.links import between_two_links
from tests.broker import PrivateBroker

GOAL_MS = 500.0


def measure(*, quick: bool) -> list[Figure]:
    """Return how long a confirmed session takes to be held by its room."""
    rounds = 30 if quick else 200
    floor = asyncio.run(_floor(rounds))
    taken = asyncio.run(_rounds(rounds))
    figures = []
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        value, ground = percentile(taken, share), percentile(floor, share)
        title = f"confirm to held by the agent, {name}"
        figures.append(Figure("loop", title, value, "ms", f"<= {GOAL_MS:g}", value <= GOAL_MS, ground))
    return figures


async def _rounds(rounds: int) -> list[float]:
    async with one_room(REAL) as (_, room, office):
        applicant, head = await office.person("pemohon"), await office.person("kadis")
        officer = await office.person("bidang")
        letter = letter_pdf("555/1/Bench", "Ukur")
        waiting = [await _disposed(applicant, head, letter, room, n) for n in range(rounds)]
        return [await _confirmed(officer, room, request) for request in waiting]


async def _disposed(applicant: Person, head: Person, letter: bytes, room: Room, number: int) -> Json:
    starts = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1 + number)
    fields = {
        "agency_id": str(cast("Json", (await applicant.get("/api/v1/me"))["agency"])["id"]),
        "letter_number": f"555/{number}/Bench",
        "letter_date": datetime.now(UTC).date().isoformat(),
        "letter_subject": "Ukur",
        "contact_name": "Budi",
        "contact_phone": "0812",
        "title": f"Rapat {number}",
        "starts": starts.isoformat(),
        "ends": (starts + timedelta(minutes=10)).isoformat(),
        "room_id": room.id,
        "participants": "5",
        "platform": "zoom",
        "leader": "governor",
        "own_people": "Budi",
        "own_equipment": "Laptop",
    }
    made = await applicant.post_form("/api/v1/requests", fields, ("s.pdf", letter), key=f"bench-{number}")
    word = {"accept": True, "note": "", "version": made["version"]}
    return await head.post(f"/api/v1/requests/{made['id']}/disposition", cast("Json", word))


async def _confirmed(officer: Person, room: Room, request: Json) -> float:
    """Approve one request and return the milliseconds until the room holds it."""
    found = await officer.get(f"/api/v1/requests/{request['id']}/verification")
    operator = cast("list[Json]", found["free_operators"])[0]["id"]
    seen = await _applied(officer, room)
    began = time.time()
    decision = {"approve": True, "operator_id": operator, "override_reason": "Ukur", "version": request["version"]}
    await officer.post(f"/api/v1/requests/{request['id']}/decision", decision)

    async def held() -> Json | None:
        now = await _applied(officer, room)
        return now[-1] if len(now) > len(seen) else None

    entry = await until("the room to hold the session", held, 10)
    return (datetime.fromisoformat(str(entry["at"])).timestamp() - began) * 1000


async def _applied(person: Person, room: Room) -> list[Json]:
    """Return the room's journal entries of newly held schedules, as central has them."""
    items = cast("list[Json]", (await person.get(f"/api/v1/rooms/{room.id}/journal?limit=5000"))["items"])
    return [entry for entry in items if entry["kind"] == "schedule.applied"]


async def _floor(rounds: int) -> list[float]:
    with tempfile.TemporaryDirectory(prefix="siaga-bench-") as folder:
        broker = PrivateBroker(Path(folder))
        broker.start()
        try:
            return await between_two_links(broker.url, rounds)
        finally:
            broker.stop()
