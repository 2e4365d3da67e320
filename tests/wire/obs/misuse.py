"""Ways to misuse obs-websocket's wire, each with what is sent after the server's hello.

Two are left out, because obs-websocket 5.1 dies of them and OBS with it, the first even
before a password is asked: an Identify whose `authentication` is no text, and a batch with
a request that is no object.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass

JSON, MSGPACK = "obswebsocket.json", "obswebsocket.msgpack"
Identify = Callable[..., dict[str, object]]
Message = str | bytes


@dataclass(frozen=True)
class Misuse:
    """One case."""

    name: str
    messages: Callable[[Identify], Iterable[Message]]
    subprotocol: str = JSON


def op(number: object, body: object) -> str:
    return json.dumps({"op": number, "d": body})


def _raw(name: str, message: Message, subprotocol: str = JSON) -> Misuse:
    return Misuse(name, lambda _: [message], subprotocol)


def _first(name: str, **changed: object) -> Misuse:
    """Identify with something changed."""
    return Misuse(name, lambda identify: [op(1, identify(**changed))])


def _then(name: str, *messages: Message) -> Misuse:
    """Identify well, then send these."""
    return Misuse(name, lambda identify: [op(1, identify(eventSubscriptions=0)), *messages])


def _without(name: str, left_out: str) -> Misuse:
    return Misuse(name, lambda identify: [op(1, {k: v for k, v in identify().items() if k != left_out})])


def _request(name: str, **more: object) -> dict[str, object]:
    return {"requestType": name, **more}


STATS, LOST = _request("GetStudioModeEnabled"), _request("SetCurrentProgramScene", requestData={"sceneName": "x"})

MISUSES: tuple[Misuse, ...] = (
    _raw("no json", "{"),
    _raw("no object", "[]"),
    _raw("binary over json", b"\x80"),
    _raw("empty object", "{}"),
    _raw("no body", json.dumps({"op": 1})),
    _raw("body is a list", op(1, [])),
    _raw("op is a text", op("1", {})),
    _raw("op unknown before identify", op(99, {})),
    _raw("request before identify", op(6, {"requestType": "GetStats", "requestId": "1"})),
    _raw("reidentify before identify", op(3, {})),
    _raw("text over msgpack", "{}", MSGPACK),
    Misuse("no subprotocol named", lambda identify: [op(1, identify(eventSubscriptions=0))], ""),
    Misuse("unknown subprotocol", lambda identify: [op(1, identify(eventSubscriptions=0))], "obswebsocket.xml"),
    _first("identified"),
    _first("wrong password", authentication="nonsense"),
    _without("no password", "authentication"),
    _without("no version", "rpcVersion"),
    _first("version is a text", rpcVersion="1"),
    _first("version 0", rpcVersion=0),
    _first("version 2", rpcVersion=2),
    _first("subscriptions are a text", eventSubscriptions="all"),
    _first("subscriptions are negative", eventSubscriptions=-1),
    _then("identify twice", op(1, {"rpcVersion": 1})),
    _then("reidentify", op(3, {"eventSubscriptions": 1})),
    _then("reidentify with nothing", op(3, {})),
    _then("reidentify with a text", op(3, {"eventSubscriptions": "x"})),
    _then("op unknown", op(99, {})),
    _then("op of the server", op(5, {})),
    _then("request without id", op(6, {"requestType": "GetStats"})),
    _then("request without type", op(6, {"requestId": "1"})),
    _then("request type is a number", op(6, {"requestId": "1", "requestType": 7})),
    _then("request id is an object", op(6, STATS | {"requestId": {"a": [1]}})),
    _then("request id is null", op(6, STATS | {"requestId": None})),
    _then("request data is a text", op(6, LOST | {"requestId": "1", "requestData": "x"})),
    _then("batch", op(8, {"requestId": "b", "requests": [STATS, LOST, STATS]})),
    _then("batch with ids", op(8, {"requestId": "b", "requests": [STATS | {"requestId": 7}]})),
    _then("batch halts", op(8, {"requestId": "b", "haltOnFailure": True, "requests": [STATS, LOST, STATS]})),
    _then("batch by frame", op(8, {"requestId": "b", "executionType": 1, "requests": [STATS, STATS]})),
    _then("batch parallel", op(8, {"requestId": "b", "executionType": 2, "requests": [STATS, STATS]})),
    _then("batch sleeps", op(8, {"requestId": "b", "requests": [_request("Sleep", requestData={"sleepMillis": 20})]})),
    _then("batch sleeps frames", op(8, {
        "requestId": "b", "executionType": 1, "requests": [_request("Sleep", requestData={"sleepFrames": 1})]})),
    _then("batch sleeps wrongly", op(8, {"requestId": "b", "requests": [_request("Sleep")]})),
    _then("batch empty", op(8, {"requestId": "b", "requests": []})),
    _then("batch without requests", op(8, {"requestId": "b"})),
    _then("batch of a text", op(8, {"requestId": "b", "requests": "x"})),
    _then("batch without id", op(8, {"requests": [STATS]})),
    _then("batch of unknown kind", op(8, {"requestId": "b", "executionType": 9, "requests": [STATS]})),
    _then("batch kind is a text", op(8, {"requestId": "b", "executionType": "x", "requests": [STATS]})),
    _then("batch halt is a text", op(8, {"requestId": "b", "haltOnFailure": "x", "requests": [STATS]})),
    _then("batch without type", op(8, {"requestId": "b", "requests": [{"requestData": {}}]})),
    _then("batch of batches", op(8, {"requestId": "b", "requests": [_request("NoSuchRequest")]})),
)  # fmt: skip
