"""Shelly's RPC over HTTP: paths out, values in. No input or output.

From Shelly's *Gen2+ Device API*: `GET /rpc/METHOD?…` answers JSON; errors come with an HTTP
status of 400 and more and `{"code": …, "message": …}`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlencode


class BadAnswer(ValueError):
    """An answer that the device API does not allow here."""


@dataclass(frozen=True, slots=True)
class SwitchStatus:
    """What `Switch.GetStatus` says of one outlet."""

    on: bool
    power_w: float | None
    """None where the model does not measure."""
    errors: tuple[str, ...]
    """Such as `overtemp`, `overpower`."""


def set_path(outlet: int, on: bool) -> str:
    """Return the path that switches an outlet."""
    return _path("Switch.Set", id=str(outlet), on="true" if on else "false")


def status_path(outlet: int) -> str:
    """Return the path that asks about an outlet."""
    return _path("Switch.GetStatus", id=str(outlet))


def _path(method: str, **arguments: str) -> str:
    return f"/rpc/{method}?{urlencode(arguments)}"


def _fields(body: bytes) -> dict[str, object]:
    """Return the JSON object in `body`.

    Raises:
        BadAnswer: there is none.
    """
    try:
        value: object = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadAnswer(f"wanted JSON, got {body[:60]!r}") from error
    if not isinstance(value, dict):
        raise BadAnswer(f"wanted a JSON object, got {body[:60]!r}")
    return cast("dict[str, object]", value)


def status(body: bytes) -> SwitchStatus:
    """Return what an answer to `status_path` says.

    Raises:
        BadAnswer: it does not say whether the outlet is on.
    """
    fields = _fields(body)
    on, power_w, errors = fields.get("output"), fields.get("apower"), fields.get("errors", [])
    if not isinstance(on, bool) or not isinstance(errors, list):
        raise BadAnswer(f"wanted output and errors, got {body[:60]!r}")
    measured = isinstance(power_w, int | float) and not isinstance(power_w, bool)
    return SwitchStatus(on, float(cast("float", power_w)) if measured else None, tuple(map(str, errors)))


def complaint(body: bytes) -> str:
    """Return the message of an error answer, or its bytes when it has none."""
    try:
        return str(_fields(body).get("message", body[:60]))
    except BadAnswer:
        return repr(body[:60])
