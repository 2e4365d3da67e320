"""How the API answers: one thing with its ETag, a list page by page, and changes only to what was seen.

A cursor is opaque to whoever holds it. It names the last thing of a page, so that a page
never skips or repeats anything because something was added before it meanwhile.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Generic, TypeVar

from fastapi import Depends, Query, Request
from fastapi.encoders import jsonable_encoder
from pydantic import BaseModel
from starlette.responses import Response

from central.errors import Invalid, Refused, Stale, Unconditional, Wrong

T = TypeVar("T")
Json = dict[str, Any]
Key = tuple[str | int | datetime, ...]
"""What a list is ordered by, of one thing: unique within the list."""

LIMIT: Final = 100
LIMIT_AT_MOST: Final = 500
LONG: Final = 1000
LONG_AT_MOST: Final = 5000
CURSOR_AT_MOST: Final = 400
ANY: Final = "*"
CHANGED: Final = "request.changed"


class Page(BaseModel, Generic[T]):
    """A part of a list; `next` is the `cursor` of the following one, null at the end."""

    items: list[T]
    next: str | None


def gives(model: Any, description: str = "done", *, status: int = 200) -> dict[int | str, dict[str, Any]]:
    """Return what a route's document says about its good answer (its type is whatever pydantic knows)."""
    return {status: {"model": model, "description": description}}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which part of a list is asked for."""

    limit: int = LIMIT
    cursor: str | None = None

    def after(self, name: str, *kinds: type) -> Key | None:
        """Return the key of the last thing that was seen; none at the beginning.

        Raises:
            Invalid: the cursor is not one of this list's.
        """
        if self.cursor is None:
            return None
        try:
            return _read_cursor(self.cursor, name, kinds)
        except (ValueError, TypeError, RecursionError):
            text = "wanted the `next` of a page of this list"
            raise Invalid(Wrong("cursor", "cursor.unreadable", text)) from None

    def after_number(self, name: str) -> int | None:
        """Return the number of the last thing that was seen, of a list in the order of its numbers.

        Raises:
            Invalid: the cursor is not one of this list's.
        """
        seen = self.after(name, int)
        return seen[0] if seen and isinstance(seen[0], int) else None


def _read_cursor(cursor: str, name: str, kinds: tuple[type, ...]) -> Key:
    """Return the key that a cursor holds.

    Raises:
        ValueError: it is none, or one of another list.
    """
    padded = cursor.encode() + b"=" * (-len(cursor) % 4)
    told, *parts = json.loads(base64.urlsafe_b64decode(padded))
    if told != name:
        raise ValueError(told)
    return tuple(_read(part, kind) for part, kind in zip(parts, kinds, strict=True))


def _read(part: object, kind: type) -> str | int | datetime:
    """Return a part of a key.

    Raises:
        ValueError: it is of another kind, or nothing that a database knows.
    """
    if kind is datetime and isinstance(part, str):
        moment = datetime.fromisoformat(part)
        if moment.tzinfo is not None and 1970 <= moment.year <= 2199:
            return moment
    if kind is int and type(part) is int and 0 <= part < 2**53:
        return part
    if kind is str and isinstance(part, str) and "\0" not in part:
        return part
    raise ValueError(part)


def _wanted(
    limit: Annotated[int, Query(ge=1, le=LIMIT_AT_MOST, description="things of a page at most")] = LIMIT,
    cursor: Annotated[str | None, Query(max_length=CURSOR_AT_MOST, description="`next` of the page before")] = None,
) -> Wanted:
    return Wanted(limit, cursor)


Part = Annotated[Wanted, Depends(_wanted)]
"""The page that is asked for, as a parameter of a route."""


def _wanted_long(
    limit: Annotated[int, Query(ge=1, le=LONG_AT_MOST, description="things of a page at most")] = LONG,
    cursor: Annotated[str | None, Query(max_length=CURSOR_AT_MOST, description="`next` of the page before")] = None,
) -> Wanted:
    return Wanted(limit, cursor)


LongPart = Annotated[Wanted, Depends(_wanted_long)]
"""The same for lists of many small things."""


def page(name: str, found: Sequence[T], limit: int, key: Callable[[T], Key], status: int = 200) -> Response:
    """Answer with a page; `found` holds one thing more than `limit` when there is a following page."""
    shown = found[:limit]
    following = cursor_of(name, key(shown[-1])) if len(found) > limit else None
    return _answer({"items": [jsonable_encoder(one) for one in shown], "next": following}, status)


def part_of(
    name: str,
    everything: Iterable[T],
    wanted: Wanted,
    key: Callable[[T], str],
    *,
    newest_first: bool = False,
    status: int = 200,
) -> Response:
    """Answer with a page of a list that is short enough to be there as a whole, ordered by its key."""
    seen = wanted.after(name, str)
    ordered = sorted(everything, key=key, reverse=newest_first)
    last = str(seen[0]) if seen else None
    rest = [one for one in ordered if last is None or (key(one) < last if newest_first else key(one) > last)]
    return page(name, rest[: wanted.limit + 1], wanted.limit, lambda one: (key(one),), status)


def cursor_of(name: str, key: Key) -> str:
    """Return the cursor of what comes after the thing with this key."""
    parts = [part.isoformat() if isinstance(part, datetime) else part for part in key]
    return base64.urlsafe_b64encode(json.dumps([name, *parts]).encode()).rstrip(b"=").decode()


def one(request: Request, value: object, *, version: int | None = None, status: int = 200) -> Response:
    """Answer with one thing and its ETag, or that it is still the one that is known already.

    The ETag of a thing with a version begins with it, so that a change can be held against it
    inside the transaction that makes it.
    """
    body = value if isinstance(value, dict) else jsonable_encoder(value)
    tag = tag_of(body, version)
    if request.method in {"GET", "HEAD"} and _matches(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers={"etag": tag})
    return _answer(body, status, {"etag": tag})


def tag_of(body: object, version: int | None = None) -> str:
    """Return the ETag of a thing as it is answered."""
    digest = hashlib.sha256(json.dumps(jsonable_encoder(body), sort_keys=True).encode()).hexdigest()[:20]
    return f'"{digest}"' if version is None else f'"{version}.{digest}"'


def plain(value: object, status: int = 200) -> Response:
    """Answer with something that has no ETag: a computation, or the result of a deed."""
    return _answer(jsonable_encoder(value), status)


def _answer(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    content = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Response(content.encode(), status, headers, media_type="application/json")


def _matches(header: str, tag: str) -> bool:
    """Return whether one of the header's ETags is `tag`; weak ones count when nothing is changed."""
    return header.strip() == ANY or tag in {one.strip().removeprefix("W/") for one in header.split(",")}


