"""A private broker, the commands of simulated devices, a stand-in for central, and a room with camera and sound."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from contract import Ack, CentralState, Command, EntryBatch, PlannedSession, Reply, RoomPresence, RoomState, Schedule
from contract.link import Broker, Delivery, Link
from contract.messages import Entry
from contract.report import ExecutionReport
from contract.topics import CENTRAL_STATE, ROOMS_UP, RoomTopics
from contract.words import EntryKind, Presence, SessionStatus
from tests.broker import PrivateBroker
from tests.rooms import HEAD
from tests.until import until

ROOM = "praja-1"
TOPICS = RoomTopics(ROOM)

ROOM_FILE = (
    HEAD
    + """\
# Sound is told again: on a crowded machine its worker may be silent for a second, and is then replaced.
devices:
  camera-1: {{at: "{camera}", required: true}}
  sound: {{at: "{sound}", required: true}}
prepare: {{lead: 10s, certify: 5s}}
presets:
  siap:
    label: {{id: Siap, en: Ready}}
    steps:
      - {{device: camera-1, do: power, args: {{on: true}}, within: 20s}}
      - together:
          - {{device: camera-1, do: recall, args: {{memory: 1}}, within: 15s, verify: true}}
          - {{device: sound, do: mute, args: {{port: microphone, on: true}}, within: 15s, retry: 3, verify: true}}
  mulai:
    label: {{id: Mulai, en: Start}}
    steps:
      - together:
          - {{device: camera-1, do: recall, args: {{memory: 0}}, within: 15s, verify: true}}
          - {{device: sound, do: mute, args: {{port: microphone, on: false}}, within: 15s, retry: 3, verify: true}}
  selesai:
    label: {{id: Selesai, en: End}}
    steps:
      - {{device: sound, do: mute, args: {{port: microphone, on: true}}, within: 15s, retry: 3, verify: true}}
phases: {{prepare: siap, live: mulai, end: selesai}}
checklist:
  - {{id: papan-nama, label: {{id: Papan nama terpasang, en: Name plates in place}}}}
"""
)


def simulator(module: str, *more: str, listen: str = "127.0.0.1:0") -> tuple[str, ...]:
    return (sys.executable, "-m", module, "--listen", listen, *more)


@asynccontextmanager
async def broker(folder: Path) -> AsyncIterator[int]:
    """Run a private Mosquitto and give its port."""
    mosquitto = PrivateBroker(folder)
    await asyncio.to_thread(mosquitto.start)
    try:
        yield mosquitto.port
    finally:
        await asyncio.to_thread(mosquitto.stop)


class Central:
    """What central does on MQTT, and nothing else of it: publishes, collects, acknowledges."""

    def __init__(self, port: int) -> None:
        self.entries: dict[tuple[str, int], Entry] = {}
        self.states: list[RoomState] = []
        self.presences: list[RoomPresence] = []
        self.replies: list[Reply] = []
        self.alerts: dict[str, bytes] = {}
        self.acknowledges = True
        self.epoch, self.boot, self._rev = "epoch-1", "boot-1", 0
        self._link = Link(
            Broker.parse(f"mqtt://127.0.0.1:{port}"),
            client_id="central",
            subscribe=(ROOMS_UP,),
            will=lambda _: (CENTRAL_STATE, self._state(Presence.LOST)),
            received=self._received,
            connected=self._connected,
            disconnected=lambda _: None,
        )

    @asynccontextmanager
    async def online(self) -> AsyncIterator[Central]:
        """Be connected meanwhile."""
        task = asyncio.create_task(self._link.run(), name="central")
        try:
            await until(lambda: self._link.is_up)
            yield self
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def publish(self, *sessions: PlannedSession) -> None:
        """Publish a schedule of `sessions`."""
        self._rev += 1
        now = datetime.now(UTC)
        window = (now - timedelta(hours=1), now + timedelta(days=3))
        schedule = Schedule(epoch=self.epoch, rev=self._rev, window=window, count=len(sessions), sessions=sessions)
        await self._link.publish(TOPICS.schedule, schedule.encode(), retain=True)

    async def order(self, command: Command) -> None:
        await self._link.publish(TOPICS.command, command.encode())

    async def _connected(self, _: int) -> None:
        await self.announce()

    async def announce(self) -> None:
        """Say that central is there, and which life of its database."""
        await self._link.publish(CENTRAL_STATE, self._state(Presence.ONLINE).encode(), retain=True)

    def _state(self, state: Presence) -> CentralState:
        return CentralState(state=state, boot=self.boot, epoch=self.epoch, time=datetime.now(UTC))

    async def _received(self, delivery: Delivery) -> None:
        if delivery.topic == TOPICS.events:
            batch = EntryBatch.decode(delivery.payload)
            self.entries = {(batch.stream, entry.seq): entry for entry in batch.entries} | self.entries
            if self.acknowledges:
                upto = self._contiguous(batch.stream)
                held = self.entries.get((batch.stream, upto))
                ack = Ack(stream=batch.stream, upto=upto, head="" if held is None else held.hash)
                await self._link.publish(TOPICS.ack, ack.encode())
        elif delivery.topic == TOPICS.state:
            self.states.append(RoomState.decode(delivery.payload))
        elif delivery.topic == TOPICS.presence:
            self.presences.append(RoomPresence.decode(delivery.payload))
        elif delivery.topic == TOPICS.reply:
            self.replies.append(Reply.decode(delivery.payload))
        elif "/alert/" in delivery.topic:
            self.alerts[delivery.topic.rsplit("/", 1)[1]] = delivery.payload

    def _contiguous(self, stream: str) -> int:
        seq = 0
        while (stream, seq + 1) in self.entries:
            seq += 1
        return seq

    def forget(self, after: int) -> None:
        """Be what it was before the entries `after` that number came: brought back from a copy."""
        self.entries = {key: entry for key, entry in self.entries.items() if key[1] <= after}

    @property
    def journal(self) -> list[Entry]:
        """What came so far, in order."""
        return [self.entries[key] for key in sorted(self.entries)]

    @property
    def numbers(self) -> list[int]:
        return sorted(seq for _, seq in self.entries)

    def reports(self) -> list[ExecutionReport]:
        return [ExecutionReport.model_validate(entry.body) for entry in self.journal if entry.kind == EntryKind.REPORT]

    def has_phase(self, phase: str) -> Callable[[], bool]:
        """Return the condition that a session came into `phase`."""
        return lambda: any(e.kind == EntryKind.PHASE_CHANGED and e.body["phase"] == phase for e in self.journal)


def session(*, start_in_s: float, lasts_s: float, prepare_in_s: float = 0.0, name: str = "s-1") -> PlannedSession:
    """Return a session that begins soon."""
    now = datetime.now(UTC)
    start_at = now + timedelta(seconds=start_in_s)
    return PlannedSession(
        id=name,
        rev=1,
        status=SessionStatus.CONFIRMED,
        title="Rapat Koordinasi",
        agency="Dinas Kesehatan",
        start=start_at,
        end=start_at + timedelta(seconds=lasts_s),
        prepare_at=now + timedelta(seconds=prepare_in_s),
    )
