"""The engine of one room: does what the plan asks for, and what people press.

It keeps no state that the journal does not tell: every press and every automatic step is a
journal entry first, and the entry moves the session's course. So a restart, however hard,
finds the same room again.

Here the parts are put together, each of which knows only those before it: `sessions` (how
far each is), `scribe` (writes the journal), `dispatch` (has runs carried out),
`certificates`, `reporting`, `deeds` (what the plan can ask for), `pulse` (asks it), and what
people may do: `steering`, `presses`, `remarks`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from pydantic import JsonValue

from agent import plan as timeline
from agent.board import Sighting
from agent.certificates import Certificates
from agent.certify import Probe
from agent.clock import Clock
from agent.course import Course
from agent.crew import Crew
from agent.declined import Declined
from agent.deeds import Deeds
from agent.devicelog import DeviceLog
from agent.dispatch import Dispatch
from agent.equipment import Equipment
from agent.inspector import Inspector
from agent.journal import Journal
from agent.mode import Mode
from agent.network import look_at_way
from agent.ordering import Ordering
from agent.orders import Run
from agent.presets import Preset
from agent.presses import Presses
from agent.pulse import Pulse
from agent.readiness import Assessment, assess
from agent.recordings import Recordings
from agent.recovery import Recovery
from agent.remarks import Remarks
from agent.reporting import Reporting
from agent.roomfile import RoomFile
from agent.runner import Runner
from agent.schedule import ScheduleBook
from agent.scribe import Scribe
from agent.session import Event
from agent.sessions import Sessions
from agent.standstill import stop_cameras
from agent.steering import Steering
from agent.wanted import Situation
from contract.link import Broker
from contract.messages import Entry, PlannedSession
from contract.words import Phase


class Engine:
    """One room at work, as long as `run` runs."""

    def __init__(
        self,
        room: RoomFile,
        presets: Mapping[str, Preset],
        equipment: Equipment,
        *,
        journal: Journal,
        book: ScheduleBook,
        rhythm: timeline.Rhythm,
        clock: Clock,
        mode: Mode | None = None,
    ) -> None:
        self.room = room
        self.presets = presets
        self.equipment = equipment
        self.journal = journal
        self.book = book
        self.mode = mode
        self._clock = clock
        self._listeners: list[Callable[[], None]] = []
        self._first: list[Callable[[], Awaitable[None]]] = []
        self._crew = Crew()
        self._sessions = sessions = Sessions(book, journal, clock, mode)
        self.scribe = scribe = Scribe(journal, sessions)
        self.device_log = DeviceLog(equipment.board, scribe.note_device, clock)
        self._ordering = Ordering(room, presets, journal, rhythm=rhythm, clock=clock, held=sessions.held)
        self._inspector = Inspector(equipment, presets, self.situation)
        recordings = Recordings(equipment.devices, scribe, self._crew)
        runner = Runner(equipment.devices, journal, is_heard=lambda: sessions.live() is not None)
        self._dispatch = Dispatch(
            runner,
            ordering=self._ordering,
            sessions=sessions,
            scribe=scribe,
            crew=self._crew,
            recordings=recordings,
            clock=clock,
            answer_within=room.answer_within,
            changed=self.changed,
        )
        self.runs = self._dispatch.runs
        self.certificates = Certificates(
            equipment,
            look=self._inspector.look_thoroughly,
            sessions=sessions,
            ordering=self._ordering,
            scribe=scribe,
            journal=journal,
            crew=self._crew,
            device_log=self.device_log,
            rhythm=rhythm,
            clock=clock,
            changed=self.changed,
        )
        broker = Broker.parse(room.central.broker)
        self.add_probe(lambda: look_at_way(broker.host, broker.port))
        reporting = Reporting(room, journal, sessions=sessions, scribe=scribe, recordings=recordings, clock=clock)
        deeds = Deeds(sessions, scribe, self._dispatch, self.certificates, reporting)
        self.steering = Steering(sessions, scribe, deeds, lead=rhythm.lead, clock=clock)
        self.presses = Presses(
            presets,
            room.phases,
            board=equipment.board,
            runner=runner,
            sessions=sessions,
            scribe=scribe,
            dispatch=self._dispatch,
            certificates=self.certificates,
        )
        self.remarks = Remarks(sessions, scribe, room.checklist)
        recovery = Recovery(journal, sessions, self.device_log, self.runs, scribe)
        self._pulse = Pulse(
            equipment.board,
            sessions=sessions,
            scribe=scribe,
            deeds=deeds,
            reporting=reporting,
            recovery=recovery,
            rhythm=rhythm,
            clock=clock,
        )
        equipment.board.subscribe(self._device_changed)
        journal.subscribe(self._follow)
        if self.is_manual:
            recovery.take_up_by_hand()
        else:
            recovery.take_up()

    # What others see.

    def subscribe(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call `changed` after every change; returns what ends that."""
        self._listeners.append(changed)
        return lambda: self._listeners.remove(changed) if changed in self._listeners else None

    def changed(self) -> None:
        """Tell everybody that something is different, and ask the plan again."""
        self._pulse.wake()
        for listener in list(self._listeners):
            listener()

    @property
    def asked_at(self) -> float:
        """When (monotonic) the plan was last asked, or would have been."""
        return self._pulse.asked_at

    def add_probe(self, probe: Probe) -> None:
        """Have each certificate look at something that is no device."""
        self.certificates.probes.append(probe)

    def await_first(self, wait: Callable[[], Awaitable[None]]) -> None:
        """Have something awaited, which has its own limit, before the plan is asked for the first time."""
        self._first.append(wait)

    @property
    def is_manual(self) -> bool:
        """Whether the room runs by hand alone: the plan is neither asked nor shown."""
        return self._sessions.are_left_alone

    def go_automatic(self, *, who: str) -> None:
        """Follow the plan again.

        Raises:
            Declined: the room does so already.
        """
        if self.mode is None or not self.is_manual:
            raise Declined("room.automatic_already", "the room runs by its plan already")
        self.mode.go_automatic(who)
        self._sessions.take_back()
        self._pulse.is_to_take_up = True
        self.changed()

    def course(self, session: str) -> Course:
        """Return how far a session is."""
        return self._sessions.course(session)

    def front(self) -> PlannedSession | None:
        """Return the session that has the room, or the next one."""
        return self._sessions.front()

    def sessions(self) -> tuple[PlannedSession, ...]:
        """Return the sessions of the snapshot, and those that began before they fell out of it."""
        return self._sessions.all()

    def session_now(self) -> PlannedSession | None:
        """Return the session that what happens now belongs to."""
        return self._sessions.session_now()

    def live_session(self) -> str | None:
        """Return the session that is live."""
        plan = self._sessions.live()
        return None if plan is None else plan.id

    def open_run(self, plan: PlannedSession) -> Run | None:
        """Return the run that the session's phase is waiting for."""
        return self._dispatch.open_run(plan)

    def assessment(self) -> Assessment:
        """Return what the devices add up to now."""
        return assess(self.equipment.board.devices.values())

    def standing(self) -> dict[str, JsonValue]:
        """Return in which state the room is left: the preset, the session and how far it is."""
        plan = self._sessions.session_now()
        at: JsonValue = None if plan is None else {"session": plan.id, "phase": str(self.course(plan.id).phase)}
        return self.runs.standing() | {"session": at, "manual": self.is_manual}

    def situation(self) -> Situation:
        """Return the session that has the room and what its phases run."""
        plan, now = self.front(), self._clock.now()
        if plan is None:
            return Situation(now)
        prepare, live = (self._ordering.preset_for(plan, phase) for phase in ("prepare", "live"))
        return Situation(now, plan, self.course(plan.id), prepare, live)

    async def stop_cameras(self) -> dict[str, dict[str, JsonValue]]:
        """Stop what moves and return by camera how that ended."""
        return await stop_cameras(self.equipment.devices.values())

    async def run(self) -> None:
        """Do what is due, until cancelled."""
        async with self._crew.at_work() as group:
            await asyncio.gather(self._pulse.first_look(), *(wait() for wait in self._first))
            group.create_task(self._inspector.keep(), name="inspect")
            await self._pulse.run()

    # Following the journal and the devices.

    def _follow(self, entry: Entry) -> None:
        self.device_log.see_setting(entry)
        self._sessions.follow(entry)
        self.changed()

    def _device_changed(self, before: Sighting, after: Sighting) -> None:
        self.device_log.take(before, after)
        if after.kind == "sound" and before.condition is not after.condition:
            self.certificates.sound_changed()
        plan = self.front()
        lost = after.required and before.is_there and not after.is_there
        if lost and plan is not None and self.course(plan.id).phase is Phase.READY:
            self.scribe.move(plan, Event.DEVICE_LOST, "agent")
        self.changed()
