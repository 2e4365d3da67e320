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

log = logging.getLogger(__name__)

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
        self._muted: dict[str, tuple[bool, datetime]] = {}
        """What a step last read back of each sound port, and when."""

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

    def see_mute(self, entry: Entry) -> None:
        """Take up what a step read back of a sound port."""
        found, arguments = entry.body.get("read_back"), entry.body.get("args")
        if isinstance(found, dict) and isinstance(arguments, dict) and isinstance(found.get("muted"), bool):
            port = arguments.get("port")
            if isinstance(port, str):
                self._muted[port] = bool(found["muted"]), entry.at

    def mute_of(self, port: str) -> bool | None:
        """Return whether a sound port is muted: as a step read it back, or as somebody set it since then."""
        told, told_at = self._muted.get(port, (None, None))
        for seen in self._board.devices.values():
            for measure in seen.health.measures if seen.health else ():
                newer = told_at is None or (seen.looked_at is not None and seen.looked_at > told_at + LOOK_TAKES)
                if measure.name == f"{port}.muted" and newer:
                    return bool(measure.value)
        return told
