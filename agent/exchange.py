"""What the room says to central and hears from it, over one link.

Everything that is retained is said again whenever the link or central is new, so that a
broker without a memory serves as well. Orders are carried out at most once: their ids are
on disk before anything moves.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from contextlib import suppress
from datetime import datetime, timedelta

from pydantic import JsonValue

from agent.commands import Commands
from agent.engine import Engine
from agent.evidence import Evidence
from agent.journal import Journal
from agent.officeclock import OfficeClock
from agent.outbox import Outbox
from agent.schedule import Judgement, ScheduleBook, judge
from agent.statement import Birth, Statement
from agent.store import Store
from agent.translate import offered
from contract.base import MessageError
from contract.link import Broker, Delivery, Link, NotConnected
from contract.messages import (
    Ack,
    Broadcast,
    CentralState,
    Command,
    Reply,
    RoomPresence,
    Schedule,
)
from contract.topics import CENTRAL_ALL, CENTRAL_BROADCAST, CENTRAL_STATE, RoomTopics
from contract.words import EntryKind, Presence

log = logging.getLogger(__name__)

HEARTBEAT_S = 60.0
STIRS_EVERY_S = 3.0
"""How often what waits to speak shows that it could."""
STATE_EVERY_AT_LEAST_S = 1.0
STATE_EXPIRES_S = 180
HEARD_WITHIN_S = 2.0
"""So long the plan waits for central's first word after a start: the machine may have booted with a wrong clock."""
REBIRTH_WITHIN_S = 5.0
FAREWELL_WITHIN_S = 2.0


