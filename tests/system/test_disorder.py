"""Messages that come twice, late and in the wrong order, between a real agent, a real broker and central."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from contract import Broadcast
from contract.link import Broker, Delivery, Link, NotConnected
from contract.topics import ROOT
from contract.words import Phase
from tests.system.stand import Stand, stand
from tests.until import until

pytestmark = pytest.mark.timeout(240)
SEED = 8
SAYS_EVERY_S = 0.03
BRANCHES = ("schedule", "ack", "ev", "state")


class Echo:
    """Hears everything that is said and says any of it again, at random: old words come after new ones."""

    def __init__(self, broker: Broker) -> None:
        self.said: Counter[str] = Counter()
        """How often something was said again, by the last word of its topic."""
        self._heard: dict[tuple[str, bytes], None] = {}
        self._chance = random.Random(SEED)
        self._link = Link(
            broker,
            client_id="echo",
            subscribe=(f"{ROOT}/room/#",),
            will=lambda _: (f"{ROOT}/echo", Broadcast(kind="rebirth", reason="nobody listens here")),
            received=self._hear,
            connected=self._begin,
            disconnected=lambda _: None,
        )

    async def _begin(self, _: int) -> None:
        return

    async def _hear(self, delivery: Delivery) -> None:
        if delivery.topic.rsplit("/", 1)[1] in BRANCHES and delivery.payload:
            self._heard[delivery.topic, delivery.payload] = None

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._link.run(), name="echo's link")
            while True:
                await asyncio.sleep(SAYS_EVERY_S)
                if self._heard:
                    await self._say(*self._chance.choice(list(self._heard)))

    async def _say(self, topic: str, payload: bytes) -> None:
        """Say something again; a plan is left behind with the broker, as if it were the newest."""
        branch = topic.rsplit("/", 1)[1]
        with suppress(NotConnected):
            await self._link.publish(topic, payload, retain=branch == "schedule")
            self.said[branch] += 1


@asynccontextmanager
async def echoing(room: Stand) -> AsyncIterator[Echo]:
    echo = Echo(room.broker.for_central)
    task = asyncio.create_task(echo.run(), name="echo")
    try:
        yield echo
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_messages_that_come_twice_late_and_out_of_order_change_nothing(tmp_path: Path) -> None:
    async with stand(tmp_path) as room, echoing(room) as echo:
        await room.start()
        room.book("s-1", start_in_s=6, lasts_s=12)
        room.book("s-2", start_in_s=3600, lasts_s=600, prepare_in_s=3000)
        await until(lambda: Phase.LIVE in room.phases("s-1"), within_s=60)
        await room.press()
        await room.kill()
        await room.start()  # and finds an old plan with the broker, as often as not
        room.cancel("s-2")
        await until(lambda: room.phases("s-2") == [Phase.CANCELLED], within_s=60)
        await until(lambda: room.is_reported("s-1") and room.reports()["s-1"] == 1, within_s=60)
        before = Counter(echo.said)
        await until(lambda: all(echo.said[branch] > before[branch] + 3 for branch in BRANCHES), within_s=60)
        assert room.phases("s-2") == [Phase.CANCELLED]  # the plan that still had it was offered again
        await room.stop()
        assert room.complaints(["s-1"]) == []
        assert room.reports() == {"s-1": 1}
