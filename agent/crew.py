"""Work that goes on beside the plan, in one group that ends with the engine."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from typing import Any


class Crew:
    """Does work while the engine runs, and none before or after."""

    def __init__(self) -> None:
        self.group: asyncio.TaskGroup | None = None
        """None while the engine does not run."""

    @contextlib.asynccontextmanager
    async def at_work(self) -> AsyncIterator[asyncio.TaskGroup]:
        """Be there meanwhile; what still goes on at the end is waited for, or cancelled with whoever runs this."""
        try:
            async with asyncio.TaskGroup() as group:
                self.group = group
                yield group
        finally:
            self.group = None

    def spawn_work(self, work: Coroutine[Any, Any, None], name: str) -> bool:
        """Have work done beside the plan; false when the engine does not run."""
        if self.group is None:
            work.close()
            return False
        self.group.create_task(work, name=name)
        return True
