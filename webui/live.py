"""The live socket of a page: a snapshot first, then what changed, and commands the other way.

One JSON object a message. From the browser:

    {"t": "hello"}                                                      first; also asks for a fresh snapshot
    {"t": "do", "id": "k3-9", "what": "run", "args": {"name": "live"}}  a command with its target state
    anything else goes to `on_message`: {"t": "hold", "id": 17, …}, {"t": "stop", "id": 17}

To the browser:

    {"t": "snap", "rev": 813, "boot": "…", "ui": "9f3c", "now": 1793672220.5, "state": {slice: value}}
    {"t": "patch", "rev": 814, "set": {slice: value}}                   a slice that is gone is null
    {"t": "frag", "rev": 815, "ids": ["checks"]}                        fetch these fragments again
    {"t": "m", "mic": -18.2, "mic.peak": -9.1, "mic.flags": "hum"}      meters, and the heartbeat: at least every second
    {"t": "ack", "id": "k3-9", "ok": false, "code": "device_offline"}

State is kept as slices, and a slow client holds at most the newest value of each: what it
missed is not sent later. `rev` rises with every change; it may skip, it never goes back.
The hub belongs to one event loop; call it from there only.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
"""What a slice is made of."""

MeterValue = float | str | None
"""A level, words about it, or that there is none."""

BEAT_EVERY_S = 1.0
SEND_WITHIN_S = 5.0
"""A client that takes nothing for this long is dropped; it comes back by itself and gets a snapshot."""
MOST_MESSAGE_BYTES = 16 * 1024
MOST_PER_S = 60.0
BURST = 120.0
MOST_COMMANDS_AT_ONCE = 8
NEVER_TOO_MANY = frozenset({"mute-all"})
"""Commands that are taken however many others are still running."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ack:
    """The answer to one command: taken, or refused with a stable code."""

    ok: bool = True
    code: str = ""
    values: Mapping[str, Json] = field(default_factory=dict)


OnDo = Callable[[str, Mapping[str, Json]], Awaitable[Ack]]
"""Gets `what` and `args`; answers once the command is accepted, its effect shows in the slices."""
OnMessage = Callable[[Mapping[str, Json]], Awaitable[None]]
"""Gets every message that is neither `hello` nor `do`, in order."""
OnGone = Callable[[], Awaitable[None]]
"""Called when the page has gone, while commands that it gave may still run."""


async def _nothing_to_do(what: str, args: Mapping[str, Json]) -> Ack:
    del what, args
    return Ack(ok=False, code="unknown_command")


async def _ignore(message: Mapping[str, Json]) -> None:
    del message


async def _nothing_to_end() -> None:
    return


class Hub:
    """All open pages of one kind and the state they show.

    `boot` changes with every start of the process, `ui` with every change of the static files.
    """

    def __init__(self, *, boot: str, ui: str) -> None:
        self.boot = boot
        self.ui = ui
        self.rev = 0
        self._state: dict[str, Json] = {}
        self._clients: set[_Outbox] = set()

    @property
    def viewers(self) -> int:
        """How many pages are open."""
        return len(self._clients)

    def put(self, name: str, value: Json) -> None:
        """Set slice `name`; an equal value changes nothing and is not sent."""
        if name in self._state and self._state[name] == value:
            return
        self.rev += 1
        self._state[name] = value
        for client in self._clients:
            client.patch(name, value, self.rev)

    def forget(self, name: str) -> None:
        """Take slice `name` away; pages get null for it."""
        if self._state.pop(name, None) is not None:
            self.rev += 1
            for client in self._clients:
                client.patch(name, None, self.rev)

    def frag(self, fragment: str) -> None:
        """Tell pages to fetch `fragment` again, for structure that no slice describes."""
        self.rev += 1
        for client in self._clients:
            client.frag(fragment, self.rev)

    def meter(self, values: Mapping[str, MeterValue]) -> None:
        """Send fast values; not kept, not counted, the newest wins."""
        for client in self._clients:
            client.meter(values)

    async def serve(
        self,
        websocket: WebSocket,
        *,
        on_do: OnDo = _nothing_to_do,
        on_message: OnMessage = _ignore,
        on_gone: OnGone = _nothing_to_end,
    ) -> None:
        """Serve one page until it goes away; check its origin before (`webui.security`)."""
        await websocket.accept()
        outbox = _Outbox()
        outbox.snap(self._snapshot)
        self._clients.add(outbox)
        try:
            async with asyncio.TaskGroup() as tasks:
                sender = tasks.create_task(outbox.drain(websocket), name="live sender")
                reader = tasks.create_task(
                    _Reader(websocket, outbox, self._snapshot, on_do, on_message).run(tasks), name="live reader"
                )
                await asyncio.wait((sender, reader), return_when=asyncio.FIRST_COMPLETED)
                sender.cancel()
                reader.cancel()  # commands already taken run on to their end
                await on_gone()
        finally:
            self._clients.discard(outbox)

    def _snapshot(self) -> dict[str, Json]:
        head: dict[str, Json] = {"t": "snap", "rev": self.rev, "boot": self.boot, "ui": self.ui, "now": time.time()}
        return {**head, "state": dict(self._state)}


