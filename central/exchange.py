"""Central's end of the exchange with the rooms: publisher and ingest on one link.

Publishing: after every commit that rang the bell, once a second as a net, and everything
again whenever the link is new, because the broker may have come back empty. Ingest: one
delivery at a time, written to the database before the broker hears that it was handled,
and a room's journal is acknowledged only from what is committed.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from datetime import UTC, datetime
from typing import Final

import structlog

from central import bell as topics
from central.bell import Bell
from central.publication import Outbox
from central.records import Records
from contract import (
    CENTRAL_STATE,
    ROOMS_UP,
    Ack,
    Alert,
    CentralState,
    EntryBatch,
    Message,
    MessageError,
    Presence,
    Reply,
    RoomPresence,
    RoomState,
    RoomTopics,
    new_id,
    room_of,
)
from contract.link import Broker, Delivery, Link, NotConnected

log = structlog.get_logger(__name__)

CLIENT_ID: Final = "central"
SWEEP_EVERY_S: Final = 1.0
ROLL_EVERY_S: Final = 30.0
"""How often it is looked whether a session came into a room's window."""
SAY_GOODBYE_WITHIN_S: Final = 1.0


class Exchange:
    """Holds the link to the broker and moves messages both ways."""

    def __init__(self, broker: Broker, outbox: Outbox, records: Records, bell: Bell) -> None:
        self._outbox = outbox
        self._records = records
        self._bell = bell
        self._boot = new_id()
        self._all_due = True
        self._rolled_at = time.monotonic()
        self.counts: Counter[str] = Counter()
        self._link = Link(
            broker,
            client_id=CLIENT_ID,
            subscribe=(ROOMS_UP,),
            will=lambda _conn: (CENTRAL_STATE, self._state(Presence.LOST)),
            received=self._received,
            connected=self._connected,
            disconnected=self._disconnected,
        )

    @property
    def is_up(self) -> bool:
        """Whether the broker is there."""
        return self._link.is_up

    async def run(self) -> None:
        """Exchange until cancelled; then say goodbye while the link lasts."""
        async with asyncio.TaskGroup() as tasks:
            link = tasks.create_task(self._link.run(), name="central link")
            try:
                await self._publish()
            finally:
                await self._goodbye()
                link.cancel()

    async def _goodbye(self) -> None:
        try:
            await self._tell(Presence.OFFLINE, within_s=SAY_GOODBYE_WITHIN_S)
        except NotConnected as error:
            log.info("no goodbye to the rooms", action="goodbye_lost", why=str(error))

    # Down

    def _state(self, presence: Presence) -> CentralState:
        return CentralState(state=presence, boot=self._boot, epoch=self._outbox.epoch, time=datetime.now(UTC))

    async def _tell(self, presence: Presence, *, within_s: float = 5.0) -> None:
        await self._link.publish(CENTRAL_STATE, self._state(presence).encode(), retain=True, within_s=within_s)

    async def _connected(self, conn: int) -> None:
        self.counts["connected"] += 1
        log.info("broker there", action="link_up", conn=conn)
        await self._tell(Presence.ONLINE)
        self._all_due = True
        self._bell.ring(topics.SCHEDULE)

    def _disconnected(self, why: str) -> None:
        log.warning("broker gone", action="link_down", why=why)
        self._all_due = True

    async def _publish(self) -> None:
        with self._bell.listening(topics.SCHEDULE) as listener:
            while True:
                if self._link.is_up:
                    await self._publish_due()
                await listener.next(within_s=SWEEP_EVERY_S)

    async def _publish_due(self) -> None:
        """Publish what is due; what the broker does not take stays due."""
        everything, self._all_due = self._all_due, False
        try:
            for room in await self._due_rooms(everything):
                publication = await asyncio.to_thread(self._outbox.make, room)
                await self._link.publish(RoomTopics(room).schedule, publication.schedule.encode(), retain=True)
                await asyncio.to_thread(self._outbox.sent, publication)
                self.counts["published"] += 1
        except NotConnected as error:
            self._all_due = self._all_due or everything
            log.info("schedule waits for the broker", action="publish_waits", why=str(error))

    async def _due_rooms(self, everything: bool) -> tuple[str, ...]:
        if everything:
            return await asyncio.to_thread(self._outbox.rooms)
        if time.monotonic() - self._rolled_at >= ROLL_EVERY_S:
            self._rolled_at = time.monotonic()
            return await asyncio.to_thread(self._outbox.rolled)
        return await asyncio.to_thread(self._outbox.due)

    # Up

    async def _received(self, delivery: Delivery) -> None:
        """Handle one message; one that is no good is counted, logged and let go."""
        try:
            room, rest = room_of(delivery.topic)
            await self._handle(room, rest, delivery.payload)
            self.counts[rest.split("/")[1]] += 1
        except ValueError as error:
            self.counts["malformed"] += 1
            log.warning("message not taken", action="malformed", topic=delivery.topic, why=str(error)[:500])

    async def _handle(self, room: str, rest: str, payload: bytes) -> None:
        """Write one message down.

        Raises:
            MessageError: it is not what its topic promises, or nobody knows the room.
        """
        if not await asyncio.to_thread(self._records.knows, room):
            raise MessageError(f"there is no room {room!r}")
        kind, _, ident = rest.removeprefix("up/").partition("/")
        if kind == "ev" and not ident:
            await self._entries(room, EntryBatch.decode(payload))
        elif kind == "presence" and not ident:
            await self._keep(room, RoomPresence.decode(payload))
        elif kind == "state" and not ident:
            await self._keep(room, RoomState.decode(payload))
        elif kind == "reply" and not ident:
            await self._keep(room, Reply.decode(payload))
        elif kind == "alert" and ident:
            alert = Alert.decode(payload) if payload else None
            await asyncio.to_thread(self._records.alert, room, ident, alert)
            self._bell.ring(topics.ROOMS)
        else:
            raise MessageError(f"nothing of ours goes to {rest!r}")

    async def _keep(self, room: str, message: Message) -> None:
        if isinstance(message, RoomPresence):
            await asyncio.to_thread(self._records.presence, room, message)
        elif isinstance(message, RoomState):
            await asyncio.to_thread(self._records.state, room, message)
        elif isinstance(message, Reply):
            await asyncio.to_thread(self._records.reply, room, message)
        self._bell.ring(topics.ROOMS)

    async def _entries(self, room: str, batch: EntryBatch) -> None:
        """Commit the entries, then tell the room up to where it may forget.

        Raises:
            MessageError: they are another room's.
        """
        if batch.room != room:
            raise MessageError(f"entries of {batch.room!r} came from {room!r}")
        upto, reported = await asyncio.to_thread(self._records.append, room, batch)
        if reported:
            self._bell.ring(topics.REPORTS, topics.REQUESTS)
        try:
            await self._link.publish(RoomTopics(room).ack, Ack(stream=batch.stream, upto=upto).encode())
        except NotConnected as error:
            # the room sends the entries again, and is answered then
            log.info("acknowledgement lost", action="ack_lost", room=room, why=str(error))
