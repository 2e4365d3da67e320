"""The tablet's web server, in the agent's own task group and with the agent's own signals."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator

import uvicorn

from agent.roomfile import listen_address
from agent.support import Support
from agent.tablet import Tablet
from agent.web.app import create_app

WEB_STOPS_WITHIN_S = 1.0


@contextlib.contextmanager
def listening(where: str) -> Iterator[socket.socket]:
    """Hold a listening socket meanwhile.

    Raises:
        OSError: the address cannot be listened on.
    """
    host, port = listen_address(where)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family) as listener:
        yield listener


class Server(uvicorn.Server):
    """Leaves signals to us and says when it listens."""

    def __init__(self, tablet: Tablet, support: Support, tell: Callable[[], None]) -> None:
        """Serve `tablet` and what `support` wants to know; `tell` is called once it listens."""
        super().__init__(_settings(tablet, support))
        self._tell_ready = tell

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Do nothing: the agent stops as a whole."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, tell whoever supervises us, then print where."""
        await super().startup(sockets)
        self._tell_ready()
        for listener in sockets or []:
            host, port = listener.getsockname()[:2]
            shown = f"[{host}]" if ":" in host else host
            print(f"ready http://{shown}:{port}", flush=True)


def _settings(tablet: Tablet, support: Support) -> uvicorn.Config:
    return uvicorn.Config(
        create_app(tablet, support.bundle),
        lifespan="on",
        ws="websockets-sansio",
        http="h11",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )


async def serve_web(server: Server, listener: socket.socket) -> None:
    """Serve until told to stop."""
    await server.serve(sockets=[listener])


async def stop_web(server: Server, task: asyncio.Task[None]) -> None:
    """End the server in its own way, so that its sockets close."""
    server.should_exit = True
    done, _ = await asyncio.wait({task}, timeout=WEB_STOPS_WITHIN_S + 1.0)
    if not done:
        task.cancel()
