"""Central as a process: the application, its broker, the exchange, one task group.

settings = load(Path("configs/central.yaml"))
asyncio.run(serve(settings))
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Final

from fastapi import APIRouter, Depends, FastAPI
from starlette.middleware import Middleware
from starlette.responses import JSONResponse

from central.api import docs, problems, routes
from central.api.guard import CurrentServices, check_guarded, public
from central.broker import ManagedBroker
from central.exchange import Exchange
from central.publication import Outbox
from central.records import Records
from central.services import Services, make_services
from central.settings import CentralSettings, split_address
from central.web.errors import answer as answer_people
from central.web.pages import add_pages, follow
from central.web_server import WebServer
from contract.link import Broker
from webui.security import BodyLimit, SameOrigin, SecureHeaders

FORM_AT_MOST: Final = 64 * 1024
UPLOAD_PATHS: Final = ("/api/v1/requests", "/permohonan")
"""Below these a body may hold a letter."""

health = APIRouter(dependencies=[Depends(public)], include_in_schema=False)


@health.get("/healthz")
def healthz() -> dict[str, str]:
    """Answer: the process is there."""
    return {"state": "ok"}


@health.get("/readyz")
def readyz(services: CurrentServices) -> JSONResponse:
    """Answer whether bookings can be taken: the database answers and the broker is there."""
    with services.store.reading() as connection:
        connection.exec_driver_sql("SELECT 1")
    broker = services.broker_is_up()
    return JSONResponse({"database": True, "broker": broker}, status_code=200 if broker else 503)


def create_app(services: Services) -> FastAPI:
    """Return the web application: JSON API, pages, health.

    Raises:
        RuntimeError: a route names no action of `central.permissions`.
    """
    file = services.settings.file
    letter_body = file.letters.at_most_mib * 1024 * 1024 + FORM_AT_MOST
    app = FastAPI(
        title="Siaga central",
        version=version("siaga"),
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        middleware=[
            Middleware(SecureHeaders),
            Middleware(SameOrigin, also=[file.public_url]),
            Middleware(BodyLimit, most_bytes=FORM_AT_MOST, larger=dict.fromkeys(UPLOAD_PATHS, letter_body)),
        ],
    )
    app.state.services = services
    problems.install(app, answer_people)
    for router in (health, docs.router, routes.router):
        app.include_router(router)
    add_pages(app, services)
    check_guarded(app.routes)
    return app


async def run(settings: CentralSettings) -> None:
    """Serve until a signal; print `ready URL` once the address answers.

    Raises:
        Unfit: the database is newer than this version, or accepts overlaps.
        NoBroker: Mosquitto is not installed or does not start.
        FileMistakes: the credentials of the office's own broker are missing or wrong.
        OSError: the address to listen on is taken.
    """
    await serve(settings)


def _say_ready(url: str) -> None:
    sys.stdout.write(f"ready {url}\n")
    sys.stdout.flush()


async def serve(
    settings: CentralSettings, *, ready: Callable[[str], None] = _say_ready, stop: asyncio.Event | None = None
) -> None:
    """Serve until SIGTERM or SIGINT, or until `stop` is set; `ready` gets the address people use.

    Raises:
        Unfit: the database is newer than this version, or accepts overlaps.
        NoBroker: Mosquitto is not installed or does not start.
        FileMistakes: the credentials of the office's own broker are missing or wrong.
        OSError: the address to listen on is taken.
    """
    services = make_services(settings)
    stopping = stop or asyncio.Event()
    try:
        with _signals(stopping):
            await _Central(services).run(ready, stopping)
    finally:
        services.store.close()


class _Central:
    """The running parts."""

    def __init__(self, services: Services) -> None:
        self._services = services
        settings = services.settings
        self._managed = _managed_broker(settings) if settings.file.broker.managed else None
        self._exchange = _make_exchange(services, self._managed.link if self._managed else settings.office_broker())
        services.watch_broker(lambda: self._exchange.is_up)
        self._app = create_app(services)
        self._web = WebServer(self._app, *split_address(settings.file.listen))

    async def run(self, ready: Callable[[str], None], stopping: asyncio.Event) -> None:
        """Run all parts; stop them in the order that lets each say its last word."""
        async with asyncio.TaskGroup() as tasks:
            broker = tasks.create_task(self._managed.run(), name="broker") if self._managed else None
            if self._managed:
                await self._managed.listening()
            exchange = tasks.create_task(self._exchange.run(), name="exchange")
            pages = tasks.create_task(follow(self._app.state.parts), name="live pages")
            web = tasks.create_task(self._web.run(), name="web")
            await self._web.started()
            ready(self._url())
            await stopping.wait()
            self._web.stop()
            await asyncio.wait([web])
            pages.cancel()
            exchange.cancel()
            await asyncio.wait([exchange, pages])
            if broker:
                broker.cancel()

    def _url(self) -> str:
        host, port = self._web.address
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _managed_broker(settings: CentralSettings) -> ManagedBroker:
    host, port = split_address(settings.file.broker.listen)
    return ManagedBroker(settings.folder / "broker", host, port)


def _make_exchange(services: Services, broker: Broker) -> Exchange:
    settings, store = services.settings, services.store
    outbox = Outbox(store, settings.file.schedule_window, now=services.desk.now)
    records = Records(store, settings.policy.sop(), now=services.desk.now)
    return Exchange(broker, outbox, records, services.bell)


@contextlib.contextmanager
def _signals(stopping: asyncio.Event) -> Iterator[None]:
    """Let SIGTERM and SIGINT set `stopping`; outside the main thread there are no signals to take."""
    loop = asyncio.get_running_loop()
    taken: list[signal.Signals] = []
    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            with contextlib.suppress(ValueError, RuntimeError):
                loop.add_signal_handler(number, stopping.set)
                taken.append(number)
        yield
    finally:
        for number in taken:
            loop.remove_signal_handler(number)
