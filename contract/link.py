"""The connection to the broker. The only module that knows paho.

Why so much around a library that reconnects by itself (measured, see
`docs/decisions/0004-paho-behind-one-module.md`): across a reconnect paho reorders what it
kept and sends it twice, its back-off has no jitter, and an exception in a callback kills
its thread while it goes on saying that it is connected. So every attempt gets a fresh
client that never lives through a second connection, nothing is kept in the library while
there is no link, and whoever publishes hears whether the broker took it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import ssl
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from contract.base import Message

log = logging.getLogger(__name__)

CONNECT_WITHIN_S = 5.0
KEEPALIVE_S = 10
FLUSH_WITHIN_S = 2.0
RETRY_AT_MOST_S = 5.0
SESSION_EXPIRY_S = 30
WILL_DELAY_S = 5
"""A link that is back sooner was never lost to anybody."""
WINDOW = 20
"""Unacknowledged publishes at once."""
BACKLOG = 1000
"""Deliveries waiting for their handler; beyond it the link is closed and the snapshots come anew."""


T = TypeVar("T")


class NotConnected(Exception):
    """The broker did not take a message: no link, refused, or no answer in time."""


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is and who we are to it."""

    host: str
    port: int
    tls: bool = False
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None

    @classmethod
    def parse(cls, url: str, *, username: str | None = None, password: str | None = None) -> Broker:
        """Return the broker at `mqtt://HOST:PORT` or `mqtts://HOST:PORT`.

        Raises:
            ValueError: another scheme, no host, or a password in the address.
        """
        parts = urlsplit(url)
        if parts.scheme not in {"mqtt", "mqtts"} or not parts.hostname:
            raise ValueError(f"broker must look like mqtts://HOST:8883, got {url!r}")
        if parts.password is not None:
            raise ValueError("a broker address holds no password: use the credentials file")
        tls = parts.scheme == "mqtts"
        return cls(parts.hostname, parts.port or (8883 if tls else 1883), tls, username, password)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message as the broker handed it over."""

    topic: str
    payload: bytes
    retained: bool


Received = Callable[[Delivery], Awaitable[None]]
ReceivedTogether = Callable[[Sequence[Delivery]], Awaitable[None]]


class Link:
    """Holds one connection to the broker, as long as `run` runs."""

    def __init__(
        self,
        broker: Broker,
        *,
        client_id: str,
        subscribe: tuple[str, ...],
        will: Callable[[int], tuple[str, Message]],
        received: Received,
        together: ReceivedTogether | None = None,
        connected: Callable[[int], Awaitable[None]],
        disconnected: Callable[[str], None],
    ) -> None:
        self._broker = broker
        self._client_id = client_id
        self._filters = subscribe
        self._will = will
        self._received = received
        self._together = together or self._one_by_one
        self._connected = connected
        self._disconnected = disconnected
        self._conn = 0
        self._live: _Connection | None = None
        self._tried_at = time.monotonic()
        self._window = asyncio.Semaphore(WINDOW)

    @property
    def is_up(self) -> bool:
        """Whether publishing can work right now."""
        return self._live is not None

    def ran_at(self) -> float:
        """Return when (monotonic) the connection's thread last went round; without one, when it was last tried for."""
        return self._tried_at if self._live is None else self._live.ran_at()

    async def publish(
        self, topic: str, payload: bytes, *, retain: bool = False, expires_s: int | None = None, within_s: float = 5.0
    ) -> None:
        """Return once the broker has acknowledged the message.

        Raises:
            NotConnected: no link, refused by the broker's access list, or not acknowledged in time.
        """
        try:
            async with asyncio.timeout(within_s), self._window:
                if self._live is None:
                    raise NotConnected(f"{topic}: no link to the broker at {self._broker.host}:{self._broker.port}")
                await self._live.publish(topic, payload, retain, expires_s)
        except TimeoutError as error:
            raise NotConnected(f"{topic}: the broker did not acknowledge within {within_s:g} s") from error

    async def run(self) -> None:
        """Connect, serve, reconnect with full jitter, until cancelled."""
        failures = 0
        while True:
            self._tried_at = time.monotonic()
            try:
                await self._serve_once()
                failures = 0
            except (NotConnected, OSError) as error:
                failures += 1
                log.info("broker away: %s", error)
            self._tried_at = time.monotonic()
            await asyncio.sleep(random.uniform(0.05, min(RETRY_AT_MOST_S, 0.25 * 2 ** min(failures, 8))))

    async def _serve_once(self) -> None:
        """Hold one connection until it ends.

        Raises:
            NotConnected: it never came to be.
        """
        self._conn += 1
        connection = _Connection(self._broker, self._client_id, self._will(self._conn))
        try:
            await connection.open(self._filters)
            self._live = connection
            async with asyncio.TaskGroup() as group:
                reader = group.create_task(self._deliver(connection), name="mqtt deliver")
                greeter = group.create_task(self._greet(), name="mqtt greet")
                reason = await connection.ended.wait_reason()
                reader.cancel()
                greeter.cancel()
            self._disconnected(reason)
        finally:
            self._live = None
            await connection.close()

    async def _greet(self) -> None:
        """Tell the owner; a publish that fails here only means that the link went again."""
        try:
            await self._connected(self._conn)
        except NotConnected as error:
            log.info("link went while greeting: %s", error)

    async def read_again(self, name: str) -> None:
        """Have the broker send everything again that it retains under a filter that we subscribe to.

        Raises:
            NotConnected: no link, or no answer in time.
        """
        try:
            async with asyncio.timeout(CONNECT_WITHIN_S):
                if self._live is None:
                    raise NotConnected(f"{name}: no link to the broker at {self._broker.host}:{self._broker.port}")
                await self._live.subscribe((name,))
        except TimeoutError as error:
            raise NotConnected(f"{name}: the broker did not answer within {CONNECT_WITHIN_S:g} s") from error

    async def _deliver(self, connection: _Connection) -> None:
        """Hand over what has come, in order, and acknowledge it after its handler returned."""
        while True:
            messages = await connection.waiting()
            try:
                await self._together([Delivery(m.topic, bytes(m.payload), bool(m.retain)) for m in messages])
            except NotConnected as error:
                log.info("link went while handling %s: %s", messages[-1].topic, error)
            for message in messages:
                connection.acknowledge(message)

    async def _one_by_one(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            try:
                await self._received(delivery)
            except NotConnected as error:
                log.info("link went while handling %s: %s", delivery.topic, error)


async def _answer_to(waiting: dict[int, asyncio.Future[T]], mid: int | None) -> T:
    """Return the broker's answer to packet `mid`; the caller sets the limit."""
    key = mid or 0
    try:
        return await waiting.setdefault(key, asyncio.get_running_loop().create_future())
    finally:
        waiting.pop(key, None)


class _Ended:
    """The end of a connection and why."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._reason = ""

    def set(self, reason: str) -> None:
        if not self._event.is_set():
            self._reason = reason
            self._event.set()

    async def wait_reason(self) -> str:
        await self._event.wait()
        return self._reason


class _Client(mqtt.Client):
    """A client that says when its thread last went round.

    paho goes on calling itself connected after an exception has ended that thread.
    """

    ran_at = 0.0

    def loop_misc(self) -> MQTTErrorCode:
        """Note the time; called by the thread at least once a second."""
        self.ran_at = time.monotonic()
        return super().loop_misc()


class _Connection:
    """One paho client for one connection; its callbacks only hand values to the event loop."""

    def __init__(self, broker: Broker, client_id: str, will: tuple[str, Message]) -> None:
        self._broker = broker
        self._loop = asyncio.get_running_loop()
        self.inbox: asyncio.Queue[mqtt.MQTTMessage] = asyncio.Queue(BACKLOG)
        self.ended = _Ended()
        self._answer: asyncio.Future[str] = self._loop.create_future()
        self._granted: dict[int, asyncio.Future[list[ReasonCode]]] = {}
        self._published: dict[int, asyncio.Future[ReasonCode]] = {}
        self._client = self._make(client_id, will)

    def _make(self, client_id: str, will: tuple[str, Message]) -> _Client:
        client = _Client(CallbackAPIVersion.VERSION2, client_id, protocol=MQTTProtocolVersion.MQTTv5, manual_ack=True)
        if self._broker.username is not None:
            client.username_pw_set(self._broker.username, self._broker.password)
        if self._broker.tls:
            client.tls_set_context(ssl.create_default_context(cafile=self._broker.ca_file))
        late = Properties(PacketTypes.WILLMESSAGE)
        late.WillDelayInterval = WILL_DELAY_S
        topic, message = will
        client.will_set(topic, message.encode(), qos=1, retain=True, properties=late)
        client.max_inflight_messages_set(WINDOW)
        client.on_connect = lambda _c, _u, _f, code, _p: self._tell(self._on_connect, code)
        client.on_disconnect = lambda _c, _u, _f, code, _p: self._tell(self.ended.set, str(code))
        client.on_subscribe = lambda _c, _u, mid, codes, _p: self._tell(self._settle, self._granted, mid, codes)
        client.on_publish = lambda _c, _u, mid, code, _p: self._tell(self._settle, self._published, mid, code)
        client.on_message = lambda _c, _u, message: self._tell(self._on_message, message)
        return client

    def ran_at(self) -> float:
        """Return when the thread last went round."""
        return self._client.ran_at

    def _tell(self, what: Callable[..., object], *values: object) -> None:
        """Hand values from paho's thread to the loop; a loop that is closed needs them no more."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(what, *values)

    def _on_connect(self, code: ReasonCode) -> None:
        if not self._answer.done():
            self._answer.set_result("refused: " + str(code) if code.is_failure else "")

    def _on_message(self, message: mqtt.MQTTMessage) -> None:
        try:
            self.inbox.put_nowait(message)
        except asyncio.QueueFull:
            self.ended.set(f"more than {BACKLOG} messages waited for their handler")

    @staticmethod
    def _settle(waiting: dict[int, asyncio.Future[T]], mid: int, value: T) -> None:
        """Give `value` to who waits for packet `mid`, or keep it for who will: the answer may come first."""
        future = waiting.setdefault(mid, asyncio.get_running_loop().create_future())
        if not future.done():
            future.set_result(value)

    async def open(self, filters: tuple[str, ...]) -> None:
        """Connect and subscribe.

        Raises:
            NotConnected: refused, or no answer within `CONNECT_WITHIN_S`.
        """
        where = f"{self._broker.host}:{self._broker.port}"
        expiry = Properties(PacketTypes.CONNECT)
        expiry.SessionExpiryInterval = SESSION_EXPIRY_S
        try:
            async with asyncio.timeout(CONNECT_WITHIN_S):
                await self._loop.run_in_executor(None, self._dial, expiry)
                refused = await self._answer
                if refused:
                    raise NotConnected(f"broker {where} {refused}: check user name and password")
                await self.subscribe(filters)
        except TimeoutError as error:
            raise NotConnected(f"broker {where} did not answer within {CONNECT_WITHIN_S:g} s") from error

    def _dial(self, properties: Properties) -> None:
        """Open the socket (in a thread: it may block on a name or a silent host)."""
        self._client.connect_timeout = CONNECT_WITHIN_S
        self._client.connect(self._broker.host, self._broker.port, KEEPALIVE_S, clean_start=True, properties=properties)
        self._client.loop_start()

    async def waiting(self) -> list[mqtt.MQTTMessage]:
        """Return all messages that wait, at least one; the broker sends no more than a window at once."""
        found = [await self.inbox.get()]
        while not self.inbox.empty():
            found.append(self.inbox.get_nowait())
        return found

    async def subscribe(self, filters: tuple[str, ...]) -> None:
        """Subscribe with QoS 1.

        Raises:
            NotConnected: the broker's access list refuses a filter.
        """
        _, mid = self._client.subscribe([(name, SubscribeOptions(qos=1)) for name in filters])
        codes = await _answer_to(self._granted, mid)
        for name, code in zip(filters, codes, strict=True):
            if code.is_failure:
                raise NotConnected(f"broker refuses to send {name}: {code}")

    async def publish(self, topic: str, payload: bytes, retain: bool, expires_s: int | None) -> None:
        """Return at the broker's acknowledgement.

        Raises:
            NotConnected: the link broke or the broker refused the topic.
        """
        properties = Properties(PacketTypes.PUBLISH)
        properties.ContentType = "application/json"
        if expires_s is not None:
            properties.MessageExpiryInterval = expires_s
        sent = self._client.publish(topic, payload, qos=1, retain=retain, properties=properties)
        if sent.rc != mqtt.MQTT_ERR_SUCCESS:
            raise NotConnected(f"{topic}: {mqtt.error_string(sent.rc)}")
        code = await self._first(_answer_to(self._published, sent.mid))
        if code.is_failure:
            raise NotConnected(f"{topic}: broker says {code}")

    async def _first(self, answer: Awaitable[ReasonCode]) -> ReasonCode:
        """Wait for the answer or for the end of the connection.

        Raises:
            NotConnected: the connection ended first.
        """
        wanted = asyncio.ensure_future(answer)
        ended = asyncio.ensure_future(self.ended.wait_reason())
        try:
            await asyncio.wait({wanted, ended}, return_when=asyncio.FIRST_COMPLETED)
            if not wanted.done():
                raise NotConnected(f"link broke: {ended.result()}")
            return wanted.result()
        finally:
            wanted.cancel()
            ended.cancel()

    def acknowledge(self, message: mqtt.MQTTMessage) -> None:
        """Tell the broker that the message was handled."""
        self._client.ack(message.mid, message.qos)

    async def close(self) -> None:
        """Say goodbye and end paho's thread within `FLUSH_WITHIN_S`."""
        self._client.disconnect()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_WITHIN_S):
                await self._loop.run_in_executor(None, self._client.loop_stop)
        # our callbacks and the client hold each other: without this its sockets stay open until the collector comes by
        client = self._client
        client.on_connect = client.on_disconnect = client.on_subscribe = client.on_publish = client.on_message = None
