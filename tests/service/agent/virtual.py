"""A room whose time is virtual: its engine, its journal on a real disk, devices that take their time.

`async-solipsism` has the event loop's clock jump to the next thing that is due, so a day
passes in seconds and everything happens at its exact moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import async_solipsism

from agent.board import HealthBoard, Sighting
from agent.engine import Engine
from agent.equipment import Equipment
from agent.journal import Journal
from agent.keeper import Keeper
from agent.plan import Rhythm
from agent.presets import presets_of
from agent.roomfile import load
from agent.schedule import ScheduleBook
from agent.store import Store
from contract.messages import Entry, PlannedSession, Schedule
from contract.words import EntryKind, Phase
from drivers.outcomes import Result
from drivers.ports import Device
from tests.service.agent.fakes import FakeCamera, FakeSound

DAWN = datetime(2026, 11, 23, 0, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
A_LONG_JOURNAL = 100_000

ROOM = """\
room: praja-1
name: Ruang Rapat Praja I
time_zone: {zone}
central: {{broker: "mqtt://127.0.0.1:1"}}
data: data
devices:
  camera-1: {{at: "visca+udp://127.0.0.1:1", required: true}}
  camera-2: {{at: "visca+udp://127.0.0.1:2"}}
  sound: {{at: "audio+model://127.0.0.1:1", required: true}}
prepare: {{lead: 30m, certify: 5m}}
presets:
  siap:
    label: {{id: Siap}}
    steps:
      - together:
          - {{device: camera-1, do: recall, args: {{memory: 1}}, within: 60s, verify: true}}
          - {{device: camera-2, do: recall, args: {{memory: 1}}, within: 60s, optional: true}}
          - {{device: sound, do: mute, args: {{port: microphone, on: true}}, verify: true}}
  mulai:
    label: {{id: Mulai}}
    steps:
      - {{device: sound, do: mute, args: {{port: microphone, on: false}}, verify: true}}
  selesai:
    label: {{id: Selesai}}
    steps:
      - {{device: sound, do: mute, args: {{port: microphone, on: true}}, verify: true}}
phases: {{prepare: siap, live: mulai, end: selesai}}
"""

T = TypeVar("T")


class VirtualClock:
    """The event loop's clock, as wall and as monotonic clock; both can be disturbed."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.set_by = timedelta(0)
        self.slept = timedelta(0)

    def now(self) -> datetime:
        return DAWN + timedelta(seconds=self._loop.time()) + self.set_by + self.slept

    def mono_ms(self) -> int:
        return round(self._loop.time() * 1000) + round(self.slept / timedelta(milliseconds=1))

    def awake_ms(self) -> int:
        return round(self._loop.time() * 1000)

    def wrong_by(self) -> timedelta:
        return timedelta(0)


class TimedCamera(FakeCamera):
    """A camera that takes its time."""

    takes_s = 4.0

    async def recall(self, memory: int) -> Result:
        await asyncio.sleep(self.takes_s)
        return await super().recall(memory)


