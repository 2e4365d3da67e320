"""What a real OBS answers, recorded: the judge of the simulated one.

A fixed list of requests is put to an OBS that starts from the room of `real.py`, one after
the other, and the wire is misused in a fixed list of ways. Kept are codes, comments, shapes
(names and types, not values), events and close codes. `oracle.json` holds what a real OBS
said; tests hold both the simulator and the OBS of this machine to it.

    python -m tests.wire.obs.oracle     # asks a real OBS anew and writes oracle.json
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.wire.obs.asked import ASKED, Ask
from tests.wire.obs.misuse import MISUSES, Misuse

ORACLE = Path(__file__).with_name("oracle.json")
ANSWER_WITHIN_S = 8.0
QUIET_S = 0.12
"""So long nothing must come for the events of a change to count as over."""
ALL_BUT_OFTEN = 0x7FF
"""Every event but those that come many times a second."""

Json = dict[str, object]
BY_CHANCE = "SceneItemRemoved"
"""An item whose input was removed goes when its scene is drawn next, which may be much later."""
OF_THE_KIND = frozenset({"defaultInputSettings", "inputSettings"})
"""Their names depend on the kind of input, and which of many inputs is told last is chance."""


def hashed(text: str) -> str:
    """Return the SHA-256 of a text as OBS wants it."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def identify(hello: Json, password: str, **more: object) -> Json:
    """Return the Identify that answers `hello`."""
    given = cast("dict[str, str]", hello["authentication"])
    answer = hashed(hashed(password + given["salt"]) + given["challenge"])
    return {"rpcVersion": 1, "authentication": answer, "eventSubscriptions": ALL_BUT_OFTEN, **more}


def shape(value: object) -> object:
    """Return names and types of a value; of a list what its first differs in is enough."""
    if isinstance(value, dict):
        return {name: shape(one) for name, one in sorted(value.items())}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return {bool: "boolean", int: "number", float: "number", str: "string"}.get(type(value), "null")


@dataclass
class Client:
    """One connection that keeps the events it hears."""

    socket: ClientConnection
    events: list[Json] = field(default_factory=list)

    async def send(self, op: int, body: Mapping[str, object]) -> None:
        await self.socket.send(json.dumps({"op": op, "d": body}))

    async def next(self, op: int, within_s: float = ANSWER_WITHIN_S) -> Json:
        """Return the body of the next message with `op`; keeps events that come before it."""
        async with asyncio.timeout(within_s):
            while True:
                message = json.loads(await self.socket.recv())
                if message["op"] == op:
                    return cast("Json", message["d"])
                if message["op"] == 5:
                    self.events.append(message["d"])

    async def quiet(self, awaited: str = "") -> list[Json]:
        """Return the events until nothing more comes, and `awaited` has come."""
        while True:
            missing = awaited and awaited not in map(_full_name, self.events)
            try:
                self.events.append(await self.next(5, ANSWER_WITHIN_S if missing else QUIET_S))
            except TimeoutError:
                heard, self.events = self.events, []
                return heard


def _full_name(event: Json) -> str:
    """Return an event's name, with the state of an output behind it."""
    told = cast("Json", event.get("eventData") or {})
    state = str(told.get("outputState", "")).removeprefix("OBS_WEBSOCKET_OUTPUT_")
    return f"{event['eventType']} {state}".strip()


def _told(events: list[Json]) -> dict[str, object]:
    """Return what was told, by name: how often is chance, and so is the order."""
    told: dict[str, object] = {}
    for one in events:
        fields = cast("Json", one.get("eventData") or {})
        active = {"active": fields["outputActive"]} if "outputActive" in fields else {}
        told[_full_name(one)] = {"intent": one["eventIntent"], **active, **_shaped(one, "eventData")}
    told.pop(BY_CHANCE, None)
    return dict(sorted(told.items()))


def _shaped(body: Json, name: str) -> Json:
    if name not in body:
        return {}
    told = cast("Json", body[name])
    return {"shape": {k: "object" if k in OF_THE_KIND else shape(told[k]) for k in sorted(told)}}


