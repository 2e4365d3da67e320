"""A message through a broker between two bare links: what no answer over MQTT can be quicker than."""

from __future__ import annotations

import asyncio
import time

from contract.link import Broker, Delivery, Link
from contract.messages import Broadcast

MESSAGE_BYTES = 2048


async def between_two_links(url: str, rounds: int) -> list[float]:
    """Return the milliseconds that each of `rounds` messages of 2 kB takes from publish to arrival."""
    arrived: asyncio.Queue[float] = asyncio.Queue()
    up = asyncio.Semaphore(0)

    async def received(_: Delivery) -> None:
        arrived.put_nowait(time.perf_counter())

    async def connected(_: int) -> None:
        up.release()

    def link(name: str) -> Link:
        return Link(
            Broker.parse(url), client_id=name, subscribe=(f"to/{name}",),
            will=lambda _: ("will", Broadcast(kind="rebirth")),
            received=received, connected=connected, disconnected=lambda _: None,
        )  # fmt: skip

    sender, receiver = link("sender"), link("receiver")
    tasks = [asyncio.create_task(one.run()) for one in (sender, receiver)]
    taken = []
    try:
        for _ in tasks:
            await up.acquire()
        for _ in range(rounds):
            began = time.perf_counter()
            await sender.publish("to/receiver", b"x" * MESSAGE_BYTES)
            taken.append((await arrived.get() - began) * 1000)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return taken
