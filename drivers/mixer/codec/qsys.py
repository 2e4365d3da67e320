"""Q-SYS Remote Control: JSON-RPC 2.0, each message ended by a zero byte.

*Q-SYS Help*, "QRC Overview" (port 1710, sixty seconds of silence end a connection) and "QRC
Commands" (methods, their parameters, change groups, error codes).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from drivers.mixer.codec.frames import Splitter

END = b"\0"
MAX_BODY_BYTES = 65_536
LOWEST_DB, HIGHEST_DB = -100.0, 20.0
"""What a gain block can be at most; a design may allow less, which the Core then keeps to."""

Fields = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Control:
    """A control of a component as the Core tells it."""

    component: str
    name: str
    value: object


class MessageDecoder:
    """Collects bytes and gives back JSON objects; anything else is passed over."""

    def __init__(self) -> None:
        self._splitter = Splitter(END, MAX_BODY_BYTES)

    def feed(self, data: bytes) -> list[Fields]:
        """Return the messages that `data` ends."""
        return [found for piece in self._splitter.feed(data) if (found := _object(piece)) is not None]


def call(method: str, params: Fields, number: int) -> bytes:
    """Return a request; the answer has its number."""
    return json.dumps({"jsonrpc": "2.0", "method": method, "params": params, "id": number}).encode() + END


def controls_of(told: object) -> Iterator[Control]:
    """Yield the controls that an answer or a change group tells of."""
    if not isinstance(told, Mapping):
        return
    component = told.get("Name")
    for row in (*_rows(told.get("Controls")), *_rows(told.get("Changes"))):
        owner, name = row.get("Component", component), row.get("Name")
        if isinstance(owner, str) and isinstance(name, str):
            yield Control(owner, name, row.get("Value"))


def muted_of(value: object) -> bool | None:
    """Return what a mute control says: designs tell it as a boolean, or as 1.0 and 0.0."""
    return bool(value) if isinstance(value, bool) or value in {0, 1} else None


def db_of(value: object) -> float | None:
    """Return what a gain control says, in dB."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _rows(found: object) -> list[Fields]:
    return [row for row in found if isinstance(row, Mapping)] if isinstance(found, list) else []


def _object(piece: bytes) -> Fields | None:
    body = piece.rstrip(END).strip()
    try:
        found = json.loads(body)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
