"""A room in memory behind the tablet, and a server for it. Run it to look at the page:

python -m tests.service.tablet.room 8080
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import sin
from zoneinfo import ZoneInfo

import uvicorn

from agent.levels import Second
from agent.tone import Answer, Task
from agent.web.app import create_app
from agent.web.face import (
    ChecklistItem,
    DeviceView,
    ForeseenStep,
    Foresight,
    Parameter,
    Phase,
    Preset,
    PresetRun,
    Readiness,
    Refused,
    RoomFacts,
    RoomView,
    RunState,
    SessionView,
    Shot,
    Tick,
)
from drivers.outcomes import Condition, Health, Measure, Reason, Verdict
from drivers.ports import Level
from tests.until import until

FACTS = RoomFacts(
    id="praja-1",
    name="Ruang Rapat Praja I",
    zone=ZoneInfo("Asia/Pontianak"),
    presets=(
        Preset("siap", {"id": "Siap", "en": "Get ready"}),
        Preset("mulai", {"id": "Mulai", "en": "Begin"}),
        Preset(
            "podium",
            {"id": "Podium", "en": "Lectern"},
            (Parameter("posisi", "integer", 3, {"id": "Posisi", "en": "Position"}, (1, 9)),),
        ),
        Preset("peserta", {"id": "Peserta", "en": "Audience"}),
        Preset("presentasi", {"id": "Presentasi", "en": "Slides"}),
        Preset("selesai", {"id": "Selesai", "en": "Finish"}),
        Preset("aman", {"id": "Aman", "en": "Safe"}),
    ),
    checklist=(ChecklistItem("papan-nama", {"id": "Papan nama terpasang", "en": "Name plates in place"}),),
    cameras=("camera-1", "camera-2"),
    sound_ports=("microphone", "speaker"),
    can_silence=True,
    can_calibrate=True,
)
FLOOR = Measure("microphone.noise_floor", -61.0, Verdict.PASS, "dBFS", "<= -50 dBFS")
SLOW = Reason("obs.slow_answer", "OBS took 380 ms to answer, wanted <= 200 ms", {"rtt_ms": 380})


def quiet_day(now: datetime) -> RoomView:
    """Return a room shortly before its session, with one device slow and one not answering."""
    session = SessionView(
        id="s-1",
        title="Rakor Pengendalian Inflasi Daerah",
        agency="Biro Perekonomian",
        leader=True,
        start=now + timedelta(minutes=12),
        end=now + timedelta(minutes=102),
        prepare_at=now - timedelta(minutes=18),
    )
    later = replace(session, id="s-2", title="Evaluasi SPBE", leader=False, start=now + timedelta(hours=3))
    devices = (
        DeviceView(
            "camera-1", True, Health(Condition.OK, (Measure("rtt", 8, Verdict.PASS, "ms", "<= 100 ms"),)), now, now
        ),
        DeviceView(
            "camera-2",
            False,
            Health(Condition.ABSENT, (), Reason("link.unreachable", "udp: no", {"where": "udp 127.0.0.1:52381"})),
            now,
            now - timedelta(minutes=4),
        ),
        DeviceView(
            "obs",
            True,
            Health(Condition.DEGRADED, (Measure("rtt", 380, Verdict.WARN, "ms", "<= 200 ms", SLOW),), SLOW),
            now,
            now - timedelta(minutes=2),
        ),
        DeviceView("sound", True, Health(Condition.OK, (FLOOR,)), now, now),
    )
    return RoomView(
        readiness=Readiness.DEGRADED,
        phase=Phase.PREPARED,
        session=session,
        upcoming=later,
        devices=devices,
        runs={"siap": PresetRun(RunState.DONE, 4, 4, at=now)},
        muted={"microphone": False, "speaker": True},
        gains_db={"microphone": -3.0, "speaker": 0.0},
        central_online=True,
    )


class FakeRoom:
    """Remembers what it was asked, and does it only when the test says so."""

    def __init__(self) -> None:
        self.facts = FACTS
        self.now = quiet_day(datetime.now(UTC))
        self.asked: list[tuple[str, object]] = []
        self.driven: list[tuple[str, float, float, float]] = []
        self.stopped: list[str] = []
        self.held: dict[str, tuple[str, float]] = {}
        """Who moves which camera, and until when."""
        self.answers = asyncio.Event()
        """Cleared, no camera takes a move."""
        self.answers.set()
        self.refusal: Reason | None = None
        self.shot: Shot | None = None
        self.pictured: dict[str, Shot] = {}
        self._followers: set[Callable[[], None]] = set()
        self.flags: set[str] = set()
        """What is wrong with the microphone's level."""
        self._beat = 0

    def view(self) -> RoomView:
        return self.now

    def meters(self) -> Mapping[str, Level]:
        self._beat += 1
        rms = -24 + 10 * sin(self._beat / 7)
        return {"microphone": Level(rms, rms + 12, False, rms - 3, frozenset(self.flags))}

    def levels(self) -> Sequence[Second]:
        return [(None, None) if 300 < n < 330 else (-45 + 12 * sin(n / 20), -25 + 12 * sin(n / 9)) for n in range(600)]

    def programme(self) -> Shot | None:
        return self.shot

    def preset_picture(self, name: str) -> Shot | None:
        return self.pictured.get(name)

    def subscribe(self, changed: Callable[[], None]) -> Callable[[], None]:
        self._followers.add(changed)
        return lambda: self._followers.discard(changed)

    def become(self, view: RoomView) -> None:
        """Change the room, as its devices or its people would."""
        self.now = view
        for follower in self._followers:
            follower()

    def ran(self, name: str, run: PresetRun) -> None:
        self.become(replace(self.now, runs={**self.now.runs, name: run}))

    def _hear(self, what: str, args: object) -> None:
        self.asked.append((what, args))
        if self.refusal:
            raise Refused(self.refusal)

    def foresee(self, name: str) -> Foresight:
        steps = (
            ForeseenStep("camera-1", "recall", {"memory": 1}, timedelta(seconds=4), "run", False, 1),
            ForeseenStep("camera-2", "power", {"on": True}, timedelta(seconds=15), "fail", True, 1),
            ForeseenStep("sound", "mute", {"port": "microphone", "on": True}, timedelta(seconds=2), "ask", False, 2),
        )
        return Foresight(timedelta(seconds=17), timedelta(seconds=60), True, steps)

    async def run_preset(self, name: str, *, who: str, values: Mapping[str, object] | None = None) -> None:
        self._hear("run", (name, dict(values)) if values else name)

    async def cancel(self, name: str, *, who: str) -> None:
        self._hear("cancel", name)

    async def decide(self, run: str, step: str, do: bool, *, who: str) -> None:
        self._hear("decide", (run, step, do))

    async def prepare(self, *, who: str) -> None:
        self._hear("prepare", who)

    async def start_session(self, *, who: str) -> None:
        self._hear("start", who)
        assert self.now.session
        session = replace(self.now.session, started_at=datetime.now(UTC))
        self.become(replace(self.now, phase=Phase.LIVE, session=session))

    async def end_session(self, *, who: str) -> None:
        self._hear("end", who)
        assert self.now.session
        session = replace(self.now.session, ended_at=datetime.now(UTC), incidents=2)
        self.become(replace(self.now, phase=Phase.ENDED, session=session))

    async def extend(self, by: timedelta, *, who: str, confirmed: bool = False) -> None:
        self._hear("extend", (by, confirmed) if confirmed else by)
        assert self.now.session
        self.become(replace(self.now, session=replace(self.now.session, end=self.now.session.end + by)))

    async def tick(self, item: str, on: bool, *, who: str, session: str | None = None) -> None:
        self._hear("tick", (item, on))
        now, about = self.now, session or (self.now.session.id if self.now.session else "")

        def ticked(one: SessionView) -> SessionView:
            ticks = {name: tick for name, tick in one.ticks.items() if name != item}
            added = {item: Tick(who, datetime.now(UTC))} if on else {}
            return replace(one, ticks=ticks | added) if one.id == about else one

        shown = None if now.session is None else ticked(now.session)
        self.become(replace(now, session=shown, notable=tuple(ticked(one) for one in now.notable)))

    async def note(self, text: str, *, who: str, session: str | None = None) -> None:
        self._hear("note", f"{who.partition(' (')[0]}: {text}" if " (" in who else text)

    async def go_automatic(self, *, who: str) -> None:
        self._hear("automatic", who)

    async def recheck(self, *, who: str) -> None:
        self._hear("recheck", who)

    async def mute(self, port: str, on: bool, *, who: str) -> None:
        self._hear("mute", (port, on))
        self.become(replace(self.now, muted={**self.now.muted, port: on}))

    async def mute_all(self, *, who: str) -> None:
        self._hear("mute-all", None)
        self.become(replace(self.now, muted=dict.fromkeys(self.now.muted, True), all_muted=True, silenced=True))

    async def gain(self, port: str, db: float, *, who: str) -> None:
        self._hear("gain", (port, db))
        self.become(replace(self.now, gains_db={**self.now.gains_db, port: db}))

    async def begin_tone(self, task: Task, *, who: str) -> None:
        self._hear("tone", task)

    async def answer_tone(self, heard: Answer, *, who: str) -> None:
        self._hear("tone-heard", heard)

    async def cancel_tone(self, *, who: str) -> None:
        self._hear("tone-cancel", None)

    async def drive(
        self,
        camera: str,
        pan: float,
        tilt: float,
        zoom: float,
        *,
        lease: timedelta,
        owner: str,
        take_over: bool,
    ) -> None:
        await self.answers.wait()
        holder, until = self.held.get(camera, ("", 0.0))
        now = asyncio.get_running_loop().time()
        if holder not in {"", owner} and now < until:
            if not take_over:
                raise Refused(Reason("camera.held_by", f"held by {holder}", {"owner": holder}))
            self.stopped.append(camera)
        self.held[camera] = (owner, now + lease.total_seconds())
        self.driven.append((camera, pan, tilt, zoom))

    async def stop(self, camera: str) -> None:
        self.stopped.append(camera)
        self.held.pop(camera, None)


