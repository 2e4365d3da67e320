"""How long preparation takes beside its slowest device, how late a timed step begins, what a day leaves behind.

Displays are simulated over real sockets. The day is virtual: the real engine and its journal
on a real disk, with an event loop whose clock jumps to what is due next.
"""

from __future__ import annotations

import asyncio
import gc
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import psutil

from agent.clock import SystemClock
from agent.journal import Journal
from agent.orders import Order, Run
from agent.presets import Preset, Step
from agent.runner import Runner
from agent.store import Store
from contract.words import EntryKind, Phase, Readiness
from drivers.address import DeviceAddress
from drivers.outcomes import Health
from drivers.pjlink.device import Projector, connect
from drivers.pjlink.sim import SimulatedProjector
from drivers.ports import Device, Display
from drivers.verbs import VERBS, OnOff
from siaga.bench import Figure
from tests.service.agent.virtual import DAWN, TimedCamera, VirtualRoom, busy_day, planned
from tests.until import until

WARM_UP_S = (1.2, 1.8, 2.4)
LOOK_EVERY_S = 0.05
JITTER_AT_MOST_MS = 100.0
VISIBLE_AT_MOST_S = 2.0
GROWTH_AT_MOST = 1.05


def measure(*, quick: bool) -> list[Figure]:
    """Return the figures of preparation, start, sight and a day."""
    with patch("drivers.pjlink.device.LOOK_EVERY_S", LOOK_EVERY_S):
        preparation = asyncio.run(_preparation())
    jitter_ms, visible_s = _starts(6 if quick else 40), _sights(3 if quick else 20)
    return [
        preparation,
        Figure(
            "agent", "start of a timed step, late by, p99", jitter_ms, "ms", "<= 100", jitter_ms <= JITTER_AT_MOST_MS
        ),
        Figure(
            "agent", "fault seen by the driver, in readiness after, worst", visible_s, "s", "<= 2",
            visible_s <= VISIBLE_AT_MOST_S,
        ),
        *_day(4 if quick else 24),
    ]  # fmt: skip


async def _preparation() -> Figure:
    """Return how long three displays take together, beside the slowest alone."""
    sims = [SimulatedProjector(warm_up_s=warm_up_s, cool_down_s=0.1) for warm_up_s in WARM_UP_S]
    served = [await sim.serve() for sim in sims]
    displays = [connect(f"display-{n}", DeviceAddress.parse(text), None) for n, (_, text) in enumerate(served)]
    alone = time.monotonic()
    await displays[-1].power(on=True)
    alone = time.monotonic() - alone
    await displays[-1].power(on=False)
    together = await _run_together(displays)
    for server, _ in served:
        server.close()
    ratio = together / alone
    return Figure(
        "agent", "preparation, beside its slowest device alone", together, "s", "<= 1.1 x", ratio <= 1.1, alone
    )


async def _run_together(displays: list[Projector]) -> float:
    devices: dict[str, Device] = {display.name: display for display in displays}
    power = VERBS[Display]["power"]
    limit = timedelta(seconds=30)
    group = tuple(Step(f"1.{n}", name, power, OnOff(on=True), limit, verify=True) for n, name in enumerate(devices))
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        runner, run = (
            Runner(devices, Journal(store, SystemClock(), "boot")),
            Run(Order("r", Preset("siap", {}, (group,)))),
        )
        runner.announce(run)
        began = time.monotonic()
        await runner.run(run)
        took = time.monotonic() - began
        store.close()
    if not run.is_good:
        raise RuntimeError(f"the preparation should be good, found {run.ends}")
    return took


@contextmanager
def _real_room() -> Iterator[VirtualRoom]:
    """Run a room on the real clock."""
    with tempfile.TemporaryDirectory() as folder:
        room = VirtualRoom(Path(folder), loop=asyncio.new_event_loop())
        room.look_every_s = 0.2
        for camera in room.cameras:
            camera.takes_s = 0.0
        room.start()
        try:
            yield room
        finally:
            room.close()


