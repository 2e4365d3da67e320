"""What an inquiry over a serial line costs: against a blocking terminal, beside a published library.

On a line most of the time is the wire's. So time is compared with a camera on a pseudo-terminal whose bytes take no
time, each inquiry after a pause in which the wire that the driver reckons with has become free; processor time is
taken with the bytes of 9600 baud and the camera's pictures in between.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from typing import NamedTuple

from drivers.visca import table
from siaga.bench import Figure
from tests.bench.visca_camera import running
from tests.bench.visca_floors import BareLine, median, timed, timed_async
from tests.bench.visca_peers import Numbers, peer
from tests.bench.visca_speed import camera_at, two_cores

BAUD = 9600
POWER_INQ = bytes.fromhex("81 09 04 00 FF")
"""What the published library can ask."""
RATIO_AT_MOST = 2.0
CPU_AT_MOST_MS = 0.2
FREE_AFTER_S = 0.012
"""An inquiry and its answer take less on a wire of 9600 baud."""
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
    with _two_lines() as lines:
        driver_us, floor_us = asyncio.run(_answered_at_once(*lines, size))
    with _two_lines(str(BAUD)) as lines:
        driver_ms, floor_ms = asyncio.run(_at_wire_speed(*lines, size))
    with running("pty", str(BAUD)) as (line,):
        beside = peer("serial-inquiries", line, size.peer_inquiries, within_s=PEER_WITHIN_S)
    return [_wait(driver_us, floor_us), _work(driver_ms, floor_ms), _beside(beside, floor_ms)]


@contextlib.contextmanager
def _two_lines(*baud: str) -> Iterator[tuple[str, str]]:
    """Run two cameras on lines of their own, and on a core of their own."""
    with two_cores() as pin, running("pty", *baud) as (first,), running("pty", *baud) as (second,):
        pin()
        yield first, second


def _wait(driver_us: float, floor_us: float) -> Figure:
    what, holds = "inquiry over a serial line, p50 (floor: os.write and os.read)", driver_us <= RATIO_AT_MOST * floor_us
    return Figure("visca", what, driver_us, "us", f"<= {RATIO_AT_MOST:g} x", holds, floor_us)


def _work(driver_ms: float, floor_ms: float) -> Figure:
    what, holds = f"inquiry at {BAUD} baud, CPU (floor: os.write and os.read)", driver_ms <= CPU_AT_MOST_MS
    return Figure("visca", what, driver_ms, "ms", f"<= {CPU_AT_MOST_MS:g}", holds, floor_ms)


def _beside(numbers: Numbers, floor_ms: float) -> Figure:
    what = f"inquiry at {BAUD} baud, CPU, pyvisca"
    return Figure("visca", what, numbers["cpu_us"] / 1000, "ms", "peer", True, floor_ms)


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


async def _at_wire_speed(line: str, other: str, size: Size) -> tuple[float, float]:
    """Return the milliseconds of processor that an inquiry takes of driver and blocking line, measured in turns."""
    bare, camera = BareLine(other), camera_at(f"visca+serial://{line}?baud={BAUD}")
    await camera.open()
    driver_ms, floor_ms = [], []
    for _ in range(size.slow_rounds):
        before = time.process_time()
        await timed_async(lambda: camera.inquire(table.POWER_INQ.name), size.slow_inquiries)
        between = time.process_time()
        timed(lambda: bare.exchange(POWER_INQ, 1), size.slow_inquiries)
        driver_ms.append((between - before) / size.slow_inquiries * 1000)
        floor_ms.append((time.process_time() - between) / size.slow_inquiries * 1000)
    await camera.close()
    bare.close()
    return median(driver_ms), median(floor_ms)