class _Outbox:
    """What one client has not been sent yet: the newest of everything."""

    def __init__(self) -> None:
        self._wake = asyncio.Event()
        self._snap: Callable[[], dict[str, Json]] | None = None
        self._slices: dict[str, Json] = {}
        self._fragments: set[str] = set()
        self._meters: dict[str, MeterValue] = {}
        self._acks: list[dict[str, Json]] = []
        self._rev = 0

    def snap(self, make: Callable[[], dict[str, Json]]) -> None:
        """Send a snapshot, made when it is sent; it covers every waiting patch."""
        self._snap = make
        self._wake.set()

    def patch(self, name: str, value: Json, rev: int) -> None:
        self._slices[name] = value
        self._rev = rev
        self._wake.set()

    def frag(self, fragment: str, rev: int) -> None:
        self._fragments.add(fragment)
        self._rev = rev
        self._wake.set()

    def meter(self, values: Mapping[str, MeterValue]) -> None:
        self._meters.update(values)
        self._wake.set()

    def ack(self, answer: dict[str, Json]) -> None:
        self._acks.append(answer)
        self._wake.set()

    async def drain(self, websocket: WebSocket) -> None:
        """Send what waits, and a heartbeat when nothing does, until the client is gone or too slow."""
        try:
            while True:
                await self._awake()
                for message in self._take():
                    async with asyncio.timeout(SEND_WITHIN_S):
                        await websocket.send_text(json.dumps(message, separators=(",", ":"), ensure_ascii=False))
        except (WebSocketDisconnect, TimeoutError, RuntimeError) as error:
            # RuntimeError is Starlette's word for sending after the peer has closed
            log.debug("live client gone", action="client_gone", why=str(error) or type(error).__name__)

    async def _awake(self) -> None:
        try:
            async with asyncio.timeout(BEAT_EVERY_S):
                await self._wake.wait()
        except TimeoutError:
            return
        self._wake.clear()

    def _take(self) -> list[dict[str, Json]]:
        snap, self._snap = self._snap, None
        slices, self._slices = self._slices, {}
        fragments, self._fragments = self._fragments, set()
        meters, self._meters = self._meters, {}
        acks, self._acks = self._acks, []
        messages = [snap()] if snap else []
        if slices and not snap:
            messages.append({"t": "patch", "rev": self._rev, "set": slices})
        if fragments:
            messages.append({"t": "frag", "rev": self._rev, "ids": [*sorted(fragments)]})
        messages += acks
        return messages if messages and not meters else [*messages, {"t": "m", **meters}]


class _Reader:
    """Takes one client's messages; leaves when the client does or does not keep to the rules."""

    def __init__(
        self,
        websocket: WebSocket,
        outbox: _Outbox,
        snapshot: Callable[[], dict[str, Json]],
        on_do: OnDo,
        on_message: OnMessage,
    ) -> None:
        self._websocket = websocket
        self._outbox = outbox
        self._snapshot = snapshot
        self._on_do = on_do
        self._on_message = on_message
        self._running = 0
        self._allowance = BURST
        self._counted_at = time.monotonic()

    async def run(self, commands: asyncio.TaskGroup) -> None:
        try:
            while (message := await self._next()) is not None:
                await self._handle(message, commands)
        except WebSocketDisconnect as gone:
            log.debug("live client left", action="client_left", code=gone.code)

    async def _next(self) -> Mapping[str, Json] | None:
        """Return the next message, or None after closing on a client that breaks the rules."""
        text = await self._websocket.receive_text()
        if len(text) > MOST_MESSAGE_BYTES or not self._within_rate():
            await self._websocket.close(1008, "too much")
            return None
        try:
            message = json.loads(text)
        except ValueError:
            message = None
        if isinstance(message, dict):
            return message
        await self._websocket.close(1007, "not a JSON object")
        return None

    def _within_rate(self) -> bool:
        now = time.monotonic()
        self._allowance = min(BURST, self._allowance + (now - self._counted_at) * MOST_PER_S) - 1
        self._counted_at = now
        return self._allowance >= 0

    async def _handle(self, message: Mapping[str, Json], commands: asyncio.TaskGroup) -> None:
        if message.get("t") == "hello":
            self._outbox.snap(self._snapshot)
        elif message.get("t") == "do":
            self._start(message, commands)
        else:
            await self._on_message(message)

    def _start(self, message: Mapping[str, Json], commands: asyncio.TaskGroup) -> None:
        """Run a command beside the others: a slow one must not delay the stop of a camera."""
        ident, what, args = message.get("id"), message.get("what"), message.get("args", {})
        if not (isinstance(ident, str) and isinstance(what, str) and isinstance(args, dict)):
            self._outbox.ack({"t": "ack", "id": ident, "ok": False, "code": "malformed"})
        elif self._running >= MOST_COMMANDS_AT_ONCE and what not in NEVER_TOO_MANY:
            self._outbox.ack({"t": "ack", "id": ident, "ok": False, "code": "busy"})
        else:
            self._running += 1
            commands.create_task(self._do(ident, what, args), name=f"live {what}")

    async def _do(self, ident: str, what: str, args: Mapping[str, Json]) -> None:
        try:
            ack = await self._on_do(what, args)
        finally:
            self._running -= 1
        self._outbox.ack({"t": "ack", "id": ident, "ok": ack.ok, "code": ack.code, **ack.values})
