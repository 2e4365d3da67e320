"""What a room's tablet shows of it: read from the engine, in the words of `agent.web.face`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from agent import plan as timeline
from agent.board import MIXER_MUTED, Sighting
from agent.course import Course
from agent.devicelog import MUTE_ALL
from agent.engine import Engine
from agent.orders import Run, StepEnd
from agent.pictures import PresetPictures
from agent.presets import Preset, Step
from agent.sounddesk import SoundDesk
from agent.tone import Stage, Tone
from agent.web import face
from contract.messages import Fault, PlannedSession
from contract.words import Phase, Readiness
from drivers.outcomes import Reason
from drivers.ports import Camera, MutesAll

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


class Shown:
    """One room as its tablet shows it."""

    def __init__(
        self,
        engine: Engine,
        *,
        desk: SoundDesk | None,
        is_online: Callable[[], bool],
        pictures: PresetPictures | None,
        has_programme: bool,
        drill: bool,
    ) -> None:
        self._engine = engine
        self._desk = desk
        self._is_online = is_online
        self._pictures = pictures
        room, devices = engine.room, engine.equipment.devices
        self.facts = face.RoomFacts(
            id=room.room,
            name=room.name,
            zone=ZoneInfo(room.time_zone),
            presets=tuple(_preset(preset) for preset in engine.presets.values()),
            checklist=tuple(face.ChecklistItem(item.id, item.label) for item in room.checklist),
            cameras=tuple(name for name, device in devices.items() if isinstance(device, Camera)),
            sound_ports=SOUND_PORTS if desk is not None else (),
            has_programme=has_programme,
            drill=drill,
            can_silence=any(isinstance(device, MutesAll) for device in devices.values()),
            can_calibrate=desk is not None and desk.tones.can_calibrate,
        )
        """What does not change."""

    def view(self) -> face.RoomView:
        """Return what is so now."""
        engine = self._engine
        shown, upcoming = self.sessions()
        course = Course() if shown is None else engine.course(shown.id)
        return face.RoomView(
            readiness=self._readiness(),
            phase=_PHASES.get(course.phase, face.Phase.IDLE),
            session=None if shown is None else self._session(shown),
            upcoming=None if upcoming is None else self._session(upcoming),
            notable=tuple(self._session(plan) for plan in self.notable(shown)),
            devices=tuple(_device(seen) for seen in engine.equipment.board.devices.values()),
            runs={name: self._run(run) for name, run in engine.runs.latest.items() if name in engine.presets},
            pictures={} if self._pictures is None else self._pictures.tags(),
            questions=tuple(self._questions()),
            manual=self._manual(),
            muted={port: engine.device_log.mute_of(port) for port in self.facts.sound_ports},
            gains_db={port: engine.device_log.gain_of(port) for port in self.facts.sound_ports},
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

    def sessions(self) -> tuple[PlannedSession | None, PlannedSession | None]:
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

    def notable(self, shown: PlannedSession | None) -> list[PlannedSession]:
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
        muted = [*(self._engine.device_log.mute_of(port) for port in self.facts.sound_ports), *mixers]
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
            if self._desk is not None and alarm.device == self._desk.device:
                yield face.SoundAlarmView(alarm.name, alarm.device, alarm.reason, alarm.at, alarm.critical)


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
