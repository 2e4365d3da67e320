"""The room's figures in the text format that Prometheus reads."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from agent.web.face import Phase, Readiness, RoomFacts, RoomView
from drivers.outcomes import Condition


def exposition(facts: RoomFacts, view: RoomView, *, viewers: int) -> str:
    """Return the figures of `view`, one sample a line."""
    registry = CollectorRegistry()
    registry.register(_Room(facts, view, viewers))
    return generate_latest(registry).decode()


class _Room(Collector):
    """A room as it is at one moment."""

    def __init__(self, facts: RoomFacts, view: RoomView, viewers: int) -> None:
        self._facts = facts
        self._view = view
        self._viewers = viewers

    def collect(self) -> Iterator[Metric]:
        """Yield every figure."""
        view = self._view
        yield self._gauge("siaga_room_ready", "1 when the room is ready", view.readiness is Readiness.READY)
        yield self._gauge("siaga_room_live", "1 while a session is live", view.phase is Phase.LIVE)
        yield self._gauge("siaga_central_online", "1 while the link to central is up", view.central_online)
        waiting = "Journal entries central has not acknowledged"
        yield self._gauge("siaga_outbox_entries", waiting, view.waiting_to_send)
        yield self._gauge("siaga_tablets", "Open tablet pages", self._viewers)
        yield self._devices()

    def _gauge(self, name: str, what: str, value: float) -> Metric:
        family = GaugeMetricFamily(name, what, labels=["room"])
        family.add_metric([self._facts.id], value)
        return family

    def _devices(self) -> Metric:
        said = "1 when the device was last found in order"
        family = GaugeMetricFamily("siaga_device_ok", said, labels=["room", "device"])
        for device in self._view.devices:
            is_ok = device.health is not None and device.health.condition is Condition.OK
            family.add_metric([self._facts.id, device.name], float(is_ok))
        return family
