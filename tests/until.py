"""Waiting in tests: for a condition, never for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from inspect import isawaitable


async def until(condition: Callable[[], bool | Awaitable[bool]], *, within_s: float = 5.0) -> None:
    """Return once `condition` holds.

    Raises:
        TimeoutError: it did not within `within_s`.
    """
    async with asyncio.timeout(within_s):
        while True:
            answer = condition()
            if (await answer) if isawaitable(answer) else answer:
                return
            await asyncio.sleep(0.005)
