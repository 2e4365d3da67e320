"""What the benchmarks share: an office of its own, percentiles."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from siaga.demo.files import ROOMS, Pace
from siaga.demo.office import Office
from siaga.demo.processes import Children
from siaga.demo.site import Room, Site


@contextlib.asynccontextmanager
async def one_room(pace: Pace) -> AsyncIterator[tuple[Site, Room, Office]]:
    """Run central and one room with three simulated devices; all of it ends with the block."""
    with tempfile.TemporaryDirectory(prefix="siaga-bench-") as folder:
        async with Children(Path(folder) / "logs") as children:
            site = Site(Path(folder), children, pace, 0)
            await site.start_central(1)
            room = await site.start_room(ROOMS[0])
            async with Office(site.url, site.password) as office:
                yield site, room, office


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` of `values` do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
