"""obs-websocket 5 on a socket: hello, identify, requests, batches and events as JSON."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request
from websockets.typing import Subprotocol

from drivers.obs.sim.requests import Answer, answer
from drivers.obs.sim.studio import Studio

LOW_VOLUME = (1 << 11) - 1
"""What a client hears that does not choose."""
GENERAL = 1
RPC_VERSION = 1
JSON_PROTOCOL = Subprotocol("obswebsocket.json")


class Close(Exception):
    """The protocol demands that the connection ends."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(eq=False)
class Client:
    """One connection."""

    connection: ServerConnection
    challenge: str
    identified: bool = False
    subscriptions: int = LOW_VOLUME
    received: int = 0
    sent: int = 0

    async def send(self, op: int, body: dict[str, object]) -> None:
        """Send one message."""
        self.sent += 1
        await self.connection.send(json.dumps({"op": op, "d": body}))


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


class ObsSimulator:
    """The server around a `Studio`. `port` is known once it has started."""

    def __init__(self, studio: Studio, password: str = "") -> None:
        self.studio = studio
        self.password = password
        self.port = 0
        self._salt = secrets.token_urlsafe(32)
        self._clients: set[Client] = set()
        self._events: set[asyncio.Task[None]] = set()
        self._server: Server | None = None
        self._frozen = False
        self._freezing: asyncio.TimerHandle | None = None
        studio.emit = self._emit

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen."""
        self._server = await serve(
            self._serve, host, port, select_subprotocol=_choose, process_request=self._greet,
            ping_interval=None, close_timeout=0.5, max_size=None,
        )  # fmt: skip
        self.port = self._server.sockets[0].getsockname()[1]
        if self.studio.faults.freeze is not None:
            self._freezing = asyncio.get_running_loop().call_later(self.studio.faults.freeze, self.freeze)

    async def stop(self) -> None:
        """Quit as OBS does: an event, then close code 1001."""
        if self._freezing is not None:
            self._freezing.cancel()
        if self._frozen:
            self.crash()
        self._emit("ExitStarted", GENERAL, {})
        await asyncio.gather(*self._events, return_exceptions=True)
        if self._server is not None:
            self._server.close(code=1001, reason="Server stopping.")
            await self._server.wait_closed()

    def crash(self) -> None:
        """Cut every connection without a word."""
        for client in self._clients:
            client.connection.transport.abort()

    def freeze(self) -> None:
        """Neither read nor write another byte, as a process that hangs."""
        self._frozen = True
        for client in self._clients:
            client.connection.transport.pause_reading()

    async def _greet(self, connection: ServerConnection, _: Request) -> None:
        if self._frozen:
            await connection.wait_closed()

    async def _serve(self, connection: ServerConnection) -> None:
        client = Client(connection, secrets.token_urlsafe(32))
        self._clients.add(client)
        try:
            await self._hello(client)
            async with asyncio.TaskGroup() as group:  # OBS answers out of order too, from its pool of threads
                async for text in connection:
                    group.create_task(self._take(client, text))
        except* ConnectionClosed:
            pass
        finally:
            self._clients.discard(client)

    async def _hello(self, client: Client) -> None:
        body: dict[str, object] = {"obsWebSocketVersion": "5.1.0", "rpcVersion": RPC_VERSION}
        if self.password:
            body["authentication"] = {"challenge": client.challenge, "salt": self._salt}
        await client.send(0, body)

    async def _take(self, client: Client, text: str | bytes) -> None:
        """Answer one message, or end the connection with the code that it earned."""
        client.received += 1
        try:
            op, body = _decode(text)
            await self._handle(client, op, body)
        except Close as close:
            await client.connection.close(close.code, close.reason)
        except ConnectionClosed:
            return

    async def _handle(self, client: Client, op: object, body: dict[str, object]) -> None:
        if not client.identified and op != 1:
            raise Close(4007, "You attempted to send a non-Identify message while not identified.")
        if op == 1:
            await self._identify(client, body)
        elif op == 3:
            _subscribe(client, body)
            await client.send(2, {"negotiatedRpcVersion": RPC_VERSION})
        elif op == 6:
            await self._request(client, body)
        elif op == 8:
            await self._batch(client, body)
        else:
            raise Close(4006, f"Unknown OpCode: {op}")

    async def _identify(self, client: Client, body: dict[str, object]) -> None:
        if client.identified:
            raise Close(4008, "You are already Identified with the obs-websocket server.")
        if self.password and body.get("authentication") != _hash(_hash(self.password + self._salt) + client.challenge):
            raise Close(4009, "Authentication failed.")
        if "rpcVersion" not in body:
            raise Close(4003, "Your payload's data is missing an `rpcVersion`.")
        if body["rpcVersion"] != RPC_VERSION:
            raise Close(4010, "Your requested RPC version is not supported by this server.")
        _subscribe(client, body)
        client.identified = True
        await client.send(2, {"negotiatedRpcVersion": RPC_VERSION})

    async def _request(self, client: Client, body: dict[str, object]) -> None:
        if "requestId" not in body:
            raise Close(4003, "Your payload data is missing a `requestId`.")
        if "requestType" not in body:
            raise Close(4003, "Your payload's data is missing an `requestType`.")
        name = body["requestType"]
        if not isinstance(name, str):
            raise Close(4004, "Your `requestType` is not a string.")
        found = await self._answer(client, name, body.get("requestData"))
        if self.studio.faults.drop_answer not in {name, "all"}:
            await client.send(7, _response(name, found) | {"requestId": body["requestId"]})

    async def _batch(self, client: Client, body: dict[str, object]) -> None:
        if "requestId" not in body:
            raise Close(4003, "Your payload data is missing a `requestId`.")
        requests = body.get("requests")
        if not isinstance(requests, list):
            raise Close(4003 if requests is None else 4004, "Your payload data is missing a `requests`.")
        results: list[dict[str, object]] = []
        for one in requests:
            name = str(one.get("requestType", ""))
            found = await self._answer(client, name, one.get("requestData"))
            results.append(_response(name, found))
            if found.code != 100 and body.get("haltOnFailure"):
                break
        if self.studio.faults.drop_answer != "all":
            await client.send(9, {"requestId": body["requestId"], "results": results})

    async def _answer(self, client: Client, name: str, given: object) -> Answer:
        found = await answer(self.studio, name, given)
        if self.studio.faults.slow:
            await asyncio.sleep(self.studio.faults.slow / 1000)
        if name != "GetStats" or found.fields is None:
            return found
        counters = {
            "webSocketSessionIncomingMessages": client.received,
            "webSocketSessionOutgoingMessages": client.sent,
        }
        return Answer(found.code, found.comment, found.fields | counters)

    def _emit(self, name: str, intent: int, body: dict[str, object]) -> None:
        """Send an event to all who want it; nobody waits for it."""
        event: dict[str, object] = {"eventType": name, "eventIntent": intent, "eventData": body}
        for client in self._clients:
            if client.identified and client.subscriptions & intent:
                task = asyncio.create_task(_send_event(client, event))
                self._events.add(task)
                task.add_done_callback(self._events.discard)


async def _send_event(client: Client, event: dict[str, object]) -> None:
    with contextlib.suppress(ConnectionClosed):
        await client.send(5, event)


def _choose(_: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """Take JSON; a client that names no subprotocol gets it too."""
    return JSON_PROTOCOL if JSON_PROTOCOL in offered else None


def _decode(text: str | bytes) -> tuple[object, dict[str, object]]:
    if isinstance(text, bytes):
        raise Close(4002, "Your session encoding is set to Json, but a binary message was received.")
    try:
        message = json.loads(text)
    except ValueError as error:
        raise Close(4002, f"Unable to decode Json: {error}"[:120]) from error
    if not isinstance(message, dict):
        raise Close(4002, "You sent a non-object payload.")
    if "op" not in message:
        raise Close(4006, "Your request is missing an `op`.")
    body = message.get("d")
    if body is None:
        raise Close(4003, "Your payload is missing data (`d`).")
    if not isinstance(body, dict):
        raise Close(4004, "Your payload's data (`d`) is not an object.")
    return message["op"], body


def _subscribe(client: Client, body: dict[str, object]) -> None:
    wanted = body.get("eventSubscriptions")
    if wanted is None:
        return
    if not isinstance(wanted, int) or isinstance(wanted, bool) or wanted < 0:
        raise Close(4004, "Your `eventSubscriptions` is not an unsigned number.")
    client.subscriptions = wanted


def _response(name: str, found: Answer) -> dict[str, object]:
    status: dict[str, object] = {"result": found.code == 100, "code": found.code}
    if found.comment:
        status["comment"] = found.comment
    body: dict[str, object] = {"requestType": name, "requestStatus": status}
    return body | {"responseData": found.fields} if found.fields is not None else body
