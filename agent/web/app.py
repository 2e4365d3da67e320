"""The tablet of a room as a Starlette application.

    app = create_app(room)                      # room: agent.web.face.RoomFace
    uvicorn.Config(app, lifespan="on", ws="websockets-sansio", …)

`/` is the page, `/live` its socket, `/f/…` its parts, `/api/v1/presets/NAME/run` for other
controllers, `/healthz` and `/metrics` for whoever watches, `/support.zip` for whoever helps from afar.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from agent.levels import SHOWN_SECONDS
from agent.web import hearing, slices
from agent.web.actions import Actions, Begin
from agent.web.face import Phase, Refused, RoomFace, Shot
from agent.web.holds import Hand, Hold, Holds
from agent.web.metrics import exposition
from drivers.ports import Level
from webui import assets, i18n
from webui.assets import Assets
from webui.env import environment, render
from webui.i18n import LANGUAGES, Locales, language_of
from webui.live import Hub, Json
from webui.security import BodyLimit, SameOrigin, SecureHeaders, problem
from webui.verbs import OUTCOMES

HERE = Path(__file__).parent
METERS_EVERY_S = 0.05
NOBODY_LOOKS_S = 0.5
THEME_COOKIE = "siaga_theme"
THEMES = ("dark", "light")
A_YEAR_S = 365 * 24 * 3600
PARTS = ("head", "session", "readiness", "checks", "sound", "soundcheck", "running", "foresight", "notable")
EXTENSION_MINUTES = 15
PICTURE_IS_OLD_AFTER = timedelta(seconds=5)


def create_app(room: RoomFace, support: Callable[[], Awaitable[bytes]] | None = None) -> Starlette:
    """Return the application that shows `room` and hands presses on to it; `support` makes the support bundle."""
    tablet = _Tablet(room)
    more = [] if support is None else [Route("/support.zip", _support_bundle(support))]
    return Starlette(
        routes=[
            Route("/", tablet.page),
            Route("/f/{part}", tablet.part),
            WebSocketRoute("/live", tablet.live),
            Route("/api/v1/presets/{name}/run", tablet.run, methods=["POST"]),
            Route("/language/{value}", tablet.choose_language, methods=["POST"]),
            Route("/theme/{value}", tablet.choose_theme, methods=["POST"]),
            Route("/programme.jpg", tablet.programme),
            Route("/presets/{name}.jpg", tablet.preset_picture),
            Route("/levels.json", tablet.levels),
            Route("/healthz", tablet.healthz),
            Route("/metrics", tablet.metrics),
            tablet.assets.route(),
            *more,
        ],
        middleware=[Middleware(SecureHeaders), Middleware(SameOrigin), Middleware(BodyLimit)],
        lifespan=tablet.lifespan,
    )


def _support_bundle(make: Callable[[], Awaitable[bytes]]) -> Callable[[Request], Awaitable[Response]]:
    """Return what answers with the bundle, one at a time: making one takes a moment of a processor."""
    turn = asyncio.Lock()

    async def bundle(_request: Request) -> Response:
        async with turn:
            made = await make()
        name = f"siaga-support-{datetime.now(UTC):%Y%m%d-%H%M%S}.zip"
        return Response(
            made,
            media_type="application/zip",
            headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
        )

    return bundle


def _picture(request: Request, shot: Shot) -> Response:
    tag = f'"{shot.tag}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(shot.jpeg, media_type="image/jpeg", headers=headers)


class _Tablet:
    """The pages of one room and what they share."""

    def __init__(self, room: RoomFace) -> None:
        self._room = room
        self._locales = Locales(i18n.KIT, HERE / "locales")
        self.assets = Assets(assets.KIT, HERE / "static")
        self._pages = environment(HERE / "templates", locales=self._locales, assets=self.assets)
        self._hub = Hub(boot=secrets.token_hex(4), ui=self.assets.version)
        self._holds = Holds(room)
        self._opened = 0
        self._due = False

    @asynccontextmanager
    async def lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        """Follow the room while the application runs."""
        unsubscribe = self._room.subscribe(self._changed)
        self._publish()
        async with asyncio.TaskGroup() as tasks:
            beat = tasks.create_task(self._send_meters(), name="tablet meters")
            try:
                yield
            finally:
                unsubscribe()
                beat.cancel()

    def _changed(self) -> None:
        """Publish once for a burst of changes."""
        if not self._due:
            self._due = True
            asyncio.get_running_loop().call_soon(self._publish)

    def _publish(self) -> None:
        self._due = False
        for name, value in slices.slices(self._room.facts, self._room.view()).items():
            self._hub.put(name, value)

    async def _send_meters(self) -> None:
        """Send levels while somebody looks; each once, and to a slow page only the newest."""
        sent: Mapping[str, Level] = {}
        while True:
            await asyncio.sleep(METERS_EVERY_S if self._hub.viewers else NOBODY_LOOKS_S)
            if self._hub.viewers and (levels := self._room.meters()) and levels != sent:
                sent = levels
                self._hub.meter(hearing.meters(levels))

    async def page(self, request: Request) -> Response:
        """Answer with the whole page as things are now."""
        self._publish()
        theme = request.cookies.get(THEME_COOKIE, THEMES[0])
        return self._html(
            request,
            "tablet.html",
            theme=theme,
            boot=self._hub.boot,
            rev=self._hub.rev,
            version=self._hub.ui,
            languages=LANGUAGES,
        )

    async def part(self, request: Request) -> Response:
        """Answer with one part of the page."""
        name = request.path_params["part"]
        if name not in PARTS:
            return PlainTextResponse("no such part", status_code=404)
        return self._html(request, f"parts/{name}.html")

    def _html(self, request: Request, template: str, **more: object) -> Response:
        facts, view = self._room.facts, self._room.view()
        html = render(
            self._pages,
            template,
            language_of(request),
            zone=facts.zone,
            facts=facts,
            view=view,
            words=slices,
            foresee=self._room.foresee,
            outcomes=OUTCOMES,
            hearing=hearing,
            extension_minutes=EXTENSION_MINUTES,
            Phase=Phase,
            **more,
        )
        return HTMLResponse(html, headers={"cache-control": "no-store"})

    async def live(self, websocket: WebSocket) -> None:
        """Serve one page's socket; whatever it still moves stops when it goes."""
        hand = self._hand(websocket)

        async def on_message(message: Mapping[str, Json]) -> None:
            if message.get("t") == "hold" and (hold := Hold.parse(message)):
                self._holds.renew(hand, hold)
            elif message.get("t") == "stop" and isinstance(ident := message.get("id"), int):
                self._holds.stop(hand, ident)

        async def begin(hold: Hold) -> None:
            await self._holds.begin(hand, hold)

        async def gone() -> None:
            await self._holds.gone(hand)

        actions = self._actions(websocket, "tablet", hold=begin)
        try:
            await self._hub.serve(websocket, on_do=actions.do, on_message=on_message, on_gone=gone)
        finally:
            await gone()

    def _hand(self, websocket: WebSocket) -> Hand:
        """Return a hand of a name that no other page has."""
        self._opened += 1
        where = websocket.client.host if websocket.client else "unknown"
        return Hand(f"tablet {where} #{self._opened}")

    def _actions(self, connection: HTTPConnection, kind: str, *, hold: Begin) -> Actions:
        where = connection.client.host if connection.client else "unknown"
        return Actions(self._room, self._locales, who=f"{kind} {where}", language=language_of(connection), hold=hold)

    async def run(self, request: Request) -> Response:
        """Start a preset for another controller; it runs on after the answer."""
        name = request.path_params["name"]
        if name not in {preset.name for preset in self._room.facts.presets}:
            return problem(404, "preset.unknown", f"there is no preset {name!r}")
        where = request.client.host if request.client else "unknown"
        try:
            values = (await request.json()).get("values", {}) if await request.body() else {}
        except (ValueError, AttributeError):
            values = None
        if not isinstance(values, dict):
            return problem(400, "command.malformed", 'wanted a JSON object like {"values": {"position": 3}}')
        try:
            await self._room.run_preset(name, who=f"http {where}", values=values)
        except Refused as refused:
            return problem(409, refused.reason.code, refused.reason.detail)
        return JSONResponse({"preset": name, "run": "running"}, status_code=202)

    async def choose_language(self, request: Request) -> Response:
        """Remember a language for this tablet."""
        return self._remember(request, i18n.COOKIE, LANGUAGES)

    async def choose_theme(self, request: Request) -> Response:
        """Remember a theme for this tablet."""
        return self._remember(request, THEME_COOKIE, THEMES)

    def _remember(self, request: Request, cookie: str, allowed: tuple[str, ...]) -> Response:
        value = request.path_params["value"]
        if value not in allowed:
            return problem(404, "choice.unknown", f"{value!r} is none of {', '.join(allowed)}")
        answer = RedirectResponse("/", status_code=303)
        answer.set_cookie(cookie, value, max_age=A_YEAR_S, httponly=True, samesite="lax")
        return answer

    async def programme(self, request: Request) -> Response:
        """Answer with what is on air, or that nobody has seen it for too long."""
        shot = self._room.programme()
        if shot is None or datetime.now(UTC) - shot.at > PICTURE_IS_OLD_AFTER:
            return Response(status_code=204, headers={"Cache-Control": "no-store"})
        return _picture(request, shot)

    async def preset_picture(self, request: Request) -> Response:
        """Answer with the picture of what a preset last made."""
        name = request.path_params["name"]
        shot = self._room.preset_picture(name)
        if shot is None:
            return problem(404, "picture.unknown", f"no picture of a preset {name!r}")
        return _picture(request, shot)

    async def levels(self, _request: Request) -> Response:
        """Answer with the latest seconds, oldest first, for the graph."""
        seconds = self._room.levels()
        body = {"seconds": SHOWN_SECONDS, "rms": [rms for rms, _ in seconds], "peak": [peak for _, peak in seconds]}
        return JSONResponse(body, headers={"Cache-Control": "no-store"})

    async def healthz(self, _request: Request) -> Response:
        """Answer that the process lives; the room's own health is in the page and the metrics."""
        return JSONResponse({"ok": True, "room": self._room.facts.id, "boot": self._hub.boot})

    async def metrics(self, _request: Request) -> Response:
        """Answer with the room's figures."""
        text = exposition(self._room.facts, self._room.view(), viewers=self._hub.viewers)
        return PlainTextResponse(text, media_type="text/plain; version=0.0.4")
