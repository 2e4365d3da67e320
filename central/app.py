"""Central as a process: the application, its broker, the exchange, one task group.

settings = load(Path("configs/central.yaml"))
asyncio.run(serve(settings))
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Final

from fastapi import FastAPI
from starlette.middleware import Middleware

from central import bell, health
from central.api import docs, document, evidence, problems, routes
from central.api.guard import check_guarded
from central.broker import BrokerUnavailable, ManagedBroker
from central.configs import Configs
from central.db.outage import outlast
from central.db.wake import keep_listening
from central.exchange import Exchange
from central.ingest import Ingest
from central.metrics import InDatabase, Metrics, Timed
from central.nightly import Nightly, every_night
from central.notices.courier import Courier, carriers
from central.notices.wording import Wording
from central.publisher import Publisher
from central.restore import alone
from central.services import Services, make_services
from central.settings import CentralSettings, split_address
from central.web.errors import answer as answer_people
from central.web.pages import add_pages, follow
from central.web.rooms import ring_at_silence
from central.web.site import LOCALES
from central.web_server import WebServer
from contract.link import NotConnected
from contract.service import Service, Watchdog
from webui.security import BodyLimit, SameOrigin, SecureHeaders

FORM_AT_MOST: Final = 64 * 1024
UPLOAD_PATHS: Final = ("/api/v1/requests", "/api/v1/drafts", "/permohonan")
"""Below these a body may hold a letter."""
TABLE_PATHS: Final = ("/api/v1/register", "/api/v1/staff", "/kelola", "/kalender")
TABLE_AT_MOST: Final = 2 * 1024 * 1024
"""Below these a body may hold a table from a spreadsheet."""

RINGS: Final = {"ev": bell.REPORTS, "reply": bell.COMMANDS}
"""What rings when a room's message was stored; all others are about the room's state."""


def for_people(path: str) -> bool:
    """Return whether a path is a page: what is wrong with a request is then said on one."""
    return not path.startswith(problems.API)


def create_app(services: Services) -> FastAPI:
    """Return the web application: JSON API, pages, health.

    Raises:
        RuntimeError: a route names no action of `central.permissions`.
    """
    file = services.settings.file
    letter_body = file.letters.at_most_mib * 1024 * 1024 + FORM_AT_MOST
    larger = dict.fromkeys(UPLOAD_PATHS, letter_body) | dict.fromkeys(TABLE_PATHS, TABLE_AT_MOST)
    metrics = Metrics()
    app = FastAPI(
        title="Siaga central",
        version=version("siaga"),
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        middleware=[
            Middleware(Timed, metrics=metrics),
            Middleware(SecureHeaders),
            Middleware(SameOrigin, also=[file.public_url]),
            Middleware(BodyLimit, most_bytes=FORM_AT_MOST, larger=larger, by_app=for_people),
        ],
    )
    metrics.registry.register(InDatabase(services))
    app.state.metrics = metrics
    app.state.services = services
    problems.install(app, answer_people)
    for router in (health.router, docs.router, evidence.router, routes.router):
        app.include_router(router)
    document.install(app)
    add_pages(app, services)
    check_guarded(app.routes)
    return app


async def run(settings: CentralSettings) -> None:
    """Serve until a signal; print `ready URL` once the address answers.

    Raises:
        Unfit: the database is newer than this version, or accepts overlaps, or another central runs here.
        BrokerUnavailable: Mosquitto is not installed or does not start.
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
        Unfit: the database is newer than this version, or accepts overlaps, or another central runs here.
        BrokerUnavailable: Mosquitto is not installed or does not start.
        FileMistakes: the credentials of the office's own broker are missing or wrong.
        OSError: the address to listen on is taken.
    """
    stopping = stop or asyncio.Event()
    with alone(settings.folder):
        services = make_services(settings)
        try:
            with _signals(stopping):
                await _Central(services).run(ready, stopping)
        except* BrokerUnavailable as errors:
            raise errors.exceptions[0] from None  # one cause, said once
        finally:
            services.store.close()


class _Central:
    """The running parts."""

    def __init__(self, services: Services) -> None:
        settings, store, now = services.settings, services.store, services.desk.now
        self._service = Service.of(os.environ, os.getpid())
        self._bell = services.bell
        self._managed = _managed_broker(settings) if settings.file.broker.managed else None
        broker = self._managed.for_central if self._managed else settings.office_broker()
        self._store = store
        self._publisher = Publisher(store, now, ahead=settings.file.schedule_window)
        ingest = Ingest(store, now, services.post)
        url = settings.file.public_url
        self._configs = Configs(store)
        self._exchange = Exchange(broker, ingest, self._publisher, store.epoch, url=url, configs=self._configs)
        self._exchange.listen(lambda branch, _room: self._bell.ring(RINGS.get(branch, bell.ROOMS)))
        self._services, self._commands = services, services.commands
        self._commands.send_with(self._exchange.send)
        self._back: asyncio.Queue[str] = asyncio.Queue()
        self._exchange.listen(lambda branch, room: self._back.put_nowait(room) if branch == "presence" else None)
        services.watch_broker(lambda: self._exchange.link.is_up)
        self._courier = make_courier(services)
        self._audit = services.audit
        self._nightly = Nightly(store, settings, now)
        self._app = create_app(services)
        self._web = WebServer(self._app, *split_address(settings.file.listen), proxies=settings.file.proxies)

    async def run(self, ready: Callable[[str], None], stopping: asyncio.Event) -> None:
        """Run all parts; stop them in the order that lets each say its last word."""
        async with asyncio.TaskGroup() as tasks:
            broker = [tasks.create_task(self._managed.run(), name="broker")] if self._managed else []
            if self._managed:
                await self._managed.ready.wait()
            exchange = [
                tasks.create_task(self._exchange.run(), name="link"),
                tasks.create_task(self._ask_again(), name="open orders"),
                tasks.create_task(self._publisher.run(self._exchange.link), name="publisher"),
                tasks.create_task(self._configs.run(self._exchange.link), name="rooms' settings"),
                *(
                    tasks.create_task(one.run(self._exchange.link), name=f"reconciler of each {one.word}")
                    for one in self._exchange.reconcilers
                ),
                tasks.create_task(self._wake_publisher(), name="publisher's bell"),
                tasks.create_task(keep_listening(self._store, self._bell.ring), name="the database's bell"),
                tasks.create_task(follow(self._app.state.parts), name="live pages"),
                tasks.create_task(ring_at_silence(self._services), name="silent rooms"),
                tasks.create_task(self._courier.run(self._bell), name="courier"),
                tasks.create_task(self._audit.keep_sealing(), name="audit"),
                tasks.create_task(every_night(self._nightly, self._services.retention), name="nights"),
            ]
            web = tasks.create_task(self._web.run(), name="web")
            await self._web.started()
            alive = [
                tasks.create_task(self._web.keep_asking(), name="web answers"),
                tasks.create_task(self._watchdog().run(), name="watchdog"),
            ]
            self._service.ready(self._status())
            ready(self._url())
            await stopping.wait()
            self._service.stopping("finishing what is asked")
            await _cancel(alive)
            self._web.stop()
            await asyncio.wait([web])
            with contextlib.suppress(NotConnected):  # without a link there is nobody to say goodbye to
                await self._exchange.say_goodbye()
            await _cancel(exchange)
            await _cancel(broker)

    def _watchdog(self) -> Watchdog:
        """Return what vouches for central: its pages, its plans and its link have lately done their work."""
        web, publisher, link = self._web, self._publisher, self._exchange.link
        proofs = {"web": lambda: web.answered_at, "plans": lambda: publisher.looked_at, "link": link.ran_at}
        return Watchdog(self._service, proofs, self._status)

    def _status(self) -> str:
        return f"serving {self._url()}; broker {'connected' if self._exchange.link.is_up else 'away'}"

    async def _ask_again(self) -> None:
        """Ask a room that came back what became of its orders."""
        while True:
            await outlast("open orders", self._commands.ask_again, await self._back.get())

    async def _wake_publisher(self) -> None:
        with self._bell.listening(bell.SCHEDULE) as listener:
            async for _ in listener:
                self._publisher.wake()

    def _url(self) -> str:
        host, port = self._web.address
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def make_courier(services: Services) -> Courier:
    """Return what sends the messages of these services."""
    settings, now = services.settings, services.desk.now
    wanted = settings.file.notifications
    wording = Wording(settings.file.public_url, settings.zone, LOCALES)
    return Courier(services.store, wording, carriers(wanted, now), attempts=wanted.attempts, now=now)


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)


def _managed_broker(settings: CentralSettings) -> ManagedBroker:
    _, port = split_address(settings.file.broker.listen)
    return ManagedBroker(settings.folder / "broker", port)


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