class VirtualRoom:
    """One room over the lives of its process; time passes only in `wait`."""

    look_every_s = 60.0

    def __init__(
        self,
        folder: Path,
        *,
        room: str = ROOM,
        zone: str = "Asia/Pontianak",
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """Make the room; a real `loop` has time pass as it does."""
        self.loop = loop or async_solipsism.EventLoop()
        self.clock = VirtualClock(self.loop)
        (folder / "room.yaml").write_text(room.format(zone=zone))
        self._folder = folder
        self.room = load(folder / "room.yaml")
        self.cameras = (TimedCamera("camera-1"), TimedCamera("camera-2"))
        self.sound = FakeSound("sound")
        self._rev = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._sessions: tuple[PlannedSession, ...] = ()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Have `work` done; virtual time passes as it wants."""

        done: T = self.loop.run_until_complete(work)
        return done

    def start(self) -> None:
        """Bring the agent up on what is on the disk."""
        self.run(self._start())

    async def _start(self) -> None:
        self.store = Store(self._folder)
        self.journal = Journal(self.store, self.clock, f"boot-{self.loop.time()}")
        devices: dict[str, Device] = {camera.name: camera for camera in self.cameras} | {"sound": self.sound}
        kinds = {"camera-1": "camera", "camera-2": "camera", "sound": "sound"}
        board = HealthBoard(
            (Sighting(name, kinds[name], self.room.devices[name].required) for name in devices), self.clock
        )
        keepers = {name: Keeper(device, board, look_every_s=self.look_every_s) for name, device in devices.items()}
        self.book = ScheduleBook(self.store)
        rhythm = Rhythm(self.room.prepare.lead, self.room.prepare.certify, DAWN - timedelta(days=1), self.room.over_run)
        self.engine = Engine(
            self.room, presets_of(self.room), Equipment(devices, keepers, board), journal=self.journal, book=self.book,
            rhythm=rhythm, clock=self.clock,
        )  # fmt: skip
        self.engine.certificates.probes.clear()  # a real network has no virtual time
        works = (*(keeper.run() for keeper in keepers.values()), self.engine.run())
        self._tasks = [asyncio.create_task(work) for work in works]

    def beside(self, work: Coroutine[Any, Any, None]) -> None:
        """Have `work` run beside the engine, until the process ends."""

        async def begin() -> None:
            self._tasks.append(asyncio.create_task(work))

        self.run(begin())

    def kill(self) -> None:
        """End the process as suddenly as a test can; what was committed is on the disk."""

        async def kill() -> None:
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(self._tasks)

        self.run(kill())
        for task in self._tasks:
            assert task.cancelled(), task.exception()
        self.store.close()

    def close(self) -> None:
        """End it for good."""
        self.kill()
        self.loop.close()

    def wait(self, time: timedelta) -> None:
        """Let time pass."""
        self.run(asyncio.sleep(time.total_seconds()))
        for task in self._tasks:
            assert not task.done(), task.exception()

    def publish(self, sessions: Iterable[PlannedSession]) -> None:
        """Have central send its plan."""
        self._rev += 1
        self._sessions = tuple(sessions)
        now = self.clock.now()
        schedule = Schedule(
            epoch="a", rev=self._rev, window=(now, now + timedelta(days=3)), count=len(self._sessions),
            sessions=self._sessions,
        )  # fmt: skip
        self.book.apply(schedule, now)
        self.engine.changed()

    def phase(self, session: str = "s-0") -> Phase:
        return self.engine.course(session).phase

    def entries(self, kind: EntryKind | None = None) -> list[Entry]:
        return [entry for entry in self.journal.recent(A_LONG_JOURNAL) if kind in {None, entry.kind}]

    def reached(self, session: str, phase: str) -> list[datetime]:
        """Return when a session came into a phase."""
        moves = self.entries(EntryKind.PHASE_CHANGED)
        return [e.at for e in moves if e.session == session and e.body["phase"] == phase]


def planned(number: int, start: datetime, lasts: timedelta = 60 * MINUTE, **more: object) -> PlannedSession:
    """Return a session; its preparation begins half an hour before unless told otherwise."""
    return PlannedSession.model_validate({
        "id": f"s-{number}", "rev": 1, "status": "confirmed", "title": f"Rapat {number}", "agency": "Dinkes",
        "start": start, "end": start + lasts, "prepare_at": start - 30 * MINUTE,
    } | more)  # fmt: skip


def busy_day(
    sessions: int = 20, lasts: timedelta = 50 * MINUTE, every: timedelta = 70 * MINUTE
) -> list[PlannedSession]:
    """Return a day full of sessions, each prepared ten minutes before."""
    starts = [DAWN + 30 * MINUTE + number * every for number in range(sessions)]
    return [planned(n, start, lasts, prepare_at=start - 10 * MINUTE) for n, start in enumerate(starts)]