class Demonstration(FakeRoom):
    """Does at once what it is asked, for looking at the page by hand."""

    async def run_preset(self, name: str, *, who: str, values: Mapping[str, object] | None = None) -> None:
        await super().run_preset(name, who=who, values=values)
        self.ran(name, PresetRun(RunState.RUNNING, 1, 3))
        asyncio.get_running_loop().call_later(2, self.ran, name, PresetRun(RunState.DONE, 3, 3, at=datetime.now(UTC)))


@asynccontextmanager
async def served(room: FakeRoom, port: int = 0) -> AsyncIterator[int]:
    """Serve the tablet of `room` and give its port; connections are cut at the end, as by a crash."""
    config = uvicorn.Config(
        create_app(room), host="127.0.0.1", port=port, log_level="warning", lifespan="on", ws="websockets-sansio"
    )
    config.timeout_graceful_shutdown = 1
    server = uvicorn.Server(config)
    server.capture_signals = _no_signals  # type: ignore[method-assign]  # the test's signals stay its own
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(server.serve(), name="tablet server")
        await until(lambda: server.started)
        try:
            yield server.servers[0].sockets[0].getsockname()[1]
        finally:
            server.should_exit = True


@contextmanager
def _no_signals() -> Iterator[None]:
    yield


async def main(port: int) -> None:
    async with served(Demonstration(), port) as where:
        print(f"ready http://127.0.0.1:{where}/", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 0))
