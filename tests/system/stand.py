"""A room and its central, to be ill-treated: a real broker and agent, central's own exchange and database, a camera.

The camera runs in this process, so that what it was truly told can be counted.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import sqlalchemy as sa
from websockets.exceptions import WebSocketException

from agent import database
from agent.proof import Anchor, Proof, prove
from agent.store import FILE
from central.broker import ManagedBroker
from central.db import tables as t
from central.db.store import Store
from central.exchange import Exchange
from central.ingest import Ingest
from central.publisher import Publisher
from contract import Entry, RoomPresence, RoomState
from contract.messages import Alert
from contract.report import ExecutionReport
from contract.words import EntryKind, Phase
from drivers.visca.sim import SimulatedCamera, serve
from tests.processes import Process, start
from tests.rooms import PATIENT, agent, touch
from tests.until import until

ROOM = "praja-1"
ROOM_FILE = """\
room: praja-1
name: Ruang Rapat Praja I
time_zone: Asia/Pontianak
central: {{broker: "{broker}", credentials: praja-1.secrets.yaml}}
data: data
tablet: {{listen: "127.0.0.1:0"}}
devices:
  camera-1: {{at: "{camera}", required: true}}
prepare: {{lead: 10s, certify: 2s}}
presets:
  siap:
    label: {{id: Siap, en: Ready}}
    steps:
      - {{device: camera-1, do: power, args: {{on: true}}, within: 20s}}
      - {{device: camera-1, do: recall, args: {{memory: 1}}, within: 15s, verify: true}}
  mulai:
    label: {{id: Mulai, en: Start}}
    steps:
      - {{device: camera-1, do: store, args: {{memory: 7}}, within: 5s}}
      - {{device: camera-1, do: recall, args: {{memory: 0}}, within: 15s, verify: true}}
  tandai:
    label: {{id: Tandai, en: Mark}}
    steps:
      - {{device: camera-1, do: store, args: {{memory: 8}}, within: 5s}}
  selesai:
    label: {{id: Selesai, en: End}}
    steps:
      - {{device: camera-1, do: recall, args: {{memory: 5}}, within: 15s, verify: true}}
  aman:
    label: {{id: Aman, en: Safe}}
    steps:
      - {{device: camera-1, do: recall, args: {{memory: 6}}, within: 15s, verify: true}}
phases: {{prepare: siap, live: mulai, end: selesai, safe: aman}}
"""
STORE = bytes.fromhex("01 04 3f 01")
"""The command that stores a position; the memory's number follows. The room may not do it twice."""
ONCE_A_SESSION, ON_PRESS = 7, 8


class Service:
    """Something that runs in a task, and can be ended and begun again."""

    def __init__(self, name: str, run: Callable[[], Coroutine[object, object, object]]) -> None:
        self._name = name
        self._run = run
        self._task: asyncio.Task[object] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=self._name)

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)


