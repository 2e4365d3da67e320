"""Whether everyone gets the answer to his own question while answers come too late; beside obsws-python.

Three askers share one connection. Every third of a second OBS is slower than they wait for,
so answers arrive whose askers have given up.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from importlib import import_module
from typing import Protocol, cast

from drivers.errors import DriverError
from drivers.obs import link as link_module
from drivers.obs.link import ObsLink
from drivers.obs.sim import Faults, ObsSimulator, Studio
from siaga.bench import Figure

QUESTIONS = {"GetVersion": "obsVersion", "GetRecordStatus": "outputTimecode", "GetSceneList": "scenes"}
"""Each with a field that only its own answer has."""
GIVE_UP_AFTER_S = 0.1
SLOW_MS, EVERY_S, FOR_S = 250.0, 0.33, 0.04


class Counts:
    """What three askers got."""

    def __init__(self) -> None:
        self.right = self.wrong = self.none = 0

    def got(self, answer: object, field: str) -> None:
        """Count an answer."""
        if isinstance(answer, dict) and field in answer:
            self.right += 1
        else:
            self.wrong += 1


class Others(Protocol):
    """What is used of obsws-python's `ReqClient`."""

    def send(self, param: str, data: object = None, raw: bool = False) -> object: ...
    def disconnect(self) -> None: ...


def measure(*, quick: bool) -> list[Figure]:
    """Return how many answers went to the wrong asker."""
    seconds = 3.0 if quick else 60.0
    ours = asyncio.run(_ours(seconds))
    others = asyncio.run(_others(min(seconds, 15.0)))
    title = f"answers to the wrong asker, 3 tasks, {seconds:g} s, {ours.none} time-outs, {ours.right} answers"
    beside = f"the same, obsws-python shared by 3 threads, {others.none} time-outs, {others.right} right answers"
    return [
        Figure("obs", title, ours.wrong, "answers", "0", ours.wrong == 0 and min(ours.right, ours.none) > 0),
        Figure("obs", beside, others.wrong, "answers", "peer", True),
    ]


@contextlib.asynccontextmanager
async def _now_and_then_slow() -> AsyncIterator[int]:
    simulator = ObsSimulator(Studio.load(faults=Faults()))
    await simulator.start()
    hesitating = asyncio.create_task(_hesitate(simulator.studio.faults))
    try:
        yield simulator.port
    finally:
        hesitating.cancel()
        await simulator.stop()


async def _hesitate(faults: Faults) -> None:
    while True:
        await asyncio.sleep(EVERY_S)
        faults.slow = SLOW_MS
        await asyncio.sleep(FOR_S)
        faults.slow = 0.0


async def _ours(seconds: float) -> Counts:
    counts, limit = Counts(), link_module.READ_WITHIN_S
    link_module.READ_WITHIN_S = GIVE_UP_AFTER_S
    try:
        async with _now_and_then_slow() as port:
            link = await ObsLink.connect("127.0.0.1", port, None)
            until = time.monotonic() + seconds
            await asyncio.gather(*(_ask(link, *one, until, counts) for one in QUESTIONS.items()))
            await link.close()
    finally:
        link_module.READ_WITHIN_S = limit
    return counts


async def _ask(link: ObsLink, request: str, field: str, until: float, counts: Counts) -> None:
    while time.monotonic() < until:
        try:
            counts.got(await link.ask(request), field)
        except DriverError:
            counts.none += 1


async def _others(seconds: float) -> Counts:
    counts = Counts()
    logging.getLogger("obsws_python").setLevel(logging.CRITICAL + 1)
    async with _now_and_then_slow() as port:
        made = import_module("obsws_python").ReqClient
        client = cast(
            "Others",
            await asyncio.to_thread(made, host="127.0.0.1", port=port, password="", timeout=GIVE_UP_AFTER_S),
        )
        until = time.monotonic() + seconds
        await asyncio.gather(
            *(asyncio.to_thread(_ask_others, client, *one, until, counts) for one in QUESTIONS.items())
        )
        await asyncio.to_thread(client.disconnect)
    return counts


def _ask_others(client: Others, request: str, field: str, until: float, counts: Counts) -> None:
    while time.monotonic() < until:
        try:
            counts.got(client.send(request, raw=True), field)
        except Exception:  # noqa: BLE001 - whatever a foreign library raises, it gave no answer
            counts.none += 1
            time.sleep(0.001)
