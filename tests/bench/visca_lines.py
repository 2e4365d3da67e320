"""What an inquiry over a serial line costs: against a blocking terminal, beside a published library.

On a line most of the time is the wire's. So time is compared with a camera on a pseudo-terminal whose bytes take no
time, each inquiry after a pause in which the wire that the driver reckons with has become free; processor time is
taken with the bytes of 9600 baud and the camera's pictures in between.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import Iterator
from typing import NamedTuple

from drivers.visca import table
from siaga.bench import Figure
from tests.bench.visca_camera import running
from tests.bench.visca_floors import BareLine, BareReader, median, timed, timed_async
from tests.bench.visca_peers import Numbers, peer
from tests.bench.visca_speed import camera_at, two_cores

BAUD = 9600
POWER_INQ = bytes.fromhex("81 09 04 00 FF")
"""What the published library can ask."""
RATIO_AT_MOST = 2.0
CPU_AT_MOST_MS = 0.2
FREE_AFTER_S = 0.012
"""An inquiry and its answer take less on a wire of 9600 baud."""
PROVED_AFTER_S = 1.0
"""By then the driver has looked, after opening, whether the camera stands."""
PEER_WITHIN_S = 60.0


class Size(NamedTuple):
    """How much is asked."""

    inquiries: int
    slow_rounds: int
    slow_inquiries: int
    peer_inquiries: int


FULL = Size(inquiries=600, slow_rounds=5, slow_inquiries=60, peer_inquiries=150)
QUICK = Size(inquiries=120, slow_rounds=3, slow_inquiries=20, peer_inquiries=40)


def measure(*, quick: bool) -> list[Figure]:
    """Return the cost of inquiries over a serial line."""
    return figures(QUICK if quick else FULL)


def figures(size: Size) -> list[Figure]:
    """Return the figures of so many inquiries."""
    with _lines(2) as (first, second):
        driver_us, floor_us = asyncio.run(_answered_at_once(first, second, size))
    with _lines(3, str(BAUD)) as (first, second, third):
        work = asyncio.run(_at_wire_speed(first, second, third, size))
    with running("pty", str(BAUD)) as (line,):
        beside = peer("serial-inquiries", line, size.peer_inquiries, within_s=PEER_WITHIN_S)
    return [_wait(driver_us, floor_us), *_work(work, beside)]


@contextlib.contextmanager
def _lines(count: int, *baud: str) -> Iterator[list[str]]:
    """Run cameras on lines of their own, and on a core of their own."""
    with two_cores() as pin, contextlib.ExitStack() as stack:
        paths = [stack.enter_context(running("pty", *baud))[0] for _ in range(count)]
        pin()
        yield paths


def _wait(driver_us: float, floor_us: float) -> Figure:
    what, holds = "inquiry over a serial line, p50 (floor: os.write and os.read)", driver_us <= RATIO_AT_MOST * floor_us
    return Figure("visca", what, driver_us, "us", f"<= {RATIO_AT_MOST:g} x", holds, floor_us)


def _work(ms: Work, beside: Numbers) -> list[Figure]:
    what = f"inquiry at {BAUD} baud, CPU"
    others = {"a bare asyncio reader": (ms.reader, "floor"), "pyvisca": (beside["cpu_us"] / 1000, "peer")}
    goal, holds = f"<= {CPU_AT_MOST_MS:g}", ms.driver <= CPU_AT_MOST_MS
    return [
        Figure("visca", f"{what} (floor: os.write and os.read)", ms.driver, "ms", goal, holds, ms.blocking),
        *(
            Figure("visca", f"{what}, {who}", value, "ms", role, True, ms.blocking)
            for who, (value, role) in others.items()
        ),
    ]


async def _answered_at_once(line: str, other: str, size: Size) -> tuple[float, float]:
    """Return the medians of driver and blocking line in microseconds, measured in turns."""
    bare, camera = BareLine(other), camera_at(f"visca+serial://{line}?baud={BAUD}")
    await camera.open()
    driver_us, floor_us = [], []
    for _ in range(size.inquiries):
        await asyncio.sleep(FREE_AFTER_S)
        driver_us += await timed_async(camera.identify, 1)
        await asyncio.sleep(FREE_AFTER_S)
        floor_us += timed(bare.inquiry, 1)
    await camera.close()
    bare.close()
    return median(driver_us), median(floor_us)


class Work(NamedTuple):
    """Milliseconds of processor for an inquiry."""

    driver: float
    reader: float
    blocking: float


async def _at_wire_speed(line: str, second: str, third: str, size: Size) -> Work:
    """Measure driver, bare reader and blocking line in turns."""
    camera = camera_at(f"visca+serial://{line}?baud={BAUD}")
    reader, blocking = BareReader(second), BareLine(third)
    await camera.open()
    await asyncio.sleep(PROVED_AFTER_S)
    rounds = []
    for _ in range(size.slow_rounds):
        at = [time.process_time()]
        await timed_async(lambda: camera.inquire(table.POWER_INQ.name), size.slow_inquiries)
        at.append(time.process_time())
        await timed_async(lambda: reader.exchange(POWER_INQ), size.slow_inquiries)
        at.append(time.process_time())
        timed(lambda: blocking.exchange(POWER_INQ, 1), size.slow_inquiries)
        at.append(time.process_time())
        rounds.append([(after - before) / size.slow_inquiries * 1000 for before, after in itertools.pairwise(at)])
    await camera.close()
    reader.close()
    blocking.close()
    return Work(*map(median, map(list, zip(*rounds, strict=True))))
