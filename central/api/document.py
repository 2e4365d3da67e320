"""The API's document: what FastAPI knows of the routes, and what holds for all of them.

Spans of time are seconds, refusals are problem+json, every POST takes an Idempotency-Key,
every single thing has an ETag, and every operation shows an example of its request and of
its answer. The examples were recorded from an office at work (`python -m tests.tools.examples`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from importlib.resources import files
from typing import Any, Final

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict

from contract.base import Part

Json = dict[str, Any]

METHODS: Final = frozenset({"get", "post", "put", "patch", "delete"})
CONDITIONAL: Final = frozenset(
    {
        "POST /api/v1/requests/{ident}/disposition",
        "POST /api/v1/requests/{ident}/decision",
        "POST /api/v1/requests/{ident}/offer",
        "POST /api/v1/requests/{ident}/reschedule",
        "POST /api/v1/requests/{ident}/withdraw",
        "POST /api/v1/requests/{ident}/resubmission",
        "POST /api/v1/displacements/{ident}/decision",
        "POST /api/v1/delegations/{ident}/end",
        "PUT /api/v1/drafts/{ident}",
        "POST /api/v1/drafts/{ident}/submission",
        "PUT /api/v1/people/{ident}",
        "PUT /api/v1/register/{name}.csv",
    }
)
"""Changes that have to say to what; a request's may also say it by `version` in the body."""
_PROBLEM_REF: Final = {"$ref": "#/components/schemas/Problem"}
_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "the same key makes one order, also when it is sent several times; kept for 24 hours",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
}
_MATCH: Final = {
    "name": "If-Match",
    "in": "header",
    "description": "the ETag of what one saw; `*` for whatever it is now",
    "schema": {"type": "string", "maxLength": 200},
}
_ETAG: Final = {"description": "what If-Match wants", "schema": {"type": "string"}}


class Problem(BaseModel):
    """What is wrong. `code` is stable and what programs look at; `detail` is English, for logs."""

    model_config = ConfigDict(extra="allow")

    type: str
    status: int
    code: str
    detail: str


def install(app: FastAPI) -> None:
    """Let `app` show the whole document."""
    plain: Callable[[], Json] = app.openapi

    @cache
    def whole() -> Json:
        return completed(plain())

    app.openapi = whole  # type: ignore[method-assign]  # the way FastAPI documents


def completed(document: Json) -> Json:
    """Return FastAPI's document with what it does not know."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in schemas.keys() - _of_rooms():
        schemas[name] = _seconds(schemas[name])
    schemas["Problem"] = Problem.model_json_schema()
    examples = recorded()
    for name, operation in operations(document):
        _describe(name, operation)
        _show(operation, examples.get(name, {}))
    return document


def operations(document: Json) -> Iterator[tuple[str, Json]]:
    """Yield every operation as `GET /path` with its description."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method in METHODS:
                yield f"{method.upper()} {path}", operation


@cache
def recorded() -> Json:
    """Return the examples that were recorded, by operation."""
    found: Json = json.loads((files("central.api") / "examples.json").read_text(encoding="utf-8"))
    return found


def _describe(name: str, operation: Json) -> None:
    """Add the headers and refusals that no route spells out."""
    headers = [_KEY] if name.startswith("POST") and not name.endswith("/login") else []
    headers += [_MATCH] if name in CONDITIONAL else []
    if headers:
        operation["parameters"] = [*operation.get("parameters", []), *headers]
    for status, answer in operation["responses"].items():
        if int(status) >= 400:
            answer["content"] = {"application/problem+json": {"schema": _PROBLEM_REF}}
    if name.startswith("GET"):
        operation["responses"]["304"] = {"description": "still what If-None-Match names"}
        for status in ("200", "201"):
            operation["responses"].get(status, {}).setdefault("headers", {})["ETag"] = _ETAG


def _show(operation: Json, example: Json) -> None:
    """Put an example of the request and of the answer beside their schemas."""
    for part, kinds in (("request", operation.get("requestBody", {}).get("content", {})),):
        for kind in kinds.values():
            if part in example:
                kind["example"] = example[part]
    content = operation["responses"].get(str(example.get("status")), {}).get("content", {})
    for kind in content.values():
        if "answer" in example:
            kind["example"] = example["answer"]
    for parameter in operation.get("parameters", ()):
        if parameter["name"] in example.get("parameters", {}):
            parameter["example"] = example["parameters"][parameter["name"]]


def _of_rooms() -> frozenset[str]:
    """Return the names of what comes from rooms as they wrote it; there a span of time is a text such as PT30M."""
    found, waiting = set(), Part.__subclasses__()
    while waiting:
        model = waiting.pop()
        waiting += model.__subclasses__()
        found.add(model.__name__)
    return frozenset(found)


def _seconds(part: Any) -> Any:
    """Return a part of the document with spans of time as what they are answered as: seconds."""
    if isinstance(part, dict):
        if part.get("format") == "duration":
            return {**{k: v for k, v in part.items() if k != "format"}, "type": "number", "description": "seconds"}
        return {key: _seconds(value) for key, value in part.items()}
    if isinstance(part, list):
        return [_seconds(value) for value in part]
    return part
