"""The room as its tablet sees it: `agent.web.face.RoomFace` on the engine."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from agent import plan as timeline
from agent import soundhands
from agent.board import MIXER_MUTED, Sighting
from agent.course import Course
from agent.declined import Declined
from agent.devicelog import MUTE_ALL
from agent.engine import Engine
from agent.levels import Second
from agent.orders import Run, StepEnd
from agent.pictures import PresetPictures
from agent.presets import Preset, Step
from agent.programme import ProgrammePicture
from agent.sounddesk import SoundDesk
from agent.tone import Answer, Stage, Task, Tone
from agent.tones import Tones
from agent.web import face
from contract.messages import Fault, PlannedSession
from contract.words import Phase, Readiness
from drivers.errors import DriverError
from drivers.outcomes import Reason
from drivers.ports import Camera, Device, Level, MutesAll, Sound

log = logging.getLogger(__name__)

NOTABLE_AT_MOST = 6
SOUND_PORTS = ("microphone", "speaker")
OLD_TOUCH = timedelta(minutes=2)

_PHASES = {
    Phase.PLANNED: face.Phase.IDLE,
    Phase.PREPARING: face.Phase.PREPARING,
    Phase.READY: face.Phase.PREPARED,
    Phase.LIVE: face.Phase.LIVE,
    Phase.ENDING: face.Phase.ENDING,
    Phase.ENDED: face.Phase.ENDED,
    Phase.REPORTED: face.Phase.ENDED,
}


class Tablet:
    """Satisfies `RoomFace`."""

    def __init__(
        self,
        engine: Engine,
        *,
        sound: SoundDesk | None = None,
        is_online: Callable[[], bool],
        picture: ProgrammePicture | None = None,
        pictures: PresetPictures | None = None,
        drill: bool = False,
    ) -> None:
        self._engine = engine
        self._desk = sound
        self._picture = picture
        self._pictures = pictures
        self._is_online = is_online
        self._is_leaving = False
        room = engine.room
        devices = engine.equipment.devices
        self._sound = next((name for name, device in devices.items() if isinstance(device, Sound)), None)
        self._facts = face.RoomFacts(
            id=room.room,
            name=room.name,
            zone=ZoneInfo(room.time_zone),
            presets=tuple(_preset(preset) for preset in engine.presets.values()),
            checklist=tuple(face.ChecklistItem(item.id, item.label) for item in room.checklist),
            cameras=tuple(name for name, device in devices.items() if isinstance(device, Camera)),
            sound_ports=SOUND_PORTS if self._sound is not None else (),
            has_programme=picture is not None,
            drill=drill,
            can_silence=any(isinstance(device, MutesAll) for device in devices.values()),
            can_calibrate=sound is not None and sound.tones.can_calibrate,
        )

    @property
    def facts(self) -> face.RoomFacts:
        """What does not change."""
        return self._facts

    def view(self) -> face.RoomView:
        """Return what is so now."""
        engine = self._engine
        shown, upcoming = self._sessions()
        course = Course() if shown is None else engine.course(shown.id)
        return face.RoomView(
            readiness=self._readiness(),
            phase=_PHASES.get(course.phase, face.Phase.IDLE),
            session=None if shown is None else self._session(shown),
            upcoming=None if upcoming is None else self._session(upcoming),
            notable=tuple(self._session(plan) for plan in self._notable(shown)),
            devices=tuple(_device(seen) for seen in engine.equipment.board.devices.values()),
            runs={name: self._run(run) for name, run in engine.runs.latest.items() if name in engine.presets},
            pictures={} if self._pictures is None else self._pictures.tags(),
            questions=tuple(self._questions()),
            manual=self._manual(),
            muted={port: engine.device_log.mute_of(port) for port in self._facts.sound_ports},
            gains_db={port: engine.device_log.gain_of(port) for port in self._facts.sound_ports},
            all_muted=self._is_all_muted(),
            silenced=engine.device_log.is_silenced,
            silencing=self._silencing(),
            alarms=tuple(self._alarms()),
            tone=self._desk.tones.now if self._desk else Tone(),
            checked=self._desk.tones.checked if self._desk else None,
            held=self._desk.tones.held if self._desk else None,
            announced=self._is_announced(),
            central_online=self._is_online(),
            waiting_to_send=engine.journal.pending,
        )

    def _manual(self) -> face.ManualView | None:
        manual = None if self._engine.mode is None else self._engine.mode.manual
        return None if manual is None else face.ManualView(manual.since)

    def _sessions(self) -> tuple[PlannedSession | None, PlannedSession | None]:
        """Return the session to show and the one after it.

        The one that just ended stays until the next one's preparation begins.
        """
        engine = self._engine
        front = engine.front()
        ended = [plan for plan in engine.sessions() if _PHASES.get(engine.course(plan.id).phase) is face.Phase.ENDED]
        if ended and (front is None or engine.course(front.id).phase is Phase.PLANNED):
            return ended[-1], front
        if front is None:
            return None, None
        planned = (Phase.PLANNED, Phase.PREPARING, Phase.READY)
        later = (plan for plan in engine.sessions() if plan.start >= front.end)
        return front, next((plan for plan in later if engine.course(plan.id).phase in planned), None)

    def _notable(self, shown: PlannedSession | None) -> list[PlannedSession]:
        """Return the sessions that a note may be about: the one shown, then those that are over, the newest first."""
        engine = self._engine
        over = [plan for plan in engine.sessions() if _PHASES.get(engine.course(plan.id).phase) is face.Phase.ENDED]
        now = [shown] if shown is not None and engine.course(shown.id).phase is not Phase.PLANNED else []
        return [*now, *(plan for plan in reversed(over) if plan is not shown)][:NOTABLE_AT_MOST]

    def _session(self, plan: PlannedSession) -> face.SessionView:
        course = self._engine.course(plan.id)
        acked = self._engine.journal.acked
        return face.SessionView(
            id=plan.id,
            title=plan.title,
            agency=plan.agency,
            leader=plan.leader is not None,
            start=plan.start,
            end=timeline.end_of(plan, course),
            prepare_at=plan.prepare_at,
            started_at=course.started_at,
            ended_at=course.ended_at,
            incidents=course.incidents,
            reported=course.report_seq is not None and course.report_seq <= acked,
            over_run=course.over_run,
            held_back=course.held_back and course.phase is Phase.PREPARING,
            checklist=tuple(face.ChecklistItem(item.id, item.label) for item in plan.checklist),
            ticks={name: face.Tick(tick.who, tick.at) for name, tick in course.ticks.items()},
        )

    def _readiness(self) -> face.Readiness:
        if any(seen.health is None for seen in self._engine.equipment.board.devices.values()):
            return face.Readiness.UNKNOWN
        known = {Readiness.READY: face.Readiness.READY, Readiness.DEGRADED: face.Readiness.DEGRADED}
        return known.get(self._engine.assessment().readiness, face.Readiness.NOT_READY)

    def _run(self, run: Run) -> face.PresetRun:
        reason = None if run.failed is None else _reason(run.failed.reason)
        state = face.RunState.RUNNING
        if run.is_over:
            state = face.RunState.DONE if run.is_good else face.RunState.FAILED
            if run.is_good and run.order.alone and run is not self._engine.runs.last:
                state = face.RunState.IDLE
        steps = run.order.preset.steps
        ends = tuple(_step(step, run.ends.get(step.id)) for step in steps)
        return face.PresetRun(state, run.step, len(steps), reason if run.is_over else None, run.at, ends)

    def _questions(self) -> Iterator[face.QuestionView]:
        for run in self._engine.runs.latest.values():
            for question in run.open_questions:
                step, order = question.step, run.order
                told = step.arguments.model_dump(mode="json", exclude_none=True)
                yield face.QuestionView(
                    order.id, step.id, order.preset.name, step.device, step.verb.name, told, question.until
                )

    def _is_all_muted(self) -> bool:
        """Return whether everything that one touch mutes is read back as muted."""
        seen = self._engine.equipment.board.devices.values()
        measures = [measure for device in seen if device.health for measure in device.health.measures]
        mixers = [measure.value for measure in measures if measure.name.startswith(MIXER_MUTED)]
        muted = [*(self._engine.device_log.mute_of(port) for port in self._facts.sound_ports), *mixers]
        return bool(muted) and all(one is True for one in muted)

    def _silencing(self) -> face.PresetRun:
        """Return the last touch of the button that mutes everything; how an old one ended is no news."""
        run = self._engine.runs.latest.get(MUTE_ALL)
        if run is None or (run.is_over and run.at is not None and datetime.now(UTC) - run.at > OLD_TOUCH):
            return face.PresetRun()
        return self._run(run)

    def _is_announced(self) -> bool:
        stage = self._desk.tones.now.stage if self._desk else Stage.IDLE
        return self._engine.certificates.is_sounding or stage in {Stage.ANNOUNCED, Stage.SOUNDING}

    def _alarms(self) -> Iterator[face.SoundAlarmView]:
        """Yield what of the sound is an open alarm."""
        for alarm in self._engine.device_log.alarms.open.values():
            if alarm.device == self._sound:
                yield face.SoundAlarmView(alarm.name, alarm.device, alarm.reason, alarm.at, alarm.critical)

    def leave(self) -> None:
        """Move no camera any more: the agent is ending, and has stopped them."""
        self._is_leaving = True

    def meters(self) -> Mapping[str, Level]:
        """Return the newest levels; only the microphone is listened to."""
        level = None if self._desk is None else self._desk.meter.newest()
        return {} if level is None else {"microphone": level}

    def levels(self) -> tuple[Second, ...]:
        """Return the latest seconds."""
        return () if self._desk is None else self._desk.meter.recent()

    def programme(self) -> face.Shot | None:
        """Return the newest picture of what is on air."""
        return None if self._picture is None else self._picture.look()

    def preset_picture(self, name: str) -> face.Shot | None:
        """Return the picture of what a preset last made."""
        return None if self._pictures is None else self._pictures.shot(name)

    def subscribe(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call `changed` after every change."""
        return self._engine.subscribe(changed)

    def foresee(self, name: str) -> face.Foresight:
        """Return what a press on a preset would do now.

        Raises:
            Refused: no such preset.
        """
        try:
            found = self._engine.presses.rehearse(name)
        except Declined as error:
            raise face.Refused(error.reason) from error
        steps = (
            face.ForeseenStep(s.device, s.verb, s.arguments, s.takes, s.would, s.optional, s.starts_with)
            for s in found.steps
        )
        return face.Foresight(found.takes, found.at_most, found.is_good, tuple(steps))

    async def run_preset(self, name: str, *, who: str, values: Mapping[str, object] | None = None) -> None:
        """Start a preset."""
        self._do(lambda: self._engine.presses.press(name, cause="tablet", who=who, values=values))

    async def cancel(self, name: str, *, who: str) -> None:
        """Cancel the run of a preset."""
        self._do(lambda: self._engine.presses.cancel(name, who=who))

    async def decide(self, run: str, step: str, do: bool, *, who: str) -> None:
        """Say whether a late step is done."""
        self._do(lambda: self._engine.presses.decide(run, step, do, who=who))

    async def prepare(self, *, who: str) -> None:
        """Prepare the next session at once."""
        self._do(lambda: self._engine.steering.prepare_now(cause="tablet", who=who))

    async def start_session(self, *, who: str) -> None:
        """Go live."""
        self._do(lambda: self._engine.steering.start(who=who))

    async def end_session(self, *, who: str) -> None:
        """End the live session."""
        self._do(lambda: self._engine.steering.end(who=who))

    async def extend(self, by: timedelta, *, who: str, confirmed: bool = False) -> None:
        """Move the end of the live session."""
        self._do(lambda: self._engine.steering.extend(by, who=who, confirmed=confirmed))

    async def tick(self, item: str, on: bool, *, who: str, session: str | None = None) -> None:
        """Set or take back a tick; without a session, of the one that the page shows."""
        shown = self._sessions()[0]
        named = session or (shown.id if shown else None)
        self._do(lambda: self._engine.remarks.tick(item, on, who=who, session=named))

    async def note(self, text: str, *, who: str, session: str | None = None) -> None:
        """Write an incident into the journal; without a session, of the one that the page shows."""
        shown = self._notable(self._sessions()[0])
        named = session or (shown[0].id if shown else None)
        self._do(lambda: self._engine.remarks.write_note(text, who=who, session=named))

    async def go_automatic(self, *, who: str) -> None:
        """Follow the schedule again."""
        self._do(lambda: self._engine.go_automatic(who=who))

    async def recheck(self, *, who: str) -> None:
        """Have every device looked at again."""
        log.info("recheck", extra={"action": "recheck", "who": who})
        for keeper in self._engine.equipment.keepers.values():
            keeper.poke()

    async def mute(self, port: str, on: bool, *, who: str) -> None:
        """Mute or open a sound port.

        Raises:
            Refused: the room has no such port.
        """
        sound = self._port(port)
        self._do(lambda: soundhands.set_mute(self._engine, sound, port, on, who=who))

    async def mute_all(self, *, who: str) -> None:
        """Mute everything, before whatever waits."""
        self._do(lambda: soundhands.mute_all(self._engine, who=who))

    async def gain(self, port: str, db: float, *, who: str) -> None:
        """Set the gain of a sound port.

        Raises:
            Refused: the room has no such port.
        """
        sound = self._port(port)
        self._do(lambda: soundhands.set_gain(self._engine, sound, port, db, who=who))

    async def begin_tone(self, task: Task, *, who: str) -> None:
        """Begin a sound check or a calibration."""
        self._do(lambda: self._tones().begin(task, who=who))

    async def answer_tone(self, heard: Answer, *, who: str) -> None:
        """Say whether the tones were heard."""
        self._do(lambda: self._tones().answer(heard, who=who))

    async def cancel_tone(self, *, who: str) -> None:
        """Cut off what is going, be it a certificate's tone."""
        if self._engine.certificates.is_sounding:
            self._do(self._engine.certificates.stop_tone)
        else:
            self._do(lambda: self._tones().cancel(who=who))

    def _tones(self) -> Tones:
        """Return what sounds.

        Raises:
            Declined: the room has no sound.
        """
        if self._desk is None:
            raise Declined("sound.no_port", "the room has no sound")
        return self._desk.tones

    def _port(self, port: str) -> str:
        """Return the device that a sound port belongs to.

        Raises:
            Refused: the room has no such port.
        """
        if self._sound is None or port not in SOUND_PORTS:
            raise face.Refused(Reason("sound.no_port", f"the room has no sound port {port!r}", {"port": port}))
        return self._sound

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
        """Move a camera for at most `lease`.

        Raises:
            Refused: no such camera, it would not, somebody else moves it, or the room is stopping.
        """
        device = self._camera(camera)
        if self._is_leaving:
            raise face.Refused(Reason("room.stopping", "the agent is ending"))
        try:
            await device.drive(pan, tilt, zoom, lease=lease, owner=owner, take_over=take_over)
        except DriverError as error:
            raise face.Refused(error.reason) from error
        except ValueError as error:
            raise face.Refused(Reason("camera.bad_speed", str(error))) from error

    async def stop(self, camera: str) -> None:
        """Stop a camera.

        Raises:
            Refused: no such camera, or it did not answer.
        """
        try:
            await self._camera(camera).stop(prove=False)
        except DriverError as error:
            raise face.Refused(error.reason) from error

    def _camera(self, name: str) -> Camera:
        """Return a camera by name.

        Raises:
            Refused: the room has none of that name.
        """
        device: Device | None = self._engine.equipment.devices.get(name)
        if not isinstance(device, Camera):
            raise face.Refused(Reason("camera.unknown", f"the room has no camera {name!r}", {"camera": name}))
        return device

    @staticmethod
    def _do(action: Callable[[], object]) -> None:
        """Press something.

        Raises:
            Refused: the room will not.
        """
        try:
            action()
        except Declined as error:
            raise face.Refused(error.reason) from error


def _preset(preset: Preset) -> face.Preset:
    parameters = (
        face.Parameter(name, p.type, p.default, p.label, p.range, p.choices or ())
        for name, p in preset.parameters.items()
    )
    return face.Preset(preset.name, preset.label, tuple(parameters))


def _step(step: Step, end: StepEnd | None) -> face.StepView:
    told = step.arguments.model_dump(mode="json", exclude_none=True)
    if end is None:
        return face.StepView(step.device, step.verb.name, told)
    return face.StepView(step.device, step.verb.name, told, str(end.outcome), _reason(end.reason))


def _reason(fault: Fault | None) -> Reason | None:
    return None if fault is None else Reason(fault.code, fault.detail, fault.values)


def _device(seen: Sighting) -> face.DeviceView:
    return face.DeviceView(seen.name, seen.required, seen.health, seen.looked_at, seen.since)
