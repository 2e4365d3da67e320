"""What a client and an OBS said to each other, kept as JSON lines and said again.

A line is `{"at_s": 0.012, "from": "obs", "op": 0, "d": {...}}`. Proofs of a password are
not kept, so a tape may be passed on; names of scenes and inputs are in it.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from drivers.obs.sim.client import JSON, Body

CLIENT, OBS = "client", "obs"
_PROTOCOLS = [Subprotocol(JSON)]
_NOT_KEPT = "authentication"
_NO_SUCH: Body = {"result": False, "code": 204, "comment": "Nothing on the tape answers this."}


@dataclass(frozen=True)
class Line:
    """One message."""

    at_s: float
    sender: str
    op: int
    body: Body

    @classmethod
    def read(cls, text: str) -> Line:
        """Return the line that `text` is.

        Raises:
            ValueError: it is none.
        """
        try:
            kept = json.loads(text)
            return cls(float(kept["at_s"]), str(kept["from"]), int(kept["op"]), dict(kept["d"]))
        except (KeyError, TypeError) as error:
            raise ValueError(f"no line of a tape: {text[:60]!r}") from error

    def __str__(self) -> str:
        kept = {"at_s": round(self.at_s, 4), "from": self.sender, "op": self.op, "d": self.body}
        return json.dumps(kept, ensure_ascii=False)


class Recorder:
    """Stands between clients and an OBS, and keeps what is said; JSON only."""

    def __init__(self, path: Path, host: str, port: int) -> None:
        self.port = 0
        self._path = path
        self._obs = f"ws://{host}:{port}"
        self._began_s = time.monotonic()
        self._server: Server | None = None
        self._file: IO[str] | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen, and begin a new tape."""
        self._file = self._path.open("w", encoding="utf-8")
        self._server = await serve(
            self._serve, host, port, select_subprotocol=_choose, compression=None, ping_interval=None, max_size=None,
            close_timeout=0.5,
        )  # fmt: skip
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """End every connection and close the tape."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        if self._file is not None:
            self._file.close()

    async def _serve(self, client: ServerConnection) -> None:
        async with connect(self._obs, subprotocols=_PROTOCOLS, compression=None, max_size=None) as obs:
            both = (
                asyncio.create_task(self._pass(client, obs, CLIENT)),
                asyncio.create_task(self._pass(obs, client, OBS)),
            )
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            await client.close(obs.close_code or 1000, obs.close_reason or "")
        await asyncio.gather(*both, return_exceptions=True)

    async def _pass(
        self, source: ServerConnection | ClientConnection, to: ServerConnection | ClientConnection, sender: str
    ) -> None:
        try:
            async for text in source:
                self._keep(sender, text)
                await to.send(text)
        except ConnectionClosed:
            return

    def _keep(self, sender: str, text: str | bytes) -> None:
        message = json.loads(text)
        body = {name: value for name, value in message["d"].items() if name != _NOT_KEPT}
        if self._file is not None:
            print(Line(time.monotonic() - self._began_s, sender, message["op"], body), file=self._file, flush=True)


class Replayer:
    """Says again what is on a tape: to each request the answer it had, and the events that followed."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self.port = 0
        self._lines = list(lines)
        self._server: Server | None = None

    @classmethod
    def load(cls, path: Path) -> Replayer:
        """Return the replayer of a tape.

        Raises:
            ValueError: it is no tape, or nothing is on it.
        """
        lines = [Line.read(text) for text in path.read_text(encoding="utf-8").splitlines()]
        if not lines or (lines[0].sender, lines[0].op) != (OBS, 0):
            raise ValueError(f"{path}: wanted a tape that begins with the hello of OBS")
        return cls(lines)

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen."""
        self._server = await serve(
            self._serve, host, port, select_subprotocol=_choose, compression=None, ping_interval=None, close_timeout=0.5
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """End every connection."""
        if self._server is not None:
            self._server.close(code=1001, reason="Server stopping.")
            await self._server.wait_closed()

    async def _serve(self, client: ServerConnection) -> None:
        left = list(self._lines)
        try:
            await _say(client, left.pop(0))
            async for text in client:
                for line in _following(left, json.loads(text)):
                    await _say(client, line)
        except ConnectionClosed:
            return


def _choose(_: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """Take JSON; a client that names nothing speaks it too."""
    return _PROTOCOLS[0] if _PROTOCOLS[0] in offered else None


async def _say(client: ServerConnection, line: Line) -> None:
    await client.send(json.dumps({"op": line.op, "d": line.body}))


def _following(left: list[Line], message: Body) -> list[Line]:
    """Take from the tape what OBS said to such a message; ids are the asker's."""
    op, body = message["op"], cast("Body", message["d"])
    for at, line in enumerate(left):
        if line.sender == CLIENT and line.op == op and (op == 1 or _asks(line.body) == _asks(body)):
            return _answer(left, at, body)
    if op not in {6, 8}:
        return []
    answer: Body = {"requestType": body.get("requestType"), "requestStatus": _NO_SUCH, "results": []}
    return [Line(0.0, OBS, 7 if op == 6 else 9, answer | {"requestId": body.get("requestId")})]


def _asks(body: Body) -> Body:
    """Return what a request is about."""
    return {name: value for name, value in body.items() if name != "requestId"}


def _answer(left: list[Line], at: int, body: Body) -> list[Line]:
    """Take a request, its answer and the events up to the next request."""
    asked = left.pop(at)
    said = []
    while at < len(left):
        line = left[at]
        if line.op in {7, 9} and line.body.get("requestId") == asked.body.get("requestId"):
            said.append(Line(line.at_s, OBS, line.op, left.pop(at).body | {"requestId": body["requestId"]}))
        elif line.op == 5 or (line.op == 2 and asked.op in {1, 3}):
            said.append(left.pop(at))
        elif line.sender == CLIENT and _answered(said):
            break
        else:
            at += 1
    return said


def _answered(said: list[Line]) -> bool:
    return any(line.op != 5 for line in said)
