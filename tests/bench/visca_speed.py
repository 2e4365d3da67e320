"""What one exchange costs: against bare sockets, beside peers, and the rules alone.

The camera has one core and the driver the other, as a camera has a machine of its own: on the same core,
or wherever the system likes, waking up costs so differently from run to run that nothing can be compared.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import NamedTuple

from drivers import DeviceAddress
from drivers.visca import table
from drivers.visca.device import ViscaCamera, connect
from drivers.visca.session import Order, Session
from siaga.bench import Figure
from tests.bench.visca_camera import running
from tests.bench.visca_floors import BareEndpoint, BareSocket, median, timed, timed_async
from tests.bench.visca_peers import Numbers, peer

RATIO_AT_MOST = 1.4
CORE_AT_MOST_US = 10.0
PEER_WITHIN_S = 20.0


class Size(NamedTuple):
    """How much is asked and told."""

    rounds: int
    exchanges: int
    alone: int
    """Inquiries through the rules alone."""


FULL = Size(rounds=15, exchanges=1000, alone=100_000)
QUICK = Size(rounds=5, exchanges=400, alone=20_000)


def measure(*, quick: bool) -> list[Figure]:
    """Return the cost of inquiries and commands over UDP, and of the session alone."""
    return figures(QUICK if quick else FULL)


def figures(size: Size) -> list[Figure]:
    """Return the figures of so many exchanges."""
    with two_cores() as pin, running("udp", "1") as (port,):
        pin()
        exchanges = asyncio.run(_exchanges(int(port), size.rounds, size.exchanges))
        peers = [peer(work, port, size.exchanges, within_s=PEER_WITHIN_S) for work in ("udp-inquiries", "udp-commands")]
    return [*_ratios(exchanges), *_beside(exchanges, peers), _core(size.alone)]


@contextlib.contextmanager
def two_cores() -> Iterator[Callable[[], None]]:
    """Put what is started inside on one core; the function that is given moves this process to the other."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[:1])
    try:
        yield lambda: os.sched_setaffinity(0, cores[-1:])
    finally:
        os.sched_setaffinity(0, cores)


def camera_at(address: str) -> ViscaCamera:
    """Return the unopened camera of the driver at `address`."""
    camera = connect("camera-1", DeviceAddress.parse(address), None)
    if not isinstance(camera, ViscaCamera):
        raise TypeError(f"wanted a camera at {address}, found {camera}")
    return camera


async def _exchanges(port: int, rounds: int, count: int) -> dict[str, list[float]]:
    """Return the median of each round in microseconds, by what was measured; the rounds are interleaved."""
    bare, endpoint = BareSocket(port), await BareEndpoint.open(port)
    camera = camera_at(f"visca+udp://127.0.0.1:{port}")
    await camera.open()
    blocking = {"socket inquiry": bare.inquiry, "socket command": bare.command}
    others: dict[str, Callable[[], Awaitable[object]]] = {
        "endpoint inquiry": endpoint.inquiry,
        "driver inquiry": camera.identify,
        "endpoint command": endpoint.command,
        "driver command": lambda: camera.command(table.STORE.name, 1),
    }
    medians: dict[str, list[float]] = {name: [] for name in (*blocking, *others)}
    for _ in range(rounds):
        for name, exchange in blocking.items():
            medians[name].append(median(timed(exchange, count)))
        for name, asked in others.items():
            medians[name].append(median(await timed_async(asked, count)))
    await camera.close()
    await endpoint.close()
    bare.close()
    return medians


def _ratios(medians: dict[str, list[float]]) -> list[Figure]:
    figures = []
    for what in ("inquiry", "command"):
        value, floor = median(medians[f"driver {what}"]), median(medians[f"endpoint {what}"])
        holds = value / floor <= RATIO_AT_MOST
        title = f"{what} over UDP, p50 (floor: bare asyncio)"
        figures.append(Figure("visca", title, value, "us", "<= 1.4 x", holds, floor))
    return figures


def _beside(medians: dict[str, list[float]], peers: list[Numbers]) -> list[Figure]:
    figures = []
    for what, numbers in zip(("inquiry", "command"), peers, strict=True):
        floor = median(medians[f"socket {what}"])
        title = f"{what} over UDP, p50, visca-over-ip (floor: bare socket)"
        figures.append(Figure("visca", title, numbers["p50_us"], "us", "peer", True, floor))
    return figures


def _core(count: int) -> Figure:
    """Measure an inquiry through the session with no network: request, tick, answer, tick."""
    order = Order(table.VERSION_INQ.name, table.VERSION_INQ.kind, table.VERSION_INQ.encode())
    rounds = [_core_round(order, count // 5) for _ in range(5)]
    value = median(rounds)
    return Figure("visca", "rules alone, CPU per inquiry", value, "us", "<= 10", value <= CORE_AT_MOST_US)


def _core_round(order: Order, count: int) -> float:
    session, now = Session(), 0.0
    before = time.process_time()
    for _ in range(count):
        now += 0.001
        session.request(order)
        (message,) = session.tick(now).send
        session.received(b"\x01\x11\x00\x0a" + message[4:8] + b"\x90\x50\x00\x01\x05\x1c\x01\x00\x02\xff", now)
        (ended,) = session.tick(now).finished
        if not ended.answer:
            raise RuntimeError("the session lost an answer")
    return (time.process_time() - before) / count * 1e6
