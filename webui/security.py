"""What every answer and every request of both faces must keep to, as plain ASGI middleware.

middleware=[
    Middleware(SecureHeaders),
    Middleware(SameOrigin),
    Middleware(BodyLimit, most_bytes=64 * 1024),
]
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_POLICY = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
"""No inline script, no inline style, nothing from elsewhere; style attributes are inline style too."""

HEADERS = {
    "content-security-policy": CONTENT_POLICY,
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
READ_AND_FORGOTTEN = 8
"""So many times the limit is read of a body that is refused."""
_OWN_SITE = frozenset({"same-origin", "none"})


class SecureHeaders:
    """Puts `HEADERS` on every answer that does not set them itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and dress its answer."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


class SameOrigin:
    """Refuses unsafe requests and WebSocket handshakes that another site's page started.

    Browsers name the page's origin on each of them; a request that names none comes from no
    browser and carries nobody's cookies. `also` are further origins, such as the public
    address when a proxy changes Host.
    """

    def __init__(self, app: ASGIApp, also: Collection[str] = ()) -> None:
        self._app = app
        self._also = frozenset(origin.rstrip("/") for origin in also)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on unless another site started it."""
        guarded = scope["type"] == "websocket" or (scope["type"] == "http" and scope["method"] not in SAFE_METHODS)
        if not guarded or self._own(Headers(scope=scope)):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": "foreign origin"})
        else:
            await problem(403, "origin.foreign", "the request came from a page of another site")(scope, receive, send)

    def _own(self, headers: Headers) -> bool:
        origin = headers.get("origin")
        if origin is not None:
            return origin in self._also or urlsplit(origin).netloc == headers.get("host")
        return headers.get("sec-fetch-site", "none") in _OWN_SITE


class BodyTooLarge(HTTPException):
    """A request's body is longer than its route takes."""

    def __init__(self, most_bytes: int) -> None:
        super().__init__(413, f"the body is longer than {most_bytes} bytes")


class BodyLimit:
    """Refuses requests whose body is longer than `most_bytes`, counted as it arrives.

    `larger` allows more under some path prefixes, for uploads. For paths of which `by_app`
    says so the application makes the answer, from the `BodyTooLarge` that reading the body raises: a page for people.
    """

    def __init__(
        self,
        app: ASGIApp,
        most_bytes: int = 64 * 1024,
        larger: dict[str, int] | None = None,
        *,
        by_app: Callable[[str], bool] = lambda _path: False,
    ) -> None:
        self._app = app
        self._most_bytes = most_bytes
        self._larger = larger or {}
        self._by_app = by_app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, with its body counted."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = self._most(scope["path"])
        if int(Headers(scope=scope).get("content-length", "0")) <= most:
            await self._app(scope, _counted(receive, most), send)
        elif self._by_app(scope["path"]):
            await self._app(scope, _refused(receive, most), send)
        else:
            await _too_large(most)(scope, receive, send)

    def _most(self, path: str) -> int:
        return next((most for prefix, most in self._larger.items() if path.startswith(prefix)), self._most_bytes)


def _counted(receive: Receive, most_bytes: int) -> Receive:
    seen = 0

    async def count() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > most_bytes:
            raise BodyTooLarge(most_bytes)
        return message

    return count


def _refused(receive: Receive, most_bytes: int) -> Receive:
    """Return what reads the body to its end and refuses it: a browser that still sends would not see an answer."""

    async def refuse() -> Message:
        seen, more = 0, True
        while more and seen < READ_AND_FORGOTTEN * most_bytes:
            message = await receive()
            seen += len(message.get("body", b""))
            more = message.get("more_body", False)
        raise BodyTooLarge(most_bytes)

    return refuse


def _too_large(most_bytes: int) -> JSONResponse:
    return problem(413, "body.too_large", f"the body is longer than {most_bytes} bytes")


def problem(status: int, code: str, detail: str, **more: object) -> JSONResponse:
    """Return an error as problem+json; `code` is stable, `detail` is English for logs."""
    body = {"type": "about:blank", "status": status, "code": code, "detail": detail, **more}
    return JSONResponse(body, status_code=status, media_type="application/problem+json")
