"""STOP over a fresh link, at once, when a link dies while the camera is driven.

A camera on TCP or a serial line goes on as it was told last when its line dies, and whoever
opens the line next may come late. So a new line is made in the background for STOP alone,
again and again for a bounded time, until the camera has acknowledged it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress

from drivers.errors import DriverError
from drivers.outcomes import Outcome, Reason
from drivers.visca.codec import ErrorCode
from drivers.visca.conversation import Conversation
from drivers.visca.line import Line
from drivers.visca.session import Order, Request, Session

log = logging.getLogger(__name__)

WITHIN_S = 10.0
"""A device that starts anew is back by then; later it is for whoever opens the line."""
TRY_S = 2.0
AGAIN_S = 0.2


class Lifeline:
    """The background STOP of one camera."""

    def __init__(
        self, name: str, line: Callable[[], Line], session: Callable[[], Session], stops: Iterable[Order]
    ) -> None:
        """Make one that does nothing yet.

        Args:
            name: what the room calls the camera.
            line: makes another way to it.
            session: makes the session of a new link.
            stops: what to say.
        """
        self.lost: Reason | None = None
        """Why the link died in mid-drive; none if it did not, or since the camera was opened again."""
        self.is_heard = False
        """The camera has acknowledged STOP since."""
        self._name = name
        self._line = line
        self._session = session
        self._stops = tuple(stops)
        self._task: asyncio.Task[None] | None = None

    def throw(self, why: Reason) -> None:
        """Begin to stop a camera whose link died because of `why`."""
        self.lost, self.is_heard = why, False
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run(), name=f"stop of {self._name}, cut off")

    async def close(self, within_s: float) -> None:
        """Let an unfinished STOP go on for `within_s` at most, and end it."""
        task, self._task = self._task, None
        if task is not None:
            await asyncio.wait([task], timeout=within_s)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def forget(self) -> None:
        """Say that the camera was opened and stopped again."""
        self.lost = None

    async def _run(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(WITHIN_S):
                while True:
                    self.is_heard = await self._try()
                    if self.is_heard:
                        break
                    await asyncio.sleep(AGAIN_S)
        self._tell()

    async def _try(self) -> bool:
        """Return whether the camera has answered every STOP over a link of its own."""
        talk = Conversation(self._name, self._line(), self._session)
        try:
            async with asyncio.timeout(TRY_S):
                await talk.open()
                ended = await asyncio.gather(*map(talk.ask, self._stops))
                return all(map(_stands, ended))
        except (DriverError, TimeoutError):
            return False
        finally:
            await talk.close()

    def _tell(self) -> None:
        text = "link was lost in mid-drive: camera stopped over a new one"
        if not self.is_heard:
            text = "link was lost in mid-drive, and nobody knows whether the camera stands"
        level = logging.WARNING if self.is_heard else logging.ERROR
        log.log(level, text, extra={"action": "stopped_after_loss", "device": self._name, "heard": self.is_heard})


def _stands(stop: Request) -> bool:
    """Whether nothing moves any more: the camera took the STOP, or has nothing there that it would stop."""
    if stop.outcome is Outcome.REFUSED:
        return stop.code != ErrorCode.BUFFER_FULL
    return stop.outcome is Outcome.COMPLETED
