"""One connection to the simulated OBS: its encoding, what it hears, and how bytes go out."""

from __future__ import annotations

import asyncio
import json
import secrets
from dataclasses import dataclass, field

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from drivers.obs.sim import msgpack

LOW_VOLUME = (1 << 11) - 1
"""What a client hears that does not choose."""
JSON, MSGPACK = "obswebsocket.json", "obswebsocket.msgpack"

Body = dict[str, object]


class Close(Exception):
    """The protocol demands that the connection ends."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Dribble:
    """A transport that gives each byte a packet of its own."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def write(self, content: bytes) -> None:
        """Write byte by byte."""
        for at in range(len(content)):
            self._transport.write(content[at : at + 1])

    def __getattr__(self, name: str) -> object:
        return getattr(self._transport, name)


@dataclass(eq=False)
class Client:
    """One connection."""

    connection: ServerConnection
    challenge: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    identified: bool = False
    subscriptions: int = LOW_VOLUME
    received: int = 0
    sent: int = 0
    silent: bool = False
    """Nothing goes out any more, and nobody is told."""
    _outbox: asyncio.Queue[str | bytes] = field(default_factory=asyncio.Queue)

    @property
    def binary(self) -> bool:
        """Whether it speaks MessagePack."""
        return self.connection.subprotocol == MSGPACK

    def post(self, op: int, body: Body) -> None:
        """Have one message sent, after those before it."""
        message = {"op": op, "d": body}
        self.post_raw(msgpack.packed(message) if self.binary else json.dumps(message))

    def post_raw(self, content: str | bytes) -> None:
        """Have something sent as it is."""
        self.sent += 1
        self._outbox.put_nowait(content)

    async def write(self) -> None:
        """Send what is posted until the connection ends."""
        try:
            while True:
                content = await self._outbox.get()
                if not self.silent:
                    await self.connection.send(content)
        except ConnectionClosed:
            return

    async def close(self, code: int, reason: str) -> None:
        """Close, after what was posted."""
        while not self._outbox.empty() and not self.silent:
            await self.connection.send(self._outbox.get_nowait())
        await self.connection.close(code, reason)

    def hears(self, intent: int) -> bool:
        """Whether it wants events of a kind."""
        return self.identified and bool(self.subscriptions & intent)

    def read(self, content: str | bytes) -> tuple[int, Body]:
        """Return op and body of a message.

        Raises:
            Close: it is none.
        """
        self.received += 1
        message = self._decoded(content)
        if not isinstance(message, dict):
            raise Close(4002, "You sent a non-object payload.")
        if "op" not in message:
            raise Close(4006, "Your request is missing an `op`.")
        op, body = message["op"], message.get("d")
        if isinstance(op, bool) or not isinstance(op, int):
            raise Close(4006, "Your `op` is not a number.")
        if body is None:
            raise Close(4003, "Your payload is missing data (`d`).")
        if not isinstance(body, dict):
            raise Close(4004, "Your payload's data (`d`) is not an object.")
        return op, body

    def _decoded(self, content: str | bytes) -> object:
        if isinstance(content, bytes) is not self.binary:
            ours, theirs = ("MsgPack", "a text") if self.binary else ("Json", "a binary")
            raise Close(4002, f"Your session encoding is set to {ours}, but {theirs} message was received.")
        try:
            return msgpack.unpacked(content) if isinstance(content, bytes) else json.loads(content)
        except ValueError as error:
            kind = "MsgPack" if self.binary else "Json"
            raise Close(4002, f"Unable to decode {kind}: {error}"[:120]) from error
