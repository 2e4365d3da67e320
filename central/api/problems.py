"""Errors of central as problem+json, with a stable code."""

from __future__ import annotations

from dataclasses import asdict
from urllib.parse import urlencode

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from central.errors import CentralError, Forbidden, Invalid, NotFound, NotLoggedIn, Refused, TooMany
from webui.security import problem

API = "/api/"
LOGIN_PAGE = "/login"

_STATUS: dict[type[CentralError], int] = {
    NotFound: 404,
    Forbidden: 403,
    NotLoggedIn: 401,
    Invalid: 422,
    Refused: 409,
    TooMany: 429,
}


def status_of(error: CentralError) -> int:
    """Return the HTTP status of an error of ours."""
    return next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 500)


def answer(error: CentralError) -> JSONResponse:
    """Return the error as problem+json."""
    more: dict[str, object] = {"values": jsonable_encoder(dict(error.values))}
    if isinstance(error, Invalid):
        more["wrongs"] = [asdict(wrong) for wrong in error.wrongs]
    if isinstance(error, Refused) and error.findings:
        more["findings"] = jsonable_encoder([asdict(finding) for finding in error.findings])
    response = problem(status_of(error), error.code, str(error), **more)
    if isinstance(error, TooMany):
        response.headers["retry-after"] = f"{error.after.total_seconds():.0f}"
    return response


def install(app: FastAPI) -> None:
    """Let `app` answer errors this way; a page without log-in leads to the log-in page."""

    async def ours(request: Request, error: Exception) -> Response:
        if not isinstance(error, CentralError):
            raise error
        if isinstance(error, NotLoggedIn) and not request.url.path.startswith(API) and request.method == "GET":
            return RedirectResponse(f"{LOGIN_PAGE}?{urlencode({'next': request.url.path})}", 303)
        return answer(error)

    async def http(request: Request, error: Exception) -> Response:
        del request
        if not isinstance(error, HTTPException):
            raise error
        return problem(error.status_code, f"http.{error.status_code}", str(error.detail))

    async def fields(request: Request, error: Exception) -> Response:
        del request
        if not isinstance(error, RequestValidationError):
            raise error
        wrongs = [
            {"field": ".".join(str(part) for part in found["loc"][1:]), "code": found["type"], "text": found["msg"]}
            for found in error.errors()
        ]
        return problem(422, "fields.invalid", "fields are missing or wrong", wrongs=wrongs)

    app.add_exception_handler(CentralError, ours)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, fields)
