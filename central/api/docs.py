"""The API's document for people: a page made here, because our content policy loads nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from fastapi import APIRouter, Depends, Request
from starlette.responses import HTMLResponse

from central.api.guard import public
from central.api.problems import API

router = APIRouter()


@router.get("/api/docs", include_in_schema=False, dependencies=[Depends(public)])
def docs(request: Request) -> HTMLResponse:
    """Return every operation with what it does; the whole truth is the JSON it links to."""
    schema = request.app.openapi()
    operations = "".join(_operations(schema["paths"]))
    title = escape(schema["info"]["title"])
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><h1>{title}</h1>'
    return HTMLResponse(f'{head}<p><a href="{API}openapi.json">OpenAPI (JSON)</a></p><dl>{operations}</dl></html>')


def _operations(paths: dict[str, dict[str, dict[str, str]]]) -> Iterator[str]:
    for path, methods in paths.items():
        for method, operation in methods.items():
            said = escape(operation.get("description", ""))
            yield f"<dt><code>{method.upper()} {escape(path)}</code></dt><dd>{said}</dd>"