async def _answered(client: Client, number: int, ask: Ask) -> Json:
    request: Json = {"requestType": ask.request, "requestId": f"{number}"}
    await client.send(6, request | ({"requestData": ask.given} if ask.given is not None else {}))
    answer = await client.next(7)
    status = cast("Json", answer["requestStatus"])
    found: Json = {"ask": ask.request, "given": ask.given, "code": status["code"]}
    if "comment" in status:
        found["comment"] = status["comment"]
    found |= _shaped(answer, "responseData")
    if ask.exact:
        found["exact"] = answer["responseData"]
    if ask.changes:
        found["events"] = _told(await client.quiet(ask.awaited))
    return found


async def _misused(url: str, password: str, misuse: Misuse) -> Json:
    """Return what came of one misuse: messages and the close, if it was closed."""
    offered = [Subprotocol(misuse.subprotocol)] if misuse.subprotocol else None
    found: Json = {"case": misuse.name}
    answers: list[object] = []
    async with connect(url, subprotocols=offered, close_timeout=1) as socket:
        found["subprotocol"] = socket.subprotocol
        hello = json.loads(await socket.recv())["d"] if misuse.subprotocol != "obswebsocket.msgpack" else {}
        try:
            for message in misuse.messages(lambda **more: identify(hello, password, **more)):
                await socket.send(message)
                answers.append(await _heard(socket))
            found["answers"] = [answer for answer in answers if answer is not None]
        except ConnectionClosed:
            found["answers"] = [answer for answer in answers if answer is not None]
        else:
            await _heard(socket, QUIET_S)
        if socket.close_code is not None:
            found |= {"close": socket.close_code, "reason": _without_parser(socket.close_reason or "")}
    return found


def _without_parser(reason: str) -> str:
    """Return a close reason without the words of a JSON library."""
    return reason.partition(": ")[0] if reason.startswith("Unable to decode") else reason


async def _heard(socket: ClientConnection, within_s: float = 1.0) -> object:
    """Return the shape of the next message that is no event; none when none comes or the end has."""
    try:
        async with asyncio.timeout(within_s):
            while True:
                text = await socket.recv()
                if isinstance(text, bytes):
                    return "binary"
                message = json.loads(text)
                if message["op"] != 5:
                    return _brief(message)
    except (TimeoutError, ConnectionClosed):
        return None


def _brief(message: Json) -> Json:
    """Return op, codes and ids of an answer."""
    body = cast("Json", message["d"])
    found: Json = {"op": message["op"], "names": sorted(body)}
    rows = cast("list[Json]", body.get("results", [body]))
    statuses = [cast("Json", row["requestStatus"]) for row in rows if "requestStatus" in row]
    if statuses:
        found["statuses"] = statuses
        found["rows"] = [sorted(row) for row in rows]
    return found | {name: body[name] for name in ("requestId", "negotiatedRpcVersion") if name in body}


async def recorded(url: str, password: str) -> Json:
    """Put everything to the OBS at `url` and return what it said."""
    async with connect(url, subprotocols=[Subprotocol("obswebsocket.json")], max_size=None) as socket:
        client = Client(socket)
        await client.send(1, identify(await client.next(0), password))
        await client.next(2)
        await client.quiet()
        asked = [await _answered(client, number, ask) for number, ask in enumerate(ASKED)]
    return {"requests": asked, "wire": [await _misused(url, password, misuse) for misuse in MISUSES]}


def kept() -> Json:
    """Return what the real OBS said when it was recorded."""
    return cast("Json", json.loads(ORACLE.read_text(encoding="utf-8")))


def _main() -> None:
    from tests.wire.obs.real import RealObs

    obs = RealObs()
    try:
        obs.start()
        found = asyncio.run(recorded(f"ws://127.0.0.1:{obs.port}", obs.password))
    finally:
        obs.stop()
    ORACLE.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{len(cast('list[Json]', found['requests']))} requests, {len(cast('list[Json]', found['wire']))} misuses")


if __name__ == "__main__":
    _main()
