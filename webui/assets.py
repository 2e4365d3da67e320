"""Static files under URLs that carry a hash of their content, so that browsers may keep them for a year.

All files of a face share one hash: `/static/3f9c0a51b2d4/live.js`. Modules and style sheets can
therefore name each other relatively, and the hash doubles as the version of the user interface
(`ui` in the live protocol). Everything is read and compressed once at start; a request is a
look-up in a table, so no path can leave the folders.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from mimetypes import guess_type
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

KIT = Path(__file__).parent / "static"
"""The kit's own files."""

FOR_A_YEAR = "public, max-age=31536000, immutable"
_TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}


@dataclass(frozen=True, slots=True)
class _File:
    kind: str
    plain: bytes
    packed: bytes


class Assets:
    """The static files of `folders`, with later folders winning, and of `made` (name to text)."""

    def __init__(self, *folders: Path, made: Mapping[str, str] | None = None, at: str = "/static") -> None:
        contents = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for folder in folders
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        contents |= {name: text.encode() for name, text in (made or {}).items()}
        self._files = {name: _file(name, content) for name, content in contents.items()}
        self.version = _digest(contents)
        self._at = at

    def url(self, name: str) -> str:
        """Return the address of `name`.

        Raises:
            KeyError: there is no such file; a page must not be sent with a dead link.
        """
        if name not in self._files:
            raise KeyError(f"no static file {name!r}; there are {', '.join(sorted(self._files))}")
        return f"{self._at}/{self.version}/{name}"

    def route(self) -> Mount:
        """Return the route that serves the files."""
        return Mount(self._at, app=self, name="static")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request for a file."""
        path = scope["path"].removeprefix(scope.get("root_path", "")).lstrip("/")
        version, _, name = path.partition("/")
        await self._answer(version, name, Headers(scope=scope))(scope, receive, send)

    def _answer(self, version: str, name: str, asked: Headers) -> Response:
        file = self._files.get(name)
        if file is None:
            return PlainTextResponse("no such file", status_code=404)
        headers = {"cache-control": FOR_A_YEAR if version == self.version else "no-cache", "vary": "accept-encoding"}
        if "gzip" in asked.get("accept-encoding", ""):
            return Response(file.packed, media_type=file.kind, headers=headers | {"content-encoding": "gzip"})
        return Response(file.plain, media_type=file.kind, headers=headers)


def _file(name: str, content: bytes) -> _File:
    kind = _TYPES.get(Path(name).suffix) or guess_type(name)[0] or "application/octet-stream"
    return _File(kind, content, gzip.compress(content, mtime=0))


def _digest(contents: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name in sorted(contents):
        digest.update(name.encode() + b"\0" + hashlib.sha256(contents[name]).digest())
    return digest.hexdigest()[:12]
