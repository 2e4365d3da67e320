"""Central's figures for Prometheus: what waits, what was refused, who is there, how fast it answers. No personal data.

What is in the database is asked when somebody reads the figures; what only happens here
(refusals, times of answers) is counted in the process and starts at nought with it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

import sqlalchemy as sa
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from central.db import tables as t
from central.domain.sop import State
from central.errors import Away, Refused
from central.services import Services

BREACHES_OF: Final = timedelta(days=7)
BREACHES_EVERY_S: Final = 60.0
"""The SOP's clocks are worth a minute's delay, not their cost at each reading."""
ANSWERED_WITHIN: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
ELSEWHERE: Final = "other"


class Metrics:
    """The counters of this process, and the registry that they are read from."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._refused = Counter(
            "siaga_bookings_refused", "Bookings that were refused, by reason", ["reason"], registry=self.registry
        )
        self._took = Histogram(
            "siaga_http_seconds",
            "From a request's head to its answer",
            ["method", "route", "status"],
            buckets=ANSWERED_WITHIN,
            registry=self.registry,
        )

    def refused(self, error: Refused) -> None:
        """Count a booking that was refused, once for each reason."""
        reasons = {finding.code.value for finding in error.findings} or {error.code}
        for reason in reasons:
            self._refused.labels(reason).inc()

    def answered(self, method: str, route: str, status: int, took_s: float) -> None:
        """Count an answer."""
        self._took.labels(method, route, f"{status // 100}xx").observe(took_s)

    def text(self) -> bytes:
        """Return all figures in the format that Prometheus reads."""
        return generate_latest(self.registry)


class Timed:
    """Middleware that counts answers by the route's pattern, never by the path: that holds ids."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and see how long its answer takes."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = time.perf_counter(), 500

        async def seen(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, seen)
        finally:
            route = getattr(scope.get("route"), "path", ELSEWHERE)
            self._metrics.answered(_method(scope["method"]), route, status, time.perf_counter() - begun)


def _method(method: str) -> str:
    return method if method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"} else ELSEWHERE


class InDatabase(Collector):
    """What the database knows at the moment of reading."""

    def __init__(self, services: Services) -> None:
        self._of = services
        self._lock = threading.Lock()
        self._breaches: tuple[float, dict[str, int]] | None = None

    def describe(self) -> Iterator[Metric]:
        """Yield nothing: the database is not asked only because somebody registers this."""
        yield from ()

    def collect(self) -> Iterator[Metric]:
        """Yield every figure; of a database that is away only that it is."""
        try:
            known = list(self._known())
        except Away:
            known = []
        yield from known
        yield _up("siaga_database_up", "1 while the database answers", is_up=bool(known))
        yield _up("siaga_broker_up", "1 while the link to the broker is up", is_up=self._of.broker_is_up())

    def _known(self) -> Iterator[Metric]:
        with self._of.store.reading() as connection:
            requests = _by(connection, t.request.c.state)
            messages = _by(connection, t.message.c.state)
            plans = connection.execute(_OLDEST_PLAN).one()
            waiting = connection.execute(_OLDEST_MESSAGE).one()
            entries = connection.scalar(sa.select(sa.func.sum(t.stream_position.c.upto))) or 0
        now = self._of.desk.now()
        yield _gauges("siaga_requests", "Requests by state", "state", dict.fromkeys(State, 0) | requests)
        yield _gauges("siaga_messages", "Messages to people and programs, by state", "state", messages)
        depth = {"plans": int(plans[0]), "messages": int(waiting[0])}
        yield _gauges("siaga_outbox", "What waits to be sent", "outbox", depth)
        moments = {"plans": plans[1], "messages": waiting[1]}
        ages = {name: (now - at).total_seconds() if at is not None else 0.0 for name, at in moments.items()}
        yield _gauges("siaga_outbox_oldest_seconds", "How long the oldest of it has waited", "outbox", ages)
        taken = CounterMetricFamily("siaga_journal_entries", "Journal entries of rooms that were taken in")
        taken.add_metric([], entries)
        yield taken
        shown = [card.shown for card in self._of.board.rooms()]
        rooms = {name: shown.count(name) for name in sorted(set(shown))}
        yield _gauges("siaga_rooms", "Rooms by what the wall says of them", "shown", rooms)
        yield _gauges("siaga_sop_breaches", "Steps of the last 7 days that ran late", "step", self._late())

    def _late(self) -> dict[str, int]:
        with self._lock:
            if self._breaches is None or time.monotonic() - self._breaches[0] > BREACHES_EVERY_S:
                found = self._of.timekeeping.punctuality(self._of.desk.now() - BREACHES_OF).breaches
                steps = [breach.clock.step.value for breach in found]
                self._breaches = (time.monotonic(), {step: steps.count(step) for step in sorted(set(steps))})
            return self._breaches[1]


_OLDEST_PLAN: Final = sa.select(sa.func.count(), sa.func.min(t.outbox.c.created_at)).where(t.outbox.c.sent_at.is_(None))
_OLDEST_MESSAGE: Final = sa.select(sa.func.count(), sa.func.min(t.message.c.created_at)).where(
    t.message.c.state == "waiting"
)


def _by(connection: sa.Connection, column: sa.Column[str]) -> dict[str, int]:
    found = connection.execute(sa.select(column, sa.func.count()).group_by(column))
    return {str(row[0]): int(row[1]) for row in found}


def _up(name: str, what: str, *, is_up: bool) -> Metric:
    family = GaugeMetricFamily(name, what)
    family.add_metric([], float(is_up))
    return family


def _gauges(name: str, what: str, label: str, values: dict[str, int] | dict[str, float]) -> Metric:
    family = GaugeMetricFamily(name, what, labels=[label])
    for value, number in sorted(values.items()):
        family.add_metric([value], number)
    return family
