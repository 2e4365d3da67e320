"""Promises over a network that loses, doubles and delays: what is called done ran once, what was stopped stands.

Many cameras are moved at the same time, each for itself: time passes on the network, not in the driver. The cameras
live in the same loop as the driver, so that they can be asked what really ran at the moment the driver says so.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple

from drivers.errors import DriverError, OutcomeUnknown
from drivers.visca import table
from drivers.visca.device import ViscaCamera
from drivers.visca.row import Row
from drivers.visca.sim import SimulatedCamera, serve
from siaga.bench import Figure
from tests.bench.common import percentile
from tests.bench.visca_peers import MODEL, Numbers, started, there_and_back
from tests.bench.visca_speed import camera_at

NETWORK = {"loss": "0.1", "duplicate": "0.1", "late": "0.1"}
"""One message in ten, either way, is lost, and one is doubled; one answer in ten comes 150 ms late."""
LOSSES = ("0.1", "0.3")
ACK_AT_MOST_MS = 150.0
LEASE = timedelta(seconds=0.4)
RENEWED_EVERY_S = 0.1
HELD_AT_MOST_S = 0.25
"""How long a stick is held at most once its camera moves."""
LOOKED_FOR_S = 0.3
"""How long a stopped camera is watched: what is under way on the network has arrived by then."""
PEER_WITHIN_S = 120.0


Pair = tuple[ViscaCamera, SimulatedCamera]


class Size(NamedTuple):
    """How much is done, and by how many cameras side by side."""

    movers: int
    commands: int
    stoppers: int
    stops: int
    peer_commands: int
    peer_stops: int


FULL = Size(200, 10_000, 50, 1_000, 400, 300)
QUICK = Size(200, 1_000, 50, 150, 40, 30)


def measure(*, quick: bool) -> list[Figure]:
    """Return what was reported wrongly, and what moved after STOP, beside what a published library does."""
    return figures(QUICK if quick else FULL)


def figures(size: Size) -> list[Figure]:
    """Return the figures of so many commands and STOPs, those of the peer from the same time."""
    with ExitStack() as peers:
        moved = peers.enter_context(started("faulty-moves", json.dumps(NETWORK), size.peer_commands))
        stopped = [
            peers.enter_context(started("faulty-stops", json.dumps({"loss": loss}), size.peer_stops)) for loss in LOSSES
        ]
        ours = [asyncio.run(_stops(size, loss)) for loss in LOSSES]
        told = asyncio.run(_moves(size))
        found = [*_told(told), *_told_by_peer(size.peer_commands, moved(PEER_WITHIN_S))]
        for loss, stops, by_peer in zip(LOSSES, ours, stopped, strict=True):
            found += [*_stood(loss, stops), *_stood_by_peer(loss, size.peer_stops, by_peer(PEER_WITHIN_S))]
    return found


@asynccontextmanager
async def _cameras(count: int, faults: dict[str, str]) -> AsyncIterator[list[Pair]]:
    """Open `count` cameras, and let their networks go bad once they are open."""
    async with AsyncExitStack() as stack:
        pairs = []
        for number in range(count):
            simulated = await stack.enter_async_context(serve(model=MODEL, faults={"seed": str(number + 1)}))
            pairs.append((camera_at(simulated.address), simulated))
        await asyncio.gather(*(camera.open() for camera, _ in pairs))
        for _, simulated in pairs:
            for name, value in faults.items():
                simulated.set_fault(name, value)
        try:
            yield pairs
        finally:
            await asyncio.gather(*(camera.close() for camera, _ in pairs))


# Commands.


@dataclass(slots=True)
class Told:
    """What became of commands, by what the driver said and what the cameras did."""

    done: int = 0
    unknown: int = 0
    refused: int = 0
    done_not_run: int = 0
    run_twice: int = 0


async def _moves(size: Size) -> Told:
    told = Told()
    async with _cameras(size.movers, NETWORK) as pairs:
        each = size.commands // size.movers
        await asyncio.gather(*(_moved(camera, simulated, each, told) for camera, simulated in pairs))
    return told


async def _moved(camera: ViscaCamera, simulated: SimulatedCamera, count: int, told: Told) -> None:
    """Turn step by step with one hand and zoom with the other; each order differs from all others."""
    turns = [(table.PAN_TILT_RELATIVE, (0x18, 0x14, there_and_back(n), n % 2)) for n in range(count // 2)]
    zooms = [(table.ZOOM_DIRECT, (97 * n % 0x4000,)) for n in range(count - count // 2)]
    ends = await asyncio.gather(_hand(camera, turns), _hand(camera, zooms))
    await asyncio.sleep(LOOKED_FOR_S)
    ran = Counter(simulated.ran)
    for body, said in (one for hand in ends for one in hand):
        setattr(told, said, getattr(told, said) + 1)
        told.done_not_run += said == "done" and not ran[body]
        told.run_twice += ran[body] > 1


async def _hand(camera: ViscaCamera, orders: Sequence[tuple[Row, tuple[int, ...]]]) -> list[tuple[bytes, str]]:
    """Give orders one after the other; return the body of each with what the driver said of it."""
    ends = []
    for row, values in orders:
        said = "done"
        try:
            await camera.command(row.name, *values)
        except OutcomeUnknown:
            said = "unknown"
        except DriverError:
            said = "refused"
        ends.append((camera.profile.frame(row, *values)[1:-1], said))
    return ends


def _told(told: Told) -> list[Figure]:
    count = told.done + told.unknown + told.refused
    share = told.unknown / count * 100
    return [
        _none(f"said done and not run, of {told.done} done at 10 % loss, doubles, late answers", told.done_not_run),
        _none(f"run twice, of {count}", told.run_twice),
        Figure("visca", f"said unknown, of {count}: their completion was lost", share, "%", "honest", True),
    ]


def _told_by_peer(count: int, numbers: Numbers) -> list[Figure]:
    what = f"of {numbers['done']:.0f} done, visca-over-ip, {count} commands"
    return [
        _of_peer(f"said done and not run, {what}", numbers["not_run"]),
        _of_peer(f"run twice, {what}", numbers["twice"]),
    ]


# STOP.


@dataclass(slots=True)
class Stops:
    """What became of STOPs."""

    unknown: int = 0
    """The driver said that it does not know."""
    moving: int = 0
    """The camera moved when STOP had returned, or moved again after it."""
    taken_ms: list[float] = field(default_factory=list)
    """Until pan-tilt and zoom were both acknowledged."""


async def _stops(size: Size, loss: str) -> Stops:
    stops = Stops()
    async with _cameras(size.stoppers, {"loss": loss}) as pairs:
        each = size.stops // size.stoppers
        await asyncio.gather(*(_stopped(pair, each, stops, random.Random(n)) for n, pair in enumerate(pairs)))
    return stops


async def _held(camera: ViscaCamera, simulated: SimulatedCamera, speed: float, held_s: float) -> None:
    """Drive as a tablet does, until the camera moves and for `held_s` more."""
    loop = asyncio.get_running_loop()
    ends_at = None
    while ends_at is None or loop.time() < ends_at:
        await camera.drive(speed, 0.0, 0.0, lease=LEASE, owner="bench")
        renewed_at = loop.time() + RENEWED_EVERY_S
        while loop.time() < min(renewed_at, ends_at or renewed_at):
            await asyncio.sleep(0.005)
            if ends_at is None and simulated.moving:
                ends_at = loop.time() + held_s


async def _stopped(pair: Pair, count: int, stops: Stops, dice: random.Random) -> None:
    camera, simulated = pair
    loop = asyncio.get_running_loop()
    for number in range(count):
        await _held(camera, simulated, 0.4 if number % 2 else -0.4, dice.uniform(0.0, HELD_AT_MOST_S))
        began = loop.time()
        try:
            await camera.stop(prove=False)
        except DriverError:
            stops.unknown += 1
            continue
        stops.taken_ms.append((loop.time() - began) * 1000)
        moves = simulated.moving
        await asyncio.sleep(LOOKED_FOR_S)
        stops.moving += moves or simulated.moving


def _stood(loss: str, stops: Stops) -> list[Figure]:
    at = f"at {float(loss):.0%} loss"
    taken = percentile(stops.taken_ms, 0.99)
    found = [_none(f"moving after STOP returned, of {len(stops.taken_ms)} {at}", stops.moving)]
    if stops.unknown:
        found.append(Figure("visca", f"STOP said unknown {at}", stops.unknown, "", "honest", True))
    if loss == LOSSES[0]:
        holds = taken <= ACK_AT_MOST_MS
        found.append(Figure("visca", f"STOP acknowledged {at}, p99", taken, "ms", f"<= {ACK_AT_MOST_MS:g}", holds))
    else:
        found.append(Figure("visca", f"STOP acknowledged {at}, p99", taken, "ms", "for the record", True))
    return found


def _stood_by_peer(loss: str, count: int, numbers: Numbers) -> list[Figure]:
    at = f"at {float(loss):.0%} loss, visca-over-ip"
    return [
        _of_peer(f"moving after STOP returned, of {count} {at}", numbers["moving"]),
        Figure("visca", f"STOP returned {at}, p99", numbers["p99_ms"], "ms", "peer", True),
    ]


def _none(what: str, value: int) -> Figure:
    return Figure("visca", what, value, "", "0", value == 0)


def _of_peer(what: str, value: float) -> Figure:
    return Figure("visca", what, value, "", "peer", True)