def _starts(count: int) -> float:
    """Return how late the first step of the live preset begins, at worst but one in a hundred."""
    with _real_room() as room:
        late_ms = sorted(_late_ms(room, number) for number in range(count))
    return late_ms[min(len(late_ms) - 1, round(0.99 * len(late_ms)))]


def _late_ms(room: VirtualRoom, number: int) -> float:
    start = room.clock.now() + timedelta(seconds=0.6 + random.uniform(0, 0.4))
    room.publish([planned(number, start, timedelta(seconds=0.3), prepare_at=room.clock.now())])
    while room.phase(f"s-{number}") is not Phase.REPORTED:
        room.wait(timedelta(seconds=0.05))
    live = next(
        e for e in room.entries(EntryKind.PRESET_STARTED) if e.session == f"s-{number}" and e.body["phase"] == "live"
    )
    told = next(e for e in room.entries(EntryKind.STEP_INTENT) if e.run == live.run)
    return (told.at - start) / timedelta(milliseconds=1)


class _SeenCamera(TimedCamera):
    """A camera that remembers when its driver first saw that it is gone."""

    seen_gone_s: float | None = None

    def first_seen_gone_s(self) -> float:
        """Return when that was, on the event loop's clock."""
        if self.seen_gone_s is None:
            raise RuntimeError("readiness changed before the driver saw anything")
        return self.seen_gone_s

    async def check(self) -> Health:
        if not self.is_there and self.seen_gone_s is None:
            self.seen_gone_s = asyncio.get_running_loop().time()
        return await super().check()


def _sights(count: int) -> float:
    """Return how long after a driver saw its device gone the room's readiness says so, at worst."""
    with tempfile.TemporaryDirectory() as folder:
        room = VirtualRoom(Path(folder), loop=asyncio.new_event_loop())
        room.look_every_s = 0.2
        camera = _SeenCamera("camera-1")
        room.cameras = (camera, room.cameras[1])
        room.start()
        room.wait(timedelta(seconds=0.5))
        found = [room.run(_sight(room, camera)) for _ in range(count)]
        room.close()
    return max(found)


async def _sight(room: VirtualRoom, camera: _SeenCamera) -> float:
    loop, told = asyncio.get_running_loop(), asyncio.Event()

    def look() -> None:
        if room.engine.assessment().readiness is Readiness.NOT_READY:
            told.set()

    unsubscribe = room.engine.subscribe(look)
    camera.seen_gone_s, camera.is_there = None, False
    async with asyncio.timeout(10):
        await told.wait()
    took = loop.time() - camera.first_seen_gone_s()
    unsubscribe()
    camera.is_there = True
    await until(lambda: room.engine.assessment().readiness is not Readiness.NOT_READY, within_s=10)
    return took


def _day(hours: int) -> list[Figure]:
    """Return what a busy virtual day grows the process by, and how far its sessions drift."""
    process, sizes = psutil.Process(), []
    with tempfile.TemporaryDirectory() as folder, patch("agent.pulse.ASK_EVERY_S", 5.0):
        room, plans = VirtualRoom(Path(folder)), busy_day()
        room.start()
        room.publish(plans)
        for _ in range(hours):
            room.wait(timedelta(hours=1))
            gc.collect()
            sizes.append(process.memory_info().rss / 2**20)
        over = [plan for plan in plans if plan.end < DAWN + timedelta(hours=hours - 1)]
        drift_ms = max(abs(room.reached(p.id, Phase.LIVE)[0] - p.start) / timedelta(milliseconds=1) for p in over)
        reports = len(room.entries(EntryKind.REPORT))
        room.close()
    if reports < len(over):
        raise RuntimeError(f"{len(over)} sessions were over, found {reports} reports")
    growth = sizes[-1] / sizes[1]
    return [
        Figure("agent", f"{hours} virtual hours, resident after, beside after two", sizes[-1], "MiB", "<= 1.05 x",
               growth <= GROWTH_AT_MOST, sizes[1]),
        Figure("agent", f"{hours} virtual hours, sessions begin late by, worst", drift_ms, "ms", "<= 100",
               drift_ms <= JITTER_AT_MOST_MS),
    ]  # fmt: skip
