"""obs-websocket 5 on a socket, around a `Studio`; what can happen to it are its methods."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request
from websockets.typing import Subprotocol

from drivers.obs.sim import meters
from drivers.obs.sim.client import JSON, MSGPACK, Body, Client, Close, Dribble
from drivers.obs.sim.studio import CANVASES, GENERAL, METERS, Studio
from drivers.obs.sim.talk import Talk

COALESCED_WITHIN_S = 0.05
REORDERED_WITHIN_S = 0.03
_STORM_EVERY_S = 0.01
_DIED = 1006


class ObsSimulator:
    """The server. `port` is known once it has started."""

    def __init__(self, studio: Studio, password: str = "") -> None:
        self.studio = studio
        self.password = password
        self.port = 0
        self.host = "127.0.0.1"
        self.clients: set[Client] = set()
        self.metering = True
        """Whether levels are told by themselves to those who asked for them."""
        self._salt = secrets.token_urlsafe(32)
        self._server: Server | None = None
        self._frozen = False
        self._timers: list[asyncio.TimerHandle] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: dict[str, tuple[int, Body]] = {}
        self._pool: asyncio.Semaphore | None = None
        studio.emit = self._emit

    # Use cases.

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen."""
        self._frozen = False
        self._salt = secrets.token_urlsafe(32)
        self.host = host
        self._server = await serve(
            self._serve, host, port, select_subprotocol=_choose, process_request=self._greet, compression=None,
            ping_interval=None, close_timeout=0.5, max_size=None,
        )  # fmt: skip
        self.port = self._server.sockets[0].getsockname()[1]
        self.begin_faults()
        for job in (self._measure(), self._rage()):
            self._keep(job)

    def begin_faults(self) -> None:
        """Let those happen that are due some seconds from now."""
        faults, loop = self.studio.faults, asyncio.get_running_loop()
        due = (faults.freeze, self.freeze), (faults.crash, self.crash), (faults.half_open, self.cut)
        self._timers += [loop.call_later(wait_s, use_case) for wait_s, use_case in due if wait_s is not None]
        self._pool = asyncio.Semaphore(faults.workers) if faults.workers else None

    async def stop(self) -> None:
        """Quit as OBS does: an event, then close code 1001."""
        for timer in self._timers:
            timer.cancel()
        if self._frozen:
            self.crash()
        if self._server is not None and self._server.is_serving():
            self._told("ExitStarted", GENERAL, {})
            await asyncio.gather(*(client.close(1001, "Server stopping.") for client in set(self.clients)),
                                 return_exceptions=True)  # fmt: skip
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._server is not None:
            self._server.close(code=1001, reason="Server stopping.")
            await self._server.wait_closed()

    async def restart(self) -> None:
        """Quit and start on the same port."""
        await self.stop()
        await self.start(self.host, self.port)

    def crash(self) -> None:
        """Be gone without a word: every connection is cut and nothing listens."""
        if self._server is not None:
            self._server.server.close()
        for client in self.clients:
            client.connection.transport.abort()

    def freeze(self) -> None:
        """Neither read nor write another byte, as a process that hangs; its port still accepts."""
        self._frozen = True
        self.cut()

    def thaw(self) -> None:
        """Go on where it stopped."""
        self._frozen = False
        for client in self.clients:
            client.silent = False
            client.connection.transport.resume_reading()

    def cut(self) -> None:
        """Let open connections go silent without an end, as a cable that is pulled; new ones are served."""
        for client in self.clients:
            client.silent = True
            client.connection.transport.pause_reading()

    async def close_all(self, code: int, reason: str) -> None:
        """End every connection with a code."""
        await asyncio.gather(*(client.close(code, reason) for client in set(self.clients)), return_exceptions=True)

    async def kick(self) -> None:
        """End every connection as a person does in OBS's list of them."""
        await self.close_all(4011, "Your session has been invalidated.")

    def tell_unknown(self) -> None:
        """Send what obs-websocket 5.7 tells and 5.1 does not."""
        self._told("CanvasCreated", CANVASES, {"canvasName": "Vertikal", "canvasUuid": "0"})
        self._told("RecordFileChanged", 1 << 6, {"newOutputPath": "/rekaman/2.mkv"})
        for client in self.clients:
            client.post(99, {"from": "the future"})

    # Connections.

    def worker(self) -> AbstractAsyncContextManager[None]:
        """Return what is held while something is worked on; there may be few."""
        return self._pool if self._pool is not None else nullcontext()

    def _keep(self, job: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(job)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _greet(self, connection: ServerConnection, _: Request) -> None:
        if self._frozen:
            await connection.wait_closed()

    async def _serve(self, connection: ServerConnection) -> None:
        client = Client(connection)
        talk = Talk(client, self.studio, self.password, self._salt, self.worker)
        if self.studio.faults.one_byte:
            connection.transport = Dribble(connection.transport)  # type: ignore[assignment]
        self.clients.add(client)
        writing = asyncio.create_task(client.write())
        try:
            talk.hello()
            async with asyncio.TaskGroup() as group:  # OBS answers out of order too, from its pool of threads
                async for content in connection:
                    group.create_task(self._take(client, talk, content))
        except* ConnectionClosed:
            pass
        finally:
            writing.cancel()
            self.clients.discard(client)

    async def _take(self, client: Client, talk: Talk, content: str | bytes) -> None:
        """Answer one message, or end the connection with the code that it earned."""
        try:
            await talk.take(content)
        except Close as close:
            if close.code == _DIED:
                self.crash()
            else:
                await client.close(close.code, close.reason)
        except ConnectionClosed:
            return

    # Events.

    def _emit(self, name: str, intent: int, body: Body) -> None:
        """Tell an event, or what the lies make of it."""
        faults = self.studio.faults
        if faults.lost_events in {name, "all"} or not self.studio.ready:
            return
        if faults.coalesce:
            self._told_last(name, intent, body)
        elif faults.reorder:
            wait_s = self.studio.chance.uniform(0, REORDERED_WITHIN_S)
            self.studio.clock.later(wait_s, lambda: self._told(name, intent, body))
        else:
            self._told(name, intent, body)

    def _told_last(self, name: str, intent: int, body: Body) -> None:
        """Tell the last event of this name that comes within a moment."""
        asleep = name not in self._waiting
        self._waiting[name] = intent, body
        if asleep:
            self.studio.clock.later(COALESCED_WITHIN_S, lambda: self._told(name, *self._waiting.pop(name)))

    def _told(self, name: str, intent: int, body: Body) -> None:
        event: Body = {"eventType": name, "eventIntent": intent, "eventData": body}
        for client in self.clients:
            if client.hears(intent):
                client.post(5, event)

    async def _measure(self) -> None:
        """Send levels to whoever wants them."""
        while True:
            await self.studio.clock.sleep(meters.EVERY_S)
            if self.metering and any(client.hears(METERS) for client in self.clients) and not self._frozen:
                self._told("InputVolumeMeters", METERS, meters.levels(self.studio))

    async def _rage(self) -> None:
        """Send events that nobody asked for, as many as the fault wants."""
        told: Body = {"eventType": "CustomEvent", "eventIntent": GENERAL, "eventData": {"from": "a storm"}}
        owed = 0.0
        while True:
            await self.studio.clock.sleep(_STORM_EVERY_S)
            owed += self.studio.faults.storm * _STORM_EVERY_S
            for client in self.clients if owed >= 1 else ():
                for _ in range(int(owed)):
                    client.post(5, told)
            owed %= 1


def _choose(_: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """Take the first encoding that is known; a client that names none speaks JSON."""
    return next((one for one in offered if one in {JSON, MSGPACK}), None)
