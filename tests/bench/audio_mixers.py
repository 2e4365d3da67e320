"""Network mixers: how long a mute takes to its read-back, on simulators that are processes of their own."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from drivers import DeviceAddress
from drivers.mixer.device import connect
from siaga.bench import Figure
from tests.bench.audio_size import FULL, QUICK, Size, at_most
from tests.bench.common import percentile

MUTE_AT_MOST_MS = 50.0
CHANNELS = {
    "x32": "ch/01,ch/02",
    "xair": "ch/01,ch/02",
    "shure": "01,02",
    "qsys": "Mik Meja,Mik Pembicara",
    "tesira": "MikMeja,Mik Pembicara/1",
}
STARTED_WITHIN_S = 20.0


def measure(*, quick: bool) -> list[Figure]:
    """Return the figures of network mixers."""
    return figures(QUICK if quick else FULL)


def figures(size: Size) -> list[Figure]:
    """Return the figures of so many mutes of each make."""
    return asyncio.run(_all(size.orders))


async def _all(count: int) -> list[Figure]:
    floor = await _echo(count)
    return [await _mutes(model, count, floor) for model in CHANNELS]


async def _mutes(model: str, count: int, floor: float) -> Figure:
    took = []
    async with _simulated(model) as address:
        desk = connect("mixer", DeviceAddress.parse(f"{address}?channels={CHANNELS[model]}"), None)
        await desk.open()
        try:
            channel = next(iter(desk.channels))
            for number in range(count):
                began = time.monotonic()
                await desk.mute(channel, on=number % 2 == 0)
                took.append(1000 * (time.monotonic() - began))
        finally:
            await desk.close()
    name = f"{model}: mute to read-back over loopback, p99 (floor: an echo over TCP, p50)"
    return at_most(name, percentile(took, 0.99), "ms", MUTE_AT_MOST_MS, floor)


@asynccontextmanager
async def _simulated(model: str) -> AsyncIterator[str]:
    """Run a simulated mixer and lend its address."""
    command = (sys.executable, "-m", "drivers.mixer.sim", "--model", model)
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        if process.stdout is None:
            raise RuntimeError("a simulator without an output")
        async with asyncio.timeout(STARTED_WITHIN_S):
            _, _, address = (await process.stdout.readline()).decode().strip().partition(" ")
        yield address
    finally:
        process.terminate()
        await process.communicate()


async def _echo(count: int) -> float:
    """Return the median of a line there and back between two coroutines, in ms."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
    took = []
    for _ in range(count):
        began = time.monotonic()
        writer.write(b"mute\n")
        await reader.readline()
        took.append(1000 * (time.monotonic() - began))
    writer.close()
    server.close()
    return percentile(took, 0.5)
