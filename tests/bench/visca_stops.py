"""How late a STOP is: behind a stick that moves all the time on a slow line, and at the end of a lease.

The cameras live in the same loop as the driver, so one clock tells when a stick was let go and when its camera
was stopped.
"""

from __future__ import annotations

import asyncio
import os
import random
import socket
import struct
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import NamedTuple

from drivers.visca.sim import SimulatedCamera, serve
from drivers.visca.sim.camera import V_PERIOD_S
from siaga.bench import Figure
from tests.bench.common import percentile
from tests.bench.visca_speed import camera_at
from tests.until import until

BAUD = 9600
BYTE_S = 10 / BAUD
STOP = bytes.fromhex("81 01 06 01 01 01 03 03 FF")
ACK_BYTES = 3
BOUND_MS = ((2 * len(STOP) + ACK_BYTES) * BYTE_S + V_PERIOD_S) * 1000
"""A drive on the wire, the camera's next picture, its ACK, the STOP on the wire: nobody can be faster for certain."""
LATE_AT_MOST_MS = BOUND_MS + V_PERIOD_S * 1000 + 5
STICK_HZ = 60
LEASE = timedelta(seconds=0.3)
LEASE_GOAL_MS = 20.0
RENEWED_EVERY_S = 0.1
STOPPED_WITHIN_S = 30.0


class Size(NamedTuple):
    """How much is done."""

    lines: int
    """Serial lines side by side."""
    releases: int
    """How often the stick of each is let go."""
    held_s: float
    """How long it is held before that."""
    long_s: float
    """How long it is held once more, by the driver."""
    fifo_s: float
    """How long by the queue."""
    cameras: int
    leases: int


FULL = Size(lines=4, releases=15, held_s=0.8, long_s=10.0, fifo_s=2.0, cameras=16, leases=20)
QUICK = Size(lines=4, releases=4, held_s=0.5, long_s=1.0, fifo_s=0.7, cameras=8, leases=4)


def measure(*, quick: bool) -> list[Figure]:
    """Return how late STOPs are."""
    return figures(QUICK if quick else FULL)


def figures(size: Size) -> list[Figure]:
    """Return the figures of so many sticks and leases."""
    return [*asyncio.run(_sticks(size)), *asyncio.run(_leases(size))]


# A stick on a slow line.


Stick = Callable[[float, float], Awaitable[None]]
"""Takes the stick's place, each from -1 to 1; both 0 when it was let go."""


class Queue:
    """What stands between stick and line in most programs: each place waits until the one before was acknowledged."""

    def __init__(self, path: str) -> None:
        self._messages: asyncio.Queue[bytes] = asyncio.Queue()
        self._acknowledged = asyncio.Event()
        self._fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        asyncio.get_running_loop().add_reader(self._fd, self._read)
        self._task = asyncio.create_task(self._send(), name="queue behind a stick")

    async def turn(self, pan: float, tilt: float) -> None:
        """Put a drive or a STOP behind all others."""
        self._messages.put_nowait(_drive(pan, tilt) if pan or tilt else STOP)

    async def _send(self) -> None:
        while True:
            message = await self._messages.get()
            self._acknowledged.clear()
            os.write(self._fd, message)
            await self._acknowledged.wait()

    def _read(self) -> None:
        for frame in os.read(self._fd, 256).split(b"\xff"):
            if frame[1:2] and frame[1] >> 4 == 4:
                self._acknowledged.set()

    async def close(self) -> None:
        """Let go of the line."""
        asyncio.get_running_loop().remove_reader(self._fd)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        os.close(self._fd)


def _drive(pan: float, tilt: float) -> bytes:
    speeds = bytes((max(1, round(abs(pan) * 0x18)), max(1, round(abs(tilt) * 0x14))))
    directions = bytes((0x02 if pan > 0 else 0x01, 0x01 if tilt > 0 else 0x02))
    return b"\x81\x01\x06\x01" + speeds + directions + b"\xff"


async def _let_go(stick: Stick, simulated: SimulatedCamera, held_s: float, dice: random.Random) -> float:
    """Move the stick 60 times a second, let it go at any moment, and return how late the camera stopped in ms."""
    loop = asyncio.get_running_loop()
    began, places = loop.time() + dice.uniform(0.0, 0.1), int(held_s * STICK_HZ)
    for place in range(places):
        await asyncio.sleep(began + place / STICK_HZ - loop.time())
        # Each place has other speeds than the one before, so that none can be left out as already there.
        await stick(0.1 + place % 17 / 20, 0.1 + place % 13 / 16)
    await asyncio.sleep(dice.uniform(0.0, 1 / STICK_HZ))
    released_at = loop.time()
    await stick(0.0, 0.0)
    await until(lambda: _stopped_at(simulated) > released_at, within_s=STOPPED_WITHIN_S)
    return (_stopped_at(simulated) - released_at) * 1000


def _stopped_at(simulated: SimulatedCamera) -> float:
    """Return when the camera carried out its last STOP of pan and tilt."""
    both = zip(reversed(simulated.ran), reversed(simulated.ran_at), strict=True)
    return next((at for body, at in both if body == STOP[1:-1]), 0.0)


