"""Uvicorn as one task among others: its own signal handling off, its port known before it serves."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Collection, Iterator

import uvicorn
from starlette.types import ASGIApp

from central.doors import guarded
from central.memory import settled

GRACE_S = 2
BACKLOG = 1024
ASK_EVERY_S = 3.0
ANSWER_WITHIN_S = 5.0
_QUESTION = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


class _Server(uvicorn.Server):
    """Leaves signals to the application, which stops everything in order, and says when it is up."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        self.up.set()


def _listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        OSError: the address is taken or not this machine's; says so in one line.
    """
    try:
        return socket.create_server((host, port), backlog=BACKLOG, reuse_port=False)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        hint = "does another central run, or another program? See `listen` in central's file"
        raise OSError(f"wanted to listen on {host}:{port}, found: {why}; {hint}") from error


class WebServer:
    """Serves one application on one address.

    What `proxies` say about who asks is taken, and they may open as many sockets as they
    like; `limits` are those of `central.doors` under other numbers.
    """

    def __init__(
        self, app: ASGIApp, host: str, port: int, *, proxies: Collection[str] = ("127.0.0.1", "::1"), **limits: float
    ) -> None:
        self._socket = _listen(host, port)
        self.answered_at = time.monotonic()
        """When it last answered over its own address."""
        self._server = _Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                lifespan="off",
                server_header=False,
                timeout_graceful_shutdown=GRACE_S,
                ws="websockets-sansio",
                http=guarded(unlimited=proxies, **limits),
                forwarded_allow_ips=list(proxies),
            )
        )

    @property
    def address(self) -> tuple[str, int]:
        """Host and port it listens on."""
        host, port = self._socket.getsockname()[:2]
        return str(host), int(port)

    async def run(self) -> None:
        """Serve until `stop` was called."""
        try:
            with settled():
                await self._server.serve(sockets=[self._socket])
        finally:
            self._socket.close()

    async def started(self) -> None:
        """Return once requests are answered."""
        await self._server.up.wait()

    def stop(self) -> None:
        """Take no more requests, finish those that run, end."""
        self._server.should_exit = True

    async def keep_asking(self) -> None:
        """Ask ourselves over the network, as a browser would, until cancelled."""
        host, port = self.address
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - the other way round
        while True:
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(ANSWER_WITHIN_S):
                    if await _answers(host, port):
                        self.answered_at = time.monotonic()
            await asyncio.sleep(ASK_EVERY_S)


async def _answers(host: str, port: int) -> bool:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(_QUESTION)
        status = (await reader.readline()).split()
        return len(status) > 1 and status[1] == b"200"
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
