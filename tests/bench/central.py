"""Central on both databases: nothing booked twice, answers over many years, bookings and log entries a second."""

from __future__ import annotations

from siaga.bench import Figure
from tests.bench import central_ingest, central_publish, central_race, central_read, central_servable, central_write
from tests.bench.central_places import places

PARTS = (central_race, central_write, central_publish, central_ingest, central_read)


def measure(*, quick: bool) -> list[Figure]:
    """Return the figures of every part, each on SQLite and on PostgreSQL."""
    figures = central_servable.measure(quick=quick)
    with places() as both:
        return figures + [figure for part in PARTS for place in both for figure in part.measure(place, quick=quick)]
