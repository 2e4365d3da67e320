"""Central's end of the broker: hands messages to `Ingest`, answers, and greets.

What comes together is stored together, in order, and the database work runs in a thread, so
the pages never wait for a room's journal.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from central.configs import Configs
from central.db.outage import Outage, outlasted
from central.ingest import Ingest, Said
from central.publisher import Publisher
from central.reconciler import Reconciler, Retained
from contract import (
    CENTRAL_BROADCAST,
    CENTRAL_STATE,
    ROOMS_UP,
    Ack,
    Broadcast,
    CentralState,
    Message,
    MessageError,
    Presence,
    RoomTopics,
    new_id,
    room_of,
)
from contract.link import Broker, Delivery, Link, NotConnected

log = logging.getLogger(__name__)

CLIENT_ID: Final = "central"
SEND_WITHIN_S: Final = 3.0
Listener = Callable[[str, str], None]
"""Hears of every message that was stored: its branch (`state`, `ev`, ...) and its room."""


class Exchange:
    """Owns central's link to the broker."""

    def __init__(
        self,
        broker: Broker,
        ingest: Ingest,
        publisher: Publisher,
        epoch: str,
        *,
        url: str = "",
        configs: Configs | None = None,
    ) -> None:
        self._retained: tuple[Retained, ...] = (publisher,) if configs is None else (publisher, configs)
        self.reconcilers = tuple(Reconciler(one) for one in self._retained)
        self._url = url
        self._ingest = ingest
        self._epoch = epoch
        self._boot = new_id()
        self._listeners: list[Listener] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._outage = Outage("ingest")
        self.refused = 0
        """Messages that were none of a room's."""
        self.link = Link(
            broker,
            client_id=CLIENT_ID,
            subscribe=(ROOMS_UP, *(one.filter for one in self._retained)),
            will=self._will,
            received=self.received,
            together=self.received_together,
            connected=self.connected,
            disconnected=lambda reason: log.warning("link to the broker lost: %s", reason),
        )

    def send(self, topic: str, message: Message, good_for: timedelta) -> None:
        """Have the broker take an order, from any thread but the event loop's own.

        Raises:
            NotConnected: it did not.
        """
        if self._loop is None:
            raise NotConnected("central's exchange does not run")
        said = self.link.publish(
            topic, message.encode(), expires_s=int(good_for.total_seconds()), within_s=SEND_WITHIN_S
        )
        asyncio.run_coroutine_threadsafe(said, self._loop).result(SEND_WITHIN_S + 1)

    async def run(self) -> None:
        """Hold the link, until cancelled."""
        self._loop = asyncio.get_running_loop()
        try:
            await self.link.run()
        finally:
            self._loop = None

    def listen(self, listener: Listener) -> None:
        """Call `listener` in the event loop after every stored message."""
        self._listeners.append(listener)

    def _state(self, presence: Presence) -> CentralState:
        now = datetime.now(UTC)
        return CentralState(state=presence, boot=self._boot, epoch=self._epoch, time=now, url=self._url)

    def _will(self, _conn: int) -> tuple[str, Message]:
        return CENTRAL_STATE, self._state(Presence.LOST)

    async def connected(self, conn: int) -> None:
        """Say that central is there, have all schedules published anew and, after a loss, ask rooms to speak up."""
        await self.link.publish(CENTRAL_STATE, self._state(Presence.ONLINE).encode(), retain=True)
        for one in self._retained:
            one.publish_all()
        if conn > 1:
            await self._ask_for_everything("link was lost")

    async def _ask_for_everything(self, reason: str) -> None:
        """Have rooms say again that they are there, how they are, and what was not acknowledged.

        Raises:
            NotConnected: the link went; rooms are asked when it is back.
        """
        await self.link.publish(CENTRAL_BROADCAST, Broadcast(kind="rebirth", reason=reason).encode())

    async def received(self, delivery: Delivery) -> None:
        """Take one message."""
        await self.received_together([delivery])

    async def received_together(self, deliveries: Sequence[Delivery]) -> None:
        """Store the messages of rooms in one transaction; what is no message is counted and said, and stops nothing.

        While the database is away they wait here, and all others at the broker, which has only so
        much room: afterwards rooms are asked to say everything again.
        Schedules and settings are our own words, as the broker holds them: the reconcilers compare.
        """
        said = [one for delivery in deliveries if (one := self._said(delivery)) is not None]
        if not said:
            return
        acks: dict[tuple[str, str], Ack] = {}
        stored, away_s = await outlasted(self._outage, self._ingest.take_all, said)
        for one, taken in zip(said, stored, strict=True):
            if isinstance(taken, MessageError):
                self._refuse(RoomTopics(one.room_id).up(one.branch), taken)
                continue
            if taken is not None:
                acks[one.room_id, taken.stream] = taken  # the newest speaks for those before it
            for listener in self._listeners:
                listener(one.branch, one.room_id)
        await self._acknowledge(acks)
        if away_s > 0:
            await self._ask_for_everything("the database was away")

    def _said(self, delivery: Delivery) -> Said | None:
        """Return what a room said."""
        try:
            room_id, rest = room_of(delivery.topic)
        except ValueError as error:
            self._refuse(delivery.topic, error)
            return None
        for one, reconciler in zip(self._retained, self.reconcilers, strict=True):
            if one.topic(room_id) == delivery.topic:
                reconciler.saw(room_id, delivery.payload)
                return None
        return Said(room_id, rest.removeprefix("up/"), delivery.payload)

    def _refuse(self, topic: str, error: Exception) -> None:
        self.refused += 1
        log.warning("message refused", extra={"topic": topic, "found": str(error)})

    async def _acknowledge(self, acks: Mapping[tuple[str, str], Ack]) -> None:
        """Tell rooms up to where the database holds their journals.

        Raises:
            NotConnected: the link went; the rooms send again and are told then.
        """
        telling = (self.link.publish(RoomTopics(room).ack, ack.encode()) for (room, _), ack in acks.items())
        for told in await asyncio.gather(*telling, return_exceptions=True):
            if isinstance(told, BaseException):
                raise told

    async def say_goodbye(self) -> None:
        """Say that central stops on purpose."""
        if self.link.is_up:
            await self.link.publish(CENTRAL_STATE, self._state(Presence.OFFLINE).encode(), retain=True, within_s=2)
