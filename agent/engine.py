"""The engine of one room: does what the plan asks for, and what people press.

It keeps no state that the journal does not tell: every press and every automatic step is a
journal entry first, and the entry moves the session's course. So a restart, however hard,
finds the same room again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from pydantic import JsonValue

from agent import plan as timeline
from agent.board import HealthBoard, Sighting
from agent.certify import Certifier, Probe, Wanted
from agent.clock import Clock
from agent.clockwatch import ClockWatch
from agent.course import CLOCK_DISTURBED, DECIDED, EXTENDED, OVER_RUN, Course, course_of, follow, is_certified
from agent.devicelog import DeviceLog
from agent.etiquette import on_air
from agent.gains import Gains, gains_at_start, measured_gains
from agent.inspector import inspect_all, keep_inspecting
from agent.journal import Journal
from agent.keeper import Keeper
from agent.mode import Mode
from agent.network import look_at_way
from agent.ordering import Ordering
from agent.orders import Run, questions_of
from agent.plan import Action, Deed
from agent.presets import Preset
from agent.readiness import Assessment, assess
from agent.recordings import Recordings
from agent.rehearsal import Rehearsal, rehearse
from agent.report import RoomFacts, report_of
from agent.resume import unfinished
from agent.roomfile import RoomFile
from agent.runner import Runner
from agent.runs import Runs
from agent.schedule import ScheduleBook
from agent.session import BEFORE, OVER, Event, advance, may
from agent.standing import standing_of
from agent.standstill import stop_cameras
from agent.wanted import Situation
from contract.link import Broker
from contract.messages import Entry, PlannedSession
from contract.report import Certificate
from contract.words import EntryKind, Phase, StepOutcome
from drivers.outcomes import Reason, Scalar
from drivers.ports import Device

log = logging.getLogger(__name__)

ASK_EVERY_S = 1.0
"""The plan is asked at least this often: the wall clock may jump."""
FIRST_LOOK_WITHIN_S = 4.0
LEFT_FOR = timedelta(hours=1)
"""By hand alone, what is done this long after a session's planned end still belongs to it."""
RECOVER_FROM = 5_000
"""How many entries back an unfinished run is looked for after a restart."""


class Declined(Exception):
    """The room will not do that now."""

    def __init__(self, code: str, detail: str, values: Mapping[str, Scalar] | None = None) -> None:
        super().__init__(detail)
        self.reason = Reason(code, detail, values or {})


