"""The support bundle: what somebody far away needs to see why a room behaves as it does.

One zip of texts: versions, the room file, how every device is, the end of the journal, the
last log records, and every frame that was exchanged with each camera lately. Nothing in it
is a secret: passwords are not in the room file, and whatever looks like one, or is one of
the room's own, is struck out of every text.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import logging
import platform
import re
import sys
import zipfile
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Protocol, runtime_checkable

from agent.board import HealthBoard, Sighting
from agent.clock import Clock
from agent.journal import Journal
from drivers.ports import Device

JOURNAL_ENTRIES = 5000
LOG_RECORDS = 2000
LOG_RECORD_CHARACTERS = 2000
MADE_WITHIN_S = 20.0
STRUCK_OUT = "***"

_SECRET = re.compile(r"(?i)((?:pass(?:word|wd)?|secret|token|api_?key)\w*[\"']?\s*[:=]\s*[\"']?)[^\s\"',}]+")
_USER_INFO = re.compile(r"(://[^/\s:@]*:)[^@\s/]+(@)")


class Conversation(Protocol):
    """The frames exchanged with a device."""

    def text(self) -> str:
        """Return them as lines, oldest first."""


@runtime_checkable
class Traced(Protocol):
    """A device that keeps what was said to it and by it."""

    trace: Conversation


class LogRing(logging.Handler):
    """Keeps the last log records as lines; costs memory for `LOG_RECORDS` of them and no more."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._lines: deque[str] = deque(maxlen=LOG_RECORDS)
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))

    @classmethod
    @contextlib.contextmanager
    def listening(cls) -> Iterator[LogRing]:
        """Keep the records of all loggers meanwhile."""
        ring, root = cls(), logging.getLogger()
        root.addHandler(ring)
        try:
            yield ring
        finally:
            root.removeHandler(ring)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one record, cut where it is endless."""
        try:
            line = self.format(record)
        except (TypeError, ValueError):  # arguments that do not fit their text
            line = f"{record.levelname} {record.name} {record.msg}"
        self._lines.append(line[:LOG_RECORD_CHARACTERS])

    def text(self) -> str:
        """Return the records, oldest first, one line each and what follows it indented."""
        return "".join(line.replace("\n", "\n    ") + "\n" for line in self._lines)


@dataclass(frozen=True, slots=True)
class Support:
    """Where the texts of a bundle come from."""

    config: Path
    devices: Mapping[str, Device]
    board: HealthBoard
    journal: Journal
    logs: LogRing
    clock: Clock
    secrets: tuple[str, ...]
    """Passwords that must not stand in any text."""

    async def bundle(self) -> bytes:
        """Return the zip. What takes time is done beside the loop.

        Raises:
            TimeoutError: it took more than `MADE_WITHIN_S`.
        """
        now, about, devices = self.clock.now(), _pretty(self._about()), _pretty(self._devices())
        entries = self.journal.recent(JOURNAL_ENTRIES)

        def make() -> bytes:
            texts = {
                "about.json": about,
                "room.yaml": _read(self.config),
                "devices.json": devices,
                "journal.jsonl": "".join(entry.model_dump_json() + "\n" for entry in entries),
                "log.txt": self.logs.text(),
                **{f"traces/{name}.txt": device.trace.text() for name, device in self._traced()},
            }
            return _zipped(texts, now, self.secrets)

        async with asyncio.timeout(MADE_WITHIN_S):
            return await asyncio.to_thread(make)

    def _traced(self) -> Iterable[tuple[str, Traced]]:
        return ((name, device) for name, device in self.devices.items() if isinstance(device, Traced))

    def _devices(self) -> dict[str, object]:
        return {name: _told(sighting) for name, sighting in self.board.devices.items()}

    def _about(self) -> dict[str, object]:
        return {
            "made_at": self.clock.now().isoformat(),
            "siaga": version("siaga"),
            "python": sys.version,
            "machine": platform.platform(),
            "journal_stream": self.journal.stream,
            "journal_entries": self.journal.last,
        }


def _told(sighting: Sighting) -> dict[str, object]:
    health = sighting.health
    return {
        "kind": sighting.kind,
        "required": sighting.required,
        "condition": str(sighting.condition),
        "reason": None if health is None or health.reason is None else health.reason.detail,
        "measures": {} if health is None else {m.name: [m.value, m.unit, str(m.verdict)] for m in health.measures},
    }


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError as error:
        return f"# {path}: {error.strerror}\n"


def _pretty(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n"


def scrubbed(text: str, secrets: Iterable[str]) -> str:
    """Return `text` without the `secrets`, and without whatever looks like one."""
    for secret in secrets:
        text = text.replace(secret, STRUCK_OUT)
    return _USER_INFO.sub(rf"\1{STRUCK_OUT}\2", _SECRET.sub(rf"\1{STRUCK_OUT}", text))


def _zipped(texts: Mapping[str, str], now: datetime, secrets: tuple[str, ...]) -> bytes:
    made, stamp = io.BytesIO(), now.astimezone(UTC).timetuple()[:6]
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, text in texts.items():
            bundle.writestr(zipfile.ZipInfo(name, stamp), scrubbed(text, secrets), zipfile.ZIP_DEFLATED)
    return made.getvalue()