class Exchange:
    """The room's side of the exchange with central."""

    def __init__(
        self,
        broker: Broker,
        engine: Engine,
        *,
        store: Store,
        journal: Journal,
        book: ScheduleBook,
        evidence: Evidence,
        birth: Birth,
        clock: OfficeClock,
    ) -> None:
        room = engine.room.room
        self._topics = RoomTopics(room)
        self._engine = engine
        self._store = store
        self._journal = journal
        self._book = book
        self._birth = birth
        self._clock = clock
        self._conn = 0
        self._central_boot: str | None = None
        self.central_url = ""
        """Where central is reached over HTTP, once it has said so."""
        self._epoch: str | None = store.fact("epoch")
        self._foreign: Schedule | None = None
        self._statement = Statement(engine, store=store, book=book, evidence=evidence, birth=birth, clock=clock)
        self._alerts: dict[str, bytes] = {}
        self._stirred_at = time.monotonic()
        self._state_due = asyncio.Event()
        self._rebirth_due = asyncio.Event()
        self._compared = asyncio.Event()
        self._group: asyncio.TaskGroup | None = None
        self._link = Link(
            broker,
            client_id=f"agent-{room}",
            subscribe=(CENTRAL_ALL, self._topics.down),
            will=lambda conn: (self._topics.presence, self._presence(Presence.LOST, conn)),
            received=self._received,
            connected=self._connected,
            disconnected=self._disconnected,
        )
        self.outbox = Outbox(journal, self._link, room=room, topic=self._topics.events)
        self._commands = Commands(engine, store, book, clock)
        self._commands.send = self._send
        engine.subscribe(self._state_due.set)

    @property
    def offset_ms(self) -> float | None:
        """How far this machine's clock is from central's; none while it was not compared."""
        return self._statement.offset_ms

    async def compare_clocks(self) -> None:
        """Wait until central's clock was heard, but not long: its absence changes nothing in the room."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HEARD_WITHIN_S):
                await self._compared.wait()

    @property
    def is_up(self) -> bool:
        """Whether the link to central's broker is up."""
        return self._link.is_up

    def ran_at(self) -> float:
        """Return when (monotonic) the exchange last did its work: what speaks, and what carries it."""
        return min(self._stirred_at, self._link.ran_at())

    async def run(self) -> None:
        """Talk to central, until cancelled; its absence changes nothing in the room."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                group.create_task(self._link.run(), name="link")
                group.create_task(self.outbox.run(), name="outbox")
                group.create_task(self._publish_states(), name="state")
                group.create_task(self._rebirths(), name="rebirth")
        finally:
            self._group = None

    async def farewell(self) -> None:
        """Say that the room leaves on purpose; a link that is down is no obstacle."""
        try:
            await self._say(self._presence(Presence.OFFLINE, self._conn), within_s=FAREWELL_WITHIN_S)
        except NotConnected as error:
            log.info("left without saying goodbye: %s", error)

    # Saying.

    def _presence(self, state: Presence, conn: int) -> RoomPresence:
        return RoomPresence(
            state=state,
            boot=self._birth.boot,
            conn=conn,
            software=self._birth.software,
            started_at=self._birth.started_at,
            capabilities=self._birth.capabilities,
            presets=tuple(offered(name, preset) for name, preset in self._engine.room.presets.items()),
        )

    async def _say(self, presence: RoomPresence, *, within_s: float = 5.0) -> None:
        await self._link.publish(self._topics.presence, presence.encode(), retain=True, within_s=within_s)

    async def _connected(self, conn: int) -> None:
        self._conn = conn
        await self._say(self._presence(Presence.ONLINE, conn))
        self._alerts.clear()
        self._state_due.set()
        self.outbox.wake()
        self._engine.changed()

    def _disconnected(self, reason: str) -> None:
        log.warning("link to central lost: %s", reason, extra={"action": "link", "reason": reason})
        self._engine.changed()

    async def _publish_states(self) -> None:
        """Publish the state at once when it changes, at most once a second, and every minute anyway."""
        while True:
            await self._state_or_heartbeat()
            self._state_due.clear()
            with suppress(NotConnected):  # the next connection begins with it
                await self._publish_state()
            await asyncio.sleep(STATE_EVERY_AT_LEAST_S)

    async def _state_or_heartbeat(self) -> None:
        until = time.monotonic() + HEARTBEAT_S
        while not self._state_due.is_set() and time.monotonic() < until:
            self._stirred_at = time.monotonic()
            with suppress(TimeoutError):
                async with asyncio.timeout(STIRS_EVERY_S):
                    await self._state_due.wait()
        self._stirred_at = time.monotonic()

    async def _publish_state(self) -> None:
        state = self._statement.state()
        await self._link.publish(self._topics.state, state.encode(), retain=True, expires_s=STATE_EXPIRES_S)
        for name, alert in self._statement.alerts().items():
            payload = (
                b"" if alert is None else alert.model_dump_json(exclude={"id", "at", "minutes_to_session"}).encode()
            )
            if self._alerts.get(name) != payload:
                whole = b"" if alert is None else alert.encode()
                await self._link.publish(self._topics.alert(name), whole, retain=True)
                self._alerts[name] = payload

    async def _rebirths(self) -> None:
        """Say everything again when central is new; not all rooms in the same moment."""
        while True:
            await self._rebirth_due.wait()
            await asyncio.sleep(random.uniform(0, REBIRTH_WITHIN_S))
            self._rebirth_due.clear()
            with suppress(NotConnected):  # the next connection begins with it
                await self._connected(self._conn)

    # Hearing.

    async def _received(self, delivery: Delivery) -> None:
        """Take one message; one that is not what its topic promises is logged and left."""
        take = {
            CENTRAL_STATE: self._central_state,
            CENTRAL_BROADCAST: self._broadcast,
            self._topics.schedule: self._schedule,
            self._topics.ack: self._ack,
            self._topics.command: self._command,
        }.get(delivery.topic)
        if take is None or not delivery.payload:
            return
        try:
            take(delivery)
        except MessageError as error:
            log.warning("message refused: %s", error, extra={"action": "refused", "topic": delivery.topic})

    def _central_state(self, delivery: Delivery) -> None:
        state = CentralState.decode(delivery.payload)
        if state.state is not Presence.ONLINE:
            return
        if not delivery.retained:
            self._compare_clocks(state.time)
            self._state_due.set()
        if self._central_boot is not None and state.boot != self._central_boot:
            self._rebirth_due.set()
        self._central_boot = state.boot
        if state.url:
            self.central_url = state.url
        if state.epoch != self._epoch:
            if self._epoch is not None:
                self._journal.offer_again()
            self._epoch = state.epoch
            self._store.keep_fact("epoch", state.epoch)
        if self._foreign is not None:
            offered, self._foreign = self._foreign, None
            self._apply(offered)
        self.outbox.wake()

    def _compare_clocks(self, central: datetime) -> None:
        """Take what central's clock showed when it sent what came just now."""
        self._statement.offset_ms = round(self._clock.hear(central) / timedelta(milliseconds=1), 1)
        self._compared.set()

    def _broadcast(self, delivery: Delivery) -> None:
        word = Broadcast.decode(delivery.payload)
        if word.kind == "rebirth":
            self._rebirth_due.set()
        elif self._group is not None and not delivery.retained:
            self._commands.stop_all(word, self._group)

    def _schedule(self, delivery: Delivery) -> None:
        self._apply(Schedule.decode(delivery.payload))

    def _apply(self, offered: Schedule) -> None:
        judgement = judge(self._book.held, offered, self._epoch)
        if judgement is Judgement.APPLY:
            self._book.apply(offered, self._clock.now())
            body: dict[str, JsonValue] = {"epoch": offered.epoch, "rev": offered.rev, "sessions": offered.count}
            self._journal.append(EntryKind.SCHEDULE_APPLIED, cause="schedule", body=body)
            self._engine.changed()
        elif judgement is Judgement.FOREIGN:
            self._foreign = offered  # central may announce the epoch a moment later
        if judgement in {Judgement.FOREIGN, Judgement.SHRUNK}:
            log.warning(
                "schedule kept: the offered one is %s",
                judgement,
                extra={"action": "schedule", "epoch": offered.epoch, "rev": offered.rev},
            )

    def _ack(self, delivery: Delivery) -> None:
        ack = Ack.decode(delivery.payload)
        if not delivery.retained:
            self._compare_clocks(ack.at)
        if self.outbox.acknowledge(ack):
            self._engine.changed()

    # Orders.

    def _command(self, delivery: Delivery) -> None:
        command = Command.decode(delivery.payload)
        if self._group is not None and not delivery.retained:
            self._commands.take(command, self._group)

    def _send(self, reply: Reply) -> None:
        if self._group is not None:
            self._group.create_task(self._publish_reply(reply), name="reply")

    async def _publish_reply(self, reply: Reply) -> None:
        try:
            await self._link.publish(self._topics.reply, reply.encode())
        except NotConnected as error:
            log.info("reply not sent: %s", error, extra={"action": "reply", "command": reply.command})