@dataclass
class Stand:
    """One room with its central."""

    store: Store
    broker: ManagedBroker
    publisher: Publisher
    camera: SimulatedCamera
    config: Path
    boots: dict[str, float] = field(default_factory=dict)
    """When each life of the agent was first heard, by the monotonic clock."""
    presses: int = 0
    agent: Process | None = None
    serving: dict[str, Service] = field(default_factory=dict)
    """What runs beside the agent, by name."""

    @asynccontextmanager
    async def without(self, name: str) -> AsyncIterator[None]:
        """Have `broker` or `central` away meanwhile, as if its process were dead."""
        await self.serving[name].stop()
        try:
            yield
        finally:
            self.serving[name].start()

    # The agent.

    async def start(self) -> float:
        """Start the agent and return how many seconds it took until central heard of it."""
        known, begun = set(self.boots), time.monotonic()
        self.agent = await start(*agent(self.config, PATIENT))
        await until(lambda: bool(set(self.boots) - known), within_s=60)
        (boot,) = set(self.boots) - known
        return self.boots[boot] - begun

    async def kill(self) -> None:
        """Kill the agent as a power cut would."""
        assert self.agent is not None
        await self.agent.kill()
        self.agent = None

    async def stop(self) -> None:
        if self.agent is not None:
            await self.agent.stop()
            self.agent = None

    async def press(self, preset: str = "tandai") -> None:
        """Press a preset as the tablet does; a room that dies meanwhile or declines is no matter."""
        assert self.agent is not None
        address = self.agent.address
        self.presses += 1
        with suppress(httpx.HTTPError):
            async with httpx.AsyncClient(base_url=address, headers={"Origin": address}, timeout=2) as client:
                await client.post(f"/api/v1/presets/{preset}/run")

    async def touch(self, what: str) -> None:
        """Press a button of the session on the tablet; a room that dies meanwhile is no matter."""
        assert self.agent is not None
        with suppress(OSError, WebSocketException):
            await touch(self.agent.address, what)

    # Sessions.

    def book(self, ident: str, *, start_in_s: float, lasts_s: float, prepare_in_s: float = 0.0) -> None:
        """Write a confirmed session as a decision does, and have it published."""
        now = datetime.now(UTC)
        starts, ends = (now + timedelta(seconds=s) for s in (start_in_s, start_in_s + lasts_s))
        request = {
            "id": f"r-{ident}", "receipt": f"2026-{ident}", "agency_id": "bappeda", "room_id": ROOM, "starts": starts,
            "ends": ends, "participants": 5, "recording": False, "own_account": False, "state": "approved",
            "version": 3, "submitted_at": now, "applicant_id": "p1",
        }  # fmt: skip
        planned = {
            "id": ident, "request_id": f"r-{ident}", "room_id": ROOM, "operator_id": "rina", "rev": 1,
            "status": "confirmed", "title": "Rakor", "agency": "Bappeda", "leader": "none", "starts": starts,
            "ends": ends, "prepare_at": now + timedelta(seconds=prepare_in_s), "setup_s": 0.0, "teardown_s": 0.0,
            "recording": False,
        }  # fmt: skip
        with self.store.writing() as connection:
            connection.execute(t.request.insert(), request)
            connection.execute(t.session.insert(), planned)
            connection.execute(t.outbox.insert(), {"room_id": ROOM, "cause": "booking", "created_at": now})
        self.publisher.wake()

    def cancel(self, ident: str) -> None:
        """Cancel a session as a decision does, and have that published."""
        session = t.session.c
        with self.store.writing() as connection:
            changed = {"status": "cancelled", "rev": session.rev + 1}
            connection.execute(t.session.update().where(session.id == ident).values(changed))
            row = {"room_id": ROOM, "cause": "cancelled", "created_at": datetime.now(UTC)}
            connection.execute(t.outbox.insert(), row)
        self.publisher.wake()

    # What is so.

    def entries(self) -> list[Entry]:
        """Return what central's database holds, in order."""
        j = t.journal_entry.c
        with self.store.reading() as connection:
            bodies = connection.scalars(sa.select(j.body).order_by(j.stream, j.seq))
            return [Entry.model_validate_json(body) for body in bodies]

    def moves(self, session: str) -> list[Entry]:
        """Return the entries of the phases that a session came into."""
        return [e for e in self.entries() if e.kind == EntryKind.PHASE_CHANGED and e.session == session]

    def phases(self, session: str) -> list[str]:
        return [str(entry.body["phase"]) for entry in self.moves(session)]

    def is_reported(self, session: str) -> bool:
        return Phase.REPORTED in self.phases(session)

    def reports(self) -> Counter[str]:
        """Return how many reports central holds of each session."""
        with self.store.reading() as connection:
            return Counter(connection.scalars(sa.select(t.report.c.session_id)))

    def room_state(self) -> RoomState | None:
        """Return what central holds of the room's state; none: it never told."""
        with self.store.reading() as connection:
            body = connection.scalar(sa.select(t.room_state.c.body))
        return None if body is None else RoomState.model_validate_json(body)

    def alerts(self) -> dict[str, Alert]:
        """Return the alerts that are open at central, by name."""
        with self.store.reading() as connection:
            rows = connection.execute(sa.select(t.room_alert.c.alert, t.room_alert.c.body)).all()
        return {row.alert: Alert.model_validate_json(row.body) for row in rows}

    def report(self, session: str) -> ExecutionReport:
        """Return the newest report of a session that central holds."""
        told = [e for e in self.entries() if e.kind == EntryKind.REPORT and e.session == session]
        return ExecutionReport.model_validate(told[-1].body)

    def place_far(self, memory: int) -> None:
        """Have the camera's memory lie where it takes seconds to go to."""
        self.camera.camera.pan.position = self.camera.camera.pan.low
        self.camera.camera.memories[memory] = round(self.camera.camera.pan.high), 0, 0

    def stored(self, memory: int) -> int:
        """Return how often the camera was told to store a position."""
        return sum(body == STORE + bytes([memory]) for body in self.camera.ran)

    def heads(self) -> dict[str, tuple[int, str]]:
        """Return up to where central acknowledged each stream, with the hash there."""
        with self.store.reading() as connection:
            rows = connection.execute(t.stream_position.select())
            return {row.stream: (row.upto, row.head) for row in rows}

    def faults(self) -> list[tuple[int, str]]:
        with self.store.reading() as connection:
            return [(row.seq, row.what) for row in connection.execute(t.journal_fault.select())]

    def proof(self) -> Proof:
        """Return what the room's own file is worth, against what central was told."""
        found = database.read_out(self.config.parent / "data" / FILE)
        stream = found.facts["stream"]
        upto, head = self.heads()[stream]
        return prove(stream, found.journal, [Anchor(head, upto)])

    def complaints(self, sessions: list[str]) -> list[str]:
        """Return everything that is not as it must be after `sessions` are over; the agent must have ended."""
        found = []
        numbers = [entry.seq for entry in self.entries()]
        if len(self.heads()) != 1 or numbers != list(range(1, len(numbers) + 1)):
            found.append(f"the journal at central should be one stream without a gap: {self.heads()}, {numbers}")
        if (proof := self.proof()).findings:
            found.append(f"the room's own journal is not whole: {proof.findings}")
        if faults := self.faults():
            found.append(f"the chain does not fit at central: {faults}")
        reports = self.reports()
        found += [f"{one}: wanted one report, found {reports[one]}" for one in sessions if reports[one] != 1]
        found += [f"{one}: {self.phases(one)}" for one in sessions if not self.is_reported(one)]
        if (told := self.stored(ONCE_A_SESSION)) > len(sessions):
            found.append(f"the camera stored a position {told} times in {len(sessions)} sessions")
        if (told := self.stored(ON_PRESS)) > self.presses:
            found.append(f"the camera stored a position {told} times for {self.presses} presses")
        return found


