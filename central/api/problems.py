"""Errors of central as problem+json, with a stable code."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import asdict

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from central.errors import (
    Away,
    CentralError,
    Erased,
    Forbidden,
    Invalid,
    KeyReused,
    NotFound,
    NotLoggedIn,
    Refused,
    Stale,
    TooMany,
    Unconditional,
)
from central.register import BadFile
from webui.security import BodyTooLarge, problem

API = "/api/"

log = logging.getLogger(__name__)

_STATUS: dict[type[CentralError], int] = {
    Erased: 410,
    NotFound: 404,
    Forbidden: 403,
    NotLoggedIn: 401,
    Invalid: 422,
    BadFile: 422,
    Refused: 409,
    Stale: 412,
    Unconditional: 428,
    KeyReused: 422,
    TooMany: 429,
    Away: 503,
}


def status_of(error: CentralError) -> int:
    """Return the HTTP status of an error of ours."""
    return next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 500)


def answer(error: CentralError) -> JSONResponse:
    """Return the error as problem+json."""
    more: dict[str, object] = {"values": jsonable_encoder(dict(error.values))}
    if isinstance(error, Invalid):
        more["wrongs"] = [asdict(wrong) for wrong in error.wrongs]
    if isinstance(error, BadFile):
        more["cells"] = [asdict(cell) for cell in error.cells]
    if isinstance(error, Refused) and error.findings:
        more["findings"] = jsonable_encoder([asdict(finding) for finding in error.findings])
    response = problem(status_of(error), error.code, str(error), **more)
    if isinstance(error, (TooMany, Away)):
        response.headers["retry-after"] = f"{error.after.total_seconds():.0f}"
    return response


Page = Callable[[Request, Exception], Awaitable[Response]]


def install(app: FastAPI, page: Page) -> None:
    """Let `app` answer programs this way, and people with `page`."""

    async def handle(request: Request, error: Exception) -> Response:
        if not request.url.path.startswith(API):
            return await page(request, error)
        return for_programs(request, error)

    for kind in (CentralError, HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(kind, handle)


def for_programs(request: Request, error: Exception) -> JSONResponse:
    """Return any error as problem+json; one that is a fault of ours is written down."""
    if isinstance(error, CentralError):
        return answer(error)
    if isinstance(error, BodyTooLarge):
        return problem(413, "body.too_large", str(error.detail))
    if isinstance(error, HTTPException):
        return problem(error.status_code, f"http.{error.status_code}", str(error.detail))
    if isinstance(error, RequestValidationError):
        return problem(422, "fields.invalid", "fields are missing or wrong", wrongs=_wrongs(error))
    said = {"action": "request_failed", "path": request.url.path}
    log.error("a request failed", extra=said, exc_info=error)
    return problem(500, "central.fault", "something went wrong here; it was written down")


def _wrongs(error: RequestValidationError) -> list[dict[str, str]]:
    return [
        {"field": ".".join(str(part) for part in found["loc"][1:]), "code": found["type"], "text": found["msg"]}
        for found in error.errors()
    ]
