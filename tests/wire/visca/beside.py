"""A simulated camera on a loop of its own, which goes on while the test's loop stands still."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Queue

from drivers.visca.sim import SimulatedCamera, serve


@contextmanager
def camera_beside(carrier: str = "udp", model: str | None = None) -> Iterator[SimulatedCamera]:
    found: Queue[tuple[SimulatedCamera, asyncio.AbstractEventLoop, asyncio.Event]] = Queue()

    async def live() -> None:
        end = asyncio.Event()
        listen = "pty" if carrier == "serial" else "127.0.0.1:0"
        async with serve(listen, carrier=carrier, model=model) as simulated:
            found.put((simulated, asyncio.get_running_loop(), end))
            await end.wait()

    thread = threading.Thread(target=lambda: asyncio.run(live()), name="simulated camera")
    thread.start()
    simulated, loop, end = found.get(timeout=5)
    try:
        yield simulated
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(timeout=5)
