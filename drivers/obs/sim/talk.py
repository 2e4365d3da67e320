"""What is said on one connection: identify, requests, batches."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import cast

from drivers.obs.sim.client import Body, Client, Close
from drivers.obs.sim.given import Answer, Given, Refused
from drivers.obs.sim.requests import answer
from drivers.obs.sim.studio import Studio

RPC_VERSION = 1
_DIED = 1006
"""What a client sees where OBS dies of what it was sent."""
Worker = Callable[[], AbstractAsyncContextManager[None]]
SERIAL, BY_FRAME, PARALLEL = 0, 1, 2


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


class Talk:
    """Answers one client; workers are shared by all of them."""

    def __init__(self, client: Client, studio: Studio, password: str, salt: str, worker: Worker) -> None:
        self._client = client
        self._studio = studio
        self._password = password
        self._salt = salt
        self._worker = worker

    def hello(self) -> None:
        """Say what is spoken here, and how to prove the password."""
        body: Body = {"obsWebSocketVersion": "5.1.0", "rpcVersion": RPC_VERSION}
        if self._studio.faults.newer:
            body |= {"obsWebSocketVersion": "5.7.3", "obsStudioVersion": "32.0.2"}
        if self._password:
            body["authentication"] = {"challenge": self._client.challenge, "salt": self._salt}
        self._client.post(0, body)

    async def take(self, content: str | bytes) -> None:
        """Answer one message.

        Raises:
            Close: the connection is to end.
        """
        op, body = self._client.read(content)
        if not self._client.identified and op != 1:
            raise Close(4007, "You attempted to send a non-Identify message while not identified.")
        if op == 1:
            self._identify(body)
        elif op == 3:
            self._subscribe(body)
            self._client.post(2, {"negotiatedRpcVersion": RPC_VERSION})
        elif op == 6:
            await self._request(body)
        elif op == 8:
            await self._batch(body)
        else:
            raise Close(4006, f"Unknown OpCode: {op}")

    def _identify(self, body: Body) -> None:
        if self._client.identified:
            raise Close(4008, "You are already Identified with the obs-websocket server.")
        if self._password:
            self._prove(body)
        version = body.get("rpcVersion")
        if version is None:
            raise Close(4003, "Your payload's data is missing an `rpcVersion`.")
        if not _unsigned(version):
            raise Close(4004, "Your `rpcVersion` is not an unsigned number.")
        if version != RPC_VERSION:
            raise Close(4010, "Your requested RPC version is not supported by this server.")
        self._subscribe(body)
        if self._studio.faults.close:
            raise Close(self._studio.faults.close, "Closed by the simulator.")
        self._client.identified = True
        self._client.post(2, {"negotiatedRpcVersion": RPC_VERSION})

    def _prove(self, body: Body) -> None:
        if "authentication" not in body:
            raise Close(
                4009, "Your payload's data is missing an `authentication` string, however authentication is required."
            )
        if not isinstance(body["authentication"], str):
            raise Close(_DIED, "")
        if body["authentication"] != _hash(_hash(self._password + self._salt) + self._client.challenge):
            raise Close(4009, "Authentication failed.")

    def _subscribe(self, body: Body) -> None:
        wanted = body.get("eventSubscriptions")
        if wanted is None:
            return
        if not _unsigned(wanted):
            raise Close(4004, "Your `eventSubscriptions` is not an unsigned number.")
        self._client.subscriptions = cast("int", wanted)

    # Requests.

    async def _request(self, body: Body) -> None:
        if "requestId" not in body:
            raise Close(4003, "Your payload data is missing a `requestId`.")
        if "requestType" not in body:
            raise Close(4003, "Your payload's data is missing an `requestType`.")
        name = body["requestType"]
        if not isinstance(name, str):
            raise Close(4004, "Your `requestType` is not a string.")
        found = await self._answer(name, body.get("requestData"))
        self._reply(name, 7, _row(name, found) | {"requestId": body["requestId"]})

    def _reply(self, name: str, op: int, body: Body) -> None:
        """Send an answer, or what the faults make of it."""
        faults, client = self._studio.faults, self._client
        if faults.drop_answer in {name, "all"}:
            return
        if faults.garbage:
            client.post_raw(b"\xc1" if client.binary else '{"op": 7, "d": ')
        if faults.wrong_id:
            client.post(op, body | {"requestId": "nobody asked this"})
        if faults.newer:
            client.post(99, {"from": "the future"})
            body = body | {"inTheFuture": True}
        client.post(op, body)
        if faults.duplicate:
            client.post(op, body)

    async def _answer(self, name: str, given: object) -> Answer:
        """Answer one request, when a worker is free."""
        faults = self._studio.faults
        if faults.reorder:
            await asyncio.sleep(self._studio.chance.uniform(0, 0.03))
        async with self._worker():
            found = await answer(self._studio, name, given)
            if faults.slow and faults.slow_only in {"", name}:
                await self._studio.clock.sleep(faults.slow / 1000)
        if name != "GetStats" or found.fields is None:
            return found
        counters = {
            "webSocketSessionIncomingMessages": self._client.received,
            "webSocketSessionOutgoingMessages": self._client.sent,
        }
        return Answer(found.code, found.comment, found.fields | counters)

    # Batches.

    async def _batch(self, body: Body) -> None:
        if "requestId" not in body:
            raise Close(4003, "Your payload data is missing a `requestId`.")
        kind = body.get("executionType", SERIAL)
        if isinstance(kind, bool) or not isinstance(kind, int):
            raise Close(4004, "Your `executionType` is not a number.")
        if kind not in {SERIAL, BY_FRAME, PARALLEL}:
            raise Close(4005, "Your `executionType` has an invalid value.")
        halts = body.get("haltOnFailure", False)
        if not isinstance(halts, bool):
            raise Close(4004, "Your `haltOnFailure` is not a boolean.")
        requests = body.get("requests")
        if requests is None:
            raise Close(4003, "Your payload data is missing a `requests`.")
        if not isinstance(requests, list):
            raise Close(4004, "Your `requests` is not an array.")
        if not all(isinstance(one, dict) for one in requests):
            raise Close(_DIED, "")
        results = await self._results(requests, kind, halts)
        self._reply("batch", 9, {"requestId": body["requestId"], "results": results})

    async def _results(self, requests: list[Body], kind: int, halts: bool) -> list[Body]:
        if kind == PARALLEL:
            return list(await asyncio.gather(*(self._one(one, kind) for one in requests)))
        results: list[Body] = []
        if kind == BY_FRAME:
            await self._frames(1)
        for one in requests:
            results.append(await self._one(one, kind))
            if halts and not cast("Body", results[-1]["requestStatus"])["result"]:
                break
        return results

    async def _one(self, request: Body, kind: int) -> Body:
        name = str(request.get("requestType", ""))
        if name == "Sleep":
            found = await self._sleep(Given(request.get("requestData")), kind)
        else:
            found = await self._answer(name, request.get("requestData"))
        named = {"requestId": request["requestId"]} if "requestId" in request else {}
        return _row(name, found) | named

    async def _sleep(self, given: Given, kind: int) -> Answer:
        """Wait, as a batch may; a worker waits with it."""
        try:
            frames = given.number("sleepFrames", 0, 10_000) if kind == BY_FRAME else 0
            ms = given.number("sleepMillis", 0, 50_000) if kind == SERIAL else 0
        except Refused as refused:
            return refused.answer
        async with self._worker():
            await self._frames(frames)
            await self._studio.clock.sleep(ms / 1000)
        return Answer()

    async def _frames(self, count: float) -> None:
        await self._studio.clock.sleep(count / self._studio.video.fps)


def _unsigned(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _row(name: str, found: Answer) -> Body:
    status: Body = {"result": found.code == 100, "code": found.code}
    if found.comment:
        status["comment"] = found.comment
    body: Body = {"requestType": name, "requestStatus": status}
    return body | {"responseData": found.fields} if found.fields is not None else body