def seen_version(request: Request, in_body: int | None) -> int | None:
    """Return which version the change is meant for: of If-Match, else of the body; none for any.

    Raises:
        Unconditional: neither says.
        Stale: If-Match is no ETag of a request.
    """
    header = request.headers.get("if-match")
    if header is None:
        if in_body is None:
            raise Unconditional
        return in_body
    if header.strip() == ANY:
        return in_body
    number = header.strip().strip('"').partition(".")[0]
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        raise Stale(header)
    return int(number)


@contextmanager
def only_if_unchanged(request: Request) -> Iterator[None]:
    """Say with 412 that If-Match did not match; a version in the body is answered with 409.

    Raises:
        Stale: it changed.
        Refused: another rule forbids it.
    """
    try:
        yield
    except Refused as error:
        if error.code == CHANGED and "if-match" in request.headers:
            raise Stale(request.headers["if-match"]) from error
        raise


def expect(request: Request, now: object) -> None:
    """Return when If-Match names the thing as it is `now`.

    Raises:
        Unconditional: there is no If-Match.
        Stale: it is another one.
    """
    header = request.headers.get("if-match")
    if header is None:
        raise Unconditional
    tag = tag_of(now)
    if header.strip() != ANY and tag not in {one.strip() for one in header.split(",")}:
        raise Stale(header)
