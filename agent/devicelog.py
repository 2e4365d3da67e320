"""Writes down what the room's devices do by themselves, and what is known of the sound ports."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from agent.alarm import Alarms, Change
from agent.board import HealthBoard, Sighting
from agent.clock import Clock
from agent.places import Replaced
from agent.translate import fault_of
from contract.messages import Entry
from contract.words import EntryKind
from drivers.outcomes import Scalar

log = logging.getLogger(__name__)

MUTE_ALL = "mute-all"
PORTS = ("microphone", "speaker")
LOOK_TAKES = timedelta(seconds=3)
"""A look at the sound that ended this soon after a step may have begun before it."""


class Note(Protocol):
    """Writes into the journal, for the session that has the room."""

    def __call__(self, kind: EntryKind, *, device: str, body: Mapping[str, Any]) -> object:
        """Write one entry."""


class DeviceLog:
    """What devices did, as journal entries and open alarms."""

    def __init__(self, board: HealthBoard, note: Note, clock: Clock) -> None:
        self.alarms = Alarms()
        self._board = board
        self._note = note
        self._clock = clock
        self._settings: dict[tuple[str, str], tuple[Scalar, datetime]] = {}
        """What a step last read back of each sound port, `muted` and `gain`, and when."""
        self.is_silenced = False
        """Somebody muted everything by hand, no step has opened a port and no other session has come since."""
        self._session: str | None = None
        self._silencing: str | None = None

    def take(self, before: Sighting, after: Sighting) -> None:
        """Write down what a look at a device changed."""
        if before.condition is not after.condition:
            self._note_device(before, after)
        for change in self.alarms.see(after.name, after.health, self._clock.now()):
            self._note_alarm(change)

    def tell(self, change: Change) -> None:
        """Take an alarm that was raised or ended by what is heard."""
        self.alarms.take(change)
        self._note_alarm(change)

    def _note_device(self, before: Sighting, after: Sighting) -> None:
        reason = after.health.reason if after.health is not None else None
        body: dict[str, Any] = {"condition": after.condition, "before": before.condition}
        body["back"] = after.is_there and not before.is_there
        if reason is not None:
            body["reason"] = fault_of(reason).model_dump(mode="json")
        log.info("device changed", extra={"action": "device", "device": after.name, "condition": str(after.condition)})
        self._note(EntryKind.DEVICE_CHANGED, device=after.name, body=body)

    def _note_alarm(self, change: Change) -> None:
        alarm = change.alarm
        text, level = ("alarm", logging.ERROR) if change.raised else ("alarm ended", logging.INFO)
        log.log(level, text, extra={"action": "alarm", "device": alarm.device, "reason": alarm.reason.code})
        reason = fault_of(alarm.reason).model_dump(mode="json")
        body = {
            "alarm": alarm.name,
            "raised": change.raised,
            "value": alarm.value,
            "critical": alarm.critical,
            "reason": reason,
        }
        self._note(EntryKind.DEVICE_ALARM, device=alarm.device, body=body)

    def note_replaced(self, replaced: Replaced) -> None:
        """Write down that another camera answers in place of one."""
        log.warning("another camera answers", extra={"action": "replaced", "device": replaced.camera})
        body = {"before": replaced.before, "after": replaced.after, "memories": list(replaced.memories)}
        self._note(EntryKind.PLACES_FORGOTTEN, device=replaced.camera, body=body)

    def see_setting(self, entry: Entry) -> None:
        """Take up what a step read back of the sound ports, and that somebody muted everything."""
        if entry.kind == EntryKind.PRESET_STARTED and entry.body.get("silences"):
            self._silencing = entry.run
        if entry.kind == EntryKind.PHASE_CHANGED and entry.session != self._session:
            self._session, self.is_silenced = entry.session, False
        found, arguments = entry.body.get("read_back"), entry.body.get("args")
        if entry.kind != EntryKind.STEP_ENDED or not isinstance(found, dict) or not isinstance(arguments, dict):
            return
        port = arguments.get("port")
        if entry.body.get("verb") == MUTE_ALL and found.get("open") == "" and self._is_sound(entry.device):
            self.is_silenced |= entry.run == self._silencing
            self._settings |= {(name, "muted"): (True, entry.at) for name in PORTS}
        elif isinstance(port, str) and isinstance(muted := found.get("muted"), bool):
            self._settings[port, "muted"] = muted, entry.at
            self.is_silenced &= muted
        elif isinstance(port, str) and isinstance(gain_db := found.get("gain_db"), int | float):
            self._settings[port, "gain"] = float(gain_db), entry.at

    def _is_sound(self, device: str | None) -> bool:
        seen = self._board.devices.get(device or "")
        return seen is not None and seen.kind == "sound"

    def mute_of(self, port: str) -> bool | None:
        """Return whether a sound port is muted: as a step read it back, or as somebody set it since then."""
        muted = self._setting_of(port, "muted")
        return None if muted is None else bool(muted)

    def gain_of(self, port: str) -> float | None:
        """Return where a sound port's gain stands in dB, as `mute_of` does."""
        gain_db = self._setting_of(port, "gain")
        return gain_db if isinstance(gain_db, int | float) else None

    def _setting_of(self, port: str, what: str) -> Scalar:
        told, told_at = self._settings.get((port, what), (None, None))
        for seen in self._board.devices.values():
            for measure in seen.health.measures if seen.health else ():
                newer = told_at is None or (seen.looked_at is not None and seen.looked_at > told_at + LOOK_TAKES)
                if measure.name == f"{port}.{what}" and newer:
                    return measure.value
        return told
