"""The lines between a sound worker and its supervisor: one JSON object each, UTF-8, ended by LF.

Supervisor to worker: `{"id": 1, "do": "inventory"}`; `do` is one of

* `inventory`: ports, and whether the capture really hangs on the named microphone;
* `mute` with `port`, `on`; `gain` with `port`, `db` and, to go up a step at most, `careful`; `default` with `port`:
  each answers what was read back;
* `mute_all`: goes before all that waits, of which what would open a port is then refused;
* `prove`: play the chirp, with the loudspeaker at `speaker_db` meanwhile where that is given; answers a `LoopAnswer`;
* `call_off` with `of`, the number of a `prove`: the tone stops at once, and that one answers that it was called off.

Worker to supervisor: an answer `{"id": 1, "ok": {…}}` or `{"id": 1, "error": CODE, "detail": TEXT}`
with `values` for the sentence that CODE stands for, and events, of which each is also a sign of life:

* `{"event": "level", "at": SECONDS, "rms": dBFS, "peak": dBFS, "zero": bool, "clips": count, "lufs": LUFS}`, 20 a
  second; `at` is the machine's monotonic clock when the block's last sample was in hand;
* `{"event": "absent", "code": CODE, "detail": TEXT}` instead, while the microphone cannot be opened;
* `{"event": "leaving", "detail": TEXT}` before it ends on purpose, to be started afresh.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias, cast

from drivers.outcomes import Scalar

Value: TypeAlias = "bool | int | float | str | Sequence[Value] | Mapping[str, Value] | None"
Line: TypeAlias = Mapping[str, Value]

MAX_LINE_BYTES = 65_536


class BadLine(ValueError):
    """A line that is not what this protocol says."""


def encode(line: Line) -> bytes:
    """Return `line` as bytes."""
    return json.dumps(line, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def decode(text: bytes | str) -> Line:
    """Return the object that `text` holds.

    Raises:
        BadLine: it is no JSON object.
    """
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadLine(f"wanted a line of JSON: {error}") from error
    if not isinstance(value, dict):
        raise BadLine(f"wanted a JSON object, got {type(value).__name__}")
    return cast("Line", value)


def number(line: Line, key: str) -> float:
    """Return the number at `key`.

    Raises:
        BadLine: there is none.
    """
    value = line.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadLine(f"{key}: wanted a number, got {value!r}")
    return float(value)


def numbers(line: Line, key: str) -> tuple[float, ...]:
    """Return the numbers listed at `key`.

    Raises:
        BadLine: it is no list of numbers.
    """
    value = line.get(key)
    if not isinstance(value, list | tuple):
        raise BadLine(f"{key}: wanted a list of numbers, got {value!r}")
    return tuple(number({key: part}, key) for part in value)


def text(line: Line, key: str) -> str:
    """Return the text at `key`.

    Raises:
        BadLine: there is none.
    """
    value = line.get(key)
    if not isinstance(value, str):
        raise BadLine(f"{key}: wanted text, got {value!r}")
    return value


def flag(line: Line, key: str) -> bool:
    """Return the boolean at `key`.

    Raises:
        BadLine: there is none.
    """
    value = line.get(key)
    if not isinstance(value, bool):
        raise BadLine(f"{key}: wanted true or false, got {value!r}")
    return value


def flags(line: Line, key: str) -> dict[str, bool]:
    """Return the booleans at `key`, by name.

    Raises:
        BadLine: it is no object of booleans.
    """
    value = line.get(key)
    if not isinstance(value, Mapping):
        raise BadLine(f"{key}: wanted an object, got {value!r}")
    return {name: flag(value, name) for name in value}


def scalars(line: Line, key: str) -> dict[str, Scalar]:
    """Return the plain values at `key`, by name; nothing where there are none."""
    value = line.get(key)
    if not isinstance(value, Mapping):
        return {}
    return {name: one for name, one in value.items() if one is None or isinstance(one, bool | int | float | str)}


def parts(line: Line, key: str) -> list[Line]:
    """Return the objects listed at `key`.

    Raises:
        BadLine: it is no list of objects.
    """
    value = line.get(key)
    if not isinstance(value, list) or not all(isinstance(part, dict) for part in value):
        raise BadLine(f"{key}: wanted a list of objects, got {value!r}")
    return cast("list[Line]", value)
