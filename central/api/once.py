"""`Idempotency-Key` for every POST of the API: the same key is carried out once.

The first answer is kept for a day and given again, with `Idempotency-Replayed: true`. The
same key with another order is refused (422), and so is one whose first sending is still at
work after a while (409). Answers that say "not now" or "not you" are not kept, nor are our
own faults: the key can be used again.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from central.answered import Answered, Kept, Order
from central.api.guard import person_of, services_of
from central.api.problems import for_programs
from central.errors import CentralError, Invalid, Refused, Wrong

HEADER: Final = "idempotency-key"
REPLAYED: Final = "idempotency-replayed"
KEY: Final = re.compile(r"[\x21-\x7e]{1,200}")
WAITS_S: Final = 10.0
LOOKS_EVERY_S: Final = 0.05
_KEPT_HEADERS: Final = ("content-type", "etag")
_NOT_KEPT: Final = frozenset({401, 403, 429})
_BOUNDARY: Final = re.compile(rb'boundary="?([^";,\s]{1,200})')

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class Once(APIRoute):
    """A route whose POST is carried out once per key."""

    def get_route_handler(self) -> Handler:
        """Return the handler, with the key looked at before it."""
        handle = super().get_route_handler()
        if "POST" not in (self.methods or ()):
            return handle

        async def once(request: Request) -> Response:
            key = request.headers.get(HEADER)
            if key is None:
                return await handle(request)
            return await _once(request, key, handle)

        return once


async def _once(request: Request, key: str, handle: Handler) -> Response:
    """Carry the order out, or answer as the first time.

    Raises:
        Invalid: the key is none.
        Refused: the first sending is still at work.
        KeyReused: the key stands for another order.
    """
    if not KEY.fullmatch(key):
        raise Invalid(Wrong("idempotency-key", "key.unreadable", "wanted 1 to 200 printable ASCII characters"))
    person = await run_in_threadpool(person_of, request)
    if person is None:  # log-in, and whoever is refused anyhow
        return await handle(request)
    answered = services_of(request).answered
    order = Order(person.id, key, await _fingerprint(request))
    deadline = asyncio.get_running_loop().time() + WAITS_S
    while not await run_in_threadpool(answered.claim, order):
        kept = await run_in_threadpool(answered.kept, order)
        if kept is not None:
            return Response(kept.body, kept.status, {**kept.headers, REPLAYED: "true"})
        if asyncio.get_running_loop().time() > deadline:
            raise Refused("idempotency.running", "the first sending of this order is still at work")
        await asyncio.sleep(LOOKS_EVERY_S)
    return await _carried_out(request, order, handle, answered)


async def _carried_out(request: Request, order: Order, handle: Handler, answered: Answered) -> Response:
    """Return the answer, kept when it is one to keep."""
    try:
        response = await _answer(request, handle)
    except Exception:
        await run_in_threadpool(answered.release, order)
        raise
    if response.status_code >= 500 or response.status_code in _NOT_KEPT:
        await run_in_threadpool(answered.release, order)
        return response
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    body = bytes(response.body).decode()
    await run_in_threadpool(answered.keep, order, Kept(response.status_code, headers, body))
    return response


async def _answer(request: Request, handle: Callable[[Request], Awaitable[Response]]) -> Response:
    """Return the answer, also when it is a refusal."""
    try:
        return await handle(request)
    except (CentralError, HTTPException, RequestValidationError) as error:
        return for_programs(request, error)


async def _fingerprint(request: Request) -> str:
    """Return what the order is: a form sent twice has another boundary each time, so that is left out."""
    content = await request.body()
    kind = request.headers.get("content-type", "").encode()
    if found := _BOUNDARY.search(kind):
        content = content.replace(found[1], b"boundary")
    said = f"{request.method} {request.url.path}?{request.url.query}\n{request.headers.get('if-match', '')}\n"
    return hashlib.sha256(said.encode() + content).hexdigest()
