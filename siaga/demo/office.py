"""The people of the demo, acting over HTTP as their browsers would."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from datetime import datetime
from types import TracebackType
from typing import Self, TypeVar

import httpx
from pydantic import JsonValue, TypeAdapter

from siaga.demo.processes import DemoFailure

ANSWER_WITHIN_S = 15.0
ASK_EVERY_S = 0.2

Json = dict[str, JsonValue]
_OBJECT = TypeAdapter(Json)
T = TypeVar("T")


class Person:
    """Somebody who is logged in."""

    def __init__(self, login: str, client: httpx.AsyncClient) -> None:
        self.login = login
        self._client = client

    async def get(self, path: str) -> Json:
        """Return the JSON at `path`."""
        return _OBJECT.validate_json((await self._ask("GET", path)).content)

    async def get_bytes(self, path: str) -> bytes:
        """Return the file at `path`."""
        return (await self._ask("GET", path)).content

    async def post(self, path: str, body: Mapping[str, JsonValue], *, key: str | None = None) -> Json:
        """Send JSON to `path` and return the answer; `key` makes a second sending harmless."""
        headers = {"Idempotency-Key": key} if key else {}
        return _OBJECT.validate_json((await self._ask("POST", path, json=body, headers=headers)).content)

    async def post_form(self, path: str, fields: Mapping[str, str], letter: tuple[str, bytes], *, key: str) -> Json:
        """Send a form with a letter to `path` and return the answer."""
        files = {"letter": (letter[0], letter[1], "application/pdf")}
        headers = {"Idempotency-Key": key}
        answer = await self._ask("POST", path, data=dict(fields), files=files, headers=headers)
        return _OBJECT.validate_json(answer.content)

    async def _ask(self, method: str, path: str, **more: object) -> httpx.Response:
        """Return a good answer.

        Raises:
            DemoFailure: no answer, or one that is not good.
        """
        try:
            answer = await self._client.request(method, path, **more)  # type: ignore[arg-type]
        except httpx.HTTPError as error:
            raise DemoFailure(f"{self.login}: {method} {path}: {error!r}") from error
        if answer.is_error:
            raise DemoFailure(f"{self.login}: {method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer


class Office:
    """Logs people in; closes their connections in the end."""

    def __init__(self, url: str, password: str) -> None:
        self._url = url
        self._password = password
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def person(self, login: str) -> Person:
        """Log `login` in."""
        client = httpx.AsyncClient(base_url=self._url, headers={"Origin": self._url}, timeout=ANSWER_WITHIN_S)
        person = Person(login, await self._stack.enter_async_context(client))
        await person.post("/api/v1/login", {"login": login, "password": self._password})
        return person


async def press(tablet: str, preset: str) -> None:
    """Press a preset's button as the tablet of a technician does.

    Raises:
        DemoFailure: the room refused it.
    """
    async with httpx.AsyncClient(base_url=tablet, headers={"Origin": tablet}, timeout=ANSWER_WITHIN_S) as client:
        answer = await client.post(f"/api/v1/presets/{preset}/run")
    if answer.is_error:
        raise DemoFailure(f"pressing {preset}: {answer.status_code} {answer.text[:300]}")


async def until(what: str, question: Callable[[], Awaitable[T | None]], within_s: float) -> T:
    """Ask until the answer is something, and return it.

    Raises:
        DemoFailure: it never was, within `within_s`; the last complaint is in the message.
    """
    complaint = ""
    try:
        async with asyncio.timeout(within_s):
            while True:
                try:
                    if (found := await question()) is not None:
                        return found
                except DemoFailure as error:
                    complaint = f": {error}"
                await asyncio.sleep(ASK_EVERY_S)
    except TimeoutError as error:
        raise DemoFailure(f"{what} did not happen within {within_s:g} s{complaint}") from error


def local(moment: datetime) -> str:
    """Return a moment as the story tells it."""
    return moment.astimezone().strftime("%H:%M:%S")
