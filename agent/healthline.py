"""What each device was worth over a session, from its certificate and the changes after it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import pairwise

from contract.messages import Entry
from contract.report import DeviceHistory, HealthSpan
from contract.words import EntryKind

SPANS_AT_LEAST = 20
"""So many changes of a device are told, however full the report is."""


def history_of(entries: Sequence[Entry]) -> tuple[DeviceHistory, ...]:
    """Return the history of every device that `entries` of a session name, which are in order."""
    spans: dict[str, list[HealthSpan]] = {}
    for device, at, condition in _known(entries):
        own = spans.setdefault(device, [])
        if not own or own[-1].condition != condition:
            own.append(HealthSpan(at=at, condition=condition))
    return tuple(DeviceHistory(device=name, spans=tuple(own)) for name, own in sorted(spans.items()))


def _known(entries: Sequence[Entry]) -> Iterator[tuple[str, datetime, str]]:
    """Yield what is known of devices, in order; what a first change says of before it holds from the beginning."""
    begun: set[str] = set()
    for entry in entries:
        if entry.kind == EntryKind.DEVICE_CHANGED and entry.device is not None:
            before = entry.body.get("before")
            if entry.device not in begun and isinstance(before, str):
                yield entry.device, entries[0].at, before
            begun.add(entry.device)
            yield entry.device, entry.at, str(entry.body.get("condition"))
        elif entry.kind == EntryKind.READINESS:
            for device, condition in _certified(entry):
                if device not in begun:
                    begun.add(device)
                    yield device, entry.at, condition


def _certified(entry: Entry) -> Iterable[tuple[str, str]]:
    devices = entry.body.get("devices")
    for device in devices if isinstance(devices, list) else ():
        if isinstance(device, dict) and isinstance(device.get("name"), str):
            yield str(device["name"]), str(device.get("condition"))


def thinned(history: DeviceHistory) -> DeviceHistory:
    """Return about half as many spans; the shortest go."""
    spans = history.spans
    if len(spans) <= SPANS_AT_LEAST:
        return history
    length = {number: after.at - span.at for number, (span, after) in enumerate(pairwise(spans))}
    kept = {0, len(spans) - 1, *sorted(length, key=length.__getitem__, reverse=True)[: len(spans) // 2]}
    return history.model_copy(update={"spans": tuple(span for n, span in enumerate(spans) if n in kept)})
