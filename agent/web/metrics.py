"""The room's figures in the text format that Prometheus reads."""

from __future__ import annotations

from collections.abc import Iterator

from agent.web.face import Phase, Readiness, RoomFacts, RoomView
from drivers.outcomes import Condition


def exposition(facts: RoomFacts, view: RoomView, *, viewers: int) -> str:
    """Return the figures of `view`, one sample a line."""
    return "\n".join([*_lines(facts, view, viewers), ""])


def _lines(facts: RoomFacts, view: RoomView, viewers: int) -> Iterator[str]:
    room = f'room="{facts.id}"'
    yield from _gauge("siaga_room_ready", "1 when the room is ready", {room: view.readiness is Readiness.READY})
    yield from _gauge("siaga_room_live", "1 while a session is live", {room: view.phase is Phase.LIVE})
    yield from _gauge("siaga_central_online", "1 while the link to central is up", {room: view.central_online})
    yield from _gauge(
        "siaga_outbox_entries", "Journal entries central has not acknowledged", {room: view.waiting_to_send}
    )
    yield from _gauge("siaga_tablets", "Open tablet pages", {room: viewers})
    yield from _gauge(
        "siaga_device_ok",
        "1 when the device was last found in order",
        {
            f'{room},device="{device.name}"': device.health is not None and device.health.condition is Condition.OK
            for device in view.devices
        },
    )


def _gauge(name: str, what: str, samples: dict[str, int]) -> Iterator[str]:
    yield f"# HELP {name} {what}"
    yield f"# TYPE {name} gauge"
    yield from (f"{name}{{{labels}}} {int(value)}" for labels, value in samples.items())