async def _sticks(size: Size) -> list[Figure]:
    async with AsyncExitStack() as stack:
        lines = [await stack.enter_async_context(serve("pty", carrier="serial", baud=BAUD)) for _ in range(size.lines)]
        idle = await _on_each(lines, lambda line, dice: _idle(line, size.releases, dice))
        queued = await _on_each(lines, lambda line, dice: _queued(line, size.fifo_s, dice))
        driven = await _on_each(lines, lambda line, dice: _driven(line, size, dice))
    floor, late = "floor: STOP on an idle line", f"stop lateness, 60 Hz stick at {BAUD} baud"
    goal, held_s = f"<= {LATE_AT_MOST_MS:.1f}", f"{size.fifo_s:g} s, one after the other, as others do"
    return [
        _late(f"{late}, {len(driven)} times, p50 ({floor})", percentile(driven, 0.5), goal, percentile(idle, 0.5)),
        _late(f"{late}, {len(driven)} times, p99 ({floor})", percentile(driven, 0.99), goal, percentile(idle, 0.99)),
        _late(f"{late}, after {held_s}, p50", percentile(queued, 0.5), "beside", percentile(idle, 0.5)),
    ]


def _late(what: str, value_ms: float, goal: str, floor_ms: float) -> Figure:
    holds = value_ms <= LATE_AT_MOST_MS or goal == "beside"
    return Figure("visca", what, value_ms, "ms", goal, holds, floor_ms)


async def _on_each(
    lines: Sequence[SimulatedCamera], measured: Callable[[SimulatedCamera, random.Random], Awaitable[list[float]]]
) -> list[float]:
    """Measure on all lines side by side."""
    taken = await asyncio.gather(*(measured(line, random.Random(number)) for number, line in enumerate(lines)))
    return [late for each in taken for late in each]


async def _idle(simulated: SimulatedCamera, count: int, dice: random.Random) -> list[float]:
    """Return how late a STOP is that nothing stands before."""
    queue = Queue(_path(simulated))
    taken = [await _let_go(queue.turn, simulated, 0.0, dice) for _ in range(count)]
    await queue.close()
    return taken


async def _queued(simulated: SimulatedCamera, held_s: float, dice: random.Random) -> list[float]:
    queue = Queue(_path(simulated))
    taken = [await _let_go(queue.turn, simulated, held_s, dice)]
    await queue.close()
    return taken


async def _driven(simulated: SimulatedCamera, size: Size, dice: random.Random) -> list[float]:
    camera = camera_at(simulated.address)
    await camera.open()

    async def turn(pan: float, tilt: float) -> None:
        await camera.drive(pan, tilt, 0.0, lease=LEASE)

    held = [*[size.held_s] * size.releases, size.long_s]
    taken = [await _let_go(turn, simulated, held_s, dice) for held_s in held]
    await camera.close()
    return taken


def _path(simulated: SimulatedCamera) -> str:
    return simulated.address.removeprefix("visca+serial://").partition("?")[0]


# The end of a lease.


async def _leases(size: Size) -> list[Figure]:
    async with AsyncExitStack() as stack:
        cameras = [await stack.enter_async_context(serve()) for _ in range(size.cameras)]
        late = await _on_each(cameras, lambda camera, dice: _left_alone(camera, size.leases, dice))
        bare = await _on_each(cameras, lambda camera, dice: _by_alarm(camera, size.leases, dice))
    return [
        Figure(
            "visca",
            f"lease end to STOP at the camera, {len(late)} leases, {name} (floor: a timer of the loop)",
            percentile(late, share),
            "ms",
            f"<= {LEASE_GOAL_MS:g}",
            percentile(late, share) <= LEASE_GOAL_MS,
            percentile(bare, share),
        )
        for name, share in (("p50", 0.5), ("p99", 0.99))
    ]


async def _left_alone(simulated: SimulatedCamera, count: int, dice: random.Random) -> list[float]:
    """Drive, renew a few times and vanish; return how late after the lease STOP comes to the camera."""
    loop, camera, taken = asyncio.get_running_loop(), camera_at(simulated.address), []
    await camera.open()
    for number in range(count):
        renewals, ends_at = dice.randrange(1, 4), 0.0
        for _ in range(renewals):
            await asyncio.sleep(dice.uniform(0.05, RENEWED_EVERY_S))
            ends_at = loop.time() + LEASE.total_seconds()
            await camera.drive(0.3 if number % 2 else -0.3, 0.0, 0.0, lease=LEASE)
        taken.append((await _heard_stop(simulated) - ends_at) * 1000)
        await until(lambda: not simulated.moving)
    await camera.close()
    return taken


async def _by_alarm(simulated: SimulatedCamera, count: int, dice: random.Random) -> list[float]:
    """Have the loop itself send a STOP after as long; return how late it comes to the camera."""
    loop, taken = asyncio.get_running_loop(), []
    host, _, port = simulated.address.removeprefix("visca+udp://").partition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bare:
        bare.connect((host, int(port)))
        for number in range(count):
            await asyncio.sleep(dice.uniform(0.0, RENEWED_EVERY_S))
            ends_at = loop.time() + LEASE.total_seconds()
            loop.call_at(ends_at, bare.send, struct.pack(">HHI", 0x0100, len(STOP), number + 1) + STOP)
            taken.append((await _heard_stop(simulated) - ends_at) * 1000)
    return taken


async def _heard_stop(simulated: SimulatedCamera) -> float:
    """Return when the next STOP of pan and tilt came to the camera."""
    heard: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    def watch(at: float, body: bytes) -> None:
        if body == STOP[1:-1] and not heard.done():
            heard.set_result(at)

    simulated.watch = watch
    return await asyncio.wait_for(heard, STOPPED_WITHIN_S)