@dataclass(frozen=True, slots=True)
class Equipment:
    """The devices of a room and who watches them."""

    devices: Mapping[str, Device]
    keepers: Mapping[str, Keeper]
    board: HealthBoard


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
        self.courses: dict[str, Course] = {}
        self.device_log = DeviceLog(equipment.board, self._note_now, clock)
        self._clock = clock
        self._clock_watch = ClockWatch(clock)
        self._rhythm = rhythm
        self._runner = Runner(equipment.devices, journal, is_heard=lambda: self.live_session() is not None)
        self.runs = Runs(self._runner)
        self._group: asyncio.TaskGroup | None = None
        self._certifier = Certifier(equipment.devices, equipment.board, look=self._look_thoroughly, clock=clock)
        self._certifier.forbids_tone = self._forbids_tone
        self._certifier.on_sounding = self._sounds
        self.is_sounding = False
        """A certificate's tone is about to be heard, or is."""
        broker = Broker.parse(room.central.broker)
        self._certifier.probes.append(lambda: look_at_way(broker.host, broker.port))
        self._orders = Ordering(room, presets, journal, rhythm=rhythm, clock=clock, held=self._held)
        self._sound_changed = False
        """Since the newest certificate."""
        self._woken = asyncio.Event()
        self._listeners: list[Callable[[], None]] = []
        equipment.board.subscribe(self._device_changed)
        journal.subscribe(self._follow)
        self._recordings = Recordings(equipment.devices, self)
        self.mode = mode
        self.asked_at = time.monotonic()
        """When the plan was last asked, or would have been."""
        self._is_to_remember = False
        self._left: PlannedSession | None = None
        """By hand alone: the session that was under way, for the journal."""
        if self.is_manual:
            self._remember_if_possible()
        else:
            self._remember()

    # What others see.

    def subscribe(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call `changed` after every change; returns what ends that."""
        self._listeners.append(changed)
        return lambda: self._listeners.remove(changed) if changed in self._listeners else None

    def add_probe(self, probe: Probe) -> None:
        """Have each certificate look at something that is no device."""
        self._certifier.probes.append(probe)

    def changed(self) -> None:
        """Tell everybody that something is different, and ask the plan again."""
        self._woken.set()
        for listener in list(self._listeners):
            listener()

    @property
    def is_manual(self) -> bool:
        """Whether the room runs by hand alone: the plan is neither asked nor shown."""
        return self.mode is not None and self.mode.manual is not None

    def go_automatic(self, *, who: str) -> None:
        """Follow the plan again.

        Raises:
            Declined: the room does so already.
        """
        if self.mode is None or not self.is_manual:
            raise Declined("room.automatic_already", "the room runs by its plan already")
        self.mode.go_automatic(who)
        self._left, self._is_to_remember = None, True
        self.changed()

    def course(self, session: str) -> Course:
        """Return how far a session is."""
        return self.courses.get(session, Course())

    def front(self) -> PlannedSession | None:
        """Return the session that has the room, or the next one."""
        found = timeline.front_of(self._held(), self._clock.now())
        return None if found is None else found[0]

    def _held(self) -> list[tuple[PlannedSession, Course]]:
        return [(plan, self.course(plan.id)) for plan in self.sessions()]

    def sessions(self) -> tuple[PlannedSession, ...]:
        """Return the sessions of the snapshot, and those that began before they fell out of it."""
        if self.is_manual:
            return ()
        return tuple(
            plan
            for plan in self.book.sessions
            if self.book.is_planned(plan.id) or self.course(plan.id).phase is not Phase.PLANNED
        )

    def assessment(self) -> Assessment:
        """Return what the devices add up to now."""
        return assess(self.equipment.board.devices.values())

    def standing(self) -> dict[str, JsonValue]:
        """Return in which state the room is left: the preset, the session and how far it is."""
        plan = self._busy_with()
        at: JsonValue = None if plan is None else {"session": plan.id, "phase": str(self.course(plan.id).phase)}
        return self.runs.standing() | {"session": at, "manual": self.is_manual}

    # The timeline.

    async def run(self) -> None:
        """Do what is due, until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                await self._first_look()
                group.create_task(keep_inspecting(self.equipment.devices, self.inspect), name="inspect")
                while True:
                    self._woken.clear()
                    wait_s = self._do_what_is_due()
                    self.asked_at = time.monotonic()
                    await self._sleep(wait_s)
        finally:
            self._group = None

    async def _first_look(self) -> None:
        """Wait until every device was looked at, so that nothing is told to one that is being opened."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FIRST_LOOK_WITHIN_S):
                while any(seen.health is None for seen in self.equipment.board.devices.values()):
                    self._woken.clear()
                    await self._woken.wait()

    def _do_what_is_due(self) -> float:
        """Ask the plan once, do what it says, and return in how many seconds to ask again."""
        self._watch_clock()
        if self.is_manual:
            return ASK_EVERY_S
        if self._is_to_remember:
            self._remember()
        due = timeline.due(self._clock.now(), self.sessions(), self.courses, self._rhythm)
        for action in due.actions:
            self._do(action)
        self._revise_reports()
        if due.wake is None:
            return ASK_EVERY_S
        return min(max((due.wake - self._clock.now()) / timedelta(seconds=1), 0.0), ASK_EVERY_S)

    def _watch_clock(self) -> None:
        """Write down that the wall clock was set or that the machine slept, before the plan is asked."""
        found = self._clock_watch.look()
        if not found.jumped and not found.slept:
            return
        body = {
            "jumped_s": round(found.jumped.total_seconds(), 1),
            "slept_s": round(found.slept.total_seconds(), 1),
        }
        log.warning("the clock was disturbed", extra={"action": "clock", **body})
        live = next((plan for plan in self.sessions() if self.course(plan.id).phase is Phase.LIVE), None)
        self._note(live, CLOCK_DISTURBED, cause="agent", body=body)

    async def _sleep(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()

    def _do(self, action: Action) -> None:
        session = self.book.session(action.session)
        if session is None:
            return
        deeds: dict[Deed, Callable[[PlannedSession], object]] = {
            Deed.PREPARE: self._prepare,
            Deed.CERTIFY: self._certify,
            Deed.START: lambda plan: self._begin(plan, "schedule", ""),
            Deed.SET_LIVE: self._set_live,
            Deed.RUN_ON: lambda plan: self._note(plan, OVER_RUN, body={"end": plan.end.isoformat()}),
            Deed.END: lambda plan: self._finish(plan, "schedule", ""),
            Deed.PUT_AWAY: lambda plan: self._run_phase(plan, "end"),
            Deed.LEAVE_AS_IT_IS: lambda plan: self._move(plan, Event.PUT_AWAY),
            Deed.MISS: self._miss,
            Deed.CANCEL: lambda plan: self._let_go_of(plan, Event.CANCEL),
            Deed.PUT_OFF: lambda plan: self._let_go_of(plan, Event.PUT_OFF),
            Deed.REPORT: self._report,
        }
        deeds[action.deed](session)

    def _prepare(self, plan: PlannedSession, cause: str = "schedule", who: str = "") -> None:
        self._move(plan, Event.PREPARE, cause, who)
        self._run_phase(plan, "prepare", cause, who)

    def _begin(self, plan: PlannedSession, cause: str, who: str) -> None:
        self._cut_short(plan)
        self._certifier.cut_short(plan.id)
        self._move(plan, Event.START, cause, who)

    def _set_live(self, plan: PlannedSession) -> None:
        """Run the live preset, once what a proof had opened is as it was."""
        if not self._certifier.is_certifying(plan.id):
            self._run_phase(plan, "live")

    def _finish(self, plan: PlannedSession, cause: str, who: str) -> None:
        self._cut_short(plan)
        self._move(plan, Event.END, cause, who)

    def _miss(self, plan: PlannedSession) -> None:
        self._cut_short(plan)
        self._certifier.cut_short(plan.id)
        self._move(plan, Event.MISS)

    def _let_go_of(self, plan: PlannedSession, event: Event) -> None:
        """Put away a room that was being prepared for nothing."""
        had_begun = self.course(plan.id).phase is not Phase.PLANNED
        self._cut_short(plan)
        self._certifier.cut_short(plan.id)
        self._move(plan, event)
        if had_begun:
            self._run_phase(plan, "end")

    def _report(self, plan: PlannedSession) -> None:
        """Write the report once; after a kill between the two entries only the second is missing.

        It waits for the recordings to be examined, which has its limits.
        """
        if not self._recordings.are_examined(plan.id):
            return
        with self.journal.together():
            if self.course(plan.id).report_seq is None:
                self._write_report(plan)
            self._move(plan, Event.REPORT)

    def _write_report(self, plan: PlannedSession) -> None:
        report = report_of(self._report_facts(), plan, self.journal.of_session(plan.id), self._clock.now())
        self._note(plan, EntryKind.REPORT, body=report.model_dump(mode="json"))

    def _revise_reports(self) -> None:
        """Write a new revision of each report that something was added to; the earlier ones stay."""
        for plan in self.sessions():
            if self.course(plan.id).is_amended:
                log.info("report revised", extra={"action": "report", "session": plan.id})
                self._write_report(plan)

    def _report_facts(self) -> RoomFacts:
        room, journal = self.room, self.journal
        return RoomFacts(
            room.room, room.name, room.time_zone, journal.stream, room.checklist, journal.last, journal.head
        )

    def _move(self, plan: PlannedSession, event: Event, cause: str = "schedule", who: str = "") -> None:
        phase = advance(self.course(plan.id).phase, event)
        log.info(
            "session moved", extra={"action": "moved", "session": plan.id, "phase": str(phase), "event": str(event)}
        )
        body = {"phase": phase, "event": event, "start": plan.start.isoformat(), "end": plan.end.isoformat()}
        self._note(plan, EntryKind.PHASE_CHANGED, cause=cause, who=who, body=body)

    def _note(
        self,
        plan: PlannedSession | None,
        kind: str,
        *,
        cause: str = "schedule",
        who: str = "",
        outcome: str | None = None,
        device: str | None = None,
        body: Mapping[str, Any],
    ) -> Entry:
        session, rev = (None, None) if plan is None else (plan.id, plan.rev)
        return self.journal.append(
            kind, session=session, session_rev=rev, cause=cause, who=who, outcome=outcome, device=device, body=body
        )

    async def stop_cameras(self) -> dict[str, dict[str, JsonValue]]:
        """Stop what moves and return by camera how that ended."""
        return await stop_cameras(self.equipment.devices.values())

    def _note_now(self, kind: EntryKind, *, device: str, body: Mapping[str, Any]) -> Entry:
        return self._note(self._busy_with(), kind, cause="agent", device=device, body=body)

    # Runs.

    def _run_phase(self, plan: PlannedSession, phase: str, cause: str = "schedule", who: str = "") -> None:
        order = self._orders.for_phase(plan, phase, cause, who)
        run = Run(order, questions=questions_of(order, self._clock.now(), self.room.answer_within))
        self._spawn(run, self._carry_phase(plan, run))

    async def _carry_phase(self, plan: PlannedSession, run: Run) -> None:
        await self._runner.run(run)
        phase = self.course(plan.id).phase
        if run.order.phase == "prepare" and run.is_good and may(phase, Event.PREPARED):
            self._move(plan, Event.PREPARED)
        elif run.order.phase == "end" and may(phase, Event.PUT_AWAY):
            self._move(plan, Event.PUT_AWAY)
        self.changed()

    async def _carry_press(self, run: Run) -> None:
        await self._runner.run(run)
        self.changed()

    def _spawn(self, run: Run, work: Coroutine[Any, Any, None]) -> None:
        """Have `run` announced and carried out beside the plan.

        Raises:
            Declined: the engine does not run.
        """
        if self._group is None:
            work.close()
            raise Declined("room.stopping", "the room's engine does not run")
        self._recordings.belong_to(self.book.session(run.order.session) if run.order.session else None)
        self.runs.begin(run, self._group, work, self._clock.now())

    def _cut_short(self, plan: PlannedSession) -> None:
        """End the session's open run; what comes next sets the room anew, so nothing is taken back."""
        if (run := self.course(plan.id).open_run) is not None:
            self.runs.cut_short(run)

    # Presses.

    def press(self, preset: str, *, cause: str, who: str, values: Mapping[str, object] | None = None) -> Run:
        """Start a preset, with `values` for its parameters; the room's safe preset cancels whatever else runs.

        Raises:
            Declined: no such preset or value, it runs already, or it does not wait for a device that is in use.
        """
        wanted = self._given(preset, values or {})
        if (last := self.runs.latest.get(preset)) is not None and not last.is_over:
            raise Declined("preset.running", f"{preset} is running")
        if preset == self.room.phases.safe:
            self.runs.cancel(None, who)
        elif wanted.refuses_when_busy and (device := self._runner.busy_device(wanted)):
            detail = f"{preset} does not wait, and another preset is using {device}"
            raise Declined("preset.device_busy", detail, {"device": device})
        plan = self._busy_with()
        run = Run(self._orders.for_press(wanted, plan, cause, who))
        self._spawn(run, self._carry_press(run))
        return run

    def _given(self, preset: str, values: Mapping[str, object]) -> Preset:
        """Return a preset with `values`.

        Raises:
            Declined: no such preset, or not such values.
        """
        if preset not in self.presets:
            raise Declined("preset.unknown", f"the room has no preset {preset!r}")
        try:
            return self.presets[preset].given(values)
        except ValueError as error:
            raise Declined("preset.bad_value", f"{preset}: {error}", {"found": str(error)}) from error

    def cancel(self, preset: str, *, who: str) -> None:
        """Cancel the run of a preset: what says how is taken back, then the room rests where the preset says.

        Raises:
            Declined: no such preset, or it does not run.
        """
        run = self.runs.latest.get(preset)
        if run is None or run.is_over:
            raise Declined("run.unknown", f"{preset} does not run")
        self.runs.cancel(run.order.id, who)

    def rehearse(self, preset: str, values: Mapping[str, object] | None = None) -> Rehearsal:
        """Return what a press would do now, without telling any device.

        Raises:
            Declined: no such preset, or not such values.
        """
        wanted = self._given(preset, values or {})
        plan = self._busy_with()
        facts, seen = self._orders.facts(plan, is_pressed=True), self.equipment.board.devices
        may_record = plan is None or plan.recording
        return rehearse(wanted, seen, facts, may_record=may_record, heard_from=self._heard_from(preset))

    def _heard_from(self, preset: str) -> Gains | None:
        """Return where the gains stand when a preset runs; none: nobody hears the room by then."""
        seen = self.equipment.board.devices
        if self.live_session() is not None:
            return measured_gains(seen)
        return gains_at_start(self.presets, self.room.phases, seen) if preset == self.room.phases.live else None

    def open_run(self, plan: PlannedSession) -> Run | None:
        """Return the run that the session's phase is waiting for."""
        return self.runs.find(self.course(plan.id).open_run)

    def by_hand(self, preset: Preset, *, who: str, silences: bool = False) -> Run:
        """Carry out what somebody asked for by hand; it does not wait for a preset that holds the devices.

        Raises:
            Declined: the engine does not run.
        """
        order = self._orders.for_press(preset, self._busy_with(), "tablet", who, alone=False)
        run = Run(replace(order, silences=silences))
        if silences:
            self._certifier.cut_all_short()
        self._spawn(run, self._carry_press(run))
        return run

    def prepare_now(self, *, cause: str, who: str) -> PlannedSession:
        """Prepare the next session at once.

        Raises:
            Declined: there is none, it runs already, or its preparation does.
        """
        plan = self.front()
        if plan is None or not may(self.course(plan.id).phase, Event.PREPARE):
            raise Declined("session.not_to_prepare", "no session is waiting for its preparation")
        if self.course(plan.id).open_run is not None:
            raise Declined("preset.running", "the preparation is running")
        self._prepare(plan, cause, who)
        return plan

    def start(self, *, who: str) -> None:
        """Go live with the session that has the room.

        Raises:
            Declined: there is none, or it is live already.
        """
        plan = self.front()
        if plan is None or not may(self.course(plan.id).phase, Event.START):
            raise Declined("session.none_to_start", "no session is waiting for its start")
        self._begin(plan, "tablet", who)

    def end(self, *, who: str) -> None:
        """End the live session.

        Raises:
            Declined: none is live.
        """
        self._finish(self._live(), "tablet", who)

    def extend(self, by: timedelta, *, who: str, confirmed: bool = False) -> None:
        """Move the end of the live session; `confirmed` lets it take from the next one's preparation.

        Raises:
            Declined: none is live, the next session's set-up begins before, its preparation
                does and nobody confirmed that, or it is a leader's.
        """
        plan = self._live()
        end = max(timeline.end_of(plan, self.course(plan.id)), self._clock.now()) + by
        if by <= timedelta(0):
            raise Declined("session.end_not_later", "an extension is longer than nothing")
        if (following := timeline.coming(self._held(), self._clock.now(), plan.id)) is not None:
            self._refuse_taking_from(following, end + plan.teardown, confirmed)
        self._note(plan, EXTENDED, cause="tablet", who=who, body={"end": end.isoformat()})

    def _refuse_taking_from(self, following: PlannedSession, until: datetime, confirmed: bool) -> None:
        """See that the session `following` keeps what it needs when the room is used `until` then.

        Raises:
            Declined: names the session and what it would lose.
        """
        title = following.title
        if until > following.start - following.setup:
            detail = f"the room is taken by {title!r} from {following.start - following.setup:%H:%M} UTC"
            raise Declined("session.next_is_near", detail, {"title": title})
        lost = until - timeline.prepare_at(following, self._rhythm.lead)
        if lost <= timedelta(0):
            return
        minutes = math.ceil(lost / timedelta(minutes=1))
        values: dict[str, Scalar] = {"title": title, "minutes": minutes}
        detail = f"{title!r} would lose {minutes} minutes of its preparation"
        if following.leader is not None:
            raise Declined("session.leader_next", detail, values)
        if not confirmed:
            raise Declined("session.next_prepares", detail, values)

    def decide(self, run: str, step: str, do: bool, *, who: str) -> None:
        """Say whether a late step is done.

        Raises:
            Declined: nobody is asked about it any more.
        """
        found = self.runs.find(run)
        question = next((q for q in found.open_questions if q.step.id == step), None) if found else None
        if found is None or question is None:
            raise Declined("step.not_asked", f"nobody is asked about step {step} of run {run}")
        plan = self.book.session(found.order.session or "")
        body = question.step.told() | {"do": do, "phase": found.order.phase, "run": run}
        self._note(plan, DECIDED, cause="tablet", who=who, device=question.step.device, body=body)
        question.answer.set_result(do)

    def tick(self, item: str, on: bool, *, who: str, session: str | None = None) -> None:
        """Set or take back a tick of the checklist, for a session that is held or for the one that has the room.

        Raises:
            Declined: no session, or no such item.
        """
        plan = self.front() if session is None else self.book.session(session)
        if plan is None:
            raise Declined("session.none", "there is no session to tick for")
        if item not in {entry.id for entry in (*self.room.checklist, *plan.checklist)}:
            raise Declined("checklist.unknown", f"the checklist has no {item!r}")
        self._note(plan, EntryKind.CHECKLIST, cause="tablet", who=who, body={"item": item, "on": on})

    def write_note(self, text: str, *, who: str, session: str | None = None) -> None:
        """Write what a person saw into the journal, for a session that is held or for the one that has the room.

        Raises:
            Declined: no such session is held.
        """
        plan = self._busy_with() if session is None else self.book.session(session)
        if session is not None and plan is None:
            raise Declined("session.unknown", f"the room holds no session {session!r} any more")
        self._note(plan, EntryKind.NOTE, cause="tablet", who=who, body={"text": text[:2000]})

    def note_levels(self, session: str, block: dict[str, JsonValue]) -> None:
        """Write a stretch of microphone levels into a session's journal; after a kill its plan may be gone."""
        plan = self.book.session(session)
        rev = None if plan is None else plan.rev
        self.journal.append(EntryKind.LEVELS, session=session, session_rev=rev, cause="agent", body=block)

    def note_recording(self, plan: PlannedSession | None, kind: EntryKind, device: str, body: dict[str, Any]) -> None:
        """Write into the journal what became of a recording."""
        self._note(plan, kind, cause="agent", device=device, body=body)

    def note_dropped(self, sha256: str, size_bytes: int) -> None:
        """Write into the journal that a picture had to go before central had it, for the session that it was of."""
        taken = next((e for e in self.journal.of_kind(EntryKind.PICTURE) if e.body.get("sha256") == sha256), None)
        plan = None if taken is None or taken.session is None else self.book.session(taken.session)
        body = {"sha256": sha256, "size_bytes": size_bytes, "moment": "" if taken is None else taken.body.get("moment")}
        self._note(plan, EntryKind.PICTURE_DROPPED, cause="agent", body=body)

    def spawn_work(self, work: Coroutine[Any, Any, None], name: str) -> bool:
        """Have work done beside the plan; false when the engine does not run."""
        if self._group is None:
            work.close()
            return False
        self._group.create_task(work, name=name)
        return True

    def session_now(self) -> PlannedSession | None:
        """Return the session that what happens now belongs to."""
        return self._busy_with()

    def live_session(self) -> str | None:
        """Return the session that is live."""
        plan = self.front()
        return plan.id if plan is not None and self.course(plan.id).phase is Phase.LIVE else None

    def _live(self) -> PlannedSession:
        """Return the live session.

        Raises:
            Declined: none is.
        """
        plan = self.front()
        if plan is None or self.course(plan.id).phase is not Phase.LIVE:
            raise Declined("session.none_live", "no session is live")
        return plan

    def _busy_with(self) -> PlannedSession | None:
        """Return the session that what happens now belongs to."""
        if self._left is not None and self._clock.now() < self._left.end + LEFT_FOR:
            return self._left
        plan = self.front()
        return plan if plan is not None and self.course(plan.id).phase is not Phase.PLANNED else None

    async def recheck(self) -> None:
        """Look at every device again now."""
        async with asyncio.TaskGroup() as group:
            for name, keeper in self.equipment.keepers.items():
                group.create_task(keeper.look(), name=f"look at {name}")

    def situation(self) -> Situation:
        """Return the session that has the room and what its phases run."""
        plan, now = self.front(), self._clock.now()
        if plan is None:
            return Situation(now)
        prepare, live = (self._orders.preset_for(plan, phase) for phase in ("prepare", "live"))
        return Situation(now, plan, self.course(plan.id), prepare, live)

    async def inspect(self, *, listens: bool = False) -> None:
        """Have what can be looked through looked through for the session that has the room."""
        at = self.situation()
        await inspect_all(self.equipment.keepers, self.equipment.board, self.presets, at, listens=listens)

    # Certificate.

    def _certify(self, plan: PlannedSession) -> None:
        if self._group is not None:
            course, stage = self.course(plan.id), timeline.stage_due(plan, self._clock.now(), self._rhythm)
            is_again = course.stale_since is not None and stage is not None and is_certified(course, plan.start, stage)
            prepared = standing_of(self._orders.preset_for(plan, "prepare"), self.journal.of_session(plan.id))
            wanted = Wanted(course.phase in BEFORE, prepared, keep_proofs=is_again and not self._sound_changed)
            self._sound_changed = False
            self._certifier.certify(
                plan, self._group, wanted=wanted, done=lambda found: self._note_certificate(plan, found, stage)
            )

    def _note_certificate(self, plan: PlannedSession, certificate: Certificate, stage: timedelta | None) -> None:
        """Freeze what was found; it holds for the start that it was made for."""
        body = certificate.model_dump(mode="json") | {
            "for_start": plan.start.isoformat(),
            "stage_s": None if stage is None else stage.total_seconds(),
        }
        self._note(plan, EntryKind.READINESS, cause="agent", outcome=certificate.readiness, body=body)

    async def _forbids_tone(self) -> Reason | None:
        if self.device_log.is_silenced:
            return Reason("sound.silenced", "somebody muted everything: nothing is opened for a tone")
        return await on_air(self.equipment.devices)

    def stop_tone(self) -> None:
        """Cut a certificate's tone off; what was found by now is the certificate."""
        self._certifier.cut_all_short()

    def _sounds(self, on: bool) -> None:
        self.is_sounding = on
        self.changed()

    async def _look_thoroughly(self) -> None:
        await self.inspect(listens=True)
        await self.recheck()

    # Following the journal and the devices.

    def _follow(self, entry: Entry) -> None:
        self.device_log.see_setting(entry)
        if entry.kind == EntryKind.JOURNAL_FORKED and not self.is_manual:
            self._recall_courses()  # entries have other numbers now
        if entry.session is not None and not self.is_manual:
            self.courses[entry.session] = follow(self.course(entry.session), entry)
        self.changed()

    def _device_changed(self, before: Sighting, after: Sighting) -> None:
        self.device_log.take(before, after)
        if after.kind == "sound" and before.condition is not after.condition:
            self._sound_changed = True
        plan = self.front()
        lost = after.required and before.is_there and not after.is_there
        if lost and plan is not None and self.course(plan.id).phase is Phase.READY:
            self._move(plan, Event.DEVICE_LOST, "agent")
        self.changed()

    def _remember_if_possible(self) -> None:
        """By hand alone: end what was left open and find the session that was under way, where that works.

        What is broken is likely to be here: the one place where a bug does not end the agent.
        """
        try:
            self._remember()
            under_way = (plan for plan in self.book.sessions if self.course(plan.id).phase not in {*BEFORE, *OVER})
            self._left = next(under_way, None)
        except Exception:
            log.exception("by hand alone; what was left open could not be read", extra={"action": "manual"})

    def _remember(self) -> None:
        """Take up what an earlier process left: courses, and runs that nobody ended."""
        self._is_to_remember = False
        self._recall_courses()
        recent = self.journal.recent(RECOVER_FROM)
        for entry in recent:
            self.device_log.see_setting(entry)
        for started, intents in unfinished(recent):
            if (run := self.runs.find(started.run)) is not None and not run.is_over:
                continue  # begun by hand, and goes on
            for intent in intents:
                body = dict(intent.body) | {
                    "reason": {"code": "agent.restarted", "detail": "the agent ended in between"}
                }
                self._close_entry(intent, EntryKind.STEP_ENDED, body)
            self._close_entry(started, EntryKind.PRESET_ENDED, dict(started.body))

    def _recall_courses(self) -> None:
        """Take up from the journal how far each held session is."""
        for plan in self.book.sessions:
            own = [entry for entry in self.journal.of_session(plan.id) if entry.session == plan.id]
            self.courses[plan.id] = course_of(own)

    def _close_entry(self, opened: Entry, kind: EntryKind, body: Mapping[str, Any]) -> None:
        self.journal.append(
            kind,
            session=opened.session,
            session_rev=opened.session_rev,
            run=opened.run,
            cause="agent",
            device=opened.device,
            outcome=StepOutcome.UNKNOWN,
            body=body,
        )
