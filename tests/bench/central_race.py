"""Ten thousand attempts to book, take back and displace on the same few things, by four processes at once."""

from __future__ import annotations

import time

from siaga.bench import Figure
from tests.bench.central_places import Place, p95
from tests.races import faults, office_for_a_race, race


def measure(place: Place, *, quick: bool) -> list[Figure]:
    """Return what went wrong, which is nothing, and how fast it went."""
    attempts, requests = (400, 40) if quick else (10_000, 600)
    with place.fresh() as (folder, database), office_for_a_race(folder, database, requests=requests) as course:
        began: list[float] = []
        made = race(course, attempts=attempts, at_the_start=lambda: began.append(time.perf_counter()))
        took = time.perf_counter() - began[0]
        wrong = faults(course, made)
    unsaid = sum(not one.explained for one in made)
    title = f"{len(made)} attempts by 4 processes"
    waits = [one.seconds * 1000 for one in made]
    return [
        place.figure(f"{title}: booked twice, lost or half done", len(wrong) - unsaid, "faults", 0),
        place.figure(f"{title}: not made", attempts - len(made), "attempts", 0),
        place.figure(f"{title}: refused without saying why", unsaid, "refusals", 0),
        place.rate(f"{title}: all of them", len(made) / took),
        place.figure(f"{title}: one of them, p95", p95(waits), "ms"),
        place.figure(f"{title}: one of them, longest", max(waits), "ms"),
    ]