def _filled(folder: Path) -> Store:
    store = Store(f"sqlite:///{folder}/central.db")
    store.open()
    with store.writing() as connection:
        connection.execute(t.agency.insert(), {"id": "bappeda"})
        connection.execute(t.person.insert(), {"id": "p1", "login": "dina", "active": True})
        connection.execute(t.operator.insert(), {"id": "rina", "name": "Rina", "active": True})
        facts = {"capacity": 20, "can_record": True, "open": True, "time_zone": "Asia/Pontianak"}
        connection.execute(t.room.insert(), {"id": ROOM, "name": ROOM} | facts)
    return store


@asynccontextmanager
async def stand(folder: Path) -> AsyncIterator[Stand]:
    """Set everything up but the agent; all of it ends with the block."""
    store, broker = _filled(folder), ManagedBroker(folder / "broker")
    publisher = Publisher(store)
    exchange = Exchange(broker.for_central, Ingest(store), publisher, store.epoch)
    serving = {
        "broker": Service("broker", broker.run),
        "central": Service("central", exchange.link.run),
        "publisher": Service("publisher", lambda: publisher.run(exchange.link)),
    }
    try:
        async with serve() as camera:
            serving["broker"].start()
            await until(broker.ready.is_set, within_s=15)
            broker.doors.enrol(ROOM).write(folder / "praja-1.secrets.yaml")
            config = folder / "praja-1.yaml"
            config.write_text(ROOM_FILE.format(broker=broker.url, camera=camera.address))
            one = Stand(store, broker, publisher, camera, config, serving=serving)
            exchange.listen(lambda branch, _: _hear(one) if branch == "presence" else None)
            serving["central"].start()
            serving["publisher"].start()
            await until(lambda: exchange.link.is_up, within_s=10)
            try:
                yield one
            finally:
                if one.agent is not None:
                    await one.agent.kill()
    finally:
        for service in reversed(serving.values()):
            await service.stop()
        store.close()


def _hear(one: Stand) -> None:
    with one.store.reading() as connection:
        body = connection.scalar(sa.select(t.room_presence.c.body))
    one.boots.setdefault(RoomPresence.model_validate(json.loads(str(body))).boot, time.monotonic())
