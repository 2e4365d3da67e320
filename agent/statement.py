"""What a room says of itself to central: its state, and every alert that is open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from agent.alarm import ALARMS
from agent.board import Sighting
from agent.clock import Clock
from agent.engine import Engine
from agent.evidence import Evidence
from agent.network import CLOCK_LIMIT_MS
from agent.schedule import ScheduleBook
from agent.session import BEFORE
from agent.soundwatch import SoundAlarm
from agent.store import Store
from agent.translate import fault_of, measured_of
from contract.messages import (
    Alert,
    Applied,
    CurrentSession,
    DeviceState,
    Fault,
    JournalHead,
    OutboxDepth,
    RoomState,
)
from contract.messages import (
    Clock as ClockState,
)
from contract.words import Condition, Readiness
from drivers.outcomes import Reason


@dataclass(frozen=True, slots=True)
class Birth:
    """Who this process is to central."""

    boot: str
    software: str
    started_at: datetime
    capabilities: tuple[str, ...] = ()


class Statement:
    """What one room is worth now, in central's words."""

    def __init__(
        self, engine: Engine, *, store: Store, book: ScheduleBook, evidence: Evidence, birth: Birth, clock: Clock
    ) -> None:
        self.offset_ms: float | None = None
        """How far this machine's clock is from central's; none while it was not compared."""
        self._engine = engine
        self._store = store
        self._journal = engine.journal
        self._book = book
        self._evidence = evidence
        self._birth = birth
        self._clock = clock

    def state(self) -> RoomState:
        """Return what the room is worth now."""
        assessment, front, held = self._engine.assessment(), self._engine.front(), self._book.held
        oldest = self._journal.oldest_unsent_at()
        waiting_s = 0.0 if oldest is None else max((self._clock.now() - oldest).total_seconds(), 0.0)
        return RoomState(
            boot=self._birth.boot,
            readiness=self._worst(assessment.readiness),
            mode="manual" if self._engine.is_manual else "automatic",
            reasons=(*self._by_hand(), *(fault_of(reason) for reason in assessment.reasons)),
            devices={name: self._device(seen) for name, seen in self._engine.equipment.board.devices.items()},
            applied=Applied(
                schedule_epoch="" if held is None else held.epoch, schedule_rev=0 if held is None else held.rev
            ),
            session=None
            if front is None
            else CurrentSession(id=front.id, rev=front.rev, phase=self._engine.course(front.id).phase),
            clock=ClockState() if self.offset_ms is None else ClockState(offset_ms=self.offset_ms, source="central"),
            outbox=OutboxDepth(
                pending=self._journal.pending,
                oldest_s=round(waiting_s, 1),
                pictures=len(self._evidence.waiting()),
                pictures_dropped=self._evidence.dropped_count,
            ),
            journal=self._head(),
        )

    def _head(self) -> JournalHead | None:
        """Return the newest entry, unless it is only in memory."""
        journal = self._journal
        is_on_disk = self._store.trouble is None and journal.last > 0
        return JournalHead(stream=journal.stream, seq=journal.last, hash=journal.head) if is_on_disk else None

    def _worst(self, readiness: Readiness) -> Readiness:
        is_limited = self._clock_is_off() or self._engine.is_manual
        return Readiness.DEGRADED if readiness is Readiness.READY and is_limited else readiness

    def _by_hand(self) -> tuple[Fault, ...]:
        """Say that the room does nothing by itself, where that is so."""
        manual = None if self._engine.mode is None else self._engine.mode.manual
        if manual is None:
            return ()
        detail = "the room runs by hand alone: its agent ended too often in a row. A person must end that on the tablet"
        return (Fault(code="agent.manual", detail=detail, values={"bug": manual.bug}),)

    def _clock_is_off(self) -> bool:
        return self.offset_ms is not None and abs(self.offset_ms) > CLOCK_LIMIT_MS

    def _device(self, seen: Sighting) -> DeviceState:
        health = seen.health
        return DeviceState(
            kind=seen.kind,
            condition=Condition(seen.condition or Condition.ABSENT),
            required=seen.required,
            since=seen.since or self._birth.started_at,
            measured_at=seen.looked_at,
            measures=() if health is None else measured_of(health.measures),
            reason=None if health is None or health.reason is None else fault_of(health.reason),
        )

    # Alerts.

    def alerts(self) -> dict[str, Alert | None]:
        """Return every alert that can be, with none for those that are not open."""
        alerts: dict[str, Alert | None] = {
            f"device-{name}": self._device_alert(seen) for name, seen in self._engine.equipment.board.devices.items()
        }
        alerts |= {f"{name}-{seen.name}": self._alarm_alert(seen, name) for seen, name in self._alarms()}
        alerts["clock"] = alerts["manual"] = None
        alerts["readiness"] = self._readiness_alert()
        for fault in self._by_hand():
            since = self._engine.mode.manual.since if self._engine.mode and self._engine.mode.manual else None
            alerts["manual"] = self._alert("manual", "critical", None, fault, since)
        if self._clock_is_off():
            detail = f"this machine's clock is {self.offset_ms:.0f} ms from central's; at most {CLOCK_LIMIT_MS:.0f}"
            alerts["clock"] = self._alert("clock", "warning", None, Fault(code="clock.off", detail=detail), None)
        return alerts

    def _readiness_alert(self) -> Alert | None:
        """Return what the newest certificate of a session that has not begun found, at once."""
        front = self._engine.front()
        course = None if front is None else self._engine.course(front.id)
        if course is None or course.phase not in BEFORE or course.certificate_worst is None:
            return None
        severity = "critical" if course.certificate_blocks else "warning"
        return self._alert("readiness", severity, None, course.certificate_worst, course.certified_at)

    def _device_alert(self, seen: Sighting) -> Alert | None:
        if seen.health is None or seen.is_there:
            return None
        reason = seen.health.reason or Reason(f"device.{seen.condition}", f"{seen.name} is {seen.condition}")
        severity = "critical" if seen.required else "warning"
        return self._alert(f"device-{seen.name}", severity, seen.name, fault_of(reason), seen.since)

    def _alarms(self) -> Iterator[tuple[Sighting, str]]:
        """Yield every alarm that can be, open or not."""
        names: dict[str, Iterable[str]] = {"camera": ALARMS, "sound": tuple(SoundAlarm)}
        for seen in self._engine.equipment.board.devices.values():
            yield from ((seen, name) for name in names.get(seen.kind, ()))

    def _alarm_alert(self, seen: Sighting, name: str) -> Alert | None:
        """Return the alert of an open alarm, unless the device's own says the same."""
        alarm = self._engine.device_log.alarms.open.get((seen.name, name))
        why = None if seen.health is None or seen.is_there else seen.health.reason
        if alarm is None or (why is not None and why.code == alarm.reason.code):
            return None
        severity = "critical" if alarm.critical else "warning"
        return self._alert(f"{name}-{seen.name}", severity, seen.name, fault_of(alarm.reason), alarm.at)

    def _alert(self, name: str, severity: str, device: str | None, fault: Fault, since: datetime | None) -> Alert:
        front, now = self._engine.front(), self._clock.now()
        return Alert.model_validate(
            {
                "alert": name,
                "severity": severity,
                "device": device,
                "fault": fault,
                "raised_at": since or self._birth.started_at,
                "session": None if front is None else front.id,
                "minutes_to_session": None if front is None else round((front.start - now) / timedelta(minutes=1), 1),
            }
        )
